// A leader whose state machine applies nothing for a while.
#include <quorate/consensus/raft.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(unapplied)

using namespace quorate;
using namespace quorate::test;

BOOST_AUTO_TEST_CASE(leader_that_applies_nothing_refuses_more_though_all_is_committed) {
    raft_options options = usual(1);
    options.uncommitted_bytes_max = 1000;
    member m(options, start_of(voters({1, 2, 3})));
    elect(m);
    ack_all(m, 2);
    m.settle();
    error_code refused;
    int taken = 0;
    for (; taken < 100 && !refused; ++taken) {
        refused = m.propose(std::string(100, 'p'));
        m.take();
        while (m.writes_waiting() > 0) {
            m.write_one();
        }
        m.step(ack_from(2, 1, 1, m.last().value()));
        m.take();
        BOOST_TEST(m.commit() == m.last());
    }
    BOOST_CHECK(refused == errc::uncommitted_limit);
    BOOST_TEST(taken == 11);
    m.settle(); // applies
    BOOST_TEST(!m.propose(std::string(1000, 'p')));
    BOOST_CHECK(m.propose("x") == errc::uncommitted_limit);
}

BOOST_AUTO_TEST_SUITE_END()
