// The reads of the store: filtered, sorted and cut.
// Flow:       beside 12; a read outside the log, or within a transaction
// In / Out:   see store/mvcc_store.hpp
// Invariants: no value is fetched that is not returned, unless rows are sorted by value
// Source:     etcd's range, row by row
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_MVCC_RANGE_HPP
#define QUORATE_STORE_IMPL_MVCC_RANGE_HPP

#include <quorate/store/mvcc_store.hpp>

#include <algorithm>

namespace quorate {
namespace detail {

/// Returns: whether the filters let a row pass.
[[nodiscard]] inline bool passes(const range& asked, const key_version& found) noexcept {
    const auto within = [](std::uint64_t number, std::uint64_t min, std::uint64_t max) noexcept {
        return number >= min && (max == 0 || number <= max);
    };
    return within(found.modified.main, asked.min_mod_revision, asked.max_mod_revision) &&
           within(found.created.main, asked.min_create_revision, asked.max_create_revision);
}

/// Sorts rows that are in the order of their keys by a number of each.
template <class Rows, class Number>
void sort_rows(Rows& rows, sort_order order, Number number) {
    const bool descend = order == sort_order::descend;
    std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
        return descend ? number(b) < number(a) : number(a) < number(b);
    });
}

/// Sorts by what the index knows of a row.
inline void sort_versions(std::vector<key_version>& rows, const range& asked) {
    switch (asked.target) {
    case sort_target::key:
        if (asked.order == sort_order::descend) {
            std::reverse(rows.begin(), rows.end());
        }
        return;
    case sort_target::version:
        return sort_rows(rows, asked.order, [](const key_version& v) { return v.version; });
    case sort_target::create:
        return sort_rows(rows, asked.order, [](const key_version& v) { return v.created.main; });
    case sort_target::mod:
        return sort_rows(rows, asked.order, [](const key_version& v) { return v.modified.main; });
    case sort_target::value: return;
    }
}

} // namespace detail

/// Whether `main`, zero being the current revision, can be read.
template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::check_revision(std::uint64_t main,
                                                      std::uint64_t current) const {
    if (static_cast<std::int64_t>(main) < 0) {
        // As in etcd, whose compacted revision is -1 before the first compaction.
        const bool first = compact_floor_ == 0 && static_cast<std::int64_t>(main) == -1;
        return first ? error_code() : make_error_code(errc::revision_compacted);
    }
    if (main > current) {
        return errc::revision_in_future;
    }
    return main != 0 && main < compact_revision() ? make_error_code(errc::revision_compacted)
                                                  : error_code();
}

template <class Index, class Backend>
result<range_reply> mvcc_store<Index, Backend>::read(const quorate::range& asked,
                                                     std::uint64_t current,
                                                     reply_room& room) const {
    if (const error_code failed = check_revision(asked.revision, current)) {
        return failed;
    }
    const bool latest = static_cast<std::int64_t>(asked.revision) <= 0;
    const std::uint64_t main = latest ? current : asked.revision;
    range_reply answer;
    const bool plain = asked.order == sort_order::none && asked.target == sort_target::key;
    const bool fits = asked.count_only || (plain && !asked.filtered())
                          ? read_rows(asked, main, answer, room)
                          : read_arranged(asked, main, answer, room);
    if (!fits) {
        return errc::reply_too_large;
    }
    return answer;
}

/// Rows as they come. Returns: whether there was room for them.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::read_rows(const quorate::range& asked, std::uint64_t main,
                                           range_reply& answer, reply_room& room) const {
    bool fits = true;
    const auto visit = [&](const shared_bytes&, const key_version& found) {
        ++answer.count;
        if (!asked.count_only && (asked.limit == 0 || answer.count <= asked.limit)) {
            key_value& kv = answer.kvs.emplace_back(fetch(found.modified));
            kv.value = asked.keys_only ? shared_bytes() : std::move(kv.value);
            fits = room.take(kv);
        }
        return fits;
    };
    index_.range(span_of(asked.key, asked.range_end), main, visit);
    answer.more = !asked.count_only && answer.kvs.size() < answer.count;
    return fits;
}

/// Rows filtered, sorted, cut, and only then fetched. Returns: whether there was room for them.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::read_arranged(const quorate::range& asked, std::uint64_t main,
                                               range_reply& answer, reply_room& room) const {
    const std::uint64_t limit = asked.limit == 0 ? UINT64_MAX : asked.limit;
    // See quorate::range: a target without an order sorts no more rows than etcd fetches for it.
    const bool cut_first = asked.order == sort_order::none && !asked.filtered();
    std::vector<key_version> rows;
    const auto visit = [&](const shared_bytes&, const key_version& found) {
        ++answer.count;
        if (detail::passes(asked, found) && !(cut_first && rows.size() > limit)) {
            rows.push_back(found);
        }
        return true;
    };
    index_.range(span_of(asked.key, asked.range_end), main, visit);
    answer.more = rows.size() > limit;
    const bool by_value = asked.target == sort_target::value;
    if (!by_value) {
        detail::sort_versions(rows, asked);
        rows.resize(static_cast<std::size_t>(std::min<std::uint64_t>(rows.size(), limit)));
    }
    answer.kvs.reserve(rows.size());
    for (const key_version& found : rows) {
        key_value& kv = answer.kvs.emplace_back(fetch(found.modified));
        if (!by_value) {
            kv.value = asked.keys_only ? shared_bytes() : std::move(kv.value);
            if (!room.take(kv)) {
                return false;
            }
        }
    }
    if (by_value) {
        detail::sort_rows(answer.kvs, asked.order,
                          [](const key_value& kv) { return kv.value.view(); });
        answer.kvs.resize(
            static_cast<std::size_t>(std::min<std::uint64_t>(answer.kvs.size(), limit)));
        for (key_value& kv : answer.kvs) {
            kv.value = asked.keys_only ? shared_bytes() : std::move(kv.value);
            if (!room.take(kv)) {
                return false;
            }
        }
    }
    return true;
}

} // namespace quorate

#endif
