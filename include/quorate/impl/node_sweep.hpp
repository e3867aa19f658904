// basic_node: the garbage of a machine's commands, freed in bounded steps between all other work.
#ifndef QUORATE_IMPL_NODE_SWEEP_HPP
#define QUORATE_IMPL_NODE_SWEEP_HPP

#include <quorate/node.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace quorate {

/// Returns: whether the machine has nothing left to free.
template <class Policies>
bool basic_node<Policies>::swept() const noexcept {
    if constexpr (sweeping) {
        return machine_.swept();
    } else {
        return true;
    }
}

// After each batch of commands, walk and tick: an idle member sweeps as a busy one does. A walk
// sees one state, so that its end schedules the next step. Where a command swept the rest, a step
// is still due, for what waits for the end.
template <class Policies>
void basic_node<Policies>::schedule_sweep() {
    sweep_open_ = sweep_open_ || !swept();
    if (!sweep_open_ || holds_entries() || in_command() || stopping_ || failed_ ||
        std::exchange(sweep_scheduled_, true)) {
        return;
    }
    runtime_.post(alive_.guard([this] {
        sweep_scheduled_ = false;
        sweep();
    }));
}

// As much as fits in a short while, and the rest with the next turn of the loop.
template <class Policies>
void basic_node<Policies>::sweep() {
    if constexpr (sweeping) {
        if (stopping_ || failed_ || holds_entries() || in_command()) {
            return;
        }
        const clock::time_point ends = runtime_.now() + sweep_turn;
        while (machine_.sweep() && runtime_.now() < ends) {
        }
        if constexpr (durable) {
            if (const error_code failed = machine_.error()) {
                fail(failed, "the database failed: " + failed.message());
                return;
            }
        }
        maybe_commit();
        if (swept()) {
            on_swept();
        } else {
            schedule_sweep();
        }
    }
}

template <class Policies>
void basic_node<Policies>::on_swept() {
    sweep_open_ = false;
    for (const std::function<void()>& answer : std::exchange(sweep_waiters_, {})) {
        answer();
    }
    commit_due_ = durable; // so that an idle member frees its pages, too
    maybe_defragment();
    begin_walk();
}

/// Returns: a handler that waits for the sweep that an applied command needs. On a member that
/// stops meanwhile it does not wait: the command is applied.
template <class Policies>
auto basic_node<Policies>::once_swept(reply_handler done) -> reply_handler {
    return [this, done = std::move(done)](error_code failed, reply_type reply) {
        const bool waits = !failed && !swept() && !stopping_ && !failed_ &&
                           sweep_waiters_.size() < options_.requests_in_flight_max;
        if (!waits) {
            done(failed, std::move(reply));
            return;
        }
        const auto kept = std::make_shared<reply_type>(std::move(reply)); // it may be move-only
        sweep_waiters_.push_back([done, kept] { done({}, std::move(*kept)); });
        schedule_sweep();
    };
}

} // namespace quorate

#endif
