#include <quorate/log/recovery.hpp>

#include <array>
#include <bit>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(recovery)

BOOST_AUTO_TEST_CASE(a_segment_is_judged_as_the_table_says) {
    using enum segment_verdict;
    const auto met = mark_check::met;
    const auto missed = mark_check::missed;
    const auto differs = mark_check::differs;
    // For every way in which frames can end: limit, zeros, invalid.
    const struct {
        bool closed;
        bool same_boot;
        mark_check acknowledged;
        mark_check written;
        std::array<segment_verdict, 3> expected;
    } rows[] = {
        {false, false, met, met, {sound, sound, torn}},
        {false, false, met, missed, {torn, torn, torn}},
        {false, false, met, differs, {torn, torn, torn}},
        {false, false, missed, met, {damaged, damaged, damaged}},
        {false, false, missed, missed, {damaged, damaged, damaged}},
        {false, false, missed, differs, {damaged, damaged, damaged}},
        {false, false, differs, met, {damaged, damaged, damaged}},
        {false, false, differs, missed, {damaged, damaged, damaged}},
        {false, false, differs, differs, {damaged, damaged, damaged}},
        {false, true, met, met, {sound, sound, torn}},
        {false, true, met, missed, {damaged, damaged, damaged}},
        {false, true, met, differs, {damaged, damaged, damaged}},
        {false, true, missed, met, {damaged, damaged, damaged}},
        {false, true, missed, missed, {damaged, damaged, damaged}},
        {false, true, missed, differs, {damaged, damaged, damaged}},
        {false, true, differs, met, {damaged, damaged, damaged}},
        {false, true, differs, missed, {damaged, damaged, damaged}},
        {false, true, differs, differs, {damaged, damaged, damaged}},
        {true, false, met, met, {sound, sound, sound}},
        {true, false, met, missed, {sound, sound, sound}},
        {true, false, met, differs, {sound, sound, sound}},
        {true, false, missed, met, {damaged, damaged, damaged}},
        {true, false, missed, missed, {damaged, damaged, damaged}},
        {true, false, missed, differs, {damaged, damaged, damaged}},
        {true, false, differs, met, {damaged, damaged, damaged}},
        {true, false, differs, missed, {damaged, damaged, damaged}},
        {true, false, differs, differs, {damaged, damaged, damaged}},
        {true, true, met, met, {sound, sound, sound}},
        {true, true, met, missed, {sound, sound, sound}},
        {true, true, met, differs, {sound, sound, sound}},
        {true, true, missed, met, {damaged, damaged, damaged}},
        {true, true, missed, missed, {damaged, damaged, damaged}},
        {true, true, missed, differs, {damaged, damaged, damaged}},
        {true, true, differs, met, {damaged, damaged, damaged}},
        {true, true, differs, missed, {damaged, damaged, damaged}},
        {true, true, differs, differs, {damaged, damaged, damaged}},
    };
    const std::array ends{frames_end::limit, frames_end::zeros, frames_end::invalid};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < ends.size(); ++i) {
            const segment_findings found{row.closed, row.same_boot, row.acknowledged, row.written,
                                         ends[i]};
            BOOST_TEST((judge(found) == row.expected[i]), &row - rows << " " << i);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_mark_is_met_by_the_very_same_place) {
    const log_position mark{30000, 77, {term_id(2), log_index(9)}, 1};
    log_position at = mark;
    BOOST_TEST((compare_marks(at, mark) == mark_check::met));
    at.offset -= 1;
    BOOST_TEST((compare_marks(at, mark) == mark_check::missed));
    at = mark;
    at.chain ^= 1;
    BOOST_TEST((compare_marks(at, mark) == mark_check::differs));
    at = mark;
    at.last.term = term_id(1);
    BOOST_TEST((compare_marks(at, mark) == mark_check::differs));
    at = mark;
    at.truncations = 0;
    BOOST_TEST((compare_marks(at, mark) == mark_check::differs));
}

namespace {

segment_slot slot_of(std::uint64_t generation, std::uint64_t boot) {
    segment_slot slot;
    slot.generation = generation;
    slot.boot = boot;
    return slot;
}

} // namespace

BOOST_AUTO_TEST_CASE(slots_are_judged_as_the_table_says) {
    const std::uint64_t now = 5;
    // Copies of generations 7 and 8, written in this run of the machine, before, or who knows when.
    for (const std::uint64_t boot : {now, std::uint64_t{4}, std::uint64_t{0}}) {
        for (unsigned valid = 0; valid < 16; ++valid) {
            found_slots slots;
            for (unsigned i = 0; i < 4; ++i) {
                if ((valid & (1U << i)) != 0) {
                    slots[i / 2][i % 2] = slot_of(i < 2 ? 8 : 7, boot);
                }
            }
            const slot_findings found = compare_slots(slots, now);
            const bool place_lost = (valid & 3U) == 0 || (valid & 12U) == 0;
            slot_verdict expected = slot_verdict::sound;
            if (valid == 0 || (place_lost && boot == now)) {
                expected = slot_verdict::damaged;
            } else if (place_lost) {
                expected = slot_verdict::torn;
            }
            BOOST_TEST((judge(found) == expected), "boot " << boot << ", copies " << valid);
            BOOST_TEST(found.newest.has_value() == (valid != 0));
            if (found.newest) {
                BOOST_TEST(found.newest->generation == ((valid & 3U) != 0 ? 8U : 7U));
            }
            BOOST_TEST(found.invalid_copies == 4 - static_cast<unsigned>(std::popcount(valid)));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_slot_that_was_half_written_counts_or_does_not) {
    found_slots slots;
    slots[0] = {slot_of(10, 3), slot_of(8, 3)}; // the process ended between the copies
    slots[1] = {slot_of(9, 3), slot_of(9, 3)};
    BOOST_TEST((judge(compare_slots(slots, 3)) == slot_verdict::sound));
    BOOST_TEST(compare_slots(slots, 3).newest->generation == 10U);
}

BOOST_AUTO_TEST_CASE(a_boot_that_is_not_known_is_another) {
    BOOST_TEST(is_same_boot(slot_of(1, 5), 5));
    BOOST_TEST(!is_same_boot(slot_of(1, 5), 6));
    BOOST_TEST(!is_same_boot(slot_of(1, 0), 0));
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

BOOST_AUTO_TEST_CASE(a_fence_stands_at_the_greatest_loss) {
    const auto id = [](std::uint64_t term, std::uint64_t index) {
        return log_id{term_id(term), log_index(index)};
    };
    const auto hard = [](std::uint64_t term, std::uint64_t vote, lost_log lost) {
        return hard_state{term_id(term), node_id(vote), log_index(4), lost};
    };
    const auto lost = [](std::uint64_t term, std::uint64_t index) {
        return lost_log{term_id(term), log_index(index)};
    };
    BOOST_TEST((fence(hard(5, 2, {}), id(3, 9)) == hard(5, 2, lost(5, 9))));
    // It was in a term that its hard state does not know: whom it voted for is not known either.
    BOOST_TEST((fence(hard(5, 2, {}), id(6, 9)) == hard(6, 0, lost(6, 9))));
    // Lost twice, the second time less.
    BOOST_TEST((fence(hard(7, 2, lost(5, 20)), id(6, 9)) == hard(7, 2, lost(7, 20))));
    BOOST_TEST((fence(hard(5, 2, lost(5, 3)), id(3, 9)) == hard(5, 2, lost(5, 9))));
    // That something is lost must show, even if nobody knows what.
    BOOST_TEST((fence(hard(5, 2, {}), id(0, 0)) == hard(5, 2, lost(5, 1))));
}

BOOST_AUTO_TEST_SUITE_END()
