// The state of each role beyond the common state; it cannot outlive the role.
// Flow:    10
// Source:  Raft figure 2, "volatile state on leaders"; the variant is ScyllaDB's idea
#ifndef QUORATE_CONSENSUS_RAFT_ROLES_HPP
#define QUORATE_CONSENSUS_RAFT_ROLES_HPP

#include <quorate/base/ids.hpp>
#include <quorate/consensus/progress.hpp>

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

struct follower_role {};

/// Of candidates and pre-candidates alike.
struct candidate_role {
    bool pre = false; ///< Asks whether it would be elected, in a term that has not begun (§9.6).
    boost::container::small_vector<std::pair<node_id, bool>, 5> votes; ///< First answers only.

    void record(node_id from, bool granted) {
        if (!answer(from).has_value()) {
            votes.emplace_back(from, granted);
        }
    }
    [[nodiscard]] std::optional<bool> answer(node_id from) const noexcept {
        const auto found = std::find_if(votes.begin(), votes.end(),
                                        [from](const auto& v) { return v.first == from; });
        return found == votes.end() ? std::nullopt : std::optional<bool>(found->second);
    }
};

/// A linearizable read on its way to be confirmed (thesis §6.4).
struct pending_read {
    node_id from{};            ///< The member that asked.
    std::uint64_t context = 0; ///< What it gave.
    log_index index{};         ///< Commit index when it was taken up.
    /// Confirms a member that started from a stale copy; `context` is the number of its start.
    bool confirms_stale = false;
};

struct leader_role {
    std::vector<peer_progress> peers{}; ///< Every member, this one too; ascending.
    node_id transferee{};               ///< The voter to become leader; zero: no transfer.
    std::uint32_t transfer_elapsed = 0; ///< Ticks since the transfer began.
    /// A timeout_now was sent in this term. It may arrive at any time while the term lasts, and
    /// voters ignore their promises for the candidate that it makes.
    bool lease_void = false;
    /// No later membership change is accepted before this index is applied (thesis §4.1).
    log_index pending_change{};
    std::uint64_t unapplied_bytes = 0; ///< Payload bytes of own proposals that are not applied.

    /// Reads wait in order of their position: read i of the queue has number read_first + i.
    /// A heartbeat carries the newest number as its nonce; an acknowledged number confirms all
    /// reads up to it, and none of another leadership, because terms differ.
    std::vector<pending_read> reads{};
    std::uint64_t read_first = 1;
    std::vector<pending_read> postponed_reads{}; ///< Until an entry of this term is committed.

    bool replication_due = false; ///< Followers have something to be sent (coalesced pacing).
    bool read_round_due = false;  ///< Reads wait for a heartbeat round (coalesced pacing).

    /// Complexity: linear; groups are small, and this is faster than halving up to dozens.
    [[nodiscard]] peer_progress* find(node_id id) noexcept {
        const auto place = std::find_if(peers.begin(), peers.end(),
                                        [id](const peer_progress& p) { return p.id() == id; });
        return place != peers.end() ? &*place : nullptr;
    }
    [[nodiscard]] std::uint64_t read_newest() const noexcept {
        return read_first + reads.size() - 1;
    }
};

} // namespace quorate

#endif
