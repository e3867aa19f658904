#include <quorate/server/member_table.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(member_table)

using quorate::member_info;
using quorate::node_id;

namespace {

quorate::member_table three() {
    return quorate::member_table(
        {{node_id(3), "http://c:1"}, {node_id(1), "http://a:1"}, {node_id(2), "http://b:1"}});
}

} // namespace

BOOST_AUTO_TEST_CASE(members_are_in_the_order_of_their_ids) {
    std::string urls;
    for (const member_info& m : three()) {
        urls += m.peer_urls.front();
    }
    BOOST_TEST(urls == "http://a:1http://b:1http://c:1");
    BOOST_TEST(three().size() == 3u);
}

BOOST_AUTO_TEST_CASE(one_is_found_changed_added_and_removed) {
    quorate::member_table table = three();
    BOOST_REQUIRE(table.find(node_id(2)) != nullptr);
    BOOST_TEST(table.find(node_id(2))->peer_urls.front() == "http://b:1");
    BOOST_TEST(table.find(node_id(4)) == nullptr);
    table.put(member_info{node_id(2), "http://b:2"});
    table.put(member_info{node_id(9), "http://z:1"});
    table.put(member_info{node_id(4), "http://d:1"});
    BOOST_TEST(table.size() == 5u);
    BOOST_TEST(table.find(node_id(2))->peer_urls.front() == "http://b:2");
    BOOST_TEST(table.begin()[3].peer_urls.front() == "http://d:1");
    table.erase(node_id(1));
    table.erase(node_id(1));
    BOOST_TEST(table.size() == 4u);
    BOOST_TEST(table.find(node_id(1)) == nullptr);
}

BOOST_AUTO_TEST_CASE(find_rival_finds_another_member_with_one_of_the_urls) {
    const quorate::member_table table = three();
    const auto rival = [&table](std::uint64_t id, std::vector<std::string> urls) {
        const member_info* found = table.find_rival({node_id(id), std::move(urls)});
        return found == nullptr ? 0 : found->id.value();
    };
    BOOST_TEST(rival(9, {"http://z:1", "https://B.:01"}) == 2u);
    BOOST_TEST(rival(2, {"http://b:1"}) == 0u); // its own
    BOOST_TEST(rival(2, {"http://b:1", "http://c:1"}) == 3u);
    BOOST_TEST(rival(9, {"http://b:2"}) == 0u);
    BOOST_TEST(rival(9, {}) == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_not_told_stays_as_it_was) {
    quorate::member_table table = three();
    table.put({{node_id(2), {"http://b:1"}, "two", {"http://c:2"}}, true, true});
    table.put({{node_id(2), {"http://b:2", "http://b:3"}, "other", {}}, true, false});
    BOOST_TEST(table.find(node_id(2))->peer_urls.size() == 2u);
    BOOST_TEST(table.find(node_id(2))->name == "two");
    BOOST_TEST(table.find(node_id(2))->client_urls.front() == "http://c:2");
    table.put({{node_id(2), {"http://x:1"}, "named", {}}, false, true});
    BOOST_TEST(table.find(node_id(2))->peer_urls.front() == "http://b:2");
    BOOST_TEST(table.find(node_id(2))->name == "named");
    BOOST_TEST(table.find(node_id(2))->client_urls.empty());
    // Of one that was not known everything is news.
    table.put({{node_id(7), {"http://g:1"}, "seven", {}}, true, false});
    BOOST_TEST(table.find(node_id(7))->name == "seven");
}

BOOST_AUTO_TEST_CASE(who_was_removed_is_remembered) {
    quorate::member_table table = three();
    table.erase(node_id(8)); // never was one
    BOOST_TEST(!table.was_removed(node_id(8)));
    table.erase(node_id(3));
    table.erase(node_id(1));
    BOOST_TEST(table.was_removed(node_id(1)));
    BOOST_TEST(table.was_removed(node_id(3)));
    BOOST_TEST(!table.was_removed(node_id(2)));
    const auto read = quorate::member_table::decode(table.encode().view());
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((*read == table));
    BOOST_TEST(read->was_removed(node_id(3)));
}

BOOST_AUTO_TEST_CASE(of_too_many_that_were_removed_the_smallest_are_forgotten) {
    constexpr std::uint64_t most = quorate::member_table::removed_max;
    quorate::member_table table;
    for (std::uint64_t id = 1; id <= most + 2; ++id) {
        table.put(member_info{node_id(id), "u"});
        table.erase(node_id(id));
    }
    BOOST_TEST(!table.was_removed(node_id(2)));
    BOOST_TEST(table.was_removed(node_id(3)));
    BOOST_TEST(table.was_removed(node_id(most + 2)));
    BOOST_TEST(quorate::member_table::decode(table.encode().view()).has_value());
}

BOOST_AUTO_TEST_CASE(bytes_are_read_back) {
    quorate::member_table named = three();
    named.put(member_info{node_id(5), {"http://e:1", "http://e:2"}, "five", {"http://f:1"}});
    for (const quorate::member_table& table : {three(), quorate::member_table(), named}) {
        const auto read = quorate::member_table::decode(table.encode().view());
        BOOST_REQUIRE(read.has_value());
        BOOST_TEST((*read == table));
    }
}

BOOST_AUTO_TEST_CASE(first_birth_mark_stays_unless_a_new_group_is_made) {
    using quorate::birth_mark;
    quorate::member_table table = three();
    BOOST_TEST(!table.birth());
    const member_info one = *table.find(node_id(1));
    table.put({one, false, false});
    BOOST_TEST(!table.birth());
    table.put({one, false, false, birth_mark(5)});
    table.put({one, false, false, birth_mark(6)});
    BOOST_TEST(table.birth() == birth_mark(5));
    BOOST_TEST((table != three()));
    const auto read = quorate::member_table::decode(table.encode().view());
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((*read == table));
    table.put({one, false, false, birth_mark(7), true});
    BOOST_TEST(table.birth() == birth_mark(7));
    BOOST_TEST((*table.find(node_id(1)) == one));
}

BOOST_AUTO_TEST_CASE(table_of_version_1_has_no_birth_mark) {
    quorate::member_table table = three();
    table.erase(node_id(2));
    std::string bytes(table.encode().view());
    bytes.resize(bytes.size() - 8); // the mark ends the table
    BOOST_TEST(!quorate::member_table::decode(bytes).has_value());
    bytes[0] = 1;
    const auto read = quorate::member_table::decode(bytes);
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((*read == table));
}

BOOST_AUTO_TEST_CASE(whatever_order_they_came_in_the_bytes_are_the_same) {
    quorate::member_table other;
    other.put(member_info{node_id(2), "http://b:1"});
    other.put(member_info{node_id(3), "http://c:1"});
    other.put(member_info{node_id(1), "http://a:1"});
    BOOST_TEST((other.encode() == three().encode()));
}

BOOST_AUTO_TEST_CASE(other_bytes_are_refused) {
    const quorate::shared_bytes whole = three().encode();
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        BOOST_TEST(!quorate::member_table::decode(whole.view().substr(0, cut)).has_value());
    }
    BOOST_TEST(!quorate::member_table::decode(std::string(whole.view()) + "x").has_value());
    BOOST_TEST(!quorate::member_table::decode("\xff\xff\xff\xff").has_value());
    const auto number = [](char value) { return std::string(1, value) + std::string(3, '\0'); };
    const auto id = [](char value) { return std::string(1, value) + std::string(7, '\0'); };
    // One peer URL of one byte, no name, no client URL.
    const auto one = [&](char value) {
        return id(value) + number(1) + number(1) + "u" + number(0) + number(0);
    };
    const auto read = [&](const std::string& bytes) {
        return quorate::member_table::decode(number(1) + bytes).has_value();
    };
    const std::string two = number(2);
    BOOST_TEST(read(two + one(1) + one(2) + number(0)));
    BOOST_TEST(!read(two + one(2) + one(1) + number(0)));
    BOOST_TEST(!read(two + one(1) + one(1) + number(0)));
    BOOST_TEST(!read(two + one(0) + one(1) + number(0)));
    BOOST_TEST(read(number(0) + two + id(3) + id(4)));
    BOOST_TEST(!read(number(0) + two + id(4) + id(3)));
    BOOST_TEST(!read(number(0) + two + id(0) + id(3)));
    BOOST_TEST(!read(number(0) + "\xff\xff\xff\xff"));
    BOOST_TEST(!quorate::member_table::decode(number(2) + number(0) + number(0)).has_value());
    BOOST_TEST(!quorate::member_table::decode(number(3) + number(0) + number(0)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
