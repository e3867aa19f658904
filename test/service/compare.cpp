// Members that compare their states.
#include <boost/test/unit_test.hpp>

#include <optional>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(compare)

using namespace service_test;

namespace {

state_comparison compared(cluster& c, service& at) {
    std::optional<state_comparison> found;
    at.compare_states([&found](const state_comparison& told) { found = told; });
    BOOST_REQUIRE(c.run_until([&found] { return found.has_value(); }));
    return *found;
}

} // namespace

BOOST_AUTO_TEST_CASE(all_that_have_got_so_far_are_compared) {
    cluster c(3);
    c.start_all();
    service& one = c.following();
    for (int i = 0; i < 5; ++i) {
        c.submit(one, put{.key = "key", .value = std::to_string(i)}).as<put_reply>();
    }
    BOOST_REQUIRE(c.run_until([&c] {
        return std::all_of(c.services.begin(), c.services.end(),
                           [](const auto& s) { return s.second->store().current_revision() == 6; });
    }));
    const state_comparison all = compared(c, one);
    BOOST_TEST(all.compared == 2u);
    BOOST_TEST(all.differing.empty());
    // One that is not there is left out, and does not hold up the others.
    c.stop(c.leader());
    BOOST_TEST(compared(c, c.at(c.services.begin()->first)).compared == 1u);
}

BOOST_AUTO_TEST_CASE(who_is_alone_has_nobody_to_compare_with) {
    cluster c;
    c.start_all();
    const state_comparison none = compared(c, c.at(1));
    BOOST_TEST(none.compared == 0u);
    BOOST_TEST(none.differing.empty());
}

BOOST_AUTO_TEST_SUITE_END()
