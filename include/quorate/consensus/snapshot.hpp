// The state up to an index, as a shared value: the replacement of a compacted log prefix.
// Flow:    beside 6 to 11; sent to a member that needs entries which are compacted away
// Source:  Raft §7, figure 13
#ifndef QUORATE_CONSENSUS_SNAPSHOT_HPP
#define QUORATE_CONSENSUS_SNAPSHOT_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/consensus/membership.hpp>

#include <cstdint>
#include <memory>

namespace quorate {

/// Replaces every entry up to and including `last`.
struct snapshot {
    log_id last{};
    membership members{}; ///< The configuration in force at `last`.
    bulk_bytes data{};    ///< The application's state; opaque to consensus, shared with its owner.
};

/// Null: no snapshot.
using snapshot_ptr = std::shared_ptr<const snapshot>;

/// A snapshot without its data: enough to tell whether two are the same one.
struct snapshot_head {
    log_id last{};
    membership members{};
    std::uint64_t size = 0; ///< Bytes of data.
    std::uint64_t hash = 0; ///< See bulk_hash.

    friend bool operator==(const snapshot_head&, const snapshot_head&) noexcept = default;
};

/// Complexity: that of the data's hash.
[[nodiscard]] inline snapshot_head head_of(const snapshot& snap) {
    return {snap.last, snap.members, snap.data.size(), snap.data.hash()};
}

} // namespace quorate

#endif
