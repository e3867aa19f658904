#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(calls)

using namespace node_test;

namespace {

/// Answers with its own number in front; or keeps the way to answer.
struct answerer final : node_observer<std::size_t> {
    std::uint64_t id = 0;
    bool keeps = false;
    std::vector<std::function<void(shared_bytes)>> kept;

    void on_call(node_id from, shared_bytes asked,
                 std::function<void(shared_bytes)> answer) override {
        if (keeps) {
            kept.push_back(std::move(answer));
            return;
        }
        answer(shared_bytes::copy_of(std::to_string(id) + " to " + std::to_string(from.value()) +
                                     ": " + std::string(asked.view())));
    }
};

struct answer_of {
    int calls = 0;
    error_code failed;
    std::string said;
};

struct asking_group {
    std::map<std::uint64_t, answerer> seen;
    memory_group g;

    asking_group() {
        for (std::uint64_t id = 1; id <= 3; ++id) {
            seen[id].id = id;
            auto& made = g.add(g.options_of(id));
            made.observe(&seen[id]);
            BOOST_REQUIRE(!made.start());
        }
        BOOST_REQUIRE(g.run_until([this] { return g.leader() != 0; }));
    }
    std::shared_ptr<answer_of> ask(std::uint64_t from, std::uint64_t to, const std::string& what,
                                   milliseconds limit = milliseconds(10'000)) {
        auto result = std::make_shared<answer_of>();
        g.nodes.at(from)->call(node_id(to), shared_bytes::copy_of(what), limit,
                               [result](error_code failed, const shared_bytes& said) {
                                   ++result->calls;
                                   result->failed = failed;
                                   result->said = std::string(said.view());
                               });
        return result;
    }
    bool ended(const std::shared_ptr<answer_of>& result) {
        return g.run_until([&] { return result->calls > 0; });
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(every_member_can_ask_every_other_and_itself, asking_group) {
    for (std::uint64_t from = 1; from <= 3; ++from) {
        for (std::uint64_t to = 1; to <= 3; ++to) {
            const auto result = ask(from, to, "hello");
            BOOST_TEST(result->calls == 0);
            BOOST_REQUIRE(ended(result));
            BOOST_TEST(!result->failed);
            BOOST_TEST(result->said ==
                       std::to_string(to) + " to " + std::to_string(from) + ": hello");
        }
    }
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_asked_fails_at_once, asking_group) {
    BOOST_TEST(ask(1, 9, "hello")->failed == errc::peer_not_found);
    BOOST_TEST(ask(1, 2, std::string(call_bytes_max + 1, 'x'))->failed == errc::request_too_large);
    const auto largest = ask(1, 2, std::string(call_bytes_max - 8, 'x'));
    BOOST_REQUIRE(ended(largest));
    BOOST_TEST(!largest->failed);
    BOOST_TEST(largest->said.size() == call_bytes_max);
}

BOOST_FIXTURE_TEST_CASE(an_answer_that_is_too_long_is_none, asking_group) {
    const auto result = ask(1, 2, std::string(call_bytes_max, 'x'), milliseconds(50));
    BOOST_REQUIRE(ended(result));
    BOOST_TEST(result->failed == errc::read_timed_out);
}

BOOST_FIXTURE_TEST_CASE(without_an_answer_the_time_runs_out, asking_group) {
    seen[2].keeps = true;
    const auto result = ask(1, 2, "hello", milliseconds(50));
    BOOST_REQUIRE(ended(result));
    BOOST_TEST(result->failed == errc::read_timed_out);
    BOOST_REQUIRE(seen[2].kept.size() == 1u);
    seen[2].kept[0](shared_bytes::copy_of("late"));
    g.run_for(milliseconds(30));
    BOOST_TEST(result->calls == 1);
}

BOOST_FIXTURE_TEST_CASE(an_answer_may_come_later_but_only_once, asking_group) {
    seen[2].keeps = true;
    const auto result = ask(1, 2, "hello");
    BOOST_REQUIRE(g.run_until([&] { return seen[2].kept.size() == 1; }));
    BOOST_TEST(result->calls == 0);
    seen[2].kept[0](shared_bytes::copy_of("now"));
    seen[2].kept[0](shared_bytes::copy_of("again"));
    g.run_for(milliseconds(30));
    BOOST_TEST(result->calls == 1);
    BOOST_TEST(result->said == "now");
}

BOOST_AUTO_TEST_CASE(round_trips_are_timed_to_every_peer_that_answers) {
    std::map<std::uint64_t, server_metrics> counted; // outlives the group
    memory_group g;
    g.start_counted(counted);
    const auto timed = [&](std::uint64_t from, std::uint64_t to) {
        const auto& trips = counted.at(from).round_trips;
        const auto found = trips.find(node_id(to));
        return found == trips.end() ? 0 : found->second.count();
    };
    BOOST_TEST(g.run_until(
        [&] { return timed(1, 2) > 1 && timed(1, 3) > 1 && timed(2, 1) > 1 && timed(3, 2) > 1; }));
    BOOST_TEST(timed(1, 1) == 0u);
    g.isolate(3);
    g.run_for(milliseconds(50)); // what was under way arrives
    const std::uint64_t before = timed(1, 3);
    const std::uint64_t others = timed(1, 2);
    BOOST_TEST(g.run_until([&] { return timed(1, 2) > others + 2; }));
    BOOST_TEST(timed(1, 3) == before);
}

BOOST_FIXTURE_TEST_CASE(who_asks_and_who_answers_may_be_gone, asking_group) {
    seen[2].keeps = true;
    const auto result = ask(1, 2, "hello");
    BOOST_REQUIRE(g.run_until([&] { return seen[2].kept.size() == 1; }));
    g.stop(2);
    seen[2].kept[0](shared_bytes::copy_of("from beyond"));
    BOOST_TEST(result->calls == 0);
    g.stop(1);
    BOOST_TEST(result->calls == 1);
    BOOST_TEST(result->failed == errc::stopped);
}

BOOST_FIXTURE_TEST_CASE(only_so_many_are_under_way, asking_group) {
    seen[2].keeps = true;
    std::vector<std::shared_ptr<answer_of>> results;
    for (int i = 0; i < 1025; ++i) {
        results.push_back(ask(1, 2, "hello"));
    }
    BOOST_TEST(results.back()->failed == errc::too_many_unapplied);
    // The other member keeps no more than that either, whoever asks.
    for (int i = 0; i < 100; ++i) {
        results.push_back(ask(3, 2, "hello"));
    }
    g.run_for(milliseconds(50));
    BOOST_TEST(seen[2].kept.size() == 1024u);
}

BOOST_AUTO_TEST_SUITE_END()
