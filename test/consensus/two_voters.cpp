// A fenced member of a group of two: it votes for the other one, if that vouches that it holds all.
#include <boost/test/unit_test.hpp>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(two_voters)

using namespace quorate;
using quorate::test::at;
using quorate::test::change_of;
using quorate::test::disk_with;
using quorate::test::group;
using quorate::test::member;
using quorate::test::one_change;
using quorate::test::usual;
using quorate::test::voters;

namespace {

/// Members 1 and 2, and a third that may be added; member 1 leads.
struct pair_of_voters {
    pair_of_voters() : all(3, voters({1, 2}), usual, at(1, 1)) {
        all.elect(1);
        write(5);
    }
    void write(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            BOOST_REQUIRE(!all.propose(all.leader(), "word"));
            all.settle();
        }
    }
    void add_third() {
        const auto change = change_of({one_change(change_kind::add_voter, 3)});
        BOOST_REQUIRE(!all.at(1, [&](member& m) { return m.propose_change(change); }));
        all.tick_all(5);
        BOOST_REQUIRE(all[3].engine().members().is_voter(node_id(3)));
    }
    void expect_leader_and_all_sound() {
        for (int round = 0; round < 200 && (all.leader() == 0 || any_fenced()); ++round) {
            all.tick_all();
        }
        BOOST_REQUIRE_NE(all.leader(), 0u);
        BOOST_TEST(!any_fenced());
        write(1);
    }
    [[nodiscard]] bool any_fenced() { return all[1].fenced() || all[2].fenced(); }

    group all;
};

message asks(message_kind kind, std::uint64_t term, bool vouches) {
    return {.kind = kind,
            .lost = vouches,
            .to = node_id(1),
            .from = node_id(2),
            .term = term_id(term),
            .log_term = term_id(1),
            .index = log_index(1)};
}

/// Returns: whether the member grants what is asked.
bool grants(member& m, const message& asked) {
    BOOST_REQUIRE(!m.step(asked));
    m.settle();
    const auto answers = m.sent();
    BOOST_REQUIRE_EQUAL(answers.size(), 1u);
    return !answers[0]->reject;
}

hard_state fenced_in(std::uint64_t term) {
    return {term_id(term), {}, log_index(1), {term_id(term), log_index(9)}};
}

} // namespace

BOOST_AUTO_TEST_CASE(copy_of_two_voters_where_neither_leads_rejoins) {
    for (const bool with_copy : {true, false}) {
        pair_of_voters g;
        if (with_copy) {
            g.all[2].save_copy();
        }
        g.write(20);
        g.all.crash(1, 100);
        g.all.crash(2, 100);
        g.all.restore_copy(2);
        g.all.restart(1);
        g.all.restart(2);
        BOOST_TEST(g.all[2].fenced());
        g.expect_leader_and_all_sound();
        BOOST_CHECK(g.all.leader() == 1);
        BOOST_TEST(g.all.decided().value() > 26u);
    }
}

// A leader announces its addresses as soon as it is elected, which may never be committed.
BOOST_AUTO_TEST_CASE(announcement_of_addresses_is_no_obstacle_for_a_copy_of_two_voters) {
    pair_of_voters g;
    g.all[2].save_copy();
    g.write(20);
    g.all.isolate(2);
    const auto change = change_of({one_change(change_kind::update, 1)});
    BOOST_REQUIRE(!g.all.at(1, [&](member& m) { return m.propose_change(change); }));
    g.all.settle();
    g.all.crash(1, 100);
    g.all.crash(2, 100);
    g.all.heal();
    g.all.restore_copy(2);
    g.all.restart(1);
    g.all.restart(2);
    BOOST_TEST(g.all[1].engine().log().last() > g.all[1].engine().log().committed());
    g.expect_leader_and_all_sound();
}

BOOST_AUTO_TEST_CASE(damaged_disk_of_two_voters_where_neither_leads_is_repaired) {
    pair_of_voters g;
    g.write(20);
    g.all.crash(1, 100);
    g.all.crash(2, 100);
    g.all[2].damage(3);
    BOOST_REQUIRE(g.all[2].fenced());
    g.all.restart(1);
    g.all.restart(2);
    g.expect_leader_and_all_sound();
}

// The copy knows two voters; the third, which lags behind, and the copy make a quorum of three.
BOOST_AUTO_TEST_CASE(copy_of_a_group_that_had_two_voters_helps_no_lagging_third) {
    for (const bool with_copy : {true, false}) {
        pair_of_voters g;
        if (with_copy) {
            g.all[1].save_copy();
        }
        g.add_third();
        g.all.isolate(3);
        g.write(20); // on the disks of members 1 and 2
        g.all.crash(1, 100);
        g.all.crash(2, 100);
        g.all.restore_copy(1);
        g.all.restart(1);
        g.all.heal();
        for (int round = 0; round < 200; ++round) {
            g.all.tick_all();
            BOOST_REQUIRE_EQUAL(g.all.leader(), 0u);
        }
        g.all.restart(2);
        g.expect_leader_and_all_sound();
    }
}

BOOST_AUTO_TEST_CASE(fenced_member_votes_only_for_the_other_of_two_that_vouches) {
    for (const auto kind : {message_kind::pre_vote, message_kind::vote}) {
        member one_of_two(usual(1), disk_with(voters({1, 2}), {1, 1, 1}, fenced_in(1)));
        BOOST_TEST(!grants(one_of_two, asks(kind, 2, false)));
        BOOST_TEST(grants(one_of_two, asks(kind, 3, true))); // its own log is longer, in vain
        member one_of_three(usual(1), disk_with(voters({1, 2, 3}), {1}, fenced_in(1)));
        BOOST_TEST(!grants(one_of_three, asks(kind, 3, true)));
        member learner(usual(1), disk_with(voters({2, 3}, {1}), {1}, fenced_in(1)));
        BOOST_TEST(!grants(learner, asks(kind, 3, true)));
    }
}

BOOST_AUTO_TEST_CASE(sound_member_that_lacks_nothing_heeds_no_voucher) {
    member m(usual(1), disk_with(voters({1, 2}), {1, 1, 1}, {term_id(1), {}, log_index(1), {}}));
    BOOST_TEST(!grants(m, asks(message_kind::vote, 2, true)));
}

BOOST_AUTO_TEST_CASE(candidate_with_a_change_that_is_not_applied_does_not_vouch) {
    const auto vouches = [](member& m) {
        BOOST_REQUIRE(!m.campaign());
        m.settle();
        const auto sent = m.sent();
        BOOST_REQUIRE(!sent.empty());
        return sent.front()->lost;
    };
    member settled(usual(1), disk_with(voters({1, 2}), {1, 1}, {term_id(1), {}, log_index(2), {}}));
    BOOST_TEST(vouches(settled));
    auto found = disk_with(voters({1, 2}), {1, 1}, {term_id(1), {}, log_index(1), {}});
    found.entries[1].kind = entry_kind::change;
    found.entries[1].payload =
        encode(change_of({one_change(change_kind::add_voter, 3)}), entry_kind::change);
    member growing(usual(1), found);
    BOOST_TEST(!vouches(growing));
    member three(usual(1), disk_with(voters({1, 2, 3}), {1}, {term_id(1), {}, log_index(1), {}}));
    BOOST_TEST(!vouches(three));
}

// A leader with a change under way cannot vouch, and asks a quorum of the others, which is none.
BOOST_AUTO_TEST_CASE(leader_with_a_change_under_way_confirms_no_stale_member) {
    pair_of_voters g;
    const auto change = change_of({one_change(change_kind::add_voter, 3)});
    BOOST_REQUIRE(!g.all.at(1, [&](member& m) { return m.propose_change(change); }));
    g.all.at(1, [](member& m) { m.take(); });
    g.all.crash(2, 100);
    g.all.restore_copy(2);
    g.all.restart(2);
    for (int i = 0; i < 3; ++i) {
        g.all.tick(1);
        g.all.settle();
    }
    BOOST_TEST(g.all[2].fenced());
    BOOST_TEST(!g.all[3].engine().members().is_voter(node_id(3)));
}

BOOST_AUTO_TEST_SUITE_END()
