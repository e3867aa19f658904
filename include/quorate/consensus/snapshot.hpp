// The state up to an index, as a value that many may hold: what replaces a compacted log prefix.
// Flow:    beside 6 to 11; sent to a member that needs entries which are compacted away
// Source:  Raft §7, figure 13
#ifndef QUORATE_CONSENSUS_SNAPSHOT_HPP
#define QUORATE_CONSENSUS_SNAPSHOT_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/consensus/membership.hpp>

#include <memory>

namespace quorate {

/// Replaces every entry up to and including `last`.
struct snapshot {
    log_id last{};
    membership members{}; ///< The configuration in force at `last`.
    rope data{};          ///< The application's state; opaque to consensus, shared with its owner.
};

/// Null: no snapshot.
using snapshot_ptr = std::shared_ptr<const snapshot>;

} // namespace quorate

#endif
