// A member whose snapshots cannot be saved, so that its log only grows.
#include <quorate/consensus/raft.hpp>
#include <quorate/consensus/solo.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(full_log)

using namespace quorate;
using namespace quorate::test;

namespace {

constexpr std::uint64_t limit = 20'000;
const std::string payload(1000, 'p');

raft_options bounded(std::uint64_t id) {
    raft_options options = usual(id);
    options.log_bytes_max = limit;
    return options;
}
// A leader on whose entries all agree at once, so that only its log is full.
member leader() {
    member m(bounded(1), start_of(voters({1, 2, 3})));
    elect(m);
    return m;
}
void commit_all(member& m) {
    m.settle();
    ack_all(m, 2);
    m.settle();
    m.sent();
}
// Returns: why the leader refused at last.
error_code fill(member& m) {
    error_code refused;
    for (int i = 0; i < 100 && !refused; ++i) {
        refused = m.propose(payload);
        commit_all(m);
    }
    return refused;
}
std::uint64_t held(const member& m) {
    return m.engine().status().log_bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(leader_without_snapshots_refuses_beyond_its_limit) {
    member m = leader();
    BOOST_CHECK(fill(m) == errc::log_limit);
    BOOST_TEST(m.commit() == m.last());
    BOOST_TEST(held(m) >= limit);
    BOOST_TEST(held(m) < limit + held_size(payload.size()));
    // A snapshot frees it, even if all entries are kept for followers that lag.
    BOOST_REQUIRE(m.make_snapshot(unlimited) != nullptr);
    BOOST_TEST(held(m) == 0U);
    BOOST_TEST(!m.propose(payload));
}

BOOST_AUTO_TEST_CASE(full_leader_answers_a_forwarded_proposal) {
    member m = leader();
    fill(m);
    message forwarded = to_from(message_kind::proposal, 1, 2, 0);
    forwarded.context = 9;
    m.step(owned_message(forwarded, {{.payload = shared_bytes::copy_of("x")}}));
    m.take();
    const auto answers = only(m.sent(), message_kind::proposal_refused);
    BOOST_REQUIRE(answers.size() == 1U);
    BOOST_TEST(answers[0]->reject_hint.value() == static_cast<std::uint64_t>(errc::log_limit));
}

BOOST_AUTO_TEST_CASE(full_leader_takes_a_change_of_the_members) {
    member m = leader();
    fill(m);
    BOOST_TEST(!m.propose_change(change_of({one_change(change_kind::remove, 3)})));
    commit_all(m);
    BOOST_TEST(m.commit() == m.last());
}

BOOST_AUTO_TEST_CASE(follower_beyond_the_limit_takes_entries) {
    member m(bounded(2), start_of(voters({1, 2, 3})));
    for (std::uint64_t i = 1; i <= 50; ++i) {
        m.step(append_from(1, 2, 1, i == 1 ? at(0, 0) : at(1, i - 1),
                           {{.term = term_id(1),
                             .index = log_index(i),
                             .payload = shared_bytes::copy_of(payload)}},
                           i));
        m.settle();
    }
    BOOST_TEST(m.last() == log_index(50));
    BOOST_TEST(held(m) > 2 * limit);
}

BOOST_AUTO_TEST_CASE(member_alone_refuses_beyond_its_limit) {
    solo m(bounded(1), bootstrap(voters({1}).voters), 0);
    error_code refused;
    for (int i = 0; i < 100 && !refused; ++i) {
        proposed one{.payload = shared_bytes::copy_of(payload)};
        refused = m.propose({&one, 1});
        const effects& batch = m.take_effects();
        if (batch.stable.has_value()) {
            m.on_stable(stable_mark(*batch.stable));
        }
        if (const auto& applying = m.take_effects(); applying.applied.has_value()) {
            m.on_applied(applied_mark(*applying.applied));
        }
    }
    BOOST_CHECK(refused == errc::log_limit);
    m.offer_snapshot(
        start_of(voters({1}), at(m.status().hard.term.value(), m.status().last.value())));
    BOOST_TEST(m.status().log_bytes == 0U);
    proposed one{.payload = shared_bytes::copy_of(payload)};
    BOOST_TEST(!m.propose({&one, 1}));
}

BOOST_AUTO_TEST_SUITE_END()
