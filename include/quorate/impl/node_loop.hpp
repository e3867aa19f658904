// basic_node: events in, effects executed, in the documented order.
#ifndef QUORATE_IMPL_NODE_LOOP_HPP
#define QUORATE_IMPL_NODE_LOOP_HPP

#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <boost/asio/post.hpp>

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
        boost::asio::post(io_, [this] { pump(); });
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
            requests_.on_clock(clock::now());
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
    const std::optional<std::uint64_t> round = reads_.begin_round(clock::now());
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
        engine_->set_time(boot_time());
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
    if (!text.empty() && leader_lines_.admit(clock::now())) {
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

// Returns: whether anything was released at once, so that there may be more to do.
template <class Policies>
bool basic_node<Policies>::start_sync() {
    if (release_free()) {
        return true;
    }
    if (!storage_.wants_sync()) {
        return false;
    }
    snapshot_ptr received = storage_.begin();
    return run_job(log_->begin_sync(), std::move(received));
}

// Returns: whether it is done already.
template <class Policies>
bool basic_node<Policies>::run_job(typename log_type::sync_job job, snapshot_ptr received) {
    job_under_way_ = true;
    job_began_ = clock::now();
    sync_ticks_ = 0;
    sync_waits_for_snapshot_ = received != nullptr;
    auto work = [this, received](typename log_type::sync_job& sync) {
        if (received != nullptr) {
            const std::lock_guard lock(save_mutex_);
            if (const error_code failed = snapshots_->save(*received)) {
                return failed; // the log must not restart behind what is not durable
            }
        }
        return sync.run();
    };
    if constexpr (!blocking) {
        const error_code failed = work(job);
        on_synced(std::move(job), failed, std::move(received));
        return true;
    } else {
        boost::asio::post(log_thread_, [this, work = std::move(work), job = std::move(job),
                                        received = std::move(received)]() mutable {
            const auto began = std::chrono::steady_clock::now();
            const error_code failed = work(job);
            const auto took = std::chrono::steady_clock::now() - began;
            boost::asio::post(io_, [this, job = std::move(job), failed, took,
                                    received = std::move(received)]() mutable {
                note_sync(took, received != nullptr);
                on_synced(std::move(job), failed, std::move(received));
                pump();
            });
        });
        return false;
    }
}

template <class Policies>
void basic_node<Policies>::note_sync(clock::duration took, bool with_snapshot) const {
    if (options_.metrics != nullptr) {
        options_.metrics->wal_fsync.observe(took);
    }
    if (options_.slow_sync.count() > 0 && took >= options_.slow_sync) {
        const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(took);
        say(severity::warning, "slow disk: a sync of the log " +
                                   std::string(with_snapshot ? "and of a snapshot " : "") +
                                   "took " + std::to_string(whole.count()) + " ms");
    }
}

template <class Policies>
void basic_node<Policies>::on_synced(typename log_type::sync_job job, error_code failed,
                                     snapshot_ptr received) {
    job_under_way_ = false;
    if (std::exchange(disk_hangs_, false)) {
        say(severity::warning, "the disk works again: the sync of the log returned");
        tell_disk();
    }
    if (is_out_of_space(failed) && !stopping_) {
        on_full_disk(std::move(job), std::move(received));
        return;
    }
    log_->finish_sync(std::move(job), failed);
    if (stopping_) {
        return;
    }
    if (failed) {
        std::string text = describe_failure(*log_, failed);
        if (received != nullptr && text == failed.message()) {
            text = describe_failure(*snapshots_, failed); // it comes before the log
        }
        fail(failed, "the log cannot be written: " + text);
        return;
    }
    if (std::exchange(disk_full_, false)) {
        say(severity::info, "there is space on the disk again; writes go on");
        tell_disk();
    }
    for (staged_batch& batch : storage_.finish()) {
        release(batch);
        if (failed_) {
            return; // a later batch may rest on a snapshot that could not be restored
        }
    }
}

// Nothing was written that counts, so nothing is lost by waiting. Meanwhile this member accepts no
// writes.
template <class Policies>
void basic_node<Policies>::on_full_disk(typename log_type::sync_job job, snapshot_ptr received) {
    held_.emplace(held_write{std::move(job), std::move(received)});
    if (!std::exchange(disk_full_, true)) {
        say(severity::error, "the disk is full: writes are refused until there is space in " +
                                 options_.data_directory.string());
        tell_disk();
    }
}

// A sync that hangs can be neither given up nor repeated. Its member stops leading until it
// returns. A received snapshot may rightly take long. Ticks are counted, not time: a process that
// slept finds the answer of its disk waiting behind one tick.
template <class Policies>
void basic_node<Policies>::watch_sync(clock::time_point now) {
    const bool hangs = job_under_way_ && ++sync_ticks_ > options_.engine.election_ticks;
    if (hangs && !sync_waits_for_snapshot_ && !disk_hangs_) {
        disk_hangs_ = true;
        const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - job_began_);
        say(severity::error, "the disk hangs: a sync of the log has not returned for " +
                                 std::to_string(since.count()) + " ms");
        tell_disk();
    }
    if (disk_hangs_) {
        hand_over(now);
    }
}

// The engine answers neither for a full disk nor for one that hangs.
template <class Policies>
void basic_node<Policies>::tell_disk() {
    handed_to_.clear();
    next_hand_over_ = {};
    if constexpr (disk_aware_engine<engine_type>) {
        engine_->set_writable(!disk_full_ && !disk_hangs_);
    }
}

// Returns: up to where the log is durable here, and at most among the others that may lead; zeros
// unless this member leads.
template <class Policies>
std::pair<log_index, log_index> basic_node<Policies>::durable_marks() const {
    std::pair<log_index, log_index> marks;
    for (const peer_progress& peer : engine_->progress()) {
        if (peer.id() == options_.id) {
            marks.first = peer.match();
        } else if (!peer.learner() && peer.recently_active()) {
            marks.second = std::max(marks.second, peer.match());
        }
    }
    return marks;
}

// A leader where nothing waits takes a write even so: only that shows whether others have space.
template <class Policies>
bool basic_node<Policies>::refuses_writes() const {
    if (!disk_full_) {
        return false;
    }
    const auto [here, elsewhere] = durable_marks();
    return !elsewhere || here < engine_->status().last;
}

// Who acknowledged what is not durable here has space, and had better lead. Another one might be as
// full, and could not even save the term in which it would campaign.
template <class Policies>
void basic_node<Policies>::retry_full_disk() {
    if (held_.has_value() && !failed_) {
        const auto [here, elsewhere] = durable_marks();
        if (elsewhere > here) {
            hand_over(clock::now());
        }
        held_write again = std::move(*held_);
        held_.reset();
        static_cast<void>(run_job(std::move(again.job), std::move(again.received)));
    }
}

// While nothing is to be written, the log may vouch for all that it holds: then damage to the last
// group cannot pass for a write that a crash tore.
template <class Policies>
void basic_node<Policies>::seal_idle_log() {
    if (!failed_ && !held_ && !storage_.busy() && storage_.empty() && log_->idle()) {
        staged_batch seal;
        seal.needs_sync = true;
        storage_.push(std::move(seal));
    }
}

template <class Policies>
void basic_node<Policies>::note_fence(const hard_state& hard) {
    const bool fenced = static_cast<bool>(hard.lost.index);
    if (fenced == std::exchange(fenced_, fenced)) {
        return;
    }
    if (hard.lost == stale_copy) {
        say(severity::error,
            "this member may have acknowledged more than its data directory holds; it neither "
            "votes nor leads until a leader that the others elected has brought it up to date. If "
            "the directories of so many members were restored or copied that no leader is "
            "elected, start each of them once accepting the loss of data (--accept-data-loss)");
        return;
    }
    say(fenced ? severity::error : severity::info,
        fenced ? "this member lost entries that it had acknowledged; it neither votes nor leads "
                 "until a leader has given them back"
               : "what this member had lost was given back; it votes again");
}

template <class Policies>
void basic_node<Policies>::arm_timer() {
    timer_.expires_after(options_.tick_interval);
    timer_.async_wait([this](const error_code& cancelled) {
        if (!cancelled && !stopping_) {
            on_timer();
        }
    });
}

template <class Policies>
void basic_node<Policies>::on_timer() {
    arm_timer();
    const clock::time_point now = clock::now();
    note_late_tick(now);
    if (soft_.role == role_kind::leader) {
        leader_heard_ = now;
    }
    if (!failed_) {
        watch_sync(now);
        retry_full_disk();
        seal_idle_log();
        retry_database();
        maybe_publish();
        time_round_trips();
        listen_for_peers(false);
        if (unknown_.begin_round(now)) {
            ask_who_is_member();
        }
        tell_time();
        engine_->tick(static_cast<std::uint32_t>(random_()));
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
        boost::asio::post(io_, [ended = ended_, reason] { ended(reason); });
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
    const std::uint64_t longest = longest_entry(frame_bytes_max());
    for (const entry& e : m.entries) {
        if (e.payload.size() > longest) {
            return errc::request_too_large;
        }
        if (const error_code refused = judge_change(e.kind, e.payload.view())) {
            return refused;
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
    traces_.on_message(m);
    tell_time();
    if (const error_code refused = engine_->step(m)) {
        note_dropped(m.from, refused);
    } else {
        note_leader(m, clock::now());
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
