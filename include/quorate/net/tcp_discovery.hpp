// A question over TCP for the list of members, by a member that is to join.
// Flow:       before 1; how a member that joins a running group learns who it is
// In / Out:   an address → the group's id and its encoded member table
// Invariants: no more is read than the answer may have; nothing lasts longer than its limit
// Source:     doc/format.md, "Hello"
// Threads:    any; blocks the one that calls
#ifndef QUORATE_NET_TCP_DISCOVERY_HPP
#define QUORATE_NET_TCP_DISCOVERY_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/base/result.hpp>
#include <quorate/net/peer_address.hpp>

#include <chrono>

namespace quorate {

class secure_layer;

/// What a member says. Its frame was valid; nothing of it is checked any further.
struct discovered_group {
    cluster_id cluster;   ///< Never zero.
    node_id from;         ///< Who says so; never zero.
    shared_bytes members; ///< A member table; at most call_bytes_max bytes.
};

/// Effects: dials the address, asks, and hangs up; for no longer than `limit`, unless the system
/// takes longer to look a name up. Behind an https:// URL all of it is encrypted by `security`,
/// which is not used by others meanwhile.
/// Errors: read_timed_out; invalid_option: an https:// URL, and null; wrong_member: a member that
/// tells nobody, such as one that knows no members yet itself; corrupt, too_large,
/// unsupported_version: no member, or one of another version; those of the system.
[[nodiscard]] result<discovered_group> discover_members(const peer_address& address,
                                                        std::chrono::milliseconds limit,
                                                        secure_layer* security = nullptr);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_discovery.ipp>
#endif

#endif
