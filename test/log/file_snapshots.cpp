#include <quorate/log/file_snapshots.hpp>
#include <quorate/testing/conformance/snapshot_store.hpp>

#include <atomic>
#include <functional>
#include <thread>

#include "support.hpp"

using namespace log_test;
using quorate::testing::bytes_of;
using quorate::testing::made_up_source;

BOOST_AUTO_TEST_SUITE(file_snapshots_suite)

namespace {

snapshot make_snapshot(std::uint64_t term, std::uint64_t index, byte_view data = "state") {
    snapshot snap;
    snap.last = {term_id(term), log_index(index)};
    snap.members.voters = {node_id(1), node_id(2)};
    snap.data = rope{shared_bytes::copy_of(data)};
    return snap;
}

struct fixture {
    scratch_directory scratch;
    std::filesystem::path snap = scratch.path() / "snap";
    snapshot_options options = [this] {
        snapshot_options made;
        made.directory = snap;
        made.cluster = cluster_id(77);
        made.member = node_id(3);
        return made;
    }();

    [[nodiscard]] std::filesystem::path snap_file(const std::string& name) const {
        return snap / name;
    }
    [[nodiscard]] std::unique_ptr<file_snapshots<>> open() {
        auto opened = file_snapshots<>::open(options);
        BOOST_REQUIRE_MESSAGE(opened.has_value(), opened.error().message());
        return std::move(*opened);
    }
};

const std::string older_name = "0000000000000001-000000000000000a.snap";
const std::string newer_name = "0000000000000001-0000000000000014.snap";

struct faulty_fixture : fixture {
    using store = file_snapshots<faulty_volume>;

    /// Brings a snapshot at index 20 to a store that has one at index 10, and fails at each
    /// operation in turn: it may be tried again at once, and a fresh start finds one or the other.
    /// `look` sees the store after each attempt. Returns: at how many operations.
    int fail_everywhere(const std::function<error_code(store&)>& attempt,
                        const std::function<void(const store&, const error_code&)>& look) {
        BOOST_REQUIRE(!open()->save(make_snapshot(1, 10)));
        int at = 0;
        for (bool failed = true; failed; ++at) {
            BOOST_REQUIRE(at < 20);
            const auto plan = std::make_shared<fault_plan>();
            result<posix_volume> disk = posix_volume::open(snap);
            BOOST_REQUIRE(disk.has_value());
            auto made = store::open(options, faulty_volume(std::move(*disk), plan));
            BOOST_REQUIRE(made.has_value());
            plan->operations = 0;
            plan->fail_at = at;
            plan->half_done = true;
            const error_code outcome = attempt(**made);
            failed = outcome.failed();
            BOOST_TEST(((*made)->newest()->last.index == log_index(failed ? 10 : 20)));
            look(**made, outcome);
            plan->fail_at = -1;
            BOOST_TEST(!attempt(**made));
            look(**made, {});
            BOOST_TEST(((*made)->newest()->last.index == log_index(20)));
            BOOST_TEST((open()->newest()->last.index == log_index(20)));
            std::filesystem::remove(snap / newer_name);
            BOOST_TEST((open()->newest()->last.index == log_index(10)));
        }
        return at;
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(conforms) {
    for (const std::uint32_t keep : {0U, 1U, 2U, 5U}) {
        scratch_directory scratch(keep == 2 ? medium::disk : medium::memory);
        snapshot_options options;
        options.directory = scratch.path();
        options.member = node_id(1);
        options.keep = keep;
        const auto report =
            quorate::testing::snapshot_store_suite<file_snapshots<>>(options, true).run();
        BOOST_TEST(report.passed(), report);
        BOOST_TEST(names_in(scratch.path()).size() == std::max(keep, 1U));
    }
}

BOOST_FIXTURE_TEST_CASE(files_are_private_and_named_after_term_and_index, fixture) {
    BOOST_REQUIRE(!open()->save(make_snapshot(1, 10)));
    const std::vector<std::string> expected{older_name};
    BOOST_TEST(names_in(snap) == expected, boost::test_tools::per_element());
    const auto permissions = std::filesystem::status(snap / older_name).permissions();
    BOOST_TEST((permissions ==
                (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
}

BOOST_FIXTURE_TEST_CASE(the_greater_index_is_newer_whatever_the_term, fixture) {
    BOOST_REQUIRE(!open()->save(make_snapshot(9, 5)));
    BOOST_REQUIRE(!open()->save(make_snapshot(2, 6)));
    BOOST_TEST((open()->newest()->last.index == log_index(6)));
}

BOOST_FIXTURE_TEST_CASE(damage_at_any_byte_falls_back_to_the_older_one, fixture) {
    BOOST_REQUIRE(!open()->save(make_snapshot(1, 10)));
    BOOST_REQUIRE(!open()->save(make_snapshot(1, 20, "newer state")));
    const std::string sound = read_file(snap / newer_name);
    const auto check_falls_back = [this](const std::string& bytes) {
        write_file(snap / newer_name, bytes);
        const auto store = open();
        BOOST_REQUIRE(store->newest() != nullptr);
        BOOST_TEST((store->newest()->last.index == log_index(10)));
        BOOST_TEST(store->note().find(newer_name) != std::string::npos);
        BOOST_TEST((read_file(snap / (newer_name + ".broken")) == bytes));
        BOOST_TEST(!std::filesystem::exists(snap / newer_name));
    };
    for (std::size_t at = 0; at < sound.size(); ++at) {
        if (at == 8 || at == 9) {
            continue; // the version: see the next case
        }
        std::string bytes = sound;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
        check_falls_back(bytes);
    }
    for (std::size_t size = 0; size < sound.size(); ++size) {
        check_falls_back(sound.substr(0, size));
    }
    check_falls_back(sound + '\0');
}

BOOST_FIXTURE_TEST_CASE(a_newer_version_is_refused_and_left_alone, fixture) {
    BOOST_REQUIRE(!open()->save(make_snapshot(1, 20)));
    std::string bytes = read_file(snap / newer_name);
    bytes[8] = 3;
    write_file(snap / newer_name, bytes);
    const auto opened = file_snapshots<>::open(options);
    BOOST_REQUIRE(!opened.has_value());
    BOOST_TEST((opened.error() == errc::unsupported_version));
    BOOST_TEST(std::filesystem::exists(snap / newer_name));
}

BOOST_FIXTURE_TEST_CASE(one_under_a_wrong_name_is_broken, fixture) {
    BOOST_REQUIRE(!open()->save(make_snapshot(1, 10)));
    std::filesystem::rename(snap / older_name, snap / newer_name);
    const auto store = open();
    BOOST_TEST(store->newest() == nullptr);
    BOOST_TEST(store->note() != "");
}

BOOST_FIXTURE_TEST_CASE(others_snapshots_are_refused, fixture) {
    BOOST_REQUIRE(!open()->save(make_snapshot(1, 10)));
    snapshot_options other = options;
    other.cluster = cluster_id(78);
    const auto wrong_cluster = file_snapshots<>::open(other);
    BOOST_REQUIRE(!wrong_cluster.has_value());
    BOOST_TEST((wrong_cluster.error() == errc::wrong_cluster));
    other = options;
    other.member = node_id(4);
    const auto wrong_member = file_snapshots<>::open(other);
    BOOST_REQUIRE(!wrong_member.has_value());
    BOOST_TEST((wrong_member.error() == errc::wrong_member));
    BOOST_TEST(std::filesystem::exists(snap / older_name));
}

BOOST_FIXTURE_TEST_CASE(leftovers_are_removed, fixture) {
    BOOST_REQUIRE(!open()->save(make_snapshot(1, 10)));
    write_file(snap / "00000000000000aa.tmp", "half a snapshot");
    BOOST_TEST(open()->newest() != nullptr);
    BOOST_TEST(names_in(snap).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_failure_at_any_operation_leaves_the_older_one, faulty_fixture) {
    const auto save = [](store& into) { return into.save(make_snapshot(1, 20)); };
    const auto look = [&](const store& seen, const error_code& outcome) {
        const std::string said = seen.failure();
        BOOST_TEST(said.empty() == !outcome);
        BOOST_TEST(said.starts_with(outcome ? (snap / newer_name).string() + ": " : ""));
        BOOST_TEST(said.ends_with(outcome ? ": " + outcome.message() : ""));
    };
    BOOST_TEST(fail_everywhere(save, look) > 4); // create, write, sync, rename, sync
}

BOOST_FIXTURE_TEST_CASE(newest_may_be_asked_while_one_is_saved, fixture) {
    const auto store = open();
    std::atomic<bool> done = false;
    bool failed = false;
    std::thread storage([&] {
        for (std::uint64_t index = 1; index <= 50; ++index) {
            failed = failed || store->save(make_snapshot(1, index));
        }
        done = true;
    });
    log_index before;
    bool fell = false;
    while (!done) {
        const snapshot_ptr newest = store->newest();
        const log_index now = newest == nullptr ? log_index() : newest->last.index;
        fell = fell || now < before;
        before = now;
    }
    storage.join();
    BOOST_TEST(!failed);
    BOOST_TEST(!fell);
    BOOST_TEST((store->newest()->last.index == log_index(50)));
}

BOOST_FIXTURE_TEST_CASE(the_newest_is_read_from_its_file, fixture) {
    const auto store = open();
    const snapshot made = make_snapshot(1, 10, std::string(3 * bulk_block_bytes + 7, 'x'));
    BOOST_REQUIRE(!store->save(made));
    const snapshot_ptr kept = store->newest();
    BOOST_TEST(!kept->data.shares(made.data)); // the one in memory may go
    BOOST_TEST(kept->data.blocking());
    BOOST_TEST((head_of(*kept) == head_of(made)));
    BOOST_TEST((bytes_of(kept->data) == bytes_of(made.data)));
    // Giving it back writes nothing.
    const auto before = std::filesystem::last_write_time(snap_file(older_name));
    BOOST_REQUIRE(!store->save(*kept));
    BOOST_TEST(store->newest()->data.shares(kept->data));
    BOOST_TEST((std::filesystem::last_write_time(snap_file(older_name)) == before));
}

BOOST_FIXTURE_TEST_CASE(rot_is_found_when_a_block_is_read, fixture) {
    const auto store = open();
    BOOST_REQUIRE(!store->save(make_snapshot(1, 10, std::string(3 * bulk_block_bytes, 'x'))));
    const snapshot_ptr kept = store->newest();
    std::string bytes = read_file(snap_file(older_name));
    const std::size_t header = bytes.size() - 4 * 4 - 3 * bulk_block_bytes;
    bytes[header + bulk_block_bytes + 99] = 'y';
    std::fstream file(snap_file(older_name), std::ios::in | std::ios::out | std::ios::binary);
    file << bytes << std::flush;
    BOOST_TEST(kept->data.read_block(0).has_value());
    BOOST_TEST((kept->data.read_block(bulk_block_bytes).error() == errc::corrupt));
    BOOST_TEST((kept->data.read(bulk_block_bytes, 1).error() == errc::corrupt));
    BOOST_TEST(kept->data.read_block(2 * bulk_block_bytes).has_value());
}

BOOST_FIXTURE_TEST_CASE(one_that_is_removed_stays_readable_for_who_holds_it, fixture) {
    options.keep = 1;
    auto store = open();
    const std::string data(2 * bulk_block_bytes, 'x');
    BOOST_REQUIRE(!store->save(make_snapshot(1, 10, data)));
    const snapshot_ptr held = store->newest();
    BOOST_REQUIRE(!store->save(make_snapshot(1, 20)));
    BOOST_TEST(!std::filesystem::exists(snap_file(older_name)));
    store.reset();
    BOOST_TEST((bytes_of(held->data) == data));
}

BOOST_FIXTURE_TEST_CASE(data_that_cannot_be_read_makes_no_snapshot, fixture) {
    const auto store = open();
    BOOST_REQUIRE(!store->save(make_snapshot(1, 10)));
    snapshot made = make_snapshot(1, 20);
    const auto source = std::make_shared<made_up_source>(3 * bulk_block_bytes);
    source->broken_from = 2 * bulk_block_bytes;
    made.data = bulk_bytes(source);
    BOOST_TEST((store->save(made) == errc::corrupt));
    BOOST_TEST((store->newest()->last.index == log_index(10)));
    BOOST_TEST(names_in(snap).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_arrived_halfway_does_not_stay_behind, fixture) {
    const snapshot arriving = make_snapshot(1, 20, std::string(2 * bulk_block_bytes, 'x'));
    const auto receive_one_block = [&](file_snapshots<>& store, const snapshot& which) {
        const auto ticket = store.intake().begin(head_of(which));
        BOOST_REQUIRE(ticket.has_value());
        const rope block = which.data.read_block(0).value();
        BOOST_REQUIRE(!store.intake().add(ticket->number, block.front()));
    };
    auto store = open();
    receive_one_block(*store, arriving);
    BOOST_REQUIRE(names_in(snap).size() == 1U);
    BOOST_TEST(is_temporary(names_in(snap)[0]));
    const auto permissions = std::filesystem::status(snap / names_in(snap)[0]).permissions();
    BOOST_TEST((permissions ==
                (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
    // Another one replaces it, a newer one makes it useless, a closed store removes it.
    receive_one_block(*store, make_snapshot(1, 21, std::string(2 * bulk_block_bytes, 'y')));
    BOOST_TEST(names_in(snap).size() == 1U);
    BOOST_REQUIRE(!store->save(make_snapshot(1, 15)));
    BOOST_TEST(names_in(snap).size() == 2U);
    BOOST_REQUIRE(!store->save(make_snapshot(1, 21)));
    BOOST_TEST(names_in(snap).size() == 2U); // both whole
    receive_one_block(*store, make_snapshot(1, 30, std::string(2 * bulk_block_bytes, 'z')));
    BOOST_TEST(names_in(snap).size() == 3U);
    store.reset();
    BOOST_TEST(names_in(snap).size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_arrived_before_is_not_received_again, fixture) {
    const auto store = open();
    const snapshot made = make_snapshot(1, 10, std::string(2 * bulk_block_bytes, 'x'));
    BOOST_REQUIRE(!store->save(made));
    const auto ticket = store->intake().begin(head_of(made));
    BOOST_REQUIRE(ticket.has_value());
    BOOST_TEST(ticket->received == made.data.size());
    const auto whole = store->intake().finish(ticket->number);
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST((*whole == store->newest()));
}

/// A membership that no header has room for would be written and never read again.
BOOST_FIXTURE_TEST_CASE(too_many_members_are_refused, fixture) {
    const auto store = open();
    snapshot made = make_snapshot(1, 10);
    for (std::uint64_t id = 1; id <= 140'000; ++id) {
        made.members.voters.insert(node_id(id));
    }
    BOOST_TEST((store->save(made) == errc::too_large));
    BOOST_TEST((store->intake().begin(head_of(made)).error() == errc::too_large));
    BOOST_TEST(names_in(snap).empty());
}

BOOST_FIXTURE_TEST_CASE(a_failure_at_any_operation_of_receiving_leaves_the_older_one,
                        faulty_fixture) {
    const snapshot arriving = make_snapshot(1, 20, std::string(2 * bulk_block_bytes + 5, 'x'));
    const auto receive = [&](store& into) -> error_code {
        snapshot_intake& intake = into.intake();
        const auto ticket = intake.begin(head_of(arriving));
        if (!ticket) {
            return ticket.error();
        }
        for (std::uint64_t at = ticket->received; at < arriving.data.size();
             at += bulk_block_bytes) {
            const rope block = arriving.data.read_block(at).value();
            if (const error_code failed = intake.add(ticket->number, block.front())) {
                return failed;
            }
        }
        return intake.finish(ticket->number).error();
    };
    const auto look = [&](const store& seen, const error_code& outcome) {
        if (!outcome) {
            BOOST_TEST((bytes_of(seen.newest()->data) == bytes_of(arriving.data)));
        }
    };
    // create, three blocks, table, header, sync, rename, sync
    BOOST_TEST(fail_everywhere(receive, look) > 8);
}

/// A transport fills the intake while the member saves its own.
BOOST_FIXTURE_TEST_CASE(one_may_arrive_while_another_is_saved, fixture) {
    const auto store = open();
    std::atomic<bool> failed = false;
    std::thread storage([&] {
        for (std::uint64_t index = 1; index <= 30; ++index) {
            failed = failed || store->save(make_snapshot(1, index));
        }
    });
    for (std::uint64_t index = 101; index <= 130; ++index) {
        const snapshot arriving = make_snapshot(2, index, "arrives");
        const auto ticket = store->intake().begin(head_of(arriving));
        BOOST_REQUIRE(ticket.has_value());
        BOOST_REQUIRE(!store->intake().add(ticket->number, shared_bytes::copy_of("arrives")));
        BOOST_REQUIRE(store->intake().finish(ticket->number).has_value());
    }
    storage.join();
    BOOST_TEST(!failed);
    BOOST_TEST((store->newest()->last.index == log_index(130)));
}

BOOST_AUTO_TEST_SUITE_END()
