// Replies about a cluster's members, and about one member's state.
// Flow:       13. membership and status → the fields of etcd's responses
// In / Out:   what the node knows → plain values that own what they hold
// Source:     etcd's Cluster and Maintenance services; field by field the same meaning
// Threads:    may be handed to another thread
#ifndef QUORATE_COMMAND_CLUSTER_REPLY_HPP
#define QUORATE_COMMAND_CLUSTER_REPLY_HPP

#include <quorate/base/ids.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace quorate {

/// One member of the cluster. One that was added but never started has neither a name nor client
/// URLs.
struct cluster_member {
    node_id id{};
    std::string name{};
    std::vector<std::string> peer_urls{};
    std::vector<std::string> client_urls{};
    bool is_learner = false; ///< Gets the log, but has no vote.

    friend bool operator==(const cluster_member&, const cluster_member&) noexcept = default;
};

/// What one member says of itself.
struct member_status {
    std::string version{};             ///< Of the server, such as "3.4.23".
    std::uint64_t db_size = 0;         ///< Units: bytes that the store takes.
    node_id leader{};                  ///< Whom this member follows; zero: nobody.
    log_index raft_index{};            ///< The last entry that is known to be committed.
    term_id raft_term{};               ///< The member's current term.
    log_index raft_applied_index{};    ///< The last entry that is applied.
    std::vector<std::string> errors{}; ///< What is wrong, such as alarms. None: all is well.
    std::uint64_t db_size_in_use = 0;  ///< Units: bytes of `db_size` that hold something.
    bool is_learner = false;

    friend bool operator==(const member_status&, const member_status&) noexcept = default;
};

} // namespace quorate

#endif
