#include <quorate/server/timeout_causes.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(timeout_causes_suite)

namespace {

using quorate::errc;
using quorate::membership;
using quorate::node_id;
using quorate::peer_link;
using std::chrono::milliseconds;

constexpr node_id self{1};
constexpr node_id other{2};
constexpr node_id third{3};

/// Milliseconds since the clock's beginning; elections take up to 2000 of them.
struct fixture {
    fixture() { members.voters = {self, other, third}; }
    void leads(node_id leader, int when) { causes.on_leader(leader, at(when)); }
    [[nodiscard]] errc cause(int began, int now) const {
        return causes.cause(at(began), at(now),
                            {.self = self,
                             .members = members,
                             .links = links,
                             .election_span = milliseconds(2000)});
    }
    static quorate::timeout_causes::time_point at(int ms) {
        return quorate::timeout_causes::time_point() + milliseconds(ms);
    }
    static peer_link connected(node_id peer, int ms) {
        return {.peer = peer, .connected_for = milliseconds(ms)};
    }

    quorate::timeout_causes causes;
    membership members;
    std::vector<peer_link> links{connected(other, 60'000), connected(third, 60'000)};
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_election_soon_after_it_began_takes_the_blame, fixture) {
    leads(other, 10'000);
    leads({}, 20'000);
    leads(third, 21'000);
    BOOST_TEST((cause(20'500, 27'500) == errc::timed_out_leader_lost));
    BOOST_TEST((cause(19'001, 27'500) == errc::timed_out_leader_lost));
    BOOST_TEST((cause(19'000, 27'500) == errc::outcome_unknown));
    BOOST_TEST((cause(21'000, 28'000) == errc::outcome_unknown));
}

BOOST_FIXTURE_TEST_CASE(the_same_leader_again_is_not_a_new_one, fixture) {
    leads(other, 10'000);
    leads(other, 20'000);
    BOOST_TEST((cause(19'500, 26'500) == errc::outcome_unknown));
    leads({}, 21'000);
    leads(other, 22'000);
    BOOST_TEST((cause(21'500, 28'500) == errc::timed_out_leader_lost));
}

BOOST_FIXTURE_TEST_CASE(a_follower_depends_on_its_leader_alone, fixture) {
    leads(other, 1000);
    links = {connected(other, 7000), peer_link{.peer = third}};
    BOOST_TEST((cause(20'000, 27'000) == errc::outcome_unknown));
    links = {connected(other, 6999), connected(third, 60'000)};
    BOOST_TEST((cause(20'000, 27'000) == errc::timed_out_disconnected));
    links = {peer_link{.peer = other}, connected(third, 60'000)};
    BOOST_TEST((cause(20'000, 27'000) == errc::timed_out_disconnected));
}

BOOST_FIXTURE_TEST_CASE(a_leader_depends_on_a_quorum, fixture) {
    leads(self, 1000);
    links = {peer_link{.peer = other}, connected(third, 7000)};
    BOOST_TEST((cause(20'000, 27'000) == errc::outcome_unknown));
    links = {connected(other, 100), connected(third, 6999)};
    BOOST_TEST((cause(20'000, 27'000) == errc::timed_out_disconnected));
    members.voters = {self, other};
    members.learners = {third};
    links = {peer_link{.peer = other}, connected(third, 60'000)};
    BOOST_TEST((cause(20'000, 27'000) == errc::timed_out_disconnected));
}

BOOST_FIXTURE_TEST_CASE(who_knows_nothing_blames_nobody, fixture) {
    links = {peer_link{.peer = other}, peer_link{.peer = third}};
    BOOST_TEST((cause(20'000, 27'000) == errc::outcome_unknown)); // there is no leader
    leads(self, 1000);
    links.clear(); // the transport cannot tell
    BOOST_TEST((cause(20'000, 27'000) == errc::outcome_unknown));
}

BOOST_AUTO_TEST_SUITE_END()
