#include <quorate/server/request_table.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(request_table)

namespace {

using quorate::entry_kind;
using quorate::errc;
using quorate::error_code;
using quorate::request_id;
using quorate::term_id;
using std::chrono::milliseconds;

using table_type = quorate::request_table<int>;
using time_point = table_type::time_point;

struct outcome {
    std::uint64_t id;
    error_code failed;
    int reply;

    friend bool operator==(const outcome&, const outcome&) = default;
    friend std::ostream& operator<<(std::ostream& out, const outcome& o) {
        return out << o.id << ':' << o.failed.message() << ':' << o.reply;
    }
};

/// A table whose clock starts at zero; requests live 1000 ms, and 300 ms without a leader.
struct fixture {
    void add(std::uint64_t id, std::size_t bytes = 1, entry_kind kind = entry_kind::normal) {
        const std::string payload(bytes, 'x');
        table.add(
            request_id(id), {kind, 0, quorate::shared_bytes::copy_of(payload)},
            [this, id](error_code failed, int reply) {
                outcomes.push_back({id, failed, reply});
            },
            now + milliseconds(1000), now + milliseconds(300));
    }
    std::vector<std::uint64_t> take(std::uint64_t bytes_max = 1000) {
        std::vector<std::uint64_t> ids;
        for (request_id id : table.take_batch(bytes_max).ids) {
            ids.push_back(id.number());
        }
        return ids;
    }
    std::vector<std::uint64_t> propose(std::uint64_t term) {
        std::vector<std::uint64_t> ids;
        auto& batch = table.take_batch(1000);
        for (request_id id : batch.ids) {
            ids.push_back(id.number());
        }
        number = batch.number;
        table.on_proposed(batch, term_id(term));
        return ids;
    }
    void pass(int ms) {
        now += milliseconds(ms);
        table.on_tick(now);
    }

    std::vector<outcome> outcomes; // before the table, whose handlers use it
    table_type table{100};
    time_point now{};
    std::uint64_t number = 0;
};

using ids = std::vector<std::uint64_t>;

} // namespace

BOOST_FIXTURE_TEST_CASE(a_reply_reaches_its_asker_once, fixture) {
    add(1);
    add(2);
    BOOST_TEST(table.size() == 2u);
    BOOST_TEST(propose(1) == (ids{1, 2}), boost::test_tools::per_element());
    BOOST_TEST(!table.has_queued());
    table.finish(request_id(2), {}, 22);
    table.finish(request_id(2), {}, 23);
    table.finish(request_id(7), {}, 77);
    BOOST_REQUIRE(outcomes.size() == 1u);
    BOOST_TEST(outcomes[0] == (outcome{2, {}, 22}));
    BOOST_TEST(table.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_batch_keeps_to_its_bytes_but_is_never_empty, fixture) {
    add(1, 600);
    add(2, 300);
    add(3, 200);
    add(4, 5000);
    BOOST_TEST(take(1000) == (ids{1, 2}), boost::test_tools::per_element());
    BOOST_TEST(take(1000) == (ids{3}), boost::test_tools::per_element());
    BOOST_TEST(take(1000) == (ids{4}), boost::test_tools::per_element());
    BOOST_TEST(take(1000).empty());
}

BOOST_FIXTURE_TEST_CASE(a_membership_change_goes_alone, fixture) {
    add(1);
    add(2, 1, entry_kind::change);
    add(3);
    BOOST_TEST(take() == (ids{1}), boost::test_tools::per_element());
    BOOST_TEST(take() == (ids{2}), boost::test_tools::per_element());
    BOOST_TEST(take() == (ids{3}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(batches_have_numbers_of_their_own, fixture) {
    add(1);
    BOOST_TEST(table.take_batch(1).number == 101u);
    add(2);
    BOOST_TEST(table.take_batch(1).number == 102u);
}

BOOST_FIXTURE_TEST_CASE(what_was_answered_is_not_proposed, fixture) {
    add(1);
    add(2);
    table.finish(request_id(1), {}, 1);
    BOOST_TEST(take() == (ids{2}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_refusal_for_now_queues_again_in_order, fixture) {
    add(1);
    add(2);
    auto& batch = table.take_batch(1000);
    add(3);
    BOOST_TEST(table.on_refused(batch, errc::no_leader));
    BOOST_TEST(outcomes.empty());
    BOOST_TEST(take() == (ids{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(every_reason_to_wait_queues_again, fixture) {
    add(1);
    for (const errc reason :
         {errc::no_leader, errc::not_leader, errc::leader_changed, errc::transfer_in_progress}) {
        auto& batch = table.take_batch(1000);
        BOOST_REQUIRE(batch.ids.size() == 1u);
        BOOST_TEST(table.on_refused(batch, reason));
        BOOST_TEST(outcomes.empty());
    }
}

BOOST_FIXTURE_TEST_CASE(a_refusal_for_good_is_the_answer, fixture) {
    add(1);
    add(2);
    auto& batch = table.take_batch(1000);
    BOOST_TEST(!table.on_refused(batch, errc::uncommitted_limit));
    BOOST_REQUIRE(outcomes.size() == 2u);
    BOOST_TEST(outcomes[0] == (outcome{1, errc::uncommitted_limit, 0}));
    BOOST_TEST(outcomes[1] == (outcome{2, errc::uncommitted_limit, 0}));
    BOOST_TEST(table.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(the_leader_refuses_one_forwarded_batch, fixture) {
    add(1);
    add(2);
    propose(3);
    const std::uint64_t first = number;
    add(3);
    propose(3);
    add(4);
    BOOST_TEST(table.on_refused(first, errc::not_leader));
    BOOST_TEST(propose(4) == (ids{1, 2, 4}), boost::test_tools::per_element());
    // Late copies of the refusal concern nobody any more.
    BOOST_TEST(!table.on_refused(first, errc::not_leader));
    BOOST_TEST(!table.has_queued());
    BOOST_TEST(!table.on_refused(first + 1, errc::change_pending));
    BOOST_REQUIRE(outcomes.size() == 1u);
    BOOST_TEST(outcomes[0] == (outcome{3, errc::change_pending, 0}));
}

// Else a peer's nonsense would propose a request twice.
BOOST_FIXTURE_TEST_CASE(a_refusal_of_no_batch_changes_nothing, fixture) {
    add(1);
    BOOST_TEST(!table.on_refused(0, errc::not_leader));
    BOOST_TEST(!table.on_refused(0, errc::request_too_large));
    BOOST_TEST(take() == (ids{1}), boost::test_tools::per_element());
    BOOST_TEST(take().empty());
    BOOST_TEST(outcomes.empty());
}

BOOST_FIXTURE_TEST_CASE(a_later_term_makes_certain_that_it_is_lost, fixture) {
    add(1);
    add(2);
    propose(3);
    add(3);
    propose(4);
    add(4);
    table.on_term_applied(term_id(3));
    BOOST_TEST(take(1) == (ids{4}), boost::test_tools::per_element());
    table.on_term_applied(term_id(4)); // 3 may still be applied, 1 and 2 cannot
    BOOST_TEST(propose(4) == (ids{1, 2}), boost::test_tools::per_element());
    table.on_term_applied(term_id(4));
    BOOST_TEST(!table.has_queued());
    table.on_term_applied(term_id(5));
    BOOST_TEST(take() == (ids{1, 2, 3}), boost::test_tools::per_element());
    BOOST_TEST(outcomes.empty());
}

BOOST_FIXTURE_TEST_CASE(many_are_proposed_again_in_the_order_of_arrival, fixture) {
    ids all;
    for (std::uint64_t i = 0; i < 200; ++i) {
        all.push_back(1000 + (i * 37) % 200); // numbers tell nothing of the order
        add(all.back());
    }
    BOOST_TEST(propose(1) == all, boost::test_tools::per_element());
    table.on_term_applied(term_id(2));
    BOOST_TEST(propose(2) == all, boost::test_tools::per_element());
    BOOST_TEST(table.on_refused(number, errc::transfer_in_progress));
    BOOST_TEST(propose(2) == all, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(an_older_request_is_merged_among_those_that_wait, fixture) {
    add(1);
    propose(1);
    const std::uint64_t first = number;
    add(2);
    propose(1);
    const std::uint64_t second = number;
    add(3);
    propose(1);
    const std::uint64_t third = number;
    table.on_refused(third, errc::not_leader);
    table.on_refused(first, errc::not_leader);
    table.on_refused(second, errc::not_leader);
    BOOST_TEST(take() == (ids{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_hides_the_fate_of_what_was_proposed, fixture) {
    add(1);
    propose(3);
    add(2);
    table.on_snapshot_installed(term_id(5));
    BOOST_REQUIRE(outcomes.size() == 1u);
    BOOST_TEST(outcomes[0] == (outcome{1, errc::outcome_unknown, 0}));
    BOOST_TEST(propose(5) == (ids{2}), boost::test_tools::per_element());
    // The terms that it stands for count as applied.
    table.on_term_applied(term_id(5));
    BOOST_TEST(!table.has_queued());
}

BOOST_FIXTURE_TEST_CASE(without_a_leader_a_request_ends_soon_and_for_certain, fixture) {
    add(1);
    pass(200);
    add(2);
    pass(99);
    BOOST_TEST(outcomes.empty());
    pass(1);
    BOOST_REQUIRE(outcomes.size() == 1u);
    BOOST_TEST(outcomes[0] == (outcome{1, errc::no_leader, 0}));
    BOOST_TEST(take() == (ids{2}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_proposed_request_waits_longer_and_ends_as_unknown, fixture) {
    add(1);
    propose(1);
    pass(999);
    BOOST_TEST(outcomes.empty());
    pass(1);
    BOOST_REQUIRE(outcomes.size() == 1u);
    BOOST_TEST(outcomes[0] == (outcome{1, errc::outcome_unknown, 0}));
    table.finish(request_id(1), {}, 1);
    BOOST_TEST(outcomes.size() == 1u);
    BOOST_TEST(table.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(what_is_certainly_lost_ends_as_not_applied, fixture) {
    add(1);
    propose(1);
    pass(500);
    table.on_term_applied(term_id(2)); // queued again, and over its short deadline
    pass(1);
    BOOST_REQUIRE(outcomes.size() == 1u);
    BOOST_TEST(outcomes[0] == (outcome{1, errc::no_leader, 0}));
}

BOOST_FIXTURE_TEST_CASE(a_slow_one_in_front_keeps_its_deadline, fixture) {
    add(1);
    add(2);
    propose(1);
    table.finish(request_id(2), {}, 2);
    add(3);
    propose(1);
    table.finish(request_id(3), {}, 3);
    pass(500);
    add(4);
    propose(1);
    pass(500);
    BOOST_REQUIRE(outcomes.size() == 3u);
    BOOST_TEST(outcomes[2] == (outcome{1, errc::outcome_unknown, 0}));
    pass(499);
    BOOST_TEST(outcomes.size() == 3u);
    pass(1);
    BOOST_REQUIRE(outcomes.size() == 4u);
    BOOST_TEST(outcomes[3] == (outcome{4, errc::outcome_unknown, 0}));
}

BOOST_FIXTURE_TEST_CASE(why_the_time_ran_out_is_asked_of_what_was_proposed, fixture) {
    pass(10);
    add(1);
    propose(1);
    table.explain_timeouts([](time_point began) {
        BOOST_TEST((began == time_point() + milliseconds(10)));
        return errc::timed_out_disconnected;
    });
    pass(700);
    add(2);
    pass(300);
    pass(1);
    BOOST_REQUIRE(outcomes.size() == 2u);
    BOOST_TEST(outcomes[0] == (outcome{1, errc::timed_out_disconnected, 0}));
    BOOST_TEST(outcomes[1] == (outcome{2, errc::no_leader, 0}));
}

BOOST_FIXTURE_TEST_CASE(stopping_answers_each_with_what_is_known, fixture) {
    add(1);
    propose(1);
    add(2);
    table.stop();
    BOOST_REQUIRE(outcomes.size() == 2u);
    std::sort(outcomes.begin(), outcomes.end(),
              [](const outcome& a, const outcome& b) { return a.id < b.id; });
    BOOST_TEST(outcomes[0] == (outcome{1, errc::outcome_unknown, 0}));
    BOOST_TEST(outcomes[1] == (outcome{2, errc::stopped, 0}));
    BOOST_TEST(table.size() == 0u);
    table.stop();
    BOOST_TEST(outcomes.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_handler_may_ask_again, fixture) {
    std::uint64_t next = 10;
    std::function<void(error_code, int)> again = [&](error_code, int) {
        if (next < 14) {
            table.add(request_id(next++), {}, again, now + milliseconds(1000),
                      now + milliseconds(300));
        }
    };
    again({}, 0);
    table.finish(request_id(10), {}, 1);
    table.on_refused(table.take_batch(1), errc::uncommitted_limit);
    pass(300);
    BOOST_TEST(next == 14u);
    BOOST_TEST(table.size() == 1u);
    propose(1);
    table.on_snapshot_installed(term_id(2));
    BOOST_TEST(table.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_handler_may_stop_everything, fixture) {
    add(1);
    table.add(
        request_id(2), {}, [this](error_code, int) { table.stop(); }, now + milliseconds(1000),
        now + milliseconds(300));
    add(3);
    pass(300);
    BOOST_TEST(outcomes.size() == 2u);
    BOOST_TEST(table.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(slow_requests_are_told_with_where_their_time_went, fixture) {
    std::vector<quorate::request_timing> slow;
    table.watch_slow(milliseconds(100),
                     [&](const quorate::request_timing& took) { slow.push_back(took); });
    pass(1);
    add(1);
    propose(1);
    pass(99);
    table.finish(request_id(1), {}, 5);
    BOOST_TEST(slow.empty());
    add(2);
    pass(60);
    propose(1);
    pass(40);
    table.finish(request_id(2), {}, 5);
    BOOST_REQUIRE(slow.size() == 1u);
    BOOST_TEST((slow[0].queued == milliseconds(60)));
    BOOST_TEST((slow[0].total == milliseconds(100)));
    BOOST_TEST(!slow[0].failed);
    add(3);
    pass(300); // nobody leads
    BOOST_REQUIRE(slow.size() == 2u);
    BOOST_TEST((slow[1].queued == slow[1].total));
    BOOST_TEST(slow[1].failed == error_code(errc::no_leader));
    table.watch_slow({}, [&](const quorate::request_timing& took) { slow.push_back(took); });
    add(4);
    pass(300);
    BOOST_TEST(slow.size() == 2u);
    BOOST_TEST(outcomes.size() == 4u);
}

BOOST_FIXTURE_TEST_CASE(bytes_count_payloads_until_each_is_answered, fixture) {
    BOOST_TEST(table.bytes() == 0u);
    add(1, 10);
    add(2, 200);
    BOOST_TEST(table.bytes() == 210u);
    propose(1000); // the payloads stay, to be proposed again
    BOOST_TEST(table.bytes() == 210u);
    table.finish(request_id(1), {}, 5);
    BOOST_TEST(table.bytes() == 200u);
    pass(1000);
    BOOST_TEST(table.bytes() == 0u);
    add(3, 30);
    table.stop();
    BOOST_TEST(table.bytes() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
