// A follower: takes the leader's log, passes on what its clients ask.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_FOLLOWER_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_FOLLOWER_IPP

#include <quorate/consensus/raft.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL error_code raft::step_follower(const message& m) {
    switch (m.kind) {
    case message_kind::append:
    case message_kind::heartbeat:
    case message_kind::install_snapshot:
        if (options_.check_leader && leader_ && leader_ != m.from) {
            return errc::message_invalid; // two leaders in one term cannot be (R8)
        }
        return from_leader(m);
    case message_kind::proposal:
    case message_kind::read_index:
    case message_kind::transfer_leader: return refuse_or_forward(m);
    case message_kind::timeout_now: start_election(campaign_kind::transfer); return {};
    case message_kind::read_index_response: reads_.push_back({m.index, m.context}); return {};
    default: return {}; // answers to a role this member no longer has
    }
}

QUORATE_DECL error_code raft::from_leader(const message& m) {
    election_elapsed_ = 0;
    leader_ = m.from;
    switch (m.kind) {
    case message_kind::append: return handle_append(m);
    case message_kind::heartbeat: return handle_heartbeat(m);
    default: return handle_snapshot(m);
    }
}

// Raft figure 2, "AppendEntries RPC, receiver implementation".
QUORATE_DECL error_code raft::handle_append(const message& m) {
    if (m.index < log_.committed()) {
        // What is committed here matches any leader's log; say how far that goes.
        send({.kind = message_kind::append_response, .to = m.from, .index = log_.committed()});
        return {};
    }
    error_code failed;
    const log_id prev{m.log_term, m.index};
    const std::optional<log_index> covered = log_.append(prev, m.entries, failed);
    if (failed) {
        return failed;
    }
    if (covered.has_value()) {
        log_.commit_to(std::min(m.commit, *covered));
        send({.kind = message_kind::append_response, .to = m.from, .index = *covered});
        return {};
    }
    const log_id hint = log_.conflict_hint(std::min(m.index, log_.last()), m.log_term);
    send({.kind = message_kind::append_response,
          .reject = true,
          .to = m.from,
          .log_term = hint.term,
          .index = m.index,
          .reject_hint = hint.index});
    return {};
}

QUORATE_DECL error_code raft::handle_heartbeat(const message& m) {
    if (m.commit > log_.last()) {
        // The leader never names more than this member acknowledged: the disk here lost entries.
        return errc::log_conflict;
    }
    log_.commit_to(m.commit);
    send({.kind = message_kind::heartbeat_response, .to = m.from, .context = m.context});
    return {};
}

QUORATE_DECL error_code raft::handle_snapshot(const message& m) {
    const bool restored = restore(m.snap);
    send({.kind = message_kind::append_response,
          .to = m.from,
          .index = restored ? log_.last() : log_.committed()});
    return {};
}

QUORATE_DECL bool raft::restore(const snapshot_ptr& snap) {
    const bool concerned = options_.join_from_any_snapshot || snap->members.contains(options_.id);
    if (snap->last.index <= log_.committed() || !concerned) {
        return false;
    }
    if (log_.matches(snap->last)) {
        log_.commit_to(snap->last.index); // the log goes further than the snapshot: keep it
        return false;
    }
    log_.restore(snap);
    offered_ = snap;
    switch_members(snap->members);
    return true;
}

QUORATE_DECL error_code raft::forward_proposal(std::span<proposed> proposals,
                                               std::uint64_t context) {
    if (role_ != role_kind::follower || !leader_) {
        return dropped(errc::no_leader);
    }
    if (!options_.forward_proposals) {
        return dropped(errc::forwarding_disabled);
    }
    std::vector<entry> entries;
    entries.reserve(proposals.size());
    for (proposed& p : proposals) {
        entries.push_back({.kind = p.kind,
                           .payload_checksum = p.payload_checksum,
                           .payload = std::move(p.payload)});
    }
    // Stamped with the term of the leader it is meant for: no other may accept it, so that its
    // fate is known once an entry of a later term is applied.
    const term_id stamp = options_.answer_refusals ? term_ : term_id{};
    send_owned(
        {.kind = message_kind::proposal, .to = leader_, .log_term = stamp, .context = context},
        std::move(entries));
    return {};
}

// A peer took this member for the leader.
QUORATE_DECL error_code raft::refuse_or_forward(const message& m) {
    if (m.kind == message_kind::proposal && m.entries.empty()) {
        return errc::message_invalid;
    }
    const bool from_here = m.from == options_.id;
    if (options_.answer_refusals && m.kind != message_kind::transfer_leader && !from_here) {
        // Passing it on could send it in circles; the asker knows better soon.
        const auto kind = m.kind == message_kind::proposal ? message_kind::proposal_refused
                                                           : message_kind::read_refused;
        send({.kind = kind,
              .to = m.from,
              .reject_hint = log_index(static_cast<std::uint64_t>(errc::not_leader)),
              .context = m.context});
        return {};
    }
    if (!leader_ || (m.kind == message_kind::proposal && !options_.forward_proposals)) {
        const bool proposal = m.kind == message_kind::proposal;
        return proposal ? dropped(errc::no_leader) : error_code();
    }
    message onward = m;
    onward.to = leader_;
    onward.entries = {};
    if (m.entries.empty()) {
        send(std::move(onward));
    } else {
        send_owned(std::move(onward), {m.entries.begin(), m.entries.end()});
    }
    return {};
}

} // namespace quorate

#endif
