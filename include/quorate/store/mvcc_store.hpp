// The store: every write makes a revision, and every revision can be read until it is compacted.
// Flow:       12 and 13. command → revision → reply
// In / Out:   request and value bytes → reply body
// Invariants: the index and the backend hold the same changes; current >= compacted revision; the
//             writes in (compacted, current] are all there, in order; a write is whole or not
//             there; the lease of every key that lives is in the table
// Source:     etcd's MVCC store; differs: compaction walks the changes since the last one, not all
//             keys, because no other key can have anything to forget
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_MVCC_STORE_HPP
#define QUORATE_STORE_MVCC_STORE_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/reply.hpp>
#include <quorate/command/request.hpp>
#include <quorate/command/validate.hpp>
#include <quorate/format/state.hpp>
#include <quorate/store/key_index.hpp>
#include <quorate/store/key_runs.hpp>
#include <quorate/store/lease_table.hpp>
#include <quorate/store/store_hash.hpp>
#include <quorate/store/value_backend.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace quorate {

/// Requests are taken as checked (command/validate.hpp): no key is empty, no operation missing.
template <class Index, class Backend>
class mvcc_store {
    static_assert(key_index<Index>, "Index must model key_index; see doc/concept/key_index.md");
    static_assert(value_backend<Backend>,
                  "Backend must model value_backend; see doc/concept/value_backend.md");

public:
    /// The whole state: shared rows in memory, or a stream from a durable backend.
    using snapshot_type = std::conditional_t<durable_backend<Backend>, bulk_bytes, rope>;

    mvcc_store() = default;
    /// Over an empty backend.
    explicit mvcc_store(Backend empty) : backend_(std::move(empty)) {
        QUORATE_ASSERT(backend_.size() == 0);
    }
    /// Returns: the store that a durable backend holds, given the bytes of `progress` that were
    /// committed with it, and leases without keys. The index is built anew from the rows' keys; no
    /// value is read but those of keys that live, and only when there are leases.
    /// Errors: truncated, corrupt when rows and progress contradict each other; of the backend.
    [[nodiscard]] static result<mvcc_store> adopt(Backend held, byte_view progress,
                                                  lease_table leases = {});
    /// Returns: what there is to know besides the rows: revisions, and how far compaction has got.
    [[nodiscard]] shared_bytes progress() const;
    /// For the owner of a durable backend, to commit it. Rows are the store's business.
    [[nodiscard]] Backend& backend() noexcept { return backend_; }
    [[nodiscard]] const Backend& backend() const noexcept { return backend_; }

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
    /// Errors: lease_not_found; key_not_found when something of a key is to be kept that does not
    /// live.
    result<put_reply> put(const quorate::put& asked, const shared_bytes& value);

    /// Effects: one revision for all keys that are deleted; none when there was nothing to delete.
    /// Errors: reply_too_large. Complexity: as a range over the span.
    result<delete_reply> delete_range(const quorate::delete_range& asked);
    /// Effects: begins the same, for `continue_delete` to carry out in steps. Until that has
    /// returned the outcome, reads see the store as it was before, and nothing else is written,
    /// swept, walked over or committed. Requires: !deleting().
    void begin_delete(const quorate::delete_range& asked);
    /// Effects: looks at, or deletes, up to `keys_max` more keys. Returns: the reply, once all are
    /// deleted, or the error: nothing was deleted then. Errors: reply_too_large. Requires:
    /// `begin_delete`, and that it is not done.
    [[nodiscard]] std::optional<result<delete_reply>> continue_delete(std::size_t keys_max);
    /// Returns: whether a deletion or a revoke is carried out in steps.
    [[nodiscard]] bool deleting() const noexcept { return deletion_ || revocation_; }

    /// Errors: revision_compacted, revision_in_future; reply_too_large over reply_bytes_max.
    /// Complexity: linear in the keys of the span, for the count; rows are fetched up to the limit,
    /// and all of them only to be sorted by value. Sorting adds n log n.
    [[nodiscard]] result<range_reply> range(const quorate::range& asked) const {
        reply_room room;
        return read(asked, current_, room);
    }

    /// Effects: one revision for all that is changed; none when nothing is. All or nothing: what
    /// can fail is looked at before anything is done. `command` is the block that the request's
    /// views lie in; values are kept as in `put`. Errors: key_not_found and lease_not_found as
    /// `put`, on the state before; revision_compacted, revision_in_future; reply_too_large when
    /// what the reply may hold is over reply_bytes_max.
    result<txn_reply> txn(const quorate::txn& asked, const shared_bytes& command);
    /// The same for one that only reads, outside the log. Requires: is_read_only(asked).
    /// Errors: revision_compacted, revision_in_future, reply_too_large.
    [[nodiscard]] result<txn_reply> peek(const quorate::txn& asked) const;

    /// Returns: the key as it is now. Complexity: a search in the index and one in the backend.
    [[nodiscard]] std::optional<key_value> get(byte_view key) const {
        const auto found = index_.find(key, current_);
        return found ? std::optional(fetch(found->modified)) : std::nullopt;
    }

    /// Returns: the key as it was at `main`; nothing when it did not live then, or when that is
    /// compacted. Requires: main <= current_revision(). Complexity: as the other.
    [[nodiscard]] std::optional<key_value> get(byte_view key, std::uint64_t main) const {
        QUORATE_ASSERT(main <= current_);
        const auto found = main + 1 < compact_floor_ ? std::nullopt : index_.find(key, main);
        return found ? std::optional(fetch(found->modified)) : std::nullopt;
    }

    /// Errors: lease_exists.
    result<lease_grant_reply> grant(const lease_grant& asked);
    /// Effects: the lease is gone, and its keys with it, in one revision; in none when it has none.
    /// Errors: lease_not_found; lease_epoch_over when another leader has taken over.
    /// Complexity: n log n in the keys.
    result<lease_revoke_reply> revoke(const lease_revoke& asked);
    /// Effects: begins the same, for `continue_revoke` to carry out in steps, as `begin_delete`
    /// does. Errors: as revoke; nothing was begun. Requires: !deleting().
    error_code begin_revoke(const lease_revoke& asked);
    /// Effects: looks at, or deletes, up to `keys_max` more keys. Returns: the reply, once the
    /// lease is gone. Errors: poisoned: a durable backend failed, and the state is not used any
    /// more. Requires: revoking().
    [[nodiscard]] std::optional<result<lease_revoke_reply>> continue_revoke(std::size_t keys_max);
    [[nodiscard]] bool revoking() const noexcept { return revocation_.has_value(); }
    /// Effects: notes what is left of the leases that are there.
    /// Errors: lease_epoch_over.
    result<lease_checkpoint_reply> checkpoint(const lease_checkpoint& asked);
    /// Effects: what earlier leaders find counts no more. Errors: lease_epoch_over.
    result<lease_takeover_reply> take_over(const lease_takeover& asked);
    [[nodiscard]] const lease_table& leases() const noexcept { return leases_; }
    /// Returns: the keys that are tied to a lease, in order; none when there is no such lease.
    [[nodiscard]] std::vector<shared_bytes> keys_of(lease_id id) const;
    /// As lease_table::every_key.
    template <class Holds>
    [[nodiscard]] bool every_key_of(lease_id id, checked_keys& done, const Holds& holds) const;

    /// Effects: calls `visit(revision, row)` for the changes of the writes `from` to `upto`, in
    /// order, until it returns false: the events of those writes, a row without a version being a
    /// deletion. Those of the last write are cheap to find. Of the compacted revision itself only
    /// each key's last change is there.
    /// Requires: from >= compact_revision(), as below it some are gone; the visitor changes
    /// nothing.
    template <class Visit>
    void changes(std::uint64_t from, std::uint64_t upto, Visit&& visit) const {
        QUORATE_ASSERT(from >= compact_revision());
        backend_.scan({from, 0}, {upto, UINT32_MAX}, [&](revision at, const row& found) {
            return !stays(at, found) || visit(at, found);
        });
    }

    /// Effects: what can only be seen below `main` can be read no more. Makes no revision. Its
    /// memory is freed by `sweep`.
    /// Errors: revision_compacted when that much is compacted already; revision_in_future.
    error_code compact(std::uint64_t main);

    /// Effects: the current revision is greater by so much, and compacted: no client that knew the
    /// store before can take what it is from now on for what it was. Nothing waits to be swept.
    /// Errors: invalid_option when revisions would end.
    error_code bump(std::uint64_t revisions);
    /// Effects: frees what compactions have left, looking at no more than `rows_max` rows. Nothing
    /// that can be read depends on how far that has got, nor do snapshots and hashes.
    /// Returns: whether more is left. Complexity: one row is a search in index and backend, and
    /// frees two rows at most, amortised; all steps together are linear in the changes made since
    /// the compaction before.
    bool sweep(std::size_t rows_max);
    [[nodiscard]] bool swept() const noexcept { return sweep_upto_ == 0; }

    /// Returns: a checksum of the changes that can be seen between the compacted revision and
    /// `main`; zero: the current one. Deletions at the compacted revision do not count.
    /// Errors: revision_compacted, revision_in_future; poisoned when a durable backend failed.
    /// Complexity: linear in the rows.
    [[nodiscard]] result<store_hash> hash(std::uint64_t main) const;
    /// Returns: the same as a job, for the state as of now, whatever happens to the store until it
    /// runs. Errors: revision_compacted, revision_in_future. Complexity: that of `snapshot`.
    [[nodiscard]] result<store_hash_job> begin_hash(std::uint64_t main) const;

    /// Returns: everything but the leases, in the bytes of format/state.hpp: equal stores give
    /// equal bytes. Complexity: linear in the rows; long values are shared. From a durable backend:
    /// constant, once compaction is swept, and linear in the rows on reading it.
    [[nodiscard]] snapshot_type snapshot() const;

    /// Effects: becomes what the bytes say, with these leases, to which no keys are tied yet; on an
    /// error nothing changes.
    /// Holds no more of them than it keeps, and one block.
    /// Errors: truncated, unsupported_version, corrupt when the rows contradict each other, or of
    /// the reader or a durable backend.
    error_code restore(bulk_reader state, lease_table leases = {});

private:
    /// Requires: the row is there, since the index knows it; only a backend that failed may lack
    /// it, and whoever owns one asks it before anything of this is shown.
    [[nodiscard]] key_value fetch(revision at) const {
        std::optional<row> found = backend_.find(at);
        if (!found && detail::lacks_rows(backend_)) {
            return {};
        }
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
    /// What a reply may yet hold.
    struct reply_room {
        std::uint64_t left = reply_bytes_max;

        /// Returns: whether there was room for a row, which is taken then.
        [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
            const std::uint64_t row = bytes + reply_row_bytes;
            const bool fits = row <= left;
            left -= fits ? row : 0;
            return fits;
        }
        [[nodiscard]] bool take(const key_value& kv) noexcept {
            return take(kv.key.size() + kv.value.size());
        }
    };
    /// A deletion that is carried out in steps.
    struct deletion {
        std::string from; ///< The first key that was not looked at.
        std::string end;
        key_span::shape kind;
        bool prev_kv;
        std::optional<std::string> unchecked; ///< The first key whose room was not looked at.
        reply_room room;
        write into;
        delete_reply answer;
    };
    /// A revoke that is carried out in steps: the lease's keys are put in order, then deleted.
    struct revocation {
        lease_id id;
        std::size_t looked_at = 0; ///< So much of the lease's list.
        key_runs keys;
        write into;
        delete_reply gone;
    };
    /// The branches that a transaction and those nested in it take, in the order of the requests.
    struct txn_path {
        std::vector<bool> branches;
        std::size_t next = 0;
    };

    /// What a transaction has written so far on its way, for what later reads of it may find.
    struct pending_writes {
        std::vector<const quorate::put*> puts;
        std::uint64_t changed = 0; ///< Keys that may have been deleted or replaced.
    };

    [[nodiscard]] error_code check_revision(std::uint64_t main, std::uint64_t current) const;
    [[nodiscard]] result<range_reply> read(const quorate::range& asked, std::uint64_t current,
                                           reply_room& room) const;
    [[nodiscard]] bool read_rows(const quorate::range& asked, std::uint64_t main,
                                 range_reply& answer, reply_room& room) const;
    [[nodiscard]] bool read_arranged(const quorate::range& asked, std::uint64_t main,
                                     range_reply& answer, reply_room& room) const;
    [[nodiscard]] error_code make_room(const txn_op& op, pending_writes& before,
                                       reply_room& room) const;
    [[nodiscard]] error_code make_room(quorate::range asked, const pending_writes& before,
                                       reply_room& room) const;

    put_reply put_key(write& into, const quorate::put& asked, const shared_bytes& value);
    [[nodiscard]] bool check_room(deletion& all, std::size_t keys_max) const;
    [[nodiscard]] bool gather(revocation& all, std::size_t keys_max);
    delete_reply delete_keys(write& into, const quorate::delete_range& asked);
    std::optional<shared_bytes> delete_some(write& into, const key_span& span, bool prev_kv,
                                            std::size_t keys_max, delete_reply& answer);
    void delete_key(write& into, byte_view key, bool prev_kv, delete_reply& answer);

    [[nodiscard]] bool holds(const compare& condition) const;
    void decide(const quorate::txn& asked, txn_path& path) const;
    [[nodiscard]] error_code check_ranges(const quorate::txn& asked, txn_path& path) const;
    [[nodiscard]] result<txn_reply> look_up(const quorate::txn& asked, txn_path& path,
                                            reply_room& room) const;
    [[nodiscard]] error_code check_kept(const quorate::put& asked) const;
    [[nodiscard]] error_code check_lease(const quorate::put& asked) const;
    [[nodiscard]] std::optional<lease_id> lease_of(byte_view key) const;
    void retie(const shared_bytes& key, lease_id before, lease_id now);
    [[nodiscard]] bool tie_all();
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
    [[nodiscard]] rope shared_snapshot() const;
    [[nodiscard]] error_code backend_error() const {
        if constexpr (durable_backend<Backend>) {
            return backend_.error();
        } else {
            return {};
        }
    }
    struct hidden_rows {
        std::vector<revision> at; ///< In order.
        std::uint64_t bytes = 0;  ///< Of their keys and values.
    };
    /// Returns: the rows that compaction has yet to free.
    [[nodiscard]] hidden_rows leaving_rows() const;
    [[nodiscard]] bool adopt_row(revision at, const row_view& next);
    [[nodiscard]] bool read_progress(byte_view bytes);
    [[nodiscard]] bool in_bounds() const noexcept;
    [[nodiscard]] bool follows(revision at, revision before) const;
    [[nodiscard]] bool ends_at(revision last) const noexcept;
    [[nodiscard]] error_code enter(const state_header& header, const state_row& next,
                                   revision before);
    [[nodiscard]] bool enter_compacted(const state_row& next, revision at);
    [[nodiscard]] bool enter_readable(const state_row& next, revision at);

    Index index_;
    Backend backend_;
    lease_table leases_;
    std::uint64_t current_ = first_revision;
    /// One above the compacted revision, so that revision zero can be compacted, once, as in etcd.
    std::uint64_t compact_floor_ = 0;
    revision sweep_next_;          ///< Where the next step of freeing begins.
    std::uint64_t sweep_upto_ = 0; ///< The compacted revision that is swept; zero: all is done.
    std::optional<deletion> deletion_;
    std::optional<revocation> revocation_;
    /// The keys that a deletion in steps has deleted so far and that were tied to leases: reads see
    /// them there yet.
    std::vector<std::pair<lease_id, shared_bytes>> untied_;
};

} // namespace quorate

#include <quorate/store/impl/mvcc_adopt.hpp>
#include <quorate/store/impl/mvcc_compact.hpp>
#include <quorate/store/impl/mvcc_lease.hpp>
#include <quorate/store/impl/mvcc_range.hpp>
#include <quorate/store/impl/mvcc_store.hpp>
#include <quorate/store/impl/mvcc_write.hpp>

#endif
