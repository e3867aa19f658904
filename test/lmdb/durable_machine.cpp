// The key-value machine over a database: crashes, replay, and what it starts from.
#include <quorate/lmdb/lmdb_backend.hpp>
#include <quorate/store/auth_machine.hpp>
#include <quorate/store/durable_machine.hpp>
#include <quorate/store/kv_machine.hpp>
#include <quorate/testing/bulk.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../store/generator.hpp"
#include "scratch_backend.hpp"

BOOST_AUTO_TEST_SUITE(durable_machine_tests)

using namespace quorate;
using durable = kv_machine<ordered_index, lmdb_backend>;
using quorate_test::database_directory;
using quorate_test::generator;

static_assert(durable_machine<durable>);
static_assert(durable_machine<auth_machine<durable>>);
static_assert(!durable_machine<kv_machine<>>);

namespace {

std::string state_of(const bulk_bytes& snapshot) {
    return testing::bytes_of(snapshot);
}
durable open(const database_options& options) {
    auto opened = durable::open(options);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), opened.error().message());
    return std::move(*opened);
}
log_id at(std::uint64_t index) {
    return {term_id(1), log_index(index)};
}
shared_bytes command_of(const request& asked) {
    return durable::encode(asked).freeze().slice(command_header_bytes);
}
error_code commit(durable& machine, std::uint64_t index) {
    auto job = machine.begin_commit(at(index));
    const error_code failed = job.run();
    return machine.finish_commit(std::move(job), failed);
}

/// A machine, the log that it applied, and a twin in memory that never restarts.
class history {
public:
    explicit history(std::uint64_t seed) : choose_(seed) {
        options_ = directory_.options();
        options_.batch_bytes = 3000;
        machine_ = open(options_);
    }

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            apply_one();
            work();
            if (choose_.one_in(40)) {
                crash();
            }
            if (choose_.one_in(150)) {
                replace();
            }
            if (choose_.one_in(100)) {
                defragment();
            }
        }
        crash();
    }
    [[nodiscard]] int replayed() const noexcept { return replayed_; }
    [[nodiscard]] int crashes() const noexcept { return crashes_; }

private:
    void apply_one() {
        const auto& store = twin_.store();
        log_.push_back(
            command_of(choose_.next(store.current_revision(), store.compact_revision())));
        const reply wanted = twin_.apply(log_index(log_.size()), log_.back());
        BOOST_REQUIRE((machine_.apply(log_index(log_.size()), log_.back()) == wanted));
    }
    /// Commits begin, run and end whenever.
    void work() {
        if (job_ == nullptr && choose_.one_in(6) && machine_.can_commit()) {
            job_ = std::make_unique<lmdb_commit>(machine_.begin_commit(at(log_.size())));
        } else if (job_ != nullptr && choose_.one_in(8)) {
            compare();
        } else if (job_ != nullptr && choose_.one_in(12)) {
            static_cast<void>(machine_.finish_commit(*job_, errc::no_space));
            job_.reset();
        } else if (job_ != nullptr && choose_.one_in(4)) {
            const error_code failed = job_->run();
            BOOST_REQUIRE(!failed);
            if (choose_.one_in(5)) {
                crash(); // before anybody is told
            } else {
                BOOST_REQUIRE(!machine_.finish_commit(*job_, failed));
                job_.reset();
            }
        }
    }
    /// The files as they are at this moment, and everything in memory gone.
    void crash() {
        const auto copy = directory_.path() / ("copy" + std::to_string(++crashes_));
        std::filesystem::copy(options_.directory, copy);
        job_.reset();
        machine_ = durable();
        options_.directory = copy.string();
        machine_ = open(options_);
        const std::uint64_t held = machine_.held().index.value();
        BOOST_REQUIRE(held <= log_.size());
        for (std::uint64_t next = held + 1; next <= log_.size(); ++next) {
            static_cast<void>(
                machine_.apply(log_index(next), log_[static_cast<std::size_t>(next - 1)]));
            ++replayed_;
        }
        compare();
    }
    /// A snapshot comes, as for a member that fell behind.
    void replace() {
        BOOST_REQUIRE(!machine_.restore(twin_.snapshot()));
        compare();
    }
    void defragment() {
        lmdb_backend& backend = machine_.backend();
        if (job_ == nullptr && backend.can_commit() && backend.held().at.index) {
            lmdb_defragmentation job = backend.begin_defragmentation();
            const error_code failed = job.run();
            BOOST_REQUIRE(!failed);
            BOOST_REQUIRE(!backend.finish_defragmentation(std::move(job), failed));
            compare();
        }
    }
    void compare() {
        BOOST_REQUIRE((state_of(machine_.snapshot()) == state_of(twin_.snapshot())));
        BOOST_REQUIRE((*machine_.store().hash(0) == *twin_.store().hash(0)));
    }

    database_directory directory_;
    database_options options_;
    generator choose_;
    durable machine_;
    kv_machine<> twin_;
    std::vector<shared_bytes> log_;
    std::unique_ptr<lmdb_commit> job_;
    int replayed_ = 0;
    int crashes_ = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(after_any_crash_the_rest_of_the_log_leads_to_the_same_state) {
    int replayed = 0;
    int crashes = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            history one(seed);
            one.run(500);
            replayed += one.replayed();
            crashes += one.crashes();
        }
    }
    // Not the whole log each time, else the database was of no use.
    BOOST_TEST(crashes > 200);
    BOOST_TEST(replayed / crashes < 100);
}

BOOST_AUTO_TEST_CASE(compaction_goes_on_where_a_crash_stopped_it) {
    const database_directory directory;
    kv_machine<> twin;
    std::uint64_t index = 0;
    {
        durable machine = open(directory.options());
        const auto both = [&](const request& asked) {
            ++index;
            BOOST_REQUIRE((machine.apply(log_index(index), command_of(asked)) ==
                           twin.apply(log_index(index), command_of(asked))));
        };
        for (int i = 0; i < 600; ++i) {
            both(put{.key = std::to_string(i % 200), .value = "v"});
        }
        both(compact{500}); // frees a little
        BOOST_TEST(!machine.store().swept());
        BOOST_TEST(!commit(machine, index));
    }
    durable machine = open(directory.options());
    BOOST_TEST((machine.held() == at(index)));
    BOOST_TEST(!machine.store().swept());
    BOOST_TEST((state_of(machine.snapshot()) == state_of(twin.snapshot())));
    while (machine.sweep()) {
    }
    while (twin.sweep()) {
    }
    BOOST_TEST(machine.store().row_count() == twin.store().row_count());
    BOOST_TEST((state_of(machine.snapshot()) == state_of(twin.snapshot())));
}

BOOST_AUTO_TEST_CASE(a_value_that_rotted_is_never_answered) {
    const database_directory directory;
    const std::string value(300, 'v');
    {
        durable machine = open(directory.options());
        static_cast<void>(machine.apply(log_index(1), command_of(put{.key = "a", .value = value})));
        static_cast<void>(machine.apply(log_index(2), command_of(put{.key = "b", .value = "1"})));
        BOOST_TEST(!commit(machine, 2));
    }
    for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "db")) {
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        const std::size_t place = bytes.find(value);
        if (place != std::string::npos) {
            file.clear();
            file.seekp(static_cast<std::streamoff>(place + 200));
            file.put('w');
        }
    }
    durable machine = open(directory.options());
    BOOST_TEST(!machine.range({.key = "b"}).error());
    BOOST_TEST((machine.range({.key = "a"}).error() == make_error_code(errc::poisoned)));
    BOOST_TEST((machine.error() == make_error_code(errc::corrupt)));
    BOOST_TEST((machine.range({.key = "b"}).error() == make_error_code(errc::poisoned)));
    const reply after = machine.apply(log_index(3), command_of(put{.key = "c", .value = "2"}));
    BOOST_TEST((after.error() == make_error_code(errc::poisoned)));
    BOOST_TEST(!machine.can_commit());
}

BOOST_AUTO_TEST_CASE(reset_forgets_everything) {
    const database_directory directory;
    durable machine = open(directory.options());
    static_cast<void>(machine.apply(log_index(1), command_of(put{.key = "a", .value = "1"})));
    BOOST_TEST(!commit(machine, 1));
    machine.reset();
    BOOST_TEST(!machine.held().index);
    BOOST_TEST((state_of(machine.snapshot()) == state_of(kv_machine<>().snapshot())));
    static_cast<void>(machine.apply(log_index(1), command_of(put{.key = "b", .value = "1"})));
    BOOST_TEST(!commit(machine, 1));
    machine = durable();
    machine = open(directory.options());
    BOOST_TEST(!machine.get("a"));
    BOOST_TEST(machine.get("b").has_value());
}

BOOST_AUTO_TEST_CASE(the_members_are_those_of_the_same_commit) {
    const database_directory directory;
    const auto commit_with = [](durable& machine, std::uint64_t index, byte_view members) {
        auto job = machine.begin_commit(at(index), shared_bytes::copy_of(members));
        const error_code failed = job.run();
        BOOST_TEST(!machine.finish_commit(std::move(job), failed));
    };
    {
        durable machine = open(directory.options());
        BOOST_TEST(machine.held_members().empty());
        static_cast<void>(machine.apply(log_index(1), command_of(put{.key = "a", .value = "1"})));
        commit_with(machine, 1, "one and two");
        static_cast<void>(machine.apply(log_index(2), command_of(put{.key = "a", .value = "2"})));
        const auto lost = machine.begin_commit(at(2), shared_bytes::copy_of("one"));
        static_cast<void>(lost); // never run
    }
    {
        durable machine = open(directory.options());
        BOOST_TEST((machine.held() == at(1)));
        BOOST_TEST(machine.held_members().view() == "one and two");
        commit_with(machine, 2, {});
    }
    const durable machine = open(directory.options());
    BOOST_TEST((machine.held() == at(2)));
    BOOST_TEST(machine.held_members().empty());
    BOOST_TEST(machine.get("a")->value.view() == "1");
}

BOOST_AUTO_TEST_CASE(leases_are_written_when_they_change_and_not_with_each_commit) {
    const database_directory directory;
    durable machine = open(directory.options());
    std::uint64_t index = 0;
    const auto apply = [&](const request& asked) {
        BOOST_REQUIRE(!machine.apply(log_index(++index), command_of(asked)).error());
    };
    constexpr std::uint64_t leases = 20'000;
    for (std::uint64_t id = 1; id <= leases; ++id) {
        apply(lease_grant{lease_id(id), 10});
    }
    BOOST_REQUIRE(!commit(machine, index));
    const std::uint64_t before = *machine.backend().file_bytes();
    BOOST_TEST(before > leases * 32);
    for (int i = 0; i < 10; ++i) {
        apply(put{.key = "a", .value = "1"});
        BOOST_REQUIRE(!commit(machine, index));
    }
    BOOST_TEST(*machine.backend().file_bytes() < before + leases * 8);
    apply(lease_revoke{lease_id(7)});
    BOOST_REQUIRE(!commit(machine, index));
    const std::string state = state_of(machine.snapshot());
    machine = durable();
    machine = open(directory.options());
    BOOST_TEST(machine.store().leases().size() == leases - 1);
    BOOST_TEST((state_of(machine.snapshot()) == state));
}

BOOST_AUTO_TEST_SUITE_END()
