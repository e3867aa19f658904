// The contract of a state machine whose state survives a restart without a snapshot.
// Flow:       beside 11 to 13; state → database
// In / Out:   committed entries → commits; directory → the state of some entry
// Invariants: what `held` names is what a start finds; the log is kept from there on
// Source:     doc/concept/value_backend.md, "Durable backends"; etcd's consistent index
// Threads:    none (owner's strand), but for the job
#ifndef QUORATE_STORE_DURABLE_MACHINE_HPP
#define QUORATE_STORE_DURABLE_MACHINE_HPP

#include <quorate/store/state_machine.hpp>
#include <quorate/store/value_backend.hpp>

#include <concepts>

namespace quorate {

/// `held` names the entry up to which the state is on disk; zero: nothing is. `members` are bytes
/// of the owner's that are committed with the state and found with it: who the members were then.
/// Entries up to there are not applied again after a start. `wants_commit` says when much waits;
/// the owner then begins a commit for the last entry that it applied, runs the job on any thread
/// while it goes on applying, and finishes it. One commit at a time: `can_commit`. `reset` forgets
/// everything. `successor` is an empty machine whose state, once it is restored and put in this
/// one's place, takes the place of this one's on disk with its first commit; until then it may be
/// restored, or destroyed, on another thread while this one goes on. `error` is set once the
/// database failed: no answer counts any more, and only a fresh start recovers. A commit that ends
/// as no_space is no such failure; it is tried again with the next. Its snapshots can be read on
/// any thread whatever the machine does meanwhile.
// clang-format off
template <class M>
concept durable_machine = state_machine<M> && std::movable<M> &&
                          requires(M machine, const M fixed, const database_options& options,
                                   log_id at, shared_bytes members, error_code failed) {
    { M::open(options) } -> std::same_as<result<M>>;
    { fixed.held() } noexcept -> std::same_as<log_id>;
    { fixed.held_members() } -> std::same_as<shared_bytes>;
    { fixed.error() } noexcept -> std::same_as<error_code>;
    { fixed.can_commit() } noexcept -> std::same_as<bool>;
    { fixed.wants_commit() } noexcept -> std::same_as<bool>;
    { machine.begin_commit(at, members).run() } -> std::same_as<error_code>;
    { machine.finish_commit(machine.begin_commit(at, members), failed) }
        -> std::same_as<error_code>;
    { machine.reset() } -> std::same_as<void>;
    { machine.successor() } -> std::same_as<M>;
};
// clang-format on

} // namespace quorate

#endif
