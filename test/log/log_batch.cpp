#include <quorate/log/log_batch.hpp>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(log_batch_suite)

BOOST_AUTO_TEST_CASE(appending_replaces_what_is_queued_from_there_on) {
    log_batch batch;
    BOOST_TEST(batch.empty());
    batch.append(make_entries(1, 5, 4));
    batch.append({});
    batch.append(make_entries(2, 7, 1));
    const std::vector<log_id> expected{
        {term_id(1), log_index(5)}, {term_id(1), log_index(6)}, {term_id(2), log_index(7)}};
    BOOST_TEST((ids_of(batch.entries) == expected));
    // Below what is queued: everything queued is replaced, and something written before is too.
    batch.append(make_entries(3, 2, 1));
    BOOST_TEST((ids_of(batch.entries) == std::vector<log_id>{{term_id(3), log_index(2)}}));
    BOOST_TEST(batch.writes());
}

BOOST_AUTO_TEST_CASE(a_restart_voids_entries_and_compaction_but_no_hard_state) {
    log_batch batch;
    batch.append(make_entries(1, 5, 4));
    batch.hard = hard_state{term_id(3), {}, {}};
    batch.compact_to(log_index(4));
    batch.restart_at({term_id(2), log_index(50)});
    batch.append(make_entries(2, 51, 1));
    BOOST_TEST(batch.entries.size() == 1U);
    BOOST_TEST(!batch.compact);
    BOOST_TEST(batch.hard.has_value());
}

BOOST_AUTO_TEST_CASE(compaction_only_moves_forward_and_is_no_write) {
    log_batch batch;
    batch.compact_to(log_index(9));
    batch.compact_to(log_index(4));
    BOOST_TEST((batch.compact == log_index(9)));
    BOOST_TEST(!batch.empty());
    BOOST_TEST(!batch.writes());
    batch.clear();
    BOOST_TEST(batch.empty());
}

BOOST_AUTO_TEST_CASE(clearing_keeps_the_memory) {
    log_batch batch;
    batch.append(make_entries(1, 1, 100));
    const std::size_t capacity = batch.entries.capacity();
    batch.clear();
    BOOST_TEST(batch.empty());
    BOOST_TEST(batch.entries.capacity() == capacity);
}

BOOST_AUTO_TEST_CASE(a_batch_that_was_not_written_goes_before_what_followed) {
    log_batch batch;
    batch.append(make_entries(1, 1, 4));
    batch.hard = hard_state{term_id(1), node_id(2), log_index(1)};
    batch.compact_to(log_index(1));
    log_batch later;
    later.append(make_entries(2, 3, 1));
    later.seal = true;
    batch.follow(std::move(later));
    BOOST_TEST(batch.entries.size() == 3U);
    BOOST_TEST(batch.entries.back().term.value() == 2U);
    BOOST_TEST((batch.hard == hard_state{term_id(1), node_id(2), log_index(1)}));
    BOOST_TEST(batch.compact.value() == 1U);
    BOOST_TEST(batch.seal);

    log_batch anew;
    anew.restart_at({term_id(3), log_index(9)});
    anew.append(make_entries(3, 10, 1));
    anew.hard = hard_state{term_id(3), {}, log_index(9)};
    batch.follow(std::move(anew));
    BOOST_TEST((batch.restart == log_id{term_id(3), log_index(9)}));
    BOOST_TEST(batch.entries.size() == 1U);
    BOOST_TEST(batch.hard->term.value() == 3U);
    BOOST_TEST(!batch.compact);
}

BOOST_AUTO_TEST_SUITE_END()
