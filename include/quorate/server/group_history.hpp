// The members of a group, found by replay of its log, and the rules of their changes.
// Flow:       11; the rules are those of applied changes, here and in a node alike
// In / Out:   members, entries → members
// Invariants: rests on nothing but snapshot and log, so that every member refuses the same
// Source:     etcd's membership store
// Threads:    none
#ifndef QUORATE_SERVER_GROUP_HISTORY_HPP
#define QUORATE_SERVER_GROUP_HISTORY_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/consensus/membership_change.hpp>
#include <quorate/server/member_table.hpp>

#include <optional>

namespace quorate {

/// Members as of some entry.
struct group_members {
    member_table table;
    membership config;

    friend bool operator==(const group_members&, const group_members&) noexcept = default;
};

/// A change as it stands in an entry: behind the request's id comes what is told of the member.
struct told_change {
    membership_change change;
    request_id id{}; ///< Zero: nobody waits for it.
    std::optional<member_update> told;
};

/// Returns: nothing for bytes that are no change.
[[nodiscard]] std::optional<told_change> read_change(const entry& e);

/// Whether a change that is committed may be made.
/// Errors: member_removed, member_unknown, member_exists; peer_url_exists: another member has one
/// of the peer URLs; command_invalid where it lacks what is to be told of a member.
[[nodiscard]] error_code check_change(const told_change& asked, const member_table& table,
                                      const membership& config);

/// Effects: what applying the entry does to the members; nothing, where it is no change or one that
/// is refused.
void replay(const entry& e, group_members& members);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/group_history.ipp>
#endif

#endif
