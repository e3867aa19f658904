#include <quorate/format/record.hpp>
#include <quorate/server/trace_list.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(trace_list)

using namespace quorate;

namespace {

struct fixture {
    quorate::trace_list traces{node_id(1), [] { return quorate::trace_list::clock::now(); }};

    std::shared_ptr<quorate::request_trace> follow(std::uint64_t id,
                                                   std::function<void()> committed = {}) {
        auto trace = std::make_shared<quorate::request_trace>();
        trace->begin(node_id(1), quorate::request_trace::clock::now());
        traces.add(request_id(id), trace, std::move(committed));
        return trace;
    }
    void append(std::uint64_t id, std::uint64_t index) {
        draft bytes(request_id_bytes);
        store_request_id(bytes.data(), request_id(id));
        const shared_bytes payload = std::move(bytes).freeze();
        entries = {entry{term_id(3), log_index(index), entry_kind::normal,
                         payload_checksum_of(payload.view()), payload}};
        batch.append = entries;
        for (std::uint64_t to : {2U, 3U}) {
            message m{.kind = message_kind::append, .to = node_id(to), .from = node_id(1)};
            m.entries = entries;
            batch.send_now.push_back(m);
        }
        traces.on_effects(batch);
        batch.append = {};
    }
    void acknowledge(std::uint64_t from, std::uint64_t index, bool reject = false) {
        traces.on_message({.kind = message_kind::append_response,
                           .reject = reject,
                           .to = node_id(1),
                           .from = node_id(from),
                           .index = log_index(index)});
    }
    std::vector<entry> entries;
    effects batch;
};

bool saw(const quorate::request_trace& trace, trace_step step, std::uint64_t member) {
    return trace.has(step, node_id(member));
}

} // namespace

BOOST_FIXTURE_TEST_CASE(a_leader_sees_the_whole_way, fixture) {
    const auto trace = follow(50);
    const request_id ids[] = {request_id(49), request_id(50)};
    traces.on_proposed(ids, node_id(1));
    append(50, 8);
    BOOST_TEST(trace->entry() == (log_id{term_id(3), log_index(8)}));
    traces.on_stable({term_id(3), {term_id(3), log_index(7)}, {}});
    acknowledge(2, 7);
    acknowledge(3, 8, true);
    BOOST_TEST(!saw(*trace, trace_step::durable, 1));
    BOOST_TEST(!saw(*trace, trace_step::acknowledged, 2));
    BOOST_TEST(!saw(*trace, trace_step::acknowledged, 3));
    traces.on_stable({term_id(3), {term_id(3), log_index(9)}, {}});
    acknowledge(2, 9);
    traces.on_commit(log_index(7));
    BOOST_TEST(!saw(*trace, trace_step::committed, 1));
    traces.on_commit(log_index(8));
    traces.on_commit(log_index(9));
    traces.on_applied(request_id(50), 12);
    std::string steps;
    for (const trace_event& event : trace->events()) {
        steps += std::string(name_of(event.step)) + std::to_string(event.member.value()) + ' ';
    }
    BOOST_TEST(steps ==
               "admitted1 proposed1 appended1 sent2 sent3 durable1 acknowledged2 "
               "committed1 applied1 ");
    BOOST_TEST(trace->revision() == 12u);
}

BOOST_FIXTURE_TEST_CASE(what_goes_to_another_leader_is_forwarded, fixture) {
    const auto trace = follow(50);
    const request_id ids[] = {request_id(50)};
    traces.on_proposed(ids, node_id(3));
    BOOST_TEST(saw(*trace, trace_step::forwarded, 3));
    BOOST_TEST(!saw(*trace, trace_step::proposed, 1));
}

BOOST_FIXTURE_TEST_CASE(other_requests_leave_no_mark, fixture) {
    const auto trace = follow(50);
    append(51, 8);
    traces.on_commit(log_index(100));
    acknowledge(2, 100);
    traces.on_applied(request_id(51), 1);
    BOOST_TEST(trace->events().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_entry_that_is_sent_again_was_sent_once, fixture) {
    const auto trace = follow(50);
    append(50, 8);
    const std::size_t before = trace->events().size();
    traces.on_effects(batch);
    BOOST_TEST(trace->events().size() == before);
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_the_commit_is_told_once, fixture) {
    int told = 0;
    const auto trace = follow(50, [&] { ++told; });
    traces.on_commit(log_index(100));
    BOOST_TEST(told == 0);
    append(50, 8);
    traces.on_commit(log_index(7));
    BOOST_TEST(told == 0);
    traces.on_commit(log_index(8));
    traces.on_commit(log_index(8));
    BOOST_TEST(told == 1);
    BOOST_TEST(saw(*trace, trace_step::committed, 1));
    BOOST_TEST(traces.empty());
}

BOOST_FIXTURE_TEST_CASE(requests_are_forgotten, fixture) {
    follow(50);
    follow(51);
    traces.erase(request_id(50));
    BOOST_TEST(traces.size() == 1u);
    traces.expire(quorate::trace_list::clock::now() - std::chrono::hours(1));
    BOOST_TEST(traces.size() == 1u);
    traces.expire(quorate::trace_list::clock::now() + std::chrono::hours(1));
    BOOST_TEST(traces.empty());
    for (std::uint64_t id = 1; id < 1000; ++id) {
        follow(id);
    }
    BOOST_TEST(traces.size() == quorate::trace_list::traced_max);
}

BOOST_AUTO_TEST_SUITE_END()
