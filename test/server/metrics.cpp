#include <quorate/server/metrics.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <numeric>

BOOST_AUTO_TEST_SUITE(metrics)

using namespace quorate;

BOOST_AUTO_TEST_CASE(counters_add) {
    counter one;
    BOOST_TEST(one.value() == 0u);
    one.add();
    one.add(41);
    BOOST_TEST(one.value() == 42u);
}

BOOST_AUTO_TEST_CASE(buckets_of_disks_are_etcd_s) {
    const histogram sync(buckets::of_disk());
    BOOST_TEST_REQUIRE(sync.bounds().size() == 14u);
    BOOST_TEST(sync.bounds().front() == 0.001);
    BOOST_TEST(sync.bounds().back() == 8.192);
}

BOOST_AUTO_TEST_CASE(a_bound_belongs_to_its_bucket) {
    histogram one(buckets::exponential(1, 2, 3)); // 1, 2, 4
    for (const double value : {0.0, 1.0, 1.5, 2.0, 4.0, 4.1, 1e9}) {
        one.observe(value);
    }
    const std::vector<std::uint64_t> counts(one.counts().begin(), one.counts().end());
    BOOST_TEST((counts == std::vector<std::uint64_t>{2, 2, 1, 2}));
    BOOST_TEST(one.count() == 7u);
    BOOST_TEST(one.sum() == 1e9 + 12.6);
}

BOOST_AUTO_TEST_CASE(durations_are_seconds) {
    histogram one(buckets::of_disk());
    one.observe(std::chrono::microseconds(1500));
    BOOST_TEST(one.sum() == 0.0015);
    BOOST_TEST(one.counts()[1] == 1u);
}

BOOST_AUTO_TEST_CASE(as_many_buckets_as_there_can_be) {
    histogram one(buckets::exponential(1, 2, buckets::count_max));
    one.observe(1e30);
    BOOST_TEST(one.counts().size() == buckets::count_max + 1);
    BOOST_TEST(one.counts().back() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
