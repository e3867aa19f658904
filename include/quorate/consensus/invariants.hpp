// The invariants of a member, numbered: of one state, of two states, and of a batch.
// Flow:       none; tests and simulations call it after every event
// Invariants: states R1 to R15 and R23; R16 to R20 concern several members (see doc/invariants.md)
// Source:     Raft figures 2 and 3, §5 and §7; thesis §4, §6.4, §10.2; the form is LogCabin's
#ifndef QUORATE_CONSENSUS_INVARIANTS_HPP
#define QUORATE_CONSENSUS_INVARIANTS_HPP

#include <quorate/consensus/effects.hpp>
#include <quorate/consensus/raft.hpp>

namespace quorate {

/// An invariant that does not hold. Number zero: all do.
struct broken_invariant {
    unsigned number = 0;   ///< 4 stands for R4.
    const char* text = ""; ///< The invariant, as a sentence that is not true now.

    [[nodiscard]] explicit operator bool() const noexcept { return number != 0; }
};

/// What check_step remembers of the state before: no more than it compares. 112 bytes.
struct raft_facts {
    hard_state hard{};
    soft_state soft{};
    log_id base{};
    log_id committed{}; ///< The last committed entry.
    log_id last{};
    log_index stable{};
    log_index applied{};
};

/// Complexity: O(1).
[[nodiscard]] raft_facts facts_of(const raft& member) noexcept;

/// Facts about one state: R1, R2, R3, R5, R6, R8, R12, R13, R23, and R11 for the leader's own copy.
/// `validated`: raft_options::validate_changes; without it R13 is not promised.
/// Requires: no storage completion is half told (the deferred messages, then on_stable).
/// Complexity: linear in the entries held in memory and in members.
[[nodiscard]] broken_invariant check_state(const raft& member, bool validated = true);

/// Facts about two states with one event between them: R4, R8, R9, R10, R11, R14, R15, R23.
/// Complexity: linear in members.
[[nodiscard]] broken_invariant check_step(const raft_facts& before, const raft& after);

/// Facts about a batch taken from `member`: R7, and that it holds what its fields promise.
/// Complexity: linear in the batch.
[[nodiscard]] broken_invariant check_effects(const raft& member, const effects& batch);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/consensus/impl/invariants.ipp>
#endif

#endif
