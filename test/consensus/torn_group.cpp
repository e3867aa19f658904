// A crash in the middle of a group commit: entries without the hard state that went with them, or
// the other way round.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <initializer_list>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(torn_groups)

using namespace quorate;
using quorate::test::at;
using quorate::test::change_of;
using quorate::test::group;
using quorate::test::hard_of;
using quorate::test::member;
using quorate::test::one_change;
using quorate::test::start_of;
using quorate::test::torn_group;
using quorate::test::usual;
using quorate::test::voters;

namespace {

entry change_entry(std::uint64_t term, std::uint64_t index, const membership_change& change) {
    return {.term = term_id(term),
            .index = log_index(index),
            .kind = entry_kind::joint_change,
            .payload = encode(change, entry_kind::joint_change)};
}
membership_change addition(std::uint64_t id) {
    return change_of({one_change(change_kind::add_voter, id)});
}

raft_options without_pre_vote(std::uint64_t id) {
    raft_options options = usual(id);
    options.pre_vote = false;
    return options;
}

// Five members; three of them form the group that member 3 leads. Member 1 writes nothing.
struct five {
    five() : all(5, voters({1, 2, 3}), without_pre_vote, at(1, 1)) { all.elect(3); }

    /// Effects: only the members of `ids` hear each other, and the others each other.
    void separate(std::initializer_list<std::uint64_t> ids) {
        for (std::uint64_t id = 1; id <= all.size(); ++id) {
            all.set_side(id, std::find(ids.begin(), ids.end(), id) == ids.end() ? 2 : 1);
        }
    }
    /// Effects: 3 proposes to add `id`, and brings that about; nothing that it sends after that
    /// has arrived.
    void add(std::uint64_t id) {
        BOOST_REQUIRE(!all.at(3, [id](member& m) { return m.propose_change(addition(id)); }));
        all.tick(3);
        const std::size_t before = all[3].engine().members().voters.size();
        for (int round = 0; round < 10; ++round) {
            all.at(3, [](member& m) { m.settle(); });
            if (all[3].engine().members().voters.size() > before) {
                return;
            }
            for (std::size_t waiting = all.network().size(); waiting > 0; --waiting) {
                static_cast<void>(all.deliver());
            }
            all.at(1, [this](member& m) { one_writes ? m.settle() : static_cast<void>(m.take()); });
            all.at(2, [](member& m) { m.settle(); });
            all.at(4, [](member& m) { m.settle(); });
        }
        BOOST_FAIL("the change was not committed");
    }

    group all;
    bool one_writes = true;
};

} // namespace

// Without the commit index of the group, a log with two changes looks as if neither were committed.
BOOST_AUTO_TEST_CASE(two_changes_without_their_commit_index_elect_one_leader) {
    five g;
    g.separate({1, 2, 3});
    g.add(4);
    BOOST_REQUIRE_EQUAL(g.all[1].engine().members().voters.size(), 3u);
    g.separate({3, 4}); // what says that it is committed is lost
    g.all.tick(3);
    g.all.settle();
    BOOST_REQUIRE(g.all[4].last() == g.all[3].last());

    // The second change reaches 1 together with the news that the first is committed, and 1 dies
    // between the writes of the two.
    g.separate({1, 2, 3, 4});
    g.one_writes = false;
    g.add(5);
    g.separate({3, 4, 5});
    BOOST_REQUIRE(g.all[1].last() == g.all[3].last());
    g.all.crash(1, 0, torn_group{.writes = 100, .entries = 100});
    BOOST_REQUIRE(g.all[1].durable().last_id().index == g.all[3].last());
    BOOST_REQUIRE(g.all[1].durable().hard.commit < g.all[3].last().prev());
    g.all.restart(1);

    // The five decide without 1 and 2.
    g.all.tick(3);
    g.all.settle();
    BOOST_REQUIRE(!g.all.propose(3, "acknowledged"));
    g.all.settle();
    BOOST_REQUIRE(g.all.decided() == g.all[3].last());

    // 1 and 2 are no quorum of any configuration that may still be in force.
    for (int round = 0; round < 100; ++round) {
        g.all.tick_all();
        BOOST_REQUIRE(g.all[1].role() != role_kind::leader);
        BOOST_REQUIRE(g.all[2].role() != role_kind::leader);
    }
    g.all.heal();
    for (int round = 0; round < 50 && g.all[1].commit() < g.all.decided(); ++round) {
        g.all.elect(3);
        g.all.tick_all(2);
    }
    BOOST_TEST(g.all[1].engine().members().voters.size() == 5u);
}

BOOST_AUTO_TEST_CASE(two_changes_in_a_log_prove_the_first_one_committed) {
    const auto found = [](std::vector<entry> entries, std::uint64_t commit) {
        return quorate::test::disk{hard_of(2, 0, commit), start_of(voters({1, 2, 3})),
                                   std::move(entries)};
    };
    const entry add = change_entry(1, 2, addition(4));
    const entry blank{.term = term_id(1), .index = log_index(1)};
    const entry middle{.term = term_id(1), .index = log_index(3)};
    const entry leave = change_entry(2, 4, {}); // whatever it changes
    const entry third = change_entry(2, 5, addition(5));

    member two(usual(1), found({blank, add, middle, leave}, 0));
    BOOST_TEST(two.commit().value() == 2u);
    member three(usual(1), found({blank, add, middle, leave, third}, 1));
    BOOST_TEST(three.commit().value() == 4u);
    member one(usual(1), found({blank, add, middle}, 1));
    BOOST_TEST(one.commit().value() == 1u);
    member known(usual(1), found({blank, add, middle, leave}, 4));
    BOOST_TEST(known.commit().value() == 4u);

    // Nothing is proven where a leader may hold two changes that are not committed.
    raft_options lax = usual(1);
    lax.validate_changes = false;
    member unproven(lax, found({blank, add, middle, leave}, 0));
    BOOST_TEST(unproven.commit().value() == 0u);
}

// What is proven to be committed is applied before the member campaigns.
BOOST_AUTO_TEST_CASE(a_proven_change_takes_effect_before_a_campaign) {
    const membership_change joint =
        change_of({one_change(change_kind::add_voter, 4), one_change(change_kind::remove, 2)});
    quorate::test::disk found{hard_of(1), start_of(voters({1, 2, 3})), {}};
    found.entries = {change_entry(1, 1, joint), change_entry(1, 2, {})};
    member m(without_pre_vote(1), std::move(found));
    BOOST_TEST(!m.campaign());
    BOOST_CHECK(m.role() == role_kind::follower);
    m.settle();
    BOOST_TEST(m.engine().members().joint()); // the second one, which leaves, may not be committed
    BOOST_TEST(!m.campaign());
    BOOST_CHECK(m.role() == role_kind::candidate);
}

BOOST_AUTO_TEST_SUITE_END()
