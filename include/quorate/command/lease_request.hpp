// Requests about leases: promises that keys stay while a client keeps them alive.
// Flow:       1 and 2. HTTP bytes or an expired clock → request → command bytes; and 11
// In / Out:   the client's fields, settled by the leader before they are proposed
// Invariants: no request carries a time of day: what the log decides does not depend on a clock
// Source:     etcd's lease service; the epoch is this library's answer to deposed leaders
// Threads:    none
#ifndef QUORATE_COMMAND_LEASE_REQUEST_HPP
#define QUORATE_COMMAND_LEASE_REQUEST_HPP

#include <quorate/base/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate {

/// Ties keys to the life of a client. Zero: none.
using lease_id = tagged_id<struct lease_tag>;

/// The longest time that a lease may be granted for. Units: seconds. Part of what every member
/// decides alike.
inline constexpr std::uint64_t lease_ttl_max = 9'000'000'000;

/// Begins a lease. Makes no revision.
struct lease_grant {
    lease_id id{};         ///< Never zero: who proposes chooses for clients that do not.
    std::uint64_t ttl = 0; ///< Units: seconds. Raised to the leader's least before it is proposed.

    friend bool operator==(const lease_grant&, const lease_grant&) noexcept = default;
};

/// Ends a lease and deletes its keys: in one revision, in the order of the keys; in none when no
/// key is tied to it.
struct lease_revoke {
    lease_id id{};
    /// Zero: whatever happened, as when a client asks. Else the epoch of the leader whose clock
    /// found the lease to be over; nothing is done when another leader has taken over since.
    std::uint64_t epoch = 0;
    /// Which of the leases that had this id, one after the other (lease_grant_reply); zero:
    /// whichever is there.
    std::uint64_t serial = 0;

    friend bool operator==(const lease_revoke&, const lease_revoke&) noexcept = default;
};

/// How much of a lease's life is left.
struct lease_remaining {
    lease_id id{};
    std::uint64_t seconds = 0; ///< Zero: all of it.
    std::uint64_t serial = 0;  ///< As in lease_revoke.

    friend bool operator==(const lease_remaining&, const lease_remaining&) noexcept = default;
};

/// Most leases that one checkpoint may name. Part of the format.
inline constexpr std::size_t checkpoint_leases_max = 1000;

/// Notes what is left of leases, so that the next leader does not begin long ones anew. Makes no
/// revision.
struct lease_checkpoint {
    std::uint64_t epoch = 0; ///< Of the leader whose clock it was; see lease_revoke. Never zero.
    std::vector<lease_remaining> leases;

    friend bool operator==(const lease_checkpoint&, const lease_checkpoint&) noexcept = default;
};

/// A new leader takes the leases over: from here on in the log only its clock counts. Makes no
/// revision.
struct lease_takeover {
    std::uint64_t epoch = 0; ///< The leader's term, so that it grows from leader to leader.

    friend bool operator==(const lease_takeover&, const lease_takeover&) noexcept = default;
};

} // namespace quorate

#endif
