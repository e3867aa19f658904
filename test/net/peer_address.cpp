#include <quorate/net/peer_address.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(address)

BOOST_AUTO_TEST_CASE(good_urls) {
    const auto is = [](std::string_view url, const std::string& host, std::uint16_t port,
                       bool literal) {
        const auto parsed = parse_peer_url(url);
        return parsed && *parsed == peer_address{host, port, literal};
    };
    BOOST_TEST(is("http://127.0.0.1:12380", "127.0.0.1", 12380, true));
    BOOST_TEST(is("http://0.0.0.0:0", "0.0.0.0", 0, true));
    BOOST_TEST(is("http://[::1]:65535", "::1", 65535, true));
    BOOST_TEST(is("http://[2001:db8::1]:80", "2001:db8::1", 80, true));
    BOOST_TEST(is("http://localhost:1", "localhost", 1, false));
    BOOST_TEST(is("http://node-1.example_x.org:80", "node-1.example_x.org", 80, false));
    BOOST_TEST(is("http://1and1.example:00080", "1and1.example", 80, false));
}

BOOST_AUTO_TEST_CASE(scheme_may_have_capital_letters) {
    for (const std::string_view url : {"HTTP://Host:80", "hTTp://Host:80", "http://Host:80"}) {
        BOOST_REQUIRE(parse_peer_url(url).has_value());
        BOOST_TEST(!parse_peer_url(url)->secure);
        BOOST_TEST(parse_peer_url(url)->host == "Host");
        BOOST_TEST(with_small_scheme(url) == "http://Host:80");
        BOOST_TEST(canonical_peer_url(url) == "host:80");
    }
    BOOST_TEST(parse_peer_url("HTTPS://[::1]:2380")->secure);
    BOOST_TEST(with_small_scheme("HtTpS://[::1]:2380") == "https://[::1]:2380");
    BOOST_TEST(with_small_scheme("FTP://a:1") == "FTP://a:1");
    BOOST_TEST(!parse_peer_url("HTTPX://a:1").has_value());
    BOOST_TEST(!parse_peer_url("HTTP:/").has_value());
}

BOOST_AUTO_TEST_CASE(https_means_encryption) {
    const auto parsed = parse_peer_url("https://[::1]:2380");
    BOOST_REQUIRE(parsed.has_value());
    BOOST_TEST((*parsed == peer_address{"::1", 2380, true, true}));
    BOOST_TEST(!parse_peer_url("http://[::1]:2380")->secure);
    BOOST_TEST((*parsed != *parse_peer_url("http://[::1]:2380")));
}

BOOST_AUTO_TEST_CASE(bad_urls) {
    const std::string long_name(254, 'a');
    for (const std::string& url : {
             std::string(""),
             std::string("http://"),
             std::string("127.0.0.1:80"),
             std::string("https:127.0.0.1:80"),
             std::string("https://"),
             std::string("https://127.0.0.1"),
             std::string("httpss://127.0.0.1:80"),
             std::string("http://https://127.0.0.1:80"),
             std::string("unix:///tmp/x"),
             std::string("http://127.0.0.1"),
             std::string("http://127.0.0.1:"),
             std::string("http://:80"),
             std::string("http://127.0.0.1:80/"),
             std::string("http://127.0.0.1:80/path"),
             std::string("http://127.0.0.1:80?q"),
             std::string("http://127.0.0.1:65536"),
             std::string("http://127.0.0.1:000080"),
             std::string("http://127.0.0.1:-1"),
             std::string("http://127.0.0.1:+1"),
             std::string("http://127.0.0.1: 1"),
             std::string("http://127.0.0.1:8 "),
             std::string("http://127.0.0.1:8x"),
             std::string("http://user@host:80"),
             std::string("http://a b:80"),
             std::string("http://256.0.0.1:80"),
             std::string("http://1.2.3:80"),
             std::string("http://1:80"),
             std::string("http://::1:80"),
             std::string("http://[::1]80"),
             std::string("http://[::1]"),
             std::string("http://[::1:80"),
             std::string("http://[]:80"),
             std::string("http://[127.0.0.1]:80"),
             std::string("http://[fe80::1%eth0]:80"),
             std::string("http://[host]:80"),
             std::string("http://-a:80"),
             std::string("http://.a:80"),
             std::string("http://a\0b:80", 13),
             std::string("http://[::1\0]:80", 16),
             "http://" + long_name + ":80",
         }) {
        BOOST_TEST_CONTEXT(url) {
            BOOST_TEST(parse_peer_url(url).error() == error_code(errc::invalid_option));
        }
    }
}

BOOST_AUTO_TEST_CASE(several_urls_have_commas_between_them) {
    const auto two = parse_peer_urls("http://a:1,http://[::1]:2");
    BOOST_REQUIRE(two.has_value());
    BOOST_REQUIRE(two->size() == 2U);
    BOOST_TEST(two->front().host == "a");
    BOOST_TEST(two->back().port == 2U);
    BOOST_TEST(parse_peer_urls("http://a:1")->size() == 1U);
    for (const char* urls : {"", ",", "http://a:1,", ",http://a:1", "http://a:1,,http://b:1",
                             "http://a:1, http://b:1"}) {
        BOOST_TEST(parse_peer_urls(urls).error() == error_code(errc::invalid_option));
    }
}

BOOST_AUTO_TEST_CASE(spellings_of_one_place_have_one_canonical_url) {
    const auto same = [](std::string_view a, std::string_view b) {
        return canonical_peer_url(a) == canonical_peer_url(b);
    };
    BOOST_TEST(canonical_peer_url("http://Node-1.Example.:2380") == "node-1.example:2380");
    BOOST_TEST(same("http://a.example:2380", "https://A.EXAMPLE:02380"));
    BOOST_TEST(same("http://localhost:1", "http://127.0.0.1:1"));
    BOOST_TEST(same("http://LocalHost.:1", "http://127.0.0.1:1"));
    BOOST_TEST(same("http://[2001:DB8:0:0::1]:80", "http://[2001:db8::1]:80"));
    BOOST_TEST(!same("http://a.example:2380", "http://a.example:2381"));
    BOOST_TEST(!same("http://a.example:2380", "http://b.example:2380"));
    BOOST_TEST(!same("http://[::1]:1", "http://127.0.0.1:1"));
    BOOST_TEST(!same("nowhere", "elsewhere"));
    BOOST_TEST(canonical_peer_url("nowhere") == "nowhere");
}

BOOST_AUTO_TEST_SUITE_END()
