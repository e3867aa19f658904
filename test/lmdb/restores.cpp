// Members that restore a database on another thread.
#include <boost/test/unit_test.hpp>

#include <cstdint>

#include "database_group.hpp"

BOOST_AUTO_TEST_SUITE(restores_of_a_database)

using namespace database_test;

namespace {

/// Effects: one member misses entries that the others have no more, and stands at the gate of its
/// restore. Returns: that member.
std::uint64_t start_restoring(gated_group& g) {
    restores.open();
    g.snapshot_entries = 20;
    g.start_members();
    g.put_many(g.leader(), 0, 20);
    const std::uint64_t late = g.follower();
    g.isolate(late);
    g.put_many(g.leader(), 20, 120);
    restores.close();
    g.network.heal();
    BOOST_REQUIRE(g.run_until([] { return restores.holds(); }));
    return late;
}

} // namespace

BOOST_AUTO_TEST_CASE(member_that_restores_its_database_acknowledges_and_votes) {
    gated_group g;
    const quorate_test::closed shut(restores);
    const std::uint64_t late = start_restoring(g);
    const std::uint64_t held = g.nodes.at(late)->machine().store().current_revision();
    // It is needed for the quorum of this, although it applies nothing.
    const std::uint64_t leads = g.leader();
    const std::uint64_t third = 6 - late - leads;
    g.isolate(third);
    g.put(leads, "during", "value");
    BOOST_TEST(restores.holds());
    BOOST_TEST(g.nodes.at(late)->machine().store().current_revision() == held);
    BOOST_TEST(g.nodes.at(late)->machine().range({.key = "key 1"}).error() == error_code());
    // And for an election.
    g.network.heal();
    g.stop(leads);
    BOOST_REQUIRE(g.run_until([&] {
        const auto role = [&](std::uint64_t id) { return g.nodes.at(id)->status().engine.soft; };
        return role(late).leader && role(late).leader == role(third).leader;
    }));
    BOOST_TEST(restores.holds());
    restores.open();
    BOOST_TEST(g.agree_on(122));
    g.put(late, "after", "value");
    g.stop(late);
    g.start_member(late);
    BOOST_TEST(g.agree_on(123));
}

BOOST_AUTO_TEST_CASE(newer_snapshot_replaces_the_restore_of_a_database) {
    gated_group g;
    const quorate_test::closed shut(restores);
    const std::uint64_t late = start_restoring(g);
    g.isolate(late);
    const std::uint64_t leads = g.leader(late);
    BOOST_REQUIRE(leads != 0);
    const log_index before = g.nodes.at(leads)->status().engine.first;
    g.put_many(leads, 120, 240);
    g.network.heal();
    BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(late)->status().engine.first > before; }));
    BOOST_TEST(restores.holds());
    restores.open();
    BOOST_TEST(g.agree_on(241));
    g.put_many(late, 240, 260);
    g.stop(late);
    g.start_member(late);
    BOOST_TEST(g.agree_on(261));
}

BOOST_AUTO_TEST_CASE(member_stopped_while_it_restores_its_database_starts_from_the_snapshot) {
    gated_group g;
    const quorate_test::closed shut(restores);
    const std::uint64_t late = start_restoring(g);
    std::thread opens([] {
        std::this_thread::sleep_for(milliseconds(50)); // the node waits for the restore by then
        restores.open();
    });
    g.stop(late);
    opens.join();
    g.start_member(late);
    BOOST_TEST(g.agree_on(121));
}

BOOST_AUTO_TEST_SUITE_END()
