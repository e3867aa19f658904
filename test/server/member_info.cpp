#include <quorate/server/member_info.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(member_info)

using quorate::encode;
using quorate::member_update;
using quorate::node_id;

namespace {

quorate::member_info named() {
    return {node_id(7), {"http://a:1", "http://a:2"}, "seven", {"http://c:1"}};
}

} // namespace

BOOST_AUTO_TEST_CASE(one_url_or_several_make_a_member) {
    const std::string url = "http://a:1";
    BOOST_TEST(quorate::member_info(node_id(1), url).peer_urls.size() == 1u);
    BOOST_TEST(quorate::member_info(node_id(1), "http://a:1").peer_urls.front() == url);
    const quorate::member_info both{node_id(1), {"http://a:1", "http://a:2"}};
    BOOST_TEST(both.peer_urls.size() == 2u);
    BOOST_TEST(quorate::joined_peer_urls(both) == "http://a:1,http://a:2");
}

BOOST_AUTO_TEST_CASE(limits_are_kept) {
    BOOST_TEST(within_limits(named()));
    const std::string too_long(4097, 'x');
    const auto refused = [](auto change) {
        quorate::member_info member = named();
        change(member);
        return !within_limits(member);
    };
    BOOST_TEST(refused([](auto& m) { m.id = node_id(); }));
    BOOST_TEST(refused([](auto& m) { m.peer_urls.clear(); }));
    BOOST_TEST(refused([](auto& m) { m.peer_urls.push_back(""); }));
    BOOST_TEST(refused([](auto& m) { m.peer_urls.push_back("a,b"); }));
    BOOST_TEST(refused([&](auto& m) { m.peer_urls.push_back(too_long); }));
    BOOST_TEST(refused([](auto& m) { m.client_urls.assign(65, "x"); }));
    BOOST_TEST(refused([&](auto& m) { m.name = too_long; }));
    BOOST_TEST(!refused([](auto& m) { m.name.clear(); }));
    BOOST_TEST(!refused([](auto& m) { m.client_urls.assign(64, std::string(4096, 'x')); }));
}

BOOST_AUTO_TEST_CASE(peers_can_connect_to_a_member) {
    const auto reachable = [](const char* url) {
        return can_be_member(quorate::member_info{node_id(1), url});
    };
    BOOST_TEST(reachable("http://a:1"));
    BOOST_TEST(reachable("https://[::1]:65535"));
    BOOST_TEST(!reachable("http://a:0"));
    BOOST_TEST(!reachable("http://a"));
    BOOST_TEST(!reachable("a:1"));
    BOOST_TEST(!can_be_member(quorate::member_info{node_id(), "http://a:1"}));
}

BOOST_AUTO_TEST_CASE(an_update_is_read_back) {
    for (const bool urls : {false, true}) {
        for (const bool attributes : {false, true}) {
            const auto read =
                quorate::decode_member_update(encode(member_update{named(), urls, attributes}));
            BOOST_REQUIRE(read.has_value());
            BOOST_TEST((read->info == named()));
            BOOST_TEST(read->peer_urls == urls);
            BOOST_TEST(read->attributes == attributes);
        }
    }
}

BOOST_AUTO_TEST_CASE(other_bytes_are_refused) {
    const std::string whole = encode(member_update{named(), true, true});
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        BOOST_TEST(!quorate::decode_member_update(whole.substr(0, cut)).has_value());
    }
    BOOST_TEST(!quorate::decode_member_update(whole + "x").has_value());
    std::string unknown = whole;
    unknown[0] = 7;
    BOOST_TEST(!quorate::decode_member_update(unknown).has_value());
    std::string nobody = whole;
    nobody[4] = 0;
    BOOST_TEST(!quorate::decode_member_update(nobody).has_value());
    std::string many = whole;
    many[14] = 1; // 65538 URLs
    BOOST_TEST(!quorate::decode_member_update(many).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
