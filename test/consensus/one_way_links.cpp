// Links that carry messages one way only: a group with a pair that hear each other keeps or finds a
// leader.
#include <quorate/consensus/raft.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "group.hpp"
#include "support.hpp"

BOOST_AUTO_TEST_SUITE(one_way_links)

using namespace quorate;
using namespace quorate::test;

namespace {

using link = std::pair<std::uint64_t, std::uint64_t>; // from, to

constexpr link links[] = {{1, 2}, {1, 3}, {2, 1}, {2, 3}, {3, 1}, {3, 2}};

/// Three voters; member 1 leads, and all have its first entry.
struct three : group {
    three() : group(3, voters({1, 2, 3}), [](std::uint64_t id) { return usual(id); }) {
        elect(1);
        tick_all(3);
    }
    /// Effects: as many rounds of ticks, each member with jitter of its own.
    void pass(unsigned rounds) {
        for (unsigned i = 0; i < rounds; ++i) {
            for (std::uint64_t id = 1; id <= 3; ++id) {
                tick(id, static_cast<std::uint32_t>(random_()));
            }
            settle();
        }
    }
    [[nodiscard]] bool both_ways(std::uint64_t a, std::uint64_t b) const {
        return hears(node_id(a), node_id(b)) && hears(node_id(b), node_id(a));
    }
    /// Returns: whether some quorum of two hear each other.
    [[nodiscard]] bool has_pair() const {
        return both_ways(1, 2) || both_ways(1, 3) || both_ways(2, 3);
    }
    /// Returns: whether the leader commits a proposal.
    bool commits() {
        const std::uint64_t leads = leader();
        const log_index before = decided();
        if (leads == 0 || propose(leads, "word")) {
            return false;
        }
        settle();
        return decided() > before;
    }

private:
    std::mt19937_64 random_{1};
};

constexpr unsigned rounds = 200; // many election timeouts

} // namespace

BOOST_AUTO_TEST_CASE(group_with_a_pair_finds_a_leader_and_keeps_it) {
    int with_pair = 0;
    for (unsigned blocked = 0; blocked < 64; ++blocked) {
        three g;
        std::string named;
        for (unsigned i = 0; i < 6; ++i) {
            if ((blocked >> i & 1U) != 0) {
                g.block(links[i].first, links[i].second);
                named +=
                    std::to_string(links[i].first) + ">" + std::to_string(links[i].second) + " ";
            }
        }
        const bool pair = g.has_pair();
        with_pair += pair ? 1 : 0;
        const bool kept = g.both_ways(1, 2) || g.both_ways(1, 3);
        const term_id began = g[1].term();
        g.pass(rounds);
        BOOST_TEST_CONTEXT("blocked: " << named) {
            BOOST_TEST(g.commits() == pair);
            const std::uint64_t leads = g.leader();
            const term_id term = pair ? g[leads].term() : term_id();
            g.pass(rounds);
            BOOST_TEST(g.commits() == pair);
            BOOST_TEST((!pair || (g.leader() == leads && g[leads].term() == term)));
            BOOST_TEST((!kept || (leads == 1 && term == began)));
            g.heal();
            g.pass(rounds);
            BOOST_TEST(g.commits());
        }
    }
    BOOST_TEST(with_pair == 37); // of three pairs, each whole in a quarter of all cases
}

// Its heartbeats would keep the others from electing another leader for ever.
BOOST_AUTO_TEST_CASE(leader_that_hears_no_member_steps_down) {
    three g;
    g.block(2, 1);
    g.block(3, 1);
    g.pass(rounds);
    BOOST_TEST(g.leader() > 1U);
    BOOST_TEST((g[1].role() != role_kind::leader));
    BOOST_TEST(g.commits());
}

BOOST_AUTO_TEST_CASE(member_that_hears_no_member_disturbs_no_leader) {
    three g;
    g.block(1, 3);
    g.block(2, 3);
    const term_id began = g[1].term();
    g.pass(rounds);
    BOOST_TEST(g.leader() == 1U);
    BOOST_TEST(g[1].term() == began);
    BOOST_TEST(g[3].term() == began);
}

BOOST_AUTO_TEST_SUITE_END()
