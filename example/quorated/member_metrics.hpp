// What /metrics of a member says: its own counts, and what its service knows at that moment.
#ifndef QUORATED_MEMBER_METRICS_HPP
#define QUORATED_MEMBER_METRICS_HPP

#include <quorate/base/assert.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/gateway/api_call.hpp>
#include <quorate/net/transport.hpp>
#include <quorate/server/quota.hpp>
#include <quorate/server/server_metrics.hpp>
#include <quorate/version.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace quorated {

/// Returns: what the service tells of itself. `version`: of etcd, whose API is served.
template <class Service>
[[nodiscard]] quorate::server_readings readings_of(Service& service, std::string_view version) {
    const auto node = service.node().status();
    const auto told = service.status();
    quorate::server_readings now;
    now.server_version = version;
    now.cluster_version = version.substr(0, version.rfind('.'));
    now.own_version = QUORATE_VERSION_STRING;
    now.self = service.options().node.id;
    now.has_leader = static_cast<bool>(told.leader);
    now.is_leader = node.engine.soft.role == quorate::role_kind::leader;
    now.is_learner = told.is_learner;
    now.term = told.raft_term.value();
    now.committed = told.raft_index.value();
    now.applied = told.raft_applied_index.value();
    now.pending = node.requests;
    if (service.options().quota_bytes >= 0) {
        now.quota_bytes = quorate::quota(service.options().quota_bytes).limit();
    }
    now.db_bytes = told.db_size;
    now.db_bytes_in_use = told.db_size_in_use;
    now.current_revision = service.store().current_revision();
    now.compact_revision = service.store().compact_revision();
    now.keys = service.store().key_count();
    now.leases = service.store().leases().size();
    now.watchers = service.watches().size();
    now.watch_streams = service.watches().stream_count();
    now.slow_watchers = service.watches().slow_count();
    now.pending_events = service.watches().pending_events();
    now.events = service.watches().told_events();
    now.defragmenting = node.defragmenting;
    now.auth_revision = service.auth().revision();
    now.disk_full = node.disk_full;
    for (const quorate::peer_link& link : service.node().links()) {
        now.peers.push_back({.id = link.peer,
                             .connected = link.connected_for.has_value(),
                             .sent_bytes = link.bytes_sent,
                             .received_bytes = link.bytes_received,
                             .send_failures = link.send_failures,
                             .receive_failures = link.receive_failures});
    }
    now.process = quorate::read_process();
    return now;
}

/// Counts the calls of the API by what the gateway calls them.
class call_counter {
public:
    explicit call_counter(quorate::server_metrics& into) : into_(into) {
        for (std::size_t at = 0; at < numbers_.size(); ++at) {
            const std::string_view name =
                quorate::gateway::rpc_name_of(static_cast<quorate::gateway::api_call>(at));
            const auto number = quorate::find_call(name.substr(name.find('/') + 1));
            QUORATE_ASSERT(number.has_value());
            numbers_[at] = *number;
        }
    }

    void began(quorate::gateway::api_call what) {
        const bool stream = quorate::gateway::gives_stream(what);
        (stream ? into_.stream_requests : into_.unary_requests).add();
        into_.calls.began(number_of(what));
    }
    /// `code`: of gRPC. Calls that failed are not among the durations of writes and reads.
    void ended(quorate::gateway::api_call what, unsigned code, std::chrono::nanoseconds took) {
        using enum quorate::gateway::api_call;
        into_.calls.ended(number_of(what), code, took);
        if (code != 0) {
            return;
        }
        if (what == range) {
            into_.ranges.add(); // which no node applies
            into_.reads.observe(took);
        } else if (what == put || what == delete_range || what == txn) {
            into_.writes.observe(took);
        }
    }

private:
    [[nodiscard]] std::size_t number_of(quorate::gateway::api_call what) const {
        return numbers_.at(static_cast<std::size_t>(what));
    }

    quorate::server_metrics& into_;
    std::array<std::size_t, quorate::gateway::api_call_count> numbers_{};
};

} // namespace quorated

#endif
