// Clusters of services in one process, and calls that wait for their answers.
// Flow:    none
#ifndef QUORATE_TEST_SERVICE_SUPPORT_HPP
#define QUORATE_TEST_SERVICE_SUPPORT_HPP

#include <quorate/log/memory_log.hpp>
#include <quorate/log/memory_snapshots.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "../network_loop.hpp"
#include "../print_errc.hpp"

namespace service_test {

using namespace quorate;
using std::chrono::milliseconds;

struct memory_policies : default_policies {
    using log = memory_log;
    using snapshots = memory_snapshots;
    using transport = loopback_transport;
};
using service = basic_service<memory_policies>;

} // namespace service_test

// Made once, in main.cpp: they are by far the most expensive things to compile here.
extern template class quorate::basic_node<service_test::service::policies>;
extern template class quorate::basic_service<service_test::memory_policies>;

namespace service_test {

/// What was answered.
struct answer {
    error_code failed;
    reply made;

    template <class Body>
    Body as() const {
        BOOST_REQUIRE_MESSAGE(!failed, failed.message());
        return std::get<Body>(made.body);
    }
};

/// Services on one io_context, connected by a network that delivers whenever the loop turns.
class cluster : public quorate_test::network_loop {
public:
    explicit cluster(std::uint64_t size = 1) {
        for (std::uint64_t id = 1; id <= size; ++id) {
            initial.push_back({node_id(id), url(id)});
        }
    }
    cluster(const cluster&) = delete;
    cluster& operator=(const cluster&) = delete;
    ~cluster() {
        network.set_filter({});
        while (!services.empty()) {
            stop(services.begin()->first);
        }
    }

    static std::string url(std::uint64_t id) {
        return "http://127.0.0.1:" + std::to_string(20000 + id);
    }
    [[nodiscard]] service_options options_of(std::uint64_t id) const {
        service_options options;
        options.node.id = node_id(id);
        options.node.cluster = cluster_id(7);
        options.node.initial_members = initial;
        options.node.peer_url = url(id);
        options.node.tick_interval = milliseconds(4);
        options.node.engine.election_ticks = 12;
        options.node.read_retry = milliseconds(100);
        options.node.seed = id;
        options.password_cost = password_cost_min;
        return options;
    }
    service& start(service_options options) {
        const std::uint64_t id = options.node.id.value();
        transport_options wire;
        wire.cluster = options.node.cluster;
        wire.self = options.node.id;
        auto made = std::make_unique<service>(io, std::move(options),
                                              std::make_unique<loopback_transport>(network, wire));
        BOOST_REQUIRE_MESSAGE(!made->start(), made->node().explanation());
        return *(services[id] = std::move(made));
    }
    void start_all() {
        for (const auto& m : initial) {
            start(options_of(m.id.value()));
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    void stop(std::uint64_t id) {
        bool stopped = false;
        services.at(id)->stop([&stopped](error_code) { stopped = true; });
        BOOST_REQUIRE(run_until([&stopped] { return stopped; }));
        services.erase(id);
    }
    [[nodiscard]] service& at(std::uint64_t id) { return *services.at(id); }
    [[nodiscard]] service& leading() { return at(leader()); }
    [[nodiscard]] service& following() { return at(follower()); }

    /// Returns: a leader that has taken its leases over, and that all others follow.
    [[nodiscard]] std::uint64_t leader() const {
        for (const auto& [id, one] : services) {
            const bool leads = one->node().status().leads_fresh;
            const auto follows = [leader = node_id(id)](const auto& other) {
                return other.second->node().status().engine.soft.leader == leader;
            };
            if (leads && std::all_of(services.begin(), services.end(), follows)) {
                return id;
            }
        }
        return 0;
    }
    [[nodiscard]] std::uint64_t follower() const {
        const std::uint64_t leads = leader();
        const auto found = std::find_if(services.begin(), services.end(),
                                        [leads](const auto& one) { return one.first != leads; });
        return found == services.end() ? 0 : found->first;
    }

    /// Returns: what a call was answered: `call` is given the handler.
    template <class Call>
    answer wait(Call&& call) {
        answer got;
        bool done = false;
        call([&](error_code failed, const reply& made) {
            got = {failed, made};
            done = true;
        });
        BOOST_REQUIRE(run_until([&] { return done; }));
        return got;
    }
    answer submit(service& at, request asked, const identity& by = {}) {
        return wait([&](auto done) { at.submit(std::move(asked), by, std::move(done)); });
    }
    answer range(service& at, const quorate::range& asked, const identity& by = {},
                 bool serializable = false) {
        return wait([&](auto done) { at.range(asked, serializable, by, std::move(done)); });
    }
    /// Returns: the value as `at` reads it, "-" where there is none.
    std::string value(service& at, byte_view key) {
        const answer got = range(at, {.key = key});
        const auto& kvs = got.as<range_reply>().kvs;
        return kvs.empty() ? "-" : std::string(kvs.front().value.view());
    }
    template <class Call>
    error_code outcome(Call&& call) {
        error_code got;
        bool done = false;
        call([&](error_code failed) {
            got = failed;
            done = true;
        });
        BOOST_REQUIRE(run_until([&] { return done; }));
        return got;
    }

    std::vector<member_info> initial;
    std::map<std::uint64_t, std::unique_ptr<service>> services;
};

} // namespace service_test

#endif
