// The leader: accepts proposals, replicates them, counts acknowledgements, hands over.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_LEADER_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_LEADER_IPP

#include <quorate/base/limits.hpp>
#include <quorate/consensus/raft.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL void raft::become_leader() {
    QUORATE_ASSERT(role() == role_kind::candidate);
    reset(term_);
    leader_ = options_.id;
    forgotten_ = std::max(forgotten_, led_);
    led_ = term_;
    forwarded_.clear();
    leader_role& leads = data_.emplace<leader_role>();
    // An earlier leader's change may be among the entries not applied yet: assume it is (§4.1).
    leads.pending_change = log_.last();
    const id_set everybody = members_.all();
    leads.peers.reserve(everybody.size());
    for (node_id id : everybody) {
        const bool self = id == options_.id;
        leads.peers.emplace_back(id, self ? log_.last() : log_index{}, log_.last().next(),
                                 members_.learners.contains(id), self);
        if (self) {
            leads.peers.back().become_replicate();
        }
    }
    // Entries of earlier terms are committed only together with one of this term (§5.4.2, §8).
    proposed empty;
    append_own({&empty, 1});
}

QUORATE_DECL void raft::tick_leader() {
    ++heartbeat_elapsed_;
    ++election_elapsed_;
    if (election_elapsed_ >= options_.election_ticks) {
        election_elapsed_ = 0;
        if (options_.check_quorum) {
            check_quorum();
        }
        if (is_leader() && !options_.transfer_timer) {
            lead().transferee = node_id{}; // not in time: this member goes on leading (§3.10)
        }
    }
    if (is_leader() && options_.transfer_timer) {
        time_transfer();
    }
    if (is_leader() && heartbeat_elapsed_ >= options_.heartbeat_ticks) {
        heartbeat_elapsed_ = 0;
        broadcast_heartbeat();
        maybe_leave_joint(); // where it was refused before
    }
}

QUORATE_DECL void raft::time_transfer() noexcept {
    leader_role& leads = lead();
    if (leads.transferee && ++leads.transfer_elapsed >= options_.election_ticks) {
        leads.transferee = node_id{}; // not in time: this member goes on leading (§3.10)
    }
}

QUORATE_DECL void raft::check_quorum() {
    const auto active = [this](node_id id) -> std::optional<bool> {
        const peer_progress* peer = lead().find(id);
        return id == options_.id || (peer != nullptr && peer->recently_active() && peer->counts());
    };
    if (tally(members_, active) != vote_result::won) {
        become_follower(term_, node_id{});
        return;
    }
    for (peer_progress& peer : lead().peers) {
        peer.set_recently_active(peer.id() == options_.id);
    }
}

QUORATE_DECL error_code raft::step_leader(const message& m) {
    switch (m.kind) {
    case message_kind::proposal: return on_forwarded(m);
    case message_kind::read_index: return on_read_request(m.from, m.context);
    case message_kind::append:
    case message_kind::heartbeat:
    case message_kind::install_snapshot: return errc::message_invalid; // a second leader (R8)
    default: break;
    }
    peer_progress* peer = lead().find(m.from);
    if (peer == nullptr) {
        return {}; // left the group while this was under way
    }
    note_stale(*peer, m);
    switch (m.kind) {
    case message_kind::append_response: return on_append_response(m);
    case message_kind::heartbeat_response: on_heartbeat_response(*peer, m); return {};
    case message_kind::transfer_leader: on_transfer_request(m.from); return {};
    default: return {};
    }
}

// Proposals: checked as a whole, then appended as a whole.

QUORATE_DECL error_code raft::accept(std::span<proposed> proposals) {
    if (const error_code failed = admit(proposals)) {
        return failed;
    }
    append_own(proposals);
    if (options_.coalesce_appends) {
        lead().replication_due = true;
    } else {
        broadcast_append();
    }
    return {};
}

QUORATE_DECL error_code raft::admit(std::span<proposed> proposals) {
    leader_role& leads = lead();
    if (leads.find(options_.id) == nullptr) {
        return dropped(errc::not_leader); // removed, and about to stop leading
    }
    if (leads.transferee) {
        return dropped(errc::transfer_in_progress);
    }
    for (const proposed& p : proposals) {
        if (p.payload.size() > entry_bytes_limit) {
            return dropped(errc::request_too_large); // no frame could take it to a follower
        }
    }
    if (const error_code full = admit_bytes(proposals)) {
        return full;
    }
    const log_index pending_before = leads.pending_change;
    for (std::size_t i = 0; i < proposals.size(); ++i) {
        proposed& p = proposals[i];
        if (p.kind == entry_kind::normal) {
            continue;
        }
        const result<membership_change> change = decode_change(p.kind, p.payload.view());
        const error_code refused = change ? admit_change(*change, i) : change.error();
        if (refused && (!change || options_.answer_refusals)) {
            leads.pending_change = pending_before; // nothing of it is appended
            return refused;
        }
        if (refused) {
            p = proposed{}; // the reference's answer: an empty entry in its place
        }
    }
    for (const proposed& p : proposals) {
        leads.unapplied_bytes += p.payload.size();
    }
    return {};
}

// Followers may commit what waits for the disk here, so that is bounded by itself.
QUORATE_DECL error_code raft::admit_bytes(std::span<const proposed> proposals) const noexcept {
    std::uint64_t bytes = 0;
    std::uint64_t held = 0;
    bool only_changes = true; // to replace a member may be what frees the log
    for (const proposed& p : proposals) {
        only_changes = only_changes && p.kind != entry_kind::normal;
        bytes += p.payload.size();
        held += held_size(p.payload.size());
    }
    const std::uint64_t unapplied = std::get_if<leader_role>(&data_)->unapplied_bytes;
    const std::uint64_t limit = options_.uncommitted_bytes_max;
    if (limit != 0 && bytes > 0 && unapplied > 0 && unapplied + bytes > limit) {
        return dropped(errc::uncommitted_limit);
    }
    const std::uint64_t log_max = options_.log_bytes_max;
    if (log_max != 0 && !only_changes && log_.bytes_behind_snapshot() >= log_max) {
        return dropped(errc::log_limit);
    }
    const std::uint64_t waiting = log_.unstable_bytes();
    const std::uint64_t waiting_max = options_.unstable_bytes_max;
    const bool full = waiting_max != 0 && waiting > 0 && waiting + held > waiting_max;
    return full ? dropped(errc::unsynced_limit) : error_code();
}

QUORATE_DECL error_code raft::admit_change(const membership_change& change, std::size_t offset) {
    leader_role& leads = lead();
    if (options_.validate_changes) {
        const bool leaves = change.changes.empty();
        if (leads.pending_change > log_.applied()) {
            return errc::change_pending;
        }
        if (members_.joint() && !leaves) {
            return errc::must_leave_joint;
        }
        if (!members_.joint() && leaves) {
            return errc::nothing_to_change;
        }
        if (options_.answer_refusals) {
            if (const auto next = apply(members_, change); !next) {
                return next.error();
            }
        }
    }
    leads.pending_change = log_.last() + offset + 1;
    return {};
}

QUORATE_DECL void raft::append_own(std::span<proposed> proposals) {
    for (proposed& p : proposals) {
        log_.push({.term = term_,
                   .index = log_.last().next(),
                   .kind = p.kind,
                   .payload_checksum = p.payload_checksum,
                   .payload = std::move(p.payload)});
    }
    // This member's own acknowledgement: counts once the entries are durable here (§10.2.1).
    send({.kind = message_kind::append_response, .to = options_.id, .index = log_.last()});
}

QUORATE_DECL error_code raft::on_forwarded(const message& m) {
    if (m.entries.empty()) {
        return errc::message_invalid;
    }
    std::vector<proposed> proposals;
    proposals.reserve(m.entries.size());
    for (const entry& e : m.entries) {
        if (e.kind > entry_kind::joint_change) {
            return errc::message_invalid;
        }
        proposals.push_back({e.kind, e.payload_checksum, e.payload});
    }
    if (!decides(m)) {
        return {};
    }
    const bool stale = m.log_term && m.log_term != term_;
    const error_code refused = stale ? error_code(errc::leader_changed) : accept(proposals);
    if (refused && options_.answer_refusals && m.from != options_.id) {
        const auto reason = static_cast<std::uint64_t>(refused.value());
        send({.kind = message_kind::proposal_refused,
              .to = m.from,
              .reject_hint = log_index(reason),
              .context = m.context});
        return {};
    }
    return refused;
}

// Acknowledgements.

QUORATE_DECL error_code raft::on_append_response(const message& m) {
    peer_progress& peer = *lead().find(m.from);
    if (!m.reject && m.index > log_.last()) {
        return errc::message_invalid; // acknowledges what was never sent
    }
    peer.set_recently_active(true);
    if (m.reject) {
        on_append_rejected(peer, m);
    } else {
        on_append_acked(peer, m);
    }
    return {};
}

QUORATE_DECL void raft::on_append_rejected(peer_progress& peer, const message& m) {
    // A stale member's loss is another matter: note_stale starts over with it.
    const bool loss = m.lost && m.context == 0;
    if (loss && options_.repair_lost_logs && take_loss_report(peer, m)) {
        return;
    }
    // Skips what cannot match on either side, so that a long divergence costs a round trip per
    // term and not per entry (thesis §3.5, end).
    log_index hint = m.reject_hint;
    if (m.log_term) {
        hint = log_.conflict_hint(m.reject_hint, m.log_term).index;
    }
    if (peer.on_rejected(m.index, hint)) {
        if (peer.kind() == progress_kind::replicate) {
            peer.become_probe();
        }
        send_append(peer, true);
    }
}

QUORATE_DECL void raft::on_append_acked(peer_progress& peer, const message& m) {
    note_repaired(peer, m.index);
    const bool news = peer.on_ack(m.index);
    const bool found = peer.kind() == progress_kind::probe && m.index == peer.match();
    if (!news && !found) {
        return;
    }
    switch (peer.kind()) {
    case progress_kind::probe: peer.become_replicate(); break;
    case progress_kind::snapshot:
        // Whatever brought it here, the log can take over from where it is.
        if (peer.match().next() >= log_.first()) {
            peer.become_probe();
            peer.become_replicate();
        }
        break;
    case progress_kind::replicate: peer.free_inflight(m.index); break;
    }
    const bool self = peer.id() == options_.id;
    // An acknowledgement of what is committed already cannot commit more.
    if (peer.match() > log_.committed() && maybe_commit()) {
        on_commit_advanced();
    } else if (!options_.coalesce_appends && !self && peer.can_bump_commit(log_.committed())) {
        send_append(peer, true);
    }
    if (!self) {
        if (options_.coalesce_appends) {
            lead().replication_due = true;
        } else {
            send_all(peer);
        }
    }
    if (m.from == lead().transferee && peer.match() == log_.last()) {
        send_timeout_now(m.from);
    }
}

QUORATE_DECL void raft::on_heartbeat_response(peer_progress& peer, const message& m) {
    peer.set_recently_active(true);
    peer.resume();
    peer.set_condition(m.reject, m.lost);
    if (!peer.able() && lead().transferee == peer.id()) {
        lead().transferee = node_id{}; // it could not take over
    }
    on_promise(peer, m);
    if (peer.match() < log_.last() || peer.kind() == progress_kind::probe || m.lost) {
        send_append(peer, true);
    }
    if (!m.lost && m.context != 0 && m.context <= lead().read_newest()) {
        peer.on_read_ack(m.context);
        confirm_reads();
    }
}

QUORATE_DECL bool raft::maybe_commit() {
    const auto acked = [this](node_id id) -> std::optional<log_index> {
        const peer_progress* peer = lead().find(id);
        return peer == nullptr || !peer->counts() ? std::nullopt : std::optional(peer->match());
    };
    const log_index index = committed_index(members_, acked);
    // Only entries of the own term are committed by counting (§5.4.2, figure 8).
    if (index <= log_.committed() || !log_.matches({term_, index})) {
        return false;
    }
    log_.commit_to(index);
    return true;
}

QUORATE_DECL void raft::on_commit_advanced() {
    release_postponed_reads();
    if (options_.coalesce_appends) {
        lead().replication_due = true;
    } else {
        broadcast_append();
    }
}

// Sending.

QUORATE_DECL void raft::broadcast_append() {
    for (peer_progress& peer : lead().peers) {
        if (peer.id() != options_.id) {
            send_append(peer, true);
        }
    }
}

QUORATE_DECL void raft::send_all(peer_progress& peer) {
    while (send_append(peer, false)) {
    }
}

QUORATE_DECL void raft::replicate() {
    for (peer_progress& peer : lead().peers) {
        if (peer.id() == options_.id) {
            continue;
        }
        send_all(peer);
        if (peer.can_bump_commit(log_.committed())) {
            send_append(peer, true);
        }
    }
}

QUORATE_DECL void raft::flush_replication() {
    if (!is_leader()) {
        return;
    }
    if (std::exchange(lead().replication_due, false)) {
        replicate();
    }
    if (std::exchange(lead().read_round_due, false)) {
        broadcast_heartbeat();
    }
}

QUORATE_DECL bool raft::send_append(peer_progress& peer, bool even_if_empty) {
    if (peer.paused() || peer.stuck()) {
        return false;
    }
    const log_index prev = peer.next().prev();
    if (!log_.knows(prev)) {
        return send_snapshot(peer);
    }
    std::span<const entry> entries;
    if (peer.kind() != progress_kind::replicate || !peer.inflight_full(limits())) {
        entries = log_.from(peer.next(), options_.append_bytes_max);
    }
    if (entries.empty() && !even_if_empty) {
        return false;
    }
    message append{.kind = message_kind::append,
                   .lost = peer.repairing(),
                   .to = peer.id(),
                   .log_term = log_.known_term(prev),
                   .index = prev,
                   .commit = log_.committed(),
                   .reject_hint = repair_extent(peer)};
    mark_confirmed(append, peer);
    send_entries(std::move(append), peer.next(), entries.size());
    peer.on_sent(entries.size(), payload_size(entries), limits());
    peer.on_commit_sent(log_.committed());
    return true;
}

QUORATE_DECL bool raft::send_snapshot(peer_progress& peer) {
    const snapshot_ptr& snap =
        log_.pending_snapshot() != nullptr ? log_.pending_snapshot() : offered_;
    if (!peer.recently_active() || snap == nullptr || snap->last.index < log_.base().index) {
        return false; // nobody there to take it, or nothing to send yet
    }
    peer.become_snapshot(snap->last.index);
    message install{.kind = message_kind::install_snapshot,
                    .lost = peer.repairing(),
                    .to = peer.id(),
                    .commit = peer.repairing() ? log_.committed() : log_index{},
                    .reject_hint = repair_extent(peer),
                    .snap = snap};
    mark_confirmed(install, peer);
    send(std::move(install));
    return true;
}

QUORATE_DECL void raft::broadcast_heartbeat() {
    const std::size_t others = lead().peers.size() - (lead().find(options_.id) != nullptr ? 1 : 0);
    now_.reserve(now_.size() + others);
    for (peer_progress& peer : lead().peers) {
        if (peer.id() != options_.id) {
            send_heartbeat(peer);
        }
    }
}

QUORATE_DECL void raft::send_heartbeat(peer_progress& peer) {
    // Never more than the follower acknowledged: it may hold other entries beyond. Where its disk
    // lost what it acknowledged it may even do so below, which the term shows.
    log_index commit = std::min(peer.match(), log_.committed());
    term_id term;
    if (options_.repair_lost_logs) {
        commit = log_.knows(commit) ? commit : log_index();
        term = commit ? log_.known_term(commit) : term_id();
    }
    const leader_role& leads = lead();
    send({.kind = message_kind::heartbeat,
          .to = peer.id(),
          .log_term = term,
          .index = lease_stamp(),
          .commit = commit,
          .context = leads.reads.empty() ? 0 : leads.read_newest()});
    peer.on_commit_sent(commit);
    if (peer.match() == log_.last()) {
        peer.rest();
    }
}

// Reports from the transport, and handing over.

QUORATE_DECL void raft::on_unreachable(node_id peer) {
    peer_progress* progress = is_leader() ? lead().find(peer) : nullptr;
    if (progress != nullptr && progress->kind() == progress_kind::replicate) {
        progress->become_probe();
    }
}

QUORATE_DECL void raft::on_snapshot_sent(node_id peer, bool delivered) {
    peer_progress* progress = is_leader() ? lead().find(peer) : nullptr;
    if (progress == nullptr || progress->kind() != progress_kind::snapshot) {
        return;
    }
    if (!delivered) {
        progress->forget_pending_snapshot();
    }
    progress->become_probe();
    progress->pause(); // until it is heard from: it has the state to install first
}

QUORATE_DECL error_code raft::transfer_leadership(node_id to) {
    if (!members_.contains(to)) {
        return errc::member_unknown;
    }
    if (is_leader()) {
        const peer_progress* peer = lead().find(to);
        if (peer != nullptr && !peer->able()) {
            return errc::transferee_invalid;
        }
        on_transfer_request(to);
        return {};
    }
    if (!leader_) {
        return errc::no_leader;
    }
    send({.kind = message_kind::transfer_leader, .to = leader_, .from = to});
    return {};
}

QUORATE_DECL void raft::on_transfer_request(node_id to) {
    leader_role& leads = lead();
    peer_progress* peer = leads.find(to);
    if (peer == nullptr || peer->learner() || !peer->able() || leads.transferee == to) {
        return;
    }
    leads.transferee = node_id{}; // a newer request replaces the older one
    if (to == options_.id) {
        return;
    }
    if (options_.transfer_timer) {
        leads.transfer_elapsed = 0; // gives the transfer one election timeout (§3.10)
    } else {
        election_elapsed_ = 0;
    }
    leads.transferee = to;
    if (peer->match() == log_.last()) {
        send_timeout_now(to);
    } else {
        send_append(*peer, true);
    }
}

QUORATE_DECL void raft::send_timeout_now(node_id to) {
    lead().lease_void = true;
    send({.kind = message_kind::timeout_now, .to = to});
}

} // namespace quorate

#endif
