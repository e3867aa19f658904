#include <quorate/server/membership_guard.hpp>

#include <boost/test/unit_test.hpp>

#include <ostream>

namespace quorate {

static std::ostream& boost_test_print_type(std::ostream& out, errc code) {
    return out << name_of(code);
}

} // namespace quorate

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

BOOST_AUTO_TEST_SUITE_END()
