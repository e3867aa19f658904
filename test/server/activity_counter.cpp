#include <quorate/server/activity_counter.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(activity_counter_suite)

using namespace quorate;

BOOST_AUTO_TEST_CASE(operations_are_counted_as_etcd_does) {
    server_metrics metrics;
    activity_counter activity(metrics);
    activity.applied({{}, put_reply{}});
    activity.applied({{}, range_reply{}});
    activity.applied({{}, delete_reply{.deleted = 3}});
    activity.applied({{}, error_reply{errc::key_empty}});
    activity.applied({{}, compact_reply{}});
    BOOST_TEST(metrics.puts.value() == 1u);
    BOOST_TEST(metrics.ranges.value() == 1u);
    BOOST_TEST(metrics.deletes.value() == 1u);
    BOOST_TEST(metrics.txns.value() == 0u);

    const txn_reply inner{true, {{{}, put_reply{}}, {{}, delete_reply{}}}};
    activity.applied({{}, txn_reply{true, {{{}, range_reply{}}, {{}, inner}}}});
    BOOST_TEST(metrics.puts.value() == 2u);
    BOOST_TEST(metrics.ranges.value() == 2u);
    BOOST_TEST(metrics.deletes.value() == 2u);
    BOOST_TEST(metrics.txns.value() == 1u);

    activity.applied({{}, txn_reply{true, {{{}, put_reply{}}}}});
    BOOST_TEST(metrics.puts.value() == 3u);
    BOOST_TEST(metrics.txns.value() == 1u);
}

BOOST_AUTO_TEST_CASE(leases_are_counted_with_their_time) {
    server_metrics metrics;
    activity_counter activity(metrics);
    activity.applied({{}, lease_grant_reply{.id = lease_id(1), .ttl = 60}});
    activity.applied({{}, lease_revoke_reply{.id = lease_id(1)}});
    BOOST_TEST(metrics.leases_granted.value() == 1u);
    BOOST_TEST(metrics.leases_revoked.value() == 1u);
    BOOST_TEST(metrics.lease_ttl.sum() == 60);
}

BOOST_AUTO_TEST_CASE(a_leader_is_seen_once_a_term_without_one_between) {
    server_metrics metrics;
    activity_counter activity(metrics);
    const auto see = [&](std::uint64_t leader) { activity.role({.leader = node_id(leader)}); };
    see(0);
    BOOST_TEST(metrics.leader_changes_seen.value() == 0u);
    see(1);
    see(1);
    BOOST_TEST(metrics.leader_changes_seen.value() == 1u);
    see(0);
    see(1);
    see(2);
    BOOST_TEST(metrics.leader_changes_seen.value() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
