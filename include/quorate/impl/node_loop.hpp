// basic_node: events in, effects executed, in the documented order.
#ifndef QUORATE_IMPL_NODE_LOOP_HPP
#define QUORATE_IMPL_NODE_LOOP_HPP

#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace quorate {

// One pump serves everything that arrived since the last one: proposals share an append, reads a
// round, writes a sync.
template <class Policies>
void basic_node<Policies>::schedule_pump() {
    if (!pump_scheduled_ && started_) {
        pump_scheduled_ = true;
        runtime_.post(alive_.guard([this] { pump(); }));
    }
}

template <class Policies>
void basic_node<Policies>::pump() {
    pump_scheduled_ = false;
    if (stopping_ || failed_) {
        return;
    }
    propose_queued();
    ask_for_reads();
    // Handlers may ask again at once, and with a log in memory that never ends; what else waits
    // for this thread has to have its turn.
    for (int rounds = 0; rounds < rounds_per_pump; ++rounds) {
        if (failed_ || stopping_) {
            return;
        }
        if (engine_->has_effects()) {
            execute(engine_->take_effects());
            propose_queued(); // answers and elections may have made room
            ask_for_reads();
        } else if (!start_sync()) {
            return;
        }
    }
    schedule_pump();
}

template <class Policies>
void basic_node<Policies>::propose_queued() {
    while (requests_.has_queued() && !proposals_blocked_) {
        auto& batch = requests_.take_batch(options_.engine.append_bytes_max);
        if (batch.ids.empty()) {
            return;
        }
        const term_id term = engine_->status().hard.term;
        const proposed& first = batch.proposals.front(); // a change is alone in its batch
        error_code refused = judge_change(first.kind, first.payload.view());
        if (!refused) {
            refused = engine_->propose(batch.proposals, batch.number);
        }
        if (!refused) {
            requests_.on_clock(runtime_.now());
            requests_.on_proposed(batch, term);
            trace_proposed(batch.ids);
            continue;
        }
        if (requests_.on_refused(batch, static_cast<errc>(refused.value()))) {
            proposals_blocked_ = true;
        } else {
            schedule_pump(); // whoever was answered may have asked again: not without end here
            return;
        }
    }
}

template <class Policies>
void basic_node<Policies>::ask_for_reads() {
    if (reads_blocked_) {
        return;
    }
    const std::optional<std::uint64_t> round = reads_.begin_round(runtime_.now());
    tell_time(); // after the last read of the round came in
    if (round.has_value() && engine_->read_index(*round)) {
        reads_.abandon_round();
        reads_blocked_ = true;
    }
}

// A lease read is answered by the time that is read here: the process may have slept since the
// last.
template <class Policies>
void basic_node<Policies>::tell_time() {
    if constexpr (timed_engine<engine_type>) {
        engine_->set_time(runtime_.boot_time());
    }
}

// The order is that of the fields of effects. Nothing may call the engine before the last span of
// the batch is used.
template <class Policies>
void basic_node<Policies>::execute(effects& batch) {
    const bool new_role = batch.soft.has_value();
    take_note(batch);
    trace_effects(batch);
    for (const message& m : batch.send_now) {
        wire_->send(m);
    }
    stage(batch);
    applying_.assign(batch.apply.begin(), batch.apply.end());
    const std::optional<applied_mark> mark = batch.applied;
    // From here on the engine may be called.
    if (new_role) {
        on_new_role();
    }
    release_free();
    drop_superseded();
    if (mark.has_value()) {
        apply(*mark);
    }
}

template <class Policies>
void basic_node<Policies>::take_note(effects& batch) {
    if (batch.soft.has_value()) {
        const bool led = soft_.role == role_kind::leader;
        soft_ = *batch.soft;
        proposals_blocked_ = false;
        reads_blocked_ = false;
        reads_.abandon_round();
        if (soft_.role == role_kind::leader) {
            listen_for_peers(true);
        }
        log_role(led);
    }
    for (const read_state& read : batch.reads) {
        reads_.on_confirmed(read.context, read.index);
    }
    reads_.on_applied(applied_.index);
    for (const refusal& refused : batch.refusals) {
        // Where the leader changed in the same batch there is no need to wait: ask the new one.
        const bool wait = !batch.soft.has_value();
        if (refused.kind == refusal::what::read) {
            reads_.on_refused(refused.context);
            reads_blocked_ = reads_blocked_ || wait;
        } else if (requests_.on_refused(refused.context, refused.reason)) {
            proposals_blocked_ = proposals_blocked_ || wait;
        }
    }
}

template <class Policies>
void basic_node<Policies>::log_role(bool led) {
    std::string text;
    if (soft_.role == role_kind::leader) {
        text = "became leader";
    } else if (led) {
        text = "stepped down";
    } else if (soft_.leader) {
        text = "follows member " + std::to_string(soft_.leader.value());
    }
    if (!text.empty() && leader_lines_.admit(runtime_.now())) {
        const std::uint64_t term = engine_->status().hard.term.value();
        say(severity::info, text + " in term " + std::to_string(term) + leader_lines_.left_out());
    }
}

template <class Policies>
void basic_node<Policies>::stage(effects& batch) {
    if (batch.hard.has_value()) {
        log_->save(*batch.hard);
        note_fence(*batch.hard);
    }
    if (batch.install != nullptr) {
        log_->restart(batch.install->last);
    }
    if (!batch.append.empty()) {
        log_->append(batch.append);
    }
    const bool needs_sync = batch.must_sync || batch.install != nullptr;
    if (!needs_sync && batch.send_after_sync.empty() && !batch.stable.has_value()) {
        return; // a commit index alone travels with the next write
    }
    staged_batch staged{.after_sync = {},
                        .stable = batch.stable,
                        .install = batch.install,
                        .needs_sync = needs_sync};
    staged.after_sync.swap(batch.send_after_sync);
    storage_.push(std::move(staged));
}

// Returns: whether there was any, so that the engine may have more to say.
template <class Policies>
bool basic_node<Policies>::release_free() {
    bool any = false;
    while (std::optional<staged_batch> batch = storage_.take_free()) {
        release(*batch);
        any = true;
    }
    return any;
}

template <class Policies>
void basic_node<Policies>::release(staged_batch& batch) {
    if (batch.install != nullptr) {
        if (const error_code failed = install(batch.install)) {
            fail(failed, "a snapshot that was received cannot be restored: " + failed.message());
            return;
        }
        engine_->offer_snapshot(
            as_stored(batch.install)); // an own, older one may have been saved meanwhile
        schedule_resume();             // a walk may have waited for this
        observer_->on_members();
        if (restoring_ == nullptr) {
            observer_->on_restored();
        }
    }
    tell_time();
    for (const message& m : batch.after_sync) {
        if (m.to == options_.id) {
            static_cast<void>(engine_->step(m));
        } else {
            wire_->send(m);
        }
    }
    if (batch.stable.has_value()) {
        traces_.on_stable(*batch.stable);
        stable_ = std::max({stable_, batch.stable->last.index, batch.stable->snapshot});
        engine_->on_stable(*batch.stable);
    }
}

template <class Policies>
void basic_node<Policies>::arm_timer() {
    timer_.arm(options_.tick_interval, alive_.guard([this] {
        if (!stopping_) {
            on_timer();
        }
    }));
}

template <class Policies>
void basic_node<Policies>::on_timer() {
    arm_timer();
    const clock::time_point now = runtime_.now();
    note_late_tick(now);
    if (soft_.role == role_kind::leader) {
        leader_heard_ = now;
    }
    if (!failed_) {
        watch_sync(now);
        retry_full_disk();
        watch_log(now);
        seal_idle_log();
        retry_database();
        schedule_sweep();
        maybe_publish();
        watch_unproven();
        retry_lives();
        time_round_trips();
        listen_for_peers(false);
        if (unknown_.begin_round(now)) {
            ask_who_is_member();
        }
        tell_time();
        engine_->tick(static_cast<std::uint32_t>(runtime_.random()));
        proposals_blocked_ = false;
        reads_blocked_ = false;
    }
    requests_.on_tick(now);
    if (reads_.on_tick(now, options_.read_retry, static_cast<bool>(soft_.leader)) &&
        options_.metrics != nullptr) {
        options_.metrics->slow_read_indexes.add();
    }
    transfers_.on_tick(now, soft_.leader);
    calls_.on_tick(now);
    traces_.expire(now - 2 * options_.request_timeout);
    pump();
}

// A leader whose ticks come late sends its heartbeats late, and may lose its followers: the machine
// is overloaded.
template <class Policies>
void basic_node<Policies>::note_late_tick(clock::time_point now) {
    const auto since = now - std::exchange(ticked_at_, now);
    const auto late = 2 * options_.tick_interval * options_.engine.heartbeat_ticks;
    if (options_.metrics != nullptr && soft_.role == role_kind::leader && since > late) {
        options_.metrics->heartbeat_send_failures.add();
    }
}

// Storage that failed once is not trusted again: this member neither acknowledges nor campaigns
// until it is started anew and has read back what the disk really holds.
template <class Policies>
void basic_node<Policies>::fail(error_code reason, std::string explanation) {
    if (failed_) {
        return;
    }
    explanation_ = std::move(explanation);
    say(severity::error, explanation_);
    end(reason);
}

template <class Policies>
void basic_node<Policies>::end(error_code reason) {
    if (failed_) {
        return;
    }
    failed_ = reason;
    abandon_all();
    if (ended_) {
        runtime_.post([ended = ended_, reason] { ended(reason); });
    }
}

/// Returns: why this leader does not take a follower's proposal, beside the reasons of its engine.
/// Members may have transports of different limits.
template <class Policies>
error_code basic_node<Policies>::refusal_of(const message& m) const {
    if (m.kind != message_kind::proposal || soft_.role != role_kind::leader) {
        return {};
    }
    if (refuses_writes()) {
        return errc::no_space;
    }
    if (far_behind()) {
        return errc::too_many_unapplied; // as its own clients get: applies may wait for a walk
    }
    const std::uint64_t longest = longest_entry(frame_bytes_max());
    for (const entry& e : m.entries) {
        if (e.payload.size() > longest) {
            return errc::request_too_large;
        }
        if (const error_code refused = judge_change(e.kind, e.payload.view())) {
            return refused;
        }
        if (is_refused_growth(e.kind, e.payload)) {
            return errc::no_space;
        }
    }
    return {};
}

template <class Policies>
void basic_node<Policies>::on_message(const message& m) {
    if (failed_ || stopping_) {
        return;
    }
    if (const error_code reason = refusal_of(m)) {
        // By the engine, so that a copy that comes once the reason is gone is not accepted.
        if constexpr (requires { engine_->refuse_forwarded(m, errc::no_space); }) {
            engine_->refuse_forwarded(m, static_cast<errc>(reason.value()));
            schedule_pump();
        }
        return;
    }
    if (disk_full_ && m.kind == message_kind::timeout_now) {
        return; // the term in which it would campaign cannot be saved
    }
    if (contradicts(m)) {
        note_dropped(m.from, errc::wrong_cluster);
        return;
    }
    doubt_final_loss(m);
    traces_.on_message(m);
    tell_time();
    if (const error_code refused = engine_->step(m)) {
        note_dropped(m.from, refused);
    } else {
        note_leader(m, runtime_.now());
    }
    schedule_pump();
}

template <class Policies>
void basic_node<Policies>::on_unreachable(node_id peer) {
    engine_->on_unreachable(peer);
    schedule_pump();
}

template <class Policies>
void basic_node<Policies>::on_snapshot_sent(node_id peer, bool delivered) {
    engine_->on_snapshot_sent(peer, delivered);
    schedule_pump();
}

template <class Policies>
void basic_node<Policies>::on_untrusted(const std::string& why) {
    say(severity::warning, why);
}

template <class Policies>
void basic_node<Policies>::on_dropped(const std::string& why) {
    say(severity::warning, why);
}

template <class Policies>
void basic_node<Policies>::on_removed() {
    say(severity::warning, "this member was removed from the group");
    end(errc::member_removed);
}

} // namespace quorate

#endif
