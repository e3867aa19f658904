// The entries and states that become durable together.
// Flow:       7. entries → one group commit
// Invariants: entries are dense and follow what was queued before; a restart voids what it follows
// Threads:    none; a batch has one owner, first the log, then its sync job
#ifndef QUORATE_LOG_LOG_BATCH_HPP
#define QUORATE_LOG_LOG_BATCH_HPP

#include <quorate/base/assert.hpp>
#include <quorate/consensus/entry.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace quorate {

struct log_batch {
    std::optional<log_id> restart; ///< Comes before everything else here.
    std::vector<entry> entries;
    std::optional<hard_state> hard;
    log_index compact; ///< Comes after everything else here; zero: nothing.
    bool seal = false; ///< Wants a watermark for what is durable already.

    [[nodiscard]] bool empty() const noexcept { return !writes() && !compact && !seal; }
    /// Returns: whether it changes more than how far the log is compacted.
    [[nodiscard]] bool writes() const noexcept {
        return restart.has_value() || !entries.empty() || hard.has_value();
    }

    /// Effects: drops the queued entries that these replace and adds them.
    /// Requires: dense. Complexity: linear in both.
    void append(std::span<const entry> more) {
        if (more.empty()) {
            return;
        }
        while (!entries.empty() && entries.back().index >= more.front().index) {
            entries.pop_back();
        }
        for (const entry& e : more) {
            QUORATE_ASSERT(entries.empty() || e.index == entries.back().index.next());
            entries.push_back(e);
        }
    }
    void restart_at(log_id id) noexcept {
        restart = id;
        entries.clear();
        compact = log_index();
    }
    void compact_to(log_index upto) noexcept { compact = std::max(compact, upto); }

    /// Effects: empties it, and keeps what it has allocated.
    void clear() noexcept {
        restart.reset();
        entries.clear();
        hard.reset();
        compact = log_index();
        seal = false;
    }

    /// Effects: adds what was queued after this batch, which was not written.
    void follow(log_batch&& later) {
        if (later.restart) {
            restart_at(*later.restart);
        }
        append(later.entries);
        if (later.hard) {
            hard = later.hard;
        }
        compact_to(later.compact);
        seal = seal || later.seal;
    }
};

} // namespace quorate

#endif
