// Claims of the Raft paper from section 6 on, and of the thesis: s6 is the paper's, t4 the
// thesis's.
#include <boost/test/unit_test.hpp>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(raft_thesis)

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

// Membership.

BOOST_AUTO_TEST_CASE(s6_a_joint_configuration_decides_by_both_majorities) {
    group g(5, voters({1, 2, 3}), usual, at(1, 1));
    g.elect(1);
    const auto change =
        change_of({one_change(change_kind::add_voter, 4), one_change(change_kind::add_voter, 5),
                   one_change(change_kind::remove, 2), one_change(change_kind::remove, 3)},
                  change_transition::joint_explicit);
    BOOST_TEST(!g.at(1, [&](member& m) { return m.propose_change(change); }));
    g.settle();
    BOOST_TEST(g[1].engine().members().joint());
    g.isolate(2);
    g.isolate(3); // half of the old majority is gone
    const log_index before = g[1].commit();
    g.propose(1, "x");
    g.settle();
    BOOST_TEST(g[1].commit() == before);
    g.heal();
    g.tick_all(2);
    BOOST_TEST(g[1].commit() > before);
    BOOST_TEST(!g.at(1, [](member& m) { return m.propose_change({}); }));
    g.settle();
    BOOST_CHECK(g[1].engine().members() == voters({1, 4, 5}));
    BOOST_CHECK(g[5].engine().members() == voters({1, 4, 5}));
}

BOOST_AUTO_TEST_CASE(s6_an_automatic_joint_change_leaves_by_itself) {
    group g(5, voters({1, 2, 3}), usual, at(1, 1));
    g.elect(1);
    const auto change =
        change_of({one_change(change_kind::add_voter, 4), one_change(change_kind::add_voter, 5)});
    g.at(1, [&](member& m) { static_cast<void>(m.propose_change(change)); });
    g.settle();
    BOOST_CHECK(g[1].engine().members() == voters({1, 2, 3, 4, 5}));
    BOOST_CHECK(g[4].engine().members() == voters({1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(t4_1_one_change_at_a_time) {
    member m = leader_of_three();
    ack_all(m, 2);
    BOOST_TEST(!m.propose_change(change_of({one_change(change_kind::add_learner, 4)})));
    const auto second = change_of({one_change(change_kind::add_learner, 5)});
    BOOST_CHECK(m.propose_change(second) == errc::change_pending);
    m.settle();
    ack_all(m, 2);
    BOOST_TEST(!m.propose_change(second));
}

BOOST_AUTO_TEST_CASE(t4_1_a_refused_batch_leaves_no_change_pending) {
    member m = leader_of_three();
    ack_all(m, 2);
    const auto change = change_of({one_change(change_kind::add_learner, 4)});
    proposed two[2];
    for (proposed& p : two) {
        p = {entry_kind::joint_change, 0, encode(change, entry_kind::joint_change)};
    }
    BOOST_CHECK(m.run([&](raft& r) { return r.propose(two); }) == errc::change_pending);
    BOOST_TEST(m.last() == log_index(1));
    BOOST_TEST(!m.propose_change(change));
}

BOOST_AUTO_TEST_CASE(t4_1_nobody_campaigns_with_a_committed_change_not_applied) {
    disk found = disk_with(voters({1, 2}), {}, hard_of(1, 0, 1));
    found.entries = run_of(1, {1});
    found.entries[0].kind = entry_kind::joint_change;
    found.entries[0].payload =
        encode(change_of({one_change(change_kind::add_voter, 3)}), entry_kind::joint_change);
    member m(exact(1), found);
    m.campaign(); // it would count the votes of two
    m.step(to_from(message_kind::timeout_now, 1, 2, 1));
    BOOST_CHECK(m.role() == role_kind::follower);
    m.settle();
    m.campaign();
    BOOST_CHECK(m.role() == role_kind::candidate);
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::vote) == 2U);
}

BOOST_AUTO_TEST_CASE(t4_2_1_a_learner_counts_for_nothing) {
    member m(usual(1), start_of(voters({1, 2}, {3})));
    elect(m);
    ack_all(m, 3);
    BOOST_TEST(m.commit() == log_index(0));
    ack_all(m, 2);
    BOOST_TEST(m.commit() == log_index(1));
}

BOOST_AUTO_TEST_CASE(t4_2_2_a_leader_that_applies_its_removal_steps_down) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.at(1, [](member& m) {
        static_cast<void>(m.propose_change(change_of({one_change(change_kind::remove, 1)})));
    });
    g.settle();
    BOOST_CHECK(g[1].role() == role_kind::follower);
    g.tick_all(40);
    BOOST_TEST(g.leader() > 1U);
    BOOST_CHECK(g[2].engine().members() == voters({2, 3}));
}

BOOST_AUTO_TEST_CASE(t4_2_3_a_removed_member_does_not_disrupt) {
    group g(4, voters({1, 2, 3, 4}), usual);
    g.elect(1);
    g.isolate(4);
    g.at(1, [](member& m) {
        static_cast<void>(m.propose_change(change_of({one_change(change_kind::remove, 4)})));
    });
    g.settle();
    const term_id term = g[1].term();
    g.heal();
    g.tick_all(60);
    BOOST_TEST(g[1].term() == term);
    BOOST_TEST(g.leader() == 1U);
}

// Snapshots.

BOOST_AUTO_TEST_CASE(s7_a_follower_that_fell_behind_is_sent_a_snapshot) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.isolate(3);
    for (int i = 0; i < 10; ++i) {
        g.propose(1, "x");
    }
    g.settle();
    g.at(1, [](member& m) { m.make_snapshot(); });
    g.heal();
    g.tick_all(3);
    BOOST_TEST(g[3].status().applied == g[1].status().applied);
    BOOST_TEST(g[3].status().first > log_index(1));
    BOOST_TEST(g[3].durable().base_id() == g[1].durable().base_id());
}

BOOST_AUTO_TEST_CASE(s7_a_snapshot_of_what_is_known_keeps_the_log_behind_it) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {1, 1, 1}, hard_of(1)));
    message snap = to_from(message_kind::install_snapshot, 2, 1, 1);
    snap.snap = start_of(voters({1, 2, 3}), at(1, 2));
    m.step(snap);
    m.settle();
    BOOST_TEST(m.last() == log_index(3));
    BOOST_TEST(m.commit() == log_index(2));
    BOOST_TEST(m.status().first == log_index(1));
}

BOOST_AUTO_TEST_CASE(s7_a_snapshot_replaces_a_log_that_differs) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {1, 1, 1}, hard_of(1)));
    message snap = to_from(message_kind::install_snapshot, 2, 1, 3);
    snap.snap = start_of(voters({1, 2, 3}), at(2, 2));
    m.step(snap);
    m.settle();
    BOOST_TEST(m.last() == log_index(2));
    BOOST_TEST(m.status().applied == log_index(2));
    const auto acks = only(m.sent(), message_kind::append_response);
    BOOST_REQUIRE(acks.size() == 1U);
    BOOST_TEST(acks[0]->index == log_index(2));
}

BOOST_AUTO_TEST_CASE(s7_an_older_snapshot_is_ignored) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {1, 1, 1}, hard_of(1, 0, 3)));
    m.settle();
    message snap = to_from(message_kind::install_snapshot, 2, 1, 1);
    snap.snap = start_of(voters({1, 2, 3}), at(1, 2));
    m.step(snap);
    m.settle();
    BOOST_TEST(m.last() == log_index(3));
    BOOST_TEST(m.sent().back()->index == log_index(3));
}

BOOST_AUTO_TEST_CASE(s7_nothing_is_acknowledged_before_the_snapshot_is_durable) {
    member m = follower_of_three();
    message snap = to_from(message_kind::install_snapshot, 2, 1, 1);
    snap.snap = start_of(voters({1, 2, 3}), at(1, 9));
    m.step(snap);
    m.take();
    BOOST_TEST(m.sent().empty());
    m.campaign();
    BOOST_CHECK(m.role() == role_kind::follower); // nor does it campaign meanwhile
    m.write_one();
    BOOST_TEST(m.sent().size() == 1U);
}

BOOST_AUTO_TEST_CASE(s7_a_member_is_not_sent_the_same_snapshot_for_ever) {
    // Its own configuration names it no longer, and the snapshot was made before it came back.
    group g(4, voters({1, 2, 3, 4}), usual);
    g.elect(1);
    const auto propose = [&g](change_kind kind) {
        g.at(1, [kind](member& m) {
            static_cast<void>(m.propose_change(change_of({one_change(kind, 4)})));
        });
        g.settle();
    };
    g.isolate(4);
    propose(change_kind::remove);
    for (int i = 0; i < 5; ++i) {
        g.propose(1, "x");
    }
    g.settle();
    g.at(1, [](member& m) { m.make_snapshot(); });
    propose(change_kind::add_voter);
    g.heal();
    g.tick_all(3);
    BOOST_TEST(g[4].status().applied == g[1].status().applied);
}

// Clients.

BOOST_AUTO_TEST_CASE(s8_a_new_leader_commits_an_empty_entry_first) {
    member m = leader_of_three();
    const auto run = m.engine().log().range(log_index(1), 1);
    BOOST_TEST(run.front().payload.empty());
    BOOST_CHECK(run.front().kind == entry_kind::normal);
}

BOOST_AUTO_TEST_CASE(s8_reads_wait_until_the_leader_committed_in_its_term) {
    member m = leader_of_three();
    BOOST_TEST(!m.read_index(7));
    m.settle();
    BOOST_TEST(m.reads.empty());
    BOOST_TEST(count_of(m.sent(), message_kind::heartbeat) == 0U);
    ack_all(m, 2);
    const auto round = only(m.sent(), message_kind::heartbeat);
    BOOST_REQUIRE(round.size() == 2U);
    message answer = to_from(message_kind::heartbeat_response, 1, 3, 1);
    answer.context = round[0]->context;
    m.step(answer);
    m.settle();
    BOOST_REQUIRE(m.reads.size() == 1U);
    BOOST_CHECK((m.reads[0] == read_state{log_index(1), 7}));
}

BOOST_AUTO_TEST_CASE(t3_10_leadership_is_handed_to_who_is_up_to_date) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.at(1, [](member& m) { static_cast<void>(m.transfer_to(3)); });
    g.settle();
    BOOST_TEST(g.leader() == 3U);
    BOOST_TEST(g[3].term() == term_id(2));
}

BOOST_AUTO_TEST_CASE(t3_10_who_lags_is_brought_up_to_date_first) {
    member m = leader_of_three();
    m.step(ack_from(2, 1, 1, 1));
    m.propose("x");
    m.propose("y");
    m.settle();
    m.sent();
    m.transfer_to(2);
    m.settle();
    BOOST_CHECK(m.propose("z") == errc::transfer_in_progress);
    m.step(ack_from(2, 1, 1, 2)); // holds a part of it
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::timeout_now) == 0U);
    m.step(ack_from(2, 1, 1, 3));
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::timeout_now) == 1U);
}

BOOST_AUTO_TEST_CASE(t3_10_a_transfer_that_takes_too_long_is_given_up) {
    member m = leader_of_three();
    ack_all(m, 2);
    ack_all(m, 3);
    m.transfer_to(2);
    m.ticks(9);
    BOOST_CHECK(m.propose("x") == errc::transfer_in_progress);
    m.tick();
    BOOST_TEST(!m.propose("x"));
}

BOOST_AUTO_TEST_CASE(t6_2_a_leader_without_a_quorum_steps_down) {
    member m = leader_of_three();
    m.ticks(10); // nobody was heard of since the election
    BOOST_CHECK(m.role() == role_kind::follower);
    member other = leader_of_three();
    other.step(to_from(message_kind::heartbeat_response, 1, 2, 1));
    other.ticks(10);
    BOOST_CHECK(other.role() == role_kind::leader);
    other.ticks(10);
    BOOST_CHECK(other.role() == role_kind::follower);
}

BOOST_AUTO_TEST_CASE(t6_4_a_read_is_confirmed_by_a_quorum_of_answers_to_a_later_heartbeat) {
    member m(usual(1), start_of(voters({1, 2, 3, 4, 5})));
    elect(m);
    ack_all(m, 2);
    ack_all(m, 3);
    m.settle();
    m.read_index(1);
    m.settle();
    m.read_index(2);
    m.settle();
    message answer = to_from(message_kind::heartbeat_response, 1, 2, 1);
    answer.context = 2; // of the newer round: confirms both, as far as 2 is concerned
    m.step(answer);
    answer.from = node_id(3);
    answer.context = 1;
    m.step(answer);
    m.settle();
    BOOST_REQUIRE(m.reads.size() == 1U);
    BOOST_TEST(m.reads[0].context == 1U);
    answer.context = 2;
    m.step(answer);
    m.settle();
    BOOST_TEST(m.reads.size() == 2U);
}

BOOST_AUTO_TEST_CASE(t6_4_a_deposed_leader_confirms_nothing) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.isolate(1);
    g.tick_all(30);
    BOOST_TEST(g.leader() > 1U);
    g.propose(g.leader(), "x");
    g.settle();
    g[1].reads.clear();
    g.at(1, [](member& m) { static_cast<void>(m.read_index(9)); });
    g.settle();
    g.heal();
    g.tick_all(3);
    BOOST_TEST(g[1].reads.empty());
}

BOOST_AUTO_TEST_CASE(t6_4_a_deposed_leader_answers_those_who_wait) {
    member m = leader_of_three();
    ack_all(m, 2);
    m.read_index(5);
    message asked = to_from(message_kind::read_index, 1, 3, 0);
    asked.context = 6;
    m.step(asked);
    m.settle();
    m.sent();
    m.step(heartbeat_from(2, 1, 2));
    m.settle();
    BOOST_REQUIRE(m.refusals.size() == 1U);
    BOOST_TEST(m.refusals[0].context == 5U);
    const auto refused = only(m.sent(), message_kind::read_refused);
    BOOST_REQUIRE(refused.size() == 1U);
    BOOST_TEST(refused[0]->context == 6U);
}

BOOST_AUTO_TEST_CASE(t6_4_a_lone_voter_reads_only_what_it_committed_in_its_term) {
    // Its commit index may lag behind what it told clients: that needs no sync.
    member m(usual(1), disk_with(voters({1}), {1, 1}, hard_of(1)));
    m.campaign();
    while (m.role() != role_kind::leader) {
        m.take();
        m.write_one();
    }
    m.read_index(3);
    m.take();
    BOOST_TEST(m.reads.empty());
    m.settle();
    BOOST_REQUIRE(m.reads.size() == 1U);
    BOOST_TEST(m.reads[0].index >= log_index(2));
}

BOOST_AUTO_TEST_CASE(t6_4_a_read_needs_no_answer_where_the_leader_is_a_quorum) {
    membership both = voters({1});
    both.outgoing = voters({1}).voters;
    member m(usual(1), start_of(both));
    m.campaign();
    m.settle();
    m.read_index(3);
    m.settle();
    BOOST_TEST(m.reads.size() == 1U);
}

BOOST_AUTO_TEST_CASE(t6_4_a_read_does_not_wait_for_who_left) {
    member m(usual(1), start_of(voters({1, 2})));
    elect(m);
    ack_all(m, 2);
    m.read_index(3);
    m.settle();
    BOOST_TEST(m.reads.empty());
    m.propose_change(change_of({one_change(change_kind::remove, 2)}));
    m.settle();
    ack_all(m, 2);
    BOOST_CHECK(m.engine().members() == voters({1}));
    BOOST_TEST(m.reads.size() == 1U);
}

BOOST_AUTO_TEST_CASE(t6_4_1_exact_lease_answers_at_once) {
    raft_options options = usual(1);
    options.reads = read_mode::lease_based;
    options.strict_leases = false;
    member m = leader_of_three(options);
    ack_all(m, 2);
    m.read_index(4);
    m.settle();
    BOOST_TEST(m.reads.size() == 1U);
}

BOOST_AUTO_TEST_CASE(t6_4_1_lease_without_a_time_reads_by_rounds) {
    raft_options options = usual(1);
    options.reads = read_mode::lease_based;
    member m = leader_of_three(options);
    ack_all(m, 2);
    m.read_index(4);
    m.settle();
    BOOST_TEST(m.reads.empty());
}

BOOST_AUTO_TEST_CASE(t6_4_a_follower_asks_the_leader) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.at(2, [](member& m) { static_cast<void>(m.read_index(11)); });
    g.settle();
    BOOST_REQUIRE(g[2].reads.size() == 1U);
    BOOST_TEST(g[2].reads[0].context == 11U);
}

BOOST_AUTO_TEST_CASE(t9_6_a_pre_candidate_disturbs_nobody) {
    group g(3, voters({1, 2, 3}), usual);
    g.elect(1);
    g.isolate(3);
    g.tick_all(100);
    BOOST_CHECK(g[3].role() == role_kind::pre_candidate);
    BOOST_TEST(g[3].term() == term_id(1));
    g.heal();
    g.tick_all(3);
    BOOST_TEST(g.leader() == 1U);
    BOOST_TEST(g[1].term() == term_id(1));
    BOOST_CHECK(g[3].role() == role_kind::follower);
}

BOOST_AUTO_TEST_CASE(t9_6_a_pre_vote_binds_nobody) {
    member m(usual(2), start_of(voters({1, 2, 3})));
    m.step(vote_request(1, 2, 5, at(0, 0), message_kind::pre_vote));
    m.step(vote_request(3, 2, 5, at(0, 0), message_kind::pre_vote));
    m.settle();
    BOOST_TEST(m.term() == term_id(0));
    BOOST_TEST(m.vote() == node_id(0));
    const auto answers = m.sent();
    BOOST_REQUIRE(answers.size() == 2U);
    BOOST_TEST(!answers[0]->reject);
    BOOST_TEST(!answers[1]->reject);
    BOOST_TEST(answers[0]->term == term_id(5));
}

BOOST_AUTO_TEST_CASE(t9_6_no_pre_vote_for_an_older_log) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(2)));
    m.step(vote_request(1, 2, 5, at(1, 9), message_kind::pre_vote));
    m.settle();
    BOOST_TEST(m.sent().at(0)->reject);
}

BOOST_AUTO_TEST_CASE(t9_6_no_pre_vote_for_a_term_in_which_a_vote_was_given) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(5, 1)));
    for (const std::uint64_t term : {5U, 6U}) {
        m.step(vote_request(3, 2, term, at(2, 2), message_kind::pre_vote));
        m.settle();
        BOOST_TEST(m.sent().at(0)->reject == (term == 5));
    }
}

// Without them the member that needs the snapshot could never go on from it.
BOOST_AUTO_TEST_CASE(t5_1_entries_behind_the_newest_snapshot_are_kept) {
    member m = leader_of_three();
    ack_all(m, 2);
    m.make_snapshot();
    const log_index held = m.last();
    m.propose("x");
    m.settle();
    ack_all(m, 2);
    BOOST_REQUIRE(m.status().applied == held.next());
    BOOST_CHECK(m.run([&](raft& r) { return r.compact(held.next()); }) == errc::index_unavailable);
    BOOST_TEST(m.engine().log().base().index == held);
}

BOOST_AUTO_TEST_CASE(t10_2_1_the_leaders_disk_works_beside_the_network) {
    member m = leader_of_three();
    ack_all(m, 2);
    ack_all(m, 3);
    m.sent();
    m.propose("x");
    m.take();
    BOOST_TEST(count_of(m.sent(), message_kind::append) == 2U); // and nothing is written yet
    m.step(ack_from(2, 1, 1, 2));
    m.step(ack_from(3, 1, 1, 2));
    BOOST_TEST(m.commit() == log_index(2)); // a quorum without the leader's own disk
    BOOST_TEST(m.engine().log().stable() == log_index(1));
}

BOOST_AUTO_TEST_CASE(t10_2_1_the_end_of_a_write_that_was_overtaken_means_nothing) {
    member m(usual(2), start_of(voters({1, 2, 3})));
    m.step(append_from(1, 2, 1, at(0, 0), run_of(1, {1})));
    m.take();
    m.step(append_from(3, 2, 2, at(0, 0), run_of(1, {2})));
    m.take();
    m.step(append_from(1, 2, 3, at(0, 0), run_of(1, {1}), 1)); // the same entry once more
    m.take();
    m.write_one();
    BOOST_TEST(m.engine().log().stable() == log_index(0)); // the next write takes it away again
    m.write_one();
    BOOST_TEST(m.engine().log().stable() == log_index(0));
    BOOST_TEST(m.status().applied == log_index(0));
    m.write_one();
    BOOST_TEST(m.engine().log().stable() == log_index(1));
}

BOOST_AUTO_TEST_SUITE_END()
