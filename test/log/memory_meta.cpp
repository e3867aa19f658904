#include <quorate/log/memory_meta.hpp>
#include <quorate/testing/conformance/meta_store.hpp>

#include <boost/test/unit_test.hpp>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(memory_meta_suite)

BOOST_AUTO_TEST_CASE(conforms) {
    const auto report = quorate::testing::meta_store_suite<memory_meta>({}, false).run();
    BOOST_TEST(report.passed(), report);
    BOOST_TEST(report.checks() > 500U);
}

BOOST_AUTO_TEST_SUITE_END()
