// The store: every write makes a revision, and every revision can be read until it is compacted.
// Flow:       12 and 13. command → revision → reply
// In / Out:   request and value bytes → reply body
// Invariants: the index and the backend hold the same changes; current >= compacted revision; the
//             writes in (compacted, current] are all there, in order
//             a write is whole or not there
// Source:     etcd's MVCC store; differs: compaction walks the changes since the last one, not all
//             keys, because no other key can have anything to forget
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_MVCC_STORE_HPP
#define QUORATE_STORE_MVCC_STORE_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/reply.hpp>
#include <quorate/command/request.hpp>
#include <quorate/format/state.hpp>
#include <quorate/store/key_index.hpp>
#include <quorate/store/value_backend.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

/// What two members with the same state agree in, whatever their memory looks like.
struct store_hash {
    std::uint32_t hash = 0;
    std::uint64_t compact_revision = 0;
    std::uint64_t revision = 0; ///< Whose state it is.

    friend bool operator==(const store_hash&, const store_hash&) noexcept = default;
};

/// Requests are taken as checked (command/validate.hpp): no key is empty, no operation missing.
template <class Index, class Backend>
class mvcc_store {
    static_assert(key_index<Index>, "Index must model key_index; see doc/concept/key_index.md");
    static_assert(value_backend<Backend>,
                  "Backend must model value_backend; see doc/concept/value_backend.md");

public:
    [[nodiscard]] std::uint64_t current_revision() const noexcept { return current_; }
    /// Returns: the oldest revision that can be read; zero before the first compaction.
    [[nodiscard]] std::uint64_t compact_revision() const noexcept {
        return compact_floor_ == 0 ? 0 : compact_floor_ - 1;
    }
    /// Returns: keys known and changes stored, for metrics; what compaction has yet to free counts.
    [[nodiscard]] std::size_t key_count() const noexcept { return index_.size(); }
    [[nodiscard]] std::size_t row_count() const noexcept { return backend_.size(); }

    /// Effects: one revision. `value` is what `asked.value` views; it is kept as a shared slice
    /// where that does not pin much more than itself, else copied.
    /// Errors: key_not_found when something of a key is to be kept that does not live.
    result<put_reply> put(const quorate::put& asked, const shared_bytes& value);

    /// Effects: one revision for all keys that are deleted; none when there was nothing to delete.
    /// Complexity: as a range over the span.
    delete_reply delete_range(const quorate::delete_range& asked);

    /// Errors: revision_compacted, revision_in_future.
    /// Complexity: linear in the keys of the span, for the count; rows are fetched up to the limit,
    /// and all of them only to be sorted by value. Sorting adds n log n.
    [[nodiscard]] result<range_reply> range(const quorate::range& asked) const {
        return read(asked, current_);
    }

    /// Effects: one revision for all that is changed; none when nothing is. All or nothing: what
    /// can fail is looked at before anything is done. `command` is the block that the request's
    /// views lie in; values are kept as in `put`. Errors: key_not_found as `put`, on the state
    /// before; revision_compacted, revision_in_future.
    result<txn_reply> txn(const quorate::txn& asked, const shared_bytes& command);

    /// Returns: the key as it is now. Complexity: a search in the index and one in the backend.
    [[nodiscard]] std::optional<key_value> get(byte_view key) const {
        const auto found = index_.find(key, current_);
        return found ? std::optional(fetch(found->modified)) : std::nullopt;
    }

    /// Effects: calls `visit(revision, row)` for the changes of the writes `from` to `upto`, in
    /// order, until it returns false: the events of those writes, a row without a version being a
    /// deletion. Those of the last write are cheap to find.
    /// Requires: from > compact_revision(), as below it some are gone; the visitor changes nothing.
    template <class Visit>
    void changes(std::uint64_t from, std::uint64_t upto, Visit&& visit) const {
        QUORATE_ASSERT(from >= compact_floor_);
        backend_.scan({from, 0}, {upto, UINT32_MAX}, std::forward<Visit>(visit));
    }

    /// Effects: what can only be seen below `main` can be read no more. Makes no revision. Its
    /// memory is freed by `sweep`.
    /// Errors: revision_compacted when that much is compacted already; revision_in_future.
    error_code compact(std::uint64_t main);

    /// Effects: frees what compactions have left, looking at no more than `rows_max` rows. Nothing
    /// that can be read depends on how far that has got, nor do snapshots and hashes.
    /// Returns: whether more is left. Complexity: one row is a search in index and backend; all
    /// steps together are linear in the changes made since the compaction before.
    bool sweep(std::size_t rows_max);
    [[nodiscard]] bool swept() const noexcept { return sweep_upto_ == 0; }

    /// Returns: a checksum of the changes that can be seen between the compacted revision and
    /// `main`; zero: the current one. Deletions at the compacted revision do not count.
    /// Errors: revision_compacted, revision_in_future. Complexity: linear in the rows.
    [[nodiscard]] result<store_hash> hash(std::uint64_t main) const;

    /// Returns: everything, in the bytes of format/state.hpp: equal stores give equal bytes.
    /// Complexity: linear in the rows; long values are shared.
    [[nodiscard]] rope snapshot() const;

    /// Effects: becomes what the bytes say; on an error nothing changes.
    /// Holds no more of them than it keeps, and one block.
    /// Errors: truncated, unsupported_version, corrupt when the rows contradict each other, or of
    /// the reader.
    error_code restore(bulk_reader state);

private:
    /// Requires: the row is there, since the index knows it.
    [[nodiscard]] key_value fetch(revision at) const {
        std::optional<row> found = backend_.find(at);
        QUORATE_ASSERT(found.has_value());
        QUORATE_ASSERT(!found->tombstone());
        return {std::move(found->key),  std::move(found->value),
                found->create_revision, at.main,
                found->version,         found->lease};
    }
    /// A write that is being made: its revision, and how many changes it has so far.
    struct write {
        std::uint64_t main;
        std::uint32_t changes = 0;

        [[nodiscard]] revision next() noexcept { return {main, changes++}; }
        /// Returns: the revision that its own reads see.
        [[nodiscard]] std::uint64_t visible() const noexcept {
            return changes == 0 ? main - 1 : main;
        }
    };
    /// The branches that a transaction and those nested in it take, in the order of the requests.
    struct txn_path {
        std::vector<bool> branches;
        std::size_t next = 0;
    };

    [[nodiscard]] error_code check_revision(std::uint64_t main, std::uint64_t current) const;
    [[nodiscard]] result<range_reply> read(const quorate::range& asked,
                                           std::uint64_t current) const;
    void read_rows(const quorate::range& asked, std::uint64_t main, range_reply& answer) const;
    void read_arranged(const quorate::range& asked, std::uint64_t main, range_reply& answer) const;

    put_reply put_key(write& into, const quorate::put& asked, const shared_bytes& value);
    delete_reply delete_keys(write& into, const quorate::delete_range& asked);
    void delete_key(write& into, byte_view key, bool prev_kv, delete_reply& answer);

    [[nodiscard]] bool holds(const compare& condition) const;
    void decide(const quorate::txn& asked, txn_path& path) const;
    [[nodiscard]] error_code check_put(const quorate::put& asked) const;
    template <class Check>
    [[nodiscard]] error_code check_path(const quorate::txn& asked, txn_path& path,
                                        Check check) const;
    txn_reply carry_out(write& into, const quorate::txn& asked, txn_path& path,
                        const shared_bytes& command);
    txn_op_reply carry_out(write& into, const txn_op& op, txn_path& path,
                           const shared_bytes& command);

    /// Returns: whether compaction leaves this change, also when it has not got to it yet.
    [[nodiscard]] bool stays(revision at, const row& found) const;
    /// Returns: how many changes will be left when compaction is through.
    [[nodiscard]] std::uint64_t staying_rows() const;
    [[nodiscard]] error_code enter(const state_header& header, const state_row& next,
                                   revision before);
    [[nodiscard]] bool enter_compacted(const state_row& next, revision at);
    [[nodiscard]] bool enter_readable(const state_row& next, revision at);

    Index index_;
    Backend backend_;
    std::uint64_t current_ = first_revision;
    /// One above the compacted revision, so that revision zero can be compacted, once, as in etcd.
    std::uint64_t compact_floor_ = 0;
    revision sweep_next_;          ///< Where the next step of freeing begins.
    std::uint64_t sweep_upto_ = 0; ///< The compacted revision that is swept; zero: all is done.
};

} // namespace quorate

#include <quorate/store/impl/mvcc_compact.hpp>
#include <quorate/store/impl/mvcc_range.hpp>
#include <quorate/store/impl/mvcc_store.hpp>
#include <quorate/store/impl/mvcc_write.hpp>

#endif
