#include <quorate/format/primitives.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using quorate::byte_reader;
using quorate::byte_view;
using quorate::byte_writer;

BOOST_AUTO_TEST_SUITE(primitives)

BOOST_AUTO_TEST_CASE(numbers_are_little_endian) {
    std::string bytes;
    byte_writer(bytes).u8(0x01).u16(0x0302).u32(0x07060504).u64(0x0f0e0d0c0b0a0908);
    std::string expected;
    for (char c = 1; c <= 15; ++c) {
        expected.push_back(c);
    }
    BOOST_TEST(bytes == expected);

    byte_reader in(bytes);
    BOOST_TEST(in.u8() == 0x01);
    BOOST_TEST(in.u16() == 0x0302);
    BOOST_TEST(in.u32() == 0x07060504U);
    BOOST_TEST(in.u64() == 0x0f0e0d0c0b0a0908U);
    BOOST_TEST(in.finished());
}

BOOST_AUTO_TEST_CASE(region_and_string_writers_agree) {
    char region[16];
    byte_writer fixed(region, sizeof(region));
    fixed.u32(7).bytes("abc").zeros(2).u16(0xffee).bytes("").zeros(0);
    std::string grown;
    byte_writer growing(grown);
    growing.u32(7).bytes("abc").zeros(2).u16(0xffee).bytes("").zeros(0);
    BOOST_TEST(fixed.position() == 11U);
    BOOST_TEST(growing.position() == 11U);
    BOOST_TEST(byte_view(region, fixed.position()) == byte_view(grown));
}

BOOST_AUTO_TEST_CASE(a_writer_appends_to_what_the_string_holds) {
    std::string grown = "head";
    byte_writer out(grown);
    out.u8('!');
    BOOST_TEST(grown == "head!");
    BOOST_TEST(out.position() == 1U);
}

BOOST_AUTO_TEST_CASE(failure_is_sticky_and_yields_zeros) {
    byte_reader in(byte_view("\x01\x02\x03", 3));
    BOOST_TEST(in.u16() == 0x0201);
    BOOST_TEST(in.u32() == 0U);
    BOOST_TEST(in.failed());
    // One byte is left, but nothing that follows a failure can mean anything.
    BOOST_TEST(in.u8() == 0);
    BOOST_TEST(in.bytes(1).empty());
    BOOST_TEST(!in.finished());
}

BOOST_AUTO_TEST_CASE(huge_lengths_do_not_wrap) {
    byte_reader in("abcdef");
    in.skip(2);
    BOOST_TEST(in.position() == 2U);
    BOOST_TEST(in.bytes(UINT64_MAX).empty());
    BOOST_TEST(in.failed());
    BOOST_TEST(in.position() == 2U);
}

BOOST_AUTO_TEST_CASE(bytes_are_views_of_the_input) {
    const std::string source = "keyvalue";
    byte_reader in(source);
    const byte_view key = in.bytes(3);
    const byte_view value = in.bytes(5);
    BOOST_TEST(key == "key");
    BOOST_TEST(value == "value");
    BOOST_TEST(static_cast<const void*>(key.data()) == static_cast<const void*>(source.data()));
    BOOST_TEST(in.bytes(0).empty());
    BOOST_TEST(in.finished());
}

BOOST_AUTO_TEST_CASE(a_decoder_may_fail_the_reader) {
    byte_reader in("abc");
    in.fail();
    BOOST_TEST(in.failed());
    BOOST_TEST(in.u8() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
