// Nodes on a runtime that a test drives: no thread, no wait, and the same run each time.
#include <quorate/log/memory_log.hpp>
#include <quorate/log/memory_snapshots.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/node.hpp>
#include <quorate/testing/manual_runtime.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

using namespace quorate;
using namespace std::chrono_literals;

namespace {

/// Counts what it applies.
struct counter {
    using request_type = std::string;
    using reply_type = std::size_t;

    static draft encode(const std::string& word) {
        draft command(command_header_bytes + word.size());
        byte_writer(command.data(), command.size()).zeros(command_header_bytes).bytes(word);
        return command;
    }
    reply_type apply(log_index, const shared_bytes&) { return ++applied; }
    rope snapshot() const { return {shared_bytes::copy_of(std::string(applied, 'x'))}; }
    error_code restore(bulk_reader state) {
        applied = state.remaining();
        return {};
    }

    std::size_t applied = 0;
};

template <class Runtime>
struct policies : default_policies {
    using log = memory_log;
    using snapshots = memory_snapshots;
    using transport = loopback_transport;
    using machine = counter;
    using runtime = Runtime;
};
using manual_node = basic_node<policies<testing::manual_runtime>>;
using asio_node = basic_node<policies<asio_runtime>>;

node_options options_of(std::uint64_t id, std::uint64_t members, std::uint64_t seed) {
    node_options options;
    options.cluster = cluster_id(1);
    options.id = node_id(id);
    for (std::uint64_t i = 1; i <= members; ++i) {
        options.initial_members.push_back(
            {node_id(i), "http://member-" + std::to_string(i) + ":2380"});
    }
    options.peer_url = options.initial_members[id - 1].peer_urls.front();
    options.seed = seed;
    return options;
}

template <class Node>
std::unique_ptr<Node> make_node(const typename Node::context_type& context,
                                loopback_network& network, const node_options& options) {
    transport_options wire;
    wire.cluster = options.cluster;
    wire.self = options.id;
    return std::make_unique<Node>(context, options,
                                  std::make_unique<loopback_transport>(network, wire));
}

/// Three members in one world.
struct group {
    explicit group(std::uint64_t seed) : world(seed) {
        network.set_wake([this] { world.post([this] { network.deliver_one(), wake_again(); }); });
        for (std::uint64_t id = 1; id <= 3; ++id) {
            nodes.push_back(
                make_node<manual_node>(world, network, options_of(id, 3, seed * 10 + id)));
            BOOST_REQUIRE(!nodes.back()->start());
        }
    }
    /// One delivery each turn, so that others come in between.
    void wake_again() {
        if (network.queued() > 0) {
            world.post([this] { network.deliver_one(), wake_again(); });
        }
    }
    manual_node* leader() {
        for (const auto& one : nodes) {
            if (one->status().leads_fresh) {
                return one.get();
            }
        }
        return nullptr;
    }

    testing::manual_world world;
    loopback_network network;
    std::vector<std::unique_ptr<manual_node>> nodes;
};

std::size_t threads() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

} // namespace

BOOST_AUTO_TEST_SUITE(nodes_on_a_runtime)

BOOST_AUTO_TEST_CASE(group_in_time_of_its_own_elects_and_applies) {
    const std::size_t before = threads();
    group all(1);
    BOOST_REQUIRE(all.world.run_until([&] { return all.leader() != nullptr; }));
    std::vector<std::size_t> replies;
    for (int i = 0; i < 100; ++i) {
        all.nodes[static_cast<std::size_t>(i % 3)]->submit(
            "x", [&](error_code failed, std::size_t reply) {
                BOOST_TEST(!failed);
                replies.push_back(reply);
            });
    }
    BOOST_TEST(all.world.run_until([&] { return replies.size() == 100; }));
    BOOST_TEST(all.world.run_until([&] {
        return std::all_of(all.nodes.begin(), all.nodes.end(),
                           [](const auto& one) { return one->machine().applied == 100; });
    }));
    BOOST_TEST(threads() == before);
}

// [world
BOOST_AUTO_TEST_CASE(leader_that_is_cut_off_is_replaced_in_time_of_its_own) {
    group all(2); // three nodes, and the testing::manual_world that they run in
    BOOST_REQUIRE(all.world.run_until([&] { return all.leader() != nullptr; }));
    const manual_node* first = all.leader();
    const node_id cut = first->status().engine.soft.leader;
    for (const std::uint64_t id : {1U, 2U, 3U}) {
        if (node_id(id) != cut) {
            all.network.cut(cut, node_id(id));
        }
    }
    BOOST_TEST(
        all.world.run_until([&] { return all.leader() != nullptr && all.leader() != first; }));
}
// world]

BOOST_AUTO_TEST_CASE(same_seed_gives_the_same_run) {
    const auto run = [](std::uint64_t seed) {
        group all(seed);
        all.world.run_until([&] { return all.leader() != nullptr; });
        const engine_status at = all.leader()->status().engine;
        return std::tuple(all.world.now(), at.hard.term, at.soft.leader);
    };
    std::size_t different = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        BOOST_TEST((run(seed) == run(seed)));
        different += run(seed) != run(seed + 1) ? 1U : 0U;
    }
    BOOST_TEST(different > 10U);
}

BOOST_AUTO_TEST_CASE(thousand_nodes_in_memory_take_no_thread) {
    const std::size_t before = threads();
    boost::asio::io_context io(1);
    loopback_network network;
    std::vector<std::unique_ptr<asio_node>> nodes;
    for (std::uint64_t id = 1; id <= 1000; ++id) {
        node_options options = options_of(1, 1, id);
        options.id = node_id(id);
        options.initial_members = {{node_id(id), options.peer_url}};
        nodes.push_back(make_node<asio_node>(io, network, options));
        BOOST_REQUIRE(!nodes.back()->start());
    }
    const auto leads = [](const auto& one) { return one->status().leads_fresh; };
    while (!std::all_of(nodes.begin(), nodes.end(), leads)) {
        io.run_for(10ms);
        io.restart();
    }
    BOOST_TEST(threads() == before);
}

BOOST_AUTO_TEST_SUITE_END()
