// The state of a node as its owner sees it.
// Flow:       none; read at any time
// In / Out:   basic_node::status and basic_node::progress return these
// Threads:    any; values
#ifndef QUORATE_SERVER_NODE_STATUS_HPP
#define QUORATE_SERVER_NODE_STATUS_HPP

#include <quorate/consensus/engine.hpp>

#include <cstddef>

namespace quorate {

/// What a node reports of itself.
struct node_status {
    engine_status engine;
    log_index applied{};
    std::size_t requests = 0; ///< Waiting for their outcome.
    std::size_t reads = 0;    ///< Waiting to be confirmed.
    bool ended = false;
    /// It leads, and has applied all that was acknowledged before.
    bool leads_fresh = false;
    bool disk_full = false;     ///< Writes wait for space and are refused meanwhile.
    bool database_full = false; ///< The machine's database has no space for what makes it larger.
    bool disk_hangs = false;    ///< A sync of the log has not returned for an election timeout.
    bool defragmenting = false;
    bool fenced = false; ///< Lost what it had acknowledged; neither votes nor leads.
};

/// What a leader knows of a member, itself included.
struct member_progress {
    node_id id{};
    log_index match{};            ///< The last index known to be durable there.
    bool recently_active = false; ///< Heard from within an election timeout.
    bool learner = false;
};

} // namespace quorate

#endif
