// The data directory that a member of a new group starts from, when the group has a past.
// Flow:       before 1; a node that is started on the directory finds it as if it had run before
// In / Out:   a machine's snapshot, who the members are → data directory
// Invariants: the same seed gives all members the same first snapshot, byte by byte; a directory
//             that was not finished is none that a node starts from as an empty one
// Source:     etcd's snapshot restore; doc/disaster.md
// Threads:    one; everything blocks
#ifndef QUORATE_SERVER_GROUP_SEED_HPP
#define QUORATE_SERVER_GROUP_SEED_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/consensus/engine.hpp>
#include <quorate/log/start_mark.hpp>
#include <quorate/server/member_info.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace quorate {

/// What a group begins with. Every first member is given the same, but for `member`.
struct group_seed {
    cluster_id cluster{};
    node_id member{}; ///< Whose directory it is; one of `members`.
    std::vector<member_info> members;
    /// What a machine's `snapshot()` gave, and its `restore` takes. Nobody looks at it here, so
    /// whoever has it from elsewhere lets a machine restore it first.
    bulk_bytes state;
    /// The group's first leader has a later term. For a machine that holds terms of its former
    /// group (kv_machine: of leases), none of them is later than this.
    term_id term{1};
    std::filesystem::path wal_directory{}; ///< Where the log lives, if not in `wal/`.
    directory_labels labels;               ///< What the operator calls the cluster and the member.
};

/// Returns: why no group can begin with these members, `self` among them; empty when one can.
[[nodiscard]] std::string problem_of(const std::vector<member_info>& members, node_id self);

/// Returns: what an engine of the group starts from. `data`: what join_snapshot makes of a table of
/// these members and the machine's bytes.
[[nodiscard]] engine_state first_state(const std::vector<member_info>& members, bulk_bytes data,
                                       term_id term = term_id(1));

/// Effects: makes a data directory, or fills an empty one, for default_policies or a bundle with
/// the same log and snapshots; whatever database such a node has is filled when it starts. The
/// member is then started with the same id and cluster. Removes what it made when it fails.
/// Errors: invalid_option for members that are no group, or a term that is zero or too late for
/// others to follow; directory_not_empty; directory_locked; those of the state, and of the
/// operating system. `failure`, when given, is told what is wrong.
[[nodiscard]] error_code seed_directory(const std::filesystem::path& directory,
                                        const group_seed& seed, std::string* failure = nullptr);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/group_seed.ipp>
#endif

#endif
