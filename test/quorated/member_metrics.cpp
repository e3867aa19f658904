// Calls of the gateway → numbers of calls, and durations of writes and reads.
#include "../../example/quorated/member_metrics.hpp"

#include <quorate/server/server_metrics.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

using namespace quorated;
using namespace std::chrono_literals;
using quorate::gateway::api_call;

BOOST_AUTO_TEST_SUITE(member_metrics_suite)

BOOST_AUTO_TEST_CASE(every_call_of_the_gateway_has_its_own_number) {
    quorate::server_metrics metrics;
    call_counter counter(metrics);
    for (std::size_t at = 0; at < quorate::gateway::api_call_count; ++at) {
        counter.began(static_cast<api_call>(at));
        counter.ended(static_cast<api_call>(at), 13, 1ms);
    }
    BOOST_TEST(quorate::all_calls().size() == quorate::gateway::api_call_count);
    for (std::size_t at = 0; at < quorate::all_calls().size(); ++at) {
        BOOST_TEST(metrics.calls.started(at) == 1u, quorate::all_calls()[at].method);
        BOOST_TEST(metrics.calls.handled(at, 13) == 1u);
    }
    BOOST_TEST(metrics.stream_requests.value() + metrics.unary_requests.value() ==
               quorate::gateway::api_call_count);
    BOOST_TEST(metrics.writes.count() == 0u);
    BOOST_TEST(metrics.reads.count() == 0u);
}

BOOST_AUTO_TEST_CASE(writes_and_reads_are_timed) {
    quorate::server_metrics metrics;
    call_counter counter(metrics);
    counter.ended(api_call::put, 0, 1ms);
    counter.ended(api_call::txn, 0, 2ms);
    counter.ended(api_call::delete_range, 0, 3ms);
    counter.ended(api_call::range, 0, 4ms);
    counter.ended(api_call::status, 0, 5ms);
    BOOST_TEST(metrics.writes.count() == 3u);
    BOOST_TEST(metrics.writes.sum() == 0.006, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(metrics.reads.count() == 1u);
    BOOST_TEST(metrics.ranges.value() == 1u);
    BOOST_TEST(metrics.calls.handled(quorate::find_call("Put").value(), 0) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
