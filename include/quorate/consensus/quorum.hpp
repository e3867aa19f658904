// Quorums: acknowledgements → commit index, votes → won or lost.
// Flow:       10. acks → commit index
// Invariants: any two quorums of one configuration share a member; a joint one needs both halves
// Source:     Raft §5.3, §5.4; thesis §4.3
#ifndef QUORATE_CONSENSUS_QUORUM_HPP
#define QUORATE_CONSENSUS_QUORUM_HPP

#include <quorate/consensus/membership.hpp>

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>

namespace quorate {

enum class vote_result : std::uint8_t { pending, lost, won };

/// Returns: the members that make a majority of `count`.
[[nodiscard]] constexpr std::size_t majority_of(std::size_t count) noexcept {
    return count / 2 + 1;
}

/// Returns: the largest index that a majority of `voters` acknowledged; log_index_max for no
/// voters, so that an absent half of a joint configuration never holds the other back.
/// `acked(id)` gives an optional<log_index>; none counts as zero.
/// Complexity: O(n) on average; no allocation up to seven voters.
template <class Acked>
[[nodiscard]] log_index committed_index(const id_set& voters, Acked&& acked) {
    if (voters.empty()) {
        return log_index_max;
    }
    boost::container::small_vector<log_index, 7> indices;
    for (node_id id : voters) {
        const std::optional<log_index> index = acked(id);
        indices.push_back(index.value_or(log_index{}));
    }
    const auto place =
        indices.begin() + static_cast<std::ptrdiff_t>(majority_of(voters.size()) - 1);
    std::nth_element(indices.begin(), place, indices.end(), std::greater<>{});
    return *place;
}

/// Returns: the index committed in both halves.
template <class Acked>
[[nodiscard]] log_index committed_index(const membership& members, Acked&& acked) {
    return std::min(committed_index(members.voters, acked),
                    committed_index(members.outgoing, acked));
}

/// `vote(id)` gives an optional<bool>; none: not answered yet. No voters: won.
template <class Vote>
[[nodiscard]] vote_result tally(const id_set& voters, Vote&& vote) {
    std::size_t yes = 0;
    std::size_t missing = 0;
    for (node_id id : voters) {
        const std::optional<bool> answer = vote(id);
        yes += answer.value_or(false) ? 1U : 0U;
        missing += answer.has_value() ? 0U : 1U;
    }
    const std::size_t needed = voters.empty() ? 0 : majority_of(voters.size());
    if (yes >= needed) {
        return vote_result::won;
    }
    return yes + missing >= needed ? vote_result::pending : vote_result::lost;
}

/// Returns: won only if both halves are won; lost as soon as one is.
template <class Vote>
[[nodiscard]] vote_result tally(const membership& members, Vote&& vote) {
    const vote_result incoming = tally(members.voters, vote);
    const vote_result outgoing = tally(members.outgoing, vote);
    if (incoming == outgoing) {
        return incoming;
    }
    const bool lost = incoming == vote_result::lost || outgoing == vote_result::lost;
    return lost ? vote_result::lost : vote_result::pending;
}

} // namespace quorate

#endif
