#include "hostile.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(hostile_messages)

using namespace quorate;
using namespace quorate::test;

namespace {

/// Of a lying peer a member can be made to believe much, but it never contradicts itself. What
/// concerns the group is not checked: it is lost once a quorum lies.
void harass(member& m, std::uint64_t seed, role_kind start) {
    std::mt19937_64 random(seed);
    message_maker maker([&random] { return random(); });
    m.settle();
    if (start == role_kind::leader) {
        elect(m);
    } else if (start == role_kind::candidate) {
        static_cast<void>(m.campaign());
    }
    for (unsigned i = 0; i < 300; ++i) {
        static_cast<void>(m.step(maker.random_to(m)));
        if (random() % 4 == 0) {
            static_cast<void>(m.propose("p"));
        }
        if (random() % 4 == 0) {
            static_cast<void>(m.read_index(i));
        }
        if (random() % 3 == 0) {
            m.tick(static_cast<std::uint32_t>(random()));
        }
        work_some(m, random());
        m.outbox.clear();
    }
}

raft_options either(std::uint64_t seed) {
    raft_options options = seed % 2 == 0 ? usual(1) : exact(1);
    options.async_storage = true;
    options.check_leader = true; // the reference trusts its peers further than that
    // What a lying leader sends need not keep to the rule of one change at a time.
    options.validate_changes = false;
    return options;
}

void harass_many(role_kind start) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        try {
            member m(either(seed), disk_with(voters({1, 2, 3}), {1, 1, 2}, hard_of(2, 0, 1)));
            harass(m, seed, start);
        } catch (const violation& e) {
            BOOST_ERROR("seed " + std::to_string(seed) + ": " + e.what());
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(what_contradicts_the_protocol_is_refused) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1, 2}, hard_of(2, 0, 1)));
    const auto invalid = [&m](const message& one) {
        const raft_facts before = facts_of(m.engine());
        const bool refused = m.step(one) == errc::message_invalid;
        return refused && m.term() == before.hard.term && m.last() == before.last.index;
    };
    BOOST_TEST(invalid(heartbeat_from(0, 1, 2)));          // from nobody
    BOOST_TEST(invalid(heartbeat_from(2, 3, 2)));          // to somebody else
    BOOST_TEST(invalid(heartbeat_from(2, 1, 0)));          // of no term
    BOOST_TEST(invalid(heartbeat_from(2, 1, UINT64_MAX))); // of a term that has no next one
    BOOST_TEST(invalid(vote_request(2, 1, (1ULL << 62) + 1, at(9, 9))));
    BOOST_TEST(invalid(to_from(static_cast<message_kind>(99), 1, 2, 2)));
    BOOST_TEST(invalid(append_from(2, 1, 2, at(2, 3), run_of(5, {2})).get())); // leaves a gap
    BOOST_TEST(invalid(append_from(2, 1, 2, at(2, 3), run_of(4, {1})).get())); // an older term
    BOOST_TEST(invalid(append_from(2, 1, 2, at(2, 3), run_of(4, {3})).get())); // a newer one
    BOOST_TEST(invalid(append_from(2, 1, 2, at(2, UINT64_MAX), run_of(0, {2})).get()));
    message snap = to_from(message_kind::install_snapshot, 1, 2, 2);
    BOOST_TEST(invalid(snap)); // without a snapshot
    for (const log_id last : {at(2, 0), at(3, 9), at(2, UINT64_MAX)}) {
        snap.snap = start_of(voters({1, 2}), last);
        BOOST_TEST(invalid(snap));
    }
    snap.snap = start_of(voters({}), at(2, 9));
    BOOST_TEST(invalid(snap));
    snap.snap = start_of(voters({1}, {1}), at(2, 9));
    BOOST_TEST(invalid(snap));
    BOOST_CHECK(m.step(ack_from(9, 1, 2, 1)) == errc::peer_not_found);
}

BOOST_AUTO_TEST_CASE(two_leaders_in_a_term_are_refused) {
    member f(usual(1), start_of(voters({1, 2, 3})));
    f.step(heartbeat_from(2, 1, 2));
    BOOST_CHECK(f.step(heartbeat_from(3, 1, 2)) == errc::message_invalid);
    BOOST_TEST(f.leader() == node_id(2));
    member l(usual(1), start_of(voters({1, 2, 3})));
    elect(l);
    BOOST_CHECK(l.step(heartbeat_from(3, 1, 1)) == errc::message_invalid);
    BOOST_CHECK(l.role() == role_kind::leader);
}

BOOST_AUTO_TEST_CASE(what_was_never_sent_is_not_acknowledged) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    elect(m);
    BOOST_CHECK(m.step(ack_from(2, 1, 1, 2)) == errc::message_invalid);
    BOOST_TEST(m.commit() == log_index(0));
}

BOOST_AUTO_TEST_CASE(answer_to_a_round_that_was_never_sent_confirms_no_read) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    elect(m);
    ack_all(m, 2);
    message answer = to_from(message_kind::heartbeat_response, 1, 2, m.term().value());
    answer.context = 1000;
    m.step(answer);
    BOOST_TEST(!m.read_index(7));
    m.settle();
    BOOST_TEST(m.reads.empty());
}

BOOST_AUTO_TEST_CASE(a_leader_that_contradicts_what_is_committed_is_refused) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, hard_of(1, 0, 2)));
    std::vector<entry> other = run_of(2, {2});
    m.settle();
    m.outbox.clear();
    // Below the commit index; in a newer term; with an entry before that is another one.
    BOOST_CHECK(m.step(append_from(2, 1, 2, at(1, 1), other, 2)) == errc::log_conflict);
    BOOST_CHECK(m.step(append_from(2, 1, 2, at(2, 1), {}, 2)) == errc::log_conflict);
    // With the same index and term, and another payload: of another group.
    std::vector<entry> forged = run_of(1, {1});
    forged.front().payload = shared_bytes::copy_of("forged");
    forged.front().payload_checksum = crc32c("forged");
    BOOST_CHECK(m.step(append_from(2, 1, 2, at(0, 0), forged, 2)) == errc::log_conflict);
    snapshot foreign;
    foreign.last = at(2, 2);
    foreign.members = voters({1, 2, 3});
    message sent = heartbeat_from(2, 1, 2, 0);
    sent.kind = message_kind::install_snapshot;
    sent.snap = std::make_shared<snapshot>(foreign);
    BOOST_CHECK(m.step(sent) == errc::log_conflict);
    m.settle();
    BOOST_TEST(m.outbox.empty()); // nothing is acknowledged
    BOOST_TEST(m.term() == term_id(1));
    BOOST_TEST(m.commit() == log_index(2));
    BOOST_TEST(m.engine().log().matches(at(1, 2)));
    member reference(exact(1), disk_with(voters({1, 2, 3}), {1, 1}, hard_of(1, 0, 2)));
    BOOST_CHECK(reference.step(heartbeat_from(2, 1, 2, 9)) == errc::log_conflict);
}

BOOST_AUTO_TEST_CASE(the_last_term_there_is_ends_campaigning) {
    member m(exact(1), disk_with(voters({1, 2, 3}), {}, hard_of(1ULL << 62)));
    m.campaign();
    m.ticks(50);
    BOOST_CHECK(m.role() == role_kind::follower);
    BOOST_TEST(m.term() == term_id(1ULL << 62));
}

BOOST_AUTO_TEST_CASE(a_follower_survives_random_messages) {
    harass_many(role_kind::follower);
}
BOOST_AUTO_TEST_CASE(a_candidate_survives_random_messages) {
    harass_many(role_kind::candidate);
}
BOOST_AUTO_TEST_CASE(a_leader_survives_random_messages) {
    harass_many(role_kind::leader);
}

BOOST_AUTO_TEST_CASE(a_group_survives_mutated_messages) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        std::mt19937_64 random(seed);
        message_maker maker([&random] { return random(); });
        std::vector<std::unique_ptr<member>> all;
        for (std::uint64_t id = 1; id <= 3; ++id) {
            raft_options options = usual(id);
            options.validate_changes = false;
            all.push_back(std::make_unique<member>(options, start_of(voters({1, 2, 3}))));
        }
        try {
            std::vector<owned_message> network;
            for (unsigned i = 0; i < 1500; ++i) {
                member& m = *all[random() % 3];
                const std::uint64_t dice = random();
                if (dice % 5 == 0) {
                    m.tick(static_cast<std::uint32_t>(random()));
                } else if (dice % 5 == 1) {
                    static_cast<void>(m.propose("p"));
                } else if (!network.empty()) {
                    const owned_message one = network.front();
                    network.erase(network.begin());
                    const std::uint64_t to = one->to.value();
                    if (to >= 1 && to <= 3) {
                        const bool honest = random() % 10 != 0;
                        static_cast<void>(
                            all[to - 1]->step(honest ? one : maker.mutated(one, *all[to - 1])));
                    }
                }
                m.settle();
                for (const auto& each : all) {
                    for (owned_message& sent : each->outbox) {
                        network.push_back(std::move(sent));
                    }
                    each->outbox.clear();
                }
                if (network.size() > 200) {
                    network.resize(100);
                }
            }
        } catch (const violation& e) {
            BOOST_ERROR("seed " + std::to_string(seed) + ": " + e.what());
        }
    }
}

BOOST_AUTO_TEST_CASE(term_too_far_ahead_is_invalid_and_changes_nothing) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    const std::uint64_t most = m.term().value() + term_jump_max;
    for (const std::uint64_t term : {most + 1, number_max}) {
        BOOST_TEST((m.step(heartbeat_from(2, 1, term)) == errc::message_invalid));
        BOOST_TEST((m.step(vote_request(2, 1, term, at(9, 9))) == errc::message_invalid));
    }
    BOOST_TEST(m.term().value() + term_jump_max == most);
    BOOST_TEST(!m.step(heartbeat_from(2, 1, most)));
    BOOST_TEST(m.term() == term_id(most));
}

BOOST_AUTO_TEST_CASE(what_only_members_send_is_refused_from_others) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    elect(m);
    const log_index last = m.last();
    for (const message_kind kind : {message_kind::proposal, message_kind::read_index,
                                    message_kind::transfer_leader, message_kind::timeout_now}) {
        message asked{.kind = kind, .to = node_id(1), .from = node_id(4242)};
        const bool termless = kind == message_kind::proposal || kind == message_kind::read_index;
        asked.term = termless ? term_id() : m.term();
        const entry proposed = run_of(0, {0}).front();
        asked.entries = {&proposed, kind == message_kind::proposal ? 1U : 0U};
        BOOST_TEST((m.step(asked) == errc::peer_not_found));
    }
    m.settle();
    BOOST_TEST(m.last() == last);
    // A leader that was added behind what this member has is not known here, and is heard.
    BOOST_TEST(!m.step(heartbeat_from(4, 1, m.term().value() + 1)));
}

BOOST_AUTO_TEST_SUITE_END()
