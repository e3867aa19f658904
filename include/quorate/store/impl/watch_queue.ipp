// A queue of events: whole writes and its limit.
#ifndef QUORATE_STORE_IMPL_WATCH_QUEUE_IPP
#define QUORATE_STORE_IMPL_WATCH_QUEUE_IPP

#include <quorate/base/assert.hpp>
#include <quorate/store/watch_queue.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL bool watch_queue::push(const shared_event& event, std::size_t bytes_max) {
    const std::uint64_t write = event->kv.mod_revision;
    QUORATE_ASSERT(empty() || events_.back()->kv.mod_revision <= write);
    if (!empty() && bytes_ + event->bytes() > bytes_max && front_revision() != write) {
        while (events_.back()->kv.mod_revision == write) {
            bytes_ -= events_.back()->bytes();
            events_.pop_back();
        }
        return false;
    }
    events_.push_back(event);
    bytes_ += event->bytes();
    return true;
}

/// Walks over whole writes until one does not fit; over one that is too large by itself to its end,
/// or as far as a part may go.
QUORATE_DECL bool watch_queue::take(std::vector<shared_event>& into, std::size_t bytes_max,
                                    bool fragment) {
    QUORATE_ASSERT(!empty());
    std::size_t end = taken_;
    std::size_t bytes = 0;
    bool part = false;
    for (std::size_t at = taken_;; ++at) {
        if (at == events_.size() || revision_at(at) != revision_at(at == taken_ ? at : at - 1)) {
            end = at; // All before is whole.
            if (at == events_.size() || bytes > bytes_max) {
                break;
            }
        }
        bytes += events_[at]->bytes();
        if (bytes > bytes_max && at > taken_ && (end > taken_ || fragment)) {
            part = end == taken_;
            end = part ? at : end;
            break;
        }
    }
    into.reserve(into.size() + (end - taken_));
    for (; taken_ < end; ++taken_) {
        bytes_ -= events_[taken_]->bytes();
        into.push_back(std::move(events_[taken_]));
    }
    tidy();
    return part;
}

/// What was taken is forgotten once it is the larger half, so that each event is moved once.
QUORATE_DECL void watch_queue::tidy() {
    if (taken_ * 2 < events_.size()) {
        return;
    }
    if (empty() && events_.capacity() > idle_capacity) {
        events_ = {};
    }
    const auto end = static_cast<std::ptrdiff_t>(std::min(taken_, events_.size()));
    events_.erase(events_.begin(), events_.begin() + end);
    taken_ = 0;
}

} // namespace quorate

#endif
