// A cluster of services in time of its own: hours of leases and compactions in a moment, alike each
// time.
#include <quorate/testing/manual_runtime.hpp>

#include <memory>
#include <string>
#include <vector>

#include "support.hpp"

using namespace service_test;
using namespace std::chrono_literals;

namespace {

struct manual_policies : memory_policies {
    using runtime = testing::manual_runtime;
};
using manual_service = basic_service<manual_policies>;

service_options options_of(std::uint64_t id, std::uint64_t seed) {
    service_options options;
    options.node.cluster = cluster_id(1);
    options.node.id = node_id(id);
    for (std::uint64_t one = 1; one <= 3; ++one) {
        options.node.initial_members.push_back({node_id(one), cluster::url(one)});
    }
    options.node.peer_url = cluster::url(id);
    options.node.seed = seed;
    options.compaction.keep_time = 1h;
    return options;
}

/// Three services in one world.
class group {
public:
    explicit group(std::uint64_t seed) : world(seed) {
        network.set_wake([this] { deliver(); });
        for (std::uint64_t id = 1; id <= 3; ++id) {
            transport_options wire;
            wire.cluster = cluster_id(1);
            wire.self = node_id(id);
            services.push_back(std::make_unique<manual_service>(
                world, options_of(id, seed * 10 + id),
                std::make_unique<loopback_transport>(network, wire)));
            BOOST_REQUIRE(!services.back()->start());
        }
        BOOST_REQUIRE(world.run_until([&] { return leader() != nullptr; }));
    }
    manual_service* leader() {
        for (const auto& one : services) {
            if (one->node().status().leads_fresh) {
                return one.get();
            }
        }
        return nullptr;
    }
    /// Returns: what the member that leads now answers.
    answer submit(request asked) {
        answer got;
        bool done = false;
        leader()->submit(std::move(asked), {}, [&](error_code failed, reply made) {
            got = {failed, std::move(made)};
            done = true;
        });
        BOOST_REQUIRE(world.run_until([&] { return done; }));
        return got;
    }
    answer grant(std::int64_t ttl) {
        answer got;
        bool done = false;
        leader()->grant({}, ttl, {}, [&](error_code failed, reply made) {
            got = {failed, std::move(made)};
            done = true;
        });
        BOOST_REQUIRE(world.run_until([&] { return done; }));
        return got;
    }
    bool everywhere(const std::function<bool(const manual_service&)>& holds) {
        return world.run_until([&] {
            return std::all_of(services.begin(), services.end(),
                               [&](const auto& one) { return holds(*one); });
        });
    }

    testing::manual_world world;
    loopback_network network;
    std::vector<std::unique_ptr<manual_service>> services;

private:
    /// One delivery each turn, so that others come in between.
    void deliver() {
        world.post([this] {
            network.deliver_one();
            if (network.queued() > 0) {
                deliver();
            }
        });
    }
};

std::size_t keys_of(const manual_service& one) {
    return one.store().range({.key = byte_view("\0", 1), .range_end = byte_view("\0", 1)})->count;
}

/// Returns: what happens to a lease of ten seconds and an hour of puts, in words.
std::string story(std::uint64_t seed) {
    group all(seed);
    const lease_id lease = all.grant(10).as<lease_grant_reply>().id;
    BOOST_TEST(!all.submit(put{.key = "held", .value = "v", .lease = lease}).failed);
    all.world.advance(8s);
    BOOST_TEST(all.everywhere([](const manual_service& one) { return keys_of(one) == 1; }));
    all.world.advance(5s);
    BOOST_TEST(all.everywhere([](const manual_service& one) { return keys_of(one) == 0; }));
    for (int minute = 0; minute < 150; ++minute) {
        BOOST_TEST(!all.submit(put{.key = "k", .value = std::to_string(minute)}).failed);
        all.world.advance(1min);
    }
    BOOST_TEST(all.leader()->store().compact_revision() > 30U);
    return std::to_string(lease.value()) + ' ' +
           std::to_string(all.leader()->store().compact_revision()) + ' ' +
           std::to_string(all.leader()->node().status().engine.last.value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(virtual_time)

BOOST_AUTO_TEST_CASE(lease_ends_and_history_is_compacted_after_their_times) {
    story(1);
}

BOOST_AUTO_TEST_CASE(same_seed_gives_the_same_run) {
    BOOST_TEST(story(7) == story(7));
    BOOST_TEST(story(7) != story(8));
}

BOOST_AUTO_TEST_CASE(password_is_hashed_by_the_worker_of_the_runtime) {
    group all(3);
    bool done = false;
    all.leader()->add_user("ann", "secret", false, {}, [&](error_code failed, const reply&) {
        BOOST_TEST(!failed);
        done = true;
    });
    BOOST_TEST(!done);
    BOOST_TEST(all.world.run_until([&] { return done; }));
    BOOST_TEST(all.everywhere(
        [](const manual_service& one) { return one.auth().find_user("ann") != nullptr; }));
}

BOOST_AUTO_TEST_SUITE_END()
