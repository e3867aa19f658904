#include <quorate/log/memory_log.hpp>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(memory_log_suite)

BOOST_AUTO_TEST_CASE(conforms) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        quorate::testing::log_store_suite<memory_log> suite({}, false, seed);
        const auto report = suite.run(1000);
        BOOST_TEST(report.passed(), "seed " << seed << '\n' << report);
    }
}

BOOST_AUTO_TEST_CASE(every_kind_of_change_waits_for_a_job) {
    auto opened = memory_log::open({});
    BOOST_REQUIRE(opened.has_value());
    memory_log& log = **opened;
    const auto check_waits = [&log] {
        BOOST_TEST(log.pending());
        BOOST_TEST(!sync(log));
        BOOST_TEST(!log.pending());
    };
    log.append({});
    BOOST_TEST(!log.pending());
    log.append(make_entries(1, 1, 3));
    check_waits();
    log.save({});
    check_waits();
    log.compact(log_index(2));
    check_waits();
    log.restart({term_id(2), log_index(10)});
    check_waits();
    log.append(make_entries(2, 11, 1));
    check_waits();
    static_assert(!memory_log::blocking);
}

BOOST_AUTO_TEST_SUITE_END()
