#include <quorate/server/joining.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(joining_a_group)

using namespace quorate;

namespace {

const member_info a{node_id(1), {"http://a:1"}, "a", {"http://c:1"}};
const member_info b{node_id(2), {"http://b:1", "http://b:2"}, "b", {"http://c:2"}};
const member_info fresh{node_id(3), {"http://x:1", "http://x:2"}, "", {}};

newcomer who_joins() {
    return {{"http://x:2", "http://x:1"},
            {member_info({}, {"http://x:1", "http://x:2"}, "x"),
             member_info({}, {"http://b:2", "http://b:1"}, "b"),
             member_info({}, {"http://a:1"}, "renamed")},
            {}};
}

bool says(const joining& got, const std::string& words) {
    return !got.id && got.problem.find(words) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_newcomer_is_found_by_its_urls) {
    const joining got = match_newcomer(who_joins(), member_table({a, b, fresh}));
    BOOST_TEST((got.id == node_id(3)));
    BOOST_TEST(got.problem == "");
    newcomer again = who_joins();
    again.id = node_id(3);
    BOOST_TEST((match_newcomer(again, member_table({a, b, fresh})).id == node_id(3)));
}

BOOST_AUTO_TEST_CASE(the_group_must_know_it) {
    const joining got = match_newcomer(who_joins(), member_table({a, b}));
    BOOST_TEST(says(got, "http://x:2,http://x:1: add this member first"));
    BOOST_TEST(says(got, "a=http://a:1, b=http://b:1,http://b:2"));
    newcomer half = who_joins();
    half.peer_urls.pop_back();
    BOOST_TEST(says(match_newcomer(half, member_table({a, b, fresh})), "add this member first"));
}

BOOST_AUTO_TEST_CASE(both_must_know_the_same_members) {
    newcomer fewer = who_joins();
    fewer.expected.pop_back();
    BOOST_TEST(says(match_newcomer(fewer, member_table({a, b, fresh})),
                    "member count is unequal: 2 are expected, the cluster has 3"));
    newcomer other = who_joins();
    other.expected.back().peer_urls = {"http://a:2"};
    BOOST_TEST(says(match_newcomer(other, member_table({a, b, fresh})),
                    "http://a:2 that are given for renamed"));
    BOOST_TEST(says(match_newcomer(who_joins(), {}), "add this member first"));
}

BOOST_AUTO_TEST_CASE(nobody_takes_the_place_of_one_that_took_part) {
    member_info named = fresh;
    named.name = "x";
    BOOST_TEST((match_newcomer(who_joins(), member_table({a, b, named})).id == node_id(3)));
    member_info serving = named;
    serving.client_urls = {"http://c:3"};
    BOOST_TEST(says(match_newcomer(who_joins(), member_table({a, b, serving})),
                    "member 3 (x) has taken part"));
    member_table table({a, b, fresh, {node_id(9), {"http://gone:1"}, "gone", {}}});
    table.erase(node_id(9));
    newcomer gone = who_joins();
    gone.id = node_id(9);
    BOOST_TEST(says(match_newcomer(gone, table), "member 9 was removed from the cluster"));
    gone.id = node_id(8);
    BOOST_TEST(says(match_newcomer(gone, table), "directory is that of member 8"));
}

BOOST_AUTO_TEST_CASE(a_first_member_begins_once) {
    member_table table({a, b, fresh});
    BOOST_TEST(problem_of_return(node_id(3), table) == "");
    BOOST_TEST(problem_of_return(node_id(7), table) == "");
    BOOST_TEST(problem_of_return(node_id(1), table).find("(a) has taken part") !=
               std::string::npos);
    table.erase(node_id(1));
    BOOST_TEST(problem_of_return(node_id(1), table).find("was removed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_sentence_stays_short) {
    std::vector<member_info> many;
    for (std::uint64_t id = 1; id < 500; ++id) {
        many.emplace_back(node_id(id), "http://member-" + std::to_string(id) + ":1");
    }
    const joining got = match_newcomer(who_joins(), member_table(many));
    BOOST_TEST(got.problem.size() < 1500u);
    BOOST_TEST(got.problem.ends_with("..."));
}

BOOST_AUTO_TEST_SUITE_END()
