#include <quorate/http/request_target.hpp>

#include <boost/test/unit_test.hpp>

#include <string_view>

using quorate::http::detail::split_target;

BOOST_AUTO_TEST_SUITE(request_targets)

BOOST_AUTO_TEST_CASE(origin_form_is_taken_as_it_is) {
    for (const std::string_view target : {"/", "/a?b", "//a", "/http://b", "/?", "/%zz#"}) {
        const auto parts = split_target("GET", target);
        BOOST_TEST(parts.refusal == 0U, target);
        BOOST_TEST(parts.path_and_query == target);
        BOOST_TEST(parts.authority.empty());
    }
}

BOOST_AUTO_TEST_CASE(absolute_form_has_an_authority) {
    const auto whole = split_target("POST", "HTTPS://[::1]:2379/v3/kv/put?a=/b");
    BOOST_TEST(whole.refusal == 0U);
    BOOST_TEST(whole.path_and_query == "/v3/kv/put?a=/b");
    BOOST_TEST(whole.authority == "[::1]:2379");
    const auto bare = split_target("GET", "http://h");
    BOOST_TEST(bare.refusal == 0U);
    BOOST_TEST(bare.path_and_query.empty());
    BOOST_TEST(bare.authority == "h");
    BOOST_TEST(split_target("GET", "http://h?a/b").path_and_query == "?a/b");
}

BOOST_AUTO_TEST_CASE(asterisk_is_for_options_alone) {
    BOOST_TEST(split_target("OPTIONS", "*").path_and_query == "*");
    BOOST_TEST(split_target("GET", "*").refusal == 400U);
    BOOST_TEST(split_target("OPTIONS", "**").refusal == 400U);
}

BOOST_AUTO_TEST_CASE(other_forms_are_refused) {
    for (const std::string_view target :
         {"", "a", "v3/kv/put", "a:80", "http:", "http:/", "http://", "http:///a", "http://?a",
          "http://u@h/", "http://a b", "http://a\"/", "ftp://h/a", "httpx://h/a", "?", "."}) {
        BOOST_TEST(split_target("GET", target).refusal == 400U, target);
    }
    BOOST_TEST(split_target("CONNECT", "h:80").refusal == 501U);
    BOOST_TEST(split_target("CONNECT", "/a").refusal == 501U);
}

BOOST_AUTO_TEST_SUITE_END()
