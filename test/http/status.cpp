#include <quorate/http/status.hpp>

#include <boost/test/unit_test.hpp>

using namespace quorate::http;

BOOST_AUTO_TEST_SUITE(status)

BOOST_AUTO_TEST_CASE(known_codes_have_their_phrase) {
    BOOST_TEST(reason_of(200) == "OK");
    BOOST_TEST(reason_of(405) == "Method Not Allowed");
    BOOST_TEST(reason_of(505) == "HTTP Version Not Supported");
}

BOOST_AUTO_TEST_CASE(others_have_that_of_their_class) {
    BOOST_TEST(reason_of(299) == "Success");
    BOOST_TEST(reason_of(499 - 1) == "Client Error");
    BOOST_TEST(reason_of(599) == "Server Error");
    BOOST_TEST(reason_of(0) == "Unknown");
    BOOST_TEST(reason_of(1000) == "Unknown");
}

BOOST_AUTO_TEST_CASE(some_never_have_a_body) {
    BOOST_TEST(is_bodiless(204));
    BOOST_TEST(is_bodiless(304));
    BOOST_TEST(is_bodiless(100));
    BOOST_TEST(!is_bodiless(200));
    BOOST_TEST(!is_bodiless(404));
}

BOOST_AUTO_TEST_SUITE_END()
