#include <quorate/base/lifeline.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>

BOOST_AUTO_TEST_SUITE(lifelines)

using quorate::lifeline;

BOOST_AUTO_TEST_CASE(guarded_handler_runs_while_its_object_lives) {
    lifeline alive;
    int sum = 0;
    auto add =
        alive.guard([&sum, own = std::make_unique<int>(1)](int more) { sum += *own + more; });
    add(2);
    add(3);
    BOOST_TEST(sum == 7);
}

BOOST_AUTO_TEST_CASE(guarded_handler_does_nothing_once_the_lifeline_is_cut_or_gone) {
    int calls = 0;
    lifeline cut;
    auto one = cut.guard([&calls] { ++calls; });
    cut.cut();
    one();
    std::optional<lifeline> gone(std::in_place);
    auto other = gone->guard([&calls] { ++calls; });
    gone.reset();
    other();
    BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_SUITE_END()
