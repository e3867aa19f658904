#include <quorate/consensus/raft_options.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>

BOOST_AUTO_TEST_SUITE(raft_option_values)

using namespace quorate;

namespace {

bool refused(const std::function<void(raft_options&)>& change) {
    raft_options options;
    options.id = node_id(1);
    change(options);
    return options.check() == errc::invalid_option;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_defaults_need_only_an_id) {
    BOOST_TEST(!refused([](raft_options&) {}));
    BOOST_TEST(refused([](raft_options& o) { o.id = node_id(); }));
    BOOST_TEST(!raft_options::exact(node_id(1)).check());
}

BOOST_AUTO_TEST_CASE(contradictions_are_refused) {
    BOOST_TEST(refused([](raft_options& o) { o.heartbeat_ticks = 0; }));
    BOOST_TEST(refused([](raft_options& o) { o.election_ticks = o.heartbeat_ticks; }));
    BOOST_TEST(refused([](raft_options& o) { o.inflight_messages_max = 0; }));
    BOOST_TEST(refused([](raft_options& o) { o.unstable_bytes_max = o.append_bytes_max - 1; }));
    BOOST_TEST(!refused([](raft_options& o) { o.unstable_bytes_max = 0; }));
    BOOST_TEST(refused([](raft_options& o) { o.tick_units = 0; }));
    BOOST_TEST(refused([](raft_options& o) { o.tick_units = UINT64_MAX; }));
    BOOST_TEST(refused([](raft_options& o) { o.inflight_bytes_max = o.append_bytes_max - 1; }));
    BOOST_TEST(!refused([](raft_options& o) { o.inflight_bytes_max = o.append_bytes_max; }));
    BOOST_TEST(refused([](raft_options& o) {
        o.reads = read_mode::lease_based;
        o.check_quorum = false;
    }));
    BOOST_TEST(!refused([](raft_options& o) { o.reads = read_mode::lease_based; }));
}

BOOST_AUTO_TEST_SUITE_END()
