// basic_node: requests in, committed entries applied, snapshots made and installed.
#ifndef QUORATE_IMPL_NODE_APPLY_HPP
#define QUORATE_IMPL_NODE_APPLY_HPP

#include <quorate/format/record.hpp>
#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

template <class Policies>
error_code basic_node<Policies>::admit() const noexcept {
    if (!started_ || stopping_ || failed_) {
        return errc::stopped;
    }
    if (refuses_writes()) {
        return errc::no_space;
    }
    return far_behind() || requests_.size() >= options_.requests_in_flight_max
               ? error_code(errc::too_many_unapplied)
               : error_code();
}

/// Returns: whether too many committed entries wait to be applied. All requests in flight may wait
/// for a walk or a long command.
template <class Policies>
bool basic_node<Policies>::far_behind() const noexcept {
    const log_index committed = engine_->status().hard.commit;
    const std::uint64_t behind_max =
        walking_ || in_command()
            ? std::max(options_.unapplied_entries_max, options_.requests_in_flight_max)
            : options_.unapplied_entries_max;
    return committed > applied_.index && committed - applied_.index > behind_max;
}

template <class Policies>
error_code basic_node<Policies>::admit_bytes(std::uint64_t bytes,
                                             std::uint64_t bytes_max) const noexcept {
    if (bytes > bytes_max) {
        return errc::request_too_large;
    }
    const bool full =
        requests_.size() > 0 && requests_.bytes() + bytes > options_.pending_bytes_max;
    return full ? error_code(errc::too_many_unapplied) : error_code();
}

template <class Policies>
void basic_node<Policies>::submit(const request_type& asked, reply_handler done,
                                  std::shared_ptr<request_trace> trace) {
    if (const error_code refused = admit()) {
        done(refused, reply_type{});
        return;
    }
    submit(draft_of(asked), std::move(done), std::move(trace));
}

template <class Policies>
auto basic_node<Policies>::draft_of(const request_type& asked) -> drafted_request {
    drafted_request made{machine_type::encode(asked)};
    QUORATE_ASSERT(made.command.size() >= command_header_bytes);
    if constexpr (requires { machine_type::grows(asked); }) {
        made.grows = machine_type::grows(asked);
    }
    if constexpr (requires { machine_type::answers_when_swept(asked); }) {
        made.answered_when_swept = machine_type::answers_when_swept(asked);
    }
    return made;
}

template <class Policies>
void basic_node<Policies>::submit(drafted_request asked, reply_handler done,
                                  std::shared_ptr<request_trace> trace) {
    error_code refused = admit();
    if (!refused && database_full_ && asked.grows) {
        refused = errc::no_space;
    }
    if (!refused) {
        refused = admit_bytes(asked.command.size(), options_.request_bytes_max);
    }
    if (refused) {
        done(refused, reply_type{});
        return;
    }
    const request_id id = ids_.next();
    store_request_id(asked.command.data(), id);
    if (asked.answered_when_swept) {
        done = once_swept(std::move(done));
    }
    if (trace != nullptr) {
        done = follow(id, std::move(trace), std::move(done));
    }
    enqueue(id, entry_kind::normal, std::move(asked.command).freeze(), std::move(done));
}

template <class Policies>
void basic_node<Policies>::enqueue(request_id id, entry_kind kind, shared_bytes payload,
                                   reply_handler done) {
    const clock::time_point now = runtime_.now();
    const std::uint32_t checksum = payload_checksum_of(payload.view());
    requests_.on_clock(now);
    requests_.add(id, {kind, checksum, std::move(payload)}, std::move(done),
                  now + options_.request_timeout, now + options_.leader_wait);
    schedule_pump();
}

template <class Policies>
void basic_node<Policies>::read(handler done) {
    if (!started_ || stopping_ || failed_) {
        done(errc::stopped);
        return;
    }
    if (reads_.size() >= options_.requests_in_flight_max) {
        done(errc::too_many_unapplied);
        return;
    }
    const clock::time_point now = runtime_.now();
    reads_.add(std::move(done), now + options_.request_timeout, now + options_.leader_wait);
    schedule_pump();
}

// Entries that come while others are held back wait behind them.
template <class Policies>
void basic_node<Policies>::apply(const applied_mark& mark) {
    std::size_t applied = 0;
    if (!holds_entries() && held_back_.empty()) {
        applied = apply_entries(applying_);
        if (failed_) {
            return;
        }
        if (applied == applying_.size()) {
            applying_.clear();
            on_batch_applied(mark);
            return;
        }
        schedule_resume();
    }
    held_back_.push_back({std::exchange(applying_, {}), mark, applied});
}

/// Returns: how many were applied: less than all where a long command is not carried out yet, or
/// where the member failed.
template <class Policies>
std::size_t basic_node<Policies>::apply_entries(std::span<const entry> entries) {
    QUORATE_ASSERT(!holds_entries()); // a walk sees one state, and a restored one is complete
    const clock::time_point began = runtime_.now();
    requests_.on_clock(began);
    std::size_t applied = 0;
    in_batch_ = true;
    while (applied < entries.size() && apply_entry(entries[applied]) && !failed_) {
        ++applied;
    }
    in_batch_ = false;
    if (options_.metrics != nullptr && runtime_.now() - began > slow_apply) {
        options_.metrics->slow_apply.add();
    }
    return applied;
}

/// Returns: whether all of it is applied.
template <class Policies>
bool basic_node<Policies>::apply_entry(const entry& e) {
    QUORATE_ASSERT(e.index == applied_.index.next());
    std::optional<reply_type> reply;
    if (is_command(e)) {
        reply = carry_out(e);
        if (!reply) {
            return false;
        }
    }
    applied_ = e.id();
    bytes_since_snapshot_ += e.payload.size();
    requests_.on_term_applied(e.term);
    if (e.kind != entry_kind::normal) {
        apply_change(e);
    } else if (reply) {
        answer(e, *std::move(reply));
    }
    if (e.index == database_at_.index) {
        check_held_members();
    }
    return true;
}

/// Returns: whether the machine has carried out a part of a command: it takes no other change then,
/// and its state is that before the command.
template <class Policies>
bool basic_node<Policies>::in_command() const noexcept {
    if constexpr (stepwise) {
        return machine_.applying();
    } else {
        return false;
    }
}

template <class Policies>
void basic_node<Policies>::on_batch_applied(const applied_mark& mark) {
    engine_->on_applied(mark);
    reads_.on_applied(applied_.index);
    maybe_snapshot();
    begin_walk(); // that a handler of the batch asked for
    maybe_commit();
    schedule_sweep();
}

// A new leader's empty entry is none; and of one that the machine's database holds already, whoever
// asked is gone.
template <class Policies>
bool basic_node<Policies>::is_command(const entry& e) const noexcept {
    return e.kind == entry_kind::normal && e.payload.size() >= command_header_bytes &&
           e.index > database_at_.index;
}

/// Returns: the reply; nothing while a part of a long command is left, or after a failure.
template <class Policies>
auto basic_node<Policies>::carry_out(const entry& e) -> std::optional<reply_type> {
    const clock::time_point began = runtime_.now();
    std::optional<reply_type> reply;
    if constexpr (stepwise) {
        reply = machine_.apply_part(e.index, e.payload.slice(command_header_bytes));
    } else {
        reply = machine_.apply(e.index, e.payload.slice(command_header_bytes));
    }
    command_took_ += runtime_.now() - began;
    if constexpr (durable) {
        if (const error_code failed = machine_.error()) {
            fail(failed, "the database failed: " + failed.message());
            return std::nullopt; // the reply may be wrong
        }
    }
    if (!reply) {
        return std::nullopt;
    }
    if (const auto took = std::exchange(command_took_, {}); took > slow_apply) {
        using std::chrono::milliseconds;
        if (slow_apply_lines_.admit(began + took)) {
            say(severity::warning,
                "the command at index " + std::to_string(e.index.value()) + ", of " +
                    std::to_string(e.payload.size()) + " bytes, took " +
                    std::to_string(std::chrono::duration_cast<milliseconds>(took).count()) +
                    " ms to apply" + slow_apply_lines_.left_out());
        }
    }
    return reply;
}

template <class Policies>
void basic_node<Policies>::answer(const entry& e, reply_type reply) {
    const request_id id = load_request_id(e.payload.data());
    if (!traces_.empty()) {
        std::uint64_t revision = 0;
        if constexpr (requires { std::uint64_t{reply.header.revision}; }) {
            revision = reply.header.revision;
        }
        traces_.on_applied(id, revision);
    }
    observer_->on_applied(e.index, reply);
    requests_.finish(id, {}, std::move(reply));
}

// Members are known at once, for they are peers to talk to. The state of a detachable or durable
// machine follows; until then the old one answers, and entries behind the snapshot wait. A database
// that is ahead of the snapshot keeps what it holds; entries up to there are coming.
template <class Policies>
error_code basic_node<Policies>::install(const snapshot_ptr& snap) {
    bulk_reader state(snap->data);
    const result<member_table> members = take_members(state);
    if (!members) {
        return members.error();
    }
    const bool replaced = !database_at_.index || snap->last.index > database_at_.index;
    if constexpr (walks_aside) {
        if (started_ && replaced) {
            adopt_snapshot(*snap, *members);
            begin_restore(snap, std::move(state));
            return {};
        }
    }
    if (replaced) {
        if (const error_code failed = machine_.restore(state)) {
            return failed;
        }
        database_at_ = {};
    }
    adopt_snapshot(*snap, *members);
    applied_ = snap->last;
    reads_.on_applied(applied_.index);
    return {};
}

template <class Policies>
void basic_node<Policies>::adopt_snapshot(const snapshot& snap, const member_table& members) {
    adopt_table(members);
    snapshot_index_ = snap.last.index;
    compacted_ = snap.last.index;
    requests_.on_snapshot_installed(snap.last.term);
}

/// Returns: what a snapshot holds: the members, and the machine's state as it is now.
template <class Policies>
bulk_bytes basic_node<Policies>::state_with(const member_table& members) const {
    return stream_snapshot(members, bulk_bytes(machine_.snapshot()));
}

/// Returns: zero for the leader, else this member's place among the others, from one on.
template <class Policies>
std::uint64_t basic_node<Policies>::place_in_line() const {
    if (soft_.role == role_kind::leader) {
        return 0;
    }
    const auto before = std::count_if(members_.begin(), members_.end(), [this](const auto& m) {
        return m.id < options_.id && m.id != soft_.leader;
    });
    return static_cast<std::uint64_t>(before) + 1;
}

// Members walk over their states at different indices, spread evenly over the entries between two
// snapshots, so that a quorum is never busy with that at once; the leader is the last. The index
// decides, not the time since the last one, so that they never meet again.
template <class Policies>
bool basic_node<Policies>::snapshot_due() const {
    const std::uint64_t line = std::max<std::uint64_t>(members_.size(), place_in_line() + 1);
    const std::uint64_t period = options_.snapshot_entries;
    const std::uint64_t ahead = period / line * place_in_line();
    const std::uint64_t since = applied_.index - snapshot_index_;
    const bool crossed =
        (applied_.index.value() + ahead) / period > (snapshot_index_.value() + ahead) / period;
    const std::uint64_t bytes = options_.snapshot_bytes;
    return (log_full_ && since > 0) || (crossed && since >= period / 2) || since >= period ||
           bytes_since_snapshot_ >= bytes - bytes / 4 / line * place_in_line();
}

template <class Policies>
void basic_node<Policies>::maybe_snapshot() {
    const bool machine_ahead = applied_.index < database_at_.index; // its state is a later one
    if (snapshot_under_way_ || applied_.index < next_snapshot_ || machine_ahead ||
        !snapshot_due()) {
        return;
    }
    snapshot_under_way_ = true;
    struct making {
        snapshot made;
        member_table members;
    };
    const auto work = std::make_shared<making>();
    walks_.push_back({[this, work] {
                          bytes_since_snapshot_ = 0;
                          work->made.last = applied_;
                          work->made.members = engine_->members();
                          work->members = members_;
                      },
                      [this, work] { work->made.data = state_with(work->members); },
                      [this, work](error_code stopped) {
                          snapshot_under_way_ = !stopped;
                          if (!stopped) {
                              save_snapshot(std::make_shared<snapshot>(std::move(work->made)));
                          }
                      }});
    begin_walk();
}

// With each tick. A leader whose log is full takes no writes, so that no entry makes the next
// snapshot due: time does. Another member may have saved its snapshots, and leads then.
template <class Policies>
void basic_node<Policies>::watch_log(clock::time_point now) {
    const std::uint64_t most = options_.engine.log_bytes_max;
    const std::uint64_t held = engine_->status().log_bytes;
    const bool full = most != 0 && held >= most;
    if (full != std::exchange(log_full_, full)) {
        log_full_ticks_ = 0;
        handed_to_.clear();
        const std::string size = std::to_string(held) + " of " + std::to_string(most) + " bytes";
        full ? say_space(severity::error,
                         "the log behind the last snapshot is full (" + size +
                             "): a leader refuses writes until a snapshot is saved, a follower "
                             "goes on")
             : say_space(severity::info, "a snapshot made room in the log (" + size + ")");
    }
    if (!full) {
        return;
    }
    hand_over(now, "the log of this member is full");
    const std::uint64_t pause = elections_to_retry_snapshot * options_.engine.election_ticks;
    if (++log_full_ticks_ >= pause && !snapshot_under_way_) {
        log_full_ticks_ = 0;
        next_snapshot_ = {};
        maybe_snapshot();
    }
}

template <class Policies>
void basic_node<Policies>::save_snapshot(snapshot_ptr snap) {
    if constexpr (!blocking) {
        on_snapshot_saved(snap, snapshots_->save(*snap));
        discard(std::move(snap));
    } else {
        snapshot_worker_.run([this, snap = std::move(snap)]() mutable {
            std::unique_lock lock(save_mutex_);
            const clock::time_point began = runtime_.now();
            const error_code failed = snapshots_->save(*snap);
            const auto took = runtime_.now() - began;
            lock.unlock();
            runtime_.post(alive_.guard([this, snap = std::move(snap), failed, took]() mutable {
                if (options_.metrics != nullptr) {
                    options_.metrics->snapshot_save.observe(took);
                }
                on_snapshot_saved(snap, failed);
                discard(std::move(snap));
            }));
        });
    }
}

/// Returns: the same snapshot as the store gives it out: its data need not stay in memory.
template <class Policies>
snapshot_ptr basic_node<Policies>::as_stored(const snapshot_ptr& snap) const {
    snapshot_ptr newest = snapshots_->newest();
    return newest != nullptr && newest->last == snap->last ? newest : snap;
}

template <class Policies>
void basic_node<Policies>::on_snapshot_saved(const snapshot_ptr& snap, error_code failed) {
    snapshot_under_way_ = false;
    if (stopping_ || failed_) {
        return;
    }
    if (is_out_of_space(failed) || failed == errc::too_many_unapplied) {
        say(severity::warning, is_out_of_space(failed)
                                   ? "no space for a snapshot; it is tried again later"
                                   : "too many snapshots of the database are being read for "
                                     "another one; it is tried again later");
        next_snapshot_ = applied_.index + 1 + options_.snapshot_entries / 16;
        bytes_since_snapshot_ = options_.snapshot_bytes;
        return;
    }
    if (failed) {
        fail(failed, "a snapshot cannot be written: " + describe_failure(*snapshots_, failed));
        return;
    }
    if (snap->last.index <= snapshot_index_) {
        return; // a newer one was received meanwhile
    }
    snapshot_index_ = snap->last.index;
    engine_->offer_snapshot(as_stored(snap));
    say(severity::info, "made a snapshot at index " + std::to_string(snap->last.index.value()));
    const std::uint64_t keep = options_.catch_up_entries;
    const log_index upto = snap->last.index.value() > keep ? snap->last.index - keep : log_index{};
    if (upto > compacted_ && !engine_->compact(upto)) {
        compacted_ = upto;
        log_->compact(upto);
    }
}

} // namespace quorate

#endif
