// The invariants of one member, in the order of their numbers.
#ifndef QUORATE_CONSENSUS_IMPL_INVARIANTS_IPP
#define QUORATE_CONSENSUS_IMPL_INVARIANTS_IPP

#include <quorate/consensus/invariants.hpp>

#include <algorithm>
#include <optional>
#include <span>

namespace quorate {
namespace detail {

inline std::span<const entry> held_entries(const raft_log& log) noexcept {
    return log.range(log.first(), log.last() - log.base().index);
}

inline broken_invariant check_entries(const raft& member) noexcept {
    log_id before = member.log().base();
    for (const entry& e : held_entries(member.log())) {
        if (e.index != before.index.next()) {
            return {1, "R1: the log's indices are dense"};
        }
        if (e.term < before.term) {
            return {2, "R2: terms never decrease along a log"};
        }
        before = e.id();
    }
    // A group may start from a base of any term, before anybody campaigned.
    const bool newer = before.term > member.status().hard.term && before != member.log().base();
    return newer ? broken_invariant{2, "R2: no entry is newer than the member's term"}
                 : broken_invariant();
}

inline broken_invariant check_cursors(const raft_log& log) noexcept {
    const log_index base = log.base().index;
    const log_index handed_out = log.last() - log.not_handed_out().size();
    const bool storage = base <= log.stable() && log.stable() <= handed_out;
    const bool commit = base <= log.committed() && log.committed() <= log.last();
    const bool applying = log.applied() <= log.applying() && log.applying() <= log.committed();
    if (!storage || !commit || !applying) {
        return {3, "R3: applied <= applying <= committed <= last; stable <= handed out <= last"};
    }
    if (log.pending_snapshot() != nullptr && log.pending_snapshot()->last != log.base()) {
        return {3, "R3: a snapshot that waits to be installed is the log's base"};
    }
    if (log.pending_snapshot() == nullptr && log.applied() < base) {
        return {3, "R3: what the log forgot is applied"};
    }
    return {};
}

inline broken_invariant check_progress(const raft& member) noexcept {
    for (const peer_progress& peer : member.progress()) {
        const bool fits =
            peer.match() < peer.next() && peer.match() <= member.log().last() &&
            (peer.kind() == progress_kind::snapshot || peer.next() <= member.log().last().next());
        if (!fits) {
            return {5, "R5: match < next, and neither lies beyond the log"};
        }
        const bool probing = peer.kind() == progress_kind::probe;
        if (probing && peer.inflight_count() != 0) {
            return {6, "R6: nothing is pipelined while probing"};
        }
        if (!probing && peer.kind() != progress_kind::snapshot &&
            peer.inflight_count() > member.limits().messages_max) {
            return {6, "R6: no more appends are under way than the window holds"};
        }
        const bool waits = peer.kind() == progress_kind::snapshot;
        if (waits != static_cast<bool>(peer.pending_snapshot()) || (waits && !peer.paused())) {
            return {6, "R6: nothing is sent while a snapshot is under way"};
        }
    }
    return {};
}

inline const peer_progress* own_progress(const raft& member) noexcept {
    const auto peers = member.progress();
    const auto own = std::find_if(peers.begin(), peers.end(), [&](const peer_progress& p) {
        return p.id() == member.status().id;
    });
    return own == peers.end() ? nullptr : &*own;
}

inline broken_invariant check_role(const raft& member) noexcept {
    const engine_status now = member.status();
    const bool leads = now.soft.role == role_kind::leader;
    if (leads != (now.soft.leader == now.id)) {
        return {8, "R8: a member knows itself as leader exactly while it leads"};
    }
    if (now.soft.role == role_kind::candidate && now.hard.vote != now.id) {
        return {10, "R10: a candidate votes for itself"};
    }
    const peer_progress* own = own_progress(member);
    if (now.hard.lost.index && now.soft.role != role_kind::follower) {
        return {23, "R23: a fenced member neither campaigns nor leads"};
    }
    // Votes may elect it while entries of earlier terms are still on their way to its disk; they
    // count only below an entry of its own term, which goes there after them.
    if (own != nullptr && own->match() > member.log().stable() &&
        member.log().term_at(own->match()) == now.hard.term) {
        return {11, "R11: a leader counts its own copy only once that is durable"};
    }
    return {};
}

// A change in the log proves that the one before it was committed, and says so to who receives it.
inline broken_invariant check_pending_changes(const raft_log& log) noexcept {
    const log_index from = std::max(log.committed(), log.base().index);
    const auto run = log.range(from.next(), log.last() - from);
    const auto changes = std::count_if(run.begin(), run.end(),
                                       [](const entry& e) { return e.kind != entry_kind::normal; });
    return changes > 1 ? broken_invariant{13, "R13: one uncommitted membership change at most"}
                       : broken_invariant();
}

// Whether `id` is still where it was: in the log, or behind the base that replaced it.
inline bool still_holds(const raft_log& log, log_id id) noexcept {
    return id.index < log.base().index || log.matches(id);
}

inline broken_invariant check_hard_step(const raft_facts& before, const raft& after) noexcept {
    const hard_state now = after.status().hard;
    if (now.term < before.hard.term) {
        return {9, "R9: the term never decreases"};
    }
    if (now.commit < before.hard.commit || after.log().applied() < before.applied) {
        return {9, "R9: commit and applied index never decrease"};
    }
    if (now.term == before.hard.term && before.hard.vote && now.vote != before.hard.vote) {
        return {10, "R10: a vote is given once in a term"};
    }
    if (!still_holds(after.log(), before.committed)) {
        return {4, "R4: nothing committed is ever replaced"};
    }
    return {};
}

inline broken_invariant check_fence_step(const raft_facts& before, const raft& after) {
    const lost_log was = before.hard.lost;
    const hard_state now = after.status().hard;
    if (!was.index) {
        return {};
    }
    const bool same_term = now.term == before.hard.term;
    const node_id leader = after.status().soft.leader;
    // A stale member that rejoins takes the vote that it may have forgotten for one for its leader.
    const bool rejoins = was == stale_copy && !now.lost.index && now.vote == leader;
    const membership& members = after.members();
    const bool other_of_two = members.voters.size() == 2 && !members.joint() &&
                              members.is_voter(now.vote) && now.vote != after.status().id;
    if (now.vote != (same_term ? before.hard.vote : node_id{}) && !rejoins && !other_of_two) {
        return {23, "R23: a fenced member votes for no candidate but the other of two voters"};
    }
    if (now.lost.index) {
        const bool narrower = now.lost.term == was.term && now.lost.index <= was.index;
        const bool another = now.lost.term == now.term && now.lost.term > was.term;
        return narrower || another || now.lost == stale_copy
                   ? broken_invariant()
                   : broken_invariant{23, "R23: a loss is forgotten as it is given back"};
    }
    const raft_log& log = after.log();
    const log_index committed = log.committed();
    const bool restored = now.term == was.term && log.stable() >= std::min(was.index, committed);
    const bool overtaken =
        now.term > was.term && log.stable() >= committed && log.term_at(committed) == now.term;
    // Only other members can judge the confirmation itself.
    const bool confirmed = was == stale_copy && log.term_at(committed) == now.term;
    return leader && (restored || overtaken || confirmed)
               ? broken_invariant()
               : broken_invariant{23, "R23: a fence falls once what is committed is durable here"};
}

inline broken_invariant check_leader_step(const raft_facts& before, const raft& after) noexcept {
    const engine_status now = after.status();
    const bool same_term = now.hard.term == before.hard.term;
    const bool known_before = static_cast<bool>(before.soft.leader);
    if (same_term && known_before && now.soft.leader && now.soft.leader != before.soft.leader) {
        return {8, "R8: one leader in a term"};
    }
    const bool led = before.soft.role == role_kind::leader;
    const bool leads = now.soft.role == role_kind::leader;
    if (led && same_term && !still_holds(after.log(), before.last)) {
        return {14, "R14: a leader only appends to its log"};
    }
    const bool elected = leads && (!led || !same_term);
    if (elected && (before.soft.role != role_kind::candidate || !same_term)) {
        return {15, "R15: only a candidate becomes leader, in the term it campaigned in"};
    }
    if (led && same_term && !leads && now.soft.role != role_kind::follower) {
        return {15, "R15: a leader follows before it campaigns again"};
    }
    return {};
}

inline broken_invariant check_commit_step(const raft_facts& before, const raft& after) {
    const bool leads = after.status().soft.role == role_kind::leader;
    const bool led = before.soft.role == role_kind::leader;
    if (!leads || !led || after.log().committed() == before.hard.commit) {
        return {};
    }
    const auto acked = [&after](node_id id) -> std::optional<log_index> {
        for (const peer_progress& peer : after.progress()) {
            if (peer.id() == id) {
                return peer.match();
            }
        }
        return std::nullopt;
    };
    if (after.log().term_at(after.log().committed()) != after.status().hard.term) {
        return {11, "R11: a leader commits by counting only entries of its own term"};
    }
    if (after.log().committed() > committed_index(after.members(), acked)) {
        return {11, "R11: a leader commits only what a quorum of either half acknowledged"};
    }
    return {};
}

constexpr bool promises(message_kind kind) noexcept {
    return kind == message_kind::append_response || kind == message_kind::vote_response ||
           kind == message_kind::pre_vote_response;
}

} // namespace detail

QUORATE_DECL raft_facts facts_of(const raft& member) noexcept {
    const engine_status now = member.status();
    const raft_log& log = member.log();
    const log_index commit = log.committed();
    return {now.hard,      now.soft,
            log.base(),    {log.term_at(commit).value_or(term_id{}), commit},
            log.last_id(), log.stable(),
            log.applied()};
}

QUORATE_DECL broken_invariant check_state(const raft& member, bool validated) {
    if (const auto broken = detail::check_entries(member)) {
        return broken;
    }
    if (const auto broken = detail::check_cursors(member.log())) {
        return broken;
    }
    if (const auto broken = detail::check_progress(member)) {
        return broken;
    }
    if (const auto broken = detail::check_role(member)) {
        return broken;
    }
    if (check(member.members())) {
        return {12, "R12: a membership never contradicts itself"};
    }
    return validated ? detail::check_pending_changes(member.log()) : broken_invariant();
}

QUORATE_DECL broken_invariant check_step(const raft_facts& before, const raft& after) {
    if (const auto broken = detail::check_hard_step(before, after)) {
        return broken;
    }
    if (const auto broken = detail::check_fence_step(before, after)) {
        return broken;
    }
    if (const auto broken = detail::check_leader_step(before, after)) {
        return broken;
    }
    return detail::check_commit_step(before, after);
}

QUORATE_DECL broken_invariant check_effects(const raft& member, const effects& batch) {
    const node_id self = member.status().id;
    for (const message& m : batch.send_now) {
        if (detail::promises(m.kind) || m.to == self) {
            return {7, "R7: what promises durability waits for the disk"};
        }
    }
    for (const message& m : batch.send_after_sync) {
        // A request for votes waits too, but for raft_options::durable_candidacy.
        if (!detail::promises(m.kind) && (m.kind != message_kind::vote || m.to == self)) {
            return {7, "R7: only promises wait for the disk"};
        }
    }
    const bool replaces = !batch.append.empty();
    if (replaces && !batch.must_sync) {
        return {7, "R7: entries are synced before they are acknowledged"};
    }
    const bool unannounced = (replaces || batch.install != nullptr) && !batch.stable;
    if (unannounced || batch.apply.empty() == batch.applied.has_value()) {
        return {3, "R3: every cursor that moves out is handed back by a mark"};
    }
    if (!batch.apply.empty() && batch.apply.back().index > member.log().committed()) {
        return {3, "R3: only what is committed is applied"};
    }
    return {};
}

} // namespace quorate

#endif
