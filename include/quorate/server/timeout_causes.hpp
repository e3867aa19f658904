// Why a request timed out, as far as this member can tell: its leader failed, or the wire did.
// Flow:       13. a proposal without an outcome → the error of whoever asked
// In / Out:   leaders seen, connections → one of the codes of outcome_unknown
// Source:     etcd's parseProposeCtxErr
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_TIMEOUT_CAUSES_HPP
#define QUORATE_SERVER_TIMEOUT_CAUSES_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/consensus/membership.hpp>
#include <quorate/net/transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>

namespace quorate {

class timeout_causes {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Effects: `leader`, zero while there is none, leads from `now` on.
    void on_leader(node_id leader, time_point now) noexcept {
        if (leader && leader != leader_) {
            elected_ = now;
        }
        leader_ = leader;
    }

    /// Who asks, and how it is connected to the others. Lifetime: of the call.
    struct view {
        node_id self{};
        const membership& members;
        std::span<const peer_link> links; ///< Empty: the transport does not tell.
        /// How long before an election the leader before it may have been gone.
        std::chrono::milliseconds election_span{};
    };
    /// Returns: timed_out_leader_lost for a request that `began` shortly before the present leader
    /// was elected; timed_out_disconnected if since then the leader was not reached all the time,
    /// or a quorum was not, where this member leads; else outcome_unknown.
    [[nodiscard]] errc cause(time_point began, time_point now, const view& at) const {
        if (began < elected_ && elected_ - began < at.election_span) {
            return errc::timed_out_leader_lost;
        }
        if (!leader_ || at.links.empty()) {
            return errc::outcome_unknown;
        }
        const auto waited = std::chrono::floor<std::chrono::milliseconds>(now - began);
        const bool reached =
            leader_ == at.self ? reaches_quorum(waited, at) : reaches(leader_, waited, at.links);
        return reached ? errc::outcome_unknown : errc::timed_out_disconnected;
    }

private:
    [[nodiscard]] static bool reaches(node_id peer, std::chrono::milliseconds waited,
                                      std::span<const peer_link> links) {
        return std::any_of(links.begin(), links.end(), [=](const peer_link& one) {
            return one.peer == peer && one.connected_for.has_value() &&
                   *one.connected_for >= waited;
        });
    }
    [[nodiscard]] static bool reaches_quorum(std::chrono::milliseconds waited, const view& at) {
        const id_set voters = at.members.all_voters();
        const auto reached = std::count_if(voters.begin(), voters.end(), [&](node_id voter) {
            return voter == at.self || reaches(voter, waited, at.links);
        });
        return static_cast<std::size_t>(reached) > voters.size() / 2;
    }

    node_id leader_{};
    time_point elected_{};
};

} // namespace quorate

#endif
