// QUORATE_SEED=N runs seed N alone; QUORATE_SEEDS=N runs N seeds in place of the usual number.
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "walk.hpp"

BOOST_AUTO_TEST_SUITE(random_walk)

using namespace quorate;
using namespace quorate::test;

namespace {

constexpr unsigned steps = 4000;
std::uint64_t running_seed = 0;

[[noreturn]] void print_seed_and_abort(const assertion_failure& failure) {
    std::fprintf(stderr, "QUORATE_SEED=%llu\n", static_cast<unsigned long long>(running_seed));
    detail::print_and_abort(failure);
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct totals {
    std::uint64_t decided = 0;
    std::uint64_t reads = 0;
    std::uint64_t changes = 0;
    std::uint64_t damages = 0;
    std::uint64_t lease_reads = 0;
    std::uint64_t restored = 0;
};

void run_seed(std::uint64_t seed, totals& sum, bool leases = false) {
    running_seed = seed;
    try {
        walk w(seed, leases);
        w.run(steps);
        w.recover();
        sum.decided += w.decided().value();
        sum.reads += w.reads_done();
        sum.changes += w.changes_done();
        sum.damages += w.damages();
        sum.lease_reads += w.lease_reads();
        sum.restored += w.restored();
    } catch (const std::exception& e) {
        BOOST_ERROR("QUORATE_SEED=" + std::to_string(seed) + ": " + e.what());
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(invariants_hold_at_every_step_and_the_group_recovers) {
    const assertion_handler before = set_assertion_handler(&print_seed_and_abort);
    totals sum;
    if (const std::uint64_t seed = from_environment("QUORATE_SEED", 0); seed != 0) {
        run_seed(seed, sum);
    } else {
        const std::uint64_t seeds = from_environment("QUORATE_SEEDS", 500);
        for (std::uint64_t n = 1; n <= seeds; ++n) {
            run_seed(n, sum);
        }
        // A walk in which nothing happens proves nothing.
        BOOST_TEST(sum.decided > 10 * seeds);
        BOOST_TEST(sum.reads > seeds);
        BOOST_TEST(sum.changes > seeds);
        BOOST_TEST(sum.damages > seeds / 4);
        BOOST_TEST(sum.lease_reads > seeds);
        BOOST_TEST(sum.restored > seeds / 8);
    }
    BOOST_TEST_MESSAGE("decided " << sum.decided << ", reads " << sum.reads << ", changes "
                                  << sum.changes << ", damaged disks " << sum.damages
                                  << ", lease reads " << sum.lease_reads << ", restored copies "
                                  << sum.restored);
    set_assertion_handler(before);
}

BOOST_AUTO_TEST_CASE(lease_reads_with_drift_and_pauses_are_never_stale) {
    const assertion_handler before = set_assertion_handler(&print_seed_and_abort);
    totals sum;
    if (const std::uint64_t seed = from_environment("QUORATE_SEED", 0); seed != 0) {
        run_seed(seed, sum, true);
    } else {
        const std::uint64_t seeds = from_environment("QUORATE_SEEDS", 400);
        for (std::uint64_t n = 1; n <= seeds; ++n) {
            run_seed(n, sum, true);
        }
        BOOST_TEST(sum.lease_reads > 6 * seeds);
    }
    BOOST_TEST_MESSAGE("lease reads " << sum.lease_reads);
    set_assertion_handler(before);
}

BOOST_AUTO_TEST_SUITE_END()
