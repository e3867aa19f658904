// The program is no library; its parts that can be tested alone are compiled into the test.
#include "../../example/quorate_load/histogram.cpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

BOOST_AUTO_TEST_SUITE(histogram)

namespace {

using quorate_load::histogram;
using std::chrono::nanoseconds;

/// Latencies over nine powers of ten, as many of each.
std::vector<std::int64_t> samples(std::size_t count) {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> exponent(0, 9);
    std::vector<std::int64_t> all;
    while (all.size() < count) {
        all.push_back(static_cast<std::int64_t>(std::pow(10, exponent(random))));
    }
    return all;
}

histogram of(const std::vector<std::int64_t>& values) {
    histogram made;
    for (const std::int64_t value : values) {
        made.record(nanoseconds(value));
    }
    return made;
}

} // namespace

BOOST_AUTO_TEST_CASE(percentiles_are_those_of_the_sorted_values) {
    std::vector<std::int64_t> values = samples(10'001);
    const histogram made = of(values);
    std::sort(values.begin(), values.end());
    for (const double percent : {0.0, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        const double rank = std::max(1.0, std::ceil(percent / 100 * 10'001));
        const std::int64_t exact = values[static_cast<std::size_t>(rank) - 1];
        const std::int64_t told = made.percentile(percent).count();
        BOOST_TEST(told >= exact);
        BOOST_TEST(static_cast<double>(told) <= static_cast<double>(exact) * 1.008);
    }
    BOOST_TEST(made.fastest().count() == values.front());
    BOOST_TEST(made.slowest().count() == values.back());
}

BOOST_AUTO_TEST_CASE(moments_are_those_of_the_values) {
    const histogram made = of({1'000, 2'000, 6'000});
    BOOST_TEST(made.mean() == 3'000, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(made.deviation() == std::sqrt(14e6 / 3), boost::test_tools::tolerance(1e-9));
    BOOST_TEST(histogram().deviation() == 0);
    BOOST_TEST(histogram().percentile(50).count() == 0);
}

BOOST_AUTO_TEST_CASE(merged_halves_are_the_whole) {
    const std::vector<std::int64_t> values = samples(2'000);
    const histogram whole = of(values);
    histogram halves = of({values.begin(), values.begin() + 700});
    halves.merge(of({values.begin() + 700, values.end()}));
    halves.merge(histogram());
    BOOST_TEST(halves.count() == whole.count());
    BOOST_TEST(halves.fastest().count() == whole.fastest().count());
    BOOST_TEST(halves.slowest().count() == whole.slowest().count());
    BOOST_TEST(halves.mean() == whole.mean(), boost::test_tools::tolerance(1e-9));
    BOOST_TEST(halves.deviation() == whole.deviation(), boost::test_tools::tolerance(1e-9));
    BOOST_TEST(halves.percentile(90).count() == whole.percentile(90).count());
}

BOOST_AUTO_TEST_CASE(rows_hold_everything_once) {
    const histogram made = of({-5, 0, 999, 1'000, 1'999, 8'000, 3'600'000'000'000'000});
    const std::vector<histogram::row> rows = made.rows();
    BOOST_TEST_REQUIRE(rows.size() > 4U);
    BOOST_TEST(rows[0].below.count() == 1'000);
    BOOST_TEST(rows[0].count == 3U);
    BOOST_TEST(rows[1].count == 2U);
    BOOST_TEST(rows[2].count == 0U);
    std::uint64_t all = 0;
    for (const histogram::row& row : rows) {
        all += row.count;
    }
    BOOST_TEST(all == made.count());
    BOOST_TEST(rows.back().count == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
