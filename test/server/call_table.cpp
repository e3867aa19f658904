#include <quorate/server/call_table.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(call_table)

using quorate::errc;
using quorate::error_code;
using quorate::node_id;
using quorate::shared_bytes;

namespace {

const quorate::call_table::time_point start{};

struct fixture {
    quorate::call_table calls{100};
    std::vector<std::pair<error_code, std::string>> ended;

    std::uint64_t add(std::uint64_t to, int seconds = 1) {
        return calls.add(
            node_id(to),
            [this](error_code failed, const shared_bytes& answer) {
                ended.emplace_back(failed, std::string(answer.view()));
            },
            start + std::chrono::seconds(seconds));
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_answer_ends_the_call_that_it_names, fixture) {
    const std::uint64_t first = add(2);
    const std::uint64_t second = add(2);
    BOOST_TEST(first > 100u);
    BOOST_TEST(second > first);
    calls.on_answer(node_id(2), second, shared_bytes::copy_of("yes"));
    BOOST_REQUIRE(ended.size() == 1u);
    BOOST_TEST(!ended[0].first);
    BOOST_TEST(ended[0].second == "yes");
    BOOST_TEST(calls.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(nobody_else_can_answer_and_nobody_twice, fixture) {
    const std::uint64_t number = add(2);
    calls.on_answer(node_id(3), number, shared_bytes::copy_of("forged"));
    calls.on_answer(node_id(2), number + 1, shared_bytes::copy_of("early"));
    calls.on_answer(node_id(2), 0, {});
    BOOST_TEST(ended.empty());
    calls.on_answer(node_id(2), number, {});
    calls.on_answer(node_id(2), number, {});
    BOOST_TEST(ended.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(time_a_removed_peer_and_a_stop_end_calls, fixture) {
    add(2, 1);
    add(3, 5);
    add(4, 5);
    calls.on_tick(start);
    BOOST_TEST(ended.empty());
    calls.on_tick(start + std::chrono::seconds(1));
    calls.on_dropped(node_id(3));
    calls.stop();
    calls.stop();
    BOOST_REQUIRE(ended.size() == 3u);
    BOOST_TEST(ended[0].first == error_code(errc::read_timed_out));
    BOOST_TEST(ended[1].first == error_code(errc::peer_not_found));
    BOOST_TEST(ended[2].first == error_code(errc::stopped));
}

BOOST_FIXTURE_TEST_CASE(a_handler_may_ask_again, fixture) {
    const std::uint64_t number = calls.add(
        node_id(2), [this](error_code, const shared_bytes&) { add(2); }, start);
    calls.finish(number, {});
    BOOST_TEST(calls.size() == 1u);
    BOOST_TEST(ended.empty());
}

BOOST_AUTO_TEST_SUITE_END()
