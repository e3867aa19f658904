// basic_node: walks over the whole state beside everything else, and entries held back meanwhile.
#ifndef QUORATE_IMPL_NODE_WALKS_HPP
#define QUORATE_IMPL_NODE_WALKS_HPP

#include <quorate/node.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

/// Returns: whether committed entries wait, so that the machine stays as it is.
template <class Policies>
bool basic_node<Policies>::holds_entries() const noexcept {
    return walking_ || restoring_ != nullptr;
}

template <class Policies>
void basic_node<Policies>::inspect(std::function<void(const machine_type&)> look, handler done) {
    if (!started_ || stopping_ || failed_) {
        done(errc::stopped);
        return;
    }
    if (walks_.size() >= walks_max) {
        done(errc::too_many_unapplied);
        return;
    }
    walks_.push_back({[] {}, [this, look = std::move(look)] { look(machine_); }, std::move(done)});
    begin_walk();
}

// One walk at a time, and after it the entries that waited for it: walks without end must not keep
// a member from applying.
template <class Policies>
void basic_node<Policies>::begin_walk() {
    const bool in_batch = !held_back_.empty() && held_back_.front().applied > 0;
    if (holds_entries() || walks_.empty() || in_batch || applied_.index < drain_to_ || stopping_ ||
        failed_) {
        return;
    }
    walking_ = true;
    const auto next = std::make_shared<walk>(std::move(walks_.front()));
    walks_.pop_front();
    next->begin();
    if constexpr (detached) {
        boost::asio::post(walk_thread_, [this, next]() mutable {
            next->run();
            boost::asio::post(io_, [this, next = std::move(next)] { end_walk(*next); });
        });
    } else {
        next->run();
        end_walk(*next);
    }
}

template <class Policies>
void basic_node<Policies>::end_walk(walk& ended) {
    QUORATE_ASSERT(walking_);
    walking_ = false;
    drain_to_ = held_back_.empty() ? applied_.index : held_back_.back().mark.last;
    ended.done(stopping_ || failed_ ? make_error_code(errc::stopped) : error_code());
    resume();
}

// A bounded number of entries in each turn of the loop, so that ticks, messages and syncs come in
// between.
template <class Policies>
void basic_node<Policies>::resume() {
    if (stopping_ || failed_) {
        return;
    }
    drop_superseded();
    begin_walk();
    if (holds_entries() || held_back_.empty()) {
        return;
    }
    held_batch& batch = held_back_.front();
    const std::size_t left = batch.entries.size() - batch.applied;
    const std::span<const entry> some(batch.entries.data() + batch.applied,
                                      std::min(left, entries_per_turn));
    batch.applied += some.size();
    if (!apply_entries(some)) {
        return;
    }
    if (batch.applied == batch.entries.size()) {
        const applied_mark mark = batch.mark;
        held_back_.pop_front();
        on_batch_applied(mark);
    }
    schedule_resume();
}

template <class Policies>
void basic_node<Policies>::schedule_resume() {
    if (!std::exchange(resuming_, true)) {
        boost::asio::post(io_, [this] {
            resuming_ = false;
            resume();
            schedule_pump(); // the engine hands out more once these are applied
        });
    }
}

// A snapshot that the engine accepted holds all entries that wait, and the engine's members are
// those of the snapshot already: the entries must not be applied any more.
template <class Policies>
void basic_node<Policies>::drop_superseded() {
    while (!held_back_.empty() && held_back_.front().mark.last < engine_->status().first) {
        const applied_mark mark = held_back_.front().mark;
        held_back_.pop_front();
        engine_->on_applied(mark);
    }
}

// A machine of its own is made, beside the one that answers.
template <class Policies>
void basic_node<Policies>::begin_restore(const snapshot_ptr& snap, bulk_reader state) {
    if constexpr (detached) {
        restoring_ = snap;
        boost::asio::post(walk_thread_, [this, snap, state = std::move(state)]() mutable {
            auto made = std::make_shared<restored>();
            made->failed = made->machine.restore(state);
            boost::asio::post(io_, [this, snap, made = std::move(made)]() mutable {
                end_restore(snap, std::move(made));
            });
        });
    }
}

// Walks and restores share a thread, so that a walk that was under way when the snapshot came has
// ended before.
template <class Policies>
void basic_node<Policies>::end_restore(const snapshot_ptr& snap, std::shared_ptr<restored> made) {
    if (stopping_ || failed_ || restoring_ != snap) {
        discard(std::move(made)); // a newer one is on its way
        return;
    }
    QUORATE_ASSERT(!walking_);
    if (made->failed) {
        fail(made->failed,
             "a snapshot that was received cannot be restored: " + made->failed.message());
        return;
    }
    if constexpr (detached) {
        std::swap(machine_, made->machine);
    }
    discard(std::move(made));
    restoring_.reset();
    applied_ = snap->last;
    reads_.on_applied(applied_.index);
    observer_->on_restored();
    schedule_resume();
}

// To free a large state takes as long as to walk over it.
template <class Policies>
template <class T>
void basic_node<Policies>::discard(std::shared_ptr<T> unused) {
    if constexpr (detached) {
        boost::asio::post(walk_thread_, [unused = std::move(unused)] {});
    }
}

template <class Policies>
void basic_node<Policies>::join_walks() {
    if constexpr (detached) {
        walk_thread_.join();
    }
}

} // namespace quorate

#endif
