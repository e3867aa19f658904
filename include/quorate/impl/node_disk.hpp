// basic_node: syncs of the log, and a disk that is full, hangs or lost entries.
#ifndef QUORATE_IMPL_NODE_DISK_HPP
#define QUORATE_IMPL_NODE_DISK_HPP

#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace quorate {

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
    fence_in_job_ = fenced_; // as it was saved by now
    return run_job(log_->begin_sync(), std::move(received));
}

// Returns: whether it is done already.
template <class Policies>
bool basic_node<Policies>::run_job(typename log_type::sync_job job, snapshot_ptr received) {
    job_under_way_ = true;
    job_began_ = runtime_.now();
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
        log_worker_.run([this, work = std::move(work), job = std::move(job),
                         received = std::move(received)]() mutable {
            const auto began = runtime_.now();
            const error_code failed = work(job);
            const auto took = runtime_.now() - began;
            runtime_.post(alive_.guard([this, job = std::move(job), failed, took,
                                        received = std::move(received)]() mutable {
                note_sync(took, received != nullptr);
                on_synced(std::move(job), failed, std::move(received));
                pump();
            }));
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
    if constexpr (requires { log_->take_note(); }) {
        if (const std::string note = log_->take_note(); !note.empty()) {
            say(severity::warning, note);
        }
    }
    if (failed) {
        std::string text = describe_failure(*log_, failed);
        if (received != nullptr && text == failed.message()) {
            text = describe_failure(*snapshots_, failed); // it comes before the log
        }
        fail(failed, "the log cannot be written: " + text);
        return;
    }
    fence_durable_ = fence_in_job_;
    if (std::exchange(disk_full_, false)) {
        say_space(severity::info, "there is space on the disk again; writes go on");
        tell_disk();
    }
    for (staged_batch& batch : storage_.finish()) {
        release(batch);
        if (failed_) {
            return; // a later batch may rest on a snapshot that could not be restored
        }
    }
}

// Clients may fill a disk and free it many times a second.
template <class Policies>
void basic_node<Policies>::say_space(severity level, const std::string& text) {
    if (space_lines_.admit(runtime_.now())) {
        say(level, text + space_lines_.left_out());
    }
}

// Nothing was written that counts, so nothing is lost by waiting. Meanwhile this member accepts no
// writes.
template <class Policies>
void basic_node<Policies>::on_full_disk(typename log_type::sync_job job, snapshot_ptr received) {
    std::string why;
    if constexpr (requires { job.failure(); }) {
        why = job.failure().empty() ? "" : " (" + job.failure() + ")";
    }
    held_.emplace(held_write{std::move(job), std::move(received)});
    if (!std::exchange(disk_full_, true)) {
        say_space(severity::error, "the disk is full: writes are refused until there is space in " +
                                       options_.data_directory.string() + why);
        tell_disk();
    }
}

// A sync that hangs can be neither given up nor repeated. Its member stops leading until it
// returns. A received snapshot may rightly take longer. Ticks are counted, not time: a process that
// slept finds the answer of its disk waiting behind one tick.
template <class Policies>
void basic_node<Policies>::watch_sync(clock::time_point now) {
    const std::uint64_t timeouts = sync_waits_for_snapshot_ ? elections_in_snapshot_save : 1;
    const bool hangs = job_under_way_ && ++sync_ticks_ > timeouts * options_.engine.election_ticks;
    if (hangs && !disk_hangs_) {
        disk_hangs_ = true;
        const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - job_began_);
        say(severity::error, "the disk hangs: a sync of the log " +
                                 std::string(sync_waits_for_snapshot_ ? "and of a snapshot " : "") +
                                 "has not returned for " + std::to_string(since.count()) + " ms");
        tell_disk();
    }
    if (disk_hangs_) {
        hand_over(now, disk_takes_no_writes);
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
            hand_over(runtime_.now(), disk_takes_no_writes);
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

} // namespace quorate

#endif
