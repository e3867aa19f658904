// The log as the engine sees it: a window of entries in memory and the cursors that run over it.
// Flow:       4 to 11; base ≤ applied ≤ applying ≤ committed ≤ last, and stable ≤ handed out ≤ last
// Invariants: R1 (dense), R2 (terms never decrease), R3 (cursor order), R4 (nothing committed is
//             ever replaced)
// Source:     Raft §5.3; the two cursors of either pair allow pipelined storage (thesis §10.2)
#ifndef QUORATE_CONSENSUS_RAFT_LOG_HPP
#define QUORATE_CONSENSUS_RAFT_LOG_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/error.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/consensus/snapshot.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace quorate {

/// Entries live in one vector with dead slots at its front, so that any range is one span and a
/// log that is compacted as it grows allocates nothing.
/// Lifetime: spans are valid until the next change.
class raft_log {
public:
    /// Requires: entries dense after `base`; base.index ≤ commit ≤ last; base.index ≤ applied.
    raft_log(log_id base, std::vector<entry> entries, log_index commit, log_index applied,
             std::uint64_t apply_bytes_max);

    // What is there.
    [[nodiscard]] log_index first() const noexcept { return base_.index.next(); }
    [[nodiscard]] log_index last() const noexcept { return base_.index + size(); }
    [[nodiscard]] log_id last_id() const noexcept {
        return size() == 0 ? base_ : entries_.back().id();
    }
    [[nodiscard]] log_id base() const noexcept { return base_; }
    /// Returns: the term at `index`; none outside [first - 1, last].
    [[nodiscard]] std::optional<term_id> term_at(log_index index) const noexcept {
        return knows(index) ? std::optional(known_term(index)) : std::nullopt;
    }
    // The hot paths use these two: a returned optional costs more than what it holds.
    [[nodiscard]] bool knows(log_index index) const noexcept {
        return index >= base_.index && index <= last();
    }
    /// Requires: knows(index).
    [[nodiscard]] term_id known_term(log_index index) const noexcept {
        return index == base_.index ? base_.term : at(index).term;
    }
    [[nodiscard]] bool matches(log_id id) const noexcept {
        return knows(id.index) && known_term(id.index) == id.term;
    }
    /// Returns: whether a log that ends in `id` is at least as new as this one (§5.4.1).
    [[nodiscard]] bool up_to_date(log_id id) const noexcept { return id >= last_id(); }
    /// Requires: first ≤ from ≤ last + 1. Returns: the longest run from there that is within
    /// `bytes_max` encoded bytes, and at least one entry if there is any.
    [[nodiscard]] std::span<const entry> from(log_index from,
                                              std::uint64_t bytes_max) const noexcept;
    /// Requires: the range lies within [first, last + 1).
    [[nodiscard]] std::span<const entry> range(log_index from, std::uint64_t count) const noexcept;
    /// Returns: the largest (index, term) at or below `index` whose term is at most `term`; a zero
    /// term where the log does not reach down that far (thesis §3.5). Complexity: O(log n).
    [[nodiscard]] log_id conflict_hint(log_index index, term_id term) const noexcept;

    // Growing and replacing.
    /// Requires: e.index == last + 1 and no smaller term than the last entry's.
    void push(entry e);
    /// Effects: appends `entries` after `prev`, replacing a suffix that conflicts.
    /// Returns: the last index covered; none if `prev` does not match.
    /// Errors: log_conflict if a committed entry would be replaced; nothing changes then.
    [[nodiscard]] std::optional<log_index> append(log_id prev, std::span<const entry> entries,
                                                  error_code& failed);
    /// Effects: replaces everything by a snapshot that waits to be installed.
    void restore(snapshot_ptr snap);
    /// Effects: forgets entries up to and including `upto`. Errors: index_compacted,
    /// index_unavailable (not applied yet).
    [[nodiscard]] error_code compact(log_index upto);

    /// Effects: a snapshot up to `index` is saved, so that the entries behind it count from now on.
    void on_snapshot_saved(log_index index) noexcept;
    /// Returns: bytes of memory of the entries behind the newest saved snapshot, which cannot be
    /// compacted. Complexity: constant.
    [[nodiscard]] std::uint64_t bytes_behind_snapshot() const noexcept {
        return bytes_behind_snapshot_;
    }

    // Commitment.
    [[nodiscard]] log_index committed() const noexcept { return committed_; }
    /// Effects: moves the commit index forward to min(index, last); never back.
    void commit_to(log_index index) noexcept;

    // Storage.
    [[nodiscard]] log_index stable() const noexcept { return stable_; }
    [[nodiscard]] bool has_unstable() const noexcept { return stable_ < last(); }
    /// Returns: bytes of memory of the entries that are not durable. Complexity: constant.
    [[nodiscard]] std::uint64_t unstable_bytes() const noexcept { return unstable_bytes_; }
    [[nodiscard]] std::span<const entry> not_handed_out() const noexcept;
    [[nodiscard]] bool has_not_handed_out() const noexcept { return handed_out_ < last(); }
    [[nodiscard]] const snapshot_ptr& pending_snapshot() const noexcept { return pending_; }
    [[nodiscard]] bool snapshot_not_handed_out() const noexcept {
        return pending_ != nullptr && !snapshot_handed_out_;
    }
    /// Effects: everything unstable is on its way to the disk now.
    void accept_handed_out() noexcept;
    /// Effects: entries up to `id` are durable, unless the log changed there meanwhile.
    void on_stable(log_id id) noexcept;
    void on_snapshot_stable(log_index index) noexcept;

    // Applying.
    [[nodiscard]] log_index applying() const noexcept { return applying_; }
    [[nodiscard]] log_index applied() const noexcept { return applied_; }
    /// Returns: committed entries to apply next, within the apply budget.
    [[nodiscard]] std::span<const entry> to_apply(bool allow_unstable) const noexcept;
    void accept_applying(std::span<const entry> entries, bool allow_unstable) noexcept;
    void on_applied(log_index index, std::uint64_t bytes) noexcept;

private:
    [[nodiscard]] std::uint64_t size() const noexcept { return entries_.size() - dead_; }
    [[nodiscard]] const entry& at(log_index index) const noexcept {
        QUORATE_DEBUG_ASSERT(index >= first() && index <= last());
        return entries_[dead_ + (index - base_.index) - 1];
    }
    [[nodiscard]] log_index apply_limit(bool allow_unstable) const noexcept;
    void truncate_from(log_index index);
    void drop_front(std::uint64_t count);

    std::vector<entry> entries_; // the first `dead_` slots are empty
    std::size_t dead_ = 0;
    log_id base_; // just before the first entry
    log_index committed_;
    log_index applying_; // handed out to be applied
    log_index applied_;
    log_index stable_;     // durable
    log_index handed_out_; // durable or on its way to the disk
    snapshot_ptr pending_; // restored but not durable yet
    bool snapshot_handed_out_ = false;
    bool apply_paused_ = false;
    std::uint64_t apply_bytes_max_;
    std::uint64_t apply_bytes_ = 0; // handed out, not applied
    std::uint64_t unstable_bytes_ = 0;
    log_index saved_snapshot_; // at least the base
    std::uint64_t bytes_behind_snapshot_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/consensus/impl/raft_log.ipp>
#endif

#endif
