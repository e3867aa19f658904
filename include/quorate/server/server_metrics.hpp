// The metrics of a member: counters, and readings on demand.
// Flow:       beside 0 to 13; 13. → the body of /metrics
// In / Out:   counts kept here and readings made at the time of asking → text
// Invariants: names, types and buckets are etcd's where the meaning is; a reading that nobody made
//             is left out rather than told as zero, and so are durations of what never happened
// Source:     the names of etcd 3.4, those alerts watch first; doc/metrics.md
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_SERVER_METRICS_HPP
#define QUORATE_SERVER_SERVER_METRICS_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/server/call_metrics.hpp>
#include <quorate/server/metrics.hpp>
#include <quorate/server/process_readings.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quorate {

/// What one peer's connection has carried. The transport counts it; absent: not counted.
struct peer_reading {
    node_id id{};
    std::optional<bool> connected;
    std::optional<std::uint64_t> sent_bytes;
    std::optional<std::uint64_t> received_bytes;
    std::optional<std::uint64_t> send_failures;
    std::optional<std::uint64_t> receive_failures;
};

/// What other parts know when they are asked. Absent: not told. Units: bytes, revisions, numbers.
struct server_readings {
    std::string server_version;  ///< Such as "3.4.23"; of etcd, whose API this is.
    std::string cluster_version; ///< Such as "3.4".
    std::string own_version;     ///< QUORATE_VERSION_STRING
    node_id self{};
    std::optional<bool> has_leader;
    std::optional<bool> is_leader;
    std::optional<bool> is_learner;
    std::optional<std::uint64_t> term;
    std::optional<std::uint64_t> committed; ///< Index of the last entry known to be committed.
    std::optional<std::uint64_t> applied;
    std::optional<std::uint64_t> pending; ///< Proposals on their way.
    std::optional<std::uint64_t> quota_bytes;
    std::optional<std::uint64_t> db_bytes;
    std::optional<std::uint64_t> db_bytes_in_use;
    std::optional<std::uint64_t> current_revision;
    std::optional<std::uint64_t> compact_revision;
    std::optional<std::uint64_t> keys;
    std::optional<std::uint64_t> watch_streams;
    std::optional<std::uint64_t> watchers;
    std::optional<std::uint64_t> slow_watchers;  ///< Behind the current revision.
    std::optional<std::uint64_t> pending_events; ///< Waiting for their watchers.
    std::optional<std::uint64_t> events;         ///< Sent to watchers.
    std::optional<std::uint64_t> leases;
    std::optional<std::uint64_t> auth_revision;
    std::optional<std::uint64_t> client_received_bytes;
    std::optional<std::uint64_t> client_sent_bytes;
    std::optional<bool> defragmenting;
    std::optional<bool> disk_full;
    std::vector<peer_reading> peers;
    process_readings process;
};

struct server_metrics {
    // Raft
    counter leader_changes_seen;
    counter proposals_failed;
    counter heartbeat_send_failures;
    counter slow_apply;
    counter slow_read_indexes;
    counter read_indexes_failed;
    counter learner_promotions;
    counter unknown_members; ///< Greetings of ids that this member does not know.
    counter other_groups;    ///< Connections with members of another group of the same cluster id.
    counter snapshots_received;

    // The store, as this member applies it
    counter puts;
    counter deletes;
    counter ranges;
    counter txns;
    counter leases_granted;
    counter leases_renewed;
    counter leases_revoked;
    counter leases_expired;

    // Clients
    counter health_successes;
    counter health_failures;
    counter unary_requests;
    counter stream_requests;
    counter logins_failed;
    counter logins_refused; ///< Too many passwords waited.
    call_metrics calls;

    // How long things took. Units: seconds.
    histogram wal_fsync{buckets::of_disk()};
    histogram backend_commit{buckets::of_disk()};
    histogram snapshot_save{buckets::of_disk()};
    histogram defragment{buckets::exponential(0.1, 2, 13)};
    histogram hash{buckets::exponential(0.01, 2, 15)};
    histogram hash_rev{buckets::exponential(0.01, 2, 15)};
    histogram lease_ttl{buckets::exponential(1, 2, 24)}; ///< As granted.
    /// From a request's admission to its answer; what no etcd tells.
    histogram writes{buckets::exponential(0.0001, 2, 18)};
    histogram reads{buckets::exponential(0.0001, 2, 18)};
    std::map<node_id, histogram> round_trips; ///< To each peer; none where nobody measures.

    /// Lifetime: of the reference: this object's.
    [[nodiscard]] histogram& round_trip(node_id peer) {
        return round_trips.try_emplace(peer, buckets::exponential(0.0001, 2, 16)).first->second;
    }

    /// `extensive`: as call_metrics::write.
    /// Returns: the body of /metrics. Complexity: some thousand lines, well under a millisecond.
    [[nodiscard]] QUORATE_DECL std::string text(const server_readings& now, bool extensive) const;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/server_metrics.ipp>
#endif

#endif
