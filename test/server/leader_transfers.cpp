#include <quorate/server/leader_transfers.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(leader_transfers)

using quorate::errc;
using quorate::error_code;
using quorate::node_id;

namespace {

const quorate::leader_transfers::time_point start{};

struct fixture {
    quorate::leader_transfers transfers;
    std::vector<error_code> ended;

    void add(std::uint64_t to, int seconds = 1) {
        transfers.add(
            node_id(1), node_id(to), [this](error_code outcome) { ended.push_back(outcome); },
            start + std::chrono::seconds(seconds));
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(it_ends_well_when_that_member_leads, fixture) {
    add(2);
    transfers.on_leader(node_id(1));
    transfers.on_leader(node_id());
    BOOST_TEST(ended.empty());
    transfers.on_leader(node_id(2));
    BOOST_REQUIRE(ended.size() == 1u);
    BOOST_TEST(!ended[0]);
    BOOST_TEST(transfers.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(another_leader_ends_it, fixture) {
    add(2);
    add(3);
    transfers.on_leader(node_id(3));
    BOOST_REQUIRE(ended.size() == 2u);
    BOOST_TEST(ended[0] == error_code(errc::leader_changed));
    BOOST_TEST(!ended[1]);
}

BOOST_FIXTURE_TEST_CASE(time_ends_it, fixture) {
    add(2, 1);
    add(3, 2);
    add(3, 3);
    transfers.on_tick(start, node_id(1));
    BOOST_TEST(ended.empty());
    transfers.on_tick(start + std::chrono::seconds(1), node_id(1));
    transfers.on_tick(start + std::chrono::seconds(2), node_id());
    BOOST_REQUIRE(ended.size() == 2u);
    BOOST_TEST(ended[0] == error_code(errc::read_timed_out));
    BOOST_TEST(ended[1] == error_code(errc::no_leader));
    transfers.stop();
    BOOST_REQUIRE(ended.size() == 3u);
    BOOST_TEST(ended[2] == error_code(errc::stopped));
}

BOOST_FIXTURE_TEST_CASE(a_handler_may_ask_again, fixture) {
    transfers.add(
        node_id(1), node_id(2), [this](error_code) { add(3); }, start);
    transfers.on_tick(start, node_id(1));
    BOOST_TEST(ended.empty());
    BOOST_TEST(transfers.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
