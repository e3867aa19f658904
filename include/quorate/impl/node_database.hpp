// basic_node: a machine that keeps its state in a database of its own.
#ifndef QUORATE_IMPL_NODE_DATABASE_HPP
#define QUORATE_IMPL_NODE_DATABASE_HPP

#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <boost/asio/post.hpp>

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
    return known && known->encode() != members;
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
        if (!held.empty() && held != members_.encode()) {
            fail(errc::corrupt, "the database in " + directory_->db().string() +
                                    " names other members at index " +
                                    std::to_string(database_at_.index.value()) +
                                    " than snapshot and log: it does not belong to them. Without "
                                    "it a start builds it anew");
        }
    }
}

// What is committed there must not be ahead of this member's own log: a start would find no way
// from one to the other and build the database anew.
template <class Policies>
void basic_node<Policies>::maybe_commit() {
    if constexpr (durable) {
        const bool ready = applied_.index > database_at_.index && applied_.index <= stable_;
        if (failed_ || finish_commit_ || database_full_ || !ready || !machine_.can_commit() ||
            !machine_.wants_commit()) {
            return;
        }
        auto job = std::make_shared<decltype(machine_.begin_commit(applied_))>(
            machine_.begin_commit(applied_, members_.encode()));
        auto outcome = std::make_shared<error_code>();
        finish_commit_ = [this, job, outcome] {
            return machine_.finish_commit(std::move(*job), *outcome);
        };
        boost::asio::post(database_thread_, [this, job, outcome] {
            const clock::time_point began = clock::now();
            *outcome = job->run();
            boost::asio::post(io_, [this, took = clock::now() - began] {
                if (options_.metrics != nullptr) {
                    options_.metrics->backend_commit.observe(took);
                }
                on_committed();
            });
        });
    }
}

template <class Policies>
void basic_node<Policies>::on_committed() {
    if (stopping_ || failed_) {
        return;
    }
    const error_code failed = std::exchange(finish_commit_, nullptr)();
    if (failed == errc::no_space) {
        if (!std::exchange(database_full_, true)) {
            say(severity::error, "the database is full: writes are refused until there is space");
        }
        database_retry_ = true;
    } else if (failed) {
        fail(failed, "a write to the database failed: " + failed.message());
    } else if (std::exchange(database_full_, false)) {
        say(severity::info, "there is space for the database again; writes go on");
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
    maybe_defragment();
}

// Takes the place of a commit, so that there is one or the other. All who wait share one.
template <class Policies>
void basic_node<Policies>::maybe_defragment() {
    if (defragments_.empty()) {
        return;
    }
    const auto answer = [](const std::vector<handler>& waiting, error_code failed) {
        for (const handler& done : waiting) {
            done(failed);
        }
    };
    if constexpr (durable && requires(machine_type & m) { m.begin_defragmentation(); }) {
        const bool none_held = !machine_.held().index;
        if (none_held && !machine_.wants_commit()) {
            answer(std::exchange(defragments_, {}), {});
            return;
        }
        if (failed_ || stopping_ || finish_commit_ || none_held || !machine_.can_commit()) {
            return; // with the next tick
        }
        auto job = std::make_shared<decltype(machine_.begin_defragmentation())>(
            machine_.begin_defragmentation());
        auto outcome = std::make_shared<error_code>();
        finish_commit_ = [this, job, outcome, answer,
                          waiting = std::exchange(defragments_, {})]() -> error_code {
            answer(waiting, machine_.finish_defragmentation(std::move(*job), *outcome));
            return {};
        };
        defragmenting_ = true;
        boost::asio::post(database_thread_, [this, job, outcome] {
            const clock::time_point began = clock::now();
            *outcome = job->run();
            boost::asio::post(io_, [this, took = clock::now() - began] {
                defragmenting_ = false;
                if (options_.metrics != nullptr) {
                    options_.metrics->defragment.observe(took);
                }
                on_committed();
            });
        });
    } else {
        answer(std::exchange(defragments_, {}), {});
    }
}

// With each tick, as for the log.
template <class Policies>
void basic_node<Policies>::retry_database() {
    maybe_defragment();
    if (std::exchange(database_retry_, false)) {
        const bool full = std::exchange(database_full_, false);
        maybe_commit();
        database_full_ = full;
        database_retry_ = full && !finish_commit_;
    }
}

// So that the next start has little to apply.
template <class Policies>
void basic_node<Policies>::close_database() {
    for (const handler& done : std::exchange(defragments_, {})) {
        done(errc::stopped);
    }
    if constexpr (durable) {
        database_thread_.join();
        const auto finish = std::exchange(finish_commit_, nullptr);
        const bool sound = started_ && !failed_ && (!finish || !finish());
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
