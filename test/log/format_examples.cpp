#include <quorate/log/file_snapshots.hpp>

#include "support.hpp"

using namespace log_test;

// The files of doc/format.md's examples are made by the real writers, and every byte is compared.
BOOST_AUTO_TEST_SUITE(format_examples)

namespace {

constexpr const char* segment_file = "0000000000000001-0000000000000001.wal";

template <std::size_t Size>
std::string text_of(const unsigned char (&bytes)[Size]) {
    return {std::begin(bytes), std::end(bytes)};
}

// [segment_example
// Member 2 of cluster 0x11 opened a new log, voted for member 1 in term 3, and then wrote an
// entry of that term, "hello", with the same sync. At offset 0 of the first segment:
const unsigned char header_bytes[] = {
    0x51, 0x52, 0x41, 0x54, 0x45, 0x57, 0x41, 0x4c, // "QRATEWAL"
    0xb9, 0xae, 0x5a, 0x3e,                         // checksum of the 84 bytes that follow
    0x03, 0x00,                                     // version
    0x01, 0x00,                                     // voids what is before it
    0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // cluster
    0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // member
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // sequence
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // base: term
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // base: index
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // end of the segment before
    0x00, 0x00, 0x00, 0x00,                         // its last chain value
    0x00, 0x00, 0x00, 0x00,                         // sequences set aside
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // group
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // reserved
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};
// At offset 16224 the newest slot, and behind it the same bytes again. It was written behind
// the entry, and vouches for it as long as the machine runs.
const unsigned char slot_bytes[] = {
    0x51, 0x53, 0x4c, 0x54,                         // "QSLT"
    0xb4, 0x68, 0xa5, 0xc9,                         // checksum of the 152 bytes that follow
    0xb9, 0xae, 0x5a, 0x3e,                         // checksum of the header
    0x00, 0x00, 0x00, 0x00,                         // there is no next segment
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // generation
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // term
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // vote
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // commit index
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // loss: term
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // loss: index
    0x77, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // boot
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // commit index of what was acknowledged
    0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // acknowledged: offset
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // term
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // index
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // truncations
    0xb9, 0xae, 0x5a, 0x3e,                         // chain value
    0x00, 0x00, 0x00, 0x00,                         // zero
    0x2d, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // written: offset
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // term
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // index
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // truncations
    0x9a, 0x0e, 0xc5, 0x74,                         // chain value
    0x00, 0x00, 0x00, 0x00,                         // zero
};
// At offset 20480 the only frame.
const unsigned char frame_bytes[] = {
    0x9a, 0x0e, 0xc5, 0x74,                         // chain value
    0xcc, 0x96, 0x3c, 0x5a,                         // 45, the size of the frame, masked
    0x17, 0x49, 0x64, 0xcd,                         // record: checksum of its header
    0x4c, 0xbb, 0x71, 0x9a,                         // checksum of the payload
    0x05, 0x00, 0x00, 0x00,                         // payload size
    0x00,                                           // kind
    0x01,                                           // version
    0x00, 0x00,                                     // reserved
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // term
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // index
    0x68, 0x65, 0x6c, 0x6c, 0x6f,                   // "hello"
};
// At 8032, twice, the slot of generation 2 from when the log was opened. All else is zero.
// segment_example]

// [snapshot_example
// Member 2 of cluster 0x11 saved the state up to entry 9 of term 3. Voters are 1 and 2, and 3
// is a learner. The whole file:
const unsigned char snapshot_bytes[] = {
    0x51, 0x52, 0x41, 0x54, 0x45, 0x53, 0x4e, 0x50, // "QRATESNP"
    0x02, 0x00,                                     // version
    0x00, 0x00,                                     // reserved
    0x70, 0x00, 0x00, 0x00,                         // size of the header
    0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // size of the data
    0xb7, 0x36, 0x55, 0x96, 0x6e, 0xad, 0xa9, 0x10, // hash of the data
    0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // cluster
    0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // member
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // last entry: term
    0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // last entry: index
    0x00, 0x00, 0x00, 0x00,                         // automatic leave: no
    0x02, 0x00, 0x00, 0x00,                         // two voters
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // member 1
    0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // member 2
    0x00, 0x00, 0x00, 0x00,                         // no outgoing voter
    0x01, 0x00, 0x00, 0x00,                         // one learner
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // member 3
    0x00, 0x00, 0x00, 0x00,                         // no learner to come
    0x45, 0x59, 0x2b, 0xad,                         // checksum of the header
    0x73, 0x74, 0x61, 0x74, 0x65,                   // the data, "state": one block
    0xdf, 0x68, 0xdb, 0x66,                         // checksum of the block
    0xd1, 0x20, 0xb4, 0x7c,                         // checksum of the table
};
// snapshot_example]

/// Effects: puts `boot` where the writer put the number of this very run of the machine.
void set_boot(std::string& file, std::uint64_t boot) {
    const std::uint32_t checksum = decode_segment_header(file)->checksum;
    for (const std::uint64_t generation : {2U, 3U}) {
        for (std::size_t copy = 0; copy < slot_copies; ++copy) {
            char* const place = file.data() + slot_offset(generation) + copy * segment_slot_bytes;
            auto slot = decode_segment_slot({place, segment_slot_bytes}, checksum);
            BOOST_REQUIRE(slot.has_value());
            BOOST_TEST(slot->generation == generation);
            slot->boot = boot;
            encode_segment_slot(*slot, checksum, place);
        }
    }
}

/// Returns: the first segment of a new log with one entry.
std::string written_segment(const std::filesystem::path& directory) {
    log_options options = options_for(directory);
    options.cluster = cluster_id(0x11);
    options.member = node_id(2);
    options.segment_bytes = 32 << 10;
    const auto log = open_log(options);
    log->save({term_id(3), node_id(1), {}, {}});
    append_and_sync(*log, {make_test_entry(3, 1, "hello")});
    std::string file = read_file(directory / segment_file);
    set_boot(file, 0x77);
    return file;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_segment_is_the_documented_one) {
    const scratch_directory scratch;
    std::string expected(32 << 10, '\0');
    const auto put = [&](std::size_t offset, const std::string& bytes) {
        expected.replace(offset, bytes.size(), bytes);
    };
    const std::string written = written_segment(scratch.path());
    put(0, text_of(header_bytes));
    put(8032, written.substr(8032, 2 * segment_slot_bytes));
    put(16224, text_of(slot_bytes) + text_of(slot_bytes));
    put(20480, text_of(frame_bytes));
    BOOST_TEST((written == expected));
}

BOOST_AUTO_TEST_CASE(a_snapshot_is_the_documented_one) {
    const scratch_directory scratch;
    snapshot_options options;
    options.directory = scratch.path();
    options.cluster = cluster_id(0x11);
    options.member = node_id(2);
    const auto store = file_snapshots<>::open(options);
    BOOST_REQUIRE(store.has_value());
    snapshot saved;
    saved.last = {term_id(3), log_index(9)};
    saved.members.voters = {node_id(1), node_id(2)};
    saved.members.learners = {node_id(3)};
    saved.data = bulk_bytes(rope{shared_bytes::copy_of("state")});
    BOOST_REQUIRE(!(*store)->save(saved));
    const std::string written =
        read_file(scratch.path() / "0000000000000003-0000000000000009.snap");
    BOOST_TEST((written == text_of(snapshot_bytes)));
}

BOOST_AUTO_TEST_SUITE_END()
