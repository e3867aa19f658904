#include "group.hpp"
#include <boost/test/unit_test.hpp>
using namespace quorate; using namespace quorate::test;
BOOST_AUTO_TEST_CASE(smoke) {
    group g(3, voters({1,2,3}), usual);
    g.elect(1);
    BOOST_TEST(g.leader()==1);
    BOOST_TEST(!g.propose(1,"x"));
    g.settle();
    BOOST_TEST(g[2].commit().value()==2);
    g.tick_all();
    BOOST_TEST(g[2].commit().value()==2);
    BOOST_TEST(g[3].state_machine().last.index.value()==2);
}
