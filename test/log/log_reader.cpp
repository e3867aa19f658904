#include <quorate/log/log_reader.hpp>

#include "support.hpp"

// Every way in which bytes of a log can be wrong, each told from the others: torn writes are cut,
// damage is refused with the file and the place.

using namespace log_test;

BOOST_AUTO_TEST_SUITE(log_reader_suite)

namespace {

/// A log of three groups in one segment; the newest slot vouches for the first two in any case.
struct three_groups {
    static constexpr std::size_t payload = 11;
    static constexpr std::size_t frame = frame_prefix_bytes + payload;

    three_groups() {
        const auto log = open_log(options);
        name = names_in(wal).front();
        append_and_sync(*log, make_entries(1, 1, 2, payload));
        log->append(make_entries(1, 3, 2, payload));
        log->save({term_id(1), {}, log_index(3)});
        BOOST_REQUIRE(!sync(*log));
        log->append(make_entries(2, 5, 3, payload));
        log->save({term_id(2), node_id(1), log_index(4)});
        BOOST_REQUIRE(!sync(*log));
        sound = read_file(wal / name);
        generations = {load_little<std::uint64_t>(&sound[slot_offset(0) + 16]),
                       load_little<std::uint64_t>(&sound[slot_offset(1) + 16])};
    }

    [[nodiscard]] std::size_t vouched_end() const { return segment_head_bytes + 4 * frame; }
    [[nodiscard]] std::size_t end() const { return segment_head_bytes + 7 * frame; }
    [[nodiscard]] std::size_t newest_slot() const {
        return slot_offset(std::max(generations[0], generations[1]));
    }
    [[nodiscard]] std::size_t older_slot() const {
        return slot_offset(std::min(generations[0], generations[1]));
    }

    /// Effects: makes the directory hold just this segment.
    void plant(byte_view bytes) {
        std::filesystem::remove_all(wal);
        std::filesystem::create_directory(wal);
        write_file(wal / name, bytes);
    }
    /// The same as if the machine had been started again since.
    void plant_after_power_loss(const std::string& bytes) { plant(after_power_loss(bytes)); }
    /// Opens what was planted. Returns: its entries, after checking that it can be used.
    [[nodiscard]] recovered_log recover() {
        const auto log = open_log(options);
        recovered_log found = log->take_recovered();
        const std::uint64_t next = found.base.index.value() + found.entries.size() + 1;
        append_and_sync(*log, make_entries(9, next, 1));
        return found;
    }
    /// Opens what was planted, which is to be refused. Returns: the text of the refusal.
    [[nodiscard]] std::string refusal(errc expected = errc::corrupt) {
        std::string failure;
        options.failure = &failure;
        const auto opened = segmented_log<>::open(options);
        options.failure = nullptr;
        BOOST_REQUIRE(!opened.has_value());
        BOOST_TEST((opened.error() == expected));
        return failure;
    }

    scratch_directory scratch;
    std::filesystem::path wal = scratch.path() / "wal";
    log_options options = options_for(wal);
    std::string name;
    std::string sound;
    std::array<std::uint64_t, 2> generations{};
};

void flip(std::string& bytes, std::size_t place) {
    bytes[place] = static_cast<char>(bytes[place] ^ (1 << (place % 8)));
}

} // namespace

BOOST_FIXTURE_TEST_CASE(the_fixture_is_as_described, three_groups) {
    BOOST_TEST(sound.size() == options.segment_bytes);
    BOOST_TEST(sound[end()] == '\0');
    BOOST_TEST(sound[end() - 1] == 'h');
    const recovered_log found = recover();
    BOOST_TEST(found.entries.size() == 7U);
    BOOST_TEST((found.hard == hard_state{term_id(2), node_id(1), log_index(4)}));
    BOOST_TEST(found.note == "");
}

namespace {

/// Ways in which the bytes from some place on can be lost.
const std::array<const char*, 4> kinds{"zeros", "short", "flipped", "garbage"};

std::string lose(std::string bytes, std::size_t cut, byte_view kind) {
    if (kind == "zeros") {
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(cut), bytes.end(), '\0');
    } else if (kind == "short") {
        bytes.resize(cut);
    } else if (kind == "flipped") {
        flip(bytes, cut);
    } else {
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(cut), bytes.end(), '\x5a');
    }
    return bytes;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(after_a_power_loss_a_tail_torn_at_any_byte_is_cut, three_groups) {
    for (std::size_t cut = vouched_end(); cut < end(); ++cut) {
        const std::size_t whole = (cut - segment_head_bytes) / frame;
        for (const char* kind : kinds) {
            const std::string bytes = lose(sound, cut, kind);
            if (byte_view(bytes).substr(0, end()) == byte_view(sound).substr(0, end())) {
                continue; // zeros that were zeros
            }
            plant_after_power_loss(bytes);
            const recovered_log found = recover();
            BOOST_TEST(found.entries.size() == whole, kind << " at " << cut);
            // Its commit index was meant for a log with those entries.
            BOOST_TEST((found.hard == hard_state{term_id(2), node_id(1), log_index(3)}));
            BOOST_TEST(found.note.find("cut an incomplete write") != std::string::npos);
            BOOST_TEST(found.damage == "");
        }
    }
}

BOOST_FIXTURE_TEST_CASE(without_a_power_loss_nothing_that_was_written_may_be_missing,
                        three_groups) {
    for (std::size_t cut = vouched_end(); cut < end(); ++cut) {
        for (const char* kind : kinds) {
            const std::string bytes = lose(sound, cut, kind);
            if (byte_view(bytes).substr(0, end()) != byte_view(sound).substr(0, end())) {
                plant(bytes);
                const std::size_t start = cut - (cut - segment_head_bytes) % frame;
                const std::string expected = name + ": offset " + std::to_string(start);
                const std::string text = refusal();
                BOOST_TEST(text.find(expected) != std::string::npos, kind << cut << text);
            }
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_write_that_was_under_way_is_cut_in_any_case, three_groups) {
    for (const bool power_loss : {false, true}) {
        for (const char* kind : {"flipped", "garbage"}) {
            const std::string bytes = lose(sound, end(), kind);
            plant(power_loss ? after_power_loss(bytes) : bytes);
            const recovered_log found = recover();
            BOOST_TEST(found.entries.size() == 7U);
            BOOST_TEST((found.hard == hard_state{term_id(2), node_id(1), log_index(4)}));
            BOOST_TEST(found.note.find("cut an incomplete write") != std::string::npos);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_log_that_fell_idle_vouches_for_all_of_it, three_groups) {
    {
        std::filesystem::remove_all(wal);
        const auto log = open_log(options);
        BOOST_TEST(!log->idle());
        append_and_sync(*log, make_entries(1, 1, 3, payload));
        BOOST_TEST(log->idle());
        BOOST_REQUIRE(!sync(*log));
        BOOST_TEST(!log->idle());
    }
    const std::string bytes = read_file(wal / name);
    for (std::size_t cut = segment_head_bytes; cut < segment_head_bytes + 3 * frame; ++cut) {
        for (const char* kind : kinds) {
            if (const std::string damaged = lose(bytes, cut, kind); damaged != bytes) {
                plant_after_power_loss(damaged);
                BOOST_TEST(refusal().find("damaged or missing") != std::string::npos);
            }
        }
    }
}

BOOST_FIXTURE_TEST_CASE(after_a_cut_nothing_of_the_torn_write_comes_back, three_groups) {
    // The first frame of the last group is lost and the two behind it are whole. Writing the same
    // entry again would make them continue the chain.
    std::string bytes = sound;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(vouched_end()), frame, '\0');
    plant_after_power_loss(bytes);
    {
        const auto log = open_log(options);
        BOOST_TEST(log->take_recovered().entries.size() == 4U);
        append_and_sync(*log, make_entries(2, 5, 1, payload));
    }
    BOOST_TEST(open_log(options)->take_recovered().entries.size() == 5U);
}

BOOST_FIXTURE_TEST_CASE(damage_to_what_was_acknowledged_is_refused_at_any_byte, three_groups) {
    for (std::size_t place = segment_head_bytes; place < vouched_end(); ++place) {
        std::string bytes = sound;
        flip(bytes, place);
        bytes = after_power_loss(bytes);
        plant(bytes);
        const std::string text = refusal();
        const std::size_t start =
            place - (place - segment_head_bytes) % frame; // of the frame that it stands in
        const std::string expected = name + ": offset " + std::to_string(start);
        BOOST_TEST(text.find(expected) != std::string::npos, text);
        // Refusing changes nothing, so that somebody may look.
        BOOST_TEST((read_file(wal / name) == bytes));
        BOOST_TEST(names_in(wal).size() == 1U);
    }
}

BOOST_FIXTURE_TEST_CASE(a_log_shorter_than_its_watermark_is_refused, three_groups) {
    for (std::size_t size = segment_head_bytes; size < vouched_end(); size += 7) {
        std::string bytes = sound;
        bytes.resize(size);
        plant(bytes);
        BOOST_TEST(refusal().find("damaged or missing") != std::string::npos);
        std::string zeros = sound;
        std::fill(zeros.begin() + static_cast<std::ptrdiff_t>(size), zeros.end(), '\0');
        plant(zeros);
        BOOST_TEST(refusal().find(name) != std::string::npos);
    }
}

BOOST_FIXTURE_TEST_CASE(every_byte_of_the_header_counts, three_groups) {
    for (std::size_t place = 0; place < segment_header_bytes; ++place) {
        std::string bytes = sound;
        flip(bytes, place);
        plant(bytes);
        BOOST_TEST(refusal().find(name + ": offset 0") != std::string::npos);
    }
    for (std::size_t size = 0; size < segment_header_bytes; ++size) {
        plant(byte_view(sound).substr(0, size));
        BOOST_TEST(refusal().find(name + ": offset 0") != std::string::npos);
    }
}

BOOST_FIXTURE_TEST_CASE(another_version_is_told_from_damage, three_groups) {
    std::string bytes = sound;
    for (const char version : {'\2', '\4'}) {
        bytes[12] = version;
        store_little(&bytes[8], crc32c(byte_view(bytes).substr(12, segment_header_bytes - 12)));
        plant(bytes);
        BOOST_TEST(refusal(errc::unsupported_version).find(name) != std::string::npos);
    }
}

BOOST_FIXTURE_TEST_CASE(segment_of_another_group_is_refused_and_kept, three_groups) {
    std::string bytes = sound;
    bytes[72] = '\1';
    store_little(&bytes[8], crc32c(byte_view(bytes).substr(12, segment_header_bytes - 12)));
    plant(bytes);
    BOOST_TEST(refusal(errc::feature_unavailable).find(name) != std::string::npos);
    bytes[80] = '\1'; // reserved
    store_little(&bytes[8], crc32c(byte_view(bytes).substr(12, segment_header_bytes - 12)));
    plant(bytes);
    BOOST_TEST(refusal().find(name) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(one_copy_of_a_slot_is_enough, three_groups) {
    for (const std::size_t slot : {newest_slot(), older_slot()}) {
        for (std::size_t place = 0; place < slot_copies * segment_slot_bytes; ++place) {
            std::string bytes = sound;
            flip(bytes, slot + place);
            plant(place % 2 == 0 ? bytes : after_power_loss(bytes));
            const recovered_log found = recover();
            BOOST_TEST(found.entries.size() == 7U);
            BOOST_TEST((found.hard == hard_state{term_id(2), node_id(1), log_index(4)}));
            BOOST_TEST(found.note.find("1 cannot be used") != std::string::npos);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_slot_that_a_power_loss_tore_was_never_acknowledged, three_groups) {
    std::string bytes = sound;
    flip(bytes, newest_slot());
    flip(bytes, newest_slot() + segment_slot_bytes);
    plant_after_power_loss(bytes);
    const recovered_log found = recover();
    BOOST_TEST(found.entries.size() == 7U);
    // The entries are of term 2, which their slot would have said.
    BOOST_TEST((found.hard == hard_state{term_id(2), {}, log_index(3)}));
}

BOOST_FIXTURE_TEST_CASE(lost_slots_are_refused_and_cannot_be_salvaged, three_groups) {
    std::string bytes = sound;
    flip(bytes, newest_slot());
    flip(bytes, newest_slot() + segment_slot_bytes);
    plant(bytes); // no end of a process tears both copies
    BOOST_TEST(refusal().find("the slots are damaged") != std::string::npos);
    flip(bytes, older_slot());
    flip(bytes, older_slot() + segment_slot_bytes);
    options.if_damaged = on_damage::salvage;
    for (const bool power_loss : {false, true}) {
        plant(power_loss ? after_power_loss(bytes) : bytes);
        const std::string text = refusal();
        BOOST_TEST(text.find("the slots are damaged") != std::string::npos, text);
        BOOST_TEST(text.find("under a new id") != std::string::npos, text);
    }
}

BOOST_FIXTURE_TEST_CASE(a_slot_in_the_place_of_the_other_does_not_count, three_groups) {
    std::string bytes = sound;
    bytes.replace(newest_slot(), 2 * segment_slot_bytes, sound, older_slot(),
                  2 * segment_slot_bytes);
    plant(bytes);
    BOOST_TEST(refusal().find("the slots are damaged") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(slots_of_another_segment_do_not_count, three_groups) {
    log_options other = options;
    other.directory = scratch.path() / "other";
    other.member = node_id(4);
    open_log(other).reset();
    const std::string foreign = read_file(other.directory / names_in(other.directory).front());
    std::string bytes = sound;
    bytes.replace(segment_block_bytes, 4 * segment_block_bytes, foreign, segment_block_bytes,
                  4 * segment_block_bytes);
    plant(bytes);
    BOOST_TEST(refusal().find("the slots are damaged") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_sound_frame_in_the_wrong_place_is_refused, three_groups) {
    // The second entry's frame where the first one's was: each is sound by itself.
    std::string bytes = sound;
    bytes.replace(segment_head_bytes, frame, sound, segment_head_bytes + frame, frame);
    plant(bytes);
    BOOST_TEST(refusal().find(name) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_renamed_segment_is_refused, three_groups) {
    plant(sound);
    std::filesystem::rename(wal / name, wal / "0000000000000002-0000000000000001.wal");
    BOOST_TEST(refusal().find("is the file " + name) != std::string::npos);
}

namespace {

/// Three segments with two entries each, as a rotation leaves them.
struct three_segments : three_groups {
    three_segments() {
        std::filesystem::remove_all(wal);
        options.segment_bytes = segment_head_bytes + 1;
        const auto log = open_log(options);
        for (std::uint64_t index = 1; index < 7; index += 2) {
            append_and_sync(*log, make_entries(1, index, 2, payload));
        }
        names = names_in(wal);
        BOOST_REQUIRE(names.size() == 3U);
        std::filesystem::rename(wal, kept);
    }
    void restore() { copy_directory(kept, wal); }

    std::filesystem::path kept = scratch.path() / "kept";
    std::vector<std::string> names;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_missing_segment_is_noticed, three_segments) {
    restore();
    std::filesystem::remove(wal / names[1]);
    BOOST_TEST(refusal().find(names[2] + ": offset 0: the segment before this one is missing") !=
               std::string::npos);
    restore();
    std::filesystem::remove(wal / names[2]);
    BOOST_TEST(refusal().find("the segment after this one is missing") != std::string::npos);
    restore();
    // The first one may be compacted away; that its entries are gone shows in the base.
    std::filesystem::remove(wal / names[0]);
    BOOST_TEST((open_log(options)->take_recovered().base == log_id{term_id(1), log_index(2)}));
}

BOOST_FIXTURE_TEST_CASE(a_closed_segment_is_sound_to_its_last_byte, three_segments) {
    const std::string bytes = read_file(kept / names[1]);
    BOOST_TEST(bytes.size() == segment_head_bytes + 2 * frame); // nothing reserved in vain
    for (std::size_t place = segment_head_bytes; place < bytes.size(); ++place) {
        restore();
        std::string damaged = bytes;
        flip(damaged, place);
        write_file(wal / names[1], damaged);
        BOOST_TEST(refusal().find(names[1]) != std::string::npos);
    }
    for (std::size_t size = 0; size < bytes.size(); size += size < 100 ? 1 : 97) {
        restore();
        write_file(wal / names[1], byte_view(bytes).substr(0, size));
        BOOST_TEST(refusal().find(names[1]) != std::string::npos);
    }
    restore();
    write_file(wal / names[1], bytes + "what follows means nothing");
    BOOST_TEST(open_log(options)->take_recovered().entries.size() == 6U);
}

BOOST_FIXTURE_TEST_CASE(an_older_copy_of_a_closed_segment_is_refused, three_segments) {
    // The same segment of another log, which has the same name.
    restore();
    log_options other = options;
    other.directory = scratch.path() / "other";
    {
        const auto log = open_log(other);
        for (std::uint64_t index = 1; index < 7; index += 2) {
            append_and_sync(*log, make_entries(2, index, 2, payload));
        }
    }
    std::filesystem::copy_file(other.directory / names[0], wal / names[0],
                               std::filesystem::copy_options::overwrite_existing);
    BOOST_TEST(refusal().find(names[0]) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(two_segments_with_one_number_are_refused, three_segments) {
    restore();
    std::filesystem::copy(wal / names[1], wal / "0000000000000002-0000000000000099.wal");
    BOOST_TEST(refusal().find("has the number of " + names[1]) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(an_entry_cut_off_again_takes_its_commit_index_along, three_groups) {
    {
        std::filesystem::remove_all(wal);
        const auto log = open_log(options);
        log->append(make_entries(1, 1, 4, payload));
        log->save({term_id(1), {}, log_index(2)});
        BOOST_REQUIRE(!sync(*log));
        log->append(make_entries(2, 3, 1, payload)); // instead of 3 and 4
        log->save({term_id(2), {}, log_index(3)});
        BOOST_REQUIRE(!sync(*log));
    }
    std::string bytes = read_file(wal / name);
    const auto torn = bytes.begin() + static_cast<std::ptrdiff_t>(vouched_end());
    std::fill(torn, bytes.end(), '\0');
    plant_after_power_loss(bytes);
    // What stands at index 3 now is not what was committed there.
    const recovered_log found = recover();
    BOOST_TEST(found.entries.size() == 4U);
    BOOST_TEST((found.hard == hard_state{term_id(2), {}, log_index(2)}));
}

BOOST_FIXTURE_TEST_CASE(no_bit_of_any_file_is_believed_unchecked, three_segments) {
    restore();
    const std::vector<entry> sound_entries = open_log(options)->take_recovered().entries;
    for (const std::string& file : names) {
        const std::string bytes = read_file(kept / file);
        std::size_t refused = 0;
        for (std::size_t place = 0; place < bytes.size(); ++place) {
            const bool reserved =
                place > segment_header_bytes && place < segment_head_bytes && bytes[place] == '\0';
            if ((reserved && place % 61 != 0) || place > segment_head_bytes + 2 * frame + 99) {
                continue;
            }
            restore();
            std::string damaged = bytes;
            flip(damaged, place);
            write_file(wal / file, damaged);
            const auto opened = segmented_log<>::open(options);
            refused += opened ? 0U : 1U;
            if (opened) {
                const recovered_log found = (*opened)->take_recovered();
                BOOST_TEST((found.entries == sound_entries), file << " at " << place);
            }
        }
        BOOST_TEST(refused >= segment_header_bytes + 2 * frame);
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_never_believed) {
    scratch_directory scratch;
    const log_options options = options_for(scratch.path() / "wal");
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        std::filesystem::remove_all(options.directory);
        std::filesystem::create_directory(options.directory);
        std::string bytes(random() % 20'000, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random());
        }
        write_file(options.directory / "0000000000000001-0000000000000001.wal", bytes);
        const auto opened = segmented_log<>::open(options);
        BOOST_TEST(!opened.has_value());
    }
}

BOOST_AUTO_TEST_SUITE_END()
