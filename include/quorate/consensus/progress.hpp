// The leader's view of one follower: its log, the messages on their way, and the pace.
// Flow:       10. acks → match; match → next appends
// Invariants: R5 (match < next), R6 (at most one unacknowledged append while probing)
// Source:     Raft figure 2 (nextIndex, matchIndex); flow states as in etcd-io/raft
#ifndef QUORATE_CONSENSUS_PROGRESS_HPP
#define QUORATE_CONSENSUS_PROGRESS_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/ids.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace quorate {

/// The append messages that a follower has not acknowledged: a ring of their last indices.
/// Grows by doubling, so a steady flow allocates nothing; an idle group gives the memory back.
class inflight_window {
public:
    [[nodiscard]] std::uint32_t count() const noexcept { return ring_ ? ring_->count : 0; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return ring_ ? ring_->bytes : 0; }

    void clear() noexcept {
        if (ring_) {
            ring_->count = 0;
            ring_->start = 0;
            ring_->bytes = 0;
        }
    }
    /// Effects: gives the memory back. Requires: count() == 0.
    void release() noexcept {
        QUORATE_ASSERT(count() == 0);
        ring_.reset();
    }

    /// Requires: `last` is larger than any index in the window.
    void add(log_index last, std::uint64_t bytes) {
        if (!ring_) {
            ring_ = std::make_unique<ring>();
        }
        if (ring_->count == ring_->slots.size()) {
            ring_->grow();
        }
        ring_->slots[ring_->position(ring_->count)] = {last, bytes};
        ++ring_->count;
        ring_->bytes += bytes;
    }

    /// Effects: forgets every message that `index` acknowledges. Complexity: linear in them.
    void free_to(log_index index) noexcept {
        if (!ring_) {
            return;
        }
        ring& r = *ring_;
        while (r.count > 0 && r.slots[r.start].last <= index) {
            r.bytes -= r.slots[r.start].bytes;
            r.start = r.position(1);
            --r.count;
        }
    }

private:
    struct slot {
        log_index last;
        std::uint64_t bytes = 0;
    };
    struct ring {
        std::vector<slot> slots{};
        std::uint64_t bytes = 0;
        std::uint32_t start = 0;
        std::uint32_t count = 0;

        [[nodiscard]] std::uint32_t position(std::uint32_t offset) const noexcept {
            // Sizes are powers of two.
            return (start + offset) & (static_cast<std::uint32_t>(slots.size()) - 1);
        }
        void grow() {
            std::vector<slot> larger(std::max<std::size_t>(8, slots.size() * 2));
            for (std::uint32_t i = 0; i < count; ++i) {
                larger[i] = slots[position(i)];
            }
            slots.swap(larger);
            start = 0;
        }
    };

    std::unique_ptr<ring> ring_;
};

/// How the leader sends to a follower.
enum class progress_kind : std::uint8_t {
    probe,     ///< Where the logs agree is unknown: one append at a time.
    replicate, ///< Known: appends are pipelined.
    snapshot,  ///< Waits for a snapshot: nothing is sent.
};

struct flow_limits {
    std::uint32_t messages_max = 256;
    std::uint64_t bytes_max = 0; ///< Zero: unlimited.
};

class peer_progress {
public:
    peer_progress(node_id id, log_index match, log_index next, bool learner, bool active)
        : id_(id), match_(match), next_(next), learner_(learner), recently_active_(active) {
        QUORATE_ASSERT(match_ < next_);
    }

    [[nodiscard]] node_id id() const noexcept { return id_; }
    [[nodiscard]] progress_kind kind() const noexcept { return kind_; }
    /// The last index known to be durable there.
    [[nodiscard]] log_index match() const noexcept { return match_; }
    /// The first index to send next.
    [[nodiscard]] log_index next() const noexcept { return next_; }
    [[nodiscard]] bool learner() const noexcept { return learner_; }
    [[nodiscard]] log_index pending_snapshot() const noexcept { return pending_snapshot_; }
    [[nodiscard]] bool recently_active() const noexcept { return recently_active_; }
    [[nodiscard]] std::uint32_t inflight_count() const noexcept { return inflight_.count(); }
    [[nodiscard]] std::uint64_t read_acked() const noexcept { return read_acked_; }
    /// Returns: until when, on the leader's clock, this member elects no other leader.
    [[nodiscard]] std::uint64_t lease_end() const noexcept { return lease_end_; }
    /// Returns: whether it lost what it acknowledged and was not given it back yet.
    [[nodiscard]] bool repairing() const noexcept { return repairing_; }

    [[nodiscard]] bool inflight_full(const flow_limits& limits) const noexcept {
        return inflight_.count() >= limits.messages_max ||
               (limits.bytes_max != 0 && inflight_.bytes() >= limits.bytes_max);
    }
    [[nodiscard]] bool paused() const noexcept {
        return kind_ == progress_kind::snapshot || flow_paused_;
    }
    /// Returns: whether an empty append would tell the follower of a newer commit index.
    [[nodiscard]] bool can_bump_commit(log_index commit) const noexcept {
        return commit > sent_commit_ && sent_commit_ < next_.prev();
    }

    /// Returns: whether its disk takes no writes, as it says: nothing is sent to it then.
    [[nodiscard]] bool stuck() const noexcept { return stuck_; }
    /// Returns: whether it could lead: neither stuck nor recovering, as it says.
    [[nodiscard]] bool able() const noexcept { return !stuck_ && !recovering_; }
    void set_condition(bool stuck, bool recovering) noexcept {
        stuck_ = stuck;
        recovering_ = recovering;
    }

    void set_learner(bool learner) noexcept { learner_ = learner; }
    void set_recently_active(bool active) noexcept { recently_active_ = active; }
    /// Effects: gives memory back when nothing is on its way.
    void rest() noexcept {
        if (inflight_.count() == 0) {
            inflight_.release();
        }
    }
    /// Effects: whatever it acknowledged is void; it says that it holds entries up to `held`.
    void on_lost(log_index held) {
        enter(progress_kind::probe);
        match_ = log_index{};
        next_ = held.next();
        repairing_ = true;
        regress_sent_commit();
    }
    /// Effects: it says that it lost entries, but none that are counted here.
    void begin_repair() noexcept { repairing_ = true; }
    void on_repaired() noexcept { repairing_ = false; }

    // A member that started from a stale copy (impl/raft_stale.ipp).
    /// Returns: the number that its present start drew; zero: its promises are sound.
    [[nodiscard]] std::uint64_t stale_start() const noexcept { return stale_start_; }
    /// Returns: whether its acknowledgements and its silence count towards a quorum.
    [[nodiscard]] bool counts() const noexcept { return stale_start_ == 0 || confirmed_; }
    [[nodiscard]] bool confirmed() const noexcept { return stale_start_ != 0 && confirmed_; }
    [[nodiscard]] log_index extent() const noexcept { return extent_; }
    /// Effects: all that it acknowledged before this start is void.
    void on_stale(std::uint64_t start) {
        enter(progress_kind::probe);
        match_ = log_index{};
        stale_start_ = start;
        confirmed_ = false;
        regress_sent_commit();
    }
    /// Effects: counts from now on; its promises are whole again when it holds `extent`.
    void confirm(log_index extent) noexcept {
        confirmed_ = true;
        extent_ = extent;
    }
    void on_sound() noexcept { stale_start_ = 0; }
    void pause() noexcept { flow_paused_ = true; }
    void resume() noexcept { flow_paused_ = false; }
    void on_read_ack(std::uint64_t position) noexcept {
        read_acked_ = std::max(read_acked_, position);
    }
    void extend_lease(std::uint64_t end) noexcept { lease_end_ = std::max(lease_end_, end); }

    void become_probe() {
        // A snapshot that was delivered moves the starting point past itself.
        const log_index known =
            kind_ == progress_kind::snapshot ? std::max(match_, pending_snapshot_) : match_;
        enter(progress_kind::probe);
        next_ = known.next();
        regress_sent_commit();
    }
    void become_replicate() {
        enter(progress_kind::replicate);
        next_ = match_.next();
    }
    void become_snapshot(log_index snapshot) {
        enter(progress_kind::snapshot);
        pending_snapshot_ = snapshot;
        next_ = snapshot.next();
        sent_commit_ = snapshot;
    }
    void forget_pending_snapshot() noexcept { pending_snapshot_ = log_index{}; }

    /// Effects: takes note of an append that leaves now.
    void on_sent(std::uint64_t entries, std::uint64_t bytes, const flow_limits& limits) {
        QUORATE_ASSERT(kind_ != progress_kind::snapshot);
        if (kind_ == progress_kind::probe) {
            flow_paused_ = flow_paused_ || entries > 0;
            return;
        }
        if (entries > 0) {
            next_ = next_ + entries;
            inflight_.add(next_.prev(), bytes);
        }
        flow_paused_ = inflight_full(limits);
    }
    void on_commit_sent(log_index commit) noexcept { sent_commit_ = commit; }

    /// Returns: whether the acknowledgement was news.
    bool on_ack(log_index index) noexcept {
        if (index <= match_) {
            return false;
        }
        match_ = index;
        next_ = std::max(next_, index.next());
        flow_paused_ = false;
        return true;
    }
    void free_inflight(log_index index) noexcept { inflight_.free_to(index); }

    /// Effects: moves `next` back after a rejection of an append at `rejected`; `hint` is where the
    /// logs may agree. Returns: false for a rejection that is stale and changes nothing.
    bool on_rejected(log_index rejected, log_index hint) noexcept {
        if (kind_ == progress_kind::replicate) {
            if (rejected <= match_) {
                return false;
            }
            next_ = match_.next();
        } else {
            if (next_.prev() != rejected) {
                return false; // answers an earlier probe
            }
            next_ = std::max(std::min(rejected, hint.next()), match_.next());
            flow_paused_ = false;
        }
        regress_sent_commit();
        return true;
    }

private:
    void enter(progress_kind kind) noexcept {
        kind_ = kind;
        flow_paused_ = false;
        pending_snapshot_ = log_index{};
        inflight_.clear();
    }
    void regress_sent_commit() noexcept { sent_commit_ = std::min(sent_commit_, next_.prev()); }

    node_id id_;
    log_index match_;
    log_index next_;
    log_index sent_commit_;      // the newest commit index on its way
    log_index pending_snapshot_; // zero unless in snapshot state
    std::uint64_t read_acked_ = 0;
    std::uint64_t lease_end_ = 0;
    inflight_window inflight_;
    progress_kind kind_ = progress_kind::probe;
    bool learner_ = false;
    bool recently_active_ = false;
    bool flow_paused_ = false;
    bool repairing_ = false;
    bool stuck_ = false;
    bool recovering_ = false;
    bool confirmed_ = false;
    std::uint64_t stale_start_ = 0;
    log_index extent_;
};

} // namespace quorate

#endif
