// Linearizable reads without log entries: a commit index, confirmed by a quorum's answers.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_READS_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_READS_IPP

#include <quorate/consensus/raft.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL error_code raft::read_index(std::uint64_t context) {
    if (is_leader()) {
        return on_read_request(options_.id, context);
    }
    if (!leader_ || role() != role_kind::follower) {
        return errc::no_leader;
    }
    send({.kind = message_kind::read_index, .to = leader_, .context = context});
    return {};
}

QUORATE_DECL error_code raft::on_read_request(node_id from, std::uint64_t context) {
    leader_role& leads = lead();
    const pending_read read{from, context, log_.committed()};
    const bool alone =
        members_.voters.size() == 1 && !members_.joint() && members_.voters.contains(options_.id);
    if (!log_.matches({term_, log_.committed()})) {
        // A new leader does not know yet what is committed (thesis §6.4, step 1). Not even one
        // that is alone: its commit index may not have reached the disk before it crashed.
        leads.postponed_reads.push_back(read);
        return {};
    }
    const bool leased = options_.strict_leases ? uses_leases() && has_lease()
                                               : options_.reads == read_mode::lease_based;
    if (alone || leased) {
        answer_read(read);
    } else {
        start_read(read);
    }
    return {};
}

QUORATE_DECL void raft::start_read(const pending_read& read) {
    leader_role& leads = lead();
    leads.reads.push_back(read);
    if (peer_progress* self = leads.find(options_.id)) {
        self->on_read_ack(leads.read_newest());
    }
    confirm_reads(); // this member may be a quorum by itself, though the configuration is joint
    if (leads.reads.empty()) {
        return;
    }
    if (options_.coalesce_appends) {
        leads.read_round_due = true;
    } else {
        broadcast_heartbeat();
    }
}

QUORATE_DECL void raft::answer_read(const pending_read& read) {
    if (read.confirms_stale) {
        confirm_stale(read);
        return;
    }
    if (read.from == options_.id) {
        reads_.push_back({read.index, read.context});
        return;
    }
    send({.kind = message_kind::read_index_response,
          .to = read.from,
          .index = read.index,
          .context = read.context});
}

QUORATE_DECL void raft::confirm_reads() {
    leader_role& leads = lead();
    const auto acked = [&leads](node_id id) -> std::optional<log_index> {
        const peer_progress* peer = leads.find(id);
        return peer == nullptr ? std::nullopt : std::optional(log_index(peer->read_acked()));
    };
    // Numbers of reads are counted by the same rule as indices of entries.
    const std::uint64_t confirmed = committed_index(members_, acked).value();
    if (leads.reads.empty() || confirmed < leads.read_first) {
        return;
    }
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(confirmed - leads.read_first + 1, leads.reads.size()));
    for (std::size_t i = 0; i < count; ++i) {
        answer_read(leads.reads[i]);
    }
    leads.reads.erase(leads.reads.begin(),
                      leads.reads.begin() + static_cast<std::ptrdiff_t>(count));
    leads.read_first += count;
}

QUORATE_DECL void raft::release_postponed_reads() {
    leader_role& leads = lead();
    if (leads.postponed_reads.empty()) {
        return;
    }
    QUORATE_ASSERT(log_.matches({term_, log_.committed()}));
    const std::vector<pending_read> reads = std::exchange(leads.postponed_reads, {});
    for (const pending_read& read : reads) {
        if (read.confirms_stale) {
            start_confirmation(read);
            continue;
        }
        static_cast<void>(on_read_request(read.from, read.context));
    }
}

// A deposed leader answers those who still wait, so that they need no timeout to ask again.
QUORATE_DECL void raft::refuse_reads(errc reason) {
    if (!options_.answer_refusals) {
        return;
    }
    const auto refuse = [this, reason](const pending_read& read) {
        if (read.confirms_stale) {
            return; // the member asks the next leader
        }
        if (read.from == options_.id) {
            refusals_.push_back({refusal::what::read, read.context, reason});
        } else {
            send({.kind = message_kind::read_refused,
                  .to = read.from,
                  .reject_hint = log_index(static_cast<std::uint64_t>(reason)),
                  .context = read.context});
        }
    };
    std::for_each(lead().reads.begin(), lead().reads.end(), refuse);
    std::for_each(lead().postponed_reads.begin(), lead().postponed_reads.end(), refuse);
}

} // namespace quorate

#endif
