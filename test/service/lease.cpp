#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include <future>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(lease)

using namespace service_test;

answer grant(cluster& c, service& at, std::uint64_t id, std::int64_t ttl) {
    return c.wait([&](auto done) { at.grant(lease_id(id), ttl, {}, std::move(done)); });
}

struct life {
    error_code failed;
    lease_life_reply made;
};
life keep_alive(cluster& c, service& at, std::uint64_t id) {
    life got;
    bool done = false;
    at.keep_alive(lease_id(id), {}, [&](error_code failed, const lease_life_reply& made) {
        got = {failed, made};
        done = true;
    });
    BOOST_REQUIRE(c.run_until([&] { return done; }));
    return got;
}
life time_to_live(cluster& c, service& at, std::uint64_t id) {
    life got;
    bool done = false;
    at.time_to_live(lease_id(id), true, {}, [&](error_code failed, const lease_life_reply& made) {
        got = {failed, made};
        done = true;
    });
    BOOST_REQUIRE(c.run_until([&] { return done; }));
    return got;
}

// A walk over the leader's state holds back what it applies.
BOOST_AUTO_TEST_CASE(
    leader_that_is_behind_in_applying_knows_the_lease_that_another_member_answered) {
    cluster c(3);
    c.start_all();
    service& leader = c.leading();
    service& follower = c.following();
    static_cast<void>(grant(c, leader, 5, 100));
    BOOST_TEST(keep_alive(c, leader, 5).made.ttl == 100); // it counts the leases by now
    std::promise<void> go_on;
    leader.node().inspect([held = go_on.get_future().share()](const auto&) { held.wait(); },
                          [](error_code) {});
    BOOST_TEST(grant(c, follower, 77, 100).as<lease_grant_reply>().ttl == 100u);
    BOOST_TEST(!leader.store().leases().contains(lease_id(77)));
    std::vector<life> answers;
    const auto note = [&](error_code failed, const lease_life_reply& made) {
        answers.push_back({failed, made});
    };
    for (service* one : {&leader, &follower}) {
        one->keep_alive(lease_id(77), {}, note);
        one->time_to_live(lease_id(77), false, {}, note);
    }
    c.run_for(milliseconds(100));
    go_on.set_value();
    BOOST_REQUIRE(c.run_until([&] { return answers.size() == 4; }));
    for (const life& one : answers) {
        BOOST_TEST(!one.failed);
        BOOST_TEST(one.made.ttl >= 98);
    }
}

BOOST_AUTO_TEST_CASE(a_lease_lives_as_every_member_says) {
    cluster c(3);
    c.start_all();
    const auto& granted = grant(c, c.following(), 77, 100).as<lease_grant_reply>();
    BOOST_TEST(granted.id.value() == 77u);
    BOOST_TEST(granted.ttl == 100u);
    BOOST_TEST(grant(c, c.leading(), 77, 100).failed == errc::lease_exists);
    c.submit(c.leading(), put{.key = "k", .lease = lease_id(77)}).as<put_reply>();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        const life kept = keep_alive(c, c.at(id), 77);
        BOOST_TEST(!kept.failed);
        BOOST_TEST(kept.made.ttl == 100);
        const life left = time_to_live(c, c.at(id), 77);
        BOOST_TEST(!left.failed);
        BOOST_TEST(left.made.ttl >= 98);
        BOOST_TEST(left.made.granted == 100u);
        BOOST_REQUIRE(left.made.keys.size() == 1u);
        BOOST_TEST(left.made.keys[0].view() == "k");
    }
}

BOOST_AUTO_TEST_CASE(a_lease_that_is_not_there_has_no_time_and_that_is_no_error) {
    cluster c(3);
    c.start_all();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        BOOST_TEST(!keep_alive(c, c.at(id), 5).failed);
        BOOST_TEST(keep_alive(c, c.at(id), 5).made.ttl == 0);
        BOOST_TEST(time_to_live(c, c.at(id), 5).made.ttl == -1);
    }
}

BOOST_AUTO_TEST_CASE(an_id_is_drawn_for_who_has_none) {
    cluster c;
    c.start_all();
    const std::uint64_t one = grant(c, c.leading(), 0, 5).as<lease_grant_reply>().id.value();
    const std::uint64_t two = grant(c, c.leading(), 0, 5).as<lease_grant_reply>().id.value();
    BOOST_TEST(one != 0u);
    BOOST_TEST(one != two);
    BOOST_TEST(one < (std::uint64_t{1} << 63));
}

BOOST_AUTO_TEST_CASE(what_nobody_keeps_alive_goes_with_its_keys) {
    cluster c(3);
    c.start_all();
    grant(c, c.leading(), 9, 1).as<lease_grant_reply>();
    c.submit(c.leading(), put{.key = "k", .lease = lease_id(9)}).as<put_reply>();
    BOOST_TEST(c.run_until([&] { return c.value(c.following(), "k") == "-"; }));
    BOOST_TEST(time_to_live(c, c.following(), 9).made.ttl == -1);
}

BOOST_AUTO_TEST_CASE(a_new_leader_goes_on_with_the_leases) {
    cluster c(3);
    c.start_all();
    grant(c, c.leading(), 9, 1000).as<lease_grant_reply>();
    const std::uint64_t before = c.leader();
    const std::uint64_t next = c.follower();
    const auto moved =
        c.outcome([&](auto done) { c.leading().move_leader(node_id(next), {}, std::move(done)); });
    BOOST_TEST(!moved);
    BOOST_REQUIRE(c.run_until([&] { return c.leader() == next; }));
    BOOST_TEST(keep_alive(c, c.at(before), 9).made.ttl == 1000);
}

BOOST_AUTO_TEST_CASE(all_leases_are_listed) {
    cluster c(3);
    c.start_all();
    grant(c, c.leading(), 2, 1000).as<lease_grant_reply>();
    grant(c, c.leading(), 1, 2000).as<lease_grant_reply>();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        std::vector<lease_id> all;
        c.at(id).leases({}, [&](error_code, std::vector<lease_id> found) { all = found; });
        BOOST_TEST(c.run_until([&] { return all.size() == 2; }));
    }
}

BOOST_AUTO_TEST_CASE(time_to_live_waits_for_the_next_leader) {
    cluster c(3);
    c.start_all();
    grant(c, c.leading(), 7, 100).as<lease_grant_reply>();
    const std::uint64_t old = c.leader();
    const std::uint64_t other = c.follower();
    life got;
    bool done = false;
    // The leader is gone between the round that it confirms and the question.
    c.at(other).node().read([&](error_code) {
        for (std::uint64_t id = 1; id <= 3; ++id) {
            if (id != old) {
                c.network.cut(node_id(old), node_id(id));
            }
        }
    });
    c.at(other).time_to_live(lease_id(7), false, {},
                             [&](error_code failed, const lease_life_reply& made) {
                                 got = {failed, made};
                                 done = true;
                             });
    BOOST_REQUIRE(c.run_until([&] { return done; }));
    c.network.heal();
    BOOST_TEST(!got.failed);
    BOOST_TEST(got.made.granted == 100u);
}

BOOST_AUTO_TEST_CASE(leases_count_as_used_bytes) {
    cluster c;
    c.start_all();
    const std::uint64_t before = c.leading().used_bytes();
    for (std::uint64_t id = 1; id <= 50; ++id) {
        grant(c, c.leading(), id, 100).as<lease_grant_reply>();
    }
    BOOST_TEST(c.leading().used_bytes() >= before + 50 * lease_cost);
}

BOOST_AUTO_TEST_CASE(status_of_an_empty_state_has_a_size) {
    cluster c;
    c.start_all();
    BOOST_TEST(c.leading().status().db_size > 0u);
    BOOST_TEST(c.leading().status().db_size_in_use > 0u);
}

BOOST_AUTO_TEST_CASE(both_kinds_of_auto_compaction_at_once_are_refused) {
    cluster c;
    service_options options = c.options_of(1);
    options.compaction.keep_revisions = 10;
    options.compaction.keep_time = milliseconds(1000);
    transport_options wire;
    wire.cluster = options.node.cluster;
    wire.self = options.node.id;
    service refused(c.io, options, std::make_unique<loopback_transport>(c.network, wire));
    BOOST_TEST(refused.start() == errc::invalid_option);
}

BOOST_AUTO_TEST_SUITE_END()
