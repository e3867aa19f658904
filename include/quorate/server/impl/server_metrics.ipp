// The names that monitors know, and the values behind them.
#ifndef QUORATE_SERVER_IMPL_SERVER_METRICS_IPP
#define QUORATE_SERVER_IMPL_SERVER_METRICS_IPP

#include <quorate/server/metrics_writer.hpp>
#include <quorate/server/server_metrics.hpp>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace quorate {
namespace detail {

/// Sixteen digits or fewer, as etcd shows ids.
[[nodiscard]] inline std::string id_text(node_id id) {
    std::array<char, 17> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), id.value(), 16);
    return {digits.data(), end.ptr};
}

class server_metrics_text {
public:
    server_metrics_text(const server_metrics& counted, const server_readings& now, std::string& out)
        : counted_(counted), now_(now), out_(out) {}

    void write(bool extensive) {
        identity();
        raft();
        store();
        debugging();
        disk();
        peers();
        clients();
        process();
        own();
        counted_.calls.write(out_, extensive);
    }

private:
    void count(std::string_view name, const counter& value, std::string_view help) {
        out_.one(name, "counter", help, value.value());
    }
    // Told once there is something to tell: not every member has a database, or ever compacts.
    void rare(std::string_view name, const counter& value, std::string_view help) {
        if (value.value() > 0) {
            count(name, value, help);
        }
    }
    void spread(std::string_view name, const histogram& value, std::string_view help) {
        if (value.count() > 0) {
            out_.one(name, "histogram", help, value);
        }
    }
    template <class Value>
    void read(std::string_view name, const std::optional<Value>& value, std::string_view help,
              std::string_view type = "gauge") {
        if (value) {
            out_.one(name, type, help, static_cast<std::uint64_t>(*value));
        }
    }
    /// What is told by a label alone.
    void fact(std::string_view name, std::string_view label, std::string_view value,
              std::string_view help) {
        if (!value.empty()) {
            out_.family(name, "gauge", help);
            out_.sample({{label, value}}, std::uint64_t{1});
        }
    }

    void identity() {
        fact("etcd_cluster_version", "cluster_version", now_.cluster_version,
             "1 for the API version that the members have in common.");
        fact("etcd_server_version", "server_version", now_.server_version,
             "1 for the version of etcd's API that is served.");
        fact("etcd_server_id", "server_id", now_.self ? id_text(now_.self) : "",
             "1 for the member's id, in hexadecimal.");
        fact("quorate_build_info", "version", now_.own_version, "1 for quorate's version.");
    }

    void raft() {
        read("etcd_server_has_leader", now_.has_leader, "1 while this member follows or leads.");
        read("etcd_server_is_leader", now_.is_leader, "1 while this member leads.");
        read("etcd_server_is_learner", now_.is_learner, "1 while this member has no vote.");
        count("etcd_server_leader_changes_seen_total", counted_.leader_changes_seen,
              "Leaders that this member saw come.");
        read("etcd_server_proposals_committed_total", now_.committed,
             "Index of the last committed entry.");
        read("etcd_server_proposals_applied_total", now_.applied,
             "Index of the last applied entry.");
        read("etcd_server_proposals_pending", now_.pending, "Proposals on their way.");
        count("etcd_server_proposals_failed_total", counted_.proposals_failed,
              "Proposals that failed.");
        rare("etcd_server_heartbeat_send_failures_total", counted_.heartbeat_send_failures,
             "Heartbeats of this leader that were sent too late or not at all.");
        rare("etcd_server_slow_apply_total", counted_.slow_apply, "Commands slow to apply.");
        rare("etcd_server_slow_read_indexes_total", counted_.slow_read_indexes,
             "Linearizable reads that were slow to be confirmed.");
        count("etcd_server_read_indexes_failed_total", counted_.read_indexes_failed,
              "Linearizable reads that could not be confirmed.");
        rare("etcd_server_learner_promote_successes", counted_.learner_promotions,
             "Learners promoted while this member led.");
        read("etcd_server_quota_backend_bytes", now_.quota_bytes,
             "Bytes of the store that raise the alarm.");
        count("etcd_server_health_success", counted_.health_successes,
              "Health checks that succeeded.");
        count("etcd_server_health_failures", counted_.health_failures,
              "Health checks that failed.");
        count("quorate_logins_failed_total", counted_.logins_failed,
              "Logins with a wrong user or password.");
        count("quorate_logins_refused_total", counted_.logins_refused,
              "Passwords refused since too many waited to be hashed.");
    }

    void store() {
        count("etcd_mvcc_put_total", counted_.puts, "Puts that this member carried out.");
        count("etcd_mvcc_delete_total", counted_.deletes, "Deletions it carried out.");
        count("etcd_mvcc_range_total", counted_.ranges, "Ranges it carried out.");
        count("etcd_mvcc_txn_total", counted_.txns, "Transactions it carried out.");
        read("etcd_mvcc_db_total_size_in_bytes", now_.db_bytes, "Bytes that the store takes.");
        read("etcd_mvcc_db_total_size_in_use_in_bytes", now_.db_bytes_in_use,
             "Bytes of these that hold something.");
        spread("etcd_mvcc_hash_duration_seconds", counted_.hash, "Hashing all of the store.");
        spread("etcd_mvcc_hash_rev_duration_seconds", counted_.hash_rev,
               "Hashing the store as of a revision.");
    }

    void debugging() {
        count("etcd_debugging_mvcc_put_total", counted_.puts, "As etcd_mvcc_put_total.");
        count("etcd_debugging_mvcc_delete_total", counted_.deletes, "As etcd_mvcc_delete_total.");
        count("etcd_debugging_mvcc_range_total", counted_.ranges, "As etcd_mvcc_range_total.");
        count("etcd_debugging_mvcc_txn_total", counted_.txns, "As etcd_mvcc_txn_total.");
        read("etcd_debugging_mvcc_db_total_size_in_bytes", now_.db_bytes,
             "As etcd_mvcc_db_total_size_in_bytes.");
        read("etcd_debugging_mvcc_keys_total", now_.keys, "Keys that are there.");
        read("etcd_debugging_mvcc_current_revision", now_.current_revision,
             "The store's revision.");
        read("etcd_debugging_mvcc_compact_revision", now_.compact_revision,
             "The revision that was compacted up to.");
        read("etcd_debugging_mvcc_events_total", now_.events, "Events sent to watchers.",
             "counter");
        read("etcd_debugging_mvcc_pending_events_total", now_.pending_events,
             "Events that wait for their watchers.");
        read("etcd_debugging_mvcc_watch_stream_total", now_.watch_streams, "Streams of watches.");
        read("etcd_debugging_mvcc_watcher_total", now_.watchers, "Watches.");
        read("etcd_debugging_mvcc_slow_watcher_total", now_.slow_watchers,
             "Watches behind the current revision.");
        read("etcd_debugging_auth_revision", now_.auth_revision,
             "Revision of users and permissions.");
        count("etcd_debugging_lease_granted_total", counted_.leases_granted, "Leases granted.");
        rare("etcd_debugging_lease_renewed_total", counted_.leases_renewed,
             "Renewals while this member led.");
        count("etcd_debugging_lease_revoked_total", counted_.leases_revoked, "Leases that ended.");
        rare("etcd_debugging_server_lease_expired_total", counted_.leases_expired,
             "Leases that ran out while this member led.");
        spread("etcd_debugging_lease_ttl_total", counted_.lease_ttl, "Seconds leases were given.");
    }

    void disk() {
        spread("etcd_disk_wal_fsync_duration_seconds", counted_.wal_fsync,
               "Syncs of the log; no write is acknowledged before its own.");
        spread("etcd_disk_backend_commit_duration_seconds", counted_.backend_commit,
               "Commits of the database.");
        spread("etcd_disk_backend_defrag_duration_seconds", counted_.defragment, "Defragmenting.");
        read("etcd_disk_defrag_inflight", now_.defragmenting, "1 while defragmenting.");
        spread("etcd_debugging_snap_save_total_duration_seconds", counted_.snapshot_save,
               "Snapshots written to the disk.");
    }

    template <class Field>
    void peer_family(std::string_view name, std::string_view label, std::string_view type,
                     Field field, std::string_view help) {
        bool begun = false;
        for (const peer_reading& peer : now_.peers) {
            if (const auto value = field(peer)) {
                if (!begun) {
                    out_.family(name, type, help);
                    begun = true;
                }
                out_.sample({{label, id_text(peer.id)}}, static_cast<std::uint64_t>(*value));
            }
        }
    }

    void peers() {
        peer_family(
            "etcd_network_peer_sent_bytes_total", "To", "counter",
            [](const peer_reading& one) { return one.sent_bytes; }, "Bytes sent to peers.");
        peer_family(
            "etcd_network_peer_received_bytes_total", "From", "counter",
            [](const peer_reading& one) { return one.received_bytes; }, "Bytes from peers.");
        peer_family(
            "etcd_network_peer_sent_failures_total", "To", "counter",
            [](const peer_reading& one) { return one.send_failures; },
            "Messages that could not be sent to peers.");
        peer_family(
            "etcd_network_peer_received_failures_total", "From", "counter",
            [](const peer_reading& one) { return one.receive_failures; },
            "Connections from peers that broke.");
        active_peers();
        if (!counted_.round_trips.empty()) {
            out_.family("etcd_network_peer_round_trip_time_seconds", "histogram",
                        "From this member to a peer and back.");
        }
        for (const auto& [id, took] : counted_.round_trips) {
            out_.sample({{"To", id_text(id)}}, took);
        }
    }

    void active_peers() {
        bool begun = false;
        for (const peer_reading& peer : now_.peers) {
            if (peer.connected && !std::exchange(begun, true)) {
                out_.family("etcd_network_active_peers", "gauge", "1 while a peer is connected.");
            }
            if (peer.connected) {
                out_.sample({{"Local", id_text(now_.self)}, {"Remote", id_text(peer.id)}},
                            std::uint64_t{*peer.connected});
            }
        }
    }

    void clients() {
        read("etcd_network_client_grpc_received_bytes_total", now_.client_received_bytes,
             "Bytes from clients, over HTTP.", "counter");
        read("etcd_network_client_grpc_sent_bytes_total", now_.client_sent_bytes,
             "Bytes to clients, over HTTP.", "counter");
        out_.family("etcd_server_client_requests_total", "counter", "Requests by kind.");
        out_.sample({{"client_api_version", "unknown"}, {"type", "stream"}},
                    counted_.stream_requests.value());
        out_.sample({{"client_api_version", "unknown"}, {"type", "unary"}},
                    counted_.unary_requests.value());
    }

    void process() {
        const process_readings& own = now_.process;
        out_.one("os_fd_limit", "gauge", "Most descriptors of this process.", own.fds_limit);
        out_.one("os_fd_used", "gauge", "Descriptors it has open.", own.fds_used);
        out_.one("process_cpu_seconds_total", "counter", "Processor time.", own.cpu_seconds);
        out_.one("process_max_fds", "gauge", "As os_fd_limit.", own.fds_limit);
        out_.one("process_open_fds", "gauge", "As os_fd_used.", own.fds_used);
        out_.one("process_resident_memory_bytes", "gauge", "Memory in use.", own.resident);
        out_.one("process_start_time_seconds", "gauge", "When it started, since 1970.",
                 own.started_at);
        out_.one("process_virtual_memory_bytes", "gauge", "Addresses in use.", own.virtual_size);
        out_.one("process_virtual_memory_max_bytes", "gauge", "Most addresses; all bits: any.",
                 own.virtual_limit);
    }

    void own() {
        spread("quorate_write_duration_seconds", counted_.writes,
               "Writes, from admission to answer.");
        spread("quorate_read_duration_seconds", counted_.reads, "Reads, from admission to answer.");
        rare("quorate_snapshots_received_total", counted_.snapshots_received,
             "Times the whole state came from a peer.");
        rare("quorate_unknown_members_total", counted_.unknown_members,
             "Connections of ids that this member does not know as members.");
        rare("quorate_other_group_refusals_total", counted_.other_groups,
             "Connections refused because the member belongs to another group.");
        read("quorate_term", now_.term, "The member's term.");
        read("quorate_leases", now_.leases, "Leases that are there.");
        read("quorate_disk_full", now_.disk_full, "1 while writes are refused for lack of space.");
    }

    const server_metrics& counted_;
    const server_readings& now_;
    metrics_writer out_;
};

} // namespace detail

QUORATE_DECL std::string server_metrics::text(const server_readings& now, bool extensive) const {
    std::string out;
    out.reserve(160 << 10);
    detail::server_metrics_text(*this, now, out).write(extensive);
    return out;
}

} // namespace quorate

#endif
