#include <quorate/server/start_state.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(start_state)

namespace {

using quorate::errc;
using quorate::log_id;
using quorate::log_index;
using quorate::node_id;
using quorate::recovered_log;
using quorate::snapshot_ptr;
using quorate::term_id;

log_id at(std::uint64_t term, std::uint64_t index) {
    return {term_id(term), log_index(index)};
}

snapshot_ptr snap(std::uint64_t term, std::uint64_t index) {
    auto made = std::make_shared<quorate::snapshot>();
    made->last = at(term, index);
    made->members.voters.insert(node_id(1));
    return made;
}

/// A log after `base` with one entry of each term given.
recovered_log log_of(log_id base, const std::vector<std::uint64_t>& terms, std::uint64_t term,
                     std::uint64_t commit) {
    recovered_log log;
    log.base = base;
    log.hard = {term_id(term), node_id(1), log_index(commit)};
    for (std::uint64_t t : terms) {
        log.entries.push_back({.term = term_id(t), .index = base.index + log.entries.size() + 1});
    }
    return log;
}

} // namespace

BOOST_AUTO_TEST_CASE(neither_snapshot_nor_log_is_a_fresh_start) {
    const auto start = quorate::make_start_state(nullptr, {});
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST(start->fresh);
    BOOST_TEST(!start->restart_log);
    BOOST_TEST(start->engine.hard.empty());
}

BOOST_AUTO_TEST_CASE(a_member_that_only_voted_is_not_fresh) {
    const auto start = quorate::make_start_state(nullptr, log_of({}, {}, 3, 0));
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST(!start->fresh);
    BOOST_TEST(start->engine.hard.term == term_id(3));
    BOOST_TEST(start->engine.hard.vote == node_id(1));
}

BOOST_AUTO_TEST_CASE(a_log_alone_is_taken_as_it_is) {
    const auto start = quorate::make_start_state(nullptr, log_of({}, {1, 1, 2}, 2, 2));
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST(!start->fresh);
    BOOST_TEST(!start->restart_log);
    BOOST_TEST(start->engine.entries.size() == 3u);
    BOOST_TEST(start->engine.applied == log_index(0));
    BOOST_TEST(start->engine.hard.commit == log_index(2));
}

BOOST_AUTO_TEST_CASE(a_snapshot_alone_begins_the_log_anew) {
    const auto start = quorate::make_start_state(snap(2, 7), {});
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST(start->restart_log);
    BOOST_TEST(!start->fresh);
    BOOST_TEST(start->engine.applied == log_index(7));
    BOOST_TEST((start->engine.hard == quorate::hard_state{term_id(2), node_id(), log_index(7)}));
}

BOOST_AUTO_TEST_CASE(a_snapshot_within_the_log_leaves_what_is_behind_it) {
    const auto start = quorate::make_start_state(snap(1, 6), log_of(at(1, 4), {1, 1, 2, 3}, 3, 5));
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST(!start->restart_log);
    BOOST_REQUIRE(start->engine.entries.size() == 2u);
    BOOST_TEST((start->engine.entries[0].id() == at(2, 7)));
    BOOST_TEST(start->engine.applied == log_index(6));
    BOOST_TEST(start->engine.hard.commit == log_index(6)); // a snapshot holds what is committed
}

BOOST_AUTO_TEST_CASE(a_snapshot_at_either_end_of_the_log_fits) {
    const auto front = quorate::make_start_state(snap(1, 4), log_of(at(1, 4), {1, 2}, 2, 6));
    BOOST_REQUIRE(front.has_value());
    BOOST_TEST(!front->restart_log);
    BOOST_TEST(front->engine.entries.size() == 2u);
    BOOST_TEST(front->engine.hard.commit == log_index(6));
    const auto back = quorate::make_start_state(snap(2, 6), log_of(at(1, 4), {1, 2}, 2, 6));
    BOOST_REQUIRE(back.has_value());
    BOOST_TEST(!back->restart_log);
    BOOST_TEST(back->engine.entries.empty());
}

BOOST_AUTO_TEST_CASE(a_log_that_ends_before_the_snapshot_begins_anew) {
    const auto start = quorate::make_start_state(snap(4, 9), log_of(at(1, 4), {1, 2}, 5, 6));
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST(start->restart_log);
    BOOST_TEST(start->engine.entries.empty());
    // What was promised stays promised.
    BOOST_TEST((start->engine.hard == quorate::hard_state{term_id(5), node_id(1), log_index(9)}));
}

BOOST_AUTO_TEST_CASE(a_log_with_another_history_begins_anew) {
    const auto inside = quorate::make_start_state(snap(3, 6), log_of(at(1, 4), {2, 2, 2}, 3, 4));
    BOOST_REQUIRE(inside.has_value());
    BOOST_TEST(inside->restart_log);
    BOOST_TEST(inside->engine.entries.empty());
    const auto base = quorate::make_start_state(snap(3, 4), log_of(at(2, 4), {2, 2}, 3, 4));
    BOOST_REQUIRE(base.has_value());
    BOOST_TEST(base->restart_log);
}

BOOST_AUTO_TEST_CASE(a_gap_between_snapshot_and_log_is_refused) {
    BOOST_TEST(quorate::make_start_state(snap(1, 3), log_of(at(1, 4), {1}, 1, 5)).error() ==
               make_error_code(errc::corrupt));
    BOOST_TEST(quorate::make_start_state(nullptr, log_of(at(1, 4), {1}, 1, 5)).error() ==
               make_error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(across_a_gap_a_salvaged_member_starts_fenced) {
    const auto start = quorate::make_start_state(snap(1, 3), log_of(at(1, 4), {1}, 2, 5), true);
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST(start->restart_log);
    BOOST_TEST(start->engine.entries.empty());
    BOOST_TEST(start->engine.applied == log_index(3));
    BOOST_TEST(start->engine.hard.commit == log_index(3));
    BOOST_TEST(start->engine.hard.term == term_id(2)); // what was promised stays promised
    BOOST_TEST(start->engine.hard.vote == node_id(1));
    BOOST_TEST((start->engine.hard.lost == quorate::lost_log{term_id(2), log_index(5)}));
    const auto bare = quorate::make_start_state(nullptr, log_of(at(1, 4), {1}, 2, 5), true);
    BOOST_REQUIRE(bare.has_value());
    BOOST_TEST(bare->restart_log);
    BOOST_TEST(!bare->fresh);
    BOOST_TEST((bare->engine.hard.lost == quorate::lost_log{term_id(2), log_index(5)}));
}

BOOST_AUTO_TEST_CASE(a_greater_loss_is_not_forgotten_over_a_gap) {
    recovered_log log = log_of(at(1, 4), {1}, 2, 5);
    log.hard.lost = {term_id(1), log_index(40)};
    const auto start = quorate::make_start_state(snap(1, 3), std::move(log), true);
    BOOST_REQUIRE(start.has_value());
    BOOST_TEST((start->engine.hard.lost == quorate::lost_log{term_id(2), log_index(40)}));
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_holds_what_was_lost_ends_the_fence) {
    for (const std::uint64_t lost : {6U, 7U}) {
        recovered_log log = log_of(at(1, 4), {1, 1}, 2, 5);
        log.hard.lost = {term_id(2), log_index(lost)};
        const auto start = quorate::make_start_state(snap(1, 6), std::move(log));
        BOOST_REQUIRE(start.has_value());
        BOOST_TEST((start->engine.hard.lost.index.value() == (lost == 6 ? 0U : 7U)));
    }
}

BOOST_AUTO_TEST_CASE(a_log_that_contradicts_itself_is_refused) {
    const auto refused = [](recovered_log log) {
        const auto start = quorate::make_start_state(snap(1, 2), std::move(log));
        return start.has_error() && start.error() == errc::corrupt;
    };
    BOOST_TEST(!refused(log_of(at(1, 2), {1, 2}, 2, 4)));
    BOOST_TEST(refused(log_of(at(1, 2), {1, 2}, 2, 5))); // committed what is not there
    BOOST_TEST(refused(log_of(at(1, 2), {1, 3}, 2, 4))); // an entry of a term that never was
    BOOST_TEST(refused(log_of(at(1, 2), {2, 1}, 2, 4))); // terms decrease
    recovered_log gap = log_of(at(1, 2), {1, 1, 1}, 2, 4);
    gap.entries.erase(gap.entries.begin() + 1);
    BOOST_TEST(refused(std::move(gap)));
}

BOOST_AUTO_TEST_CASE(a_snapshot_without_sound_members_is_refused) {
    auto odd = std::make_shared<quorate::snapshot>(*snap(1, 2));
    odd->members.learners.insert(node_id(1)); // a voter that is a learner
    BOOST_TEST(quorate::make_start_state(odd, {}).error() == make_error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_term_that_a_snapshot_raises_has_no_vote) {
    const auto raised = quorate::make_start_state(snap(3, 7), log_of(at(1, 2), {1, 1}, 2, 3));
    BOOST_REQUIRE(raised.has_value());
    BOOST_TEST(raised->engine.hard.term == term_id(3));
    BOOST_TEST(raised->engine.hard.vote == node_id());
    const auto kept = quorate::make_start_state(snap(2, 7), log_of(at(1, 2), {1, 1}, 2, 3));
    BOOST_REQUIRE(kept.has_value());
    BOOST_TEST(kept->engine.hard.vote == node_id(1));
}

BOOST_AUTO_TEST_SUITE_END()
