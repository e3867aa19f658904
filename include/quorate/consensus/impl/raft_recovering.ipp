// A recovering member: its disk lost entries that it had acknowledged, so it is fenced.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_RECOVERING_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_RECOVERING_IPP

#include <quorate/consensus/membership_change.hpp>
#include <quorate/consensus/raft.hpp>

#include <algorithm>

namespace quorate {

// A leader may count acknowledgements of entries that this member lost, and commit by them. Until
// that is ruled out, the member must not help to power a candidate that lacks those entries. So it
// neither votes nor campaigns, and confirms no reads; it takes entries and acknowledges them. The
// fence falls in one of two ways (R23).
//
// The leader of the term in which the loss was found gives the entries back. `lost` in a rejection
// reports the loss. The leader then forgets the acknowledgements that it holds of this member, and
// counts the ones that follow. The appends that it sends from then on carry `lost` too, and the
// index at which its log ends. An acknowledgement from before the loss may still be under way, and
// the leader will count it; but it cannot name more than that index, whatever this member lost
// beyond. So that index, at the first such append, is all that has to be durable again. Entries of
// leaders of earlier terms need no care: this leader was elected after them and holds all of theirs
// that is committed.
//
// Or a leader of a later term has committed an entry of its own, and this member holds it. It was
// elected without this member's vote, by a quorum that holds all that was committed before; and in
// the terms between this member gave no vote and acknowledged nothing that it lost.
//
// The first way rests on the transport: an append that was sent to this member before a crash does
// not arrive after it, where it would answer the report of another loss.

// Of two voters each is in every quorum. So the other one holds all that is committed, and no other
// member can lead without its vote. A fenced member votes for that one, which could not be elected
// otherwise. Both judge by their own logs, and either may be behind: the fenced member may have
// lost a change that added voters, and the candidate may not know yet that such a change is
// committed. But a first one was not committed without both, so the candidate vouches only while
// its log holds no change of the members that it has not applied.

// Returns: whether this member vouches that it holds all that is committed.
QUORATE_DECL bool raft::holds_all() const {
    return options_.repair_lost_logs && !fenced() && members_.voters.size() == 2 &&
           members_.voters.contains(options_.id) && !members_.joint() &&
           !may_alter_members(log_.applied().next(), log_.last());
}

// New addresses of a member alter no quorum; a leader announces its own as soon as it is elected.
QUORATE_DECL bool raft::may_alter_members(log_index from, log_index to) const {
    from = std::max(from, log_.first());
    if (to < from) {
        return false;
    }
    const auto alters = [](const entry& e) {
        if (e.kind == entry_kind::normal) {
            return false;
        }
        const result<membership_change> change = decode_change(e.kind, e.payload.view());
        return !change || change->leaves_joint() || change->enters_joint() ||
               std::any_of(change->changes.begin(), change->changes.end(),
                           [](const single_change& c) { return c.kind != change_kind::update; });
    };
    const std::span<const entry> run = log_.range(from, to.next() - from);
    return std::any_of(run.begin(), run.end(), alters);
}

// Returns: whether the candidate holds all that may be committed, as far as this member can know.
// What the other of two voters lacks is not committed, so a longer log here is no obstacle then.
QUORATE_DECL bool raft::may_vote(const message& m) const noexcept {
    if (!fenced()) {
        return log_.up_to_date({m.log_term, m.index});
    }
    return m.lost && members_.voters.size() == 2 && !members_.joint() &&
           members_.voters.contains(options_.id) && members_.voters.contains(m.from);
}

// The member's half.

// A leader names nothing but what this member acknowledged: the disk here lost entries, and until
// now nothing here knew, or it lost more since. Its owner learns of it by the hard state.
QUORATE_DECL void raft::fence() noexcept {
    if (!fenced() || (!stale() && lost_.term < term_)) {
        lost_ = {term_, everything_lost};
        matched_ = log_index();
    }
}

// Effects: reports the loss, and where the log here ends.
QUORATE_DECL void raft::report_held(const message& heartbeat) {
    if (writable_) { // else it would wait for the disk
        send_rejection(heartbeat.from, log_index(), log_.last_id());
    }
}

// Effects: takes note of how much has to come back. `covered`: the entries up to there are the
// leader's own.
QUORATE_DECL void raft::learn_extent(const message& m, log_index covered) noexcept {
    learn_match(covered);
    if (m.lost && fenced() && lost_.term == term_) {
        const log_index extent = std::max({m.commit, covered, m.reject_hint, log_index(1)});
        lost_.index = std::min(lost_.index, extent);
    }
}

// The log may be an earlier state of what was lost, with other entries in places that this member
// acknowledged later. So it is not enough that some entry stands there.
QUORATE_DECL void raft::learn_match(log_index covered) noexcept {
    matched_ = std::max(matched_, covered);
}

QUORATE_DECL void raft::maybe_unfence() noexcept {
    if (!fenced() || !leader_ || log_.pending_snapshot() != nullptr) {
        return;
    }
    if (stale()) {
        rejoin();
        return;
    }
    const log_index durable = log_.stable();
    const log_index committed = log_.committed();
    const bool restored = term_ == lost_.term && std::min(durable, matched_) >= lost_.index;
    const bool overtaken = term_ > lost_.term && durable >= committed && log_.knows(committed) &&
                           log_.known_term(committed) == term_;
    if (restored || overtaken) {
        lost_ = {};
    }
}

// The leader's half.

// Returns: whether the report needs no further answer.
QUORATE_DECL bool raft::take_loss_report(peer_progress& peer, const message& m) {
    // An append that does not fit where acknowledged entries stand shows it too, when other, older
    // entries came back there.
    const bool unfit = m.index && m.index <= peer.match();
    if (m.reject_hint < peer.match() || unfit) {
        peer.on_lost(std::min(m.reject_hint, peer.match()));
        send_append(peer, true);
        return true;
    }
    // It still holds all that is counted here. An append that carries the flag says so.
    peer.begin_repair();
    if (peer.kind() == progress_kind::replicate && !m.index) {
        send_append(peer, true);
        return true;
    }
    return false;
}

QUORATE_DECL void raft::note_repaired(peer_progress& peer, log_index acked) noexcept {
    if (peer.repairing() && acked >= log_.committed()) {
        peer.on_repaired();
    }
}

} // namespace quorate

#endif
