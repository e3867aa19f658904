// Membership changes: taking effect when applied, leaving a joint configuration.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_MEMBERSHIP_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_MEMBERSHIP_IPP

#include <quorate/consensus/raft.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL result<membership> raft::apply_change(const membership_change& change) {
    result<membership> next = apply(members_, change);
    if (next) {
        switch_members(*next);
    }
    return next;
}

QUORATE_DECL void raft::switch_members(membership next) {
    members_ = std::move(next);
    if (!is_leader()) {
        return;
    }
    reconcile_progress();
    if (!members_.is_voter(options_.id)) {
        if (options_.step_down_on_removal) {
            become_follower(term_, node_id{});
        }
        return;
    }
    leader_role& leads = lead();
    // The quorum may have become smaller: who left answers neither for entries nor for reads.
    confirm_reads();
    if (maybe_commit()) {
        on_commit_advanced();
    } else {
        for (peer_progress& peer : leads.peers) {
            if (peer.id() != options_.id) {
                send_append(peer, false);
            }
        }
    }
    if (leads.transferee && !members_.is_voter(leads.transferee)) {
        leads.transferee = node_id{};
    }
}

QUORATE_DECL void raft::reconcile_progress() {
    std::vector<peer_progress>& peers = lead().peers;
    std::erase_if(peers, [this](const peer_progress& p) { return !members_.contains(p.id()); });
    for (node_id id : members_.all()) {
        const bool learner = members_.learners.contains(id);
        if (peer_progress* known = lead().find(id)) {
            known->set_learner(learner);
            continue;
        }
        // Counts as active, or check-quorum might step down before it had a chance to answer.
        const log_index next = std::max(log_.last(), log_index(1));
        const auto place = std::find_if(peers.begin(), peers.end(),
                                        [id](const peer_progress& p) { return p.id() > id; });
        peers.insert(place, peer_progress(id, log_index{}, next, learner, true));
    }
}

// Once everything up to the change is applied, the leader proposes to leave by itself. A refusal,
// say during a transfer, is tried again with the next applied entry, and with the next heartbeat.
QUORATE_DECL void raft::maybe_leave_joint() {
    if (!is_leader() || !members_.auto_leave || log_.applied() < lead().pending_change) {
        return;
    }
    static_cast<void>(propose_change({}, entry_kind::joint_change));
}

} // namespace quorate

#endif
