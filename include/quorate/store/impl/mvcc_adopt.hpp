// A store from the rows that a durable backend kept.
// Flow:       beside 12; runs once, before the first command
// In / Out:   see store/mvcc_store.hpp
// Invariants: a store that is adopted is one that was committed; rows that compaction had yet to
//             free are there, and it goes on where it was
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_MVCC_ADOPT_HPP
#define QUORATE_STORE_IMPL_MVCC_ADOPT_HPP

#include <quorate/format/primitives.hpp>
#include <quorate/store/impl/row_rules.hpp>
#include <quorate/store/mvcc_store.hpp>

#include <algorithm>

namespace quorate {
namespace detail {

inline constexpr std::size_t store_progress_bytes = 36;

} // namespace detail

template <class Index, class Backend>
shared_bytes mvcc_store<Index, Backend>::progress() const {
    draft bytes(detail::store_progress_bytes);
    byte_writer(bytes.data(), bytes.size())
        .u64(current_)
        .u64(compact_floor_)
        .u64(sweep_next_.main)
        .u32(sweep_next_.sub)
        .u64(sweep_upto_);
    return std::move(bytes).freeze();
}

template <class Index, class Backend>
bool mvcc_store<Index, Backend>::read_progress(byte_view bytes) {
    byte_reader in(bytes);
    current_ = in.u64();
    compact_floor_ = in.u64();
    sweep_next_.main = in.u64();
    sweep_next_.sub = in.u32();
    sweep_upto_ = in.u64();
    return in.finished() && in_bounds() && (swept() || sweep_upto_ == compact_revision());
}

template <class Index, class Backend>
auto mvcc_store<Index, Backend>::adopt(Backend held, byte_view progress, lease_table leases)
    -> result<mvcc_store> {
    mvcc_store store;
    store.backend_ = std::move(held);
    store.leases_ = std::move(leases);
    bool tied = false;
    if (!store.read_progress(progress)) {
        return errc::corrupt;
    }
    revision last{0, 0};
    bool sound = true;
    detail::put_off_order(store.index_);
    const error_code failed = store.backend_.walk([&](revision at, const row_view& next) {
        sound = at > last && store.follows(at, last) && store.adopt_row(at, next);
        last = at;
        tied = tied || next.lease;
        return sound;
    });
    if (failed) {
        return failed;
    }
    detail::order(store.index_);
    if (!sound || !store.ends_at(last)) {
        return errc::corrupt;
    }
    if (tied && !store.tie_all()) {
        return store.backend_error() ? store.backend_error() : make_error_code(errc::corrupt);
    }
    return store;
}

/// The first row of a key may be any change of it, since those before may be compacted away; the
/// ones behind it must be what the index makes of them.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::adopt_row(revision at, const row_view& next) {
    if (at.main > current_ || !detail::sound_row(at, next, !next.value.empty())) {
        return false;
    }
    if (!index_.modified(next.key)) {
        if (next.tombstone()) {
            return at.main <= compact_revision() && index_.restore_tombstone(next.key, at);
        }
        const bool first = next.version == 1;
        const bool sound = first || at.main <= compact_revision();
        const revision created = first ? at : revision{next.create_revision, 0};
        return sound && index_.restore(next.key, created, at, next.version);
    }
    if (next.tombstone()) {
        return index_.tombstone(next.key, at).has_value();
    }
    const index_put done = index_.put(next.key, at);
    return done.now.created.main == next.create_revision && done.now.version == next.version;
}

template <class Index, class Backend>
auto mvcc_store<Index, Backend>::leaving_rows() const -> hidden_rows {
    hidden_rows hidden;
    if (swept()) {
        return hidden;
    }
    backend_.scan({0, 0}, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& found) {
        if (!stays(at, found)) {
            hidden.at.push_back(at);
            hidden.bytes += found.key.size() + found.value.size();
        }
        return true;
    });
    return hidden;
}

} // namespace quorate

#endif
