// The contract of a place that keeps snapshots across a crash.
// Flow:    beside 7; a snapshot replaces the log before it
// Source:  doc/concept/snapshot_store.md
#ifndef QUORATE_LOG_SNAPSHOT_STORE_HPP
#define QUORATE_LOG_SNAPSHOT_STORE_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/snapshot.hpp>
#include <quorate/consensus/snapshot_intake.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace quorate {

struct snapshot_options {
    std::filesystem::path directory; ///< Holds nothing else. Ignored by models without files.
    cluster_id cluster;
    node_id member;
    std::uint32_t keep = 2; ///< How many to keep; at least one.
};

/// `save` may block and is called on a storage thread, never twice at a time. Once it returns
/// without an error the snapshot survives a crash; interrupted at any point it leaves the older
/// ones. Meanwhile `newest` may be called on any thread, and a transport may fill `intake`, which
/// lives as long as the store; what comes out of there is saved already.
template <class S>
concept snapshot_store = requires(S store, const S fixed, const snapshot& snap,
                                  const snapshot_options& options) {
    { S::open(options) } -> std::same_as<result<std::unique_ptr<S>>>;
    { store.save(snap) } -> std::same_as<error_code>;
    { fixed.newest() } -> std::same_as<snapshot_ptr>;
    { store.intake() } -> std::same_as<snapshot_intake&>;
    { S::blocking } -> std::convertible_to<bool>;
};

} // namespace quorate

#endif
