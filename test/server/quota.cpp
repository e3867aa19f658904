#include <quorate/server/quota.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(quota)

using namespace quorate;

BOOST_AUTO_TEST_CASE(costs_are_the_reference_s_and_count_what_is_nested) {
    const put small{.key = "k", .value = "value"};
    BOOST_TEST(cost_of(small) == 262u);
    BOOST_TEST(cost_of(lease_grant{}) == 64u);
    BOOST_TEST(cost_of(delete_range{.key = "k"}) == 0u);
    BOOST_TEST(cost_of(range{.key = "k"}) == 0u);
    BOOST_TEST(cost_of(compact{3}) == 0u);
    BOOST_TEST(cost_of(lease_revoke{}) == 0u);
    BOOST_TEST(cost_of(txn{{}, {{delete_range{.key = "k"}}}, {}}) == 0u);
    const txn inner{{}, {{small}, {small}}, {{small}}};
    BOOST_TEST(cost_of(inner) == 524u);
    BOOST_TEST(cost_of(txn{{}, {{small}}, {{inner}, {small}}}) == 786u);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_and_the_rest_is_not) {
    const quorate::quota limited(1000);
    const put small{.key = "k", .value = "value"};
    BOOST_TEST(limited.admit(small, 737, {}) == error_code());
    BOOST_TEST(limited.admit(small, 738, {}) == make_error_code(errc::space_exceeded));
    BOOST_TEST(limited.admit(small, UINT64_MAX, {}) == make_error_code(errc::space_exceeded));
    BOOST_TEST(limited.admit(delete_range{.key = "k"}, UINT64_MAX, {}) == error_code());
    BOOST_TEST(limited.admit(compact{3}, 5000, {}) == error_code());
}

BOOST_AUTO_TEST_CASE(the_limit_has_a_default_and_can_be_lifted) {
    BOOST_TEST(quorate::quota().limit() == std::uint64_t{2} << 30);
    BOOST_TEST(quorate::quota(-1).fits(UINT64_MAX - 1, 1000));
    BOOST_TEST(!quorate::quota().fits(std::uint64_t{2} << 30, 1));
    BOOST_TEST(quorate::quota().fits(std::uint64_t{2} << 30, 0));
}

BOOST_AUTO_TEST_CASE(a_raised_alarm_refuses_whatever_the_size) {
    alarm_set alarms;
    BOOST_TEST(alarms.change(quorate::quota::alarm(node_id(3)))->size() == 1u);
    BOOST_TEST((alarms.all().front() == raised_alarm{node_id(3), alarm_kind::no_space}));
    const put small{.key = "k"};
    BOOST_TEST(quorate::quota().admit(small, 0, alarms) == make_error_code(errc::space_exceeded));
    BOOST_TEST(quorate::quota(-1).admit(small, 0, alarms) == make_error_code(errc::space_exceeded));
}

BOOST_AUTO_TEST_SUITE_END()
