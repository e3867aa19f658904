#include <quorate/base/checksum.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(checksum)

using quorate::crc32c;
using quorate::crc32c_portable;

namespace {

std::string sample(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 12345;
    for (char& byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(agrees_with_the_published_vectors) {
    // RFC 3720, appendix B.4, and the customary check value of the polynomial.
    std::string ascending;
    std::string descending;
    for (int i = 0; i < 32; ++i) {
        ascending.push_back(static_cast<char>(i));
        descending.push_back(static_cast<char>(31 - i));
    }
    const struct {
        std::string bytes;
        std::uint32_t expected;
    } rows[] = {
        {"", 0},
        {"123456789", 0xE3069283},
        {std::string(32, '\0'), 0x8A9136AA},
        {std::string(32, '\xff'), 0x62A8AB43},
        {ascending, 0x46DD794E},
        {descending, 0x113FDB5C},
    };
    for (const auto& row : rows) {
        BOOST_TEST(crc32c(row.bytes) == row.expected);
        BOOST_TEST(crc32c_portable(row.bytes) == row.expected);
    }
}

BOOST_AUTO_TEST_CASE(hardware_and_software_agree_at_every_length_and_alignment) {
    const std::string bytes = sample(300);
    for (std::size_t offset = 0; offset < 9; ++offset) {
        for (std::size_t size = 0; size + offset <= bytes.size(); size += 1 + size / 16) {
            const quorate::byte_view view = quorate::byte_view(bytes).substr(offset, size);
            BOOST_TEST(crc32c(view) == crc32c_portable(view));
            BOOST_TEST(crc32c(view, 0xDEADBEEF) == crc32c_portable(view, 0xDEADBEEF));
        }
    }
}

BOOST_AUTO_TEST_CASE(can_be_extended_at_every_split) {
    const std::string bytes = sample(67);
    const quorate::byte_view all = bytes;
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        BOOST_TEST(crc32c(all.substr(split), crc32c(all.substr(0, split))) == crc32c(all));
        BOOST_TEST(crc32c_portable(all.substr(split), crc32c_portable(all.substr(0, split))) ==
                   crc32c(all));
    }
}

BOOST_AUTO_TEST_CASE(notices_every_single_bit) {
    std::string bytes = sample(64);
    const std::uint32_t before = crc32c(bytes);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        BOOST_TEST(crc32c(bytes) != before);
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
