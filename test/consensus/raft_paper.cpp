// One test per claim of section 5 of the Raft paper (extended version); the name has the section.
#include <boost/test/unit_test.hpp>

#include <set>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(raft_paper)

using namespace quorate;
using namespace quorate::test;

namespace {

member follower_of_three() {
    return member(usual(2), start_of(voters({1, 2, 3})));
}
member leader_of_three(const raft_options& options = usual(1)) {
    member m(options, start_of(voters({1, 2, 3})));
    elect(m);
    return m;
}

} // namespace

// Terms.

BOOST_AUTO_TEST_CASE(s5_1_any_role_follows_a_newer_term) {
    member f = follower_of_three();
    f.step(heartbeat_from(1, 2, 7));
    BOOST_TEST(f.term() == term_id(7));
    member c = follower_of_three();
    c.campaign();
    c.step(heartbeat_from(1, 2, 7));
    BOOST_CHECK(c.role() == role_kind::follower);
    member l = leader_of_three();
    l.step(ack_from(2, 1, 7, 0));
    BOOST_CHECK(l.role() == role_kind::follower);
    BOOST_TEST(l.term() == term_id(7));
}

BOOST_AUTO_TEST_CASE(s5_1_a_request_with_a_stale_term_is_rejected) {
    member m(exact(2), disk_with(voters({1, 2, 3}), {}, hard_of(4)));
    m.step(append_from(1, 2, 3, at(0, 0), run_of(1, {3})));
    m.step(vote_request(1, 2, 3, at(3, 9)));
    m.settle();
    BOOST_TEST(m.last() == log_index(0));
    BOOST_TEST(m.vote() == node_id(0));
    BOOST_TEST(m.sent().empty());
}

BOOST_AUTO_TEST_CASE(s5_1_a_stale_leader_is_told_of_the_newer_term) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {}, hard_of(4)));
    m.step(heartbeat_from(1, 2, 3));
    m.settle();
    const auto sent = m.sent();
    BOOST_REQUIRE(sent.size() == 1U);
    BOOST_TEST(sent[0]->term == term_id(4));
}

// Elections.

BOOST_AUTO_TEST_CASE(s5_2_a_member_starts_as_follower) {
    member m = follower_of_three();
    BOOST_CHECK(m.role() == role_kind::follower);
    BOOST_TEST(m.leader() == node_id(0));
}

BOOST_AUTO_TEST_CASE(s5_2_a_leader_sends_heartbeats_to_everybody) {
    raft_options options = usual(1);
    options.heartbeat_ticks = 3;
    member m = leader_of_three(options);
    m.ticks(2);
    m.settle();
    BOOST_TEST(m.sent().empty());
    m.tick();
    m.settle();
    const auto sent = m.sent();
    BOOST_REQUIRE(count_of(sent, message_kind::heartbeat) == 2U);
    BOOST_TEST(sent[0]->to == node_id(2));
    BOOST_TEST(sent[1]->to == node_id(3));
}

BOOST_AUTO_TEST_CASE(s5_2_a_follower_that_hears_nothing_campaigns) {
    member m(exact(2), start_of(voters({1, 2, 3})));
    m.ticks(10);
    BOOST_CHECK(m.role() == role_kind::candidate);
    BOOST_TEST(m.term() == term_id(1));
    BOOST_TEST(m.vote() == node_id(2));
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::vote) == 2U);
}

BOOST_AUTO_TEST_CASE(s5_2_a_candidate_that_hears_nothing_campaigns_again) {
    member m(exact(2), start_of(voters({1, 2, 3})));
    m.ticks(10);
    m.settle();
    m.ticks(10);
    BOOST_CHECK(m.role() == role_kind::candidate);
    BOOST_TEST(m.term() == term_id(2));
}

BOOST_AUTO_TEST_CASE(s5_2_a_majority_of_votes_elects) {
    for (const std::size_t size : {1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
        for (std::size_t grants = 1; grants <= size; ++grants) {
            membership all;
            for (std::uint64_t id = 1; id <= size; ++id) {
                all.voters.insert(node_id(id));
            }
            member m(exact(1), start_of(all));
            m.campaign();
            m.settle();
            for (std::uint64_t id = 2; id <= grants; ++id) {
                m.step(vote_answer(id, 1, 1));
                m.step(vote_answer(id, 1, 1)); // twice counts once
            }
            BOOST_TEST((m.role() == role_kind::leader) == (grants > size / 2));
        }
    }
}

BOOST_AUTO_TEST_CASE(s5_2_a_majority_of_refusals_ends_the_candidacy) {
    member m(exact(1), start_of(voters({1, 2, 3})));
    m.campaign();
    m.settle();
    m.step(vote_answer(2, 1, 1, true));
    BOOST_CHECK(m.role() == role_kind::candidate);
    m.step(vote_answer(3, 1, 1, true));
    BOOST_CHECK(m.role() == role_kind::follower);
    BOOST_TEST(m.term() == term_id(1));
}

BOOST_AUTO_TEST_CASE(s5_2_the_own_vote_counts_once_it_is_durable) {
    member m(exact(1), start_of(voters({1, 2, 3})));
    m.campaign();
    m.take();
    m.step(vote_answer(2, 1, 1));
    BOOST_CHECK(m.role() == role_kind::candidate);
    m.write_one();
    BOOST_CHECK(m.role() == role_kind::leader);
}

BOOST_AUTO_TEST_CASE(s5_2_one_vote_a_term_first_come_first_served) {
    member m(exact(2), start_of(voters({1, 2, 3})));
    m.step(vote_request(1, 2, 1, at(0, 0)));
    m.step(vote_request(3, 2, 1, at(0, 0)));
    m.step(vote_request(1, 2, 1, at(0, 0)));
    m.settle();
    const auto answers = m.sent();
    BOOST_REQUIRE(answers.size() == 3U);
    BOOST_TEST(!answers[0]->reject);
    BOOST_TEST(answers[1]->reject);
    BOOST_TEST(!answers[2]->reject);
}

BOOST_AUTO_TEST_CASE(s5_2_a_vote_outlives_a_crash) {
    member m(exact(2), start_of(voters({1, 2, 3})));
    m.step(vote_request(1, 2, 1, at(0, 0)));
    m.settle();
    m.crash(0);
    m.start(0);
    m.step(vote_request(3, 2, 1, at(0, 0)));
    m.settle();
    const auto answers = m.sent();
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->reject);
}

BOOST_AUTO_TEST_CASE(s5_2_a_candidate_yields_to_the_leader_of_its_term) {
    for (const std::uint64_t term : {1U, 2U}) {
        member m(exact(1), start_of(voters({1, 2, 3})));
        m.campaign();
        m.settle();
        m.step(append_from(2, 1, term, at(0, 0)));
        BOOST_CHECK(m.role() == role_kind::follower);
        BOOST_TEST(m.leader() == node_id(2));
        BOOST_TEST(m.term() == term_id(term));
    }
}

BOOST_AUTO_TEST_CASE(s5_2_election_timeouts_are_spread_over_one_to_two_periods) {
    std::set<unsigned> seen;
    for (std::uint32_t jitter = 0; jitter < 50; ++jitter) {
        member m(exact(1), start_of(voters({1, 2, 3})), jitter);
        unsigned ticks = 0;
        while (m.role() == role_kind::follower) {
            m.tick(jitter);
            ++ticks;
        }
        BOOST_TEST(ticks >= 10U);
        BOOST_TEST(ticks < 20U);
        seen.insert(ticks);
    }
    BOOST_TEST(seen.size() == 10U);
}

BOOST_AUTO_TEST_CASE(s5_2_a_split_vote_is_resolved_by_the_next_timeout) {
    group g(4, voters({1, 2, 3, 4}), exact);
    g.set_side(1, 1);
    g.set_side(2, 1);
    g.set_side(3, 2);
    g.set_side(4, 2);
    g.elect(1);
    g.elect(3);
    BOOST_TEST(g.leader() == 0U);
    g.heal();
    g.tick_all(25);
    BOOST_TEST(g.leader() != 0U);
}

// Replication.

BOOST_AUTO_TEST_CASE(s5_3_a_leader_appends_first_and_then_replicates) {
    member m = leader_of_three();
    ack_all(m, 2);
    ack_all(m, 3);
    m.sent();
    m.propose("some data");
    BOOST_TEST(m.last() == log_index(2));
    m.settle();
    const auto sent = only(m.sent(), message_kind::append);
    BOOST_REQUIRE(sent.size() == 2U);
    for (const owned_message& append : sent) {
        BOOST_TEST(append->index == log_index(1));
        BOOST_TEST(append->log_term == term_id(1));
        BOOST_REQUIRE(append->entries.size() == 1U);
        BOOST_TEST(append->entries[0].payload.view() == "some data");
    }
}

BOOST_AUTO_TEST_CASE(s5_3_an_entry_is_committed_once_a_majority_holds_it) {
    member m = leader_of_three();
    BOOST_TEST(m.commit() == log_index(0));
    m.step(ack_from(3, 1, 1, 1));
    BOOST_TEST(m.commit() == log_index(1));
}

BOOST_AUTO_TEST_CASE(s5_3_the_leaders_copy_counts_once_it_is_durable) {
    member m = leader_of_three();
    ack_all(m, 2);
    m.propose("x");
    m.take();
    BOOST_TEST(m.commit() == log_index(1));
    BOOST_TEST(m.peer(1).match() == log_index(1));
    m.step(ack_from(2, 1, 1, 2));
    BOOST_TEST(m.commit() == log_index(1));
    m.write_one();
    BOOST_TEST(m.commit() == log_index(2));
}

BOOST_AUTO_TEST_CASE(s5_3_followers_learn_the_commit_index_and_apply) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.propose(1, "x");
    g.settle();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        BOOST_TEST(g[id].status().applied == log_index(2));
    }
}

BOOST_AUTO_TEST_CASE(s5_3_committing_commits_everything_before_it) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1, 2}, hard_of(2)));
    elect(m);
    m.step(ack_from(2, 1, 3, 4));
    BOOST_TEST(m.commit() == log_index(4));
    m.settle();
    BOOST_TEST(m.status().applied == log_index(4));
}

BOOST_AUTO_TEST_CASE(s5_3_a_follower_accepts_what_follows_a_known_entry) {
    struct row {
        log_id prev;
        bool accepted;
    };
    for (const row& r : {row{at(0, 0), true}, row{at(1, 1), true}, row{at(2, 2), true},
                         row{at(1, 2), false}, row{at(3, 3), false}, row{at(2, 5), false}}) {
        member m(usual(2), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(2)));
        m.step(append_from(1, 2, 3, r.prev));
        m.settle();
        const auto answers = m.sent();
        BOOST_REQUIRE(answers.size() == 1U);
        BOOST_TEST(answers[0]->reject == !r.accepted);
    }
}

BOOST_AUTO_TEST_CASE(s5_3_a_conflicting_suffix_is_replaced_and_an_equal_one_kept) {
    struct row {
        log_id prev;
        std::initializer_list<std::uint64_t> terms;
        std::vector<std::uint64_t> result;
    };
    const row rows[] = {{at(2, 2), {3}, {1, 2, 3}},
                        {at(1, 1), {3, 4}, {1, 3, 4}},
                        {at(0, 0), {1}, {1, 2}}, // older news: nothing is thrown away
                        {at(0, 0), {3}, {3}}};
    for (const row& r : rows) {
        member m(usual(2), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(2)));
        m.step(append_from(1, 2, 4, r.prev, run_of(r.prev.index.value() + 1, r.terms)));
        m.settle();
        std::vector<std::uint64_t> terms;
        for (const entry& e : m.durable().entries) {
            terms.push_back(e.term.value());
        }
        BOOST_TEST(terms == r.result, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(s5_3_what_a_leader_queued_is_sent_as_it_was) {
    member m = leader_of_three(exact(1));
    ack_all(m, 2);
    m.sent();
    m.propose("mine");
    m.step(append_from(3, 1, 2, at(1, 1), run_of(2, {2}))); // replaces it before it is sent
    m.settle();
    const auto sent = only(m.sent(), message_kind::append);
    BOOST_REQUIRE(sent.size() >= 1U);
    for (const owned_message& append : sent) {
        BOOST_TEST(append->term == term_id(1));
        BOOST_REQUIRE(append->entries.size() >= 1U);
        BOOST_TEST(append->entries.back().term == term_id(1));
        BOOST_TEST(append->entries.back().payload.view() == "mine");
    }
    BOOST_TEST(m.durable().last_id() == at(2, 2));
}

BOOST_AUTO_TEST_CASE(s5_3_a_leader_brings_every_log_into_line_with_its_own) {
    // Figure 7: what followers may hold when a leader of term 8 takes over.
    const std::initializer_list<std::uint64_t> own = {1, 1, 1, 4, 4, 5, 5, 6, 6, 6};
    const std::initializer_list<std::uint64_t> theirs[] = {{1, 1, 1, 4, 4, 5, 5, 6, 6},
                                                           {1, 1, 1, 4},
                                                           {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
                                                           {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},
                                                           {1, 1, 1, 4, 4, 4, 4},
                                                           {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}};
    for (const auto& terms : theirs) {
        for (const bool pipelined : {true, false}) {
            raft_options options = pipelined ? usual(1) : exact(1);
            member leader(options, disk_with(voters({1, 2, 3}), own, hard_of(7)));
            options.id = node_id(2);
            member other(options, disk_with(voters({1, 2, 3}), terms, hard_of(7)));
            elect(leader);
            leader.step(rejection_from(2, 1, 8, 10, at(0, 10))); // the first append was lost
            for (unsigned round = 0; round < 20; ++round) {
                leader.settle();
                for (const owned_message& m : leader.sent()) {
                    if (m->to == node_id(2)) {
                        other.step(m);
                    }
                }
                other.settle();
                for (const owned_message& m : other.sent()) {
                    leader.step(m);
                }
            }
            BOOST_TEST(other.last() == leader.last());
            BOOST_CHECK(other.durable().entries == leader.durable().entries);
            BOOST_TEST(leader.commit() == log_index(11));
        }
    }
}

BOOST_AUTO_TEST_CASE(s5_3_a_rejection_skips_a_whole_term) {
    member leader(usual(1), disk_with(voters({1, 2, 3}), {1, 3, 3, 3, 3}, hard_of(3)));
    elect(leader); // term 4, last 6
    member other(usual(2), disk_with(voters({1, 2, 3}), {1, 2, 2, 2, 2}, hard_of(3)));
    other.step(append_from(1, 2, 4, at(3, 5), run_of(6, {4})));
    other.settle();
    const auto answers = other.sent();
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->reject);
    BOOST_TEST(answers[0]->log_term == term_id(2));
    BOOST_TEST(answers[0]->reject_hint == log_index(5));
    leader.step(answers[0]);
    BOOST_TEST(leader.peer(2).next() == log_index(2)); // one round trip, four entries
}

BOOST_AUTO_TEST_CASE(s5_3_a_restarted_follower_applies_again_from_its_snapshot) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.propose(1, "x");
    g.settle();
    g.crash(2);
    g.restart(2);
    g.tick_all(2);
    BOOST_TEST(g[2].status().applied == log_index(2));
}

// Safety.

BOOST_AUTO_TEST_CASE(s5_4_1_a_vote_request_names_the_last_entry) {
    member m(exact(1), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(2)));
    m.campaign();
    m.settle();
    for (const owned_message& asked : m.sent()) {
        BOOST_TEST(asked->term == term_id(3));
        BOOST_TEST(asked->log_term == term_id(2));
        BOOST_TEST(asked->index == log_index(2));
    }
}

BOOST_AUTO_TEST_CASE(s5_4_1_no_vote_for_an_older_log) {
    struct row {
        std::initializer_list<std::uint64_t> own;
        log_id theirs;
        bool granted;
    };
    for (const row& r :
         {row{{1}, at(1, 1), true}, row{{1}, at(1, 2), true}, row{{1, 1}, at(1, 1), false},
          row{{1}, at(2, 1), true}, row{{1, 1}, at(2, 1), true}, row{{2}, at(1, 9), false}}) {
        member m(exact(1), disk_with(voters({1, 2}), r.own, hard_of(2)));
        m.step(vote_request(2, 1, 3, r.theirs));
        m.settle();
        const auto answers = m.sent();
        BOOST_REQUIRE(answers.size() == 1U);
        BOOST_TEST(answers[0]->reject == !r.granted);
    }
}

BOOST_AUTO_TEST_CASE(s5_4_2_figure_8_an_entry_of_an_older_term_is_not_committed_by_counting) {
    member s1(usual(1), disk_with(voters({1, 2, 3, 4, 5}), {1, 2}, hard_of(3)));
    elect(s1); // term 4, entry 3
    s1.step(ack_from(2, 1, 4, 2));
    s1.step(ack_from(3, 1, 4, 2));
    BOOST_TEST(s1.commit() == log_index(0)); // figure 8 (c): a majority holds entry 2
    s1.step(ack_from(2, 1, 4, 3));
    s1.step(ack_from(3, 1, 4, 3));
    BOOST_TEST(s1.commit() == log_index(3)); // figure 8 (e)
}

BOOST_AUTO_TEST_CASE(s5_5_requests_may_arrive_twice) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.propose(1, "x");
    g.at(1, [](member& m) { m.settle(); });
    for (unsigned i = 0; i < 6 && !g.network().empty(); ++i) {
        g.deliver(0, true);
    }
    g.settle();
    BOOST_TEST(g[2].last() == log_index(2));
    BOOST_TEST(g[3].last() == log_index(2));
}

BOOST_AUTO_TEST_SUITE_END()
