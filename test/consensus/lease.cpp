#include <quorate/consensus/raft.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(lease)

using namespace quorate;
using namespace quorate::test;

namespace {

constexpr std::uint64_t start = 50;

raft_options leased(std::uint64_t id) {
    raft_options options = usual(id);
    options.reads = read_mode::lease_based;
    options.tick_units = 10;
    return options;
}
std::uint64_t promise_of(const raft_options& options) {
    return options.election_ticks * options.tick_units;
}
void set_time(member& m, std::uint64_t now) {
    m.run([now](raft& r) { r.set_time(now); });
}
/// A member that owes nobody a promise; returns with its clock at `free_at`.
constexpr std::uint64_t free_at = start + 100;
member free_member(std::uint64_t id, membership members = voters({1, 2, 3})) {
    member m(leased(id), start_of(std::move(members)));
    set_time(m, start);
    set_time(m, free_at);
    return m;
}
message heartbeat_at(std::uint64_t clock, std::uint64_t to) {
    message m = heartbeat_from(1, to, 1);
    m.index = log_index(clock);
    return m;
}
message promise(std::uint64_t from, std::uint64_t clock, std::uint64_t units) {
    message m = to_from(message_kind::heartbeat_response, 1, from, 1);
    m.index = log_index(clock);
    m.reject_hint = log_index(units);
    return m;
}
std::size_t votes(member& m) {
    m.settle();
    const auto answers = only(m.sent(), message_kind::vote_response);
    return static_cast<std::size_t>(std::count_if(
        answers.begin(), answers.end(), [](const owned_message& a) { return !a->reject; }));
}
bool reads_at_once(member& m, std::uint64_t context) {
    m.read_index(context);
    m.settle();
    return !std::exchange(m.reads, {}).empty();
}
member leader_with_entry(membership members) {
    member m = free_member(1, std::move(members));
    elect(m);
    ack_all(m, 2);
    return m;
}

} // namespace

BOOST_AUTO_TEST_CASE(promise_made_by_heartbeat_outlasts_a_change_of_term) {
    member m = free_member(2);
    BOOST_TEST(!m.step(heartbeat_at(7, 2)));
    m.settle();
    const auto answers = only(m.sent(), message_kind::heartbeat_response);
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->index == log_index(7));
    BOOST_TEST(answers[0]->reject_hint.value() == promise_of(m.options()));
    m.step(to_from(message_kind::append_response, 2, 3, 4)); // the term moves on, without a leader
    BOOST_TEST(m.term() == term_id(4));
    BOOST_TEST(m.leader() == node_id(0));
    set_time(m, free_at + promise_of(m.options()) - 1);
    m.step(vote_request(3, 2, 4, at(0, 0)));
    m.step(vote_request(3, 2, 5, at(0, 0)));
    BOOST_TEST(votes(m) == 0U);
    set_time(m, free_at + promise_of(m.options()));
    m.step(vote_request(3, 2, 5, at(0, 0)));
    BOOST_TEST(votes(m) == 1U);
}

BOOST_AUTO_TEST_CASE(promise_is_waived_for_the_target_of_a_transfer) {
    member m = free_member(2);
    m.step(heartbeat_at(7, 2));
    message asked = vote_request(3, 2, 2, at(0, 0));
    asked.transfer = true;
    m.step(asked);
    BOOST_TEST(votes(m) == 1U);
}

BOOST_AUTO_TEST_CASE(started_member_votes_after_one_election_timeout) {
    member m(leased(2), start_of(voters({1, 2, 3})));
    set_time(m, start);
    m.step(vote_request(3, 2, 1, at(0, 0)));
    BOOST_TEST(votes(m) == 0U);
    m.campaign();
    m.settle();
    BOOST_TEST(m.sent().empty());
    set_time(m, start + promise_of(m.options()));
    m.step(vote_request(3, 2, 1, at(0, 0)));
    BOOST_TEST(votes(m) == 1U);
}

BOOST_AUTO_TEST_CASE(recovering_member_promises_nothing) {
    disk found = disk_with(voters({1, 2, 3}), {1}, hard_of(1));
    found.hard.lost = {term_id(1), log_index(5)};
    member m(leased(2), std::move(found));
    set_time(m, start);
    m.step(heartbeat_at(7, 2));
    m.settle();
    const auto answers = only(m.sent(), message_kind::heartbeat_response);
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->reject_hint == log_index(0));
}

BOOST_AUTO_TEST_CASE(lease_counts_from_the_sending_of_the_heartbeat) {
    member m = leader_with_entry(voters({1, 2, 3}));
    set_time(m, free_at + 60);
    m.step(promise(2, free_at, 100)); // was under way for 60 units
    BOOST_TEST(reads_at_once(m, 1));
    set_time(m, free_at + 89);
    BOOST_TEST(reads_at_once(m, 2));
    set_time(m, free_at + 90);
    BOOST_TEST(!reads_at_once(m, 3));
}

BOOST_AUTO_TEST_CASE(lease_needs_promises_of_a_quorum_of_either_half) {
    membership both = voters({1, 2, 3});
    both.outgoing = voters({1, 4, 5}).voters;
    member m = free_member(1, both);
    elect(m);
    ack_all(m, 2);
    ack_all(m, 4);
    m.step(promise(2, free_at, 100));
    BOOST_TEST(!reads_at_once(m, 1));
    m.step(promise(4, free_at, 100));
    BOOST_TEST(reads_at_once(m, 2));
}

BOOST_AUTO_TEST_CASE(lease_counts_no_learner_before_its_promotion) {
    membership members = voters({1, 2, 3, 4}, {5});
    member m = free_member(1, members);
    elect(m);
    ack_all(m, 2);
    ack_all(m, 3);
    m.step(promise(2, free_at, 100));
    m.step(promise(5, free_at, 100));
    BOOST_TEST(!reads_at_once(m, 1));
    m.propose_change(change_of({one_change(change_kind::add_voter, 5)}));
    m.settle();
    ack_all(m, 2);
    ack_all(m, 3);
    BOOST_CHECK(m.engine().members() == voters({1, 2, 3, 4, 5}));
    BOOST_TEST(reads_at_once(m, 2));
}

BOOST_AUTO_TEST_CASE(promise_for_a_later_time_gives_no_lease) {
    member m = leader_with_entry(voters({1, 2, 3}));
    m.step(promise(2, free_at + 1, 100));
    m.step(promise(2, free_at, UINT64_MAX));
    m.step(promise(2, 0, 100));
    BOOST_TEST(!reads_at_once(m, 1));
}

BOOST_AUTO_TEST_SUITE_END()
