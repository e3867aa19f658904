// The contract between a node and its consensus engine.
// Flow:    3 to 11; values in, values out
// Source:  doc/concept/consensus_engine.md
#ifndef QUORATE_CONSENSUS_ENGINE_HPP
#define QUORATE_CONSENSUS_ENGINE_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/effects.hpp>
#include <quorate/consensus/membership_change.hpp>
#include <quorate/consensus/progress.hpp>
#include <quorate/consensus/raft_options.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace quorate {

/// What an engine starts from: the durable state, as recovered.
struct engine_state {
    hard_state hard{};
    snapshot_ptr base{};          ///< Stands for everything before the first entry; null: nothing.
    std::vector<entry> entries{}; ///< Dense; the first follows `base`.
    log_index applied{};          ///< What the state machine holds already; at least the base.
};

/// Returns: what every first member of a new group starts from: a snapshot at index 1 of `term`
/// that names the voters and holds `data`, the application's first state. All must be given the
/// same. The driver makes it durable before the first event. Requires: `term` is not zero.
[[nodiscard]] inline engine_state bootstrap(const id_set& voters, bulk_bytes data = {},
                                            term_id term = term_id(1)) {
    auto first = std::make_shared<snapshot>();
    first->last = {term, log_index(1)};
    first->members.voters = voters;
    first->data = std::move(data);
    const log_id last = first->last;
    return {.hard = {last.term, node_id{}, last.index},
            .base = std::move(first),
            .entries = {},
            .applied = last.index};
}

/// One client payload on its way into the log.
struct proposed {
    entry_kind kind = entry_kind::normal;
    std::uint32_t payload_checksum = 0;
    shared_bytes payload{};
};

/// Errors: corrupt, where the parts contradict each other. To be called before an engine is built
/// from what a disk gave back: its constructor asserts the same.
[[nodiscard]] inline error_code check(const engine_state& state) noexcept {
    const log_id base = state.base == nullptr ? log_id{} : state.base->last;
    log_id before = base;
    for (const entry& e : state.entries) {
        if (e.index != before.index.next() || e.term < before.term) {
            return errc::corrupt;
        }
        before = e.id();
    }
    const bool cursors_fit = state.hard.commit <= before.index && state.applied >= base.index &&
                             state.applied <= std::max(state.hard.commit, base.index);
    const bool term_fits = state.hard.term >= before.term || state.hard.empty();
    const bool members_fit = state.base == nullptr || !check(state.base->members);
    return cursors_fit && term_fits && members_fit ? error_code() : error_code(errc::corrupt);
}

/// Returns: an index that is committed because the entries after it prove it; zero where they prove
/// nothing. A leader accepts a membership change once it has applied the one before it, so of two
/// changes in a log the first is committed, whatever became of the commit index that was written
/// beside them. Holds for the log of every member at every time (R13), where all members run with
/// raft_options::validate_changes. Complexity: linear.
[[nodiscard]] inline log_index proven_commit(std::span<const entry> entries) noexcept {
    log_index last_but_one;
    log_index last;
    for (const entry& e : entries) {
        if (e.kind != entry_kind::normal) {
            last_but_one = std::exchange(last, e.index);
        }
    }
    return last_but_one;
}

/// Numbers about an engine, for operators and tests.
struct engine_status {
    node_id id{};
    hard_state hard{};
    soft_state soft{};
    log_index applied{};
    log_index first{}; ///< First entry still held; one past `last` when none is.
    log_index last{};
    bool change_pending =
        false; ///< It leads, and takes no membership change before it applied more.
    std::uint64_t log_bytes = 0; ///< Of memory, of the entries behind the newest saved snapshot.
};

/// Deterministic: the same calls in the same order give the same effects, bit for bit. Never
/// reads a clock, draws randomness, blocks, or throws anything but std::bad_alloc.
// clang-format off
template <class E>
concept consensus_engine = requires(E engine, const E fixed, const message& m, std::uint64_t number,
                                    const membership_change& change, node_id id, log_index index,
                                    std::span<proposed> proposals, const stable_mark& stable,
                                    const applied_mark& applied, snapshot_ptr snap) {
    requires std::constructible_from<E, const raft_options&, engine_state, std::uint32_t>;
    { engine.tick(static_cast<std::uint32_t>(number)) } -> std::same_as<void>;
    { engine.step(m) } -> std::same_as<error_code>;
    { engine.propose(proposals, number) } -> std::same_as<error_code>;
    { engine.read_index(number) } -> std::same_as<error_code>;
    { engine.transfer_leadership(id) } -> std::same_as<error_code>;
    { engine.apply_change(change) } -> std::same_as<result<membership>>;
    { engine.on_stable(stable) } -> std::same_as<void>;
    { engine.on_applied(applied) } -> std::same_as<void>;
    { engine.on_unreachable(id) } -> std::same_as<void>;
    { engine.on_snapshot_sent(id, true) } -> std::same_as<void>;
    { engine.offer_snapshot(snap) } -> std::same_as<void>;
    { engine.compact(index) } -> std::same_as<error_code>;
    { fixed.has_effects() } noexcept -> std::same_as<bool>;
    { engine.take_effects() } -> std::same_as<effects&>;
    { fixed.status() } noexcept -> std::same_as<engine_status>;
    { fixed.members() } noexcept -> std::same_as<const membership&>;
    { fixed.progress() } noexcept -> std::same_as<std::span<const peer_progress>>;
};
// clang-format on

/// An engine whose leases need the time; see raft::set_time.
template <class E>
concept timed_engine = consensus_engine<E> && requires(E engine, std::uint64_t now) {
    { engine.set_time(now) }
    noexcept->std::same_as<void>;
};

/// An engine that knows whether the disk takes writes; see raft::set_writable.
template <class E>
concept disk_aware_engine = consensus_engine<E> && requires(E engine) {
    { engine.set_writable(true) }
    noexcept->std::same_as<void>;
};

} // namespace quorate

#endif
