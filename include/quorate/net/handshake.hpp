// The admission of a connection: the conclusions of both ends from a hello.
// Flow:       8. before the first frame of a connection
// In / Out:   hello → status
// Invariants: members of different clusters exchange no message
// Threads:    none (owner's thread)
#ifndef QUORATE_NET_HANDSHAKE_HPP
#define QUORATE_NET_HANDSHAKE_HPP

#include <quorate/format/frame.hpp>

#include <cstdint>
#include <string>

namespace quorate {

/// What an end knows of itself.
struct local_identity {
    cluster_id cluster; ///< Zero: joining, so that any cluster will do.
    node_id self;
};

/// Returns: whether two clusters may be the same one; a member that joins does not know its own.
[[nodiscard]] constexpr bool same_cluster(cluster_id a, cluster_id b) noexcept {
    return !a || !b || a == b;
}

/// Returns: the protocol version that both ends of a connection speak, the newest of those; zero
/// when they share none. So a group is upgraded member by member: a release speaks the version
/// before its own as well.
[[nodiscard]] constexpr std::uint16_t shared_version(
    const hello& theirs, std::uint16_t newest = protocol_version,
    std::uint16_t oldest = protocol_version_oldest) noexcept {
    const std::uint16_t both = theirs.version < newest ? theirs.version : newest;
    return both >= oldest && both >= theirs.oldest ? both : std::uint16_t{0};
}

/// Returns: the sentence for the log where they share none.
[[nodiscard]] inline std::string version_problem(const hello& theirs) {
    const auto range = [](std::uint16_t oldest, std::uint16_t newest) {
        return oldest == newest
                   ? "version " + std::to_string(newest)
                   : "versions " + std::to_string(oldest) + " to " + std::to_string(newest);
    };
    return "it speaks protocol " + range(theirs.oldest, theirs.version) + ", this member " +
           range(protocol_version_oldest, protocol_version) + "; upgrade the older one";
}

/// Returns: a listener's verdict. `removed`: the dialling member was removed from the group.
[[nodiscard]] inline hello_status judge_hello(const hello& theirs, const local_identity& ours,
                                              bool removed) noexcept {
    if (shared_version(theirs) == 0) {
        return hello_status::unsupported_version;
    }
    if (!same_cluster(theirs.cluster, ours.cluster)) {
        return hello_status::wrong_cluster;
    }
    if (theirs.to != ours.self || !theirs.from || theirs.from == ours.self) {
        return hello_status::wrong_member;
    }
    return removed ? hello_status::removed : hello_status::ok;
}

/// Returns: whether it comes from nobody yet, who asks anybody of any cluster who the members are.
[[nodiscard]] constexpr bool asks_for_members(const hello& theirs) noexcept {
    return shared_version(theirs) != 0 && theirs.status == hello_status::ok && !theirs.cluster &&
           !theirs.from && !theirs.to;
}

/// Returns: a dialling member's verdict on the answer; `peer` is whom it meant to reach.
[[nodiscard]] inline hello_status judge_answer(const hello& theirs, const local_identity& ours,
                                               node_id peer) noexcept {
    const hello_status status = judge_hello(theirs, ours, false);
    const bool is_peer = status == hello_status::ok && theirs.from == peer;
    if (theirs.status == hello_status::ok) {
        return is_peer || status != hello_status::ok ? status : hello_status::wrong_member;
    }
    // What makes a member stale, or end, is believed of the peer alone: another program or a member
    // of another cluster may listen at that address.
    const bool has_effect =
        theirs.status == hello_status::removed || theirs.status == hello_status::wiped ||
        theirs.status == hello_status::unproven || theirs.status == hello_status::outdated;
    return has_effect && !is_peer ? hello_status::wrong_member : theirs.status;
}

} // namespace quorate

#endif
