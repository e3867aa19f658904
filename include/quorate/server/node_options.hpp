// The options of a node: its identity, its peers, its pace, its limits.
// Flow:    none
// Source:  defaults as in etcd (request timeout, gap, snapshot count) where it has them
#ifndef QUORATE_SERVER_NODE_OPTIONS_HPP
#define QUORATE_SERVER_NODE_OPTIONS_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/consensus/raft_options.hpp>
#include <quorate/log/start_mark.hpp>
#include <quorate/server/member_info.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quorate {

struct server_metrics;
class secure_layer;

enum class severity : std::uint8_t { info, warning, error };

struct node_options {
    node_id id{};
    cluster_id cluster{};
    /// Bootstraps a new group; every first member is given the same list. Once the data
    /// directory holds a log, a list of several members serves only to refuse a directory of other
    /// members; a member that joins ignores it.
    std::vector<member_info> initial_members;
    /// Joins a group that exists: starts empty and waits for its leader. The group must have been
    /// told of this member.
    bool join = false;
    /// Where peers reach this member; the transport listens there. Several have commas between
    /// them. Empty: those of initial_members.
    std::string peer_url;
    /// The peer URLs that this member tells its peers, with commas between them, in case that the
    /// group has others for it: they try these, too. Empty: it tells none.
    std::string announced_peer_urls;
    std::shared_ptr<secure_layer> peer_security; ///< For https:// peer URLs, such as a tls::layer.
    bool peer_certificates_name_members = false; ///< As in transport_options.
    /// What this member tells the group of itself, once it takes part. Both empty: nothing.
    std::string name;
    std::vector<std::string> client_urls;
    /// Holds `wal/`, `snap/`, `db/` with a database, a lock and the identity. Policies without
    /// files ignore it.
    std::filesystem::path data_directory;
    /// Where the log lives, if not in `wal/`, which is a symbolic link then; see data_directory.
    std::filesystem::path wal_directory;
    /// Most files of the log, and snapshots, that stay, unless more are needed.
    std::uint32_t wal_files_kept = 1;
    std::uint32_t snapshots_kept = 2;
    /// What the operator calls the cluster and this member, as far as given: a data directory that
    /// was started under other labels is refused.
    directory_labels labels;

    /// Starts from what a damaged log still holds, as if nothing else had been there. Only for the
    /// last member of a group that has no other copy: others may hold what this one forgets.
    /// Also from a directory that is a copy, as it is: see doc/disaster.md.
    bool accept_data_loss = false;

    /// Makes a group of this member alone, of all that its log holds: the others are removed for
    /// good. Only when a quorum is lost for good; a member that still runs, or is started again,
    /// would go on with the old group. See make_alone().
    bool force_new_group = false;

    /// A leader refuses a membership change that would leave fewer voters that it reaches than a
    /// quorum. See membership_guard::admit().
    bool strict_reconfig_check = true;

    std::chrono::milliseconds tick_interval{100};
    /// Timing in ticks, limits and rules of the engine; the node fills in `id` and `tick_units`.
    raft_options engine;

    /// A write that is not applied by then ends as outcome_unknown.
    std::chrono::milliseconds request_timeout{7000};
    /// A request waits this long for a leader before it ends as no_leader.
    std::chrono::milliseconds leader_wait{2000};
    /// A write that took this long is logged, with where the time went. Zero: none is.
    std::chrono::milliseconds slow_request{300};
    /// A sync of the log that took this long is logged: the disk is what makes requests slow then.
    /// Zero: none is.
    std::chrono::nanoseconds slow_sync{std::chrono::seconds(1)};
    /// A read that is not confirmed by then is asked for anew.
    std::chrono::milliseconds read_retry{500};

    // Limits; node_limits.hpp has the relations between them. What is over one is refused.
    std::uint64_t request_bytes_max = 1'572'864; ///< One encoded command.
    std::uint64_t unapplied_entries_max = 5000;  ///< Committed and not applied.
    /// Requests, reads, leadership transfers and defragmentations that wait, of each kind.
    std::uint64_t requests_in_flight_max = 20'000;
    /// Encoded commands that wait for their outcome at this member, all together, in bytes.
    std::uint64_t pending_bytes_max = 512 << 20;
    std::uint64_t calls_in_flight_max = 1024; ///< Between members, in each direction.
    /// Messages that wait to be sent to one peer, in bytes; those beyond it are dropped and sent
    /// again later. A transport of the caller's own has its own limit.
    std::uint64_t peer_queue_bytes_max = 256 << 20;
    /// One snapshot that is sent or received, in bytes. Larger ones are refused and logged.
    std::uint64_t snapshot_bytes_max = std::uint64_t{64} << 30;

    /// A snapshot is due after so many applied entries, or payload bytes in them, whichever comes
    /// first: the log is held in memory until then. Members that do not lead make theirs earlier,
    /// at indices that their places among the members spread over the period.
    std::uint64_t snapshot_entries = 100'000;
    std::uint64_t snapshot_bytes = 256 << 20;
    /// Kept in the log behind a snapshot: a member that lags no further needs no snapshot.
    std::uint64_t catch_up_entries = 5000;
    std::uint64_t snapshot_send_rate = 0; ///< Bytes a second to all peers together; 0: no limit.
    std::uint32_t snapshots_at_once = 2;  ///< Sent to so many peers, others wait; 0: no limit.

    /// For machines with a database: how many bytes of its file may be in use; requests that make
    /// it larger are refused then. Pages are written beside those that they replace, so that the
    /// file itself may grow to twice that until it is defragmented.
    std::uint64_t database_bytes_max = std::uint64_t{16} << 30;
    /// What the owner means to let in, such as a quota: the database must not be full before.
    std::uint64_t database_bytes_least = 0;
    /// What waits for a commit of the database; memory holds about twice that.
    std::uint64_t database_batch_bytes = 4 << 20;

    std::uint64_t seed = 0; ///< Of election jitter; zero: drawn from the system.

    /// Called with one line per notable event, on the node's thread. Never values or keys.
    std::function<void(severity, const std::string&)> log;
    /// What happens is counted there, on the node's thread; null: nowhere. Outlives the node.
    server_metrics* metrics = nullptr;

    /// Errors: invalid_option.
    [[nodiscard]] error_code check() const noexcept {
        const bool positive = tick_interval.count() > 0 && request_timeout.count() > 0 &&
                              leader_wait.count() >= 0 && slow_request.count() >= 0 &&
                              slow_sync.count() >= 0 && read_retry.count() > 0 &&
                              snapshot_entries > 0 && snapshot_bytes > 0 && request_bytes_max > 0 &&
                              unapplied_entries_max > 0 && requests_in_flight_max > 0 &&
                              calls_in_flight_max > 0 && snapshot_bytes_max > 0;
        const bool tellable =
            name.size() <= member_text_bytes_max && urls_within_limits(client_urls);
        return id && positive && tellable ? error_code() : error_code(errc::invalid_option);
    }
};

} // namespace quorate

#endif
