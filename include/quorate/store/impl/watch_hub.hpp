// Streams and watches of the hub: begin, end, and take.
// Flow:       beside 13
// In / Out:   see store/watch_hub.hpp
// Invariants: a stream that has something to take is not idle
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_WATCH_HUB_HPP
#define QUORATE_STORE_IMPL_WATCH_HUB_HPP

#include <quorate/store/watch_hub.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

template <class Store>
watch_hub<Store>::watch_hub(const Store& store, watch_limits limits)
    : store_(&store),
      limits_(limits),
      head_(store.current_revision()),
      live_(std::make_unique<cohort>()) {
    QUORATE_ASSERT(limits_.cohorts > 0 && limits_.publish_rows > 0);
    live_->next = head_ + 1;
}

template <class Store>
watch_hub<Store>::~watch_hub() {
    while (!streams_.empty()) {
        close(streams_.begin()->first);
    }
}

template <class Store>
watch_stream_id watch_hub<Store>::open(wake_hook wake) {
    const watch_stream_id fresh(++last_stream_);
    streams_[fresh].wake = std::move(wake);
    return fresh;
}

template <class Store>
void watch_hub<Store>::close(watch_stream_id stream) {
    stream_state& home = find(stream);
    for (watcher& w : home.watches) {
        drop(w);
    }
    progress_requests_ -= home.progress_due ? 1 : 0;
    streams_.erase(stream);
}

template <class Store>
auto watch_hub<Store>::find(watch_stream_id stream) -> stream_state& {
    const auto known = streams_.find(stream);
    QUORATE_ASSERT(known != streams_.end());
    return known->second;
}

/// As etcd does: the first free one behind those given out before.
template <class Store>
watch_id watch_hub<Store>::free_id(stream_state& home) {
    while (home.watches.count(home.next_id) > 0) {
        ++home.next_id;
    }
    return home.next_id++;
}

template <class Store>
result<watch_id> watch_hub<Store>::create(watch_stream_id stream, const watch_request& asked) {
    stream_state& home = find(stream);
    const byte_view key = asked.key.empty() ? byte_view("\0", 1) : asked.key;
    const key_span span = span_of(key, asked.range_end);
    if (span.kind == key_span::shape::before && span.end <= span.first) {
        return errc::watch_span_empty;
    }
    if (asked.id == whole_stream) {
        return errc::invalid_option; // the progress of all watches has that id
    }
    if (asked.id != 0 && home.watches.count(asked.id) > 0) {
        return errc::watch_exists;
    }
    const watch_id id = asked.id == 0 ? free_id(home) : asked.id;
    auto made = std::make_unique<watcher>();
    made->stream = &home;
    made->span = owned_span(span);
    made->id = id;
    watcher& w = *made.release();
    home.watches.insert(w);
    w.next = asked.start_revision == 0 ? store_->current_revision() + 1 : asked.start_revision;
    w.no_put = asked.no_put;
    w.no_delete = asked.no_delete;
    w.prev_kv = asked.prev_kv;
    w.progress_notify = asked.progress_notify;
    w.fragment = asked.fragment;
    w.owner = asked.owner;
    ++size_;
    join(w);
    wake_streams();
    return id;
}

template <class Store>
bool watch_hub<Store>::cancel(watch_stream_id stream, watch_id id) {
    stream_state& home = find(stream);
    const auto known = home.watches.find(id);
    if (known == home.watches.end()) {
        return false;
    }
    drop(*known);
    home.watches.erase_and_dispose(known, detail::watcher_deleter());
    if (home.progress_due) {
        arouse(home); // Perhaps it was the only one that was behind.
        wake_streams();
    }
    return true;
}

template <class Store>
template <class Permits>
void watch_hub<Store>::cancel_unless(Permits permits) {
    publish();
    while (live_->next <= head_) {
        advance(*live_, limits_.publish_rows); // What was written up to now is still told.
    }
    for (auto& [stream, home] : streams_) {
        for (watcher& w : home.watches) {
            const error_code refused = w.canceled ? error_code() : permits(w.owner, w.span.view());
            if (refused) {
                leave(w);
                w.paused = false;
                w.reason = static_cast<std::uint16_t>(refused.value());
                expire(w);
            }
        }
    }
    arouse_for_progress();
    wake_streams();
}

/// Effects: nothing but its stream knows of the watch any more.
template <class Store>
void watch_hub<Store>::drop(watcher& w) {
    leave(w);
    if (w.detail::ready_hook::is_linked()) {
        w.stream->ready.erase(w.stream->ready.iterator_to(w));
    }
    --size_;
}

template <class Store>
auto watch_hub<Store>::take(watch_stream_id stream, std::size_t bytes_max)
    -> std::optional<watch_batch> {
    stream_state& home = find(stream);
    while (!home.ready.empty()) {
        watcher& w = home.ready.front();
        if (!w.queue.empty()) {
            return take_events(w, bytes_max);
        }
        if (w.canceled) {
            return take_cancel(w);
        }
        home.ready.pop_front();
        const bool due = w.progress_due;
        w.progress_due = false;
        if (due && up_to_date(w)) {
            watch_batch made{.id = w.id};
            made.revision = head_;
            return made;
        }
    }
    if (home.progress_due) {
        if (auto made = take_progress(home)) {
            return made;
        }
    }
    home.idle = true;
    return std::nullopt;
}

template <class Store>
std::size_t watch_hub<Store>::pending_events() const noexcept {
    std::size_t count = 0;
    for (const auto& stream : streams_) {
        for (const watcher& w : stream.second.watches) {
            count += w.queue.size();
        }
    }
    return count;
}

/// The watches of a stream take turns, but parts of one write follow each other.
template <class Store>
watch_batch watch_hub<Store>::take_events(watcher& w, std::size_t bytes_max) {
    watch_batch made{.id = w.id};
    made.fragment = w.queue.take(made.events, bytes_max, w.fragment);
    told_events_ += made.events.size();
    w.told = true;
    w.progress_due = false;
    if (w.paused && w.queue.bytes() <= limits_.queue_bytes / 2) {
        w.paused = false;
        join(w);
    }
    const std::uint64_t last = made.events.back()->kv.mod_revision;
    made.revision = made.fragment ? last : std::max(last, told_upto(w));
    if (!made.fragment) {
        detail::ready_list& ready = w.stream->ready;
        ready.pop_front();
        if (!w.queue.empty() || w.canceled) {
            ready.push_back(w);
        }
    }
    return made;
}

template <class Store>
watch_batch watch_hub<Store>::take_cancel(watcher& w) {
    watch_batch made{.id = w.id};
    made.canceled = true;
    if (w.reason != 0) {
        made.reason = static_cast<errc>(w.reason);
        made.revision = head_;
    } else {
        made.compact_revision = store_->compact_revision();
    }
    auto& watches = w.stream->watches;
    drop(w);
    watches.erase_and_dispose(watches.iterator_to(w), detail::watcher_deleter());
    return made;
}

/// Requires: nothing else is to be told. Complexity: linear in the watches of the stream.
template <class Store>
auto watch_hub<Store>::take_progress(stream_state& home) -> std::optional<watch_batch> {
    for (const watcher& w : home.watches) {
        const bool begins_later = w.next > head_ + 1 && w.queue.empty() && !w.canceled;
        if (!up_to_date(w) && !begins_later) {
            return std::nullopt;
        }
    }
    home.progress_due = false;
    --progress_requests_;
    watch_batch made{.id = whole_stream};
    made.revision = head_;
    return made;
}

/// Returns: whether the watch has been told all that was published, and began in the past.
template <class Store>
bool watch_hub<Store>::up_to_date(const watcher& w) const noexcept {
    return w.home == live_.get() && live_->next == head_ + 1 && w.queue.empty() &&
           w.next <= head_ + 1;
}

template <class Store>
std::uint64_t watch_hub<Store>::told_upto(const watcher& w) const noexcept {
    if (!w.queue.empty()) {
        return w.queue.front_revision() - 1;
    }
    const std::uint64_t offered = w.home == nullptr ? w.next : std::max(w.next, w.home->next);
    return std::min(offered - 1, head_);
}

template <class Store>
void watch_hub<Store>::request_progress(watch_stream_id stream) {
    stream_state& home = find(stream);
    progress_requests_ += home.progress_due ? 0 : 1;
    home.progress_due = true;
    arouse(home);
    wake_streams();
}

template <class Store>
void watch_hub<Store>::notify_progress() {
    for (auto& [stream, home] : streams_) {
        for (watcher& w : home.watches) {
            if (w.progress_notify && !w.told && up_to_date(w)) {
                w.progress_due = true;
                make_ready(w);
            }
            w.told = false;
        }
    }
    wake_streams();
}

template <class Store>
void watch_hub<Store>::make_ready(watcher& w) {
    if (!w.detail::ready_hook::is_linked()) {
        w.stream->ready.push_back(w);
    }
    arouse(*w.stream);
}

template <class Store>
void watch_hub<Store>::arouse(stream_state& home) {
    if (std::exchange(home.idle, false)) {
        aroused_.push_back(&home);
    }
}

/// For those that wait until all of their watches are up to date, without events to wake them.
template <class Store>
void watch_hub<Store>::arouse_for_progress() {
    if (progress_requests_ == 0 || live_->next <= head_) {
        return;
    }
    for (auto& [stream, home] : streams_) {
        if (home.progress_due) {
            arouse(home);
        }
    }
}

template <class Store>
void watch_hub<Store>::wake_streams() {
    for (stream_state* home : aroused_) {
        home->wake();
    }
    aroused_.clear();
}

} // namespace quorate

#include <quorate/store/impl/watch_walk.hpp>

#endif
