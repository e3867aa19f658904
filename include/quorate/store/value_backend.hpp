// The contract of the store of rows: one for each change that is not compacted away.
// Flow:       12. command → revision
// In / Out:   revision → row
// Invariants: rows are in the order of their revisions and never change
// Source:     doc/concept/value_backend.md; etcd's backend
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_VALUE_BACKEND_HPP
#define QUORATE_STORE_VALUE_BACKEND_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/request.hpp>
#include <quorate/format/state.hpp>
#include <quorate/store/revision.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

/// A row where it lies.
struct row_view {
    byte_view key;
    byte_view value; ///< Perhaps not checked, nor even read from the disk.
    std::uint64_t create_revision = 0;
    std::uint64_t version = 0;
    lease_id lease{};

    [[nodiscard]] bool tombstone() const noexcept { return version == 0; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return key.size() + value.size(); }
};

namespace archetype {

/// What `walk` calls: false ends the walk.
struct row_view_visitor {
    bool operator()(revision at, const row_view& found) const;
};

} // namespace archetype

/// What a durable backend holds, in its owner's words.
struct state_mark {
    log_id at{};            ///< The last command that the rows reflect; zero: none.
    shared_bytes context{}; ///< What the owner needs besides the rows, to go on from there.
    shared_bytes tables{};  ///< The same, but written only when it is not what is held.
};

/// Where a durable backend keeps its rows, and how much of them.
struct database_options {
    std::string directory; ///< Holds nothing else.
    /// How large a file may grow; beyond that commits end as no_space. Takes address space only.
    std::uint64_t bytes_max = std::uint64_t{16} << 30;
    /// A commit is wanted when so much waits for one. Memory holds about twice that at most, where
    /// commits keep up.
    std::uint64_t batch_bytes = 4 << 20;
    /// Starts from nothing: what is there cannot be used.
    bool anew = false;
};

/// A backend whose rows survive a restart. They reach the disk in commits, each whole or not at
/// all, which may come long after the rows, because the log has them; a commit's job runs on any
/// thread while the backend goes on. `error` says that answers may lack rows from now on. What
/// `held` names is what `open` would find. `successor` is an empty backend that replaces this one
/// on disk with its first commit. `walk` yields views of the rows just opened, and finds out if
/// some are missing or rotten. `stream` is format/state.hpp for all rows but the hidden ones,
/// readable on any thread while the backend goes on.
// clang-format off
template <class B>
concept durable_backend = value_backend<B> &&
                          requires(B backend, const B fixed, const database_options& options,
                                   typename B::commit_type job, state_mark mark, error_code failed,
                                   archetype::row_view_visitor visit, state_header header,
                                   std::vector<revision> hidden) {
    { B::open(options) } -> std::same_as<result<B>>;
    { fixed.error() } noexcept -> std::same_as<error_code>;
    { fixed.held() } noexcept -> std::same_as<const state_mark&>;
    { fixed.walk(visit) } -> std::same_as<error_code>;
    { fixed.wants_commit() } noexcept -> std::same_as<bool>;
    { fixed.can_commit() } noexcept -> std::same_as<bool>;
    { backend.begin_commit(std::move(mark)) } -> std::same_as<typename B::commit_type>;
    { job.run() } -> std::same_as<error_code>;
    { backend.finish_commit(std::move(job), failed) } -> std::same_as<error_code>;
    { backend.successor() } -> std::same_as<B>;
    { fixed.stream(header, std::move(hidden), std::uint64_t{}) } -> std::same_as<bulk_bytes>;
};
// clang-format on

namespace detail {

/// Returns: whether a backend failed, so that it may lack what has to be there.
template <class B>
[[nodiscard]] bool lacks_rows(const B& backend) noexcept {
    if constexpr (durable_backend<B>) {
        return backend.error().failed();
    } else {
        return false;
    }
}

/// Effects: as `scan`, but calls `visit(revision, key, tombstone)`: a backend that has the rows on
/// disk and a `scan_heads` reads no values.
template <class B, class Visit>
void scan_keys(const B& backend, revision from, revision upto, Visit&& visit) {
    if constexpr (requires { backend.scan_heads(from, upto, archetype::row_view_visitor{}); }) {
        backend.scan_heads(from, upto, [&](revision at, const row_view& found) {
            return visit(at, shared_bytes::copy_of(found.key), found.tombstone());
        });
    } else {
        backend.scan(from, upto, [&](revision at, const row& found) {
            return visit(at, found.key, found.tombstone());
        });
    }
}

/// The job of a durable backend's commit; nothing for others.
template <class B>
struct commit_of {
    struct type {};
};
template <durable_backend B>
struct commit_of<B> {
    using type = typename B::commit_type;
};

/// Returns: an empty backend that may replace this one.
template <class B>
[[nodiscard]] B successor_of(B& backend) {
    if constexpr (durable_backend<B>) {
        return backend.successor();
    } else {
        return B();
    }
}

} // namespace detail

} // namespace quorate

#endif
