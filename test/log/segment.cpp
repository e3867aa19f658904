#include <quorate/log/segment.hpp>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(segment)

namespace {

segment_header sample_header() {
    return {cluster_id(0x1122334455667788),
            node_id(3),
            9,
            {term_id(4), log_index(0x1fe)},
            false,
            54321,
            0xDEADBEEF,
            2,
            {}};
}

segment_slot sample_slot() {
    return {12,
            true,
            {term_id(5), node_id(2), log_index(77), {term_id(4), log_index(76)}},
            log_index(75),
            {21000, 0xABCDEF01, {term_id(5), log_index(99)}, 3},
            {22000, 0x10203040, {term_id(5), log_index(103)}, 4},
            0x8877665544332211};
}

std::string encoded(const segment_slot& slot, std::uint32_t header_checksum) {
    std::string bytes(segment_slot_bytes, '\0');
    encode_segment_slot(slot, header_checksum, bytes.data());
    return bytes;
}

void flip(std::string& bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
}

} // namespace

BOOST_AUTO_TEST_CASE(header_round_trip) {
    segment_header header = sample_header();
    for (const bool fresh : {false, true}) {
        header.fresh = fresh;
        const std::string bytes = encode_segment_header(header);
        BOOST_TEST(bytes.size() == segment_header_bytes);
        const auto read = decode_segment_header(bytes + "slots and frames");
        BOOST_REQUIRE(read.has_value());
        BOOST_TEST((read->header == header));
        BOOST_TEST(read->checksum == load_little<std::uint32_t>(bytes.data() + 8));
    }
}

BOOST_AUTO_TEST_CASE(a_header_with_any_bit_changed_is_refused) {
    std::string bytes = encode_segment_header(sample_header());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        flip(bytes, bit);
        BOOST_TEST((decode_segment_header(bytes).error() == errc::corrupt));
        flip(bytes, bit);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto read = decode_segment_header(byte_view(bytes).substr(0, size));
        BOOST_TEST((read.error() == errc::truncated));
    }
}

BOOST_AUTO_TEST_CASE(a_header_names_the_segment_that_it_continues) {
    segment_header header = sample_header();
    BOOST_TEST(header.previous() == 6U);
    header.skipped = 8; // all of them
    BOOST_TEST((decode_segment_header(encode_segment_header(header)).error() == errc::corrupt));
    header.fresh = true;
    BOOST_TEST(decode_segment_header(encode_segment_header(header)).has_value());
    BOOST_TEST(header.previous() == 0U);
    header.skipped = 9; // more than there are
    BOOST_TEST((decode_segment_header(encode_segment_header(header)).error() == errc::corrupt));
    header.skipped = 0;
    header.sequence = 0;
    BOOST_TEST((decode_segment_header(encode_segment_header(header)).error() == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_slot_whose_marks_make_no_sense_is_none) {
    segment_slot slot = sample_slot();
    slot.acknowledged.offset = slot.written.offset + 1;
    BOOST_TEST(!decode_segment_slot(encoded(slot, 42), 42).has_value());
    slot.acknowledged.offset = segment_head_bytes - 1;
    BOOST_TEST(!decode_segment_slot(encoded(slot, 42), 42).has_value());
    slot.acknowledged.offset = segment_head_bytes;
    BOOST_TEST(decode_segment_slot(encoded(slot, 42), 42).has_value());
}

BOOST_AUTO_TEST_CASE(slot_round_trip) {
    const segment_slot slot = sample_slot();
    const std::string bytes = encoded(slot, 42);
    const auto read = decode_segment_slot(bytes, 42);
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((*read == slot));
    BOOST_TEST(!decode_segment_slot(bytes, 43).has_value()); // of another segment
    BOOST_TEST(!decode_segment_slot(std::string(segment_slot_bytes, '\0'), 0).has_value());
}

BOOST_AUTO_TEST_CASE(a_slot_with_any_bit_changed_is_none) {
    std::string bytes = encoded(sample_slot(), 42);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        flip(bytes, bit);
        BOOST_TEST(!decode_segment_slot(bytes, 42).has_value());
        flip(bytes, bit);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST(!decode_segment_slot(byte_view(bytes).substr(0, size), 42).has_value());
    }
}

BOOST_AUTO_TEST_CASE(no_two_copies_of_slots_share_a_block) {
    std::vector<std::uint64_t> blocks{0}; // the header's
    for (const std::uint64_t generation : {1U, 2U}) {
        BOOST_TEST(slot_offset(generation) == slot_offset(generation + 2));
        for (std::size_t copy = 0; copy < slot_copies; ++copy) {
            const std::uint64_t start = slot_offset(generation) + copy * segment_slot_bytes;
            const std::uint64_t last = start + segment_slot_bytes - 1;
            blocks.push_back(start / segment_block_bytes);
            BOOST_TEST(last / segment_block_bytes == blocks.back());
            BOOST_TEST(last / 512 == start / 512); // nor is one torn by a disk with small sectors
            BOOST_TEST(last < segment_head_bytes);
        }
    }
    std::sort(blocks.begin(), blocks.end());
    BOOST_TEST((std::adjacent_find(blocks.begin(), blocks.end()) == blocks.end()));
}

namespace {

struct frame_fixture {
    entry written = make_test_entry(4, 512, "hello");
    log_position before{20000, 0x01020304, {term_id(4), log_index(511)}, 0};
    log_position after = before;
    std::string bytes = std::string(frame_prefix_bytes, '\0');

    frame_fixture() {
        encode_frame_prefix(written, 9, after, bytes.data());
        bytes += "hello";
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(frame_round_trip, frame_fixture) {
    BOOST_TEST(after.offset == before.offset + bytes.size());
    BOOST_TEST((after.last == written.id()));
    BOOST_TEST(after.truncations == 0U);
    const auto read = decode_frame_prefix(bytes, bytes.size(), before, 9);
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(read->frame_size() == bytes.size());
    BOOST_TEST(read->chain == after.chain);
    BOOST_TEST((make_entry(read->record, written.payload) == written));
}

BOOST_FIXTURE_TEST_CASE(a_frame_is_bound_to_its_place, frame_fixture) {
    log_position other = before;
    other.offset += 1;
    BOOST_TEST(!decode_frame_prefix(bytes, bytes.size(), other, 9).has_value());
    other = before;
    other.chain ^= 1;
    BOOST_TEST(!decode_frame_prefix(bytes, bytes.size(), other, 9).has_value());
    BOOST_TEST(!decode_frame_prefix(bytes, bytes.size(), before, 10).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_frame_must_end_within_the_room, frame_fixture) {
    BOOST_TEST(!decode_frame_prefix(bytes, bytes.size() - 1, before, 9).has_value());
    BOOST_TEST(decode_frame_prefix(bytes, bytes.size() + 1, before, 9).has_value());
    for (std::size_t size = 0; size < frame_prefix_bytes; ++size) {
        const byte_view part = byte_view(bytes).substr(0, size);
        BOOST_TEST(!decode_frame_prefix(part, bytes.size(), before, 9).has_value());
        BOOST_TEST(!decode_frame_prefix(bytes, size, before, 9).has_value());
    }
}

BOOST_FIXTURE_TEST_CASE(a_prefix_with_any_bit_changed_is_none, frame_fixture) {
    for (std::size_t bit = 0; bit < frame_prefix_bytes * 8; ++bit) {
        flip(bytes, bit);
        BOOST_TEST(!decode_frame_prefix(bytes, 1 << 20, before, 9).has_value());
        flip(bytes, bit);
    }
}

BOOST_FIXTURE_TEST_CASE(replacing_frames_are_counted, frame_fixture) {
    char place[frame_prefix_bytes];
    encode_frame_prefix(written, 9, after, place); // the same index again
    BOOST_TEST(after.truncations == 1U);
}

BOOST_AUTO_TEST_CASE(names_tell_sequence_and_first_index) {
    const std::string name = segment_name(sample_header());
    BOOST_TEST(name == "0000000000000009-00000000000001ff.wal");
    BOOST_TEST(parse_segment_name(name).value() == 9U);
    for (const char* other :
         {"", "9-1ff.wal", "0000000000000009-00000000000001FF.wal",
          "0000000000000009-00000000000001ff.snap", "0000000000000009_00000000000001ff.wal",
          "000000000000000x-00000000000001ff.wal", "0000000000000009-00000000000001ff.wal.tmp",
          "-000000000000009-00000000000001ff.wal", "0000000000000009--0000000000001ff.wal"}) {
        BOOST_TEST(!parse_segment_name(other).has_value(), other);
    }
}

BOOST_AUTO_TEST_SUITE_END()
