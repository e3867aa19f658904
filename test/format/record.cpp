#include <quorate/format/record.hpp>

#include <boost/test/unit_test.hpp>

#include <iterator>
#include <limits>
#include <string>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(record)

namespace {

entry sample_entry() {
    const shared_bytes payload = shared_bytes::copy_of("hello");
    return {term_id(3), log_index(9), entry_kind::change, payload_checksum_of(payload.view()),
            payload};
}

std::string header_of(const entry& e) {
    std::string bytes(record_header_bytes, '\0');
    encode_record_header(e, bytes.data());
    return bytes;
}

/// Gives changed bytes a valid checksum again, so that the checks behind it are reached.
void seal(std::string& bytes) {
    store_little(bytes.data(), crc32c(byte_view(bytes).substr(4, record_header_bytes - 4)));
}

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

} // namespace

BOOST_AUTO_TEST_CASE(the_layout_is_the_documented_one) {
    const std::string bytes = header_of(sample_entry());
    BOOST_TEST(load_little<std::uint32_t>(bytes.data()) ==
               crc32c(byte_view(bytes).substr(4, record_header_bytes - 4)));
    BOOST_TEST(load_little<std::uint32_t>(bytes.data() + 4) == crc32c("hello"));
    BOOST_TEST(load_little<std::uint32_t>(bytes.data() + 8) == 5U);
    BOOST_TEST(bytes[12] == 1);
    BOOST_TEST(bytes[13] == 1);
    BOOST_TEST(load_little<std::uint16_t>(bytes.data() + 14) == 0);
    BOOST_TEST(load_little<std::uint64_t>(bytes.data() + 16) == 3U);
    BOOST_TEST(load_little<std::uint64_t>(bytes.data() + 24) == 9U);
}

BOOST_AUTO_TEST_CASE(the_bytes_are_those_of_the_documentation) {
    // [record_example
    // Entry 9 of term 3, a membership change whose payload is "hello".
    const unsigned char expected[] = {
        0x70, 0xba, 0x1c, 0xb8,                         // checksum of the 28 bytes that follow
        0x4c, 0xbb, 0x71, 0x9a,                         // checksum of the payload
        0x05, 0x00, 0x00, 0x00,                         // payload size
        0x01,                                           // kind
        0x01,                                           // version
        0x00, 0x00,                                     // reserved
        0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // term
        0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // index
        0x68, 0x65, 0x6c, 0x6c, 0x6f,                   // payload
    };
    // record_example]
    const std::string bytes = header_of(sample_entry()) + "hello";
    BOOST_TEST(std::string(std::begin(expected), std::end(expected)) == bytes);
}

BOOST_AUTO_TEST_CASE(round_trip) {
    const entry before = sample_entry();
    const std::string bytes = header_of(before) + "more";
    const result<record_header> header = decode_record_header(bytes, no_limit);
    BOOST_REQUIRE(header.has_value());
    BOOST_TEST(header->payload_size == 5U);
    BOOST_TEST((make_entry(*header, before.payload) == before));
}

BOOST_AUTO_TEST_CASE(extreme_values_round_trip) {
    const entry before{term_id(UINT64_MAX), log_index_max, entry_kind::joint_change, 0, {}};
    const result<record_header> header = decode_record_header(header_of(before), 0);
    BOOST_REQUIRE(header.has_value());
    BOOST_TEST((make_entry(*header, {}) == before));
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
    const std::string bytes = header_of(sample_entry());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto header = decode_record_header(byte_view(bytes).substr(0, size), no_limit);
        BOOST_TEST((header.error() == errc::truncated));
    }
}

BOOST_AUTO_TEST_CASE(every_bit_flip_is_refused) {
    std::string bytes = header_of(sample_entry());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        const auto header = decode_record_header(bytes, no_limit);
        BOOST_TEST((header.error() == errc::corrupt));
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
}

BOOST_AUTO_TEST_CASE(fields_are_checked_behind_a_valid_checksum) {
    const struct {
        std::size_t offset;
        char value;
        errc expected;
    } rows[] = {
        {12, 3, errc::corrupt},             // a kind that does not exist
        {13, 2, errc::unsupported_version}, // a later version
        {13, 0, errc::unsupported_version}, // no version at all
        {14, 1, errc::corrupt},             // the reserved bytes
        {15, 1, errc::corrupt},
    };
    for (const auto& row : rows) {
        std::string bytes = header_of(sample_entry());
        bytes[row.offset] = row.value;
        seal(bytes);
        BOOST_TEST((decode_record_header(bytes, no_limit).error() == row.expected));
    }
}

BOOST_AUTO_TEST_CASE(a_header_of_zeros_is_no_record) {
    // The zero tail of a preallocated segment must never read as an entry.
    const std::string zeros(record_header_bytes, '\0');
    BOOST_TEST((decode_record_header(zeros, no_limit).error() == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(the_payload_limit_is_inclusive) {
    const std::string bytes = header_of(sample_entry());
    BOOST_TEST(decode_record_header(bytes, 5).has_value());
    BOOST_TEST((decode_record_header(bytes, 4).error() == errc::too_large));
}

BOOST_AUTO_TEST_CASE(check_payload_compares_bytes_with_their_checksum) {
    entry e = sample_entry();
    BOOST_TEST(!check_payload(e));
    e.payload = shared_bytes::copy_of("hellO");
    BOOST_TEST((check_payload(e) == errc::corrupt));
    BOOST_TEST(!check_payload(entry{term_id(1), log_index(1), entry_kind::normal, 0, {}}));
}

BOOST_AUTO_TEST_SUITE_END()
