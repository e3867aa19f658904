// Elections: campaigning, counting votes, the pre-vote that comes before.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_CANDIDATE_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_CANDIDATE_IPP

#include <quorate/consensus/raft.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL error_code raft::campaign() {
    start_election(options_.pre_vote ? campaign_kind::pre_election : campaign_kind::election);
    return {};
}

QUORATE_DECL void raft::start_election(campaign_kind kind) {
    // With a committed change not yet applied, this member would count the wrong quorum.
    if (is_leader() || !promotable() || has_unapplied_change() || term_.value() >= number_max) {
        return;
    }
    if (promised() && kind != campaign_kind::transfer) {
        return; // its own vote is one of those that it promised not to give
    }
    run_campaign(kind);
}

// Whether the log holds a membership change between these indices, both included.
QUORATE_DECL bool raft::has_change(log_index from, log_index to) const noexcept {
    from = std::max(from, log_.first());
    if (to < from) {
        return false;
    }
    const std::span<const entry> run = log_.range(from, to.next() - from);
    return std::any_of(run.begin(), run.end(),
                       [](const entry& e) { return e.kind != entry_kind::normal; });
}

QUORATE_DECL bool raft::has_unapplied_change() const noexcept {
    return has_change(log_.applied().next(), log_.committed());
}

QUORATE_DECL void raft::become_candidate() {
    QUORATE_ASSERT(!is_leader());
    reset(term_.next());
    vote_ = options_.id;
    data_.emplace<candidate_role>();
}

// Changes neither term nor vote: a pre-candidate that loses has disturbed nobody (§9.6).
QUORATE_DECL void raft::become_pre_candidate() {
    QUORATE_ASSERT(!is_leader());
    leader_ = node_id{};
    data_.emplace<candidate_role>().pre = true;
}

QUORATE_DECL void raft::run_campaign(campaign_kind kind) {
    const bool pre = kind == campaign_kind::pre_election;
    if (pre) {
        become_pre_candidate();
    } else {
        become_candidate();
    }
    const term_id term = pre ? term_.next() : term_;
    const log_id last = log_.last_id();
    const bool whole = holds_all();
    for (node_id voter : members_.all_voters()) {
        if (voter == options_.id) {
            // Counts once it is durable, like any other vote.
            send({.kind = pre ? message_kind::pre_vote_response : message_kind::vote_response,
                  .to = voter,
                  .term = term});
            continue;
        }
        send({.kind = pre ? message_kind::pre_vote : message_kind::vote,
              .lost = whole,
              .transfer = kind == campaign_kind::transfer,
              .to = voter,
              .term = term,
              .log_term = last.term,
              .index = last.index});
    }
}

QUORATE_DECL error_code raft::step_candidate(const message& m) {
    const message_kind own_answer =
        candidacy().pre ? message_kind::pre_vote_response : message_kind::vote_response;
    if (m.kind == own_answer) {
        on_vote_response(m);
        return {};
    }
    switch (m.kind) {
    case message_kind::append:
    case message_kind::heartbeat:
    case message_kind::install_snapshot:
        become_follower(m.term, m.from); // somebody else won this term
        return from_leader(m);
    case message_kind::proposal:
    case message_kind::read_index: return refuse_or_forward(m);
    default: return {};
    }
}

QUORATE_DECL void raft::on_vote_response(const message& m) {
    candidacy().record(m.from, !m.reject);
    const auto answer = [this](node_id id) { return candidacy().answer(id); };
    switch (tally(members_, answer)) {
    case vote_result::won:
        if (candidacy().pre) {
            run_campaign(campaign_kind::election);
        } else {
            become_leader();
            broadcast_append();
        }
        break;
    case vote_result::lost: become_follower(term_, node_id{}); break;
    case vote_result::pending: break;
    }
}

} // namespace quorate

#endif
