#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(leader_change)

using namespace node_test;

BOOST_AUTO_TEST_CASE(the_others_go_on_without_their_leader) {
    memory_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "before"));
    const std::uint64_t lost = g.leader();
    g.isolate(lost);
    BOOST_REQUIRE(g.run_until([&] { return g.leader(lost) != 0; }));
    const std::uint64_t next = g.leader(lost);
    BOOST_TEST(g.wrote(next, "after"));
    const auto read = g.read(next);
    BOOST_TEST(g.finished(read));
    BOOST_TEST(read->well());
    g.network.heal();
    BOOST_TEST(g.agree(2));
}

// Its quorum is gone: it must not answer from what may be old.
BOOST_AUTO_TEST_CASE(a_deposed_leader_serves_no_read) {
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.leader_wait = milliseconds(200);
        options.request_timeout = milliseconds(400);
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    BOOST_REQUIRE(g.wrote(1, "before"));
    const std::uint64_t lost = g.leader();
    g.isolate(lost);
    const auto early = g.read(lost); // while it still believes to lead
    BOOST_REQUIRE(g.run_until([&] { return g.leader(lost) != 0; }));
    BOOST_REQUIRE(g.wrote(g.leader(lost), "after"));
    const auto late = g.read(lost);
    BOOST_REQUIRE(g.finished(early));
    BOOST_REQUIRE(g.finished(late));
    for (const auto& read : {early, late}) {
        BOOST_TEST((read->failed == errc::no_leader || read->failed == errc::read_timed_out));
    }
}

BOOST_AUTO_TEST_CASE(a_read_that_waits_is_served_by_the_next_leader) {
    memory_group g;
    g.start_all();
    const std::uint64_t lost = g.leader();
    const std::uint64_t asked = g.follower();
    g.isolate(lost);
    const auto read = g.read(asked);
    BOOST_REQUIRE(g.finished(read));
    BOOST_TEST(read->well());
}

// What the old leader took and could not commit is proposed again once that is certain.
BOOST_AUTO_TEST_CASE(what_a_lost_leader_had_taken_is_applied_exactly_once) {
    memory_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "before"));
    const std::uint64_t lost = g.leader();
    g.isolate(lost);
    std::vector<std::shared_ptr<outcome>> results;
    for (int i = 0; i < 50; ++i) {
        results.push_back(g.submit(lost, std::to_string(i)));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader(lost) != 0; }));
    BOOST_REQUIRE(g.wrote(g.leader(lost), "meanwhile"));
    for (const auto& result : results) {
        BOOST_TEST(!result->done);
    }
    g.network.heal();
    for (const auto& result : results) {
        BOOST_REQUIRE(g.finished(result));
        BOOST_TEST(result->well());
        BOOST_TEST(result->calls == 1);
    }
    BOOST_REQUIRE(g.agree(52));
    std::vector<std::string> expected{"before", "meanwhile"};
    for (int i = 0; i < 50; ++i) {
        expected.push_back(std::to_string(i));
    }
    BOOST_TEST(g.words(lost).words() == expected, boost::test_tools::per_element());
}

// Replicated already, only the word that it is committed got lost: not proposed again.
BOOST_AUTO_TEST_CASE(what_the_next_leader_holds_is_not_proposed_again) {
    memory_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "before"));
    const std::uint64_t lost = g.leader();
    g.network.set_filter([lost](const message& m) {
        return m.kind == message_kind::append_response && m.to == node_id(lost)
                   ? loopback_fate::drop
                   : loopback_fate::deliver;
    });
    const auto result = g.submit(lost, "word");
    const auto last = [&](std::uint64_t id) { return g.nodes.at(id)->status().engine.last; };
    BOOST_REQUIRE(g.run_until(
        [&] { return last(1) == last(2) && last(2) == last(3) && last(1) > log_index(3); }));
    g.isolate(lost);
    g.network.set_filter({});
    BOOST_REQUIRE(g.run_until([&] { return g.leader(lost) != 0; }));
    g.network.heal();
    BOOST_REQUIRE(g.finished(result));
    BOOST_TEST(result->well());
    BOOST_REQUIRE(g.agree(2));
    g.run_for(milliseconds(50));
    for (std::uint64_t id = 1; id <= 3; ++id) {
        BOOST_TEST(g.words(id).count("word") == 1u);
    }
}

// The follower's messages were lost on the way to a leader that is gone.
BOOST_AUTO_TEST_CASE(what_a_follower_had_forwarded_is_applied_exactly_once) {
    memory_group g;
    g.start_all();
    const std::uint64_t lost = g.leader();
    const std::uint64_t asked = g.follower();
    g.isolate(lost);
    std::vector<std::shared_ptr<outcome>> results;
    for (int i = 0; i < 20; ++i) {
        results.push_back(g.submit(asked, std::to_string(i)));
        g.run_for(milliseconds(1));
    }
    for (const auto& result : results) {
        BOOST_REQUIRE(g.finished(result));
        BOOST_TEST(result->well());
    }
    g.network.heal();
    BOOST_REQUIRE(g.agree(20));
    BOOST_TEST(g.words(asked).words().size() == 20u);
}

// Late copies of what was forwarded reach the old leader, or the next one, after it was proposed
// again.
BOOST_AUTO_TEST_CASE(a_forward_that_is_late_is_void) {
    memory_group g;
    g.start_all();
    const std::uint64_t lost = g.leader();
    const std::uint64_t asked = g.follower();
    g.network.set_filter([](const message& m) {
        return m.kind == message_kind::proposal ? loopback_fate::delay : loopback_fate::deliver;
    });
    const auto result = g.submit(asked, "word");
    g.run_for(milliseconds(10));
    g.network.set_filter({});
    g.nodes.at(lost)->transfer_leadership();
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0 && g.leader() != lost; }));
    BOOST_REQUIRE(g.finished(result));
    BOOST_TEST(result->well());
    g.network.release_delayed();
    BOOST_REQUIRE(g.wrote(asked, "later"));
    BOOST_REQUIRE(g.agree(2));
    BOOST_TEST(g.words(asked).count("word") == 1u);
}

BOOST_AUTO_TEST_CASE(writes_go_on_while_leadership_is_handed_over) {
    memory_group g;
    g.start_all();
    std::vector<std::shared_ptr<outcome>> results;
    std::vector<std::string> expected;
    for (int i = 0; i < 200; ++i) {
        if (i % 40 == 20 && g.leader() != 0) {
            g.nodes.at(g.leader())->transfer_leadership();
        }
        expected.push_back(std::to_string(i));
        results.push_back(g.submit(1 + static_cast<std::uint64_t>(i) % 3, expected.back()));
        g.run_for(milliseconds(1));
    }
    for (const auto& result : results) {
        BOOST_REQUIRE(g.finished(result));
        BOOST_TEST(result->well());
    }
    BOOST_REQUIRE(g.agree(200));
    std::vector<std::string> words = g.words(1).words();
    std::sort(words.begin(), words.end());
    std::sort(expected.begin(), expected.end());
    BOOST_TEST(words == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_a_quorum_a_write_ends_as_what_is_known) {
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.leader_wait = milliseconds(100);
        options.request_timeout = milliseconds(300);
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    const std::uint64_t lost = g.leader();
    g.isolate(lost);
    const auto proposed = g.submit(lost, "taken");
    BOOST_REQUIRE(g.finished(proposed));
    BOOST_TEST((proposed->failed == condition::outcome_unknown));
    BOOST_REQUIRE(g.run_until(
        [&] { return g.nodes.at(lost)->status().engine.soft.role != role_kind::leader; }));
    const auto queued = g.submit(lost, "never taken");
    BOOST_REQUIRE(g.finished(queued));
    BOOST_TEST(queued->failed == errc::no_leader);
    g.network.heal();
    BOOST_REQUIRE(g.wrote(lost, "last"));
    BOOST_TEST(g.words(lost).count("never taken") == 0u);
}

BOOST_AUTO_TEST_CASE(a_leader_that_reaches_nobody_says_that_this_was_why) {
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.request_timeout = milliseconds(100);
        options.engine.check_quorum = false; // it goes on for all that
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    const std::uint64_t lost = g.leader();
    BOOST_REQUIRE(g.wrote(lost, "before"));
    BOOST_TEST(g.nodes.at(lost)->links().size() == 2u);
    g.isolate(lost);
    const auto proposed = g.submit(lost, "taken");
    BOOST_REQUIRE(g.finished(proposed));
    BOOST_TEST(proposed->failed == errc::timed_out_disconnected);
}

// The engine refuses a change while another one is under way; other writes must not wait for a
// tick because of it. The leader's heartbeats tell when ticks are.
BOOST_AUTO_TEST_CASE(a_refused_change_holds_up_nobody) {
    int ticks = 0; // outlives the group, whose members still send while they stop
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.tick_interval = milliseconds(200);
        options.engine.election_ticks = 3;
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    g.network.set_filter([&ticks](const message& m) {
        ticks += m.kind == message_kind::heartbeat;
        return loopback_fate::deliver;
    });
    std::uint64_t id = 10;
    for (const bool leads : {true, false}) {
        bool prompt = false;
        for (int attempt = 0; attempt < 3 && !prompt; ++attempt) { // the machine may be loaded
            auto& node = *g.nodes.at(leads ? g.leader() : g.follower());
            const auto add = [&] {
                const auto result = std::make_shared<outcome>();
                ++id;
                node.add_member({node_id(id), g.url(id)}, change_kind::add_learner, g.into(result));
                return result;
            };
            ticks = 0;
            BOOST_REQUIRE(g.run_until([&] { return ticks > 0; }));
            const auto taken = add();
            const auto refused = add();
            ticks = 0;
            const auto write = g.submit(node.status().engine.id.value(), "word");
            BOOST_REQUIRE(g.finished(write));
            prompt = ticks == 0;
            BOOST_TEST(write->well());
            BOOST_REQUIRE(g.finished(taken));
            BOOST_REQUIRE(g.finished(refused));
            BOOST_TEST(!taken->failed);
            BOOST_TEST(refused->failed == errc::change_pending);
        }
        BOOST_TEST(prompt);
    }
}

BOOST_AUTO_TEST_SUITE_END()
