// Events that wait for one slow or busy consumer: whole writes, and not too many.
// Flow:       beside 13. events → batches
// In / Out:   events in order → as many as one batch takes
// Invariants: holds all events that were pushed of a write, or none; more bytes than allowed only
//             when they are one write's
// Source:     etcd bounds its queue in responses, and keeps one more; differs: bounded in bytes,
//             and what does not fit is read again from the history
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_WATCH_QUEUE_HPP
#define QUORATE_STORE_WATCH_QUEUE_HPP

#include <quorate/base/config.hpp>
#include <quorate/store/watch_request.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate {

/// Takes no memory of its own while nothing ever waited, little while nothing waits.
class watch_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return taken_ == events_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return events_.size() - taken_; }
    /// Units: the bytes of the events that wait.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// Returns: the write that the first event is of. Requires: not empty.
    [[nodiscard]] std::uint64_t front_revision() const noexcept { return revision_at(taken_); }

    /// Effects: appends an event; or, when it would not fit and earlier writes wait, drops those
    /// that are there of the same write. Returns: whether it was appended.
    /// Requires: the event is not older than the last. Nothing was taken of its write.
    [[nodiscard]] bool push(const shared_event& event, std::size_t bytes_max);

    /// Effects: moves events into `into`: whole writes up to about `bytes_max` bytes, at least one;
    /// of one that is larger by itself only a part if `fragment`.
    /// Returns: whether the last event's write is not told to its end. Requires: not empty.
    [[nodiscard]] bool take(std::vector<shared_event>& into, std::size_t bytes_max, bool fragment);

private:
    [[nodiscard]] std::uint64_t revision_at(std::size_t position) const noexcept {
        return events_[position]->kv.mod_revision;
    }
    void tidy();

    /// Room that an empty queue keeps, since most events come one at a time.
    static constexpr std::size_t idle_capacity = 2;

    std::vector<shared_event> events_; // those before `taken_` are gone
    std::size_t bytes_ = 0;
    std::size_t taken_ = 0;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/store/impl/watch_queue.ipp>
#endif

#endif
