// Leases: voters promise to elect no other leader, and the leader counts on that for its reads.
//
// A promise lasts from the receipt of a heartbeat; the leader counts from its sending, on its own
// clock, and only nine tenths of it. So clocks need not agree, and their rates may differ. A new
// leader needs a vote of some voter of the quorum that the lease rests on, and gets it only later.
// The exception is a candidate that a timeout_now made, so that ends the lease for the whole term.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_LEASE_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_LEASE_IPP

#include <quorate/consensus/raft.hpp>

#include <algorithm>

namespace quorate {

QUORATE_DECL void raft::set_time(std::uint64_t now) noexcept {
    const bool started = time_ == 0 && now != 0;
    time_ = std::max(time_, now);
    if (started && uses_leases()) {
        promised_until_ = time_ + promise_units(); // it may have promised before it restarted
    }
}

// A recovering member may have forgotten a newer leader: its promise would be worth nothing.
QUORATE_DECL void raft::add_promise(const message& heartbeat, message& answer) noexcept {
    if (!uses_leases() || time_ == 0 || !heartbeat.index || fenced()) {
        return;
    }
    promised_until_ = std::max(promised_until_, time_ + promise_units());
    answer.index = heartbeat.index;
    answer.reject_hint = log_index(promise_units());
}

QUORATE_DECL log_index raft::lease_stamp() noexcept {
    return log_index(uses_leases() && !lead().lease_void ? time_ : 0);
}

QUORATE_DECL void raft::on_promise(peer_progress& peer, const message& m) noexcept {
    const std::uint64_t sent = m.index.value();
    const std::uint64_t units = m.reject_hint.value();
    if (sent != 0 && sent <= time_ && units <= number_max) {
        peer.extend_lease(sent + units / 10 * 9);
    }
}

// This member's own part: it gives no vote while it leads.
QUORATE_DECL bool raft::has_lease() {
    if (time_ == 0 || lead().lease_void) {
        return false;
    }
    const auto holds = [this](node_id id) -> std::optional<bool> {
        const peer_progress* peer = lead().find(id);
        return id == options_.id || (peer != nullptr && peer->lease_end() > time_);
    };
    return tally(members_, holds) == vote_result::won;
}

} // namespace quorate

#endif
