#include <quorate/server/member_table.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(member_table)

using quorate::member_address;
using quorate::node_id;

namespace {

quorate::member_table three() {
    return quorate::member_table(
        {{node_id(3), "http://c:1"}, {node_id(1), "http://a:1"}, {node_id(2), "http://b:1"}});
}

} // namespace

BOOST_AUTO_TEST_CASE(members_are_in_the_order_of_their_ids) {
    std::string urls;
    for (const member_address& m : three()) {
        urls += m.peer_url;
    }
    BOOST_TEST(urls == "http://a:1http://b:1http://c:1");
    BOOST_TEST(three().size() == 3u);
}

BOOST_AUTO_TEST_CASE(one_is_found_changed_added_and_removed) {
    quorate::member_table table = three();
    BOOST_REQUIRE(table.find(node_id(2)) != nullptr);
    BOOST_TEST(table.find(node_id(2))->peer_url == "http://b:1");
    BOOST_TEST(table.find(node_id(4)) == nullptr);
    table.put(node_id(2), "http://b:2");
    table.put(node_id(9), "http://z:1");
    table.put(node_id(4), "http://d:1");
    BOOST_TEST(table.size() == 5u);
    BOOST_TEST(table.find(node_id(2))->peer_url == "http://b:2");
    BOOST_TEST(table.begin()[3].peer_url == "http://d:1");
    table.erase(node_id(1));
    table.erase(node_id(1));
    BOOST_TEST(table.size() == 4u);
    BOOST_TEST(table.find(node_id(1)) == nullptr);
}

BOOST_AUTO_TEST_CASE(bytes_are_read_back) {
    for (const quorate::member_table& table : {three(), quorate::member_table()}) {
        const auto read = quorate::member_table::decode(table.encode().view());
        BOOST_REQUIRE(read.has_value());
        BOOST_TEST((*read == table));
    }
}

BOOST_AUTO_TEST_CASE(whatever_order_they_came_in_the_bytes_are_the_same) {
    quorate::member_table other;
    other.put(node_id(2), "http://b:1");
    other.put(node_id(3), "http://c:1");
    other.put(node_id(1), "http://a:1");
    BOOST_TEST((other.encode() == three().encode()));
}

BOOST_AUTO_TEST_CASE(other_bytes_are_refused) {
    const quorate::shared_bytes whole = three().encode();
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        BOOST_TEST(!quorate::member_table::decode(whole.view().substr(0, cut)).has_value());
    }
    BOOST_TEST(!quorate::member_table::decode(std::string(whole.view()) + "x").has_value());
    BOOST_TEST(!quorate::member_table::decode("\xff\xff\xff\xff").has_value());
    const auto one = [](char id) {
        return std::string(1, id) + std::string(7, '\0') + std::string(4, '\0');
    };
    const std::string two("\x02\0\0\0", 4);
    BOOST_TEST(quorate::member_table::decode(two + one(1) + one(2)).has_value());
    BOOST_TEST(!quorate::member_table::decode(two + one(2) + one(1)).has_value());
    BOOST_TEST(!quorate::member_table::decode(two + one(1) + one(1)).has_value());
    BOOST_TEST(!quorate::member_table::decode(two + one(0) + one(1)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
