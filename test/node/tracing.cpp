#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <thread>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(tracing)

using namespace node_test;

namespace {

struct traced_write {
    std::shared_ptr<request_trace> trace = std::make_shared<request_trace>();
    std::shared_ptr<outcome> result = std::make_shared<outcome>();
};

traced_write write(memory_group& g, std::uint64_t asked, const std::string& word) {
    traced_write made;
    g.nodes.at(asked)->submit(
        word,
        [result = made.result](error_code failed, std::size_t) {
            result->done = true;
            ++result->calls;
            result->failed = failed;
        },
        made.trace);
    return made;
}

std::string steps_of(const request_trace& trace) {
    std::string steps;
    for (const trace_event& event : trace.events()) {
        steps +=
            std::string(name_of(event.step)) + ' ' + std::to_string(event.member.value()) + ", ";
    }
    return steps;
}

/// Counts what it is asked and answered.
struct recording_peer final : transport_sink {
    int calls = 0;

    void on_message(const message&) override {}
    void on_unreachable(node_id) override {}
    void on_snapshot_sent(node_id, bool) override {}
    void on_removed() override {}
    void on_call(node_id, const member_call&) override { ++calls; }
};

std::size_t count(const request_trace& trace, trace_step step) {
    return static_cast<std::size_t>(
        std::count_if(trace.events().begin(), trace.events().end(),
                      [step](const trace_event& event) { return event.step == step; }));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_leader_shows_the_whole_way) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    BOOST_REQUIRE(g.wrote(leads, "before"));
    const traced_write write_here = write(g, leads, "word");
    BOOST_REQUIRE(g.finished(write_here.result));
    BOOST_TEST(!write_here.result->failed);
    const request_trace& trace = *write_here.trace;
    BOOST_TEST_CONTEXT(trace.text()) {
        for (const trace_step step :
             {trace_step::admitted, trace_step::proposed, trace_step::appended, trace_step::durable,
              trace_step::committed, trace_step::applied, trace_step::answered}) {
            BOOST_TEST(trace.has(step, node_id(leads)), name_of(step));
            BOOST_TEST(count(trace, step) == 1u);
        }
        BOOST_TEST(count(trace, trace_step::sent) == 2u);
        BOOST_TEST(count(trace, trace_step::acknowledged) >= 1u);
        BOOST_TEST(count(trace, trace_step::forwarded) == 0u);
        BOOST_TEST((trace.events().back().step == trace_step::answered));
        BOOST_TEST(trace.entry().term == g.nodes.at(leads)->status().engine.hard.term);
        BOOST_TEST(trace.entry().index <= g.nodes.at(leads)->status().applied);
    }
}

BOOST_AUTO_TEST_CASE(a_follower_shows_its_own_way_and_the_leaders) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    const std::uint64_t asked = g.follower();
    BOOST_REQUIRE(g.wrote(asked, "before"));
    const traced_write forwarded = write(g, asked, "word");
    BOOST_REQUIRE(g.finished(forwarded.result));
    const request_trace& trace = *forwarded.trace;
    BOOST_TEST_CONTEXT(steps_of(trace)) {
        BOOST_TEST(trace.has(trace_step::forwarded, node_id(leads)));
        BOOST_TEST(!trace.has(trace_step::proposed, node_id(asked)));
        BOOST_TEST(trace.has(trace_step::applied, node_id(asked)));
        for (const std::uint64_t by : {leads, asked}) {
            for (const trace_step step :
                 {trace_step::admitted, trace_step::appended, trace_step::committed}) {
                BOOST_TEST(trace.has(step, node_id(by)), name_of(step));
            }
        }
        BOOST_TEST(trace.has(trace_step::sent, node_id(asked)));
        BOOST_TEST((trace.events().back() ==
                    trace_event{trace_step::answered, node_id(asked), trace.events().back().at}));
    }
}

BOOST_AUTO_TEST_CASE(without_a_leader_the_time_until_there_is_one_shows) {
    memory_group g;
    g.start(1);
    g.run_for(milliseconds(100)); // alone, it campaigns in vain
    const traced_write early = write(g, 1, "word");
    g.start(2);
    BOOST_REQUIRE(g.finished(early.result));
    BOOST_TEST(!early.result->failed);
    const bool went = early.trace->has(trace_step::proposed, node_id(1)) ||
                      early.trace->has(trace_step::forwarded, node_id(2));
    BOOST_TEST(went, steps_of(*early.trace));
}

BOOST_AUTO_TEST_CASE(a_request_that_fails_says_how_far_it_came) {
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.request_timeout = milliseconds(100);
        options.leader_wait = milliseconds(100);
        g.start(options);
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    const std::uint64_t leads = g.leader();
    BOOST_REQUIRE(g.wrote(leads, "before"));
    g.isolate(leads);
    const traced_write lost = write(g, leads, "word");
    BOOST_REQUIRE(g.finished(lost.result));
    BOOST_TEST((lost.result->failed == condition::outcome_unknown));
    BOOST_TEST(lost.trace->has(trace_step::durable, node_id(leads)));
    BOOST_TEST(!lost.trace->has(trace_step::committed, node_id(leads)));
    BOOST_TEST(lost.trace->has(trace_step::answered, node_id(leads)));
    const traced_write refused = write(g, leads, std::string(2'000'000, 'x'));
    BOOST_TEST(refused.trace->events().empty());
}

// A leader that is asked for a trace that it never sees must not keep it.
BOOST_AUTO_TEST_CASE(nonsense_from_a_peer_is_harmless) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    recording_peer stranger;
    transport_options wire;
    wire.cluster = cluster_id(7);
    wire.self = node_id(9);
    loopback_transport from(g.network, wire);
    BOOST_REQUIRE(!from.start(stranger));
    BOOST_REQUIRE(!from.add_peer(node_id(leads), "nowhere"));
    for (const char* asked : {"", "1234567", "12345678", "123456789"}) {
        for (const int topic : {0, 1, 2, 255}) {
            for (const bool answers : {false, true}) {
                BOOST_TEST(from.call(node_id(leads), {7, answers, shared_bytes::copy_of(asked),
                                                      static_cast<std::uint8_t>(topic)}));
            }
        }
    }
    g.run_for(milliseconds(20));
    BOOST_TEST(g.wrote(leads, "word"));
    BOOST_TEST(stranger.calls == 0);
}

BOOST_AUTO_TEST_CASE(slow_requests_are_logged_and_not_one_by_one) {
    memory_group g(1);
    std::vector<std::string> lines;
    node_options options = g.options_of(1);
    options.slow_request = milliseconds(30);
    options.log = [&lines](severity level, const std::string& line) {
        if (level == severity::warning) {
            lines.push_back(line);
        }
    };
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    BOOST_REQUIRE(g.wrote(1, "fast"));
    BOOST_TEST(lines.empty());
    std::vector<std::shared_ptr<outcome>> slow;
    for (int i = 0; i < 5; ++i) {
        slow.push_back(g.submit(1, "slow"));
    }
    std::this_thread::sleep_for(milliseconds(40));
    for (const auto& result : slow) {
        BOOST_REQUIRE(g.finished(result));
    }
    BOOST_REQUIRE(lines.size() == 1u);
    BOOST_TEST(lines[0].starts_with("slow request: "));
    BOOST_TEST(lines[0].find(" ms until it was proposed and ") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
