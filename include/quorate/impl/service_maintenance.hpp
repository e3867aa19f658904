// basic_service: the requests of operators.
#ifndef QUORATE_IMPL_SERVICE_MAINTENANCE_HPP
#define QUORATE_IMPL_SERVICE_MAINTENANCE_HPP

#include <quorate/base/bulk_hold.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/server/server_metrics.hpp>
#include <quorate/service.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate {
namespace detail {

/// What an empty state is counted as in a status: a page.
inline constexpr std::uint64_t state_bytes_least = 4096;

} // namespace detail

template <class Policies>
std::vector<raised_alarm> basic_service<Policies>::raised_alarms() const {
    const auto& kept = alarms().all();
    std::vector<raised_alarm> all(kept.begin(), kept.end());
    const raised_alarm own{options_.node.id, alarm_kind::no_space};
    if (node_.status().disk_full && std::find(all.begin(), all.end(), own) == all.end()) {
        all.push_back(own);
    }
    return all;
}

template <class Policies>
member_status basic_service<Policies>::status() const {
    const node_status node = node_.status();
    member_status said;
    said.db_size = std::max(used_bytes(), detail::state_bytes_least);
    said.db_size_in_use = said.db_size;
    if constexpr (durable_machine<machine_type>) {
        said.db_size_in_use = std::min(store().backend().used_bytes(), said.db_size);
    }
    said.leader = node.engine.soft.leader;
    said.raft_index = node.engine.hard.commit;
    said.raft_term = node.engine.hard.term;
    said.raft_applied_index = node.applied;
    said.is_learner = serves_all().failed();
    if (!said.leader) {
        said.errors.emplace_back("etcdserver: no leader");
    }
    for (const raised_alarm& one : raised_alarms()) {
        const char* name = one.kind == alarm_kind::no_space ? "NOSPACE" : "CORRUPT";
        said.errors.push_back("memberID:" + std::to_string(one.member.value()) + " alarm:" + name +
                              " ");
    }
    if (node.disk_full) {
        said.errors.emplace_back(node.database_full ? "the database is full" : "the disk is full");
    }
    if (node.fenced) {
        said.errors.emplace_back("this member lost entries that it had acknowledged");
    }
    return said;
}

template <class Policies>
void basic_service<Policies>::alarm(const alarm_change& asked, const identity& by,
                                    reply_handler done) {
    submit(asked, by, std::move(done));
}

template <class Policies>
void basic_service<Policies>::defragment(const identity& by, handler done) {
    if (const error_code refused = permits_root(by)) {
        done(refused);
        return;
    }
    node_.defragment(std::move(done));
}

template <class Policies>
void basic_service<Policies>::move_leader(node_id to, const identity& by, handler done) {
    if (const error_code refused = permits_root(by)) {
        done(refused);
        return;
    }
    if (node_.status().engine.soft.role != role_kind::leader) {
        done(errc::not_leader);
        return;
    }
    if (!node_.configuration().is_voter(to)) {
        done(errc::transferee_invalid);
        return;
    }
    if (to == options_.node.id) {
        done({});
        return;
    }
    node_.transfer_leadership(to, std::move(done));
}

template <class Policies>
void basic_service<Policies>::hash(std::uint64_t revision, const identity& by, hash_handler done) {
    const error_code refused = permits_root(by);
    refused ? done(refused, {}) : hash_state(revision, std::move(done));
}

// Over a database the walk is beside everything else; commands wait for one over memory.
template <class Policies>
void basic_service<Policies>::hash_state(std::uint64_t revision, hash_handler done) {
    struct finding {
        result<store_hash> hash = error_code(errc::stopped);
        clock::duration took{};
    };
    const auto found = std::make_shared<finding>();
    auto ended = [this, found, revision, done = std::move(done)](error_code failed) {
        if (failed || !found->hash) {
            done(failed ? failed : found->hash.error(), {});
            return;
        }
        if (server_metrics* const counts = options_.node.metrics) {
            (revision == 0 ? counts->hash : counts->hash_rev).observe(found->took);
        }
        done({}, *found->hash);
    };
    const auto timed = [this, found](const auto& compute) {
        const clock::time_point began = now();
        found->hash = compute();
        found->took = now() - began;
    };
    if constexpr (durable_machine<machine_type>) {
        node_.examine(
            [revision, timed](const machine_type& machine) -> typename node_type::examination {
                return [timed, job = machine.store().begin_hash(revision)](const auto& stopped) {
                    timed([&] { return job ? job->run(stopped) : job.error(); });
                };
            },
            std::move(ended));
    } else {
        node_.inspect(
            [revision, timed](const machine_type& machine) {
                timed([&] { return machine.store().hash(revision); });
            },
            std::move(ended));
    }
}

// A snapshot that is not read to its end holds what it may still be asked for: memory, or pages of
// the database and one of its readers.
template <class Policies>
void basic_service<Policies>::snapshot(const identity& by,
                                       std::function<void(error_code, bulk_bytes)> done) {
    if (const error_code refused = permits_root(by)) {
        done(refused, {});
        return;
    }
    if (snapshots_read_->load() >= options_.snapshot_streams_max) {
        if (options_.node.log && snapshot_lines_.admit(now())) {
            options_.node.log(severity::warning,
                              "refused a snapshot: " + std::to_string(snapshots_read_->load()) +
                                  " are being read, as many as snapshot_streams_max allows" +
                                  snapshot_lines_.left_out());
        }
        done(errc::too_many_unapplied, {});
        return;
    }
    ++*snapshots_read_;
    std::shared_ptr<const void> place(nullptr, [open = snapshots_read_](const void*) { --*open; });
    const auto made = std::make_shared<bulk_bytes>();
    node_.inspect([made](const machine_type& machine) { *made = bulk_bytes(machine.snapshot()); },
                  [made, place = std::move(place), done = std::move(done)](error_code failed) {
                      done(failed, failed ? bulk_bytes() : holding(place, std::move(*made)));
                  });
}

template <class Policies>
void basic_service<Policies>::tend_corruption(clock::time_point at) {
    const bool due = options_.corrupt_check_interval.count() > 0 &&
                     at - compared_ >= options_.corrupt_check_interval;
    if (!due || !node_.status().leads_fresh) {
        return;
    }
    compared_ = at;
    compare_states([this](const state_comparison& found) {
        for (const node_id other : found.differing) {
            if (!stopping_) {
                propose(alarm_change{{other, alarm_kind::corrupt}, true});
            }
        }
    });
}

// Only states of the same revision, with as much of the past, can be compared; a member that lags
// is asked again the next time. Calls back with nothing for one that cannot.
template <class Policies>
void basic_service<Policies>::compare_state(node_id other, const store_hash& mine,
                                            std::function<void(std::optional<bool>)> done) {
    std::string asked;
    byte_writer(asked).u8(static_cast<std::uint8_t>(call_kind::store_hash)).u64(mine.revision);
    node_.call(other, shared_bytes::copy_of(asked), detail::leader_word_limit,
               [mine, done = std::move(done)](error_code failed, const shared_bytes& bytes) {
                   const auto theirs = failed ? std::nullopt : detail::decode_hash(bytes.view());
                   const bool comparable = theirs && theirs->revision == mine.revision &&
                                           theirs->compact_revision == mine.compact_revision;
                   done(comparable ? std::optional(theirs->hash == mine.hash) : std::nullopt);
               });
}

template <class Policies>
void basic_service<Policies>::compare_states(std::function<void(state_comparison)> done) {
    hash_state(0, [this, done = std::move(done)](error_code failed, const store_hash& mine) {
        failed || stopping_ ? done({}) : compare_others(mine, done);
    });
}

template <class Policies>
void basic_service<Policies>::compare_others(const store_hash& mine,
                                             std::function<void(state_comparison)> done) {
    struct round {
        std::size_t waiting = 1; // for this function itself, which answers may precede
        state_comparison found;
        std::function<void(state_comparison)> done;
        void end_one() {
            if (--waiting == 0) {
                done(std::move(found));
            }
        }
    };
    const auto all = std::make_shared<round>();
    all->done = std::move(done);
    for (const member_info& m : node_.members()) {
        if (m.id == options_.node.id) {
            continue;
        }
        ++all->waiting;
        compare_state(m.id, mine, [all, other = m.id](std::optional<bool> same) {
            all->found.compared += same.has_value() ? 1U : 0U;
            if (same == false) {
                all->found.differing.push_back(other);
            }
            all->end_one();
        });
    }
    all->end_one();
}

template <class Policies>
void basic_service<Policies>::tend_compaction(clock::time_point at) {
    if (!compactor_ || !node_.status().leads_fresh) {
        return;
    }
    const auto upto = compactor_->due(at, store().current_revision(), store().compact_revision());
    if (upto) {
        propose(compact{.revision = *upto});
    }
}

} // namespace quorate

#endif
