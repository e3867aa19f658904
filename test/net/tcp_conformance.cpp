#include <quorate/net/tcp_transport.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "tcp_support.hpp"

BOOST_AUTO_TEST_SUITE(tcp_conformance)

static_assert(quorate::transport<quorate::tcp_transport>);

// [conformance
BOOST_DATA_TEST_CASE(conformance,
                     boost::unit_test::data::make(
                         quorate::testing::transport_conformance<quorate_test::tcp_fixture>())) {
    BOOST_TEST(sample.run() == "");
}
// conformance]

BOOST_AUTO_TEST_CASE(the_suite_in_one_call) {
    const auto report = quorate::testing::check_transport<quorate_test::tcp_fixture>();
    BOOST_TEST(report.passed(), report);
    BOOST_TEST(report.checks() == 18U);
}

BOOST_AUTO_TEST_SUITE_END()
