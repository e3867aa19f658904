// basic_node: a machine that keeps its state in a database of its own.
#ifndef QUORATE_IMPL_NODE_DATABASE_HPP
#define QUORATE_IMPL_NODE_DATABASE_HPP

#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace quorate {
namespace detail {

/// Returns: whether a member that starts so has this entry, as its last snapshot or in its log.
[[nodiscard]] inline bool has_entry(const engine_state& start, const log_id& wanted) noexcept {
    if (start.base != nullptr && start.base->last == wanted) {
        return true;
    }
    if (start.entries.empty() || wanted.index < start.entries.front().index) {
        return false;
    }
    const std::uint64_t place = wanted.index - start.entries.front().index;
    return place < start.entries.size() &&
           start.entries[static_cast<std::size_t>(place)].id() == wanted;
}

/// Returns: whether the snapshot that a member starts from is of the same entry as its database,
/// but of another group of members.
[[nodiscard]] inline bool names_others(const engine_state& start, const log_id& held,
                                       const shared_bytes& members) {
    if (start.base == nullptr || start.base->last != held || members.empty()) {
        return false;
    }
    bulk_reader state(start.base->data);
    const result<member_table> known = take_members(state);
    return known && member_table::decode(members.view()) != *known;
}

} // namespace detail

// Snapshot and log hold all that a database does, so one that is damaged is built anew from them.
template <class Policies>
error_code basic_node<Policies>::open_machine() {
    if constexpr (durable) {
        database_options database;
        database.directory = directory_->db().string();
        database.bytes_max = options_.database_bytes_max;
        database.batch_bytes = options_.database_batch_bytes;
        result<machine_type> opened = machine_type::open(database);
        if (!opened && opened.error() != errc::unsupported_version &&
            opened.error() == condition::corrupt) {
            say(severity::error, "the database in " + database.directory +
                                     " is damaged; it is built anew from snapshot and log");
            database.anew = true;
            opened = machine_type::open(database);
        }
        if (!opened) {
            explanation_ = "cannot open the database in " + database.directory + ": " +
                           opened.error().message();
            return opened.error();
        }
        machine_ = std::move(*opened);
    }
    return {};
}

// What the database holds counts only where the log leads there: after a loss of entries others may
// come under the same numbers.
template <class Policies>
void basic_node<Policies>::adopt_database(engine_state& start) {
    if constexpr (durable) {
        database_at_ = machine_.held();
        stable_ = start.entries.empty() ? log_index{} : start.entries.back().index;
        if (!database_at_.index) {
            return;
        }
        const std::string at =
            "the database holds the state at index " + std::to_string(database_at_.index.value());
        if (detail::names_others(start, database_at_, machine_.held_members())) {
            say(severity::warning, at + ", but other members than the snapshot; it is built anew");
        } else if (detail::has_entry(start, database_at_)) {
            say(severity::info, at + "; entries up to there are not applied again");
            // What it holds was committed, though the log may not have that commit index.
            start.hard.commit = std::max(start.hard.commit, database_at_.index);
            return;
        } else {
            say(severity::warning, at + ", which the log does not lead to; it is built anew");
        }
        database_at_ = {};
        machine_.reset();
    }
}

// A database names the members of the state it holds. Where log and snapshot lead to others, it is
// not the one that was made beside them.
template <class Policies>
void basic_node<Policies>::check_held_members() {
    if constexpr (durable) {
        const shared_bytes held = machine_.held_members();
        if (!held.empty() && member_table::decode(held.view()) != members_) {
            fail(errc::corrupt, "the database in " + directory_->db().string() +
                                    " names other members at index " +
                                    std::to_string(database_at_.index.value()) +
                                    " than snapshot and log: it does not belong to them. Without "
                                    "it a start builds it anew");
        }
    }
}

// What is committed there must not be ahead of this member's own log: a start would find no way
// from one to the other and build the database anew. While a snapshot is being restored, members
// are those of the snapshot already, and the state is an older one. `anyway`: also where little
// waits, and where the last commit found no space.
template <class Policies>
void basic_node<Policies>::maybe_commit(bool anyway) {
    if constexpr (durable) {
        const bool ready = applied_.index > database_at_.index && applied_.index <= stable_;
        const bool wanted = anyway || (!database_full_ && machine_.wants_commit());
        if (failed_ || finish_commit_ || restoring_ != nullptr || in_command() || !ready ||
            !wanted || !machine_.can_commit()) {
            return;
        }
        commit_due_ = false;
        auto job = std::make_shared<decltype(machine_.begin_commit(applied_))>(
            machine_.begin_commit(applied_, members_.encode()));
        auto outcome = std::make_shared<error_code>();
        finish_commit_ = [this, job, outcome] {
            return machine_.finish_commit(std::move(*job), *outcome);
        };
        database_worker_.run([this, job, outcome] {
            const clock::time_point began = runtime_.now();
            *outcome = job->run();
            runtime_.post(alive_.guard([this, took = runtime_.now() - began] {
                if (options_.metrics != nullptr) {
                    options_.metrics->backend_commit.observe(took);
                }
                on_committed(false);
            }));
        });
    }
}

template <class Policies>
void basic_node<Policies>::on_committed(bool defragmented) {
    if (stopping_ || failed_) {
        return;
    }
    const error_code failed = std::exchange(finish_commit_, nullptr)();
    if (defragmented) {
        database_retry_ticks_ = 0; // there may be space now
    } else if (failed == errc::no_space) {
        if (!std::exchange(database_full_, true)) {
            say_space(severity::error,
                      "the database is full: requests that make it larger are refused until "
                      "there is space");
        }
        database_retry_ticks_ = ticks_to_retry;
    } else if (failed) {
        fail(failed, "a write to the database failed: " + failed.message());
        return;
    } else if (std::exchange(database_full_, false)) {
        say_space(severity::info, "there is space for the database again; writes go on");
    }
    maybe_defragment();
}

/// Returns: whether a command that makes the state larger is refused for want of space.
template <class Policies>
bool basic_node<Policies>::is_refused_growth(entry_kind kind, const shared_bytes& payload) const {
    if (!database_full_ || kind != entry_kind::normal || payload.size() < command_header_bytes) {
        return false;
    }
    if constexpr (requires { machine_type::grows(payload.view()); }) {
        return machine_type::grows(payload.view().substr(command_header_bytes));
    } else {
        return true;
    }
}

template <class Policies>
void basic_node<Policies>::defragment(handler done) {
    if (!started_ || stopping_ || failed_) {
        done(errc::stopped);
        return;
    }
    if (defragments_.size() >= options_.requests_in_flight_max) {
        done(errc::too_many_unapplied);
        return;
    }
    defragments_.push_back(std::move(done));
    committed_for_copy_ = false; // what was asked before this was applied need not be enough
    maybe_defragment();
}

// Whoever asks for it wants to have freed what compaction left: that is swept and committed first.
// Takes the place of a commit, so that there is one or the other. All who wait share one.
template <class Policies>
void basic_node<Policies>::maybe_defragment() {
    if (defragments_.empty()) {
        return;
    }
    if (!swept()) {
        schedule_sweep();
        return;
    }
    if constexpr (durable && requires(machine_type & m) { m.begin_defragmentation(); }) {
        if (failed_ || stopping_ || finish_commit_ || restoring_ != nullptr ||
            !machine_.can_commit() || commits_first()) {
            return; // with the end of the commit, or with the next tick
        }
        if (machine_.held().index) {
            begin_defragmentation();
            return;
        }
    }
    for (const handler& done : std::exchange(defragments_, {})) {
        done({});
    }
}

/// Returns: whether a commit goes before the copy. One that finds no space does not keep it
/// waiting: the copy may be what makes space.
template <class Policies>
bool basic_node<Policies>::commits_first() {
    if (applied_.index <= database_at_.index) {
        return false; // nothing was applied since the start
    }
    if (!std::exchange(committed_for_copy_, true)) {
        maybe_commit(true);
        committed_for_copy_ = finish_commit_ != nullptr;
        return true;
    }
    return false;
}

template <class Policies>
void basic_node<Policies>::begin_defragmentation() {
    if constexpr (durable && requires(machine_type & m) { m.begin_defragmentation(); }) {
        auto job = std::make_shared<decltype(machine_.begin_defragmentation())>(
            machine_.begin_defragmentation());
        auto outcome = std::make_shared<error_code>();
        finish_commit_ = [this, job, outcome,
                          waiting = std::exchange(defragments_, {})]() -> error_code {
            const error_code failed = machine_.finish_defragmentation(std::move(*job), *outcome);
            for (const handler& done : waiting) {
                done(failed);
            }
            return {};
        };
        defragmenting_ = true;
        database_worker_.run([this, job, outcome] {
            const clock::time_point began = runtime_.now();
            *outcome = job->run();
            runtime_.post(alive_.guard([this, took = runtime_.now() - began] {
                defragmenting_ = false;
                if (options_.metrics != nullptr) {
                    options_.metrics->defragment.observe(took);
                }
                on_committed(true);
            }));
        });
    }
}

// With each tick. A full database is tried less often, for then the whole batch is made ready
// again.
template <class Policies>
void basic_node<Policies>::retry_database() {
    maybe_defragment();
    if (database_full_ && --database_retry_ticks_ <= 0) {
        database_retry_ticks_ = ticks_to_retry;
        commit_due_ = true;
    }
    if (commit_due_) {
        maybe_commit(true);
    }
}

// So that the next start has little to apply.
template <class Policies>
void basic_node<Policies>::close_database() {
    for (const handler& done : std::exchange(defragments_, {})) {
        done(errc::stopped);
    }
    if constexpr (durable) {
        database_worker_.join();
        const auto finish = std::exchange(finish_commit_, nullptr);
        const bool sound = started_ && !failed_ && (!finish || !finish()) &&
                           restoring_ == nullptr && !in_command();
        const bool ahead = applied_.index > database_at_.index && applied_.index <= stable_;
        if (sound && ahead && machine_.can_commit()) {
            auto job = machine_.begin_commit(applied_, members_.encode());
            const error_code failed = job.run(); // nobody is left to be told
            static_cast<void>(machine_.finish_commit(std::move(job), failed));
        }
    }
}

} // namespace quorate

#endif
