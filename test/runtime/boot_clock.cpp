#include <quorate/runtime/boot_clock.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(boot_clock)

BOOST_AUTO_TEST_CASE(time_is_never_zero_and_never_less_than_before) {
    const std::uint64_t first = quorate::boot_time();
    BOOST_TEST(first > 0U);
    std::uint64_t before = first;
    for (int i = 0; i < 100'000 && before == first; ++i) {
        const std::uint64_t now = quorate::boot_time();
        BOOST_REQUIRE(now >= before);
        before = now;
    }
    BOOST_TEST(before > first); // it runs
}

BOOST_AUTO_TEST_SUITE_END()
