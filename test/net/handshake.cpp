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
    BOOST_TEST(is(verdict([](hello& h) { h.version = protocol_version + 1; }),
                  hello_status::unsupported_version));
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
