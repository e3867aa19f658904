// Text of a flag → checked value.
#include "../../example/quorated/value_parsers.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "../../example/quorated/flag_values.hpp"

using namespace quorated;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(value_parsers_suite)

BOOST_AUTO_TEST_CASE(durations) {
    BOOST_TEST((parse_duration("f", "1h30m") == 90min));
    BOOST_TEST((parse_duration("f", "100ms") == 100ms));
    BOOST_TEST((parse_duration("f", "1.5s") == 1500ms));
    BOOST_TEST((parse_duration("f", ".5s") == 500ms));
    BOOST_TEST((parse_duration("f", "2us") == 2us));
    BOOST_TEST((parse_duration("f", "2\u00b5s") == 2us));
    BOOST_TEST((parse_duration("f", "600000000000ns") == 10min));
    BOOST_TEST((parse_duration("f", "0") == 0ns));
    BOOST_TEST((parse_duration("f", "") == 0ns));
    for (const char* const wrong :
         {"5", "s", "-1s", "+1s", "1x", "1h30", "inf", "nans", "1 s", "1e3s", "1000000000h", "."}) {
        BOOST_CHECK_THROW(static_cast<void>(parse_duration("f", wrong)), usage_error);
    }
}

BOOST_AUTO_TEST_CASE(numbers) {
    BOOST_TEST(parse_number("f", "-5", -5, 5) == -5);
    BOOST_TEST(parse_number("f", "9223372036854775807", 0, INT64_MAX) == INT64_MAX);
    for (const char* const wrong : {"", "6", "-6", "1.0", "0x1", " 1", "1 ", "1k",
                                    "9223372036854775808", "99999999999999999999"}) {
        BOOST_CHECK_THROW(static_cast<void>(parse_number("f", wrong, -5, 5)), usage_error);
    }
}

BOOST_AUTO_TEST_CASE(booleans) {
    for (const char* const yes : {"1", "t", "T", "true", "TRUE", "True"}) {
        BOOST_TEST(parse_boolean("f", yes));
    }
    for (const char* const no : {"0", "f", "F", "false", "FALSE", "False"}) {
        BOOST_TEST(!parse_boolean("f", no));
    }
    for (const char* const wrong : {"", "yes", "on", "tRUE", "2"}) {
        BOOST_CHECK_THROW(static_cast<void>(parse_boolean("f", wrong)), usage_error);
    }
}

BOOST_AUTO_TEST_CASE(urls) {
    const endpoint plain = parse_endpoint("f", "http://localhost:2379");
    BOOST_TEST(!plain.tls);
    BOOST_TEST(plain.port == 2379);
    BOOST_TEST(plain.loopback());
    BOOST_TEST(plain.listen_address() == "127.0.0.1");

    const endpoint secure = parse_endpoint("f", "https://[::1]:1");
    BOOST_TEST(secure.tls);
    BOOST_TEST(secure.host == "::1");
    BOOST_TEST(secure.loopback());
    BOOST_TEST(secure.text == "https://[::1]:1");

    BOOST_TEST(parse_endpoint("f", "http://127.9.9.9:1").loopback());
    BOOST_TEST(!parse_endpoint("f", "http://0.0.0.0:1").loopback());
    BOOST_TEST(!parse_endpoint("f", "http://db.example:1").loopback());
    for (const char* const wrong :
         {"", "localhost:2379", "http://localhost", "http://:2379", "ftp://a:1", "http://a:1/",
          "http://a:65536", "http://u@a:1", "https://http://a:1", "unix:///tmp/a.sock"}) {
        BOOST_CHECK_THROW(static_cast<void>(parse_endpoint("f", wrong)), usage_error);
    }
}

BOOST_AUTO_TEST_CASE(lists) {
    BOOST_TEST(split_list("").empty());
    BOOST_TEST((split_list(" a, b ,c") == std::vector<std::string>{"a", "b", "c"}));
    const auto sorted = parse_endpoints("f", "http://b:1,http://a:2");
    BOOST_TEST_REQUIRE(sorted.size() == 2);
    BOOST_TEST(sorted[0].text == "http://a:2");
    BOOST_CHECK_THROW(static_cast<void>(parse_endpoints("f", "")), usage_error);
    BOOST_CHECK_THROW(static_cast<void>(parse_endpoints("f", "http://a:1,,")), usage_error);
}

BOOST_AUTO_TEST_SUITE_END()
