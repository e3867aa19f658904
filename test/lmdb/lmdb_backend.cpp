#include <quorate/lmdb/lmdb_backend.hpp>
#include <quorate/testing/bulk.hpp>
#include <quorate/testing/conformance/value_backend.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../print_errc.hpp"
#include "scratch_backend.hpp"

BOOST_AUTO_TEST_SUITE(lmdb_backend_tests)

using quorate::database_options;
using quorate::errc;
using quorate::error_code;
using quorate::lmdb_backend;
using quorate::log_index;
using quorate::revision;
using quorate::row;
using quorate::shared_bytes;
using quorate::state_mark;
using quorate::term_id;
using quorate_test::database_directory;
using quorate_test::scratch_backend;

namespace {

row numbered(std::uint64_t n, std::size_t value_bytes = 100) {
    return {shared_bytes::copy_of("key " + std::to_string(n)),
            shared_bytes::copy_of(std::string(value_bytes, static_cast<char>('a' + n % 26))), n, 1,
            quorate::lease_id(n % 3)};
}
state_mark mark(std::uint64_t index) {
    return {{term_id(2), log_index(index)},
            shared_bytes::copy_of("context " + std::to_string(index))};
}
/// As long as it exists, no file of this process grows further, as on a full disk.
class file_size_limit {
public:
    explicit file_size_limit(std::uint64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit lower{bytes, before_.rlim_max};
        BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
    }
    ~file_size_limit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;

private:
    void (*handler_)(int);
    rlimit before_{};
};
/// Rows from..upto, and one commit.
void fill(lmdb_backend& backend, std::uint64_t from, std::uint64_t upto) {
    for (std::uint64_t n = from; n <= upto; ++n) {
        backend.put({n, 0}, numbered(n));
    }
    BOOST_REQUIRE(!backend.commit(mark(upto)));
}
lmdb_backend open(const database_directory& directory) {
    auto opened = lmdb_backend::open(directory.options());
    BOOST_REQUIRE_MESSAGE(opened.has_value(), opened.error().message());
    return std::move(*opened);
}
std::vector<std::uint64_t> rows_of(const lmdb_backend& backend) {
    std::vector<std::uint64_t> seen;
    backend.scan({0, 0}, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& found) {
        BOOST_REQUIRE((found == numbered(at.main)));
        seen.push_back(at.main);
        return true;
    });
    return seen;
}
error_code walk(const lmdb_backend& backend) {
    return backend.walk([](revision, const quorate::row_view&) { return true; });
}
std::filesystem::path only_file(const database_directory& directory) {
    std::filesystem::path found;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "db")) {
        if (entry.path().string().ends_with("-lock")) {
            continue;
        }
        BOOST_REQUIRE(found.empty());
        found = entry.path();
    }
    return found;
}
/// Changes one byte of the only place that holds `text`.
void damage(const std::filesystem::path& file, const std::string& text) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    const std::size_t at = bytes.find(text);
    BOOST_REQUIRE(at != std::string::npos);
    stream.clear();
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put('#');
}

} // namespace

// [conformance
BOOST_AUTO_TEST_CASE(it_keeps_the_contract_wherever_its_rows_lie) {
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
        const auto report = quorate::testing::check_value_backend<scratch_backend>(seed);
        BOOST_TEST(report.passed(), report);
        BOOST_TEST(report.checks() > 10000u);
    }
}
// conformance]

BOOST_AUTO_TEST_CASE(one_without_a_directory_keeps_the_contract_in_memory) {
    const auto report = quorate::testing::check_value_backend<lmdb_backend>();
    BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_CASE(what_was_committed_is_there_again_and_nothing_else) {
    const database_directory directory;
    {
        lmdb_backend backend = open(directory);
        BOOST_TEST(!backend.held().at.index);
        fill(backend, 1, 5);
        BOOST_TEST(backend.erase({2, 0}));
        backend.put({6, 0}, numbered(6));
        BOOST_TEST(!backend.commit(mark(9)));
        backend.put({7, 0}, numbered(7));
        BOOST_TEST(backend.erase({3, 0}));
    }
    const lmdb_backend backend = open(directory);
    BOOST_TEST((backend.held().at == mark(9).at));
    BOOST_TEST(backend.held().context.view() == "context 9");
    BOOST_TEST(backend.size() == 5u);
    BOOST_TEST((rows_of(backend) == std::vector<std::uint64_t>{1, 3, 4, 5, 6}));
    BOOST_TEST(!walk(backend));
}

BOOST_AUTO_TEST_CASE(one_that_was_never_committed_leaves_nothing) {
    const database_directory directory;
    {
        lmdb_backend backend = open(directory);
        backend.put({1, 0}, numbered(1));
    }
    BOOST_TEST(std::filesystem::is_empty(directory.path() / "db"));
    BOOST_TEST(open(directory).size() == 0u);
}

BOOST_AUTO_TEST_CASE(rows_come_and_go_while_a_commit_is_written) {
    const database_directory directory;
    lmdb_backend backend = open(directory);
    fill(backend, 1, 3);
    backend.put({4, 0}, numbered(4));
    BOOST_TEST(backend.erase({1, 0}));
    quorate::lmdb_commit job = backend.begin_commit(mark(4));
    BOOST_TEST(!backend.can_commit());
    backend.put({5, 0}, numbered(5));
    BOOST_TEST(backend.erase({4, 0})); // it is being written
    BOOST_TEST(backend.erase({2, 0})); // it is in the database
    BOOST_TEST(!backend.erase({1, 0}));
    BOOST_TEST((rows_of(backend) == std::vector<std::uint64_t>{3, 5}));
    const error_code written = job.run();
    BOOST_TEST((rows_of(backend) == std::vector<std::uint64_t>{3, 5}));
    BOOST_TEST(!backend.finish_commit(std::move(job), written));
    BOOST_TEST((rows_of(backend) == std::vector<std::uint64_t>{3, 5}));
    backend = lmdb_backend();
    backend = open(directory);
    BOOST_TEST((rows_of(backend) == std::vector<std::uint64_t>{2, 3, 4}));
}

BOOST_AUTO_TEST_CASE(memory_held_does_not_grow_with_the_rows) {
    const database_directory directory;
    database_options options = directory.options();
    options.batch_bytes = 100'000;
    lmdb_backend backend = lmdb_backend::open(options).value();
    std::uint64_t most = 0;
    for (std::uint64_t n = 1; n <= 5000; ++n) {
        backend.put({n, 0}, numbered(n, 1000));
        most = std::max(most, backend.pending_bytes());
        if (backend.wants_commit()) {
            BOOST_REQUIRE(!backend.commit(mark(n)));
        }
    }
    BOOST_TEST(most < 102'000u);
    BOOST_TEST(*backend.file_bytes() > 5'000'000u);
    std::uint64_t n = 0;
    backend.scan({0, 0}, {UINT64_MAX, 0},
                 [&](revision, const row& found) { return found == numbered(++n, 1000); });
    BOOST_TEST(n == 5000u);
}

BOOST_AUTO_TEST_CASE(a_full_database_refuses_and_goes_on_when_there_is_space) {
    const database_directory directory;
    database_options options = directory.options();
    options.bytes_max = 1 << 20;
    {
        lmdb_backend backend = lmdb_backend::open(options).value();
        fill(backend, 1, 10);
        for (std::uint64_t n = 11; n <= 1500; ++n) {
            backend.put({n, 0}, numbered(n, 1000));
        }
        BOOST_TEST(backend.commit(mark(1500)) == errc::no_space);
        BOOST_TEST(backend.commit(mark(1501)) == errc::no_space);
        BOOST_TEST(!backend.error());
        BOOST_TEST(backend.wants_commit());
        BOOST_TEST((backend.held().at == mark(10).at));
        BOOST_TEST(backend.size() == 1500u);
        BOOST_TEST((backend.find({700, 0}) == numbered(700, 1000)));
    }
    options.bytes_max = 16 << 20;
    lmdb_backend backend = lmdb_backend::open(options).value();
    BOOST_TEST(backend.size() == 10u);
    for (std::uint64_t n = 11; n <= 1500; ++n) {
        backend.put({n, 0}, numbered(n, 1000));
    }
    BOOST_TEST(!backend.commit(mark(1500)));
}

BOOST_AUTO_TEST_CASE(write_that_the_disk_cuts_short_is_no_space_and_is_done_again) {
    const database_directory directory;
    {
        lmdb_backend backend = open(directory);
        fill(backend, 1, 10);
        for (std::uint64_t n = 11; n <= 1500; ++n) {
            backend.put({n, 0}, numbered(n, 1000));
        }
        {
            const file_size_limit full(*backend.file_bytes() + 100'500); // within a page
            BOOST_TEST(backend.commit(mark(1500)) == errc::no_space);
            BOOST_TEST(backend.commit(mark(1501)) == errc::no_space);
            BOOST_TEST(!backend.error());
            BOOST_TEST((backend.held().at == mark(10).at));
            BOOST_TEST((backend.find({700, 0}) == numbered(700, 1000)));
        }
        BOOST_TEST(!backend.commit(mark(1502)));
        BOOST_TEST((backend.held().at == mark(1502).at));
    }
    BOOST_TEST(open(directory).size() == 1500u);
}

BOOST_AUTO_TEST_CASE(a_rotten_value_is_found_when_it_is_read) {
    const database_directory directory;
    {
        lmdb_backend backend = open(directory);
        fill(backend, 1, 3);
    }
    damage(only_file(directory), std::string(100, 'c')); // the value of row 2
    const lmdb_backend backend = open(directory);
    BOOST_TEST(!walk(backend)); // reads no values
    BOOST_TEST((backend.find({1, 0}) == numbered(1)));
    BOOST_TEST(!backend.error());
    BOOST_TEST(!backend.find({2, 0}));
    BOOST_TEST(backend.error() == errc::corrupt);
    BOOST_TEST(!backend.can_commit());
}

BOOST_AUTO_TEST_CASE(a_rotten_row_is_found_by_the_first_walk) {
    const database_directory directory;
    {
        lmdb_backend backend = open(directory);
        fill(backend, 1, 3);
    }
    damage(only_file(directory), "key 3");
    BOOST_TEST(walk(open(directory)) == errc::corrupt);
    damage(only_file(directory), "context");
    BOOST_TEST(lmdb_backend::open(directory.options()).error() == errc::corrupt);
    database_options anew = directory.options();
    anew.anew = true;
    const auto fresh = lmdb_backend::open(anew);
    BOOST_REQUIRE(fresh.has_value());
    BOOST_TEST(fresh->size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_early_is_damaged_and_no_more) {
    const database_directory directory;
    {
        lmdb_backend backend = open(directory);
        fill(backend, 1, 2000);
    }
    const std::filesystem::path file = only_file(directory);
    for (std::uint64_t bytes = std::filesystem::file_size(file) / 2; bytes > 0; bytes /= 2) {
        std::filesystem::resize_file(file, bytes);
        const auto opened = lmdb_backend::open(directory.options());
        BOOST_TEST((!opened || walk(*opened)));
    }
}

BOOST_AUTO_TEST_CASE(a_stream_is_the_state_of_its_moment_in_any_order) {
    const database_directory directory;
    lmdb_backend backend = open(directory);
    lmdb_backend memory;
    for (std::uint64_t n = 1; n <= 3000; ++n) {
        backend.put({n, 0}, numbered(n, n % 700));
        memory.put({n, 0}, numbered(n, n % 700));
        if (n == 2000) {
            BOOST_REQUIRE(!backend.commit(mark(n)));
        }
    }
    const std::vector<revision> hidden{{7, 0}, {1999, 0}, {2500, 0}};
    std::uint64_t hidden_bytes = 0;
    for (const revision at : hidden) {
        hidden_bytes += numbered(at.main).key.size() + at.main % 700;
    }
    const auto job = backend.begin_commit(mark(3000));
    for (const std::uint64_t n : {3u, 2001u}) { // in the database, and on the way there
        BOOST_TEST(backend.erase({n, 0}));
        BOOST_TEST(memory.erase({n, 0}));
    }
    const quorate::bulk_bytes state = backend.stream({3000, 4, 0}, hidden, hidden_bytes);
    const std::string wanted =
        quorate::testing::bytes_of(memory.stream({3000, 4, 0}, hidden, hidden_bytes));
    BOOST_TEST(!backend.finish_commit(job, job.run()));
    for (std::uint64_t n = 3001; n <= 3100; ++n) {
        backend.put({n, 0}, numbered(n));
        BOOST_TEST(backend.erase({n - 1000, 0}) == (n != 3001));
    }
    BOOST_TEST(!backend.commit(mark(3100)));
    BOOST_TEST((quorate::testing::bytes_of(state) == wanted));
    BOOST_TEST(state.hash() ==
               quorate::bulk_bytes(quorate::rope{shared_bytes::copy_of(wanted)}).hash());
    std::mt19937_64 random(1);
    for (int i = 0; i < 50; ++i) {
        const std::uint64_t at = random() % wanted.size();
        const auto piece = state.read(at, 1 + random() % 1000);
        BOOST_REQUIRE(piece.has_value());
        BOOST_TEST((piece->view() == std::string_view(wanted).substr(at, piece->size())));
    }
}

BOOST_AUTO_TEST_CASE(a_stream_over_rotten_rows_fails) {
    const database_directory directory;
    {
        lmdb_backend backend = open(directory);
        fill(backend, 1, 3);
    }
    damage(only_file(directory), std::string(100, 'c'));
    const quorate::bulk_bytes state = open(directory).stream({3, 0, 0}, {}, 0);
    BOOST_TEST(state.read(0, 100).error() == errc::corrupt);
    BOOST_TEST(state.hash() == 0u);
}

BOOST_AUTO_TEST_CASE(a_successor_takes_the_place_with_its_first_commit) {
    const database_directory directory;
    database_options options = directory.options();
    options.batch_bytes = 10'000;
    lmdb_backend backend = lmdb_backend::open(options).value();
    fill(backend, 1, 3);
    const quorate::bulk_bytes state = backend.stream({3, 0, 0}, {}, 0);
    const std::string before = quorate::testing::bytes_of(state);
    {
        lmdb_backend given_up = backend.successor();
        given_up.put({5, 0}, numbered(5));
    }
    only_file(directory);
    lmdb_backend next = backend.successor();
    for (std::uint64_t n = 10; n <= 500; ++n) {
        next.put({n, 0}, numbered(n));
    }
    BOOST_TEST(next.pending_bytes() < 11'000u); // the rest lies in its file already
    backend = std::move(next);
    BOOST_TEST(backend.wants_commit());
    lmdb_backend crashed = [&] { // what a start would find now
        std::filesystem::copy(directory.path() / "db", directory.path() / "copy");
        database_options copy = options;
        copy.directory = (directory.path() / "copy").string();
        return lmdb_backend::open(copy).value();
    }();
    BOOST_TEST((rows_of(crashed) == std::vector<std::uint64_t>{1, 2, 3}));
    BOOST_TEST(!backend.commit(mark(500)));
    only_file(directory);
    BOOST_TEST((quorate::testing::bytes_of(state) == before)); // a reader keeps what it reads
    backend = lmdb_backend();
    BOOST_TEST(open(directory).size() == 491u);
}

BOOST_AUTO_TEST_CASE(defragmentation_gives_space_back_and_stops_nothing) {
    const database_directory directory;
    lmdb_backend backend = open(directory);
    fill(backend, 1, 20'000);
    for (std::uint64_t n = 1; n <= 20'000; ++n) {
        if (n % 10 != 0) {
            backend.erase({n, 0});
        }
    }
    BOOST_TEST(!backend.commit(mark(20'001)));
    const std::uint64_t before = *backend.file_bytes();
    quorate::lmdb_defragmentation job = backend.begin_defragmentation();
    backend.put({20'001, 0}, numbered(20'001));
    BOOST_TEST(backend.erase({10, 0}));
    BOOST_TEST((backend.find({20, 0}) == numbered(20)));
    const error_code copied = job.run();
    BOOST_TEST(!copied);
    BOOST_TEST(!backend.can_commit());
    BOOST_TEST(!backend.finish_defragmentation(std::move(job), copied));
    BOOST_TEST(*backend.file_bytes() < before / 4);
    BOOST_TEST(!backend.commit(mark(20'002)));
    BOOST_TEST(backend.size() == 2000u);
    only_file(directory);
    backend = lmdb_backend();
    backend = open(directory);
    BOOST_TEST((backend.held().at == mark(20'002).at));
    BOOST_TEST(rows_of(backend).size() == 2000u);
    BOOST_TEST(!walk(backend));
}

BOOST_AUTO_TEST_CASE(full_table_of_readers_refuses_streams_and_nothing_else) {
    const database_directory directory;
    lmdb_backend backend = open(directory);
    fill(backend, 1, 50);
    std::vector<quorate::bulk_bytes> streams;
    std::size_t refused = 0;
    for (unsigned i = 0; i < quorate::lmdb_readers_max + 40; ++i) {
        streams.push_back(backend.stream({50, 0, 0}, {}, 0));
        const auto piece = streams.back().read(0, 10);
        BOOST_REQUIRE((piece || piece.error() == errc::too_many_unapplied));
        refused += piece ? 0U : 1U;
    }
    BOOST_TEST(refused > 39u);
    BOOST_TEST(refused < 50u);
    for (std::uint64_t n = 51; n <= 150; ++n) { // each commit looks at the database anew
        backend.put({n, 0}, numbered(n));
        BOOST_REQUIRE(!backend.commit(mark(n)));
        // Its own place is not free meanwhile.
        BOOST_REQUIRE(
            (backend.stream({n, 0, 0}, {}, 0).read(0, 10).error() == errc::too_many_unapplied));
        BOOST_REQUIRE((backend.find({n - 50, 0}) == numbered(n - 50)));
    }
    quorate::lmdb_defragmentation job = backend.begin_defragmentation();
    const error_code copied = job.run();
    BOOST_TEST(copied == errc::too_many_unapplied);
    BOOST_TEST(backend.finish_defragmentation(std::move(job), copied) == copied);
    BOOST_TEST(!backend.error());
    streams.clear();
    BOOST_TEST(backend.stream({150, 0, 0}, {}, 0).read(0, 10).has_value());
    quorate::lmdb_defragmentation again = backend.begin_defragmentation();
    const error_code done = again.run();
    BOOST_TEST(!backend.finish_defragmentation(std::move(again), done));
    BOOST_TEST(rows_of(backend).size() == 150u);
}

BOOST_AUTO_TEST_CASE(full_database_takes_erasures_and_recovers_without_a_restart) {
    const database_directory directory;
    database_options options = directory.options();
    options.bytes_max = 1 << 20;
    lmdb_backend backend = lmdb_backend::open(options).value();
    std::uint64_t last = 0;
    error_code failed;
    while (!failed) {
        for (int i = 0; i < 20; ++i) {
            ++last;
            backend.put({last, 0}, numbered(last, 1000));
        }
        failed = backend.commit(mark(last));
        BOOST_REQUIRE(last < 5000u);
    }
    BOOST_TEST(failed == errc::no_space);
    BOOST_TEST(last > 700u); // pages are well filled
    // Each third row, so that no page is empty afterwards and all are written anew.
    for (std::uint64_t n = 1; n <= last; n += 3) {
        BOOST_TEST(backend.erase({n, 0}));
    }
    BOOST_TEST(!backend.commit(mark(last + 1)));
    BOOST_TEST(!backend.error());
    for (std::uint64_t n = 1; n <= last; ++n) {
        BOOST_TEST(backend.erase({n, 0}) == (n % 3 != 1));
    }
    BOOST_TEST(!backend.commit(mark(last + 2)));
    BOOST_TEST(backend.used_bytes() < 50'000u);
    for (int round = 0; round < 3; ++round) { // what was freed is written over
        const std::uint64_t from = last + 1;
        for (int i = 0; i < 500; ++i) {
            ++last;
            backend.put({last, 0}, numbered(last, 1000));
        }
        BOOST_TEST(!backend.commit(mark(last + 2)));
        for (std::uint64_t n = from; n <= last && round < 2; ++n) {
            BOOST_TEST(backend.erase({n, 0}));
        }
        BOOST_TEST(!backend.commit(mark(last + 3)));
    }
    BOOST_TEST(*backend.file_bytes() < 2 * options.bytes_max + (16 << 20));
    backend = lmdb_backend();
    backend = lmdb_backend::open(options).value();
    BOOST_TEST(backend.size() == 500u);
    BOOST_TEST(!walk(backend));
}

BOOST_AUTO_TEST_CASE(erasure_of_a_row_that_found_no_space_leaves_nothing_to_write) {
    const database_directory directory;
    lmdb_backend backend = open(directory);
    fill(backend, 1, 3);
    backend.put({4, 0}, numbered(4));
    BOOST_TEST(backend.erase({1, 0}));
    BOOST_TEST(backend.finish_commit(backend.begin_commit(mark(4)), errc::no_space) ==
               errc::no_space);
    backend.put({5, 0}, numbered(5));
    BOOST_TEST(backend.erase({4, 0}));
    BOOST_TEST(backend.erase({2, 0}));
    BOOST_TEST((rows_of(backend) == std::vector<std::uint64_t>{3, 5}));
    BOOST_TEST(!backend.commit(mark(5)));
    BOOST_TEST(backend.pending_bytes() == 0u);
    backend = lmdb_backend();
    backend = open(directory);
    BOOST_TEST((backend.held().at == mark(5).at));
    BOOST_TEST((rows_of(backend) == std::vector<std::uint64_t>{3, 5}));
    BOOST_TEST(!walk(backend));
}

BOOST_AUTO_TEST_CASE(used_bytes_follow_what_waits_and_what_is_erased) {
    const database_directory directory;
    lmdb_backend backend = open(directory);
    const std::uint64_t empty = backend.used_bytes();
    for (std::uint64_t n = 1; n <= 2000; ++n) {
        backend.put({n, 0}, numbered(n, 1000));
    }
    const std::uint64_t waiting = backend.used_bytes();
    BOOST_TEST(waiting > empty + 2000u * 1000);
    BOOST_TEST(waiting < empty + 2000u * 1200);
    BOOST_TEST(!backend.commit(mark(2000)));
    const std::uint64_t full = backend.used_bytes();
    BOOST_TEST(full > 2000u * 1000);
    BOOST_TEST(full < 2000u * 1500);
    const std::uint64_t file = *backend.file_bytes();
    BOOST_TEST(backend.grown_bytes() == file);
    for (std::uint64_t n = 1; n <= 1900; ++n) {
        backend.erase({n, 0});
    }
    BOOST_TEST(backend.used_bytes() < full / 4);
    BOOST_TEST(backend.grown_bytes() == file); // erasures are no growth
    BOOST_TEST(!backend.commit(mark(2001)));
    BOOST_TEST(backend.used_bytes() < full / 4);
    BOOST_TEST(*backend.file_bytes() >= file);
    for (std::uint64_t n = 2001; n <= 2500; ++n) { // fits into what is free
        backend.put({n, 0}, numbered(n, 1000));
    }
    BOOST_TEST(backend.grown_bytes() == *backend.file_bytes());
    quorate::lmdb_defragmentation job = backend.begin_defragmentation();
    const error_code copied = job.run();
    BOOST_TEST(!backend.finish_defragmentation(std::move(job), copied));
    BOOST_TEST(*backend.file_bytes() < file / 4);
    BOOST_TEST(!backend.commit(mark(2500)));
    backend = lmdb_backend();
    backend = open(directory);
    BOOST_TEST(backend.used_bytes() > 600u * 1000);
    BOOST_TEST(backend.used_bytes() <= *backend.file_bytes());
}

BOOST_AUTO_TEST_SUITE_END()
