// The way of the hub's watches through the history: cohorts that are equally far.
// Flow:       beside 12. the store's rows → events in the queues
// In / Out:   see store/watch_hub.hpp
// Invariants: a cohort stops between two writes, never within one
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_WATCH_WALK_HPP
#define QUORATE_STORE_IMPL_WATCH_WALK_HPP

#include <quorate/store/watch_hub.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

template <class Store>
void watch_hub<Store>::publish() {
    const std::uint64_t current = store_->current_revision();
    if (current < head_) {
        rewind(current);
    }
    const bool behind = live_->next <= head_;
    head_ = current;
    if (live_->next <= head_) {
        advance(*live_, limits_.publish_rows);
        if (behind) {
            arouse_for_progress();
        }
        wake_streams();
    }
}

/// A store that was put back to an older state: whoever has seen later writes waits for those that
/// follow them.
template <class Store>
void watch_hub<Store>::rewind(std::uint64_t current) {
    const auto put_back = [&](cohort& group) {
        if (group.next <= current + 1) {
            return;
        }
        for (watcher& w : group.members) {
            w.next = std::max(w.next, group.next);
        }
        group.next = current + 1;
    };
    put_back(*live_);
    for (auto& group : lagging_) {
        put_back(*group);
    }
}

template <class Store>
bool watch_hub<Store>::step(std::size_t rows_max) {
    QUORATE_ASSERT(rows_max > 0);
    publish(); // Nothing compacted is then later than what is offered.
    const bool live_behind = live_->next <= head_;
    if (turn_ > lagging_.size() || (turn_ == lagging_.size() && !live_behind)) {
        turn_ = 0;
    }
    if (turn_ < lagging_.size()) {
        advance_lagging(turn_++, rows_max);
    } else if (live_behind) {
        turn_ = 0;
        advance(*live_, rows_max);
        arouse_for_progress();
    }
    wake_streams();
    return behind();
}

template <class Store>
void watch_hub<Store>::advance_lagging(std::size_t which, std::size_t rows_max) {
    std::unique_ptr<cohort>& group = lagging_[which];
    const std::size_t rows = advance(*group, rows_max);
    if (group->size > 0 && group->next > head_) {
        catch_up(group, std::max<std::size_t>(rows_max - std::min(rows, rows_max), 1));
    }
    if (group->size == 0) {
        lagging_.erase(lagging_.begin() + static_cast<std::ptrdiff_t>(which));
        start_waiting();
    }
}

/// A cohort that has read all history becomes part of the live one; the smaller moves.
template <class Store>
void watch_hub<Store>::catch_up(std::unique_ptr<cohort>& group, std::size_t watches_max) {
    if (live_->next <= head_) {
        std::swap(live_, group); // The other goes on as one that is behind.
        arouse_for_progress();
        return;
    }
    if (group->size > live_->size) {
        std::swap(live_, group);
    }
    for (; watches_max > 0 && group->size > 0; --watches_max) {
        watcher& w = group->members.front();
        leave(w);
        enter(*live_, w);
    }
    if (group->size == 0) {
        arouse_for_progress();
    }
}

/// Effects: offers the cohort at least one write, whole ones up to about `rows_max` changes.
/// Returns: how many changes it has looked at.
template <class Store>
std::size_t watch_hub<Store>::advance(cohort& group, std::size_t rows_max) {
    if (group.next < store_->compact_revision()) {
        expire_compacted(group);
    }
    if (group.size == 0 || group.next > head_) {
        group.next = std::max(group.next, head_ + 1);
        return 0;
    }
    std::size_t rows = 0;
    std::uint64_t write = 0;
    std::uint64_t next = head_ + 1;
    store_->changes(group.next, head_, [&](revision at, const row& found) {
        if (at.main != write && (rows >= rows_max || overflowed_.size() == group.size)) {
            next = at.main;
            return false;
        }
        write = at.main;
        ++rows;
        offer change(*store_, at, found);
        offer_to(group, change);
        return true;
    });
    for (watcher* w : overflowed_) {
        leave(*w);
    }
    overflowed_.clear();
    group.next = next;
    return rows;
}

/// Cancels those of a cohort that compaction has overtaken.
template <class Store>
void watch_hub<Store>::expire_compacted(cohort& group) {
    const std::uint64_t readable = store_->compact_revision();
    for (auto at = group.members.begin(); at != group.members.end();) {
        watcher& w = *at++;
        if (w.next < readable) {
            leave(w);
            expire(w);
        }
    }
    group.next = readable;
}

template <class Store>
void watch_hub<Store>::offer_to(cohort& group, offer& change) {
    group.index.visit(change.key(), [&](detail::watch_index::entry& span) {
        for (watcher& w : span.value) {
            offer_to(w, change);
        }
    });
}

/// Who has no room for all of a write gets nothing of it, and goes on there later.
template <class Store>
void watch_hub<Store>::offer_to(watcher& w, offer& change) {
    if (w.paused || change.write() < w.next || (change.deletion() ? w.no_delete : w.no_put)) {
        return;
    }
    if (w.queue.push(change.event(w.prev_kv), limits_.queue_bytes)) {
        make_ready(w);
        return;
    }
    w.paused = true;
    w.next = change.write();
    overflowed_.push_back(&w);
}

/// A key that was created had nothing before, even where the same write deleted it first.
template <class Store>
const shared_event& watch_hub<Store>::offer::event(bool prev_kv) {
    const bool previous = prev_kv && change_.version != 1;
    shared_event& made = previous ? with_previous_ : plain_;
    if (made == nullptr) {
        watch_event event = event_of(at_, change_);
        if (previous) {
            event.prev_kv = store_.get(key(), at_.main - 1);
        }
        made = std::make_shared<const watch_event>(std::move(event));
    }
    return made;
}

/// Puts a watch with the cohort that is nearest behind it, or begins one where none is near.
template <class Store>
void watch_hub<Store>::join(watcher& w) {
    if (w.next < store_->compact_revision()) {
        expire(w);
        return;
    }
    cohort* nearest = live_->next <= w.next ? live_.get() : nullptr;
    for (auto& group : lagging_) {
        const bool nearer = nearest == nullptr || group->next > nearest->next;
        nearest = group->next <= w.next && nearer ? group.get() : nearest;
    }
    const bool near =
        nearest != nullptr && (w.next > head_ || w.next - nearest->next <= limits_.join_distance);
    if (!near && lagging_.size() < limits_.cohorts) {
        lagging_.push_back(std::make_unique<cohort>());
        lagging_.back()->next = w.next;
        enter(*lagging_.back(), w);
    } else if (nearest != nullptr) {
        enter(*nearest, w);
    } else {
        waiting_.push_back(w);
    }
}

/// Begins a cohort with all that wait, now that there may be one more.
template <class Store>
void watch_hub<Store>::start_waiting() {
    if (waiting_.empty()) {
        return;
    }
    const auto earlier = [](const watcher& a, const watcher& b) { return a.next < b.next; };
    lagging_.push_back(std::make_unique<cohort>());
    cohort& group = *lagging_.back();
    group.next = std::min_element(waiting_.begin(), waiting_.end(), earlier)->next;
    while (!waiting_.empty()) {
        watcher& w = waiting_.front();
        waiting_.pop_front();
        enter(group, w);
    }
}

template <class Store>
void watch_hub<Store>::enter(cohort& into, watcher& w) {
    w.home = &into;
    w.place = &into.index.insert(w.span);
    w.place->value.push_back(w);
    into.members.push_back(w);
    ++into.size;
}

/// Effects: the watch is in no cohort, knows where it was, and waits for none.
template <class Store>
void watch_hub<Store>::leave(watcher& w) {
    if (w.home == nullptr) {
        if (w.detail::member_hook::is_linked()) {
            waiting_.erase(waiting_.iterator_to(w));
        }
        return;
    }
    cohort& home = *std::exchange(w.home, nullptr);
    w.next = std::max(w.next, home.next);
    home.members.erase(home.members.iterator_to(w));
    --home.size;
    w.place->value.erase(w.place->value.iterator_to(w));
    if (w.place->value.empty()) {
        home.index.erase(*w.place);
    }
    w.place = nullptr;
}

template <class Store>
void watch_hub<Store>::expire(watcher& w) {
    w.canceled = true;
    make_ready(w);
}

} // namespace quorate

#endif
