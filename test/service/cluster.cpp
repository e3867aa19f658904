#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(cluster_changes)

using namespace service_test;

/// Three members that have said who they are.
struct named_cluster : cluster {
    named_cluster() : cluster(3) {
        for (const auto& m : initial) {
            start(named(options_of(m.id.value())));
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0 && all_named(); }));
    }
    static service_options named(service_options options) {
        options.node.name = "n" + std::to_string(options.node.id.value());
        options.node.client_urls = {"http://127.0.0.1:1"};
        return options;
    }
    [[nodiscard]] bool all_named() {
        const auto members = leading().members();
        return std::none_of(members.begin(), members.end(),
                            [](const cluster_member& m) { return m.name.empty(); });
    }
    struct added {
        error_code failed;
        node_id id;
    };
    added add(service& at, const std::string& url, bool learner) {
        added got;
        bool done = false;
        at.add_member({url}, learner, {}, [&](error_code failed, node_id id) {
            got = {failed, id};
            done = true;
        });
        BOOST_REQUIRE(run_until([&] { return done; }));
        return got;
    }
    service& join(node_id id, const std::string& url) {
        service_options options = named(options_of(id.value()));
        options.node.join = true;
        options.node.peer_url = url;
        return start(options);
    }
    error_code promote(service& at, node_id id) {
        return outcome([&](auto done) { at.promote_member(id, {}, std::move(done)); });
    }
    error_code remove(service& at, node_id id) {
        return outcome([&](auto done) { at.remove_member(id, {}, std::move(done)); });
    }
};

BOOST_AUTO_TEST_CASE(a_learner_joins_catches_up_and_is_promoted) {
    named_cluster c;
    c.submit(c.leading(), put{.key = "k", .value = "before"}).as<put_reply>();
    const auto asked = c.add(c.following(), cluster::url(9), true);
    BOOST_REQUIRE(!asked.failed);
    const node_id id = asked.id;
    BOOST_TEST(c.promote(c.leading(), id) == errc::learner_not_ready);
    BOOST_TEST(c.promote(c.following(), id) == errc::learner_not_ready);
    BOOST_TEST(c.add(c.leading(), cluster::url(8), true).failed == errc::too_many_learners);

    service& joined = c.join(id, cluster::url(9));
    BOOST_REQUIRE(c.run_until([&] { return joined.store().get("k").has_value(); }));
    BOOST_TEST(joined.serves_all() == errc::learner_unsupported);
    BOOST_TEST(c.submit(joined, put{.key = "k"}).failed == errc::learner_unsupported);
    BOOST_TEST(c.range(joined, {.key = "k"}).failed == errc::learner_unsupported);
    error_code listed;
    joined.leases({}, [&](error_code failed, const std::vector<lease_id>&) { listed = failed; });
    BOOST_TEST(listed == errc::learner_unsupported);
    BOOST_TEST(c.range(joined, {.key = "k"}, {}, true).as<range_reply>().count == 1u);

    BOOST_REQUIRE(c.run_until([&] { return c.leader() != 0 && !c.promote(c.following(), id); }));
    BOOST_REQUIRE(c.run_until([&] { return !joined.serves_all(); }));
    c.submit(joined, put{.key = "k", .value = "after"}).as<put_reply>();
    BOOST_TEST(c.value(c.leading(), "k") == "after");
    BOOST_TEST(c.promote(c.leading(), id) == errc::learner_required);
    BOOST_TEST(c.promote(c.following(), id) == errc::learner_required);
    BOOST_TEST(c.promote(c.following(), node_id(77)) == errc::member_unknown);
}

BOOST_AUTO_TEST_CASE(addresses_are_checked_and_may_change) {
    named_cluster c;
    BOOST_TEST(c.add(c.leading(), "nonsense", false).failed == errc::peer_url_invalid);
    BOOST_TEST(c.add(c.leading(), cluster::url(2), false).failed == errc::peer_url_exists);
    const node_id one = c.initial.front().id;
    const auto update = [&](node_id id, const std::string& url) {
        return c.outcome(
            [&](auto done) { c.leading().update_member(id, {url}, {}, std::move(done)); });
    };
    BOOST_TEST(update(one, cluster::url(2)) == errc::peer_url_exists);
    BOOST_TEST(update(node_id(77), cluster::url(8)) == errc::member_unknown);
    BOOST_TEST(!update(one, cluster::url(8)));
    BOOST_TEST(c.leading().members().front().peer_urls.front() == cluster::url(8));
    BOOST_TEST(c.leading().members().front().name == "n1");
}

BOOST_AUTO_TEST_CASE(who_is_removed_stops_and_never_returns) {
    named_cluster c;
    const std::uint64_t gone = c.follower();
    BOOST_TEST(!c.remove(c.leading(), node_id(gone)));
    BOOST_TEST(c.run_until([&] { return c.at(gone).node().status().ended; }));
    BOOST_TEST(c.leading().members().size() == 2u);
    BOOST_TEST(c.remove(c.leading(), node_id(gone)) == errc::member_unknown);
    c.stop(gone);
    c.submit(c.leading(), put{.key = "k"}).as<put_reply>();
}

BOOST_AUTO_TEST_CASE(a_change_that_would_cost_the_quorum_is_refused) {
    named_cluster c;
    const std::uint64_t down = c.follower();
    c.stop(down);
    c.run_for(milliseconds(1500)); // until the leader misses it; before that it counts as up
    BOOST_REQUIRE(c.run_until([&] { return c.leader() != 0; }));
    BOOST_TEST(c.remove(c.leading(), node_id(c.follower())) == errc::cluster_unhealthy);
    BOOST_TEST(c.add(c.leading(), cluster::url(9), false).failed == errc::cluster_unhealthy);
    // A follower knows that by its own connections.
    BOOST_TEST(c.remove(c.following(), node_id(c.leader())) == errc::cluster_unhealthy);
    BOOST_TEST(c.add(c.following(), cluster::url(9), false).failed == errc::cluster_unhealthy);
    BOOST_TEST(!c.remove(c.leading(), node_id(down)));
}

BOOST_AUTO_TEST_CASE(changes_wait_for_one_another) {
    named_cluster c;
    std::vector<error_code> outcomes;
    const auto move = [&](service& at, std::uint64_t id) {
        at.update_member(node_id(id), {cluster::url(id + 10)}, {},
                         [&outcomes](error_code failed) { outcomes.push_back(failed); });
    };
    move(c.leading(), 1);
    move(c.following(), 2);
    move(c.leading(), 3);
    BOOST_REQUIRE(c.run_until([&] { return outcomes.size() == 3; }));
    BOOST_TEST(std::count(outcomes.begin(), outcomes.end(), error_code()) == 3);
    for (const cluster_member& m : c.leading().members()) {
        BOOST_TEST(m.peer_urls.front() == cluster::url(m.id.value() + 10));
    }
}

BOOST_AUTO_TEST_CASE(changes_that_wait_do_not_outlive_the_service) {
    named_cluster c;
    const std::uint64_t leader = c.leader();
    // The others hear nothing, so that the first change stays where it is.
    c.network.set_filter([](const message&) { return loopback_fate::drop; });
    std::vector<error_code> outcomes;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        c.leading().update_member(node_id(id), {cluster::url(id + 10)}, {},
                                  [&](error_code failed) { outcomes.push_back(failed); });
    }
    c.run_for(milliseconds(10));
    c.stop(leader);
    BOOST_TEST_REQUIRE(outcomes.size() == 3u);
    BOOST_TEST(std::count(outcomes.begin(), outcomes.end(), errc::stopped) == 2);
    BOOST_TEST(std::count(outcomes.begin(), outcomes.end(), errc::outcome_unknown) == 1);
}

BOOST_AUTO_TEST_CASE(a_leader_finds_its_successor_itself) {
    named_cluster c;
    const std::uint64_t before = c.leader();
    service& follower = c.following();
    BOOST_TEST(c.outcome([&](auto done) {
        follower.node().transfer_leadership(std::move(done));
    }) == errc::transferee_invalid);
    BOOST_TEST(
        !c.outcome([&](auto done) { c.leading().node().transfer_leadership(std::move(done)); }));
    BOOST_TEST(c.run_until([&] { return c.leader() != 0; }));
    BOOST_TEST(c.leader() != before);
}

BOOST_AUTO_TEST_CASE(leadership_goes_where_it_is_told) {
    named_cluster c;
    const auto move = [&](service& at, node_id to) {
        return c.outcome([&](auto done) { at.move_leader(to, {}, std::move(done)); });
    };
    const std::uint64_t next = c.follower();
    BOOST_TEST(move(c.following(), node_id(next)) == errc::not_leader);
    BOOST_TEST(move(c.leading(), node_id(77)) == errc::transferee_invalid);
    BOOST_TEST(!move(c.leading(), node_id(next)));
    BOOST_TEST(c.run_until([&] { return c.leader() == next; }));
}

BOOST_AUTO_TEST_SUITE_END()
