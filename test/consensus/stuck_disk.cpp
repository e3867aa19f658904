#include <quorate/consensus/raft.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(stuck_disk)

using namespace quorate;
using namespace quorate::test;

namespace {

constexpr std::uint64_t limit = 2000;
const std::string payload(100, 'p');

raft_options bounded(std::uint64_t id) {
    raft_options options = usual(id);
    options.append_bytes_max = 500;
    options.unstable_bytes_max = limit;
    return options;
}
member leader() {
    member m(bounded(1), start_of(voters({1, 2, 3})));
    elect(m);
    ack_all(m, 2);
    m.sent();
    return m;
}
void set_writable(member& m, bool writable) {
    m.run([writable](raft& r) { r.set_writable(writable); });
}
message condition_of(std::uint64_t from, bool stuck, bool recovering) {
    message m = to_from(message_kind::heartbeat_response, 1, from, 1);
    m.reject = stuck;
    m.lost = recovering;
    return m;
}
std::vector<entry> payloads(std::uint64_t first, std::uint64_t count) {
    std::vector<entry> entries;
    for (std::uint64_t i = 0; i < count; ++i) {
        entries.push_back({.term = term_id(1),
                           .index = log_index(first + i),
                           .payload = shared_bytes::copy_of(payload)});
    }
    return entries;
}

} // namespace

BOOST_AUTO_TEST_CASE(leader_that_syncs_nothing_refuses_more_though_followers_commit) {
    member m = leader();
    error_code refused;
    for (int i = 0; i < 100 && !refused; ++i) {
        refused = m.propose(payload);
        m.take();
        m.step(ack_from(2, 1, 1, m.last().value()));
        m.step(ack_from(3, 1, 1, m.last().value()));
        m.take();
        BOOST_TEST(m.commit() == m.last()); // so nothing is uncommitted
    }
    BOOST_CHECK(refused == errc::unsynced_limit);
    BOOST_TEST(m.engine().log().unstable_bytes() <= limit);
    BOOST_TEST(m.engine().log().unstable_bytes() > limit / 2);
    m.settle();
    BOOST_TEST(m.engine().log().unstable_bytes() == 0U);
    BOOST_TEST(!m.propose(payload));
}

BOOST_AUTO_TEST_CASE(forwarded_proposal_beyond_the_limit_is_answered) {
    member m = leader();
    while (!m.propose(payload)) {
    }
    m.take();
    m.sent();
    message forwarded = to_from(message_kind::proposal, 1, 2, 0);
    forwarded.context = 9;
    m.step(owned_message(forwarded, {{.payload = shared_bytes::copy_of(payload)}}));
    m.take();
    const auto answers = only(m.sent(), message_kind::proposal_refused);
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->context == 9U);
    BOOST_TEST(answers[0]->reject_hint.value() == static_cast<std::uint64_t>(errc::unsynced_limit));
    member asker(bounded(2), start_of(voters({1, 2, 3})));
    asker.step(answers[0]);
    asker.settle();
    BOOST_REQUIRE(asker.refusals.size() == 1U);
    BOOST_CHECK(asker.refusals[0].reason == errc::unsynced_limit);
}

BOOST_AUTO_TEST_CASE(entry_larger_than_the_limit_is_taken_alone) {
    member m = leader();
    const std::string large(2 * limit, 'l');
    BOOST_TEST(!m.propose(large));
    BOOST_CHECK(m.propose("x") == errc::unsynced_limit);
    m.settle();
    BOOST_TEST(!m.propose("x"));
}

BOOST_AUTO_TEST_CASE(follower_that_syncs_nothing_holds_back_appends) {
    member m(bounded(2), start_of(voters({1, 2, 3})));
    for (std::uint64_t first = 1; first < 100; first += 4) {
        m.step(append_from(1, 2, 1, first == 1 ? at(0, 0) : at(1, first - 1), payloads(first, 4)));
        m.take();
    }
    const log_index held = m.last();
    BOOST_TEST(held.value() < 20U);
    BOOST_TEST(m.engine().log().unstable_bytes() <= limit);
    // What replaces the end of the log makes room first, and is counted right.
    m.settle();
    BOOST_TEST(m.engine().log().unstable_bytes() == 0U);
    m.step(append_from(1, 2, 1, at(1, held.value()), payloads(held.value() + 1, 4)));
    const std::uint64_t four = m.engine().log().unstable_bytes();
    BOOST_TEST(four > 0U);
    auto other = payloads(held.value() + 1, 2);
    other[0].term = other[1].term = term_id(2);
    m.step(append_from(3, 2, 2, at(1, held.value()), other));
    BOOST_TEST(m.engine().log().unstable_bytes() == four / 2);
}

BOOST_AUTO_TEST_CASE(member_whose_disk_takes_no_writes_says_so_and_keeps_still) {
    member m(bounded(2), start_of(voters({1, 2, 3})));
    set_writable(m, false);
    m.step(heartbeat_from(1, 2, 1));
    m.settle();
    const auto answers = only(m.sent(), message_kind::heartbeat_response);
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->reject);
    m.step(append_from(1, 2, 1, at(0, 0), payloads(1, 1)));
    m.step(vote_request(3, 2, 7, at(5, 5)));
    m.step(to_from(message_kind::timeout_now, 2, 1, 1));
    m.ticks(100);
    m.settle();
    BOOST_TEST(m.sent().empty());
    BOOST_TEST(m.last() == log_index(0));
    BOOST_CHECK(m.role() == role_kind::follower);
    set_writable(m, true);
    m.ticks(1);
    BOOST_CHECK(m.role() != role_kind::follower);
}

// Else answers would gather, for as long as the disk hangs.
BOOST_AUTO_TEST_CASE(member_whose_disk_takes_no_writes_answers_no_candidate_and_no_older_term) {
    member m(bounded(2), disk_with(voters({1, 2, 3}), {1, 2}, hard_of(3)));
    set_writable(m, false);
    m.step(vote_request(3, 2, 7, at(5, 5)));
    m.step(vote_request(3, 2, 7, at(5, 5), message_kind::pre_vote));
    m.step(vote_request(3, 2, 2, at(5, 5), message_kind::pre_vote));
    m.step(append_from(1, 2, 2, at(2, 2)));
    m.step(heartbeat_from(1, 2, 2));
    m.settle();
    BOOST_TEST(m.sent().empty());
    BOOST_TEST(m.term() == term_id(3));
    BOOST_TEST(m.vote() == node_id(0));
}

BOOST_AUTO_TEST_CASE(leader_sends_no_entries_to_a_disk_that_takes_none) {
    member m = leader();
    m.step(condition_of(2, true, false));
    m.propose(payload);
    m.settle();
    const auto sent = only(m.sent(), message_kind::append);
    BOOST_TEST(
        std::none_of(sent.begin(), sent.end(), [](const auto& a) { return a->to == node_id(2); }));
    m.step(condition_of(2, false, false));
    m.settle();
    BOOST_TEST(count_of(m.sent(), message_kind::append) > 0U);
}

BOOST_AUTO_TEST_CASE(transfer_goes_to_no_member_that_could_not_lead) {
    member m = leader();
    m.step(condition_of(2, true, false));
    BOOST_CHECK(m.transfer_to(2) == errc::transferee_invalid);
    m.step(condition_of(2, false, true));
    BOOST_CHECK(m.transfer_to(2) == errc::transferee_invalid);
    BOOST_TEST(!m.propose("x"));
    m.settle();
    m.step(condition_of(2, false, false));
    BOOST_TEST(!m.transfer_to(2));
    BOOST_CHECK(m.propose("x") == errc::transfer_in_progress);
    m.step(condition_of(2, true, false)); // its disk hangs now: writes go on at once
    BOOST_TEST(!m.propose("x"));
}

BOOST_AUTO_TEST_SUITE_END()
