#include <quorate/server/call_metrics.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(call_metrics_suite)

using namespace quorate;

BOOST_AUTO_TEST_CASE(every_call_is_found_by_its_method) {
    std::set<std::string_view> methods;
    for (std::size_t at = 0; at < all_calls().size(); ++at) {
        BOOST_TEST(find_call(all_calls()[at].method).value() == at);
        methods.insert(all_calls()[at].method);
    }
    BOOST_TEST(methods.size() == all_calls().size());
    BOOST_TEST(!find_call("range").has_value());
}

BOOST_AUTO_TEST_CASE(calls_are_counted_by_code) {
    call_metrics calls;
    const std::size_t range = find_call("Range").value();
    const std::size_t put = find_call("Put").value();
    calls.began(range);
    calls.began(range);
    calls.began(put);
    calls.ended(range, 0, std::chrono::milliseconds(6));
    calls.ended(range, 3, std::chrono::seconds(1));
    calls.ended(put, 99, std::chrono::seconds(0)); // No such code.
    BOOST_TEST(calls.started(range) == 2u);
    BOOST_TEST(calls.handled(range, 0) == 1u);
    BOOST_TEST(calls.handled(range, 3) == 1u);
    BOOST_TEST(calls.handled(put, 2) == 1u);

    std::string out;
    metrics_writer writer(out);
    calls.write(writer, false);
    BOOST_TEST(out.find("grpc_server_handling_seconds") == std::string::npos);
    const auto has = [&](const char* line) { return out.find(line) != std::string::npos; };
    BOOST_TEST(
        has("grpc_server_started_total{grpc_method=\"Range\",grpc_service=\"etcdserverpb.KV\""
            ",grpc_type=\"unary\"} 2\n"));
    BOOST_TEST(
        has("grpc_server_handled_total{grpc_code=\"InvalidArgument\",grpc_method=\"Range\","
            "grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"} 1\n"));
    BOOST_TEST(
        has("grpc_server_handled_total{grpc_code=\"Unavailable\",grpc_method=\"Put\","
            "grpc_service=\"etcdserverpb.KV\",grpc_type=\"unary\"} 0\n"));

    calls.write(writer, true);
    BOOST_TEST(
        has("grpc_server_handling_seconds_bucket{grpc_method=\"Range\",grpc_service="
            "\"etcdserverpb.KV\",grpc_type=\"unary\",le=\"0.01\"} 1\n"));
}

BOOST_AUTO_TEST_CASE(codes_have_names) {
    BOOST_TEST(name_of_code(0) == "OK");
    BOOST_TEST(name_of_code(3) == "InvalidArgument");
    BOOST_TEST(name_of_code(8) == "ResourceExhausted");
    BOOST_TEST(name_of_code(14) == "Unavailable");
    BOOST_TEST(name_of_code(16) == "Unauthenticated");
    BOOST_TEST(name_of_code(17) == "Unknown");
}

BOOST_AUTO_TEST_SUITE_END()
