#include <quorate/log/file_snapshots.hpp>
#include <quorate/log/inspect.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(inspect)

namespace {

/// Keeps all that it is told.
struct witness : inspection_visitor {
    std::vector<log_id> entries;
    std::vector<bool> acknowledged;
    std::vector<std::string> payloads;
    std::vector<std::uint64_t> offsets;
    std::vector<segment_use> uses;
    std::vector<std::string> notes;
    std::vector<log_damage> damages;
    std::optional<data_identity> identity;

    void on_identity(const std::string&, const data_identity& found) override { identity = found; }
    void on_segment(const inspected_segment& segment) override { uses.push_back(segment.use); }
    void on_frame(const inspected_frame& frame) override {
        entries.push_back({frame.record.term, frame.record.index});
        acknowledged.push_back(frame.acknowledged);
        payloads.emplace_back(frame.payload);
        offsets.push_back(frame.offset);
    }
    void on_note(const std::string&, const std::string& what) override { notes.push_back(what); }
    void on_damage(const log_damage& damage) override { damages.push_back(damage); }
};

/// A data directory with an identity, three segments and a snapshot.
class fixture {
public:
    fixture() {
        auto opened = data_directory::open(data());
        BOOST_REQUIRE(opened.has_value());
        log_options options = options_for(wal());
        options.segment_bytes = 32 << 10;
        BOOST_REQUIRE(!opened->claim({options.cluster, options.member}));
        const auto log = open_log(options);
        for (std::uint64_t index = 1; index <= 60; index += 2) {
            append_and_sync(*log, make_entries(1, index, 2, 500));
        }
        append_and_sync(*log, make_entries(2, 55, 3, 500)); // replaces 55 to 60
        snapshot_options snapshots;
        snapshots.directory = data() / "snap";
        snapshots.cluster = options.cluster;
        snapshots.member = options.member;
        const auto store = file_snapshots<>::open(snapshots);
        BOOST_REQUIRE(store.has_value());
        snapshot saved;
        saved.last = {term_id(1), log_index(20)};
        saved.members.voters = {options.member};
        saved.data = bulk_bytes(rope{shared_bytes::copy_of(std::string(600'000, 's'))});
        BOOST_REQUIRE(!(*store)->save(saved));
    }

    [[nodiscard]] std::filesystem::path data() const { return scratch_.path() / "data"; }
    [[nodiscard]] std::filesystem::path wal() const { return data() / "wal"; }
    [[nodiscard]] std::filesystem::path snap() const {
        return data() / "snap" / "0000000000000001-0000000000000014.snap";
    }
    /// Returns: what is told, and the sum.
    std::pair<witness, inspection> look() const {
        witness seen;
        const auto sum = inspect_directory(data(), seen);
        BOOST_REQUIRE(sum.has_value());
        BOOST_TEST(sum->damages == seen.damages.size());
        BOOST_TEST(sum->notes == seen.notes.size());
        BOOST_TEST(sum->frames == seen.entries.size());
        return {std::move(seen), *sum};
    }
    /// Returns: the only damage, after `change` was made to the bytes of a file; then it is undone.
    template <class Change>
    log_damage only_damage(const std::filesystem::path& file, Change&& change) const {
        const std::string before = read_file(file);
        std::string bytes = before;
        change(bytes);
        write_file(file, bytes);
        const auto [seen, sum] = look();
        BOOST_REQUIRE_EQUAL(seen.damages.size(), 1U);
        BOOST_TEST(seen.damages[0].file == file.string());
        BOOST_TEST(read_file(file) == bytes);
        write_file(file, before);
        return seen.damages[0];
    }
    [[nodiscard]] std::filesystem::path newest() const { return wal() / names_in(wal()).back(); }
    [[nodiscard]] std::filesystem::path oldest() const { return wal() / names_in(wal()).front(); }

private:
    scratch_directory scratch_;
};

void flip(std::string& bytes, std::uint64_t offset) {
    bytes[static_cast<std::size_t>(offset)] ^= 4;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(sound_files_are_told_whole, fixture) {
    const auto [seen, sum] = look();
    BOOST_TEST(seen.damages.empty());
    BOOST_TEST(seen.notes.empty());
    BOOST_REQUIRE(seen.identity.has_value());
    BOOST_TEST(seen.identity->member.value() == 3U);
    BOOST_TEST(seen.entries.size() == 63U);
    BOOST_TEST((seen.entries.front() == log_id{term_id(1), log_index(1)}));
    BOOST_TEST(seen.payloads[1] == std::string(500, 'c'));
    BOOST_TEST(std::count(seen.acknowledged.begin(), seen.acknowledged.end(), false) == 0);
    BOOST_TEST(seen.uses.size() > 1U);
    BOOST_TEST((seen.uses.back() == segment_use::newest));
    BOOST_TEST(sum.payload_bytes == 63U * 500U);
    BOOST_TEST((sum.last == log_id{term_id(2), log_index(57)}));
    BOOST_TEST(sum.snapshots == 1U);
    BOOST_TEST((sum.snapshot == log_id{term_id(1), log_index(20)}));
    BOOST_TEST(sum.user == 0U);
}

BOOST_FIXTURE_TEST_CASE(compacted_logs_are_sound, fixture) {
    {
        const auto log = open_log(options_for(wal()));
        log->compact(log_index(40));
        append_and_sync(*log, make_entries(2, 58, 1));
    }
    const auto [seen, sum] = look();
    // Nothing is wrong with the files of the log, but the snapshot does not reach them.
    BOOST_REQUIRE_EQUAL(seen.damages.size(), 1U);
    BOOST_TEST(seen.damages[0].file == oldest().string());
    BOOST_TEST(sum.base.index.value() > 20U);
}

BOOST_FIXTURE_TEST_CASE(each_flipped_bit_of_a_frame_is_told_at_its_start, fixture) {
    const auto [seen, sum] = look();
    std::vector<std::uint64_t> in_newest;
    for (std::size_t i = seen.offsets.size(); i-- > 0;) {
        if (!in_newest.empty() && seen.offsets[i] > in_newest.back()) {
            break;
        }
        in_newest.push_back(seen.offsets[i]);
    }
    BOOST_REQUIRE(in_newest.size() > 2U);
    const std::uint64_t frame = in_newest[1]; // the last but one
    for (std::uint64_t byte = 0; byte < 60; ++byte) {
        const log_damage told =
            only_damage(newest(), [&](std::string& bytes) { flip(bytes, frame + byte); });
        BOOST_TEST(told.offset == frame);
        BOOST_TEST((told.code == errc::corrupt));
    }
}

BOOST_FIXTURE_TEST_CASE(all_damages_are_told_also_behind_lost_lengths, fixture) {
    const auto [whole, sum] = look();
    std::string bytes = read_file(oldest());
    for (const std::size_t frame : {3U, 4U, 9U}) {
        flip(bytes, whole.offsets[frame] + 5); // the size
        flip(bytes, whole.offsets[frame] + 17);
    }
    write_file(oldest(), bytes);
    const auto [seen, damaged] = look();
    // Two in a row are one gap: nothing can be followed between them.
    BOOST_REQUIRE_EQUAL(seen.damages.size(), 2U);
    BOOST_TEST(seen.damages[0].offset == whole.offsets[3]);
    BOOST_TEST(seen.damages[1].offset == whole.offsets[9]);
    BOOST_TEST(seen.entries.size() == whole.entries.size() - 3);
}

BOOST_FIXTURE_TEST_CASE(what_is_missing_is_told, fixture) {
    const std::uint64_t size = std::filesystem::file_size(oldest());
    BOOST_TEST(only_damage(oldest(), [](std::string& bytes) { bytes.pop_back(); }).what ==
               "an entry is damaged");
    const log_damage header = only_damage(newest(), [](std::string& bytes) { flip(bytes, 30); });
    BOOST_TEST(header.what == "the header is damaged");
    BOOST_TEST(size > segment_head_bytes);
    const std::vector<std::string> names = names_in(wal());
    BOOST_REQUIRE(names.size() > 2U);
    std::filesystem::rename(wal() / names[1], data() / "elsewhere");
    const auto [seen, sum] = look();
    BOOST_REQUIRE_EQUAL(seen.damages.size(), 1U);
    BOOST_TEST(seen.damages[0].file == (wal() / names[2]).string());
    BOOST_TEST(seen.damages[0].what == "the segment before this one is missing");
    for (const std::string& name : names_in(wal())) {
        std::filesystem::remove(wal() / name);
    }
    const auto [none, lost] = look();
    BOOST_REQUIRE_EQUAL(none.damages.size(), 1U);
    BOOST_TEST(none.damages[0].file == wal().string());
    BOOST_TEST(none.damages[0].what.starts_with("the log is missing"));
}

BOOST_FIXTURE_TEST_CASE(a_database_beside_the_log_is_known, fixture) {
    std::filesystem::create_directory(data() / "db");
    std::filesystem::create_directory(data() / "dbs");
    const auto [seen, sum] = look();
    BOOST_TEST(seen.damages.empty());
    BOOST_REQUIRE_EQUAL(seen.notes.size(), 2U);
    BOOST_TEST(std::count(seen.notes.begin(), seen.notes.end(),
                          "a database, which is not looked into") == 1);
    BOOST_TEST(std::count(seen.notes.begin(), seen.notes.end(), "no part of a data directory") ==
               1);
}

BOOST_FIXTURE_TEST_CASE(slots_can_lose_one_copy, fixture) {
    std::string bytes = read_file(newest());
    flip(bytes, slot_offset(0) + 20);
    write_file(newest(), bytes);
    const auto [one, sound] = look();
    BOOST_TEST(one.damages.empty());
    BOOST_TEST(one.notes.size() == 1U);
    for (const std::uint64_t place : {0U, 1U}) {
        for (std::size_t copy = 0; copy < slot_copies; ++copy) {
            bytes[static_cast<std::size_t>(slot_offset(place)) + copy * segment_slot_bytes] = 'x';
        }
    }
    write_file(newest(), bytes);
    const auto [none, damaged] = look();
    BOOST_REQUIRE_EQUAL(none.damages.size(), 1U);
    BOOST_TEST(none.damages[0].offset == slot_offset(0));
}

BOOST_FIXTURE_TEST_CASE(incomplete_writes_are_notes, fixture) {
    const auto [whole, sum] = look();
    std::string bytes = read_file(newest());
    const std::size_t end = static_cast<std::size_t>(whole.offsets.back()) + frame_prefix_bytes +
                            whole.payloads.back().size();
    bytes.replace(end, 9, "half of a");
    write_file(newest(), bytes);
    const auto [seen, torn] = look();
    BOOST_TEST(seen.damages.empty());
    BOOST_REQUIRE_EQUAL(seen.notes.size(), 1U);
    BOOST_TEST(seen.notes[0].find("offset " + std::to_string(end)) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(damaged_snapshots_are_told, fixture) {
    const std::uint64_t size = std::filesystem::file_size(snap());
    // Not the ends alone: each block has a checksum of its own, and each that fails is told.
    for (const std::uint64_t offset : {std::uint64_t{2}, std::uint64_t{30}, size / 2, size - 1}) {
        const log_damage told =
            only_damage(snap(), [&](std::string& bytes) { flip(bytes, offset); });
        BOOST_TEST(told.offset <= offset);
    }
    BOOST_TEST((only_damage(snap(), [](std::string& bytes) { bytes.pop_back(); }).code ==
                errc::truncated));
    std::string bytes = read_file(snap());
    flip(bytes, 1000);
    flip(bytes, 400'000);
    write_file(snap(), bytes);
    BOOST_TEST(look().first.damages.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(foreign_files_are_told, fixture) {
    const std::string own = read_file(data() / "identity");
    write_file(data() / "identity", encode_identity({cluster_id(77), node_id(4)}));
    for (const log_damage& told : look().first.damages) {
        BOOST_TEST((told.code == errc::wrong_member));
    }
    BOOST_TEST(!look().first.damages.empty());
    write_file(data() / "identity", own);
    BOOST_TEST(look().first.damages.empty());
    std::filesystem::remove(data() / "identity");
    const witness seen = look().first;
    BOOST_REQUIRE_EQUAL(seen.damages.size(), 1U);
    BOOST_TEST(seen.damages[0].file == (data() / "identity").string());
}

BOOST_FIXTURE_TEST_CASE(what_is_not_a_file_is_no_trap, fixture) {
    BOOST_REQUIRE(::mkfifo((wal() / "00000000000000ff-00000000000000ff.wal").c_str(), 0600) == 0);
    BOOST_TEST(!look().first.damages.empty());
    witness ignored;
    BOOST_TEST(!inspect_directory(data() / "nowhere", ignored).has_value());
    BOOST_TEST(!inspect_directory(data() / "identity", ignored).has_value());
}

BOOST_FIXTURE_TEST_CASE(nothing_is_changed_and_the_user_is_named, fixture) {
    const auto open = data_directory::open(data());
    BOOST_REQUIRE(open.has_value());
    const auto before = std::filesystem::last_write_time(data() / "lock");
    const auto [seen, sum] = look();
    BOOST_TEST(seen.damages.empty());
    BOOST_TEST(sum.user == static_cast<std::uint64_t>(::getpid()));
    BOOST_TEST((std::filesystem::last_write_time(data() / "lock") == before));
}

BOOST_AUTO_TEST_SUITE_END()
