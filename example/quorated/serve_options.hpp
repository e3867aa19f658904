// What `quorated serve` is told, checked and typed: its flags, the environment or a file.
#ifndef QUORATED_SERVE_OPTIONS_HPP
#define QUORATED_SERVE_OPTIONS_HPP

#include <quorate/base/ids.hpp>
#include <quorate/server/log_line_sink.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "value_parsers.hpp"

namespace quorated {

/// One of --initial-cluster.
struct initial_member {
    quorate::node_id id;
    std::string name;
    std::vector<std::string> peer_urls; ///< Sorted; at least one.
};

/// What shows and asks for certificates. Paths; empty: not given.
struct tls_settings {
    std::string cert_file;
    std::string key_file;
    std::string trusted_ca_file;
    std::string crl_file;
    std::string allowed_hostname;
    std::string allowed_common_name;
    bool client_cert_auth = false;
    bool only_1_3 = false; ///< No TLS 1.2.
    bool dials = false;    ///< For members, which connect to one another.
    std::vector<std::string> cipher_suites;
};

enum class compaction_mode : std::uint8_t { off, periodic, revision };
enum class backend_kind : std::uint8_t { memory, lmdb };
enum class dialect : std::uint8_t { etcd_3_4, etcd_3_6 };

struct serve_options {
    // Member
    std::string name;
    std::filesystem::path data_dir;
    std::filesystem::path wal_dir; ///< Empty: in data_dir.
    std::uint32_t max_snapshots = 0;
    std::uint32_t max_wals = 0;
    std::vector<endpoint> listen_peer;   ///< Sorted; at least one; numeric or `localhost`.
    std::vector<endpoint> listen_client; ///< The same.
    std::uint64_t snapshot_count = 0;
    std::chrono::milliseconds heartbeat{};
    std::chrono::milliseconds election{};
    std::int64_t quota_backend_bytes = 0; ///< As server/quota.hpp takes it.
    std::uint32_t max_txn_ops = 0;
    std::uint64_t max_request_bytes = 0;
    std::uint64_t max_pending_bytes = 0;
    std::uint64_t max_snapshot_bytes = 0;
    std::uint64_t max_snapshot_streams = 0;
    std::uint64_t max_database_bytes = 0;
    std::uint32_t max_connections = 0;
    std::uint32_t max_concurrent_streams = 0;
    std::uint64_t max_unfinished_bytes = 0;
    std::chrono::milliseconds client_idle_timeout{}; ///< Zero: never.
    std::chrono::milliseconds shutdown_grace{};

    /// Returns: bytes of the longest body of a request.
    [[nodiscard]] std::uint64_t body_bytes_max() const noexcept;

    // Clustering
    std::vector<std::string> advertise_peer_urls;   ///< Sorted; at least one.
    std::vector<std::string> advertise_client_urls; ///< The same.
    std::vector<initial_member> initial_cluster;    ///< In the order of their names.
    std::string cluster_token;
    bool token_given = false; ///< By the operator; else it is the default.
    bool name_given = false;
    bool join = false;             ///< --initial-cluster-state=existing
    quorate::node_id id;           ///< From the advertised peer URLs and the token; or see below.
    quorate::cluster_id cluster;   ///< Of initial_cluster; zero for one that joins; or see below.
    bool identified = false;       ///< The data directory says whose it is.
    bool has_state = false;        ///< It holds a snapshot: this member has taken part.
    std::string bootstrap_problem; ///< Why a new data directory must not be started; or empty.
    bool strict_reconfig_check = true;
    bool pre_vote = true;
    compaction_mode compaction = compaction_mode::off;
    std::chrono::nanoseconds compaction_period{}; ///< Of periodic.
    std::uint64_t compaction_revisions = 0;       ///< Of revision.

    // Security and auth
    tls_settings client_tls;
    tls_settings peer_tls;
    bool peer_cert_names_member = false;
    std::vector<std::string> cors;           ///< Origins, `*`: all; empty: this member's own.
    std::vector<std::string> host_whitelist; ///< Empty: all.
    std::chrono::seconds auth_token_ttl{};
    unsigned bcrypt_cost = 0;

    // Monitoring and logging
    bool extensive_metrics = false;
    std::vector<endpoint> listen_metrics;
    quorate::log_settings log; ///< At least one output.

    // What etcd calls experimental
    bool initial_corrupt_check = false;
    std::chrono::nanoseconds corrupt_check_time{}; ///< Zero: never.
    std::chrono::nanoseconds watch_progress_interval{};
    std::chrono::nanoseconds slow_request{};

    // Unsafe, and own
    bool force_new_cluster = false;
    bool accept_data_loss = false;
    backend_kind backend = backend_kind::memory;
    dialect error_dialect = dialect::etcd_3_4;

    /// One line each, to be logged once the log is there.
    std::vector<std::string> warnings;
};

/// What the program was built with: the rest is refused.
struct parts_built {
    bool tls;
    bool lmdb;
    bool yaml = true;
};

/// Returns: what this program was built with.
[[nodiscard]] parts_built parts_of_this_program() noexcept;

/// Returns: a line that names these parts, and those that are missing.
[[nodiscard]] std::string description_of_parts();

struct flag_values;
/// Errors: usage_error, with one line that names the flag.
[[nodiscard]] serve_options make_serve_options(const flag_values& values, const parts_built& built);

/// Like make_serve_options of all flags there are; but an existing data directory says itself whose
/// it is, and a new one is not begun with a bootstrap_problem. `environment`: lines NAME=value.
/// Effects: prints help or version where asked for, or what is wrong.
/// Returns: the options; an exit status in `ended` when there is nothing left to do.
[[nodiscard]] serve_options parse_serve(std::span<const char* const> words,
                                        std::span<const std::string> environment,
                                        std::optional<int>& ended);

} // namespace quorated

#endif
