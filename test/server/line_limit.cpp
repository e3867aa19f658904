#include <quorate/server/line_limit.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

BOOST_AUTO_TEST_SUITE(line_limit)

using std::chrono::milliseconds;

BOOST_AUTO_TEST_CASE(limit_admits_its_lines_in_each_interval_and_counts_the_rest) {
    quorate::line_limit limit(2, milliseconds(100));
    const quorate::line_limit::clock::time_point start{};
    BOOST_TEST(limit.admit(start));
    BOOST_TEST(limit.left_out() == "");
    BOOST_TEST(limit.admit(start + milliseconds(99)));
    BOOST_TEST(!limit.admit(start + milliseconds(99)));
    BOOST_TEST(!limit.admit(start + milliseconds(99)));
    BOOST_TEST(limit.admit(start + milliseconds(100)));
    BOOST_TEST(limit.left_out() == "; 2 more lines like this were left out");
    BOOST_TEST(limit.left_out() == "");
    BOOST_TEST(limit.admit(start + milliseconds(150)));
    BOOST_TEST(!limit.admit(start + milliseconds(199)));
    BOOST_TEST(limit.admit(start + milliseconds(200)));
}

BOOST_AUTO_TEST_SUITE_END()
