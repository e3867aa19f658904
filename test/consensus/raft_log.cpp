#include <quorate/consensus/raft_log.hpp>

#include <boost/test/unit_test.hpp>

#include <random>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(raft_logs)

using namespace quorate;
using namespace quorate::test;

namespace {

constexpr std::uint64_t no_limit = UINT64_MAX;

raft_log log_of(std::initializer_list<std::uint64_t> terms, std::uint64_t commit = 0,
                log_id base = {}) {
    return {base, run_of(base.index.value() + 1, terms), std::max(log_index(commit), base.index),
            base.index, no_limit};
}

log_id naive_hint(const raft_log& log, log_index index, term_id term) {
    for (; index.value() > 0; index = index.prev()) {
        const auto own = log.term_at(index);
        if (!own) {
            return {term_id{}, index};
        }
        if (*own <= term) {
            return {*own, index};
        }
    }
    return {};
}

} // namespace

BOOST_AUTO_TEST_CASE(bounds_and_terms) {
    const raft_log log = log_of({2, 2, 5}, 0, at(1, 10));
    BOOST_TEST(log.first() == log_index(11));
    BOOST_TEST(log.last() == log_index(13));
    BOOST_TEST(log.last_id() == at(5, 13));
    BOOST_CHECK(!log.term_at(log_index(9)));
    BOOST_CHECK(log.term_at(log_index(10)) == term_id(1));
    BOOST_CHECK(log.term_at(log_index(13)) == term_id(5));
    BOOST_CHECK(!log.term_at(log_index(14)));
    BOOST_TEST(log.matches(at(2, 12)));
    BOOST_TEST(!log.matches(at(5, 12)));
    BOOST_TEST(log_of({}, 0, at(3, 4)).last_id() == at(3, 4));
}

BOOST_AUTO_TEST_CASE(s5_4_1_the_newer_log) {
    const raft_log log = log_of({1, 2, 3});
    for (std::uint64_t index = 2; index <= 4; ++index) {
        BOOST_TEST(log.up_to_date(at(4, index)));
        BOOST_TEST(!log.up_to_date(at(2, index)));
        BOOST_TEST(log.up_to_date(at(3, index)) == (index >= 3));
    }
}

BOOST_AUTO_TEST_CASE(a_run_is_limited_in_bytes_but_never_empty) {
    raft_log log = log_of({1, 1, 1, 1});
    const std::uint64_t one = encoded_size(run_of(1, {1}).front());
    BOOST_TEST(log.from(log_index(2), 0).size() == 1U);
    BOOST_TEST(log.from(log_index(2), one).size() == 1U);
    BOOST_TEST(log.from(log_index(2), 2 * one - 1).size() == 1U);
    BOOST_TEST(log.from(log_index(2), 2 * one).size() == 2U);
    BOOST_TEST(log.from(log_index(2), no_limit).size() == 3U);
    BOOST_TEST(log.from(log_index(5), no_limit).empty());
    BOOST_TEST(log.range(log_index(2), 2).back().index == log_index(3));
}

BOOST_AUTO_TEST_CASE(conflict_hint_is_what_a_walk_finds) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 5000; ++round) {
        const std::uint64_t base = random() % 4;
        std::uint64_t term = base == 0 ? 0 : 1 + random() % 3;
        const log_id start = at(term, base);
        std::vector<entry> entries;
        for (std::uint64_t n = random() % 12; n > 0; --n) {
            term = std::max<std::uint64_t>(1, term) + random() % 2;
            entries.push_back(
                {.term = term_id(term), .index = log_index(base + 1 + entries.size())});
        }
        raft_log log(start, entries, start.index, start.index, no_limit);
        if (entries.size() > 2 && random() % 2 == 0) {
            log.commit_to(log.last());
            log.accept_applying(log.to_apply(true), true);
            log.on_applied(log.last(), 0);
            BOOST_TEST(!log.compact(log.first() + random() % 2));
        }
        for (std::uint64_t index = 0; index <= log.last().value() + 1; ++index) {
            for (std::uint64_t asked = 0; asked <= term + 1; ++asked) {
                BOOST_TEST(log.conflict_hint(log_index(index), term_id(asked)) ==
                           naive_hint(log, log_index(index), term_id(asked)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(append_replaces_a_suffix_that_differs) {
    struct row {
        log_id prev;
        std::initializer_list<std::uint64_t> terms;
        std::optional<log_index> covered;
        log_id last;
    };
    for (const row& r :
         {row{at(3, 3), {}, log_index(3), at(3, 3)}, row{at(3, 3), {4}, log_index(4), at(4, 4)},
          row{at(1, 1), {4}, log_index(2), at(4, 2)}, row{at(1, 1), {2}, log_index(2), at(3, 3)},
          row{at(1, 1), {2, 3, 5}, log_index(4), at(5, 4)},
          row{at(2, 3), {4}, std::nullopt, at(3, 3)}, row{at(4, 4), {4}, std::nullopt, at(3, 3)}}) {
        raft_log log = log_of({1, 2, 3}, 1);
        error_code failed;
        const auto covered = log.append(r.prev, run_of(r.prev.index.value() + 1, r.terms), failed);
        BOOST_TEST(!failed);
        BOOST_CHECK(covered == r.covered);
        BOOST_TEST(log.last_id() == r.last);
    }
}

BOOST_AUTO_TEST_CASE(r4_append_replaces_nothing_committed) {
    raft_log log = log_of({1, 2, 3}, 2);
    error_code failed;
    static_cast<void>(log.append(at(1, 1), run_of(2, {4}), failed));
    BOOST_CHECK(failed == errc::log_conflict);
    BOOST_TEST(log.last_id() == at(3, 3));
}

BOOST_AUTO_TEST_CASE(the_commit_index_moves_forward_and_within_the_log) {
    raft_log log = log_of({1, 1, 1}, 1);
    log.commit_to(log_index(2));
    log.commit_to(log_index(1));
    BOOST_TEST(log.committed() == log_index(2));
    log.commit_to(log_index(99));
    BOOST_TEST(log.committed() == log_index(3));
}

BOOST_AUTO_TEST_CASE(the_storage_cursors_follow_one_another) {
    raft_log log = log_of({1});
    BOOST_TEST(!log.has_unstable());
    log.push(run_of(2, {1}).front());
    log.push(run_of(3, {1}).front());
    BOOST_TEST(log.not_handed_out().size() == 2U);
    log.accept_handed_out();
    BOOST_TEST(log.not_handed_out().empty());
    BOOST_TEST(log.has_unstable());
    log.on_stable(at(1, 2));
    BOOST_TEST(log.stable() == log_index(2));
    log.on_stable(at(1, 1)); // older news
    BOOST_TEST(log.stable() == log_index(2));
    log.on_stable(at(2, 3)); // of an entry that is not there any more
    BOOST_TEST(log.stable() == log_index(2));
    log.on_stable(at(1, 3));
    BOOST_TEST(!log.has_unstable());
}

BOOST_AUTO_TEST_CASE(truncation_takes_the_storage_cursors_back) {
    raft_log log = log_of({1, 1, 1});
    error_code failed;
    static_cast<void>(log.append(at(1, 1), run_of(2, {2, 2}), failed));
    BOOST_TEST(log.stable() == log_index(1));
    BOOST_TEST(log.not_handed_out().size() == 2U);
    log.accept_handed_out();
    static_cast<void>(log.append(at(2, 2), run_of(3, {3}), failed));
    BOOST_TEST(log.not_handed_out().size() == 1U);
    log.on_stable(at(2, 3)); // the write that was replaced on its way
    BOOST_TEST(log.stable() == log_index(1));
    log.on_stable(at(2, 2));
    BOOST_TEST(log.stable() == log_index(2));
}

BOOST_AUTO_TEST_CASE(the_apply_cursors_follow_one_another) {
    raft_log log = log_of({1, 1, 1}, 2);
    BOOST_TEST(log.to_apply(false).size() == 2U);
    log.accept_applying(log.to_apply(false), false);
    BOOST_TEST(log.applying() == log_index(2));
    BOOST_TEST(log.applied() == log_index(0));
    BOOST_TEST(log.to_apply(false).empty());
    log.commit_to(log_index(3));
    BOOST_TEST(log.to_apply(false).size() == 1U);
    log.on_applied(log_index(2), 0);
    BOOST_TEST(log.applied() == log_index(2));
}

BOOST_AUTO_TEST_CASE(what_is_not_durable_is_applied_only_where_that_is_allowed) {
    raft_log log = log_of({});
    log.push(run_of(1, {1}).front());
    log.commit_to(log_index(1));
    BOOST_TEST(log.to_apply(false).empty());
    BOOST_TEST(log.to_apply(true).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_replaces_everything_and_holds_back_applying) {
    raft_log log = log_of({1, 1, 1}, 1);
    log.accept_applying(log.to_apply(false), false);
    log.restore(start_of(voters({1}), at(2, 9)));
    BOOST_TEST(log.first() == log_index(10));
    BOOST_TEST(log.last_id() == at(2, 9));
    BOOST_TEST(log.committed() == log_index(9));
    BOOST_TEST(log.snapshot_not_handed_out());
    log.accept_handed_out();
    BOOST_TEST(!log.snapshot_not_handed_out());
    error_code failed;
    static_cast<void>(log.append(at(2, 9), run_of(10, {2}), failed));
    log.commit_to(log_index(10));
    BOOST_TEST(log.to_apply(true).empty());
    log.on_applied(log_index(1), 0);      // of an apply that was under way
    log.on_snapshot_stable(log_index(8)); // of a snapshot that was replaced
    BOOST_CHECK(log.pending_snapshot() != nullptr);
    log.on_snapshot_stable(log_index(9));
    BOOST_CHECK(log.pending_snapshot() == nullptr);
    BOOST_TEST(log.applied() == log_index(9));
    BOOST_TEST(log.to_apply(true).size() == 1U);
}

BOOST_AUTO_TEST_CASE(compaction_keeps_the_term_before_the_first_entry) {
    raft_log log = log_of({1, 2, 2, 3}, 3);
    BOOST_CHECK(log.compact(log_index(2)) == errc::index_unavailable); // nothing is applied
    log.accept_applying(log.to_apply(false), false);
    log.on_applied(log_index(3), 0);
    BOOST_TEST(!log.compact(log_index(2)));
    BOOST_CHECK(log.compact(log_index(2)) == errc::index_compacted);
    BOOST_CHECK(log.compact(log_index(4)) == errc::index_unavailable);
    BOOST_TEST(log.first() == log_index(3));
    BOOST_TEST(log.base() == at(2, 2));
    BOOST_CHECK(log.term_at(log_index(2)) == term_id(2));
    BOOST_CHECK(!log.term_at(log_index(1)));
    BOOST_TEST(log.last_id() == at(3, 4));
    BOOST_TEST(log.from(log_index(3), no_limit).size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_not_durable_is_not_compacted) {
    raft_log log = log_of({});
    log.push(run_of(1, {1}).front());
    log.commit_to(log_index(1));
    log.accept_applying(log.to_apply(true), true);
    log.on_applied(log_index(1), 0);
    BOOST_CHECK(log.compact(log_index(1)) == errc::index_unavailable);
    log.on_stable(at(1, 1));
    BOOST_TEST(!log.compact(log_index(1)));
}

BOOST_AUTO_TEST_CASE(a_log_that_is_compacted_as_it_grows_keeps_its_entries) {
    std::mt19937_64 random(1);
    raft_log log = log_of({});
    std::uint64_t term = 1;
    for (int round = 0; round < 20000; ++round) {
        term += random() % 16 == 0 ? 1U : 0U;
        log.push({.term = term_id(term),
                  .index = log.last().next(),
                  .payload = shared_bytes::copy_of(std::to_string(log.last().value() + 1))});
        log.accept_handed_out();
        log.on_stable(log.last_id());
        log.commit_to(log.last());
        const auto batch = log.to_apply(false);
        log.accept_applying(batch, false);
        log.on_applied(log.last(), encoded_size(batch));
        if (random() % 8 == 0) {
            BOOST_TEST(!log.compact(log.first() + random() % (log.last().next() - log.first())));
        }
        for (const entry& e : log.from(log.first(), no_limit)) {
            BOOST_REQUIRE(e.payload.view() == std::to_string(e.index.value()));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
