// The effects of the engine, in the order in which they are carried out.
// Flow:       5. entry → effects
// Invariants: what waits for the disk and what does not are different fields, so that a vote or an
//             acknowledgement cannot leave early (R7)
// Source:     thesis §10.2.1 (the leader's disk works beside the network); etcd's Ready
#ifndef QUORATE_CONSENSUS_EFFECTS_HPP
#define QUORATE_CONSENSUS_EFFECTS_HPP

#include <quorate/base/error.hpp>
#include <quorate/consensus/message.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace quorate {

/// A linearizable read may be served once `index` is applied (thesis §6.4).
struct read_state {
    log_index index{};
    std::uint64_t context = 0; ///< What the reader gave.

    friend bool operator==(const read_state&, const read_state&) noexcept = default;
};

/// Something this member asked for was refused, here or by the leader it was forwarded to.
struct refusal {
    enum class what : std::uint8_t { proposal, read };
    what kind = what::proposal;
    std::uint64_t context = 0; ///< What the asker gave.
    errc reason{};
};

/// Given back once everything in a batch is durable. Names the last entry that is then stable.
struct stable_mark {
    term_id term{};       ///< The engine's term when the batch was taken; a later term voids it.
    log_id last{};        ///< Zero index: the batch had no entries to become stable.
    log_index snapshot{}; ///< Non-zero: the snapshot that is then installed.
};

/// Given back once `entries` are applied.
struct applied_mark {
    log_index last{};
    std::uint64_t bytes = 0; ///< Encoded size, for the apply budget.
};

/// One batch. Executed in the order of its fields; batches are executed in the order taken.
/// Lifetime: everything here is valid until the engine's next `take_effects`; the spans also end
/// with the next `step`, `tick` or proposal.
struct effects {
    /// Changed leader or role: tell whoever waits.
    std::optional<soft_state> soft{};
    /// Reads that can be served once applied.
    std::vector<read_state> reads{};
    /// Requests that were refused.
    std::vector<refusal> refusals{};
    /// Leaves at once, in parallel with the disk.
    std::vector<message> send_now{};

    /// The four fields below go to the disk together, in order.
    /// Changed term, vote or commit.
    std::optional<hard_state> hard{};
    /// Replaces the log and, once durable, the state machine.
    snapshot_ptr install{};
    /// Replaces whatever the log holds from the first one's index on.
    std::span<const entry> append{};
    /// Whether the write must be synced before anything in `send_after_sync` leaves. Says nothing
    /// of `install`, which always must, as in the reference.
    bool must_sync = false;

    /// Leaves once the above is durable. Those addressed to this member itself are stepped instead.
    std::vector<message> send_after_sync{};
    /// Hand back by `on_stable` once the above is durable, after the messages to itself.
    std::optional<stable_mark> stable{};

    /// Committed: apply in order, then hand back `applied`.
    std::span<const entry> apply{};
    std::optional<applied_mark> applied{};

    /// Returns: whether there is anything for the disk.
    [[nodiscard]] bool persists() const noexcept {
        return hard.has_value() || install != nullptr || !append.empty();
    }
};

} // namespace quorate

#endif
