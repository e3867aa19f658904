// The recovered state of a member: the newest snapshot and the log, joined.
// Flow:       beside 7; runs once, before the first event
// In / Out:   snapshot, recovered log → engine state
// Invariants: nothing that the snapshot does not hold may be missing between it and the log
// Source:     doc/format.md, "Starting"
#ifndef QUORATE_SERVER_START_STATE_HPP
#define QUORATE_SERVER_START_STATE_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/engine.hpp>
#include <quorate/log/log_store.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace quorate {

struct start_state {
    engine_state engine;
    bool restart_log = false; ///< The log ends before the snapshot or contradicts it: begin anew.
    bool fresh = false;       ///< Neither a snapshot nor a log: this member never ran.
};

/// A crash may fall between saving a snapshot that was received and restarting the log behind it;
/// then the snapshot wins, because it was durable before anybody was told of it.
/// A log that begins behind the snapshot's end shows that a newer snapshot is gone. `salvage`: the
/// member then starts from the older one, fenced, and without what the log holds.
/// Errors: corrupt, for such a log without `salvage`, or one that contradicts its own state.
[[nodiscard]] inline result<start_state> make_start_state(snapshot_ptr newest, recovered_log log,
                                                          bool salvage = false) {
    start_state start;
    start.engine.hard = log.hard;
    const log_id base = newest == nullptr ? log_id{} : newest->last;
    if (newest == nullptr && log.entries.empty() && log.hard.empty() && !log.base.index) {
        start.fresh = true;
        return start;
    }
    const log_index last = log.base.index + log.entries.size();
    if (log.base.index > base.index) {
        if (!salvage) {
            return error_code(errc::corrupt);
        }
        lost_log& lost = start.engine.hard.lost;
        lost = {start.engine.hard.term, std::max(last, lost.index)};
        start.engine.hard.commit = base.index;
        log.base = base;
        log.entries.clear();
        start.restart_log = true;
    }
    const auto at_base = [&]() -> log_id {
        return base.index == log.base.index ? log.base
                                            : log.entries[base.index - log.base.index - 1].id();
    };
    if (last < base.index || at_base() != base) {
        start.restart_log = true;
    } else {
        const auto covered = static_cast<std::ptrdiff_t>(base.index - log.base.index);
        start.engine.entries.assign(std::make_move_iterator(log.entries.begin() + covered),
                                    std::make_move_iterator(log.entries.end()));
    }
    if (start.engine.hard.lost.index <= base.index) {
        start.engine.hard.lost = {}; // the snapshot holds all of it
    }
    start.engine.hard.commit = std::max(start.engine.hard.commit, base.index);
    if (start.engine.hard.term < base.term) {
        start.engine.hard.term = base.term;
        start.engine.hard.vote = {}; // was given in an older term
    }
    start.engine.applied = base.index;
    start.engine.base = std::move(newest);
    if (const error_code failed = check(start.engine)) {
        return failed;
    }
    return start;
}

} // namespace quorate

#endif
