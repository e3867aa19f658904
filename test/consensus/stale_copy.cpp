// A member that starts from an older copy of its disk, or from an empty one: it helps no candidate
// until a leader that a quorum of the others elected has brought it up to date.
#include <boost/test/unit_test.hpp>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(stale_copies)

using namespace quorate;
using quorate::test::at;
using quorate::test::group;
using quorate::test::usual;
using quorate::test::voters;

namespace {

/// Three members; member 1 leads. Member 2 is copied early, and member 3 lags behind from then on,
/// so that the last hundred writes stand on the disks of members 1 and 2 alone.
struct lagging_third {
    explicit lagging_third(bool with_copy = true) : all(3, voters({1, 2, 3}), usual, at(1, 1)) {
        all.elect(1);
        write(5);
        if (with_copy) {
            all[2].save_copy();
        }
        all.isolate(3);
        write(100);
    }
    void write(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            BOOST_REQUIRE(!all.propose(1, "word"));
            all.settle();
        }
    }
    /// Effects: member 2 stops, gets its copy back, and starts again.
    void restore() {
        all.crash(2, 100);
        all.restore_copy(2);
        all.restart(2);
    }
    void expect_rejoined() {
        for (int round = 0; round < 200 && all[2].fenced(); ++round) {
            all.tick_all();
        }
        BOOST_TEST(!all[2].fenced());
        BOOST_REQUIRE_NE(all.leader(), 0u);
        BOOST_CHECK(all[2].last() == all[all.leader()].last());
        BOOST_CHECK(all[2].vote() == node_id(all.leader()));
    }

    group all;
};

} // namespace

BOOST_AUTO_TEST_CASE(stale_member_beside_a_lagging_one_elects_no_leader) {
    for (const bool with_copy : {true, false}) {
        lagging_third g(with_copy);
        g.all.crash(1, 100);
        g.restore();
        g.all.heal();
        for (int round = 0; round < 200; ++round) {
            g.all.tick_all();
            BOOST_REQUIRE_EQUAL(g.all.leader(), 0u);
        }
        g.all.restart(1);
        g.expect_rejoined();
        BOOST_TEST(g.all.decided().value() > 106u);
    }
}

BOOST_AUTO_TEST_CASE(stale_member_beside_sound_ones_rejoins) {
    lagging_third g;
    g.all.heal();
    g.all.tick_all(5);
    g.restore();
    BOOST_TEST(g.all[2].fenced());
    g.expect_rejoined();
    g.all.isolate(3);
    g.write(1); // and its acknowledgement counts
    BOOST_CHECK(g.all.decided() == g.all[1].last());
}

BOOST_AUTO_TEST_CASE(stale_acknowledgement_commits_no_entry) {
    lagging_third g;
    g.restore();
    const log_index before = g.all.decided();
    g.all.tick_all();
    if (g.all[1].role() == role_kind::leader) {
        static_cast<void>(g.all.propose(1, "word"));
    }
    g.all.tick_all(100);
    BOOST_CHECK(g.all.decided() == before);
    BOOST_TEST(g.all[2].fenced());
    BOOST_TEST(g.all.leader() == 0u); // member 1 hears from no quorum and steps down
    g.all.heal();
    g.expect_rejoined();
}

// A confirmation is about one start: one that was under way when the member stopped again is void.
BOOST_AUTO_TEST_CASE(confirmation_of_an_earlier_start_frees_no_member) {
    lagging_third g;
    g.restore();
    message append{.kind = message_kind::append,
                   .lost = true,
                   .to = node_id(2),
                   .from = node_id(1),
                   .term = g.all[1].term(),
                   .log_term = term_id(1),
                   .index = log_index(1),
                   .commit = log_index(1),
                   .reject_hint = log_index(1),
                   .context = 77};
    BOOST_TEST(!g.all[2].step(append));
    g.all[2].settle();
    BOOST_TEST(g.all[2].fenced());
    append.context = 1; // of this start: the group draws no jitter
    BOOST_TEST(!g.all[2].step(append));
    g.all[2].settle();
    BOOST_TEST(!g.all[2].fenced());
}

// The copy may hold entries that a later leader replaced. The leader counts acknowledgements of the
// time before until it hears the mark, and its heartbeats name them.
BOOST_AUTO_TEST_CASE(heartbeat_commits_no_entry_of_a_stale_member) {
    lagging_third g;
    g.restore();
    quorate::test::member& stale = g.all[2];
    const log_id last = stale.durable().last_id();
    const std::vector<entry> entries{{.term = g.all[1].term(), .index = last.index.next()}};
    const message append{.kind = message_kind::append,
                         .to = node_id(2),
                         .from = node_id(1),
                         .term = g.all[1].term(),
                         .log_term = last.term,
                         .index = last.index,
                         .entries = entries};
    BOOST_REQUIRE(!stale.step(append));
    stale.settle();
    const message heartbeat{.kind = message_kind::heartbeat,
                            .to = node_id(2),
                            .from = node_id(1),
                            .term = g.all[1].term(),
                            .commit = last.index.next()};
    BOOST_REQUIRE(!stale.step(heartbeat));
    BOOST_CHECK(stale.engine().status().hard.commit < last.index.next());
}

BOOST_AUTO_TEST_CASE(leader_that_learns_it_is_stale_steps_down) {
    lagging_third g;
    g.all.at(1, [](quorate::test::member& m) { m.run([](raft& r) { r.on_stale_copy(); }); });
    g.all.settle();
    BOOST_CHECK(g.all[1].role() == role_kind::follower);
    BOOST_TEST(g.all[1].fenced());
    BOOST_TEST(g.all[1].durable().hard.lost.index.value() != 0u);
}

BOOST_AUTO_TEST_SUITE_END()
