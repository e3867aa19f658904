// Members that restore a snapshot on another thread.
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <utility>

#include "walking_group.hpp"

BOOST_AUTO_TEST_SUITE(restores)

using namespace node_test;

namespace {

/// Effects: one member misses entries that the others have no more, and stands at the gate of its
/// restore. Returns: that member, and how many words there are.
std::pair<std::uint64_t, std::size_t> start_restoring(walking_group& g) {
    start_some(g, {1, 2, 3});
    const std::uint64_t late = g.follower();
    g.isolate(late);
    std::size_t count = 0;
    for (std::uint64_t id = 1; id <= 3; ++id) { // whichever leads then
        while (id != late && g.nodes.at(id)->status().engine.first <= log_index(40)) {
            BOOST_REQUIRE(count < 2000);
            BOOST_REQUIRE(g.wrote(id, "word" + std::to_string(count++)));
        }
    }
    restore_gate.close();
    g.network.heal();
    BOOST_REQUIRE(g.run_until([] { return restore_gate.holds(); }));
    return {late, count};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_member_in_a_restore_acknowledges_and_votes) {
    walking_group g;
    const closed shut(restore_gate);
    restore_gate.open();
    const auto [restoring, count] = start_restoring(g);
    const std::uint64_t late = restoring;
    const std::vector<std::string> before = g.words(late).words();
    // It is needed for the quorum of this, although it applies nothing.
    const std::uint64_t leads = g.leader();
    const std::uint64_t third = another(late, leads);
    g.isolate(third);
    BOOST_REQUIRE(g.wrote(leads, "during"));
    BOOST_TEST(restore_gate.holds());
    BOOST_TEST(g.words(late).words() == before, boost::test_tools::per_element());
    // And for an election.
    g.network.heal();
    g.stop(leads);
    BOOST_REQUIRE(g.run_until([&] {
        const auto role = [&](std::uint64_t id) { return g.nodes.at(id)->status().engine.soft; };
        return role(late).leader && role(late).leader == role(third).leader;
    }));
    BOOST_TEST(restore_gate.holds());
    restore_gate.open();
    BOOST_REQUIRE(g.agree(count + 1));
    BOOST_TEST(g.wrote(late, "after"));
}

BOOST_AUTO_TEST_CASE(a_newer_snapshot_replaces_a_restore) {
    walking_group g;
    const closed shut(restore_gate);
    restore_gate.open();
    auto [late, count] = start_restoring(g);
    const std::vector<std::string> old = g.words(late).words();
    g.isolate(late);
    const std::uint64_t leads = g.leader(late);
    BOOST_REQUIRE(leads != 0);
    const log_index before = g.nodes.at(leads)->status().engine.first;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        while (id != late && g.nodes.at(id)->status().engine.first <= before + 60) {
            BOOST_REQUIRE(count < 4000);
            BOOST_REQUIRE(g.wrote(id, "more" + std::to_string(count++)));
        }
    }
    g.network.heal();
    // The second snapshot is installed; the restore of the first is at the gate still.
    BOOST_REQUIRE(g.run_until([&, late = late] {
        return g.nodes.at(late)->status().engine.first > before && installed(g, late);
    }));
    BOOST_TEST(restore_gate.holds());
    // Entries behind the second must not be applied to the state of the first.
    BOOST_REQUIRE(g.wrote(leads, "behind"));
    BOOST_REQUIRE(
        g.run_until([&, late = late] { return committed(g, late) >= committed(g, leads); }));
    restore_gate.let_one_pass();
    BOOST_REQUIRE(g.run_until([] { return restore_gate.holds(); })); // the second
    g.run_for(milliseconds(20));
    BOOST_TEST(g.words(late).words() == old, boost::test_tools::per_element());
    restore_gate.open();
    BOOST_REQUIRE(g.agree(count + 1));
    BOOST_TEST(g.wrote(late, "after"));
}

BOOST_AUTO_TEST_CASE(a_member_stopped_in_the_middle_of_a_restore_starts_from_the_snapshot) {
    walking_group g;
    const closed shut(restore_gate);
    restore_gate.open();
    const auto [late, count] = start_restoring(g);
    std::thread opens([] {
        std::this_thread::sleep_for(milliseconds(50));
        restore_gate.open();
    });
    g.stop(late);
    opens.join();
    g.start(late);
    BOOST_REQUIRE(g.agree(count));
    BOOST_TEST(g.wrote(late, "after"));
}

BOOST_AUTO_TEST_SUITE_END()
