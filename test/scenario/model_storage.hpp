// What one node's disk holds, as far as a script can tell.
// Flow:       6, 7. entries → durable
// Invariants: R1; `before` is the identity of the entry just before the first one
// Source:     the reference's in-memory storage
#ifndef QUORATE_TEST_SCENARIO_MODEL_STORAGE_HPP
#define QUORATE_TEST_SCENARIO_MODEL_STORAGE_HPP

#include <quorate/base/error.hpp>
#include <quorate/consensus/entry.hpp>

#include <optional>
#include <span>
#include <vector>

namespace quorate::scenario {

struct model_storage {
    hard_state hard;
    log_id before;              ///< Zero: nothing is compacted.
    log_index snapshot;         ///< Of the newest snapshot installed; zero: none.
    std::vector<entry> entries; ///< Dense; the first follows `before`.

    [[nodiscard]] log_index first() const noexcept { return before.index.next(); }
    [[nodiscard]] log_index last() const noexcept { return before.index + entries.size(); }

    /// Effects: replaces whatever is stored from the first given index on; ignores entries that
    /// are compacted away. Errors: throws script_error for a gap.
    void append(std::span<const entry> given);
    /// Effects: forgets the log. Errors: throws command_error if a newer snapshot is stored.
    void install(log_id snap);
    /// Returns: why the entries up to `upto` cannot be forgotten.
    [[nodiscard]] error_code check_compact(log_index upto) const noexcept;
    /// Requires: check_compact found no error.
    void compact(log_index upto);
};

} // namespace quorate::scenario

#endif
