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
    error_code failed;
    rows_->scan({0, 0}, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& entered) {
        const row_key key = encode_row_key(at);
        const result<char*> place = txn->append(view_of(key), row_record_bytes(entered));
        if (!place) {
            failed = place.error();
            return false;
        }
        encode_row(at, entered, *place);
        return true;
    });
    if (failed) {
        return failed;
    }
    for (const revision at : rows_->erasures()) {
        const row_key key = encode_row_key(at);
        if ((failed = txn->erase(view_of(key)))) {
            return failed;
        }
    }
    if (tables_) {
        failed = txn->replace(tables_record_key, encode_tables_record(tables_->view()));
    }
    if (!failed) {
        failed = txn->replace(state_record_key, record_);
    }
    if (failed) {
        return failed;
    }
    return txn->commit();
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
