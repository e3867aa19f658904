// Compaction of the store, and the hash that does not depend on how far it has got.
// Flow:       beside 12
// In / Out:   see store/mvcc_store.hpp
// Invariants: what is not swept yet is hidden; a key that has anything to forget has a change at or
//             behind the place where the next step begins
// Source:     etcd's scheduled compaction and its HashKV; differs: steps are counted in rows, not
//             in time, so that they need no clock and no thread
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_MVCC_COMPACT_HPP
#define QUORATE_STORE_IMPL_MVCC_COMPACT_HPP

#include <quorate/store/mvcc_store.hpp>

#include <algorithm>

namespace quorate {

/// A key has something to forget only when it changed after the last compaction, or was deleted at
/// exactly its revision. So only the changes from that revision on need a look; when an earlier
/// sweep is not through, its rest comes first.
template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::compact(std::uint64_t main) {
    if (main < compact_floor_) {
        return errc::revision_compacted;
    }
    if (main > current_) {
        return errc::revision_in_future;
    }
    const revision changed_since{compact_revision(), 0};
    sweep_next_ = swept() ? changed_since : std::min(sweep_next_, changed_since);
    sweep_upto_ = main;
    compact_floor_ = main + 1;
    return {};
}

template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::bump(std::uint64_t revisions) {
    if (revisions > detail::revision_main_max - current_) {
        return errc::invalid_option;
    }
    current_ += revisions;
    if (current_ >= compact_floor_) {
        static_cast<void>(compact(current_));
    }
    while (sweep(SIZE_MAX)) {
    }
    return {};
}

/// Each change lets go of those of its key before it: so a step is bounded by its rows, however
/// often one key changed. A deletion before the compacted revision goes itself, too. A key whose
/// last change is swept has nothing left to forget.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::sweep(std::size_t rows_max) {
    if (swept()) {
        return false;
    }
    struct seen_row {
        shared_bytes key;
        std::uint64_t main; ///< At this revision the key is compacted.
    };
    std::vector<seen_row> seen;
    bool more = false;
    const auto collect = [&](revision at, shared_bytes key, bool tombstone) {
        more = seen.size() == rows_max;
        if (more) {
            sweep_next_ = at;
        } else {
            const bool goes = tombstone && at.main < sweep_upto_;
            seen.push_back({std::move(key), at.main + (goes ? 1 : 0)});
        }
        return !more;
    };
    // The walk must not change what it walks over.
    detail::scan_keys(backend_, sweep_next_, {sweep_upto_, UINT32_MAX}, collect);
    for (const seen_row& one : seen) {
        index_.compact(one.key.view(), one.main, [this](revision removed) {
            const bool was_there = backend_.erase(removed);
            QUORATE_ASSERT(was_there || detail::lacks_rows(backend_));
        });
    }
    if (!more && !detail::lacks_rows(backend_)) {
        sweep_upto_ = 0;
    }
    return more;
}

/// What is left of a key at or before the compacted revision is its last change; a deletion only
/// when that is at exactly that revision, for those who watch from there on.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::stays(revision at, const row& found) const {
    if (swept() || at.main > compact_revision()) {
        return true;
    }
    const auto last = index_.find(found.key.view(), compact_revision());
    if (last) {
        return last->modified == at;
    }
    return found.tombstone() && at.main == compact_revision();
}

template <class Index, class Backend>
std::uint64_t mvcc_store<Index, Backend>::staying_rows() const {
    if (swept()) {
        return backend_.size();
    }
    std::uint64_t rows = 0;
    backend_.scan({0, 0}, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& found) {
        rows += stays(at, found) ? 1u : 0u;
        return true;
    });
    return rows;
}

template <class Index, class Backend>
auto mvcc_store<Index, Backend>::hash(std::uint64_t main) const -> result<store_hash> {
    if (const error_code failed = check_revision(main, current_)) {
        return failed;
    }
    store_hash answer{0, compact_revision(), main == 0 ? current_ : main};
    backend_.scan({0, 0}, {answer.revision, UINT32_MAX}, [&](revision at, const row& found) {
        if (stays(at, found)) {
            answer.add({at.main, at.sub, found.create_revision, found.version, found.lease,
                        found.key, found.value});
        }
        return true;
    });
    if (detail::lacks_rows(backend_)) {
        return errc::poisoned;
    }
    return answer;
}

template <class Index, class Backend>
auto mvcc_store<Index, Backend>::begin_hash(std::uint64_t main) const -> result<store_hash_job> {
    if (const error_code failed = check_revision(main, current_)) {
        return failed;
    }
    return store_hash_job({0, compact_revision(), main == 0 ? current_ : main},
                          bulk_bytes(snapshot()));
}

} // namespace quorate

#endif
