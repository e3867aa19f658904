// basic_node: walks over the whole state beside everything else, and entries held back meanwhile.
#ifndef QUORATE_IMPL_NODE_WALKS_HPP
#define QUORATE_IMPL_NODE_WALKS_HPP

#include <quorate/node.hpp>

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

template <class Policies>
void basic_node<Policies>::examine(std::function<examination(const machine_type&)> prepare,
                                   handler done) {
    if (!started_ || stopping_ || failed_) {
        done(errc::stopped);
        return;
    }
    if (walks_.size() >= walks_max || asides_ >= asides_max) {
        done(errc::too_many_unapplied);
        return;
    }
    const auto job = std::make_shared<examination>();
    auto look = [this, job, prepare = std::move(prepare)] { *job = prepare(machine_); };
    auto run = [this, job] { (*job)([this] { return ends_asides_.load(); }); };
    if constexpr (durable) {
        ++asides_;
        walks_.push_back({std::move(look), std::move(run),
                          [this, done = std::move(done)](error_code failed) {
                              --asides_;
                              done(failed);
                          },
                          true});
    } else {
        walks_.push_back({[] {},
                          [look = std::move(look), run = std::move(run)] {
                              look();
                              run();
                          },
                          std::move(done)});
    }
    begin_walk();
}

// One walk at a time, and after it the entries that waited for it: walks without end must not keep
// a member from applying. Over a database walks begin where all is swept, when they need not look
// for what a compaction hides.
template <class Policies>
void basic_node<Policies>::begin_walk() {
    const bool in_batch =
        in_batch_ || in_command() || (!held_back_.empty() && held_back_.front().applied > 0);
    if (holds_entries() || walks_.empty() || in_batch || applied_.index < drain_to_ || stopping_ ||
        failed_) {
        return;
    }
    // The engine's members are those of a snapshot that is not restored yet: see resume() then.
    if (applied_.index.next() < engine_->status().first) {
        return;
    }
    if (durable && !swept()) {
        schedule_sweep(); // whose end comes back here
        return;
    }
    if (walks_.front().aside) {
        walk next = std::move(walks_.front());
        walks_.pop_front();
        run_aside(std::move(next));
        schedule_resume();
        return;
    }
    walking_ = true;
    auto next = std::make_shared<walk>(std::move(walks_.front()));
    walks_.pop_front();
    next->begin();
    if constexpr (detached) {
        walk_worker_.run([this, next = std::move(next)]() mutable {
            next->run();
            // The handler is destroyed on this node's thread, where it is called.
            runtime_.post(alive_.guard([this, next = std::move(next)] { end_walk(*next); }));
        });
    } else {
        next->run();
        end_walk(*next);
    }
}

// Commands go on meanwhile.
template <class Policies>
void basic_node<Policies>::run_aside(walk next) {
    if constexpr (durable) {
        next.begin();
        walk_worker_.run([this, next = std::move(next)]() mutable {
            if (!ends_asides_) {
                next.run();
            }
            next.begin = next.run = nullptr; // what they hold is free before the handler runs
            runtime_.post(alive_.guard([this, done = std::move(next.done)] {
                done(stopping_ || failed_ ? make_error_code(errc::stopped) : error_code());
            }));
        });
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
    schedule_sweep();
    if (holds_entries() || held_back_.empty()) {
        return;
    }
    held_batch& batch = held_back_.front();
    const std::size_t left = batch.entries.size() - batch.applied;
    const std::span<const entry> some(batch.entries.data() + batch.applied,
                                      std::min(left, entries_per_turn));
    batch.applied += some.size(); // before handlers run, which may ask for a walk
    batch.applied -= some.size() - apply_entries(some);
    if (failed_) {
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
        runtime_.post(alive_.guard([this] {
            resuming_ = false;
            resume();
            schedule_pump(); // the engine hands out more once these are applied
        }));
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
    if constexpr (walks_aside) {
        restoring_ = snap;
        auto made = std::make_shared<restored>();
        if constexpr (durable) {
            made->machine = machine_.successor();
        }
        walk_worker_.run([this, snap, made = std::move(made), state = std::move(state)]() mutable {
            made->failed = made->machine.restore(state);
            runtime_.post(alive_.guard([this, snap, made = std::move(made)]() mutable {
                end_restore(snap, std::move(made));
            }));
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
    if constexpr (walks_aside) {
        std::swap(machine_, made->machine);
    }
    discard(std::move(made));
    restoring_.reset();
    database_at_ = {};
    applied_ = snap->last;
    reads_.on_applied(applied_.index);
    observer_->on_restored();
    maybe_commit();
    schedule_resume();
}

// To free a large state takes as long as to walk over it.
template <class Policies>
template <class T>
void basic_node<Policies>::discard(std::shared_ptr<T> unused) {
    if constexpr (walks_aside) {
        walk_worker_.run([unused = std::move(unused)] {});
    }
}

template <class Policies>
void basic_node<Policies>::join_walks() {
    if constexpr (walks_aside) {
        walk_worker_.join();
    }
}

} // namespace quorate

#endif
