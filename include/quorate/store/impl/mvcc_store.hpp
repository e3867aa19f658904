// The long walks of the store: snapshot and restore.
// Flow:       beside 12
// In / Out:   see store/mvcc_store.hpp
// Invariants: a state that restore accepts is one that a store can have
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_MVCC_STORE_HPP
#define QUORATE_STORE_IMPL_MVCC_STORE_HPP

#include <quorate/store/impl/row_rules.hpp>
#include <quorate/store/mvcc_store.hpp>

#include <algorithm>
#include <cstdint>

namespace quorate {

template <class Index, class Backend>
auto mvcc_store<Index, Backend>::snapshot() const -> snapshot_type {
    if constexpr (durable_backend<Backend>) {
        hidden_rows hidden = leaving_rows();
        return backend_.stream({current_, compact_floor_, 0}, std::move(hidden.at), hidden.bytes);
    } else {
        return shared_snapshot();
    }
}

template <class Index, class Backend>
rope mvcc_store<Index, Backend>::shared_snapshot() const {
    state_writer out({current_, compact_floor_, staying_rows()});
    backend_.scan({0, 0}, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& found) {
        if (!stays(at, found)) {
            return true;
        }
        out.add({at.main, at.sub, found.create_revision, found.version, found.lease, found.key,
                 found.value});
        return true;
    });
    return std::move(out).finish();
}

template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::restore(bulk_reader state, lease_table leases) {
    state_reader in(std::move(state));
    const result<state_header> header = in.header();
    if (!header) {
        return header.error();
    }
    mvcc_store fresh(detail::successor_of(backend_));
    fresh.current_ = header->current;
    fresh.compact_floor_ = header->compact_floor;
    if (!fresh.in_bounds()) {
        return errc::corrupt;
    }
    fresh.leases_ = std::move(leases);
    bool tied = false;
    revision last{0, 0};
    detail::put_off_order(fresh.index_);
    for (std::uint64_t i = 0; i < header->rows; ++i) {
        const result<state_row> next = in.next();
        if (!next) {
            return next.error();
        }
        if (const error_code failed = fresh.enter(*header, *next, last)) {
            return failed;
        }
        last = {next->main, next->sub};
        tied = tied || next->lease;
    }
    detail::order(fresh.index_);
    if (in.remaining() != 0 || !fresh.ends_at(last) || (tied && !fresh.tie_all())) {
        return errc::corrupt;
    }
    if (detail::lacks_rows(fresh.backend_)) {
        return fresh.backend_error();
    }
    *this = std::move(fresh);
    return {};
}

/// Adds the row that follows `before`, if it can be there in a store with that header.
template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::enter(const state_header& header, const state_row& next,
                                             revision before) {
    const revision at{next.main, next.sub};
    bool sound = at > before && at.main <= header.current;
    sound = sound && !next.key.empty() && detail::sound_row(at, next, !next.value.empty());
    sound = sound && follows(at, before);
    if (!sound ||
        !(at.main > compact_revision() ? enter_readable(next, at) : enter_compacted(next, at))) {
        return errc::corrupt;
    }
    return {};
}

/// Whether the revisions are such as a store can have.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::in_bounds() const noexcept {
    return current_ >= first_revision && current_ <= detail::revision_main_max &&
           compact_floor_ <= current_ + 1;
}

/// Whether `last` can be the last row: what is not compacted is complete, so that is the last
/// write.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::ends_at(revision last) const noexcept {
    return std::max({last.main, compact_revision(), first_revision}) == current_;
}

/// Whether what is not compacted has no holes: every write is there, and every change of it.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::follows(revision at, revision before) const {
    if (at.main <= compact_revision()) {
        return true;
    }
    const std::uint64_t written = std::max({before.main, compact_revision(), first_revision});
    return before.main == at.main ? at.sub == before.sub + 1
                                  : at.main == written + 1 && at.sub == 0;
}

/// A change at or before the compacted revision: the only one left of its key up to there.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::enter_compacted(const state_row& next, revision at) {
    if (next.version == 0) {
        if (at.main != compact_revision() || !index_.restore_tombstone(next.key.view(), at)) {
            return false;
        }
    } else if (!index_.restore(next.key.view(), {next.create_revision, 0}, at, next.version)) {
        return false;
    }
    backend_.put(at, row{next.key.compacted(), next.value.compacted(), next.create_revision,
                         next.version, next.lease});
    return true;
}

/// A change after the compacted revision: must be what the index makes of it.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::enter_readable(const state_row& next, revision at) {
    // One write puts a key at most once.
    if (at.sub > 0 && next.version != 0) {
        const auto earlier = index_.find(next.key.view(), at.main);
        if (earlier && earlier->modified.main == at.main) {
            return false;
        }
    }
    if (next.version == 0) {
        std::optional<index_tombstone> done = index_.tombstone(next.key.view(), at);
        if (!done) {
            return false;
        }
        backend_.put(at, row{std::move(done->key), {}, 0, 0, {}});
        return true;
    }
    index_put done = index_.put(next.key.view(), at);
    if (done.now.created.main != next.create_revision || done.now.version != next.version) {
        return false;
    }
    backend_.put(at, row{std::move(done.key), next.value.compacted(), next.create_revision,
                         next.version, next.lease});
    return true;
}

} // namespace quorate

#endif
