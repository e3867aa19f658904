#include <quorate/base/checksum.hpp>
#include <quorate/format/snapshot.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(snapshot_format)

namespace {

snapshot_header sample() {
    snapshot_header header;
    header.cluster = cluster_id(5);
    header.member = node_id(6);
    header.last = {term_id(7), log_index(8)};
    header.data_size = 9;
    header.data_hash = 10;
    header.members.voters = {node_id(1), node_id(2)};
    header.members.outgoing = {node_id(1), node_id(3)};
    header.members.learners = {node_id(4)};
    header.members.learners_next = {node_id(3)};
    header.members.auto_leave = true;
    return header;
}

/// Gives changed bytes a valid checksum again, so that the checks behind it are reached.
void seal(std::string& bytes) {
    const std::size_t covered = bytes.size() - 4;
    store_little(&bytes[covered], crc32c(byte_view(bytes).substr(0, covered)));
}

} // namespace

BOOST_AUTO_TEST_CASE(round_trip) {
    const snapshot_header before = sample();
    const std::string bytes = encode_snapshot_header(before);
    BOOST_TEST(decode_snapshot_intro(byte_view(bytes).substr(0, snapshot_intro_bytes)).value() ==
               bytes.size());
    const auto read = decode_snapshot_header(bytes + "the data");
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((read->cluster == before.cluster));
    BOOST_TEST((read->member == before.member));
    BOOST_TEST((read->last == before.last));
    BOOST_TEST(read->data_size == before.data_size);
    BOOST_TEST(read->data_hash == before.data_hash);
    BOOST_TEST((read->members == before.members));
}

BOOST_AUTO_TEST_CASE(an_empty_membership_round_trips) {
    const auto read = decode_snapshot_header(encode_snapshot_header({}));
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(read->members.empty());
}

BOOST_AUTO_TEST_CASE(every_bit_and_every_truncation_is_refused) {
    std::string bytes = encode_snapshot_header(sample());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        BOOST_TEST(!decode_snapshot_header(bytes).has_value());
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto read = decode_snapshot_header(byte_view(bytes).substr(0, size));
        BOOST_TEST((read.error() == errc::truncated));
    }
}

BOOST_AUTO_TEST_CASE(a_header_that_claims_to_be_huge_is_refused_before_it_is_read) {
    std::string bytes = encode_snapshot_header(sample());
    store_little(&bytes[12], snapshot_header_bytes_max + 1);
    BOOST_TEST((decode_snapshot_intro(bytes).error() == errc::too_large));
    store_little(&bytes[12], std::uint32_t{snapshot_intro_bytes});
    BOOST_TEST((decode_snapshot_intro(bytes).error() == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(what_is_known_last_does_not_change_the_length) {
    const std::string early = encode_snapshot_header({});
    snapshot_header late;
    late.data_size = UINT64_MAX;
    late.data_hash = UINT64_MAX;
    BOOST_TEST(encode_snapshot_header(late).size() == early.size());
}

BOOST_AUTO_TEST_CASE(a_table_is_verified_against_itself_and_the_header) {
    const std::vector<std::uint32_t> checksums{1, 2, 0xffffffff};
    snapshot_header header;
    header.data_size = 2 * bulk_block_bytes + 1;
    bulk_hash hash;
    for (const std::uint32_t checksum : checksums) {
        hash.add(checksum);
    }
    header.data_hash = hash.value();
    std::string bytes = encode_snapshot_table(checksums);
    BOOST_TEST(bytes.size() == snapshot_table_bytes(header.data_size));
    const auto read = decode_snapshot_table(bytes, header);
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(*read == checksums, boost::test_tools::per_element());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        BOOST_TEST((decode_snapshot_table(bytes, header).error() == errc::corrupt));
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
    // A table of other blocks, with a checksum of its own that is right.
    const std::string swapped = encode_snapshot_table(std::vector<std::uint32_t>{2, 1, 0xffffffff});
    BOOST_TEST((decode_snapshot_table(swapped, header).error() == errc::corrupt));
    BOOST_TEST(snapshot_table_bytes(0) == 4U);
    BOOST_TEST(snapshot_table_bytes(bulk_block_bytes) == 8U);
}

BOOST_AUTO_TEST_CASE(fields_are_checked_behind_a_valid_checksum) {
    const std::string sound = encode_snapshot_header(sample());
    const std::size_t auto_leave = 64;
    const std::size_t voters = auto_leave + 4;
    const struct {
        std::size_t offset;
        std::uint32_t value;
        errc expected;
    } rows[] = {
        {8, 3, errc::unsupported_version},   {8, 0x10002, errc::corrupt}, // the reserved bytes
        {auto_leave, 2, errc::corrupt},                                   // neither yes nor no
        {voters, 0xffffffff, errc::corrupt}, // more ids than there are bytes
        {voters, 1, errc::corrupt},          // fewer, so that the rest makes no sense
        {voters + 4, 2, errc::corrupt},      // twice the same id
        {voters + 4, 0, errc::corrupt},      // nobody
        {voters + 12, 4, errc::corrupt},     // a voter that is a learner
    };
    for (const auto& row : rows) {
        std::string bytes = sound;
        store_little(&bytes[row.offset], row.value);
        seal(bytes);
        const auto read = decode_snapshot_header(bytes);
        BOOST_REQUIRE(!read.has_value());
        BOOST_TEST((read.error() == row.expected), "at " << row.offset);
    }
}

BOOST_AUTO_TEST_SUITE_END()
