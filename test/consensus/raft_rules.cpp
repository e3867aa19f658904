// The rules that no conformance script pins: each has a test here that fails when it is broken.
// tools/mutants.py breaks them, one after the other, and expects exactly that.
#include <boost/test/unit_test.hpp>

#include "group.hpp"
#include "support.hpp"

BOOST_AUTO_TEST_SUITE(raft_rules)

using namespace quorate;
using namespace quorate::test;

namespace {

membership joint(std::initializer_list<std::uint64_t> incoming,
                 std::initializer_list<std::uint64_t> outgoing, bool auto_leave = false) {
    membership m = voters(incoming);
    m.outgoing = voters(outgoing).voters;
    m.auto_leave = auto_leave;
    return m;
}

entry change_entry(std::uint64_t term, std::uint64_t index, const membership_change& change) {
    return {.term = term_id(term),
            .index = log_index(index),
            .kind = entry_kind::joint_change,
            .payload = encode(change, entry_kind::joint_change)};
}

/// A leader of three whose log starts behind what member 3 has: 3 stands at `match`.
member leader_past(std::uint64_t match) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    elect(m);
    m.step(ack_from(3, 1, 1, match));
    for (int i = 0; i < 5; ++i) {
        m.propose("x");
    }
    m.settle();
    ack_all(m, 2);
    m.make_snapshot();
    m.settle();
    m.outbox.clear();
    return m;
}

} // namespace

BOOST_AUTO_TEST_CASE(rule_1_counting_commits_only_entries_of_the_own_term) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(2)));
    elect(m); // term 3, with its empty entry at 3
    m.step(ack_from(2, 1, 3, 2));
    BOOST_TEST(m.commit() == log_index(0));
    m.step(ack_from(2, 1, 3, 3));
    BOOST_TEST(m.commit() == log_index(3));
}

BOOST_AUTO_TEST_CASE(rule_2_a_joint_election_needs_both_halves) {
    member m(exact(1), start_of(joint({1, 2, 3}, {1, 4, 5})));
    m.campaign();
    m.settle();
    m.step(vote_answer(2, 1, 1));
    m.step(vote_answer(3, 1, 1));
    BOOST_CHECK(m.role() == role_kind::candidate);
    m.step(vote_answer(4, 1, 1));
    BOOST_CHECK(m.role() == role_kind::leader);
}

BOOST_AUTO_TEST_CASE(rule_2_a_joint_commit_needs_both_halves) {
    member m(usual(1), start_of(joint({1, 2, 3}, {1, 4, 5})));
    elect(m);
    ack_all(m, 2);
    ack_all(m, 3);
    BOOST_TEST(m.commit() == log_index(0));
    ack_all(m, 4);
    BOOST_TEST(m.commit() == log_index(1));
}

BOOST_AUTO_TEST_CASE(rule_3_a_new_leader_assumes_that_a_change_is_pending) {
    disk found = disk_with(voters({1, 2, 3}), {}, hard_of(1));
    found.entries.push_back(change_entry(1, 1, change_of({one_change(change_kind::remove, 3)})));
    member m(usual(1), found);
    elect(m);
    const auto add = change_of({one_change(change_kind::add_voter, 4)});
    BOOST_CHECK(m.propose_change(add) == errc::change_pending);
    BOOST_TEST(m.last() == log_index(2));
    ack_all(m, 2);
    BOOST_TEST(!m.propose_change(add));
    BOOST_TEST(m.last() == log_index(3));
}

BOOST_AUTO_TEST_CASE(rule_3_exact_mode_puts_an_empty_entry_in_the_place_of_a_refused_change) {
    disk found = disk_with(voters({1, 2, 3}), {}, hard_of(1));
    found.entries.push_back(change_entry(1, 1, change_of({one_change(change_kind::remove, 3)})));
    member m(exact(1), found);
    elect(m);
    BOOST_TEST(!m.propose_change(change_of({one_change(change_kind::add_voter, 4)})));
    BOOST_TEST(m.last() == log_index(3));
    BOOST_CHECK(m.engine().log().range(log_index(3), 1).front().kind == entry_kind::normal);
}

BOOST_AUTO_TEST_CASE(rule_4_async_storage_applies_only_what_is_durable_here) {
    member m(usual(2), start_of(voters({1, 2, 3})));
    m.step(append_from(1, 2, 1, at(0, 0), run_of(1, {1, 1}), 2));
    m.take();
    BOOST_TEST(m.commit() == log_index(2));
    BOOST_TEST(m.applies_waiting() == 0U);
    BOOST_TEST(!m.engine().has_effects());
    m.write_one();
    BOOST_TEST(m.engine().has_effects());
    m.take();
    BOOST_TEST(m.applies_waiting() == 1U);
}

BOOST_AUTO_TEST_CASE(rule_4_otherwise_a_batch_is_applied_together_with_its_write) {
    member m(exact(2), start_of(voters({1, 2, 3})));
    m.step(append_from(1, 2, 1, at(0, 0), run_of(1, {1, 1}), 2));
    m.take();
    BOOST_TEST(m.applies_waiting() == 1U);
}

BOOST_AUTO_TEST_CASE(rule_5_applying_pauses_at_its_budget) {
    raft_options options = usual(2);
    options.apply_bytes_max = 1;
    member m(options, start_of(voters({1, 2, 3})));
    m.step(append_from(1, 2, 1, at(0, 0), run_of(1, {1, 1, 1}), 3));
    m.take();
    m.write_one();
    for (std::uint64_t applied = 1; applied <= 3; ++applied) {
        m.take();
        BOOST_TEST(m.applies_waiting() == 1U);
        m.take();
        BOOST_TEST(m.applies_waiting() == 1U);
        m.apply_one();
        BOOST_TEST(m.status().applied == log_index(applied));
    }
}

BOOST_AUTO_TEST_CASE(rule_5_applying_stays_paused_while_the_rest_is_over_the_budget) {
    raft_options options = usual(2);
    options.apply_bytes_max = 100;
    member m(options, start_of(voters({1, 2, 3})));
    std::vector<entry> entries = run_of(1, {1, 1, 1});
    entries[1].payload = shared_bytes::copy_of(std::string(200, 'x'));
    m.step(append_from(1, 2, 1, at(0, 0), entries, 1));
    m.take();
    m.write_one();
    m.take(); // hands out entry 1
    m.step(append_from(1, 2, 1, at(1, 3), {}, 2));
    m.take(); // hands out entry 2, which alone is over the budget
    BOOST_TEST(m.applies_waiting() == 2U);
    m.step(append_from(1, 2, 1, at(1, 3), {}, 3));
    m.apply_one(); // entry 2 still counts
    m.take();
    BOOST_TEST(m.applies_waiting() == 1U);
    m.apply_one();
    m.take();
    BOOST_TEST(m.applies_waiting() == 1U);
}

BOOST_AUTO_TEST_CASE(rule_6_a_follower_commits_no_further_than_the_append_reaches) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {1, 1, 1}, hard_of(1)));
    m.step(append_from(1, 2, 2, at(1, 1), {}, 3)); // entries 2 and 3 may be of another history
    BOOST_TEST(m.commit() == log_index(1));
}

BOOST_AUTO_TEST_CASE(rule_7_no_vote_in_a_term_whose_leader_is_known) {
    member m(exact(2), start_of(voters({1, 2, 3})));
    m.step(heartbeat_from(1, 2, 2));
    m.step(vote_request(3, 2, 2, at(1, 9)));
    m.settle();
    const auto answers = only(m.sent(), message_kind::vote_response);
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->reject);
    BOOST_TEST(m.vote() == node_id(0));
}

BOOST_AUTO_TEST_CASE(rule_8_a_new_leadership_knows_no_match) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    elect(m);
    ack_all(m, 2);
    BOOST_TEST(m.peer(2).match() == log_index(1));
    m.step(heartbeat_from(3, 1, 2));
    m.settle();
    elect(m);
    BOOST_TEST(m.peer(2).match() == log_index(0));
    BOOST_TEST(m.peer(2).next() == log_index(2));
    BOOST_TEST(!m.peer(2).recently_active());
    BOOST_TEST(m.peer(1).match() == log_index(2));
}

BOOST_AUTO_TEST_CASE(rule_9_an_append_below_the_commit_index_is_acknowledged_and_not_processed) {
    member m(usual(2), disk_with(voters({1, 2, 3}), {1, 1, 1}, hard_of(1, 0, 2)));
    BOOST_TEST(!m.step(append_from(1, 2, 2, at(1, 1), run_of(2, {1, 1, 2}), 4)));
    m.settle();
    const auto acks = only(m.sent(), message_kind::append_response);
    BOOST_REQUIRE(acks.size() == 1U);
    BOOST_TEST(!acks[0]->reject);
    BOOST_TEST(acks[0]->index == log_index(2));
    BOOST_TEST(m.last() == log_index(3));
    BOOST_TEST(m.commit() == log_index(2));
}

BOOST_AUTO_TEST_CASE(rule_10_leader_traffic_resets_the_election_timer) {
    member m(usual(2), start_of(voters({1, 2, 3})));
    m.step(heartbeat_from(1, 2, 1));
    m.ticks(9);
    m.step(heartbeat_from(1, 2, 1));
    m.ticks(9);
    BOOST_CHECK(m.role() == role_kind::follower);
    m.step(append_from(1, 2, 1, at(0, 0)));
    m.ticks(9);
    BOOST_CHECK(m.role() == role_kind::follower);
    m.tick();
    BOOST_CHECK(m.role() == role_kind::pre_candidate);
}

BOOST_AUTO_TEST_CASE(rule_10_a_granted_vote_resets_the_election_timer) {
    member m(exact(2), disk_with(voters({1, 2, 3}), {1}, hard_of(1)));
    m.step(vote_request(1, 2, 2, at(0, 0))); // refused: its log is older
    BOOST_TEST(m.term() == term_id(2));
    m.ticks(9);
    m.step(vote_request(3, 2, 2, at(1, 1)));
    BOOST_TEST(m.vote() == node_id(3));
    m.ticks(9);
    BOOST_TEST(m.term() == term_id(2));
    m.tick();
    BOOST_TEST(m.term() == term_id(3));
}

BOOST_AUTO_TEST_CASE(rule_10_a_refused_vote_leaves_the_election_timer) {
    member m(exact(2), disk_with(voters({1, 2, 3}), {1}, hard_of(2)));
    m.ticks(9);
    m.step(vote_request(1, 2, 2, at(0, 0)));
    m.tick();
    BOOST_TEST(m.term() == term_id(3));
}

BOOST_AUTO_TEST_CASE(rule_11_a_transfer_skips_the_pre_vote) {
    member m(usual(2), start_of(voters({1, 2, 3})));
    m.step(heartbeat_from(1, 2, 1));
    m.step(to_from(message_kind::timeout_now, 2, 1, 1));
    m.settle();
    BOOST_CHECK(m.role() == role_kind::candidate);
    const auto sent = m.sent();
    BOOST_TEST(count_of(sent, message_kind::pre_vote) == 0U);
    const auto asked = only(sent, message_kind::vote);
    BOOST_REQUIRE(asked.size() == 2U);
    BOOST_TEST(asked[0]->transfer);
}

BOOST_AUTO_TEST_CASE(rule_11_a_transfer_waives_the_lease) {
    member m(usual(2), start_of(voters({1, 2, 3})));
    m.step(heartbeat_from(1, 2, 1));
    message request = vote_request(3, 2, 2, at(0, 0));
    m.step(request);
    m.settle();
    BOOST_TEST(m.term() == term_id(1));
    BOOST_TEST(count_of(m.sent(), message_kind::vote_response) == 0U);
    request.transfer = true;
    m.step(request);
    m.settle();
    BOOST_TEST(m.vote() == node_id(3));
    BOOST_TEST(count_of(m.sent(), message_kind::vote_response) == 1U);
}

BOOST_AUTO_TEST_CASE(rule_12_a_learner_never_campaigns) {
    member m(exact(2), start_of(voters({1}, {2})));
    m.ticks(40);
    m.campaign();
    m.step(to_from(message_kind::timeout_now, 2, 1, 1));
    m.settle();
    BOOST_CHECK(m.role() == role_kind::follower);
    BOOST_TEST(count_of(m.sent(), message_kind::vote) == 0U);
}

BOOST_AUTO_TEST_CASE(rule_13_a_snapshot_is_sent_only_to_who_was_heard_of) {
    member m = leader_past(1);
    m.ticks(10); // closes a window in which 3 was heard of
    m.step(ack_from(2, 1, 1, m.last().value()));
    m.ticks(10); // and one in which it was not
    m.settle();
    BOOST_CHECK(m.role() == role_kind::leader);
    BOOST_TEST(!m.peer(3).recently_active());
    m.run([](raft& r) { r.on_unreachable(node_id(3)); });
    m.propose("y");
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::install_snapshot) == 0U);
    BOOST_CHECK(m.peer(3).kind() == progress_kind::probe);
    m.step(to_from(message_kind::heartbeat_response, 1, 3, 1));
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::install_snapshot) == 1U);
    BOOST_CHECK(m.peer(3).kind() == progress_kind::snapshot);
}

BOOST_AUTO_TEST_CASE(rule_14_a_new_member_counts_as_active_for_one_window) {
    member m(usual(1), start_of(voters({1})));
    elect(m);
    m.propose_change(change_of({one_change(change_kind::add_voter, 2)}));
    m.settle();
    BOOST_TEST(m.peer(2).recently_active());
    m.ticks(10);
    BOOST_CHECK(m.role() == role_kind::leader);
    m.ticks(10);
    BOOST_CHECK(m.role() == role_kind::follower);
}

BOOST_AUTO_TEST_CASE(rule_15_a_snapshot_state_ends_where_the_log_can_take_over) {
    member m = leader_past(1);
    const std::uint64_t base = m.status().first.value() - 1;
    m.run([](raft& r) { r.on_unreachable(node_id(3)); });
    m.step(to_from(message_kind::heartbeat_response, 1, 3, 1));
    BOOST_CHECK(m.peer(3).kind() == progress_kind::snapshot);
    m.step(ack_from(3, 1, 1, base - 1));
    BOOST_TEST(m.peer(3).match() == log_index(base - 1));
    BOOST_CHECK(m.peer(3).kind() == progress_kind::snapshot);
    m.step(ack_from(3, 1, 1, base));
    BOOST_CHECK(m.peer(3).kind() == progress_kind::replicate);
    BOOST_TEST(m.peer(3).next() >= log_index(base + 1));
}

BOOST_AUTO_TEST_CASE(rule_16_a_stale_rejection_changes_nothing_while_probing) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1, 1, 1}, hard_of(1)));
    elect(m);
    const log_index next = m.peer(2).next();
    BOOST_TEST(next == log_index(5));
    m.step(rejection_from(2, 1, 2, 2, at(0, 0)));
    BOOST_TEST(m.peer(2).next() == next);
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::append) == 0U);
    m.step(rejection_from(2, 1, 2, 4, at(1, 1)));
    BOOST_TEST(m.peer(2).next() == log_index(2));
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::append) == 1U);
}

BOOST_AUTO_TEST_CASE(rule_16_a_rejection_of_what_matches_is_stale_while_replicating) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    elect(m);
    ack_all(m, 2);
    m.sent();
    m.step(rejection_from(2, 1, 1, 1, at(0, 0)));
    m.settle();
    BOOST_CHECK(m.peer(2).kind() == progress_kind::replicate);
    BOOST_TEST(count_of(m.sent(), message_kind::append) == 0U);
}

BOOST_AUTO_TEST_CASE(rule_16_a_rejection_while_replicating_probes_behind_the_match) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    elect(m);
    ack_all(m, 2);
    m.propose("a");
    m.settle();
    m.propose("b");
    m.settle();
    m.sent();
    m.step(rejection_from(2, 1, 1, 2, at(0, 0))); // the append of "a" was lost
    m.settle();
    BOOST_CHECK(m.peer(2).kind() == progress_kind::probe);
    BOOST_TEST(m.peer(2).next() == log_index(2));
    const auto again = only(m.sent(), message_kind::append);
    BOOST_REQUIRE(again.size() == 1U);
    BOOST_TEST(again[0]->index == log_index(1));
    BOOST_TEST(again[0]->entries.size() == 2U);
}

BOOST_AUTO_TEST_CASE(rule_17_falling_back_to_probing_forgets_the_commit_index_sent) {
    const flow_limits limits;
    peer_progress p(node_id(2), log_index(1), log_index(2), false, true);
    p.become_replicate();
    p.on_sent(4, 0, limits);
    p.on_commit_sent(log_index(5));
    BOOST_TEST(!p.can_bump_commit(log_index(5)));
    p.become_probe();
    p.become_replicate();
    p.on_sent(4, 0, limits);
    BOOST_TEST(p.can_bump_commit(log_index(5)));
}

BOOST_AUTO_TEST_CASE(rule_17_a_rejection_forgets_the_commit_index_sent) {
    const flow_limits limits;
    peer_progress p(node_id(2), log_index(0), log_index(6), false, true);
    p.on_commit_sent(log_index(5));
    BOOST_TEST(p.on_rejected(log_index(5), log_index(1)));
    p.on_ack(log_index(1));
    p.become_replicate();
    p.on_sent(4, 0, limits);
    BOOST_TEST(p.can_bump_commit(log_index(5)));
}

BOOST_AUTO_TEST_CASE(rule_17_a_heartbeat_replaces_the_commit_index_sent) {
    member m(exact(1), start_of(voters({1, 2, 3})));
    elect(m);
    ack_all(m, 2);
    ack_all(m, 3);
    m.propose("a");
    m.settle();
    m.step(ack_from(3, 1, 1, 2)); // commits it; the news to member 2 is lost
    m.tick();                     // this heartbeat, which tells 2 of less, arrives
    m.settle();
    m.sent();
    m.step(ack_from(2, 1, 1, 2));
    m.settle();
    const auto news = only(m.sent(), message_kind::append);
    BOOST_REQUIRE(news.size() == 1U);
    BOOST_TEST(news[0]->commit == log_index(2));
}

BOOST_AUTO_TEST_CASE(rule_17_no_commit_index_is_sent_to_who_cannot_use_it) {
    peer_progress p(node_id(2), log_index(2), log_index(3), false, true);
    p.become_replicate();
    p.on_commit_sent(log_index(2));
    BOOST_TEST(!p.can_bump_commit(log_index(9)));
    p.on_sent(1, 0, flow_limits{});
    BOOST_TEST(p.can_bump_commit(log_index(9)));
}

BOOST_AUTO_TEST_CASE(rule_18_a_joint_configuration_is_left_once_the_pending_change_is_applied) {
    disk found = disk_with(joint({1, 2}, {1, 3}, true), {1, 1}, hard_of(1, 0, 1));
    member m(exact(1), found);
    m.take(); // hands out entry 1, which is applied later
    BOOST_TEST(m.applies_waiting() == 1U);
    m.campaign();
    m.take();
    m.write_one();
    m.step(vote_answer(2, 1, 2));
    m.step(vote_answer(3, 1, 2));
    BOOST_CHECK(m.role() == role_kind::leader);
    m.apply_one();
    BOOST_TEST(m.status().applied == log_index(1));
    BOOST_TEST(m.last() == log_index(3)); // entry 2 may be what made it joint
    m.settle();
    ack_all(m, 2);
    ack_all(m, 3);
    BOOST_TEST(m.status().applied >= log_index(3));
    BOOST_TEST(m.last() == log_index(4));
    BOOST_CHECK(m.engine().log().range(log_index(4), 1).front().kind == entry_kind::joint_change);
}

// A proposal has no term, so that a refused one cannot raise that of the member.
BOOST_AUTO_TEST_CASE(a_refused_proposal_with_a_term_changes_nothing) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    for (const auto kind : {message_kind::proposal, message_kind::read_index,
                            message_kind::proposal_refused, message_kind::read_refused}) {
        const message asked{.kind = kind, .to = node_id(1), .from = node_id(2), .term = term_id(9)};
        BOOST_CHECK(m.step(asked) == errc::message_invalid);
        BOOST_TEST(!m.term().value());
    }
}

// The leader leaves a joint configuration although nothing is applied after a refusal.
BOOST_AUTO_TEST_CASE(a_refused_leave_is_proposed_again_by_an_idle_leader) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    quorate::test::elect(m);
    BOOST_TEST(!m.propose_change(
        change_of({one_change(change_kind::add_voter, 4), one_change(change_kind::remove, 3)})));
    m.settle();
    BOOST_TEST(!m.transfer_to(2)); // proposals are refused until it is over
    ack_all(m, 3);
    BOOST_REQUIRE(m.engine().members().joint());
    const log_index before = m.last();
    m.ticks(5);
    BOOST_TEST(m.last().value() == before.value());
    m.ticks(6);
    m.settle();
    BOOST_REQUIRE(m.last() == before.next());
    BOOST_CHECK(m.engine().log().range(m.last(), 1).front().kind == entry_kind::joint_change);
}

// A transport is done with a snapshot before the member decides to take it.
BOOST_AUTO_TEST_CASE(snapshot_reported_as_delivered_and_not_taken_is_sent_again) {
    group g(3, voters({1, 2, 3}), [](std::uint64_t id) { return usual(id); });
    g.elect(1);
    g.isolate(3);
    for (int i = 0; i < 5; ++i) {
        BOOST_REQUIRE(!g.propose(1, "word"));
        g.settle();
    }
    g.at(1, [](member& m) { m.make_snapshot(); });
    g.heal();
    int dropped = 0;
    const auto drop_snapshots = [&] {
        for (std::size_t i = g.network().size(); i-- > 0;) {
            if (g.network()[i]->kind == message_kind::install_snapshot && dropped < 3) {
                g.drop(i, true);
                ++dropped;
            }
        }
    };
    for (int round = 0; round < 200 && g[3].commit() < g[1].commit(); ++round) {
        g.tick(1);
        for (int turn = 0; turn < 20; ++turn) {
            for (std::uint64_t id = 1; id <= 3; ++id) {
                g.at(id, [](member& m) { m.settle(); });
            }
            drop_snapshots();
            if (!g.network().empty()) {
                static_cast<void>(g.deliver());
            }
        }
    }
    BOOST_TEST(dropped == 3);
    BOOST_TEST(g[3].commit() == g[1].commit());
    BOOST_TEST(g[3].durable().base_id().index > log_index());
}

BOOST_AUTO_TEST_SUITE_END()
