// The contract of what holds the rows: one for each change that is not compacted away.
// Flow:       12. command → revision
// In / Out:   revision → row
// Invariants: rows are in the order of their revisions and never change
// Source:     doc/concept/value_backend.md; etcd's backend
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_VALUE_BACKEND_HPP
#define QUORATE_STORE_VALUE_BACKEND_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/command/request.hpp>
#include <quorate/store/revision.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace quorate {

/// What one change left. `version` zero: it deleted the key, and all else but the key is empty.
struct row {
    shared_bytes key;
    shared_bytes value;
    std::uint64_t create_revision = 0;
    std::uint64_t version = 0;
    lease_id lease{};

    [[nodiscard]] bool tombstone() const noexcept { return version == 0; }
    friend bool operator==(const row&, const row&) noexcept = default;
};

namespace archetype {

/// What `scan` calls: false ends the walk.
struct row_visitor {
    bool operator()(revision at, const row& found) const;
};

} // namespace archetype

/// An ordered map from revision to row.
///
/// `put` requires a revision later than every one before, erased ones included, and a row with a
/// key. `find` yields a copy that shares the bytes. `erase` returns false when there is no such
/// row. `scan` visits the rows of [from, upto], both inclusive, in order; it requires that the
/// visitor changes nothing. A moved-from backend may only be assigned to or destroyed.
// clang-format off
template <class B>
concept value_backend = requires(B backend, const B fixed, revision at, row entered,
                                 archetype::row_visitor visit) {
    requires std::default_initializable<B>;
    requires std::movable<B>;
    { backend.put(at, std::move(entered)) } -> std::same_as<void>;
    { fixed.find(at) } -> std::same_as<std::optional<row>>;
    { backend.erase(at) } -> std::same_as<bool>;
    { fixed.scan(at, at, visit) } -> std::same_as<void>;
    { fixed.size() } noexcept -> std::same_as<std::size_t>;
};
// clang-format on

} // namespace quorate

#endif
