#include <quorate/net/rate_limit.hpp>

#include <boost/test/unit_test.hpp>

using quorate::rate_limit;

BOOST_AUTO_TEST_SUITE(rate)

namespace {

/// Returns: how many bytes passed in so many ticks, in parts of `part`.
std::uint64_t passed(rate_limit& limit, int ticks, std::uint32_t part) {
    std::uint64_t bytes = 0;
    for (int tick = 0; tick < ticks; ++tick) {
        for (int tries = 0; tries < 1000 && limit.ready(); ++tries) {
            limit.spend(part);
            bytes += part;
        }
        limit.on_tick();
    }
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(without_a_limit_everything_passes) {
    rate_limit none(0, 100);
    BOOST_TEST(passed(none, 3, 1000) == 3'000'000U);
}

BOOST_AUTO_TEST_CASE(no_more_than_the_rate_and_one_part_passes) {
    for (const std::uint32_t part : {1U, 999U, 1000U, 262'144U}) {
        rate_limit limit(10'000, 100); // a thousand in a tick
        const std::uint64_t bytes = passed(limit, 5000, part);
        BOOST_TEST(bytes <= 5'000'000U + part);
        BOOST_TEST(bytes + part >= std::min(5'000'000U, 5000 * 1000 * part));
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_used_is_not_saved_up) {
    rate_limit limit(10'000, 100);
    for (int tick = 0; tick < 100; ++tick) {
        limit.on_tick();
    }
    BOOST_TEST(passed(limit, 1, 10) == 1000U);
}

BOOST_AUTO_TEST_CASE(the_least_rate_still_passes_something) {
    rate_limit limit(1, 100);
    BOOST_TEST(passed(limit, 10, 1) == 10U);
    rate_limit most(UINT64_MAX, 100);
    BOOST_TEST(most.ready());
}

BOOST_AUTO_TEST_SUITE_END()
