#include <quorate/base/limits.hpp>
#include <quorate/consensus/forwarded_batches.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(forwarded_batches)

using namespace quorate;
using namespace quorate::test;

namespace {

constexpr node_id sender(2);

owned_message forward(std::uint64_t term, std::uint64_t number, const char* payload = "x") {
    message m = to_from(message_kind::proposal, 1, 2, 0);
    m.log_term = term_id(term);
    m.context = number;
    return {m, {entry{.payload = shared_bytes::copy_of(payload)}}};
}

/// Member 1 of three leads term 1, with nothing on the network.
struct leading {
    member m;

    explicit leading(raft_options options = usual(1),
                     disk found = {{}, start_of(voters({1, 2, 3})), {}})
        : m(options, std::move(found)) {
        elect();
    }
    void elect() {
        m.run([](raft& r) { static_cast<void>(r.campaign()); });
        m.settle();
        const bool asks_first = m.role() == role_kind::pre_candidate;
        const std::uint64_t term = m.term().value() + (asks_first ? 1 : 0);
        if (asks_first) {
            m.step(vote_answer(2, 1, term, false, message_kind::pre_vote_response));
            m.settle();
        }
        m.step(vote_answer(2, 1, term));
        m.settle();
        BOOST_REQUIRE((m.role() == role_kind::leader));
        acknowledge();
    }
    void acknowledge() {
        m.step(ack_from(2, 1, m.term().value(), m.last().value()));
        m.settle();
        m.outbox.clear();
    }
    /// Returns: the reasons that left since the last call.
    std::vector<errc> refused() {
        m.settle();
        std::vector<errc> reasons;
        for (const owned_message& sent : only(m.outbox, message_kind::proposal_refused)) {
            reasons.push_back(static_cast<errc>(sent->reject_hint.value()));
        }
        m.outbox.clear();
        return reasons;
    }
};

/// Returns: the append by which the leader of `term` commits its first entry at a stale member, and
/// confirms the member. Requires: the member's start drew no jitter.
owned_message confirmation_to(const member& m, std::uint64_t leader, std::uint64_t term) {
    const log_id last = m.engine().log().last_id();
    message append = to_from(message_kind::append, m.id().value(), leader, term);
    append.lost = true;
    append.log_term = last.term;
    append.index = last.index;
    append.commit = last.index.next();
    append.reject_hint = last.index.next();
    append.context = 1;
    return {append, {entry{.term = term_id(term), .index = last.index.next()}}};
}

} // namespace

BOOST_AUTO_TEST_CASE(number_is_new_once) {
    quorate::forwarded_batches seen;
    BOOST_TEST(seen.add(sender, 5));
    BOOST_TEST(!seen.add(sender, 5));
    BOOST_TEST(seen.add(node_id(3), 5));
    BOOST_TEST(seen.add(sender, 7));
    BOOST_TEST(seen.add(sender, 6)); // joins two runs
    for (const std::uint64_t number : {5U, 6U, 7U}) {
        BOOST_TEST(!seen.add(sender, number));
    }
    BOOST_TEST(seen.add(sender, 4));
    BOOST_TEST(seen.add(sender, 8));
    BOOST_TEST(seen.add(sender, UINT64_MAX));
    BOOST_TEST(seen.add(sender, 0));
    BOOST_TEST(!seen.add(sender, UINT64_MAX));
    BOOST_TEST(!seen.add(sender, 0));
    seen.clear();
    BOOST_TEST(seen.add(sender, 5));
}

BOOST_AUTO_TEST_CASE(number_in_any_order_is_new_once) {
    std::minstd_rand random(1);
    quorate::forwarded_batches seen;
    std::set<std::uint64_t> model;
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t number = random() % 60; // at most 30 runs
        BOOST_TEST_REQUIRE(seen.add(sender, number) == model.insert(number).second);
    }
}

BOOST_AUTO_TEST_CASE(number_counts_as_old_where_memory_ends) {
    constexpr std::uint64_t runs = 10 * quorate::forwarded_batches::runs_max;
    quorate::forwarded_batches seen;
    std::set<std::uint64_t> added;
    for (std::uint64_t i = 0; i < runs; ++i) {
        const std::uint64_t number = (i * 389 % runs) * 3;
        if (seen.add(sender, number)) {
            added.insert(number);
        }
    }
    for (const std::uint64_t number : added) {
        BOOST_TEST(!seen.add(sender, number));
    }
    BOOST_TEST(seen.add(sender, 3 * runs + 1)); // beyond all of them
}

BOOST_AUTO_TEST_CASE(number_of_another_life_is_new_beside_many_gaps) {
    quorate::forwarded_batches seen;
    BOOST_TEST(seen.add(sender, std::uint64_t{1} << 60));
    for (std::uint64_t i = 0; i < 1000; ++i) {
        BOOST_TEST(seen.add(sender, 2 * i));
    }
    BOOST_TEST(seen.add(sender, std::uint64_t{1} << 40));
    BOOST_TEST(!seen.add(sender, std::uint64_t{1} << 60));
}

BOOST_AUTO_TEST_CASE(senders_are_bounded) {
    quorate::forwarded_batches seen;
    for (std::uint64_t id = 1; id <= quorate::forwarded_batches::senders_max; ++id) {
        BOOST_TEST_REQUIRE(seen.add(node_id(id), 1));
    }
    BOOST_TEST(!seen.add(node_id(UINT64_MAX), 1));
    BOOST_TEST(seen.add(node_id(1), 2));
}

BOOST_AUTO_TEST_CASE(forward_delivered_twice_is_appended_once) {
    leading one;
    const log_index before = one.m.last();
    for (const std::uint64_t number : {8U, 8U, 7U, 8U, 7U}) { // reordered, too
        one.m.step(forward(1, number));
    }
    BOOST_TEST(one.m.last() == before + 2);
    BOOST_TEST(one.refused().empty());
}

BOOST_AUTO_TEST_CASE(forward_that_was_refused_is_never_appended) {
    raft_options options = usual(1);
    options.uncommitted_bytes_max = 1;
    leading one(options);
    BOOST_REQUIRE(!one.m.propose("x"));
    one.m.step(forward(1, 8));
    BOOST_TEST((one.refused() == std::vector{errc::uncommitted_limit}));
    one.acknowledge();
    const log_index before = one.m.last();
    one.m.step(forward(1, 8)); // there would be room for it now
    BOOST_TEST(one.m.last() == before);
    BOOST_TEST(one.refused().empty());
    one.m.step(forward(1, 9));
    BOOST_TEST(one.m.last() == before + 1);
}

BOOST_AUTO_TEST_CASE(forward_that_a_driver_refused_is_never_appended) {
    leading one;
    const log_index before = one.m.last();
    one.m.run([](raft& r) { r.refuse_forwarded(forward(1, 8).get(), errc::no_space); });
    BOOST_TEST((one.refused() == std::vector{errc::no_space}));
    one.m.step(forward(1, 8));
    BOOST_TEST(one.m.last() == before);
    BOOST_TEST(one.refused().empty());
}

// "Refused" would let the sender propose it again, while it stands in the log.
BOOST_AUTO_TEST_CASE(forward_that_was_accepted_is_not_refused_after_the_leader_changed) {
    leading one;
    one.m.step(forward(1, 8));
    one.acknowledge();
    one.m.step(heartbeat_from(3, 1, 2));
    BOOST_REQUIRE((one.m.role() == role_kind::follower));
    one.m.step(forward(1, 8));
    BOOST_TEST(one.refused().empty());
    one.m.step(forward(1, 9)); // came too late: accepted by nobody
    BOOST_TEST((one.refused() == std::vector{errc::not_leader}));
    one.m.step(forward(1, 9));
    BOOST_TEST(one.refused().empty());
}

BOOST_AUTO_TEST_CASE(forward_of_an_earlier_leadership_is_not_answered) {
    leading one;
    one.m.step(forward(1, 8));
    one.acknowledge();
    one.m.step(heartbeat_from(3, 1, 2));
    one.m.settle();
    one.m.ticks(40); // hears of nobody for longer than the lease
    one.elect();
    BOOST_REQUIRE(one.m.term() > term_id(2));
    const log_index before = one.m.last();
    one.m.step(forward(1, 8));
    one.m.step(forward(1, 9)); // may be a copy, for all that is remembered
    BOOST_TEST(one.refused().empty());
    one.m.step(forward(2, 9)); // a term that this member did not lead
    BOOST_TEST((one.refused() == std::vector{errc::leader_changed}));
    BOOST_TEST(one.m.last() == before);
}

BOOST_AUTO_TEST_CASE(forward_after_a_restart_is_not_answered) {
    leading one;
    one.m.step(forward(1, 8));
    one.acknowledge();
    one.m.crash(0);
    one.m.start(0);
    one.m.step(forward(1, 8));
    one.m.step(forward(1, 9));
    BOOST_TEST(one.refused().empty());
}

// The copy of its disk is older than its leadership.
BOOST_AUTO_TEST_CASE(forward_after_the_start_from_an_older_copy_is_not_answered) {
    leading one;
    one.m.crash(0);
    one.m.save_copy();
    one.m.start(0);
    one.m.ticks(40);
    one.elect();
    const std::uint64_t led = one.m.term().value();
    one.m.step(forward(led, 8));
    one.acknowledge();
    one.m.crash(0);
    one.m.restore_copy();
    one.m.start(0);
    one.m.step(heartbeat_from(3, 1, led + 1));
    BOOST_REQUIRE(one.m.fenced());
    one.m.step(forward(led, 8));
    BOOST_TEST(one.refused().empty());
    one.m.step(confirmation_to(one.m, 3, led + 1));
    one.m.settle();
    BOOST_REQUIRE(!one.m.fenced());
    one.m.step(forward(led, 8));
    BOOST_TEST(one.refused().empty());
    one.m.step(heartbeat_from(2, 1, led + 2));
    one.m.step(forward(led + 2, 9)); // of a term that no earlier life can have led
    BOOST_TEST((one.refused() == std::vector{errc::not_leader}));
}

BOOST_AUTO_TEST_CASE(forward_without_a_number_is_taken_each_time) {
    leading one;
    const log_index before = one.m.last();
    one.m.step(forward(1, 0));
    one.m.step(forward(1, 0));
    BOOST_TEST(one.m.last() == before + 2);
}

BOOST_AUTO_TEST_CASE(each_error_code_survives_a_refusal) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    for (int code = 1; code <= static_cast<int>(errc_last); ++code) {
        message refused = to_from(message_kind::proposal_refused, 1, 2, 0);
        refused.context = 5;
        refused.reject_hint = log_index(static_cast<std::uint64_t>(code));
        m.step(refused);
        m.settle();
        BOOST_TEST_REQUIRE(m.refusals.size() == 1U);
        BOOST_TEST((m.refusals[0].reason == static_cast<errc>(code)));
        m.refusals.clear();
    }
    for (const std::uint64_t hint : {std::uint64_t{0}, static_cast<std::uint64_t>(errc_last) + 1,
                                     (std::uint64_t{1} << 32) + 1}) {
        message refused = to_from(message_kind::proposal_refused, 1, 2, 0);
        refused.reject_hint = log_index(hint);
        m.step(refused);
        m.settle();
        BOOST_TEST((m.refusals.back().reason == errc::proposal_dropped));
    }
}

BOOST_AUTO_TEST_CASE(entry_over_the_limit_is_refused_by_leader_and_follower) {
    const shared_bytes over = draft(static_cast<std::size_t>(entry_bytes_limit) + 1).freeze();
    const auto propose = [&over](raft& r) {
        proposed one{.payload = over};
        return r.propose({&one, 1}, 8);
    };
    leading one;
    BOOST_TEST((one.m.run(propose) == errc::request_too_large));
    member follower(usual(2), start_of(voters({1, 2, 3})));
    follower.step(heartbeat_from(1, 2, 1));
    BOOST_TEST((follower.run(propose) == errc::request_too_large));
}

BOOST_AUTO_TEST_SUITE_END()
