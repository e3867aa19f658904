// The store: every write makes a revision, and every revision can be read until it is compacted.
// Flow:       12 and 13. command → revision → reply
// In / Out:   request and value bytes → reply body
// Invariants: the index and the backend hold the same changes; current >= compacted revision; the
//             writes in (compacted, current] are all there, in order
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

#include <utility>
#include <vector>

namespace quorate {

/// Requests are taken as checked (command/validate.hpp): a key is never empty.
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
    /// Returns: keys known and changes stored, for metrics.
    [[nodiscard]] std::size_t key_count() const noexcept { return index_.size(); }
    [[nodiscard]] std::size_t row_count() const noexcept { return backend_.size(); }

    /// Effects: one revision. `value` is what `asked.value` views; it is kept as a shared slice
    /// where that does not pin much more than itself, else copied.
    put_reply put(const quorate::put& asked, const shared_bytes& value) {
        const revision at{current_ + 1, 0};
        index_put done = index_.put(asked.key, at);
        put_reply answer;
        if (asked.prev_kv && done.previous) {
            answer.prev_kv = fetch(*done.previous);
        }
        backend_.put(at, row{std::move(done.key), value.compacted(), done.now.created.main,
                             done.now.version, asked.lease});
        current_ = at.main;
        return answer;
    }

    /// Effects: one revision for all keys that are deleted; none when there was nothing to delete.
    /// Complexity: as a range over the span.
    delete_reply delete_range(const quorate::delete_range& asked) {
        const key_span span = span_of(asked.key, asked.range_end);
        delete_reply answer;
        if (span.kind == key_span::shape::one) {
            delete_key(asked.key, asked.prev_kv, answer);
        } else {
            // The walk must not change what it walks over.
            std::vector<shared_bytes> keys;
            index_.range(span, current_, [&](const shared_bytes& key, const key_version&) {
                keys.push_back(key);
                return true;
            });
            for (const shared_bytes& key : keys) {
                delete_key(key.view(), asked.prev_kv, answer);
            }
        }
        current_ += answer.deleted == 0 ? 0 : 1;
        return answer;
    }

    /// Errors: revision_compacted, revision_in_future.
    /// Complexity: linear in the keys of the span, for the count; rows are fetched up to the limit.
    [[nodiscard]] result<range_reply> range(const quorate::range& asked) const {
        const std::uint64_t main = asked.revision == 0 ? current_ : asked.revision;
        if (main > current_) {
            return errc::revision_in_future;
        }
        if (main < compact_revision()) {
            return errc::revision_compacted;
        }
        range_reply answer;
        const auto visit = [&](const shared_bytes& key, const key_version& found) {
            ++answer.count;
            if (!asked.count_only && (asked.limit == 0 || answer.count <= asked.limit)) {
                answer.kvs.push_back(asked.keys_only ? key_only(key, found)
                                                     : fetch(found.modified));
            }
            return true;
        };
        index_.range(span_of(asked.key, asked.range_end), main, visit);
        answer.more = !asked.count_only && answer.kvs.size() < answer.count;
        return answer;
    }

    /// Returns: the key as it is now. Complexity: a search in the index and one in the backend.
    [[nodiscard]] std::optional<key_value> get(byte_view key) const {
        const auto found = index_.find(key, current_);
        return found ? std::optional(fetch(found->modified)) : std::nullopt;
    }

    /// Effects: forgets what can only be seen below `main`. Makes no revision.
    /// Errors: revision_compacted when that much is compacted already; revision_in_future.
    /// Complexity: linear in the changes made since the revision of the last compaction.
    error_code compact(std::uint64_t main) {
        if (main < compact_floor_) {
            return errc::revision_compacted;
        }
        if (main > current_) {
            return errc::revision_in_future;
        }
        forget_changes(compact_revision(), main);
        compact_floor_ = main + 1;
        return {};
    }

    /// Returns: everything, in the bytes of format/state.hpp: equal stores give equal bytes.
    /// Complexity: linear in the rows; long values are shared.
    [[nodiscard]] rope snapshot() const;

    /// Effects: becomes what the bytes say; on an error nothing changes.
    /// Errors: truncated, unsupported_version, or corrupt when the rows contradict each other.
    error_code restore(const rope& state);

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
    [[nodiscard]] static key_value key_only(const shared_bytes& key, const key_version& found) {
        return {key, {}, found.created.main, found.modified.main, found.version, {}};
    }

    /// Deletes a key with the next change of the write that `answer` counts, if the key lives.
    void delete_key(byte_view key, bool prev_kv, delete_reply& answer) {
        const revision at{current_ + 1, static_cast<std::uint32_t>(answer.deleted)};
        std::optional<index_tombstone> done = index_.tombstone(key, at);
        if (!done) {
            return;
        }
        if (prev_kv) {
            answer.prev_kvs.push_back(fetch(done->previous));
        }
        backend_.put(at, row{std::move(done->key), {}, 0, 0, {}});
        ++answer.deleted;
    }

    void forget_changes(std::uint64_t from, std::uint64_t upto);
    [[nodiscard]] error_code enter(const state_header& header, const state_row& next,
                                   revision before);
    [[nodiscard]] bool enter_compacted(const state_row& next, revision at);
    [[nodiscard]] bool enter_readable(const state_row& next, revision at);

    Index index_;
    Backend backend_;
    std::uint64_t current_ = first_revision;
    /// One above the compacted revision, so that revision zero can be compacted, once, as in etcd.
    std::uint64_t compact_floor_ = 0;
};

} // namespace quorate

#include <quorate/store/impl/mvcc_store.hpp>

#endif
