// A checker that finds nothing proves nothing: each rule is shown a state that breaks it.
#include <quorate/consensus/invariants.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(invariants)

using namespace quorate;
using namespace quorate::test;

namespace {

/// A leader of three in term 4 with entries of terms 1, 2, 4, all committed and applied.
member busy_leader() {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(3)));
    elect(m);
    ack_all(m, 2);
    return m;
}
unsigned broken_by(const raft_facts& before, const member& m) {
    return check_step(before, m.engine()).number;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_sound_member_breaks_none) {
    const member m = busy_leader();
    BOOST_TEST(!check_state(m.engine()));
    BOOST_TEST(!check_step(facts_of(m.engine()), m.engine()));
}

BOOST_AUTO_TEST_CASE(r4_a_committed_entry_that_changed) {
    const member m = busy_leader();
    raft_facts before = facts_of(m.engine());
    before.committed = at(3, 3);
    BOOST_TEST(broken_by(before, m) == 4U);
}

BOOST_AUTO_TEST_CASE(r8_a_second_leader_in_a_term) {
    const member m = busy_leader();
    raft_facts before = facts_of(m.engine());
    before.soft = {node_id(2), role_kind::candidate};
    BOOST_TEST(broken_by(before, m) == 8U);
}

BOOST_AUTO_TEST_CASE(r9_what_went_back) {
    const member m = busy_leader();
    raft_facts before = facts_of(m.engine());
    before.hard.term = term_id(5);
    BOOST_TEST(broken_by(before, m) == 9U);
    before = facts_of(m.engine());
    before.hard.commit = log_index(9);
    BOOST_TEST(broken_by(before, m) == 9U);
    before = facts_of(m.engine());
    before.applied = log_index(9);
    BOOST_TEST(broken_by(before, m) == 9U);
}

BOOST_AUTO_TEST_CASE(r10_a_vote_that_changed) {
    const member m = busy_leader();
    raft_facts before = facts_of(m.engine());
    before.hard.vote = node_id(3);
    BOOST_TEST(broken_by(before, m) == 10U);
}

BOOST_AUTO_TEST_CASE(r11_a_commit_without_a_quorum) {
    // The third voter is added after the commit, so that looking back nobody confirmed it.
    member m(usual(1), start_of(voters({1})));
    elect(m);
    const raft_facts start = [&m] {
        raft_facts facts = facts_of(m.engine());
        facts.hard.commit = log_index(0);
        facts.committed = at(0, 0);
        return facts;
    }();
    BOOST_TEST(!check_step(start, m.engine()));
    m.propose_change(change_of({one_change(change_kind::add_voter, 2)}));
    m.settle();
    BOOST_TEST(broken_by(start, m) == 11U);
}

BOOST_AUTO_TEST_CASE(r13_two_changes_under_way) {
    raft_options options = usual(1);
    options.validate_changes = false;
    member m(options, start_of(voters({1, 2, 3})));
    elect(m);
    const auto change = change_of({one_change(change_kind::add_learner, 4)});
    m.propose_change(change);
    BOOST_TEST(!check_state(m.engine()));
    m.propose_change(change);
    BOOST_TEST(check_state(m.engine()).number == 13U);
    BOOST_TEST(!check_state(m.engine(), false));
}

BOOST_AUTO_TEST_CASE(r14_a_leader_that_lost_an_entry) {
    const member m = busy_leader();
    raft_facts before = facts_of(m.engine());
    before.last = at(4, 4);
    BOOST_TEST(broken_by(before, m) == 14U);
}

BOOST_AUTO_TEST_CASE(r15_a_leader_from_nowhere) {
    const member m = busy_leader();
    raft_facts before = facts_of(m.engine());
    before.soft = {node_id(0), role_kind::follower};
    BOOST_TEST(broken_by(before, m) == 15U);
    before = facts_of(m.engine());
    before.hard = hard_of(3, 1, 3);
    BOOST_TEST(broken_by(before, m) == 15U);
}

BOOST_AUTO_TEST_CASE(r7_a_promise_that_leaves_early) {
    const member m = busy_leader();
    effects batch;
    BOOST_TEST(!check_effects(m.engine(), batch));
    batch.send_now.push_back(ack_from(1, 2, 4, 3));
    BOOST_TEST(check_effects(m.engine(), batch).number == 7U);
    effects late;
    late.send_after_sync.push_back(heartbeat_from(1, 2, 4));
    BOOST_TEST(check_effects(m.engine(), late).number == 7U);
    effects lazy;
    const std::vector<entry> entries = run_of(4, {4});
    lazy.append = entries;
    lazy.stable = stable_mark{};
    BOOST_TEST(check_effects(m.engine(), lazy).number == 7U);
    lazy.must_sync = true;
    BOOST_TEST(!check_effects(m.engine(), lazy));
    lazy.stable.reset();
    BOOST_TEST(check_effects(m.engine(), lazy).number == 3U);
}

BOOST_AUTO_TEST_CASE(r3_an_entry_applied_before_it_is_committed) {
    const member m = busy_leader();
    const std::vector<entry> entries = run_of(4, {4});
    effects batch;
    batch.apply = entries;
    BOOST_TEST(check_effects(m.engine(), batch).number == 3U); // and no mark to hand back
    batch.applied = applied_mark{log_index(4), 0};
    BOOST_TEST(check_effects(m.engine(), batch).number == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
