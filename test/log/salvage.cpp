#include <quorate/log/segmented_log.hpp>

#include <array>

#include "support.hpp"

// A log that lost something it acknowledged and goes on with what stands before the damage: what
// it holds then, what it says of the loss, and that no crash on the way makes it worse.

using namespace log_test;

BOOST_AUTO_TEST_SUITE(salvage)

namespace {

constexpr std::size_t payload = 11;
constexpr std::size_t frame = frame_prefix_bytes + payload;
constexpr std::size_t groups = 4;
constexpr std::size_t last_index = 2 * groups;

/// Four segments with two entries each; the last one is open.
struct fixture {
    fixture() {
        options.segment_bytes = segment_head_bytes + 1; // a group fills a segment
        const auto log = open_log(options);
        for (std::uint64_t index = 1; index <= last_index; index += 2) {
            log->append(make_entries(index / 4 + 1, index, 2, payload));
            log->save({term_id(5), node_id(2), log_index(index)});
            BOOST_REQUIRE(!sync(*log));
        }
        names = names_in(wal);
        BOOST_REQUIRE(names.size() == groups);
        copy_directory(wal, kept);
        sound = log_entries(groups);
        options.if_damaged = on_damage::salvage;
    }

    /// Returns: the entries of so many segments.
    [[nodiscard]] static std::vector<entry> log_entries(std::size_t segments) {
        std::vector<entry> all;
        for (std::uint64_t index = 1; index <= 2 * segments; index += 2) {
            const std::vector<entry> more = make_entries(index / 4 + 1, index, 2, payload);
            all.insert(all.end(), more.begin(), more.end());
        }
        return all;
    }
    void damage(std::size_t segment, std::size_t place) {
        copy_directory(kept, wal);
        std::string bytes = read_file(wal / names[segment]);
        bytes[place] = static_cast<char>(bytes[place] ^ (1 << (place % 8)));
        write_file(wal / names[segment], bytes);
    }
    [[nodiscard]] std::vector<std::string> broken() const {
        std::vector<std::string> found;
        for (const std::string& name : names_in(wal)) {
            if (name.ends_with(broken_suffix)) {
                found.push_back(name);
            }
        }
        return found;
    }
    [[nodiscard]] static lost_log lost_at(std::uint64_t index) {
        return {term_id(5), log_index(index)};
    }

    /// Checks that the log holds the first `count` entries, is fenced, and stays so however often
    /// it is opened, until it says that it is whole again.
    void check_salvaged(std::size_t count, std::size_t set_aside, bool interrupted = false) {
        const std::vector<entry> want(sound.begin(),
                                      sound.begin() + static_cast<std::ptrdiff_t>(count));
        for (const on_damage again : {on_damage::salvage, on_damage::refuse, on_damage::refuse}) {
            options.if_damaged = again;
            const recovered_log found = open_log(options)->take_recovered();
            BOOST_TEST((found.entries == want));
            BOOST_TEST(found.hard.term == term_id(5));
            BOOST_TEST(found.hard.vote == node_id(2));
            BOOST_TEST((found.hard.lost == lost_at(last_index)));
            BOOST_TEST(found.hard.commit.value() <= count);
            // Where a crash fell behind the decisive step, there is nothing left to report.
            BOOST_TEST((interrupted || found.damage.empty() == (again == on_damage::refuse)));
            BOOST_TEST(broken().size() == set_aside);
        }
        // What is written again is there again, with compaction and all.
        {
            const auto log = open_log(options);
            static_cast<void>(log->take_recovered());
            append_and_sync(*log, make_entries(6, count + 1, 5, payload));
            log->save({term_id(6), {}, log_index(count + 5)});
            BOOST_REQUIRE(!sync(*log));
            log->compact(log_index(count + 1));
            BOOST_REQUIRE(!sync(*log));
        }
        const recovered_log whole = open_log(options)->take_recovered();
        BOOST_TEST(whole.base.index.value() + whole.entries.size() == count + 5);
        BOOST_TEST((whole.hard == hard_state{term_id(6), {}, log_index(count + 5)}));
        BOOST_TEST(broken().size() == set_aside);
        options.if_damaged = on_damage::salvage;
    }

    scratch_directory scratch;
    std::filesystem::path wal = scratch.path() / "wal";
    std::filesystem::path kept = scratch.path() / "kept";
    log_options options = options_for(wal);
    std::vector<std::string> names;
    std::vector<entry> sound;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_stands_before_a_damaged_frame_is_kept, fixture) {
    for (std::size_t segment = 0; segment < groups; ++segment) {
        for (std::size_t place = 0; place < 2 * frame; place += 17) {
            damage(segment, segment_head_bytes + place);
            check_salvaged(2 * segment + place / frame, groups - 1 - segment);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(what_stands_before_a_damaged_header_is_kept, fixture) {
    for (std::size_t segment = 0; segment + 1 < groups; ++segment) {
        damage(segment, 20 + segment);
        check_salvaged(2 * segment, groups - segment);
    }
}

BOOST_FIXTURE_TEST_CASE(what_stands_before_a_missing_segment_is_kept, fixture) {
    for (std::size_t segment = 1; segment + 1 < groups; ++segment) {
        copy_directory(kept, wal);
        std::filesystem::remove(wal / names[segment]);
        check_salvaged(2 * segment, groups - 1 - segment);
    }
}

BOOST_FIXTURE_TEST_CASE(of_several_damages_the_first_counts, fixture) {
    damage(1, segment_head_bytes + 3);
    std::string bytes = read_file(wal / names[2]);
    bytes[30] = '\x55';
    write_file(wal / names[2], bytes);
    check_salvaged(2, 2);
}

BOOST_FIXTURE_TEST_CASE(a_segment_of_another_history_is_not_believed, fixture) {
    // A copy of the same segment, of the same member, that was written with other entries.
    log_options other = options;
    other.directory = scratch.path() / "other";
    {
        const auto log = open_log(other);
        for (std::uint64_t index = 1; index <= 4; index += 2) {
            append_and_sync(*log, make_entries(index == 1 ? 1 : 3, index, 2, payload));
        }
    }
    BOOST_REQUIRE(names_in(other.directory)[1] == names[1]);
    copy_directory(kept, wal);
    std::filesystem::copy_file(other.directory / names[1], wal / names[1],
                               std::filesystem::copy_options::overwrite_existing);
    check_salvaged(2, 2);
}

BOOST_FIXTURE_TEST_CASE(what_only_the_newest_segment_knows_cannot_be_salvaged, fixture) {
    std::string failure;
    options.failure = &failure;
    for (const std::size_t place : {std::size_t{20}, std::size_t{8}}) {
        damage(groups - 1, place);
        BOOST_TEST(!segmented_log<>::open(options).has_value());
        BOOST_TEST(failure.find(names.back()) != std::string::npos, failure);
        BOOST_TEST(failure.find("under a new id") != std::string::npos, failure);
    }
    copy_directory(kept, wal);
    std::filesystem::remove(wal / names.back());
    BOOST_TEST(!segmented_log<>::open(options).has_value());
    BOOST_TEST(failure.find("the segment after this one is missing") != std::string::npos, failure);
    BOOST_TEST(names_in(wal).size() == groups - 1); // and nothing is changed
}

BOOST_FIXTURE_TEST_CASE(a_foreign_segment_is_no_damage, fixture) {
    copy_directory(kept, wal);
    options.member = node_id(4);
    BOOST_TEST((segmented_log<>::open(options).error() == errc::wrong_member));
}

BOOST_FIXTURE_TEST_CASE(a_lone_members_operator_may_accept_the_loss, fixture) {
    damage(2, segment_head_bytes + 3);
    options.if_damaged = on_damage::refuse;
    BOOST_TEST(!segmented_log<>::open(options).has_value());
    options.accept_data_loss = true;
    const recovered_log found = open_log(options)->take_recovered();
    BOOST_TEST(found.entries.size() == 4U);
    BOOST_TEST((found.hard.lost == lost_log{}));
    BOOST_TEST(found.damage.find("entries up to 4 are left of 8") != std::string::npos);
    options.accept_data_loss = false;
    BOOST_TEST((open_log(options)->take_recovered().hard.lost == lost_log{}));
}

BOOST_FIXTURE_TEST_CASE(a_loss_may_be_accepted_later, fixture) {
    damage(2, segment_head_bytes + 3);
    BOOST_TEST((open_log(options)->take_recovered().hard.lost == lost_at(8)));
    options.accept_data_loss = true;
    BOOST_TEST((open_log(options)->take_recovered().hard.lost == lost_log{}));
}

BOOST_FIXTURE_TEST_CASE(a_second_loss_does_not_hide_the_first, fixture) {
    damage(2, segment_head_bytes + 3);
    BOOST_TEST(open_log(options)->take_recovered().entries.size() == 4U);
    std::string bytes = read_file(wal / names[0]);
    bytes[segment_head_bytes + frame + 3] ^= 4;
    write_file(wal / names[0], bytes);
    const recovered_log found = open_log(options)->take_recovered();
    BOOST_TEST(found.entries.size() == 1U);
    BOOST_TEST((found.hard.lost == lost_at(8)));
    BOOST_TEST(broken().size() == 4U); // all but the first
}

BOOST_FIXTURE_TEST_CASE(a_restart_follows_a_loss, fixture) {
    damage(1, segment_head_bytes + 3);
    {
        const auto log = open_log(options);
        hard_state hard = log->take_recovered().hard;
        log->restart({term_id(5), log_index(20)});
        hard.commit = log_index(20);
        log->save(hard);
        BOOST_REQUIRE(!sync(*log));
    }
    const recovered_log found = open_log(options)->take_recovered();
    BOOST_TEST((found.base == log_id{term_id(5), log_index(20)}));
    BOOST_TEST((found.hard.lost == lost_at(8)));
    BOOST_TEST(broken().size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_crash_at_any_operation_of_it_leads_to_the_same, fixture) {
    using faulty_log = segmented_log<faulty_volume>;
    for (const std::size_t segment : {0U, 1U, 3U}) {
        for (const std::size_t place : {std::size_t{30}, segment_head_bytes + frame + 1}) {
            if (place == 30 && segment == 3) {
                continue; // the newest header: no salvage
            }
            const bool header = place == 30;
            for (int at = 0;; ++at) {
                damage(segment, place);
                const auto plan = std::make_shared<fault_plan>(fault_plan{at, at % 2 == 0, 0});
                result<posix_volume> disk = posix_volume::open(wal);
                BOOST_REQUIRE(disk.has_value());
                const auto opened =
                    faulty_log::open(options, faulty_volume(std::move(*disk), plan));
                check_salvaged(2 * segment + (header ? 0 : 1),
                               groups - 1 - segment + (header ? 1 : 0), true);
                if (opened) {
                    BOOST_TEST(at >= 6);
                    break;
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_commit_index_is_not_carried_over_a_loss_that_replaced_entries) {
    scratch_directory scratch;
    log_options options = options_for(scratch.path() / "wal");
    options.segment_bytes = 1;
    {
        const auto log = open_log(options);
        append_and_sync(*log, make_entries(1, 1, 6, payload));
        log->append(make_entries(2, 3, 4, payload)); // instead of 3 to 6
        log->save({term_id(2), {}, log_index(6)});
        BOOST_REQUIRE(!sync(*log));
    }
    const std::filesystem::path newest = options.directory / names_in(options.directory).back();
    std::string bytes = read_file(newest);
    bytes[segment_head_bytes] ^= 1;
    write_file(newest, bytes);
    options.if_damaged = on_damage::salvage;
    const recovered_log found = open_log(options)->take_recovered();
    // Entries 3 to 6 of term 1 are back, and never were committed.
    BOOST_TEST(found.entries.size() == 6U);
    BOOST_TEST((found.hard == hard_state{term_id(2), {}, {}, {term_id(2), log_index(6)}}));
}

BOOST_FIXTURE_TEST_CASE(a_log_that_must_exist_is_not_made_anew, fixture) {
    std::filesystem::remove_all(wal);
    std::string said;
    options.failure = &said;
    options.must_exist = true;
    for (int turn = 0; turn < 2; ++turn) { // the first refusal makes nothing
        BOOST_TEST((segmented_log<>::open(options).error() == errc::corrupt));
        BOOST_TEST(said.find(wal.string()) != std::string::npos);
        BOOST_TEST(names_in(wal).empty());
    }
    options.accept_data_loss = true;
    BOOST_TEST(open_log(options)->take_recovered().entries.empty());
    options.accept_data_loss = false;
    BOOST_TEST(segmented_log<>::open(options).has_value());
}

BOOST_AUTO_TEST_CASE(frames_between_the_marks_are_written_again) {
    // Without a power loss they were read, but not known to be on the disk.
    scratch_directory scratch;
    log_options options = options_for(scratch.path() / "wal");
    {
        const auto log = open_log(options);
        append_and_sync(*log, make_entries(1, 1, 2, payload));
        append_and_sync(*log, make_entries(1, 3, 3, payload));
    }
    const std::filesystem::path old_file = options.directory / names_in(options.directory).back();
    std::string bytes = read_file(old_file);
    bytes[segment_head_bytes + 4 * frame] ^= 1;
    write_file(old_file, bytes);
    options.if_damaged = on_damage::salvage;
    BOOST_TEST(open_log(options)->take_recovered().entries.size() == 4U);
    bytes.resize(segment_head_bytes + 2 * frame); // what was not synced is lost after all
    write_file(old_file, bytes);
    options.if_damaged = on_damage::refuse;
    const recovered_log found = open_log(options)->take_recovered();
    BOOST_TEST(found.entries.size() == 4U);
    BOOST_TEST((found.hard.lost == lost_log{term_id(1), log_index(5)}));
}

BOOST_AUTO_TEST_SUITE_END()
