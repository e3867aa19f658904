// The contract of an index: keys in order, and for each the revisions at which it changed.
// Flow:       12. command → revision
// In / Out:   key and revision → what the key was; span and revision → the keys that lived
// Invariants: laws L1 to L5, which the conformance suite checks
// Source:     doc/concept/key_index.md; etcd's tree index
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_KEY_INDEX_HPP
#define QUORATE_STORE_KEY_INDEX_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/command/key_span.hpp>
#include <quorate/store/revision.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace quorate {

/// What a put did.
struct index_put {
    shared_bytes key;                 ///< The index's own copy, for rows to share.
    key_version now;                  ///< The key from now on.
    std::optional<revision> previous; ///< Its last change, when it lived before.
};

/// What a deletion did.
struct index_tombstone {
    shared_bytes key;  ///< The index's own copy, for rows to share.
    revision previous; ///< The last change of the life that ended.
};

namespace archetype {

/// What `range` calls: false ends the walk.
struct index_visitor {
    bool operator()(const shared_bytes& key, const key_version& found) const;
};
/// What `compact` calls with each revision that it forgets.
struct removed_visitor {
    void operator()(revision removed) const;
};

} // namespace archetype

/// An ordered map from key to history (key_history.hpp says what a history does).
///
/// `put` and `tombstone` require revisions later than the key's last change. `tombstone` yields
/// nothing, and does nothing, when the key does not live. `find` and `range` answer for the state
/// once the write `main` was done; `range` visits in the order of the keys. `compact` forgets what
/// of one key cannot be seen at `main` or later, and the key when nothing is left. `modified`
/// yields the last change, deletions too. The two `restore`s enter a key whose past is compacted
/// away; they do nothing and return false when the key is there. A moved-from index may only be
/// assigned to or destroyed.
// clang-format off
template <class I>
concept key_index = requires(I index, const I fixed, byte_view key, const key_span& span,
                             revision at, std::uint64_t main, std::uint64_t version,
                             archetype::index_visitor visit, archetype::removed_visitor removed) {
    requires std::default_initializable<I>;
    requires std::movable<I>;
    { index.put(key, at) } -> std::same_as<index_put>;
    { index.tombstone(key, at) } -> std::same_as<std::optional<index_tombstone>>;
    { fixed.find(key, main) } -> std::same_as<std::optional<key_version>>;
    { fixed.modified(key) } -> std::same_as<std::optional<revision>>;
    { fixed.range(span, main, visit) } -> std::same_as<void>;
    { index.compact(key, main, removed) } -> std::same_as<void>;
    { index.restore(key, at, at, version) } -> std::same_as<bool>;
    { index.restore_tombstone(key, at) } -> std::same_as<bool>;
    { fixed.size() } noexcept -> std::same_as<std::size_t>;
};

/// An index that is quicker to fill when the order of many new keys is found at once: after
/// `put_off_order` there is no `compact`, and no `range` of more than one key, until `order`.
template <class I>
concept bulk_key_index = key_index<I> && requires(I index) {
    { index.put_off_order() } -> std::same_as<void>;
    { index.order() } -> std::same_as<void>;
};
// clang-format on

namespace detail {

/// An index that keeps its order at any time has nothing to put off.
template <key_index Index>
void put_off_order(Index& index) {
    if constexpr (bulk_key_index<Index>) {
        index.put_off_order();
    }
}
template <key_index Index>
void order(Index& index) {
    if constexpr (bulk_key_index<Index>) {
        index.order();
    }
}

} // namespace detail
} // namespace quorate

#endif
