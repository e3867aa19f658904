#include <quorate/server/descriptors.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <cstdint>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_AUTO_TEST_CASE(clients_leave_a_quarter_to_others) {
    BOOST_TEST(client_descriptors(1024) == 768U);
    BOOST_TEST(client_descriptors(3) == 1U);
    BOOST_TEST(client_descriptors(0) == 1U);
    BOOST_TEST(client_descriptors(SIZE_MAX) > SIZE_MAX / 2);
}

BOOST_AUTO_TEST_CASE(soft_limit_is_raised_to_the_hard_one) {
    rlimit saved{};
    BOOST_TEST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved) == 0);
    const rlimit few{64, saved.rlim_max};
    BOOST_TEST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    BOOST_TEST(descriptor_limit() == 64U);
    const std::size_t raised = raise_descriptor_limit();
    rlimit now{};
    BOOST_TEST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
    BOOST_TEST(now.rlim_cur == saved.rlim_max);
    BOOST_TEST(raised == descriptor_limit());
    ::setrlimit(RLIMIT_NOFILE, &saved);
}

BOOST_AUTO_TEST_SUITE_END()
