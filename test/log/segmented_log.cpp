#include <quorate/log/segmented_log.hpp>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(segmented_log_suite)

namespace {

/// Opens a log and takes what it recovered.
struct opened_log {
    explicit opened_log(const log_options& options)
        : log(open_log(options)), found(log->take_recovered()) {}

    std::unique_ptr<segmented_log<>> log;
    recovered_log found;
};

struct fixture {
    scratch_directory scratch;
    std::filesystem::path wal = scratch.path() / "wal";
    log_options options = options_for(wal);
};

/// Returns: what opening reports, and in `failure` its text.
error_code open_error(log_options options, std::string& failure) {
    options.failure = &failure;
    auto opened = segmented_log<>::open(options);
    return opened ? error_code() : opened.error();
}

} // namespace

BOOST_AUTO_TEST_CASE(conforms) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        scratch_directory scratch(seed <= 2 ? medium::disk : medium::memory);
        log_options options = options_for(scratch.path());
        options.segment_bytes = seed % 2 == 0 ? 24 << 10 : 0;
        quorate::testing::log_store_suite<segmented_log<>> suite(options, true, seed);
        const auto report = suite.run(400);
        BOOST_TEST(report.passed(), "seed " << seed << '\n' << report);
    }
}

BOOST_FIXTURE_TEST_CASE(a_new_log_is_empty_and_private, fixture) {
    opened_log opened(options);
    BOOST_TEST(opened.found.hard.empty());
    BOOST_TEST((opened.found.base == log_id{}));
    BOOST_TEST(opened.found.entries.empty());
    BOOST_TEST(opened.found.note == "");
    const std::vector<std::string> expected{"0000000000000001-0000000000000001.wal"};
    BOOST_TEST(names_in(wal) == expected, boost::test_tools::per_element());
    const auto permissions = std::filesystem::status(wal / expected[0]).permissions();
    BOOST_TEST((permissions ==
                (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
}

BOOST_FIXTURE_TEST_CASE(entries_and_hard_state_survive, fixture) {
    const std::vector<entry> entries = make_entries(2, 1, 20);
    const hard_state hard{term_id(5), node_id(2), log_index(17)};
    {
        opened_log opened(options);
        opened.log->append(entries);
        opened.log->save(hard);
        BOOST_REQUIRE(!sync(*opened.log));
    }
    for (int again = 0; again < 3; ++again) {
        opened_log opened(options);
        BOOST_TEST((opened.found.entries == entries));
        BOOST_TEST((opened.found.hard == hard));
        BOOST_TEST(opened.found.note == "");
    }
}

BOOST_FIXTURE_TEST_CASE(what_was_not_synced_is_not_there, fixture) {
    {
        opened_log opened(options);
        append_and_sync(*opened.log, make_entries(1, 1, 2));
        opened.log->append(make_entries(1, 3, 2));
        auto job = opened.log->begin_sync(); // taken, but never run
    }
    BOOST_TEST(opened_log(options).found.entries.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(payloads_of_all_sizes_survive, fixture) {
    std::vector<entry> entries;
    std::uint64_t index = 1;
    // Around the block that recovery reads at once, and beyond it.
    for (const std::size_t size : {0UL, 1UL, 4096UL, (1UL << 20) - 41, (1UL << 20) - 40, 1UL << 20,
                                   (3UL << 20) + 1, 0UL, 7UL}) {
        entries.push_back(make_test_entry(1, index++, std::string(size, 'x')));
    }
    {
        opened_log opened(options);
        append_and_sync(*opened.log, entries);
    }
    BOOST_TEST((opened_log(options).found.entries == entries));
}

BOOST_FIXTURE_TEST_CASE(more_pieces_than_one_system_call_takes, fixture) {
    const std::vector<entry> entries = make_entries(1, 1, 3000, 3);
    {
        opened_log opened(options);
        append_and_sync(*opened.log, entries);
    }
    BOOST_TEST((opened_log(options).found.entries == entries));
}

BOOST_FIXTURE_TEST_CASE(an_empty_payload_keeps_no_block_alive, fixture) {
    {
        opened_log opened(options);
        append_and_sync(*opened.log, {make_test_entry(1, 1, ""), make_test_entry(1, 2, "x")});
    }
    opened_log opened(options);
    BOOST_TEST(opened.found.entries[0].payload.pinned() == 0U);
    BOOST_TEST(opened.found.entries[1].payload.pinned() <= (1U << 20));
}

BOOST_FIXTURE_TEST_CASE(a_suffix_is_replaced, fixture) {
    {
        opened_log opened(options);
        append_and_sync(*opened.log, make_entries(1, 1, 9));
        append_and_sync(*opened.log, make_entries(2, 5, 2));
        opened.log->append(make_entries(3, 7, 3));
        opened.log->append(make_entries(4, 8, 1)); // within one batch
        BOOST_REQUIRE(!sync(*opened.log));
    }
    const std::vector<log_id> expected{{term_id(1), log_index(1)}, {term_id(1), log_index(2)},
                                       {term_id(1), log_index(3)}, {term_id(1), log_index(4)},
                                       {term_id(2), log_index(5)}, {term_id(2), log_index(6)},
                                       {term_id(3), log_index(7)}, {term_id(4), log_index(8)}};
    BOOST_TEST((ids_of(opened_log(options).found.entries) == expected));
}

BOOST_FIXTURE_TEST_CASE(segments_rotate_and_all_of_them_are_read, fixture) {
    std::vector<entry> all;
    {
        opened_log opened(options);
        for (std::uint64_t group = 0; group < 30; ++group) {
            const std::vector<entry> entries = make_entries(1, 1 + group * 4, 4, 500);
            all.insert(all.end(), entries.begin(), entries.end());
            append_and_sync(*opened.log, entries);
        }
    }
    BOOST_TEST(names_in(wal).size() > 5U);
    BOOST_TEST((opened_log(options).found.entries == all));
}

BOOST_FIXTURE_TEST_CASE(a_suffix_is_replaced_across_segments, fixture) {
    options.segment_bytes = 0; // every group opens a segment
    {
        opened_log opened(options);
        append_and_sync(*opened.log, make_entries(1, 1, 5));
        append_and_sync(*opened.log, make_entries(1, 6, 5));
        append_and_sync(*opened.log, make_entries(2, 3, 2));
        append_and_sync(*opened.log, make_entries(2, 5, 1));
    }
    opened_log opened(options);
    BOOST_TEST(opened.found.entries.size() == 5U);
    BOOST_TEST((opened.found.entries.back().id() == log_id{term_id(2), log_index(5)}));
}

BOOST_FIXTURE_TEST_CASE(compaction_removes_whole_segments_only, fixture) {
    options.segment_bytes = 0;
    {
        opened_log opened(options);
        for (std::uint64_t index = 1; index < 31; index += 3) {
            append_and_sync(*opened.log, make_entries(1, index, 3));
        }
        const std::size_t before = names_in(wal).size();
        opened.log->compact(log_index(2)); // within the first group: nothing can go
        BOOST_REQUIRE(!sync(*opened.log));
        BOOST_TEST(names_in(wal).size() + 1 >= before);
        opened.log->compact(log_index(16));
        BOOST_REQUIRE(!sync(*opened.log));
        BOOST_TEST(names_in(wal).size() < before - 3);
    }
    opened_log opened(options);
    BOOST_TEST((opened.found.base == log_id{term_id(1), log_index(15)}));
    BOOST_TEST(opened.found.entries.size() == 15U);
    BOOST_TEST(opened.found.hard.commit.value() == 15U); // what is compacted was committed
}

BOOST_FIXTURE_TEST_CASE(compaction_keeps_as_many_files_as_it_may, fixture) {
    options.segment_bytes = 0;
    options.segments_kept = 6;
    {
        opened_log opened(options);
        for (std::uint64_t index = 1; index < 31; index += 3) {
            append_and_sync(*opened.log, make_entries(1, index, 3));
        }
        BOOST_TEST(names_in(wal).size() >= 10U);
        opened.log->compact(log_index(30));
        BOOST_REQUIRE(!sync(*opened.log));
        BOOST_TEST(names_in(wal).size() == 6U);
    }
    options.segments_kept = 20; // those that are gone stay so
    {
        opened_log opened(options);
        BOOST_TEST(opened.found.base.index.value() < 30U);
        BOOST_TEST(opened.found.base.index.value() + opened.found.entries.size() == 30U);
        const std::size_t before = names_in(wal).size();
        opened.log->compact(log_index(30));
        BOOST_REQUIRE(!sync(*opened.log));
        BOOST_TEST(names_in(wal).size() == before);
    }
    options.segments_kept = 0; // at least the one that is written
    opened_log opened(options);
    opened.log->compact(log_index(30));
    BOOST_REQUIRE(!sync(*opened.log));
    BOOST_TEST(names_in(wal).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(compaction_below_a_replaced_suffix, fixture) {
    options.segment_bytes = 0;
    {
        opened_log opened(options);
        append_and_sync(*opened.log, make_entries(1, 1, 10)); // 1 to 10
        append_and_sync(*opened.log, make_entries(2, 6, 10)); // 6 to 15 instead of 6 to 10
        append_and_sync(*opened.log, make_entries(2, 16, 4));
        // Entry 5 goes, and with it the term of what stands before entry 6 in the second segment.
        opened.log->compact(log_index(12));
        BOOST_REQUIRE(!sync(*opened.log));
    }
    for (int again = 0; again < 3; ++again) {
        opened_log opened(options);
        BOOST_TEST(opened.found.base.index.value() >= 5U);
        BOOST_TEST(opened.found.base.index.value() <= 12U);
        BOOST_TEST((opened.found.base.term == term_id(2)));
        BOOST_TEST((opened.found.entries.front().index == opened.found.base.index.next()));
        BOOST_TEST((opened.found.entries.back().id() == log_id{term_id(2), log_index(19)}));
    }
}

BOOST_FIXTURE_TEST_CASE(a_restart_voids_everything, fixture) {
    const hard_state hard{term_id(9), node_id(1), log_index(100)};
    {
        opened_log opened(options);
        append_and_sync(*opened.log, make_entries(1, 1, 50, 500));
        opened.log->append(make_entries(1, 51, 5)); // void before it was ever written
        opened.log->save(hard);
        opened.log->restart({term_id(8), log_index(100)});
        opened.log->append(make_entries(9, 101, 2));
        BOOST_REQUIRE(!sync(*opened.log));
        BOOST_TEST(names_in(wal).size() == 1U);
        append_and_sync(*opened.log, make_entries(9, 103, 1));
    }
    opened_log opened(options);
    BOOST_TEST((opened.found.base == log_id{term_id(8), log_index(100)}));
    BOOST_TEST(opened.found.entries.size() == 3U);
    BOOST_TEST((opened.found.hard == hard));
}

BOOST_FIXTURE_TEST_CASE(the_files_of_an_interrupted_restart_are_removed, fixture) {
    {
        opened_log opened(options);
        append_and_sync(*opened.log, make_entries(1, 1, 5));
    }
    const std::string old_name = names_in(wal).back();
    const std::string old_bytes = read_file(wal / old_name);
    {
        opened_log opened(options);
        opened.log->restart({term_id(8), log_index(100)});
        BOOST_REQUIRE(!sync(*opened.log));
    }
    write_file(wal / old_name, old_bytes);                   // its removal did not reach the disk
    write_file(wal / "00000000000000aa.tmp", "half a file"); // nor did this one become a segment
    opened_log opened(options);
    BOOST_TEST((opened.found.base == log_id{term_id(8), log_index(100)}));
    BOOST_TEST(opened.found.entries.empty());
    BOOST_TEST(names_in(wal).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_hard_state_alone_survives_and_many_do, fixture) {
    for (std::uint64_t term = 1; term <= 5; ++term) {
        opened_log opened(options);
        BOOST_TEST((opened.found.hard.term == term_id((term - 1) * 3)));
        for (std::uint64_t save = 1; save <= 3; ++save) {
            opened.log->save({term_id((term - 1) * 3 + save), node_id(save), {}});
            BOOST_REQUIRE(!sync(*opened.log));
        }
    }
    BOOST_TEST((opened_log(options).found.hard == hard_state{term_id(15), node_id(3), {}}));
    // Opening an empty log over and over must not pile files up.
    BOOST_TEST(names_in(wal).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_commit_index_beyond_the_log_is_drawn_back, fixture) {
    {
        opened_log opened(options);
        opened.log->append(make_entries(1, 1, 3));
        opened.log->save({term_id(1), {}, log_index(3)});
        BOOST_REQUIRE(!sync(*opened.log));
        opened.log->append(make_entries(1, 4, 3));
        opened.log->save({term_id(1), {}, log_index(6)});
        BOOST_REQUIRE(!sync(*opened.log));
    }
    // The slot of the second group reached the disk, its entries did not.
    const std::filesystem::path file = wal / names_in(wal).back();
    std::string bytes = read_file(file);
    std::fill(bytes.begin() + segment_head_bytes + 3 * (40 + 11), bytes.end(), '\0');
    write_file(file, after_power_loss(bytes));
    opened_log opened(options);
    BOOST_TEST(opened.found.entries.size() == 3U);
    BOOST_TEST((opened.found.hard.commit == log_index(3)));
}

BOOST_FIXTURE_TEST_CASE(other_clusters_and_members_are_refused, fixture) {
    { opened_log opened(options); }
    std::string failure;
    log_options other = options;
    other.cluster = cluster_id(78);
    BOOST_TEST((open_error(other, failure) == errc::wrong_cluster));
    BOOST_TEST(failure.find("77") != std::string::npos, failure);
    BOOST_TEST(failure.find("78") != std::string::npos, failure);
    other = options;
    other.member = node_id(4);
    BOOST_TEST((open_error(other, failure) == errc::wrong_member));
    BOOST_TEST(failure.find("member 3, not to 4") != std::string::npos, failure);
    BOOST_TEST(!open_error(options, failure));
}

BOOST_FIXTURE_TEST_CASE(foreign_files_are_left_alone, fixture) {
    { opened_log opened(options); }
    write_file(wal / "notes.txt", "hello");
    opened_log opened(options);
    BOOST_TEST(opened.found.note.find("notes.txt") != std::string::npos);
    BOOST_TEST(read_file(wal / "notes.txt") == "hello");
}

BOOST_FIXTURE_TEST_CASE(a_job_may_run_when_the_log_is_gone, fixture) {
    opened_log opened(options);
    opened.log->append(make_entries(1, 1, 3));
    auto job = opened.log->begin_sync();
    opened.log.reset();
    BOOST_TEST(!job.run());
    BOOST_TEST(opened_log(options).found.entries.size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
