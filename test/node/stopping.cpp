#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(stopping)

using namespace node_test;

BOOST_AUTO_TEST_CASE(everything_that_waits_is_answered) {
    memory_group g;
    g.start_all();
    const std::uint64_t id = g.leader();
    g.isolate(id);
    const auto proposed = g.submit(id, "proposed");
    const auto asked = g.read(id);
    g.run_for(milliseconds(2));
    const auto queued = g.submit(id, "queued");
    const auto read = g.read(id);
    bool stopped = false;
    g.nodes.at(id)->stop([&](error_code) { stopped = true; });
    BOOST_TEST(proposed->failed == errc::outcome_unknown);
    BOOST_TEST(asked->failed == errc::stopped);
    BOOST_TEST(queued->failed == errc::stopped);
    BOOST_TEST(read->failed == errc::stopped);
    BOOST_TEST(!stopped); // never inside the call
    BOOST_TEST(g.run_until([&] { return stopped; }));
    BOOST_TEST(g.submit(id, "late")->failed == errc::stopped);
    BOOST_TEST(g.nodes.at(id)->status().requests == 0u);
    BOOST_TEST(g.nodes.at(id)->status().reads == 0u);
}

BOOST_AUTO_TEST_CASE(it_may_be_asked_for_twice_or_before_the_start) {
    memory_group g(1);
    auto& node = g.add(g.options_of(1));
    int stopped = 0;
    node.stop([&](error_code) { ++stopped; });
    node.stop([&](error_code) { ++stopped; });
    BOOST_TEST(g.run_until([&] { return stopped == 2; }));
}

BOOST_AUTO_TEST_CASE(a_sync_under_way_is_waited_for) {
    for (int i = 0; i < 8; ++i) {
        file_group g(1);
        g.start_all();
        const auto written = g.submit(1, "word");
        g.io.poll(); // the write is on its way to the disk by now
        g.io.restart();
        g.stop(1);
        BOOST_REQUIRE(written->calls == 1);
        g.start_all();
        const auto read = g.read(1);
        BOOST_REQUIRE(g.finished(read));
        const std::size_t found = g.words(1).count("word");
        BOOST_TEST((written->failed ? found <= 1 : found == 1));
    }
}

BOOST_AUTO_TEST_CASE(a_handler_may_ask_for_it_while_others_wait) {
    file_group g(1);
    g.start_all();
    bool stopped = false;
    std::vector<std::shared_ptr<outcome>> results;
    g.nodes.at(1)->submit("first", [&](error_code, std::size_t) {
        g.nodes.at(1)->stop([&](error_code) { stopped = true; });
    });
    for (int i = 0; i < 20; ++i) {
        results.push_back(g.submit(1, "more"));
        results.push_back(g.read(1));
    }
    BOOST_REQUIRE(g.run_until([&] { return stopped; }));
    for (const auto& result : results) {
        BOOST_TEST(result->calls == 1);
    }
}

namespace {

// What the loop still holds must not touch the node: timers, pumps, syncs and answers of peers.
template <class Group>
void destroy_while_running() {
    for (int rounds = 0; rounds < 12; ++rounds) {
        Group g;
        g.start_all();
        const std::uint64_t gone = rounds % 2 == 0 ? g.leader() : g.follower();
        const auto asked = g.submit(gone, "asked");
        const auto read = g.read(gone);
        for (int turns = 0; turns < rounds; ++turns) {
            g.io.poll_one();
        }
        g.nodes.erase(gone);
        g.run_for(milliseconds(10));
        BOOST_TEST(asked->calls <= 1);
        BOOST_TEST(read->calls <= 1);
        BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
        BOOST_TEST(g.wrote(g.leader(), "more"));
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(node_in_memory_is_destroyed_while_it_runs) {
    destroy_while_running<memory_group>();
}
BOOST_AUTO_TEST_CASE(durable_node_is_destroyed_while_it_runs) {
    destroy_while_running<file_group>();
}

BOOST_AUTO_TEST_CASE(a_node_may_go_without_it_once_the_loop_ended) {
    boost::asio::io_context io(1);
    loopback_network network;
    const scratch_directory directory(medium::disk);
    node_options options;
    options.id = node_id(1);
    options.cluster = cluster_id(7);
    options.initial_members = {{node_id(1), "http://127.0.0.1:1"}};
    options.data_directory = directory.path() / "1";
    options.tick_interval = milliseconds(1);
    transport_options wire;
    wire.self = options.id;
    basic_node<file_policies> node(io, options,
                                   std::make_unique<loopback_transport>(network, wire));
    BOOST_REQUIRE(!node.start());
    bool applied = false;
    node.submit("word", [&](error_code, std::size_t) { applied = true; });
    while (!applied) {
        io.run_one();
    }
}

BOOST_AUTO_TEST_SUITE_END()
