// The work of the jobs.
#ifndef QUORATE_LMDB_IMPL_JOBS_IPP
#define QUORATE_LMDB_IMPL_JOBS_IPP

// Programs that compile the bodies once need LMDB only when they say so.
#if defined(QUORATE_HEADER_ONLY) || defined(QUORATE_WITH_LMDB)

#include <quorate/lmdb/jobs.hpp>

#include <cstring>

namespace quorate {
namespace detail {

/// What one transaction of a copy holds: pages that are written stay in memory until it ends.
inline constexpr std::uint64_t lmdb_copy_bytes = 8 << 20;

} // namespace detail

QUORATE_DECL error_code lmdb_commit::run() const {
    if (const error_code failed = write()) {
        return failed;
    }
    if (!stands_) {
        return {};
    }
    const error_code failed = environment_->promote();
    // The rows are written: a second try would write them twice.
    return failed == errc::no_space ? error_code(errc::poisoned) : failed;
}

QUORATE_DECL error_code lmdb_commit::write() const {
    result<lmdb_write> txn = lmdb_write::begin(environment_);
    if (!txn) {
        return txn.error();
    }
    const result<std::uint64_t> before = txn->used_bytes();
    if (!before) {
        return before.error();
    }
    // Found out at once where it is plain, for a batch that waits for space is tried again and
    // again.
    if (stands_ && *before > environment_->bytes_max() &&
        rows_->row_bytes() > rows_->erased_bytes()) {
        return errc::no_space;
    }
    error_code failed = write_rows(*txn);
    if (!failed && tables_) {
        failed = txn->replace(tables_record_key, encode_tables_record(tables_->view()));
    }
    if (!failed) {
        failed = txn->replace(state_record_key, record_);
    }
    if (!failed) {
        failed = check_growth(*txn, *before);
    }
    return failed ? failed : txn->commit();
}

/// Erasures first: what they free, the rows may take.
QUORATE_DECL error_code lmdb_commit::write_rows(lmdb_write& txn) const {
    error_code failed;
    for (const revision at : rows_->erasures()) {
        const row_key key = encode_row_key(at);
        if ((failed = txn.erase(view_of(key)))) {
            return failed;
        }
    }
    rows_->scan({0, 0}, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& entered) {
        const row_key key = encode_row_key(at);
        const result<char*> place = txn.append(view_of(key), row_record_bytes(entered));
        if (!place) {
            failed = place.error();
            return false;
        }
        encode_row(at, entered, *place);
        return true;
    });
    return failed;
}

/// A state that is being made of a snapshot is as large as that; only a later one may grow too far.
QUORATE_DECL error_code lmdb_commit::check_growth(const lmdb_write& txn,
                                                  std::uint64_t before) const {
    if (!stands_) {
        return {};
    }
    const result<std::uint64_t> after = txn.used_bytes();
    if (!after) {
        return after.error();
    }
    const bool grows = *after > before && rows_->row_bytes() > rows_->erased_bytes();
    return grows && *after > environment_->bytes_max() ? make_error_code(errc::no_space)
                                                       : error_code();
}

QUORATE_DECL error_code lmdb_defragmentation::run() {
    auto opened = lmdb_environment::open(from_->directory(), number_,
                                         lmdb_environment::state::incoming, from_->bytes_max());
    if (!opened) {
        return opened.error();
    }
    into_ = std::move(*opened);
    error_code failed = copy();
    if (!failed) {
        failed = into_->promote();
    }
    return failed;
}

QUORATE_DECL error_code lmdb_defragmentation::copy() {
    const result<lmdb_read> rows = lmdb_read::begin(from_);
    if (!rows) {
        return rows.error();
    }
    result<lmdb_write> txn = lmdb_write::begin(into_);
    std::uint64_t waiting = 0;
    error_code failed = txn ? error_code() : txn.error();
    const auto each = [&](byte_view key, byte_view record) {
        const result<char*> place = txn->append(key, record.size());
        if (!place) {
            failed = place.error();
            return false;
        }
        std::memcpy(*place, record.data(), record.size());
        waiting += record.size();
        if (waiting >= detail::lmdb_copy_bytes) {
            waiting = 0;
            failed = txn->commit();
            if (!failed && !(txn = lmdb_write::begin(into_))) {
                failed = txn.error();
            }
        }
        return !failed;
    };
    if (!failed) {
        const error_code unread = rows->walk(state_record_key, each);
        failed = failed ? failed : unread;
    }
    return failed ? failed : txn->commit();
}

} // namespace quorate

#endif

#endif
