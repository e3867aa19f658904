// A stale member, which started from an older copy of its directory or an empty one: how it
// rejoins.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_STALE_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_STALE_IPP

#include <quorate/consensus/raft.hpp>

#include <algorithm>

namespace quorate {

// A stale member has forgotten entries that it acknowledged, votes that it gave, and terms that it
// was in. doc/recovery.md, "A stale member", gives the argument for the five steps below.
//
// Only the loss itself is durable: a restart begins again with a new number. So the restored one
// of three voters elects no leader with a lagging one, and waits for the third.
//
// Assumption: an answer that the member sent before it was stopped does not arrive after it has
// rejoined. The connection that carried it ends with the process, and a candidate forgets the votes
// of a term after an election timeout.

// The member.

QUORATE_DECL void raft::on_stale_copy() {
    if (stale() || !options_.repair_lost_logs) {
        return;
    }
    become_follower(term_, node_id{});
    lost_ = stale_copy;
    confirmed_ = {};
    after_sync_.clear(); // votes and acknowledgements of the time before
}

// Steps 1 and 2: every answer to a leader carries the mark.
QUORATE_DECL void raft::mark_stale(message& m) const noexcept {
    const bool answers =
        m.kind == message_kind::append_response || m.kind == message_kind::heartbeat_response;
    if (answers && m.from == options_.id && stale() && options_.repair_lost_logs) {
        m.lost = true;
        m.context = start_number_;
    }
}

QUORATE_DECL void raft::learn_confirmation(const message& m) noexcept {
    if (m.lost && stale() && m.context == start_number_ && m.reject_hint) {
        confirmed_ = {term_, m.reject_hint};
    }
}

// Step 5. The commit index shows that the log matches the leader's up to there.
QUORATE_DECL void raft::rejoin() noexcept {
    const log_index held = std::min(log_.stable(), log_.committed());
    if (confirmed_.index && confirmed_.term == term_ && held >= confirmed_.index) {
        vote_ = vote_ ? vote_ : leader_;
        forgotten_ = term_; // an earlier life may have led any term before
        lost_ = {};
        confirmed_ = {};
    }
}

// The leader.

QUORATE_DECL void raft::note_stale(peer_progress& peer, const message& m) {
    const bool answers =
        m.kind == message_kind::append_response || m.kind == message_kind::heartbeat_response;
    if (!answers || peer.id() == options_.id || !options_.repair_lost_logs) {
        return;
    }
    if (!m.lost || m.context == 0) {
        peer.on_sound();
        return;
    }
    if (peer.stale_start() == m.context) {
        return;
    }
    peer.on_stale(m.context);
    if (!peer.learner() && holds_all()) {
        // There are no others to ask, and no later leader without a vote of this member.
        peer.confirm(log_.last());
        send_append(peer, true);
        return;
    }
    start_confirmation({peer.id(), m.context, log_.committed(), true});
}

// Step 3. A lease proves nothing here: the round has to begin after the member's start.
QUORATE_DECL void raft::start_confirmation(const pending_read& wanted) {
    if (!log_.matches({term_, log_.committed()})) {
        lead().postponed_reads.push_back(wanted);
        return;
    }
    start_read(wanted);
}

// Step 4.
QUORATE_DECL void raft::confirm_stale(const pending_read& done) {
    peer_progress* const peer = lead().find(done.from);
    if (peer == nullptr || peer->stale_start() != done.context) {
        return;
    }
    peer->confirm(log_.committed());
    if (maybe_commit()) {
        on_commit_advanced();
    }
    send_append(*peer, true);
}

QUORATE_DECL void raft::mark_confirmed(message& m, const peer_progress& peer) const noexcept {
    if (peer.confirmed()) {
        m.lost = true;
        m.context = peer.stale_start();
        m.reject_hint = peer.extent();
    }
}

} // namespace quorate

#endif
