// The queue for the disk: messages and marks in the order of their batches.
// Flow:       7. record → durable, and what may leave then
// Invariants: R7 (no promise leaves before its sync); batches are released in the order taken
// Source:     thesis §10.2.1; group commit: one sync covers all batches that wait
// Threads:    none (the owner's); only the job that it describes runs elsewhere
#ifndef QUORATE_SERVER_STORAGE_QUEUE_HPP
#define QUORATE_SERVER_STORAGE_QUEUE_HPP

#include <quorate/base/assert.hpp>
#include <quorate/consensus/effects.hpp>

#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

/// The part of a batch that follows its write.
struct staged_batch {
    std::vector<message> after_sync; ///< Promises: they carry no entries.
    std::optional<stable_mark> stable;
    snapshot_ptr install;    ///< To be saved before the log restarts behind it.
    bool needs_sync = false; ///< False: only waits for those before it.
};

/// Batches wait, then one job takes all that wait; meanwhile more may wait.
class storage_queue {
public:
    [[nodiscard]] bool busy() const noexcept { return busy_; }
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty() && under_way_.empty(); }

    void push(staged_batch batch) { waiting_.push_back(std::move(batch)); }

    /// Returns: the next batch that needs no sync and has none before it; none otherwise.
    [[nodiscard]] std::optional<staged_batch> take_free() {
        if (busy_ || waiting_.empty() || waiting_.front().needs_sync) {
            return std::nullopt;
        }
        staged_batch batch = std::move(waiting_.front());
        waiting_.pop_front();
        return batch;
    }
    [[nodiscard]] bool wants_sync() const noexcept { return !busy_ && !waiting_.empty(); }

    /// Effects: everything that waits belongs to the job that starts now.
    /// Returns: the newest snapshot among it that is to be saved first.
    snapshot_ptr begin() {
        QUORATE_ASSERT(wants_sync());
        busy_ = true;
        under_way_.swap(waiting_);
        snapshot_ptr install;
        for (const staged_batch& batch : under_way_) {
            if (batch.install != nullptr) {
                install = batch.install;
            }
        }
        return install;
    }
    /// Returns: the batches whose write is durable now.
    [[nodiscard]] std::deque<staged_batch> finish() {
        QUORATE_ASSERT(busy_);
        busy_ = false;
        return std::exchange(under_way_, {});
    }

private:
    std::deque<staged_batch> waiting_;
    std::deque<staged_batch> under_way_;
    bool busy_ = false;
};

} // namespace quorate

#endif
