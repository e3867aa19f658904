#include <quorate/server/metrics_writer.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <string>

BOOST_AUTO_TEST_SUITE(metrics_writer_suite)

using namespace quorate;

namespace {

std::string number(double value) {
    std::string out;
    metrics_writer(out).sample({}, value);
    return out.substr(1, out.size() - 2);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_family_of_one) {
    std::string out;
    metrics_writer writer(out);
    writer.one("name_total", "counter", "What it counts.", std::uint64_t{UINT64_MAX});
    BOOST_TEST(out ==
               "# HELP name_total What it counts.\n"
               "# TYPE name_total counter\n"
               "name_total 18446744073709551615\n");
}

BOOST_AUTO_TEST_CASE(label_values_are_escaped) {
    std::string out;
    metrics_writer writer(out);
    writer.family("n", "gauge", "h");
    out.clear();
    writer.sample({{"a", "q\"b\\c\nd"}, {"b", ""}}, std::uint64_t{1});
    BOOST_TEST(out == "n{a=\"q\\\"b\\\\c\\nd\",b=\"\"} 1\n");
}

BOOST_AUTO_TEST_CASE(numbers_are_written_as_go_does) {
    BOOST_TEST(number(0) == "0");
    BOOST_TEST(number(1.5) == "1.5");
    BOOST_TEST(number(0.001) == "0.001");
    BOOST_TEST(number(8.77e-05) == "8.77e-05");
    BOOST_TEST(number(524288) == "524288");
    BOOST_TEST(number(2147483648.0) == "2.147483648e+09");
    BOOST_TEST(number(-3) == "-3");
    BOOST_TEST(number(std::numeric_limits<double>::infinity()) == "+Inf");
    BOOST_TEST(number(-std::numeric_limits<double>::infinity()) == "-Inf");
    BOOST_TEST(number(std::nan("")) == "NaN");
    BOOST_TEST(number(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
    BOOST_TEST(number(std::numeric_limits<double>::denorm_min()) == "5e-324");
}

BOOST_AUTO_TEST_CASE(buckets_are_cumulative) {
    histogram took(buckets::exponential(0.5, 2, 2));
    took.observe(0.1);
    took.observe(0.75);
    took.observe(3.0);
    std::string out;
    metrics_writer writer(out);
    writer.family("t_seconds", "histogram", "h");
    out.clear();
    writer.sample({{"To", "x"}}, took);
    BOOST_TEST(out ==
               "t_seconds_bucket{To=\"x\",le=\"0.5\"} 1\n"
               "t_seconds_bucket{To=\"x\",le=\"1\"} 2\n"
               "t_seconds_bucket{To=\"x\",le=\"+Inf\"} 3\n"
               "t_seconds_sum{To=\"x\"} 3.85\n"
               "t_seconds_count{To=\"x\"} 3\n");
    out.clear();
    writer.sample({}, took);
    BOOST_TEST(out.starts_with("t_seconds_bucket{le=\"0.5\"} 1\n"));
}

BOOST_AUTO_TEST_SUITE_END()
