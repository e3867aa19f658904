#include <quorate/format/frame.hpp>
#include <quorate/server/node_limits.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(node_limits)

using namespace quorate;

namespace {

using change = std::function<void(node_options&)>;

std::string problem_after(const change& make, std::uint64_t frame_bytes_max = frame_bytes_limit,
                          bool has_database = false) {
    quorate::node_options options;
    options.id = node_id(1);
    make(options);
    return limit_problem(options, frame_bytes_max, has_database);
}

bool names(const std::string& problem, const std::vector<std::string>& words) {
    for (const std::string& word : words) {
        if (problem.find(word) == std::string::npos) {
            return false;
        }
    }
    return true;
}

} // namespace

BOOST_AUTO_TEST_CASE(defaults_fit_one_another) {
    BOOST_TEST(problem_after([](auto&) {}) == "");
    BOOST_TEST(problem_after([](auto&) {}, frame_bytes_limit, true) == "");
    BOOST_TEST(switch_problem({}) == "");
}

BOOST_AUTO_TEST_CASE(request_over_every_frame_is_named_with_both_values) {
    const auto make = [](auto& o) {
        o.request_bytes_max = entry_bytes_limit + 1;
        o.pending_bytes_max = entry_bytes_limit + 1;
    };
    const std::string problem = problem_after(make);
    BOOST_TEST(names(problem, {"request_bytes_max", std::to_string(entry_bytes_limit),
                               std::to_string(entry_bytes_limit + 1)}),
               problem);
}

BOOST_AUTO_TEST_CASE(request_that_just_fits_a_frame_is_allowed) {
    const auto make = [](auto& o) {
        o.request_bytes_max = 1000;
        o.engine.append_bytes_max = 100;
    };
    BOOST_TEST(problem_after(make, 1000 + frame_bytes_around_entry) == "");
    const std::string problem = problem_after(make, 999 + frame_bytes_around_entry);
    BOOST_TEST(names(problem, {"request_bytes_max (1000)", "(999)"}), problem);
}

// What append_bytes_max counts as 6 bytes takes a record's header of 32 in a frame.
BOOST_AUTO_TEST_CASE(append_of_empty_entries_fits_a_frame) {
    const auto make = [](auto& o) {
        o.request_bytes_max = 100;
        o.engine.append_bytes_max = 6000;
    };
    const std::uint64_t least = 6 * 6000 + frame_bytes_around_entry;
    BOOST_TEST(problem_after(make, least) == "");
    const std::string problem = problem_after(make, least - 1);
    BOOST_TEST(names(problem, {"append_bytes_max (6000)", "(5999)"}), problem);

    message append{.kind = message_kind::append};
    std::vector<entry> entries;
    while (encoded_size(entries) + 6 <= 6000) {
        entries.push_back({.term = term_id(1), .index = log_index(1)});
    }
    append.entries = entries;
    BOOST_TEST(frame_size(append) <= least);
}

BOOST_AUTO_TEST_CASE(each_other_relation_is_checked) {
    BOOST_TEST(names(problem_after([](auto& o) { o.pending_bytes_max = 1000; }),
                     {"request_bytes_max", "pending_bytes_max (1000)"}));
    BOOST_TEST(names(problem_after([](auto& o) { o.peer_queue_bytes_max = 1000; }),
                     {"append_bytes_max", "peer_queue_bytes_max (1000)"}));
    BOOST_TEST(
        names(problem_after([](auto& o) { o.engine.log_bytes_max = 2 * o.snapshot_bytes - 2; }),
              {"snapshot_bytes", "half of engine.log_bytes_max (268435455)"}));
    BOOST_TEST(problem_after([](auto& o) { o.engine.log_bytes_max = 0; }) == "");
    const change small_snapshots = [](auto& o) { o.snapshot_bytes_max = 1000; };
    BOOST_TEST(problem_after(small_snapshots) == "");
    BOOST_TEST(names(problem_after(small_snapshots, frame_bytes_limit, true),
                     {"database_bytes_max", "snapshot_bytes_max (1000)"}));
    const change large_quota = [](auto& o) {
        o.database_bytes_max = 5000;
        o.database_bytes_least = 5001;
    };
    BOOST_TEST(problem_after(large_quota) == "");
    BOOST_TEST(names(problem_after(large_quota, frame_bytes_limit, true),
                     {"quota (5001)", "database_bytes_max (5000)"}));
}

BOOST_AUTO_TEST_CASE(each_rule_that_a_node_rests_on_is_required) {
    using flip = bool raft_options::*;
    const std::pair<flip, const char*> rules[] = {
        {&raft_options::answer_refusals, "answer_refusals"},
        {&raft_options::check_leader, "check_leader"},
        {&raft_options::async_storage, "async_storage"},
        {&raft_options::validate_changes, "validate_changes"},
        {&raft_options::join_from_any_snapshot, "join_from_any_snapshot"},
        {&raft_options::repair_lost_logs, "repair_lost_logs"},
        {&raft_options::strict_leases, "strict_leases"},
        {&raft_options::transfer_timer, "transfer_timer"},
    };
    for (const auto& [rule, name] : rules) {
        raft_options engine;
        engine.*rule = false;
        BOOST_TEST(names(switch_problem(engine), {name}), name);
    }
    BOOST_TEST(switch_problem(raft_options::exact(node_id(1))) != "");
}

BOOST_AUTO_TEST_CASE(held_entry_over_a_frame_is_named) {
    const std::vector<entry> held{
        {.term = term_id(1), .index = log_index(1)},
        {.term = term_id(1), .index = log_index(2), .payload = shared_bytes::copy_of("hello")},
    };
    BOOST_TEST(held_entry_problem(held, 5 + frame_bytes_around_entry) == "");
    BOOST_TEST(names(held_entry_problem(held, 4 + frame_bytes_around_entry),
                     {"entry 2 ", "5 bytes", "at most 4"}));
}

BOOST_AUTO_TEST_SUITE_END()
