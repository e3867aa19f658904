#include <quorate/gateway/api_call.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

using namespace quorate::gateway;
using kind = api_route::kind;

BOOST_AUTO_TEST_SUITE(api_calls)

BOOST_AUTO_TEST_CASE(every_call_has_a_path_and_a_name_of_its_own) {
    std::set<std::string_view> paths;
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < api_call_count; ++i) {
        const auto call = static_cast<api_call>(i);
        BOOST_TEST(paths.insert(path_of(call)).second);
        BOOST_TEST(names.insert(rpc_name_of(call)).second);
        for (const char* prefix : {"/v3/", "/v3beta/"}) {
            const api_route route = route_of("POST", prefix + std::string(path_of(call)));
            BOOST_TEST((route.what == kind::call));
            BOOST_TEST((route.call == call));
        }
    }
    BOOST_TEST(path_of(api_call::range) == "kv/range");
    BOOST_TEST(path_of(api_call::unlock) == "lock/unlock");
    BOOST_TEST(path_of(api_call::user_change_password) == "auth/user/changepw");
    BOOST_TEST(path_of(api_call::move_leader) == "maintenance/transfer-leadership");
    BOOST_TEST(rpc_name_of(api_call::lock) == "v3lockpb.Lock/Lock");
}

BOOST_AUTO_TEST_CASE(second_names_and_queries) {
    BOOST_TEST((route_of("POST", "/v3/kv/lease/revoke").call == api_call::lease_revoke));
    BOOST_TEST((route_of("POST", "/v3/kv/lease/timetolive").call == api_call::lease_time_to_live));
    BOOST_TEST((route_of("POST", "/v3/kv/lease/leases").call == api_call::lease_list));
    BOOST_TEST((route_of("POST", "/v3/kv/put?a=/v3/kv/range").call == api_call::put));
}

// As etcd 3.4.23 answers.
BOOST_AUTO_TEST_CASE(paths_that_are_none) {
    for (const char* target : {"/v3/kv/nope", "/v3/", "/v3/kv/range/", "/v3/kv/range%20",
                               "/v3/kv:range", "/v3beta/nope", "/v3/lease/lease/leases"}) {
        for (const char* method : {"POST", "GET", "PUT", "HEAD"}) {
            const api_route route = route_of(method, target);
            BOOST_TEST((route.what == kind::unknown), target);
            BOOST_TEST(route.status == 404U);
            BOOST_TEST(route.body == "Not Found\n");
        }
    }
    for (const char* target : {"/nope", "/v3alpha/kv/range", "/v3betakv/range", "", "*"}) {
        const api_route route = route_of("POST", target);
        BOOST_TEST((route.what == kind::elsewhere), target);
        BOOST_TEST(route.status == 404U);
        BOOST_TEST(route.body == "404 page not found\n");
    }
}

BOOST_AUTO_TEST_CASE(methods_other_than_post) {
    for (const char* method : {"GET", "PUT", "HEAD", "DELETE", "PATCH", "post"}) {
        const api_route route = route_of(method, "/v3/kv/range");
        BOOST_TEST((route.what == kind::bad_method), method);
        BOOST_TEST(route.status == 405U);
        BOOST_TEST(route.body == "Method Not Allowed\n");
    }
    for (const char* target : {"/v3/kv/range", "/v3/kv/nope", "/nope"}) {
        const api_route route = route_of("OPTIONS", target);
        BOOST_TEST((route.what == kind::preflight), target);
        BOOST_TEST(route.status == 200U);
        BOOST_TEST(route.body.empty());
    }
}

BOOST_AUTO_TEST_CASE(streams) {
    BOOST_TEST(takes_stream(api_call::watch));
    BOOST_TEST(takes_stream(api_call::lease_keep_alive));
    BOOST_TEST(!takes_stream(api_call::observe));
    BOOST_TEST(gives_stream(api_call::watch));
    BOOST_TEST(gives_stream(api_call::lease_keep_alive));
    BOOST_TEST(gives_stream(api_call::snapshot));
    BOOST_TEST(gives_stream(api_call::observe));
    BOOST_TEST(!gives_stream(api_call::put));
}

BOOST_AUTO_TEST_SUITE_END()
