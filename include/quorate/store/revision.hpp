// The time of a change: its write, and its place among that write's changes.
// Flow:       12. command → revision
// In / Out:   none; a value
// Invariants: no two rows of a store have the same revision; later changes have greater ones
// Source:     etcd's MVCC revision
// Threads:    none
#ifndef QUORATE_STORE_REVISION_HPP
#define QUORATE_STORE_REVISION_HPP

#include <compare>
#include <cstdint>
#include <ostream>

namespace quorate {

/// Ordered by `main`, then `sub`.
struct revision {
    std::uint64_t main = 0; ///< One per write; what clients call the revision.
    std::uint32_t sub = 0;  ///< The change within the write, from zero.

    friend constexpr auto operator<=>(const revision&, const revision&) noexcept = default;
};

inline std::ostream& operator<<(std::ostream& out, const revision& at) {
    return out << at.main << '.' << at.sub;
}

/// The current revision of a store that nothing was ever written to.
inline constexpr std::uint64_t first_revision = 1;

/// What an index knows of a key at a revision.
struct key_version {
    revision modified;         ///< The last change at or before the revision asked for.
    revision created;          ///< The first change of that life of the key.
    std::uint64_t version = 0; ///< Which change of that life it was, from one.

    friend constexpr bool operator==(const key_version&, const key_version&) noexcept = default;
};

} // namespace quorate

#endif
