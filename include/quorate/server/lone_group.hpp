// One surviving member made a group of its own: the changes that remove all others.
// Flow:       beside 7; runs once, before the first event, when an operator asks for it
// In / Out:   what a member starts from → the same, and entries for its log
// Invariants: what this member had applied it applies again; it is the only voter once all entries
//             are applied
// Source:     etcd's --force-new-cluster; differs: see make_alone()
// Threads:    none
#ifndef QUORATE_SERVER_LONE_GROUP_HPP
#define QUORATE_SERVER_LONE_GROUP_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/engine.hpp>
#include <quorate/server/group_history.hpp>

#include <span>
#include <string>
#include <vector>

namespace quorate {

/// What is left to be written, the entries in front of the hard state.
struct lone_start {
    /// To be appended; an uncommitted one that stands at such an index is void. `state` ends with
    /// them.
    std::vector<entry> appended;
    bool changed = false; ///< Whether anything differs from what was on the disk.
    bool term_set_back = false;
};

/// Returns: who is in the group once all entries behind the snapshot are applied, committed or not;
/// empty where neither snapshot nor log names a member. `newest` may be null.
/// Errors: corrupt, for a snapshot without members.
[[nodiscard]] result<group_members> latest_members(const snapshot_ptr& newest,
                                                   std::span<const entry> entries);

/// Effects: all that the log holds becomes committed, and changes follow that leave a joint
/// configuration, make `self` a voter and remove everybody else; all in a term of their own. A
/// member that is alone already stays as it is. Unless `birth` is zero, a last change gives the
/// group that mark: the former members have another one, and are refused.
///
/// Entries that are not known to be committed are kept, where etcd drops them: another member may
/// have told a client that they are, and this one may have applied them. Only from an uncommitted
/// removal of `self` on they are dropped.
///
/// A term that is over term_jump_max beyond the last entry's was made up by a faulty peer; nobody
/// could be elected in the next one. It is set back to the last entry's: the votes given since bind
/// this member only towards members that are removed here.
///
/// It is the operator who knows that the others are gone for good: a quorum of them, started again,
/// would be a second group that believes to be this one.
/// Errors, with a sentence in `why`: member_removed; member_unknown where the group never told this
/// member of itself; corrupt for a snapshot without members, or a term that none can follow.
[[nodiscard]] result<lone_start> make_alone(engine_state& state, node_id self, std::string& why,
                                            birth_mark birth = {});

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/lone_group.ipp>
#endif

#endif
