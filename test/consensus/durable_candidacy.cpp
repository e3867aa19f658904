// A candidate that crashes before its term is durable comes back without it.
#include <boost/test/unit_test.hpp>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(durable_candidacy)

using namespace quorate;
using quorate::test::at;
using quorate::test::count_of;
using quorate::test::exact;
using quorate::test::group;
using quorate::test::member;
using quorate::test::start_of;
using quorate::test::usual;
using quorate::test::voters;

namespace {

raft_options without_pre_vote(std::uint64_t id) {
    raft_options options = usual(id);
    options.pre_vote = false;
    return options;
}

void deliver_all(group& all) {
    for (std::size_t waiting = all.network().size(); waiting > 0; --waiting) {
        static_cast<void>(all.deliver());
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(votes_are_asked_for_once_the_term_is_durable) {
    member m(without_pre_vote(1), start_of(voters({1, 2, 3})));
    BOOST_TEST(!m.campaign());
    m.take();
    BOOST_TEST(m.sent().empty());
    m.write_one();
    BOOST_TEST(count_of(m.sent(), message_kind::vote) == 2u);
}

BOOST_AUTO_TEST_CASE(pre_votes_promise_nothing_and_leave_at_once) {
    member m(usual(1), start_of(voters({1, 2, 3})));
    BOOST_TEST(!m.campaign());
    m.take();
    BOOST_TEST(count_of(m.sent(), message_kind::pre_vote) == 2u);
}

BOOST_AUTO_TEST_CASE(the_reference_asks_at_once) {
    member m(exact(1), start_of(voters({1, 2, 3})));
    BOOST_TEST(!m.campaign());
    m.take();
    BOOST_TEST(count_of(m.sent(), message_kind::vote) == 2u);
}

// Otherwise it would be elected twice in one term, and fill the same indices of it with others.
BOOST_AUTO_TEST_CASE(a_candidate_that_forgets_its_term_did_not_lead_in_it) {
    group all(3, voters({1, 2, 3}), without_pre_vote, at(1, 1));
    const auto campaign_unwritten = [&all] {
        all.at(1, [](member& m) { static_cast<void>(m.campaign()); });
        for (int round = 0; round < 4; ++round) {
            all.at(1, [](member& m) { m.take(); }); // and its disk hangs
            deliver_all(all);
            for (std::uint64_t id = 2; id <= 3; ++id) {
                all.at(id, [](member& m) { m.settle(); });
            }
        }
    };
    all.isolate(3);
    all.at(1, [](member& m) { static_cast<void>(m.campaign()); });
    all.crash(1);
    all.restart(1);
    all.heal();
    campaign_unwritten();
    BOOST_CHECK(all[1].role() == role_kind::candidate);
    all.isolate(3);
    if (all[1].role() == role_kind::leader) {
        static_cast<void>(all.propose(1, "stored by 2 alone"));
    }
    for (int round = 0; round < 2; ++round) {
        all.at(1, [](member& m) { m.take(); });
        deliver_all(all);
        all.at(2, [](member& m) { m.settle(); });
    }
    all.crash(1);
    all.restart(1);
    all.heal();
    all.isolate(2);
    all.elect(1);
    all.tick_all(30);
    BOOST_REQUIRE_EQUAL(all.leader(), 1u);
    BOOST_TEST(!all.propose(1, "another"));
    all.settle();
    all.heal();
    all.tick_all(30); // checks the logs of all
    BOOST_CHECK(all[2].last() == all[1].last());
}

BOOST_AUTO_TEST_SUITE_END()
