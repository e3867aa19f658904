#include <quorate/gateway/go_text.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace quorate::gateway;

BOOST_AUTO_TEST_SUITE(go_text)

BOOST_AUTO_TEST_CASE(characters_are_quoted_as_go_does) {
    BOOST_TEST(quoted_character('x') == "'x'");
    BOOST_TEST(quoted_character('\'') == "'\\''");
    BOOST_TEST(quoted_character('"') == "'\"'");
    BOOST_TEST(quoted_character('\\') == "'\\\\'");
    BOOST_TEST(quoted_character('\n') == "'\\n'");
    BOOST_TEST(quoted_character('\x01') == "'\\x01'");
    BOOST_TEST(quoted_character('\x7f') == "'\\x7f'");
    BOOST_TEST(quoted_character('\xe9') == "'\xc3\xa9'");
    BOOST_TEST(quoted_character('\x80') == "'\\u0080'");
}

BOOST_AUTO_TEST_CASE(text_is_quoted_as_go_does) {
    BOOST_TEST(quoted_text("UP") == "\"UP\"");
    BOOST_TEST(quoted_text("a\"b'\\") == "\"a\\\"b'\\\\\"");
    BOOST_TEST(quoted_text("\xc3\xa9\xff") == "\"\xc3\xa9\\xff\"");
}

BOOST_AUTO_TEST_CASE(long_text_is_cut) {
    BOOST_TEST(quoted_text(std::string(100'000, 'x')).size() < 2000);
}

BOOST_AUTO_TEST_CASE(every_code_point_comes_back) {
    for (std::uint32_t code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 7) {
        std::string bytes;
        append_utf8(bytes, code);
        const utf8_character found = first_utf8(bytes);
        if (code >= 0xd800 && code < 0xe000) {
            BOOST_REQUIRE(found.size == 0);
        } else {
            BOOST_REQUIRE(found.size == bytes.size());
            BOOST_REQUIRE(found.code == code);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_utf8_is_seen) {
    const std::string_view wrong[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc3", "\xe0\x80\x80", "\xe2\x82",
        "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8", "\xff"};
    for (const std::string_view text : wrong) {
        BOOST_TEST(first_utf8(text).size == 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
