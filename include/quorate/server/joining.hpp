// The place of a joining member among a group's members: its flags, matched with the group's list.
// Flow:       before 1; between the answer of a member and the start of a new one
// In / Out:   own and expected URLs, the group's table → an id, or why there is none
// Invariants: nobody takes part under an id that took part before with other data
// Source:     etcd's comparison of its flag and the running cluster's members
// Threads:    any
#ifndef QUORATE_SERVER_JOINING_HPP
#define QUORATE_SERVER_JOINING_HPP

#include <quorate/base/config.hpp>
#include <quorate/server/member_info.hpp>
#include <quorate/server/member_table.hpp>

#include <string>
#include <vector>

namespace quorate {

/// What somebody who wants to join was given.
struct newcomer {
    std::vector<std::string> peer_urls; ///< Its own, in any order.
    std::vector<member_info> expected;  ///< Every member, itself included; ids do not count.
    node_id id{};                       ///< What its data directory calls it; zero: a new one.
};

/// Who a newcomer is, or a sentence about why it cannot join; then the id is zero.
struct joining {
    node_id id{};
    std::string problem;
};

/// Matches members by their peer URLs, as they are written. Refuses a table with other members than
/// expected, one that does not have the newcomer, and an id that was removed or that somebody has
/// taken part under already: what that one promised is not known here.
/// Complexity: quadratic in the number of members.
[[nodiscard]] joining match_newcomer(const newcomer& who, const member_table& members);

/// Returns: why nobody may begin as `id` with an empty data directory, or an empty text: it has
/// taken part, or was removed.
[[nodiscard]] std::string problem_of_return(node_id id, const member_table& members);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/joining.ipp>
#endif

#endif
