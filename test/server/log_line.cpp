#include <quorate/server/log_line.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

BOOST_AUTO_TEST_SUITE(log_line_suite)

using namespace quorate;
using namespace std::chrono_literals;

namespace {

using time_point = std::chrono::system_clock::time_point;

constexpr time_point noon{1'795'262'400s + 123us};

std::string json(std::string_view value) {
    std::string line =
        log_line(log_format::json, log_level::info, "m", noon).text("f", value).str();
    const std::size_t from = line.find("\"f\":") + 4;
    return line.substr(from, line.size() - from - 2);
}

std::string plain(std::string_view value) {
    std::string line =
        log_line(log_format::text, log_level::info, "m", noon).text("f", value).str();
    const std::size_t from = line.find(" f=") + 3;
    return line.substr(from, line.size() - from - 1);
}

} // namespace

BOOST_AUTO_TEST_CASE(lines_of_both_formats) {
    BOOST_TEST(log_line(log_format::json, log_level::warn, "slow", noon)
                   .text("who", "a b")
                   .number("n", std::int64_t{-1})
                   .number("u", std::uint64_t{UINT64_MAX})
                   .flag("yes", true)
                   .duration("took", 12'345'678ns)
                   .id("member", 0xbdae9bbc11dd390d)
                   .str() ==
               "{\"level\":\"warn\",\"ts\":\"2026-11-21T12:00:00.000123Z\",\"msg\":\"slow\","
               "\"who\":\"a b\",\"n\":-1,\"u\":18446744073709551615,\"yes\":true,"
               "\"took\":\"12.346ms\",\"member\":\"bdae9bbc11dd390d\"}\n");
    BOOST_TEST(log_line(log_format::text, log_level::error, "it went wrong", noon)
                   .text("who", "a b")
                   .flag("no", false)
                   .str() ==
               "2026-11-21T12:00:00.000123Z error it went wrong who=\"a b\" no=false\n");
}

BOOST_AUTO_TEST_CASE(no_value_leaves_its_line) {
    BOOST_TEST(json("a\nb\t\"c\"\\") == "\"a\\u000ab\\u0009\\\"c\\\"\\\\\"");
    BOOST_TEST(json(std::string_view("\0\x1b[31m\x7f", 7)) == "\"\\u0000\\u001b[31m\\u007f\"");
    BOOST_TEST(plain("a\nlevel=error") == "\"a\\u000alevel=error\"");
    BOOST_TEST(plain("") == "\"\"");
    BOOST_TEST(plain("plain") == "plain");
    const std::string line = log_line(log_format::text, log_level::info, "a\nb", noon).str();
    BOOST_TEST(line.find('\n') == line.size() - 1);
}

BOOST_AUTO_TEST_CASE(what_is_no_utf_8_is_replaced) {
    BOOST_TEST(json("gr\u00fc\u00dfe \u20ac \U0001f600") ==
               "\"gr\u00fc\u00dfe \u20ac \U0001f600\"");
    // A lone continuation, too long, cut off, a surrogate, beyond the last, no such byte.
    BOOST_TEST(json("\x80") == "\"\\ufffd\"");
    BOOST_TEST(json("\xc0\xaf") == "\"\\ufffd\\ufffd\"");
    BOOST_TEST(json("\xe2\x82") == "\"\\ufffd\\ufffd\"");
    BOOST_TEST(json("\xe0\x80\xaf") == "\"\\ufffd\\ufffd\\ufffd\"");
    BOOST_TEST(json("\xed\xa0\x80") == "\"\\ufffd\\ufffd\\ufffd\"");
    BOOST_TEST(json("\xf4\x90\x80\x80") == "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    BOOST_TEST(json("\xf0\x8f\xbf\xbf") == "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    BOOST_TEST(json("\xff") == "\"\\ufffd\"");
    BOOST_TEST(json("\xf4\x8f\xbf\xbf") == "\"\xf4\x8f\xbf\xbf\"");
}

BOOST_AUTO_TEST_CASE(times_are_utc_with_microseconds) {
    BOOST_TEST(format_time(time_point{}) == "1970-01-01T00:00:00.000000Z");
    BOOST_TEST(format_time(time_point{} - 1us) == "1969-12-31T23:59:59.999999Z");
    BOOST_TEST(format_time(time_point{} - 1ns) == "1969-12-31T23:59:59.999999Z");
    BOOST_TEST(format_time(noon + 999'876us) == "2026-11-21T12:00:00.999999Z");
}

BOOST_AUTO_TEST_SUITE_END()
