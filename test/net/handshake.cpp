#include <quorate/net/handshake.hpp>

#include <boost/test/unit_test.hpp>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(handshake)

namespace {

constexpr local_identity ours{cluster_id(7), node_id(2)};
constexpr hello good{protocol_version, hello_status::ok, cluster_id(7), node_id(1), node_id(2)};

template <class Change>
hello changed(Change change) {
    hello h = good;
    change(h);
    return h;
}

bool is(hello_status a, hello_status b) {
    return a == b;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_listener_judges) {
    BOOST_TEST(is(judge_hello(good, ours, false), hello_status::ok));
    BOOST_TEST(is(judge_hello(good, ours, true), hello_status::removed));
    const auto verdict = [](auto change) { return judge_hello(changed(change), ours, false); };
    BOOST_TEST(
        is(verdict([](hello& h) { h.cluster = cluster_id(8); }), hello_status::wrong_cluster));
    BOOST_TEST(is(verdict([](hello& h) { h.to = node_id(3); }), hello_status::wrong_member));
    BOOST_TEST(is(verdict([](hello& h) { h.from = node_id(); }), hello_status::wrong_member));
    BOOST_TEST(is(verdict([](hello& h) { h.from = node_id(2); }), hello_status::wrong_member));
    BOOST_TEST(is(verdict([](hello& h) { h.version = protocol_version_oldest - 1; }),
                  hello_status::unsupported_version));
    BOOST_TEST(is(verdict([](hello& h) { h.version = protocol_version + 1; }), hello_status::ok));
    BOOST_TEST(is(verdict([](hello& h) { h.version = h.oldest = protocol_version + 1; }),
                  hello_status::unsupported_version));
}

BOOST_AUTO_TEST_CASE(both_ends_speak_the_newest_version_that_they_share) {
    const auto shared = [](std::uint16_t oldest, std::uint16_t newest) {
        return shared_version(changed([=](hello& h) { h.oldest = oldest, h.version = newest; }), 6,
                              4);
    };
    BOOST_TEST(shared(4, 6) == 6);
    BOOST_TEST(shared(6, 9) == 6);
    BOOST_TEST(shared(2, 5) == 5);
    BOOST_TEST(shared(1, 4) == 4);
    BOOST_TEST(shared(7, 9) == 0);
    BOOST_TEST(shared(1, 3) == 0);
}

BOOST_AUTO_TEST_CASE(problem_of_versions_names_those_of_both) {
    const std::string text =
        version_problem(changed([](hello& h) { h.oldest = 8, h.version = 9; }));
    BOOST_TEST(text.find("versions 8 to 9,") != std::string::npos);
    BOOST_TEST(text.find("this member version " + std::to_string(protocol_version) + ";") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_joins_does_not_know_its_cluster) {
    const hello joining = changed([](hello& h) { h.cluster = cluster_id(); });
    BOOST_TEST(is(judge_hello(joining, ours, false), hello_status::ok));
    BOOST_TEST(is(judge_hello(good, {cluster_id(), node_id(2)}, false), hello_status::ok));
}

BOOST_AUTO_TEST_CASE(a_dialling_member_judges_the_answer) {
    BOOST_TEST(is(judge_answer(good, ours, node_id(1)), hello_status::ok));
    BOOST_TEST(is(judge_answer(good, ours, node_id(3)), hello_status::wrong_member));
    const hello removed = changed([](hello& h) { h.status = hello_status::removed; });
    BOOST_TEST(is(judge_answer(removed, ours, node_id(1)), hello_status::removed));
    const hello other = changed([](hello& h) { h.cluster = cluster_id(8); });
    BOOST_TEST(is(judge_answer(other, ours, node_id(1)), hello_status::wrong_cluster));
}

BOOST_AUTO_TEST_SUITE_END()
