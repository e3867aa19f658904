#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <boost/test/unit_test.hpp>

#include <map>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(membership)

using namespace node_test;

namespace {

template <class Group>
std::shared_ptr<outcome> add(Group& g, std::uint64_t asked, std::uint64_t id, change_kind kind) {
    auto result = std::make_shared<outcome>();
    g.nodes.at(asked)->add_member({node_id(id), g.url(id)}, kind, g.into(result));
    return result;
}

template <class Group>
std::shared_ptr<outcome> remove(Group& g, std::uint64_t asked, std::uint64_t id) {
    auto result = std::make_shared<outcome>();
    g.nodes.at(asked)->remove_member(node_id(id), g.into(result));
    return result;
}

template <class Group>
node_options joining(const Group& g, std::uint64_t id) {
    node_options options = g.options_of(id);
    options.join = true;
    return options;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_member_joins_and_takes_part) {
    memory_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "before"));
    const auto added = add(g, g.follower(), 4, change_kind::add_voter);
    BOOST_REQUIRE(g.finished(added));
    BOOST_TEST(!added->failed);
    g.initial.push_back({node_id(4), g.url(4)}); // whom it is told of
    g.start(joining(g, 4));
    BOOST_REQUIRE(g.agree(1));
    BOOST_TEST(g.wrote(4, "after"));
    BOOST_REQUIRE(g.agree(2));
    for (std::uint64_t id = 1; id <= 4; ++id) {
        const member_table& members = g.nodes.at(id)->members();
        BOOST_TEST(members.size() == 4u);
        BOOST_REQUIRE(members.find(node_id(4)) != nullptr);
        BOOST_TEST(members.find(node_id(4))->peer_urls.front() == g.url(4));
    }
    // Its vote counts: two of four are no quorum.
    const auto again = add(g, 1, 4, change_kind::add_voter);
    BOOST_TEST(again->done);
    BOOST_TEST(!again->failed);
}

// Its log ends before its own addition, and names a lone member that the group has outgrown.
BOOST_AUTO_TEST_CASE(member_stopped_while_it_received_the_log_before_its_addition_joins) {
    file_group g(1);
    node_options slow = g.options_of(1); // an entry at a time
    slow.engine.append_bytes_max = 1;
    slow.engine.inflight_messages_max = 1;
    g.start(slow);
    for (int i = 0; i < 50; ++i) {
        BOOST_REQUIRE(g.wrote(1, "word " + std::to_string(i)));
    }
    const auto added = add(g, 1, 2, change_kind::add_voter);
    BOOST_REQUIRE(g.finished(added));
    g.initial.push_back({node_id(2), g.url(2)});
    g.start(joining(g, 2));
    BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(2)->status().engine.last > log_index(3); }));
    g.stop(2);
    for (const bool joins : {true, false}) {
        node_options again = g.options_of(2);
        again.join = joins;
        auto& node = g.add(again);
        BOOST_REQUIRE_MESSAGE(!node.start(), node.explanation());
        if (joins) {
            BOOST_REQUIRE(node.members().find(node_id(2)) == nullptr);
            g.stop(2);
        }
    }
    BOOST_TEST(g.agree(50));
    BOOST_TEST(g.wrote(2, "last"));
}

BOOST_AUTO_TEST_CASE(a_learner_follows_without_a_vote) {
    std::map<std::uint64_t, server_metrics> counted; // outlives the group
    memory_group g;
    g.start_counted(counted);
    BOOST_REQUIRE(g.wrote(1, "before"));
    const auto added = add(g, 1, 4, change_kind::add_learner);
    BOOST_REQUIRE(g.finished(added));
    BOOST_TEST(!added->failed);
    g.start(joining(g, 4));
    BOOST_REQUIRE(g.agree(1));
    BOOST_REQUIRE(g.wrote(4, "word"));
    BOOST_REQUIRE(g.agree(2));
    BOOST_TEST((g.nodes.at(4)->status().engine.soft.role == role_kind::follower));
    const std::uint64_t leads = g.leader();
    const auto promoted = add(g, 2, 4, change_kind::add_voter);
    BOOST_REQUIRE(g.finished(promoted));
    BOOST_TEST(!promoted->failed);
    g.run_for(milliseconds(30));
    if (leads != 0 && g.leader() == leads) {
        for (std::uint64_t id = 1; id <= 3; ++id) { // who leads counts it, and nobody else
            BOOST_TEST(counted[id].learner_promotions.value() == (id == leads ? 1u : 0u));
        }
    }
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused_before_it_is_proposed) {
    memory_group g;
    g.start_all();
    auto& node = *g.nodes.at(1);
    const auto refused = [&g, &node](const member_info& member) {
        const auto result = std::make_shared<outcome>();
        node.add_member(member, change_kind::add_voter, g.into(result));
        BOOST_REQUIRE(result->done);
        return result->failed;
    };
    BOOST_TEST(refused({node_id(0), g.url(4)}) == errc::invalid_option);
    BOOST_TEST(refused({node_id(4), "nowhere"}) == errc::invalid_option);
    BOOST_TEST(refused({node_id(2), g.url(5)}) == errc::member_exists);
    BOOST_TEST(remove(g, 1, 9)->failed == errc::member_unknown);
}

BOOST_AUTO_TEST_CASE(a_follower_that_is_removed_ends) {
    memory_group g;
    g.start_all();
    const std::uint64_t gone = g.follower();
    const auto removed = remove(g, g.leader(), gone);
    BOOST_REQUIRE(g.finished(removed));
    BOOST_TEST(!removed->failed);
    BOOST_REQUIRE(g.run_until([&] { return g.ended.count(gone) == 1; }));
    BOOST_TEST(g.ended.at(gone) == errc::member_removed);
    BOOST_TEST(g.nodes.at(gone)->status().ended);
    BOOST_TEST(g.submit(gone, "word")->failed == errc::stopped);
    BOOST_TEST(g.read(gone)->failed == errc::stopped);
    BOOST_TEST(g.wrote(g.leader(), "word"));
    BOOST_TEST(g.nodes.at(g.leader())->members().size() == 2u);
}

BOOST_AUTO_TEST_CASE(requests_at_a_member_that_is_removed_are_all_answered) {
    memory_group g;
    g.start_all();
    const std::uint64_t gone = g.follower();
    const auto removed = remove(g, gone, gone);
    std::vector<std::shared_ptr<outcome>> results;
    while (g.ended.count(gone) == 0) {
        results.push_back(g.submit(gone, "word"));
        results.push_back(g.read(gone));
        g.run_for(milliseconds(20));
        BOOST_REQUIRE(results.size() < 10'000);
    }
    BOOST_TEST(removed->well());
    std::size_t applied = 0;
    for (const auto& result : results) {
        BOOST_REQUIRE(g.finished(result));
        BOOST_TEST(result->calls == 1);
        applied += result->reply != 0;
    }
    // None that was acknowledged is missing elsewhere.
    const auto read = g.read(g.leader());
    BOOST_REQUIRE(g.finished(read));
    BOOST_TEST(g.words(g.leader()).count("word") >= applied);
}

BOOST_AUTO_TEST_CASE(a_leader_that_is_removed_leaves_a_group_that_works) {
    memory_group g;
    g.start_all();
    const std::uint64_t gone = g.leader();
    BOOST_REQUIRE(g.wrote(gone, "before"));
    const auto removed = remove(g, gone, gone);
    BOOST_REQUIRE(g.finished(removed));
    BOOST_TEST(!removed->failed);
    BOOST_REQUIRE(g.run_until([&] { return g.ended.count(gone) == 1; }));
    g.stop(gone);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    BOOST_TEST(g.wrote(g.leader(), "after"));
    BOOST_TEST(g.agree(2));
}

// The one that stays needs the word of the removed one, that the removal is committed, or its
// vote.
BOOST_AUTO_TEST_CASE(of_two_either_may_be_removed) {
    for (const bool leads : {false, true}) {
        memory_group g(2);
        g.start_all();
        BOOST_REQUIRE(g.wrote(1, "before"));
        const std::uint64_t gone = leads ? g.leader() : g.follower();
        const std::uint64_t stays = 3 - gone;
        const auto removed = remove(g, stays, gone);
        BOOST_REQUIRE(g.finished(removed));
        BOOST_TEST(!removed->failed);
        BOOST_REQUIRE(g.run_until([&] { return g.ended.count(gone) == 1; }));
        g.stop(gone);
        BOOST_REQUIRE(g.run_until(
            [&] { return g.nodes.at(stays)->status().engine.soft.role == role_kind::leader; }));
        BOOST_TEST(g.wrote(stays, "after"));
    }
}

BOOST_AUTO_TEST_CASE(the_last_voter_stays) {
    memory_group g(1);
    g.start_all();
    const auto removed = remove(g, 1, 1);
    BOOST_REQUIRE(g.finished(removed));
    BOOST_TEST(removed->failed == errc::removed_all_voters);
    BOOST_TEST(g.wrote(1, "word"));
}

BOOST_AUTO_TEST_CASE(membership_survives_a_restart) {
    file_group g;
    g.start_all();
    const std::uint64_t gone = g.follower();
    const auto removed = remove(g, g.leader(), gone);
    BOOST_REQUIRE(g.finished(removed));
    BOOST_REQUIRE(g.wrote(g.leader(), "word"));
    const std::uint64_t other = g.leader();
    g.stop(gone);
    g.stop(other);
    g.start(other); // its options still name three first members
    BOOST_REQUIRE(g.wrote(other, "again"));
    BOOST_TEST(g.nodes.at(other)->members().size() == 2u);
    BOOST_TEST(g.nodes.at(other)->members().find(node_id(gone)) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_removed_member_never_returns) {
    file_group g;
    g.start_all();
    const std::uint64_t gone = g.follower();
    const auto removed = remove(g, g.leader(), gone);
    BOOST_REQUIRE(g.finished(removed));
    BOOST_TEST(!removed->failed);
    BOOST_TEST(add(g, g.leader(), gone, change_kind::add_voter)->failed == errc::member_removed);
    BOOST_TEST(remove(g, g.leader(), gone)->failed == errc::member_removed);
    BOOST_REQUIRE(g.run_until([&] { return g.ended.count(gone) == 1; }));
    g.stop(gone);
    const std::uint64_t other = g.leader();
    g.stop(other);
    g.start(other);
    BOOST_REQUIRE(g.wrote(other, "word"));
    BOOST_TEST(add(g, other, gone, change_kind::add_learner)->failed == errc::member_removed);
}

// The log of the peers begins behind its removal.
BOOST_AUTO_TEST_CASE(a_member_that_was_away_learns_of_its_removal_from_restarted_peers) {
    file_group g;
    const auto start = [&g](std::uint64_t id) {
        node_options options = g.options_of(id);
        options.snapshot_entries = 10;
        options.catch_up_entries = 0;
        g.start(std::move(options));
    };
    for (std::uint64_t id = 1; id <= 3; ++id) {
        start(id);
    }
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
    const std::uint64_t gone = g.follower();
    g.stop(gone);
    const auto removed = remove(g, g.leader(), gone);
    BOOST_REQUIRE(g.finished(removed));
    for (int i = 0; i < 40; ++i) {
        BOOST_REQUIRE(g.wrote(g.leader(), std::to_string(i)));
    }
    std::vector<std::uint64_t> peers;
    for (const auto& running : g.nodes) {
        peers.push_back(running.first);
    }
    BOOST_REQUIRE(g.agree(40));
    for (const std::uint64_t peer : peers) {
        g.stop(peer);
    }
    for (const std::uint64_t peer : peers) {
        start(peer);
        BOOST_TEST(g.nodes.at(peer)->status().applied.value() > 30u);
    }
    start(gone);
    BOOST_REQUIRE(g.run_until([&] { return g.ended.count(gone) == 1; }));
    BOOST_TEST(g.ended.at(gone) == errc::member_removed);
}

// Both pass the check at the member that is asked; only the log decides which came first.
BOOST_AUTO_TEST_CASE(a_return_that_races_with_the_removal_is_refused) {
    memory_group g;
    g.start_all();
    const std::uint64_t gone = g.follower();
    const std::uint64_t leads = g.leader();
    const std::uint64_t late = 6 - gone - leads;
    g.network.set_filter([late](const message& m) {
        const bool appends = m.kind == message_kind::append || m.kind == message_kind::heartbeat;
        return appends && m.to == node_id(late) ? loopback_fate::delay : loopback_fate::deliver;
    });
    const auto removed = remove(g, leads, gone);
    BOOST_REQUIRE(g.finished(removed));
    BOOST_REQUIRE(g.nodes.at(late)->members().find(node_id(gone)) != nullptr);
    const auto changed = std::make_shared<outcome>();
    g.nodes.at(late)->update_member({node_id(gone), g.url(9)}, g.into(changed));
    g.network.set_filter({});
    g.network.release_delayed();
    BOOST_REQUIRE(g.finished(changed));
    BOOST_TEST(changed->failed == errc::member_removed);
    BOOST_TEST(g.wrote(leads, "word"));
}

BOOST_AUTO_TEST_CASE(a_peer_url_of_another_member_is_refused) {
    memory_group g;
    g.start_all();
    auto& node = *g.nodes.at(1);
    const auto result = [&g](auto ask) {
        const auto asked = std::make_shared<outcome>();
        ask(g.into(asked));
        BOOST_REQUIRE(asked->done);
        return asked->failed;
    };
    for (const std::string& taken : {g.url(2), std::string("http://LocalHost.:20002")}) {
        for (const change_kind kind : {change_kind::add_voter, change_kind::add_learner}) {
            BOOST_TEST(result([&](auto done) {
                           node.add_member({node_id(4), taken}, kind, std::move(done));
                       }) == errc::peer_url_exists);
        }
        BOOST_TEST(result([&](auto done) {
                       node.update_member({node_id(3), taken}, std::move(done));
                   }) == errc::peer_url_exists);
    }
    BOOST_TEST(result([&](auto done) {
                   node.add_member({node_id(4), "http://127.0.0.1:0"}, change_kind::add_voter,
                                   std::move(done));
               }) == errc::invalid_option);
    BOOST_TEST(g.wrote(1, "word"));
    BOOST_TEST(node.members().size() == 3u);
}

// Both pass the check at the member that is asked; the log decides, on all members alike.
BOOST_AUTO_TEST_CASE(of_two_changes_that_race_for_one_peer_url_one_is_made) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    const std::uint64_t late = g.follower();
    g.network.set_filter([late](const message& m) {
        const bool appends = m.kind == message_kind::append || m.kind == message_kind::heartbeat;
        return appends && m.to == node_id(late) ? loopback_fate::delay : loopback_fate::deliver;
    });
    const auto first = add(g, leads, 4, change_kind::add_learner);
    BOOST_REQUIRE(g.finished(first));
    BOOST_TEST(!first->failed);
    BOOST_REQUIRE(g.nodes.at(late)->members().find(node_id(4)) == nullptr);
    const auto second = std::make_shared<outcome>();
    g.nodes.at(late)->add_member({node_id(5), g.url(4)}, change_kind::add_learner, g.into(second));
    g.network.set_filter({});
    g.network.release_delayed();
    BOOST_REQUIRE(g.finished(second));
    BOOST_TEST(second->failed == errc::peer_url_exists);
    BOOST_REQUIRE(g.wrote(leads, "word"));
    BOOST_REQUIRE(g.agree(1));
    for (const auto& [id, node] : g.nodes) {
        BOOST_TEST((node->members() == g.nodes.at(leads)->members()));
        BOOST_TEST(node->configuration().learners.size() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(initial_members_with_one_peer_url_are_refused) {
    memory_group g(2);
    g.initial[1].peer_urls = {"http://localhost:20001"};
    auto& node = g.add(g.options_of(1));
    BOOST_TEST(node.start() == errc::invalid_option);
    BOOST_TEST(node.explanation().find("one peer URL") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(voters_that_never_started_stop_further_growth) {
    memory_group g;
    g.start_all();
    for (std::uint64_t id = 4; id <= 5; ++id) {
        const auto added = add(g, g.leader(), id, change_kind::add_voter);
        BOOST_REQUIRE(g.finished(added));
        BOOST_TEST(!added->failed);
    }
    for (const std::uint64_t asked : {g.leader(), g.follower()}) {
        const auto refused = add(g, asked, 6, change_kind::add_voter);
        BOOST_REQUIRE(g.finished(refused));
        BOOST_TEST(refused->failed == errc::not_enough_started);
    }
    const auto removed = remove(g, g.leader(), 5); // the way back
    BOOST_REQUIRE(g.finished(removed));
    BOOST_TEST(!removed->failed);
    BOOST_TEST(g.wrote(g.leader(), "word"));
}

BOOST_AUTO_TEST_CASE(a_lone_member_that_waits_for_a_second_takes_no_third) {
    memory_group g(1);
    g.start_all();
    const auto second = add(g, 1, 2, change_kind::add_voter);
    BOOST_REQUIRE(g.finished(second));
    BOOST_TEST(!second->failed); // as in etcd: it may be on its way
    const auto third = add(g, 1, 3, change_kind::add_voter);
    BOOST_REQUIRE(g.finished(third));
    BOOST_TEST(third->failed == errc::not_enough_started);
}

BOOST_AUTO_TEST_CASE(a_learner_that_never_started_is_not_promoted) {
    memory_group g;
    g.start_all();
    const auto added = add(g, 1, 4, change_kind::add_learner);
    BOOST_REQUIRE(g.finished(added));
    for (const std::uint64_t asked : {g.leader(), g.follower()}) {
        const auto promoted = add(g, asked, 4, change_kind::add_voter);
        BOOST_REQUIRE(g.finished(promoted));
        BOOST_TEST(promoted->failed == errc::learner_not_ready);
    }
}

BOOST_AUTO_TEST_CASE(a_reachable_voter_whose_loss_costs_the_quorum_stays) {
    for (const bool strict : {true, false}) {
        memory_group g;
        for (const member_info& m : g.initial) {
            node_options options = g.options_of(m.id.value());
            options.strict_reconfig_check = strict;
            g.start(std::move(options));
        }
        BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
        const std::uint64_t down = g.follower();
        const std::uint64_t leads = g.leader();
        const std::uint64_t other = 6 - down - leads;
        g.stop(down);
        // The leader misses it after two election timeouts of 48 ms each.
        g.run_for(milliseconds(1000));
        if (!strict) {
            const auto added = add(g, leads, 4, change_kind::add_voter);
            BOOST_REQUIRE(g.finished(added));
            BOOST_TEST(!added->failed); // and two of four are no quorum from here on
            continue;
        }
        for (const std::uint64_t asked : {leads, other}) {
            const auto refused = remove(g, asked, other);
            BOOST_REQUIRE(g.finished(refused));
            BOOST_TEST(refused->failed == errc::cluster_unhealthy);
            const auto grown = add(g, asked, 4, change_kind::add_voter);
            BOOST_REQUIRE(g.finished(grown));
            BOOST_TEST(grown->failed == errc::cluster_unhealthy);
        }
        BOOST_TEST(g.wrote(other, "word"));
        const auto removed = remove(g, other, down);
        BOOST_REQUIRE(g.finished(removed));
        BOOST_TEST(!removed->failed);
    }
}

BOOST_AUTO_TEST_CASE(addresses_and_names_can_be_changed) {
    file_group g;
    g.start_all();
    const std::uint64_t asked = g.follower();
    const member_info moved{node_id(2), {g.url(8), g.url(9)}, "two", {"http://127.0.0.1:1"}};
    const auto changed = std::make_shared<outcome>();
    g.nodes.at(asked)->update_member(moved, g.into(changed));
    BOOST_REQUIRE(g.finished(changed));
    BOOST_TEST(!changed->failed);
    BOOST_REQUIRE(g.wrote(g.leader(), "word"));
    BOOST_REQUIRE(g.agree(1));
    for (std::uint64_t id = 1; id <= 3; ++id) {
        BOOST_TEST((*g.nodes.at(id)->members().find(node_id(2)) == moved));
        BOOST_TEST(g.nodes.at(id)->configuration().voters.size() == 3u);
    }
    g.stop(asked);
    g.start(asked);
    BOOST_REQUIRE(g.run_until([&] {
        const member_info* known = g.nodes.at(asked)->members().find(node_id(2));
        return known != nullptr && *known == moved;
    }));
}

BOOST_AUTO_TEST_CASE(an_update_that_makes_no_sense_is_refused) {
    memory_group g;
    g.start_all();
    const auto refused = [&g](const member_info& member) {
        const auto result = std::make_shared<outcome>();
        g.nodes.at(1)->update_member(member, g.into(result));
        BOOST_REQUIRE(result->done);
        return result->failed;
    };
    BOOST_TEST(refused({node_id(9), g.url(9)}) == errc::member_unknown);
    BOOST_TEST(refused({node_id(2), "nowhere"}) == errc::invalid_option);
    BOOST_TEST(refused({node_id(2), std::vector<std::string>{}}) == errc::invalid_option);
    BOOST_TEST(refused({node_id(2), {g.url(2)}, std::string(5000, 'x')}) == errc::invalid_option);
}

BOOST_AUTO_TEST_CASE(members_tell_their_names_and_client_urls) {
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.name = "member-" + std::to_string(id);
        options.client_urls = {"http://127.0.0.1:" + std::to_string(id)};
        g.start(options);
    }
    const auto told = [&g](std::uint64_t at, std::uint64_t id) {
        const member_info* known = g.nodes.at(at)->members().find(node_id(id));
        return known != nullptr && known->name == "member-" + std::to_string(id) &&
               known->client_urls.size() == 1 && known->peer_urls.front() == g.url(id);
    };
    for (std::uint64_t id = 1; id <= 3; ++id) {
        BOOST_REQUIRE(g.run_until([&] { return told(1, id) && told(2, id) && told(3, id); }));
    }
    // Once it is known it is not told again.
    const log_index last = g.nodes.at(g.leader())->status().engine.last;
    g.run_for(milliseconds(100));
    BOOST_TEST(g.nodes.at(g.leader())->status().engine.last == last);
}

BOOST_AUTO_TEST_CASE(voter_is_not_demoted_by_adding_it_as_a_learner) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    for (std::uint64_t asked = 1; asked <= 3; ++asked) {
        const auto refused = add(g, asked, 2, change_kind::add_learner);
        BOOST_REQUIRE(g.finished(refused));
        BOOST_TEST(refused->failed == errc::member_exists);
    }
    BOOST_TEST(g.nodes.at(leads)->configuration().is_voter(node_id(2)));
}

BOOST_AUTO_TEST_SUITE_END()
