#include <quorate/log/recovery.hpp>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(recovery)

BOOST_AUTO_TEST_CASE(the_verdict_is_the_table_of_the_header) {
    const auto limit = frames_end::limit;
    const auto zeros = frames_end::zeros;
    const auto invalid = frames_end::invalid;
    const struct {
        segment_findings found;
        segment_verdict expected;
    } rows[] = {
        {{false, false, false, limit}, segment_verdict::damaged},
        {{false, false, true, zeros}, segment_verdict::damaged},
        {{true, false, true, invalid}, segment_verdict::damaged},
        {{false, true, false, limit}, segment_verdict::damaged},
        {{true, true, false, invalid}, segment_verdict::damaged},
        {{true, true, true, limit}, segment_verdict::sound},
        {{true, true, true, zeros}, segment_verdict::sound},
        {{true, true, true, invalid}, segment_verdict::sound},
        {{false, true, true, limit}, segment_verdict::sound},
        {{false, true, true, zeros}, segment_verdict::sound},
        {{false, true, true, invalid}, segment_verdict::torn},
    };
    for (const auto& row : rows) {
        BOOST_TEST((judge(row.found) == row.expected));
    }
}

BOOST_AUTO_TEST_CASE(the_newer_slot_counts) {
    segment_slot old_one;
    old_one.generation = 7;
    segment_slot new_one;
    new_one.generation = 8;
    BOOST_TEST(newest_slot(old_one, new_one)->generation == 8U);
    BOOST_TEST(newest_slot(new_one, old_one)->generation == 8U);
    BOOST_TEST(newest_slot(old_one, {})->generation == 7U);
    BOOST_TEST(newest_slot({}, new_one)->generation == 8U);
    BOOST_TEST(!newest_slot({}, {}).has_value());
}

namespace {

segment_header header_at(std::uint64_t term, std::uint64_t index, bool fresh) {
    segment_header header;
    header.sequence = 4;
    header.base = {term_id(term), log_index(index)};
    header.fresh = fresh;
    return header;
}

bool accept(replayed_log& log, std::uint64_t term, std::uint64_t index) {
    return log.accept(make_test_entry(term, index, "x"));
}

} // namespace

BOOST_AUTO_TEST_CASE(replay_refuses_what_contradicts_the_log) {
    replayed_log log(header_at(3, 10, true));
    BOOST_TEST(!accept(log, 3, 12)); // a gap
    BOOST_TEST(!accept(log, 2, 11)); // a falling term
    BOOST_TEST(!accept(log, 3, 10)); // the base is a snapshot's and stands
    BOOST_TEST(!accept(log, 0, 11)); // no entry has term zero
    BOOST_TEST(accept(log, 3, 11));
    BOOST_TEST(accept(log, 5, 12));
    BOOST_TEST(!accept(log, 4, 13));
    BOOST_TEST(!accept(log, 5, 0));
    BOOST_TEST((log.last() == log_id{term_id(5), log_index(12)}));
    BOOST_TEST(log.entries().size() == 2U);
}

BOOST_AUTO_TEST_CASE(replay_replaces_a_suffix) {
    replayed_log log(header_at(0, 0, true));
    for (std::uint64_t index = 1; index <= 5; ++index) {
        BOOST_REQUIRE(accept(log, 1, index));
    }
    log.settle();
    BOOST_TEST(log.unsettled().empty());
    BOOST_TEST(accept(log, 2, 3));
    BOOST_TEST((log.last() == log_id{term_id(2), log_index(3)}));
    BOOST_TEST(log.entries().size() == 3U);
    // What replaced settled entries must be written again, and so must all behind it.
    BOOST_TEST(log.unsettled().size() == 1U);
    BOOST_TEST(accept(log, 2, 4));
    BOOST_TEST(log.unsettled().size() == 2U);
    BOOST_TEST(accept(log, 3, 4));
    BOOST_TEST(log.unsettled().size() == 2U);
    BOOST_TEST(accept(log, 3, 1));
    BOOST_TEST(log.unsettled().size() == 1U);
    BOOST_TEST((log.base() == log_id{}));
}

BOOST_AUTO_TEST_CASE(replay_moves_a_base_whose_predecessors_are_compacted) {
    replayed_log log(header_at(3, 10, false));
    BOOST_REQUIRE(accept(log, 3, 11));
    BOOST_TEST(accept(log, 4, 8));
    BOOST_TEST((log.base() == log_id{term_id(4), log_index(8)}));
    BOOST_TEST((log.last() == log.base()));
    BOOST_TEST(log.entries().empty());
    BOOST_TEST(accept(log, 4, 9));
    BOOST_TEST(log.entries().size() == 1U);
}

BOOST_AUTO_TEST_CASE(segments_must_follow_each_other) {
    std::vector<segment_header> headers(3);
    headers[0].sequence = 5;
    headers[1].sequence = 6;
    headers[2].sequence = 7;
    log_damage damage;
    BOOST_TEST(!check_order(headers, damage));
    BOOST_TEST(!check_order(std::span(headers).first(1), damage));
    headers[2].sequence = 8;
    BOOST_TEST((check_order(headers, damage) == errc::corrupt));
    BOOST_TEST(damage.file == segment_name(headers[2]));
    headers[2].sequence = 6;
    BOOST_TEST((check_order(headers, damage) == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(hard_state_and_log_are_reconciled) {
    const auto id = [](std::uint64_t term, std::uint64_t index) {
        return log_id{term_id(term), log_index(index)};
    };
    const auto hard = [](std::uint64_t term, std::uint64_t vote, std::uint64_t commit) {
        return hard_state{term_id(term), node_id(vote), log_index(commit)};
    };
    const struct {
        hard_state before;
        log_id base;
        log_id last;
        hard_state after;
    } rows[] = {
        {hard(3, 2, 5), id(1, 2), id(3, 9), hard(3, 2, 5)},   // nothing to do
        {hard(3, 2, 12), id(1, 2), id(3, 9), hard(3, 2, 9)},  // commit before its entries
        {hard(3, 2, 1), id(1, 2), id(3, 9), hard(3, 2, 2)},   // what is compacted was committed
        {hard(3, 2, 5), id(1, 2), id(4, 9), hard(4, 0, 5)},   // entries before their term
        {hard(0, 0, 0), id(0, 0), id(0, 0), hard(0, 0, 0)},   // a new log
        {hard(2, 1, 0), id(6, 50), id(6, 50), hard(6, 0, 50)} // restarted at a snapshot
    };
    for (const auto& row : rows) {
        BOOST_TEST((reconcile(row.before, row.base, row.last) == row.after));
    }
}

BOOST_AUTO_TEST_SUITE_END()
