#include <quorate/server/membership_guard.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

#include "../print_errc.hpp"

BOOST_AUTO_TEST_SUITE(membership_guard)

using namespace quorate;

member_health voter(std::uint64_t id, bool started = true, bool connected = true) {
    return {node_id(id), false, started, connected, 100};
}
member_health learner(std::uint64_t id, std::uint64_t match, bool connected = true) {
    return {node_id(id), true, true, connected, match};
}
using guard = quorate::membership_guard;
const error_code fine;

BOOST_AUTO_TEST_CASE(a_voter_is_added_while_a_quorum_has_started_and_all_are_there) {
    BOOST_TEST(guard({voter(1), voter(2), voter(3)}).add(false, 1, true) == fine);
    BOOST_TEST(guard({voter(1)}).add(false, 1, true) == fine);
    BOOST_TEST(guard({voter(1), voter(2, false, false)}).add(false, 1, true) ==
               errc::not_enough_started);
    BOOST_TEST(guard({voter(1), voter(2), voter(3, true, false)}).add(false, 1, true) ==
               errc::cluster_unhealthy);
    BOOST_TEST(guard({voter(1), voter(2, false, false)}).add(false, 1, false) == fine);
}

BOOST_AUTO_TEST_CASE(learners_are_counted_and_do_not_count) {
    BOOST_TEST(guard({voter(1), learner(2, 1)}).add(true, 1, true) == errc::too_many_learners);
    BOOST_TEST(guard({voter(1), learner(2, 1)}).add(true, 2, true) == fine);
    BOOST_TEST(guard({voter(1), learner(2, 1, false)}).add(false, 1, true) == fine);
}

BOOST_AUTO_TEST_CASE(what_is_removed_leaves_a_quorum_that_is_up) {
    const node_id two(2);
    BOOST_TEST(guard({voter(1), voter(2)}).remove(two, true) == fine);
    BOOST_TEST(guard({voter(2)}).remove(two, true) == errc::not_enough_started);
    BOOST_TEST(guard({voter(2)}).remove(two, false) == errc::not_enough_started);
    BOOST_TEST(guard({voter(1)}).remove(two, true) == errc::member_unknown);
    BOOST_TEST(guard({voter(1), voter(2), voter(3, true, false)}).remove(two, true) ==
               errc::cluster_unhealthy);
    BOOST_TEST(guard({voter(1), voter(2, true, false), voter(3)}).remove(two, true) == fine);
    BOOST_TEST(guard({voter(1), voter(2), voter(3, false, false)}).remove(two, true) ==
               errc::not_enough_started);
    BOOST_TEST(guard({voter(1), learner(2, 0)}).remove(two, true) == fine);
}

BOOST_AUTO_TEST_CASE(only_a_learner_that_has_nearly_everything_is_promoted) {
    const node_id two(2);
    BOOST_TEST(guard({voter(1), learner(2, 90)}).promote(two, 100, true) == fine);
    BOOST_TEST(guard({voter(1), learner(2, 89)}).promote(two, 100, true) ==
               errc::learner_not_ready);
    BOOST_TEST(guard({voter(1), learner(2, 100, false)}).promote(two, 100, true) ==
               errc::learner_not_ready);
    BOOST_TEST(guard({voter(1), voter(2)}).promote(two, 100, true) == errc::learner_required);
    BOOST_TEST(guard({voter(1)}).promote(two, 100, true) == errc::member_unknown);
}

namespace {

error_code admit(const std::vector<member_health>& members, change_kind kind, std::uint64_t id) {
    const single_change change{kind, node_id(id)};
    return guard(members).admit({&change, 1}, 100);
}

} // namespace

BOOST_AUTO_TEST_CASE(admit_refuses_changes_that_leave_no_reachable_quorum) {
    const auto down = [](std::uint64_t id) { return voter(id, true, false); };
    const auto unstarted = [](std::uint64_t id) { return voter(id, false, false); };
    const change_kind add = change_kind::add_voter;
    const change_kind remove = change_kind::remove;
    BOOST_TEST(admit({voter(1), voter(2)}, add, 3) == fine);
    BOOST_TEST(admit({voter(1), voter(2), voter(3)}, add, 4) == fine);
    BOOST_TEST(admit({voter(1), voter(2), down(3)}, add, 4) == errc::cluster_unhealthy);
    BOOST_TEST(admit({voter(1), voter(2), voter(3), voter(4), down(5)}, add, 6) == fine);
    BOOST_TEST(admit({voter(1), voter(2), voter(3), unstarted(4), unstarted(5)}, add, 6) ==
               errc::not_enough_started);
    BOOST_TEST(admit({voter(1), voter(2), down(3)}, remove, 2) == errc::cluster_unhealthy);
    BOOST_TEST(admit({voter(1), voter(2), down(3)}, remove, 1) == errc::cluster_unhealthy);
    BOOST_TEST(admit({voter(1), voter(2), down(3)}, remove, 3) == fine);
    BOOST_TEST(admit({voter(1), voter(2), down(3)}, change_kind::add_learner, 2) ==
               errc::cluster_unhealthy); // no vote any more
    BOOST_TEST(admit({voter(1), voter(2)}, remove, 1) == fine);
    BOOST_TEST(admit({voter(1), voter(2), down(3)}, change_kind::update, 3) == fine);
    BOOST_TEST(admit({voter(1), voter(2), down(3)}, change_kind::add_learner, 4) == fine);
    BOOST_TEST(admit({voter(1)}, remove, 1) == fine); // the engine refuses it
}

BOOST_AUTO_TEST_CASE(admit_lets_a_lone_member_grow_once) {
    BOOST_TEST(admit({voter(1)}, change_kind::add_voter, 2) == fine);
    BOOST_TEST(admit({voter(1), voter(2, false, false)}, change_kind::add_voter, 3) ==
               errc::not_enough_started);
}

BOOST_AUTO_TEST_CASE(admit_promotes_a_learner_that_is_there_and_has_the_log) {
    const change_kind add = change_kind::add_voter;
    BOOST_TEST(admit({voter(1), learner(2, 90)}, add, 2) == fine);
    BOOST_TEST(admit({voter(1), learner(2, 89)}, add, 2) == errc::learner_not_ready);
    BOOST_TEST(admit({voter(1), learner(2, 100, false)}, add, 2) == errc::learner_not_ready);
    // It is the third that can be reached.
    BOOST_TEST(admit({voter(1), voter(2), voter(3, true, false), learner(4, 100)}, add, 4) == fine);
}

BOOST_AUTO_TEST_CASE(admit_judges_the_outcome_of_joint_changes) {
    const std::vector<single_change> swap = {{change_kind::add_voter, node_id(4)},
                                             {change_kind::remove, node_id(3)}};
    const std::vector<member_health> whole = {voter(1), voter(2), voter(3)};
    BOOST_TEST(guard(whole).admit(swap, 100) == fine);
    const std::vector<member_health> weak = {voter(1), voter(2, true, false), voter(3)};
    BOOST_TEST(guard(weak).admit(swap, 100) == errc::cluster_unhealthy);
    BOOST_TEST(guard(weak).admit({}, 100) == fine); // leaves a joint configuration
}

BOOST_AUTO_TEST_SUITE_END()
