#include <quorate/http/page_rules.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace quorate::http;

namespace {

struct sent {
    std::vector<request_field> fields;
    [[nodiscard]] request head() const { return {.method = "POST", .fields = fields}; }
};

const std::vector<std::string> known{"kv.example"};

bool is_foreign(std::string_view host, std::string_view origin) {
    return is_of_foreign_page(sent{{{"Host", host}, {"Origin", origin}}}.head(), known);
}

bool is_json(std::string_view type) {
    return declares_json(sent{{{"Content-Type", type}}}.head());
}

} // namespace

BOOST_AUTO_TEST_SUITE(page_rules)

BOOST_AUTO_TEST_CASE(host_ends_before_the_port) {
    BOOST_TEST(host_of("a.b:80") == "a.b");
    BOOST_TEST(host_of("a.b") == "a.b");
    BOOST_TEST(host_of("[::1]:80") == "::1");
    BOOST_TEST(host_of("[::1]") == "::1");
    BOOST_TEST(host_of("[::1") == "[::1");
    BOOST_TEST(host_of("").empty());
}

BOOST_AUTO_TEST_CASE(domains_are_for_a_server_that_knows_them) {
    for (const std::string_view host :
         {"127.0.0.1", "10.1.2.3:80", "[::1]:9121", "[fe80::1]", "localhost:1", "LOCALHOST",
          "kv-1:80", "kv.example", "KV.Example:9121", ""}) {
        BOOST_TEST(is_for_host(sent{{{"Host", host}}}.head(), known), host);
    }
    for (const std::string_view host :
         {"evil.example", "evil.example:9121", "localhost.", "127.0.0.1.evil.example",
          "kv.example.evil.example", "300.1.1.1", "1.2.3", "[::1"}) {
        BOOST_TEST(!is_for_host(sent{{{"Host", host}}}.head(), known), host);
    }
    BOOST_TEST(is_for_host(sent{}.head(), known)); // HTTP/1.0
    BOOST_TEST(is_for_host(sent{{{"Host", "evil.example"}}}.head(), {"*"}));
}

BOOST_AUTO_TEST_CASE(own_page_has_the_authority_of_host) {
    BOOST_TEST(!is_foreign("127.0.0.1:2379", "http://127.0.0.1:2379"));
    BOOST_TEST(!is_foreign("LocalHost:2379", "https://localhost:2379"));
    BOOST_TEST(!is_foreign("kv.example", "https://kv.example"));
    BOOST_TEST(!is_foreign("[::1]:2379", "http://[::1]:2379"));
    BOOST_TEST(!is_of_foreign_page(sent{{{"Host", "evil.example"}}}.head(), known)); // no browser
}

BOOST_AUTO_TEST_CASE(other_pages_are_foreign) {
    for (const std::string_view origin :
         {"http://evil.example", "http://127.0.0.1", "http://127.0.0.1:2380", "null", "",
          "127.0.0.1:2379", "http://", "file://", "http://127.0.0.1:2379/",
          "http://127.0.0.1:2379.evil.example"}) {
        BOOST_TEST(is_foreign("127.0.0.1:2379", origin), origin);
    }
}

BOOST_AUTO_TEST_CASE(page_of_a_rebound_domain_is_foreign) {
    BOOST_TEST(is_foreign("evil.example:2379", "http://evil.example:2379"));
    BOOST_TEST(is_foreign("", "http://"));
}

BOOST_AUTO_TEST_CASE(json_is_declared_with_or_without_parameters) {
    for (const std::string_view type : {"application/json", "Application/JSON",
                                        "application/json; charset=utf-8", "application/json ;x"}) {
        BOOST_TEST(is_json(type), type);
    }
    for (const std::string_view type : {"", "text/plain", "text/plain; application/json",
                                        "application/json-x", "application/jso"}) {
        BOOST_TEST(!is_json(type), type);
    }
    BOOST_TEST(!declares_json(sent{}.head()));
}

BOOST_AUTO_TEST_SUITE_END()
