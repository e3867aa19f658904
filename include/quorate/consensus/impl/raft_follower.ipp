// A follower: takes the leader's log, passes on its clients' requests.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_FOLLOWER_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_FOLLOWER_IPP

#include <quorate/base/limits.hpp>
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
    case message_kind::heartbeat: handle_heartbeat(m); return {};
    default: return handle_snapshot(m);
    }
}

// Raft figure 2, "AppendEntries RPC, receiver implementation".
QUORATE_DECL error_code raft::handle_append(const message& m) {
    if (m.index < log_.committed()) {
        // What is committed here matches any leader's log; say how far that goes.
        learn_extent(m, log_.committed());
        learn_confirmation(m);
        maybe_unfence();
        send({.kind = message_kind::append_response, .to = m.from, .index = log_.committed()});
        return {};
    }
    if (holds_back(m.entries)) {
        return {}; // no answer: the leader's window fills, and its heartbeats find the gap later
    }
    error_code failed;
    const log_id prev{m.log_term, m.index};
    const std::optional<log_index> covered = log_.append(prev, m.entries, failed);
    if (failed) {
        return failed;
    }
    if (covered.has_value()) {
        log_.commit_to(std::min(m.commit, *covered));
        learn_extent(m, *covered);
        learn_confirmation(m);
        maybe_unfence();
        send({.kind = message_kind::append_response, .to = m.from, .index = *covered});
        return {};
    }
    send_rejection(m.from, m.index, log_.conflict_hint(std::min(m.index, log_.last()), m.log_term));
    return {};
}

// While the disk takes no writes, an answer to no append would leave.
QUORATE_DECL bool raft::holds_back(std::span<const entry> entries) const noexcept {
    if (!writable_) {
        return true;
    }
    const std::uint64_t limit = options_.unstable_bytes_max;
    const std::uint64_t waiting = log_.unstable_bytes();
    if (limit == 0 || waiting == 0 || entries.empty()) {
        return false;
    }
    const auto fresh = std::find_if_not(entries.begin(), entries.end(),
                                        [this](const entry& e) { return log_.matches(e.id()); });
    return fresh != entries.end() && waiting + held_size({fresh, entries.end()}) > limit;
}

// `rejected`: where the append that does not fit begins; zero for a report that answers none.
QUORATE_DECL void raft::send_rejection(node_id leader, log_index rejected, log_id hint) {
    send({.kind = message_kind::append_response,
          .reject = true,
          .lost = repairs(),
          .to = leader,
          .log_term = hint.term,
          .index = rejected,
          .reject_hint = hint.index});
}

QUORATE_DECL void raft::handle_heartbeat(const message& m) {
    const bool unknown = !m.log_term && m.commit <= log_.last(); // what the leader counts on
    const bool agrees = log_.matches({m.log_term, m.commit}) || (unknown && !fenced());
    if (agrees) {
        log_.commit_to(m.commit);
        learn_match(unknown ? log_index() : m.commit);
        maybe_unfence();
    } else if (!stale() && !unknown && m.commit > log_.committed()) {
        fence(); // the leader counts on entries that this member lost, or holds others in place of
    }
    if (repairs() && !stale() && term_ == lost_.term) {
        report_held(m);
    }
    // A recovering member may have forgotten a newer leader: it confirms no reads.
    message answer{.kind = message_kind::heartbeat_response,
                   .reject = !writable_,
                   .lost = repairs(),
                   .to = m.from,
                   .context = fenced() ? 0 : m.context};
    add_promise(m, answer);
    send(std::move(answer));
}

QUORATE_DECL error_code raft::handle_snapshot(const message& m) {
    if (!writable_) {
        return {};
    }
    const bool restored = restore(m.snap);
    learn_extent(m, m.snap->last.index);
    learn_confirmation(m);
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
    if (role() != role_kind::follower || !leader_) {
        return dropped(errc::no_leader);
    }
    if (!options_.forward_proposals) {
        return dropped(errc::forwarding_disabled);
    }
    for (const proposed& p : proposals) {
        if (p.payload.size() > entry_bytes_limit) {
            return dropped(errc::request_too_large);
        }
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

// A transport may deliver a forward twice, and each copy must meet the same fate: "refused" tells
// the sender that the batch is in no log. So this member decides once on each batch, and remembers
// the batches of the last term that it led, after that term too. It ignores a batch of an earlier
// term or of an earlier life, which it may have accepted: the sender learns its fate from the log.
// A stale member does not know which terms its earlier lives led.
QUORATE_DECL bool raft::decides(const message& forwarded) {
    const term_id meant = forwarded.log_term;
    if (forwarded.context == 0 || !meant || forwarded.from == options_.id) {
        return true; // sent without numbers or terms, as the reference does
    }
    if (meant <= forgotten_ || meant > term_ || stale()) {
        return false;
    }
    return meant != led_ || forwarded_.add(forwarded.from, forwarded.context);
}

QUORATE_DECL void raft::refuse_forwarded(const message& forwarded, errc reason) {
    const bool from_peer = forwarded.from && forwarded.from != options_.id;
    if (forwarded.kind == message_kind::proposal && from_peer && decides(forwarded)) {
        send({.kind = message_kind::proposal_refused,
              .to = forwarded.from,
              .reject_hint = log_index(static_cast<std::uint64_t>(reason)),
              .context = forwarded.context});
    }
}

// A peer took this member for the leader.
QUORATE_DECL error_code raft::refuse_or_forward(const message& m) {
    if (m.kind == message_kind::proposal && m.entries.empty()) {
        return errc::message_invalid;
    }
    const bool from_here = m.from == options_.id;
    if (options_.answer_refusals && m.kind == message_kind::proposal && !from_here) {
        refuse_forwarded(m, errc::not_leader);
        return {};
    }
    if (options_.answer_refusals && m.kind != message_kind::transfer_leader && !from_here) {
        // Passing it on could send it in circles; the asker knows better soon.
        send({.kind = message_kind::read_refused,
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
