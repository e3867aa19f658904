// Calls of LMDB, and the names of its files.
#ifndef QUORATE_LMDB_IMPL_ENVIRONMENT_IPP
#define QUORATE_LMDB_IMPL_ENVIRONMENT_IPP

// Programs that compile the bodies once need LMDB only when they say so.
#if defined(QUORATE_HEADER_ONLY) || defined(QUORATE_WITH_LMDB)

#include <quorate/lmdb/environment.hpp>
#include <quorate/log/posix_file.hpp>
#include <quorate/log/posix_volume.hpp>

#include <boost/system/system_category.hpp>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <vector>

namespace quorate {
namespace detail {

inline constexpr byte_view lmdb_standing_prefix = "rows-";
inline constexpr byte_view lmdb_incoming_prefix = "incoming-";
inline constexpr byte_view lmdb_lock_suffix = "-lock";

inline std::string lmdb_file_name(byte_view prefix, std::uint64_t number) {
    return std::string(prefix) + std::to_string(number);
}
inline std::string lmdb_lock_name(const std::string& file) {
    return file + std::string(lmdb_lock_suffix);
}

/// Returns: the N of prefix-N or prefix-N-lock, zero for any other name.
inline std::uint64_t lmdb_file_number(byte_view name, byte_view prefix) noexcept {
    if (!name.starts_with(prefix)) {
        return 0;
    }
    std::uint64_t number = 0;
    const char* end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + prefix.size(), end, number);
    const byte_view rest(read.ptr, static_cast<std::size_t>(end - read.ptr));
    const bool known = read.ec == std::errc() && (rest.empty() || rest == lmdb_lock_suffix);
    return known ? number : 0;
}

inline MDB_val lmdb_value_of(byte_view bytes) noexcept {
    // LMDB takes what it only reads without const.
    return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline byte_view lmdb_view_of(const MDB_val& value) noexcept {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// What a file may need beside its rows, however small it is.
inline constexpr std::uint64_t lmdb_map_least = 16 << 20;

/// Returns: the bytes of address space for a file whose pages in use are bounded so.
inline std::size_t lmdb_map_bytes(std::uint64_t bytes_max) noexcept {
    constexpr std::uint64_t most = std::uint64_t{1} << 46; // processes have not much more
    const std::uint64_t room = std::min(bytes_max, most / 2) * 2 + lmdb_map_least;
    return static_cast<std::size_t>(room & ~std::uint64_t{0xffff}); // whole pages
}

/// Units: bytes of the pages in use: those of the rows, of the list of free pages, and two roots.
inline result<std::uint64_t> lmdb_used_bytes(MDB_txn* txn, MDB_dbi rows) noexcept {
    constexpr MDB_dbi free_pages = 0;
    std::uint64_t pages = 2;
    MDB_stat stat{};
    for (const MDB_dbi one : {free_pages, rows}) {
        if (const int code = mdb_stat(txn, one, &stat)) {
            return lmdb_error(code);
        }
        pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    }
    return pages * stat.ms_psize;
}

/// Removes what was left unfinished, and what stands, of numbers up to `last` but for `kept`.
inline error_code remove_lmdb_files(posix_volume& disk, std::uint64_t kept, std::uint64_t last) {
    const result<std::vector<std::string>> names = disk.list();
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        const std::uint64_t standing = lmdb_file_number(name, lmdb_standing_prefix);
        const std::uint64_t incoming = lmdb_file_number(name, lmdb_incoming_prefix);
        const bool spent = (standing != 0 && standing != kept && standing <= last) ||
                           (incoming != 0 && incoming <= last);
        if (spent) {
            if (const error_code failed = disk.remove(name)) {
                return failed;
            }
        }
    }
    return {};
}

} // namespace detail

QUORATE_DECL error_code lmdb_error(int code) noexcept {
    switch (code) {
    case MDB_SUCCESS: return {};
    case MDB_MAP_FULL:
    case EDQUOT:
    case EFBIG:
    case ENOSPC: return errc::no_space;
    case MDB_READERS_FULL: return errc::too_many_unapplied;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_BAD_VALSIZE:
    case MDB_INCOMPATIBLE:
    case MDB_NOTFOUND:
    case MDB_KEYEXIST: return errc::corrupt;
    case MDB_VERSION_MISMATCH: return errc::unsupported_version;
    default:
        return code > 0 ? error_code(code, boost::system::system_category())
                        : error_code(errc::poisoned);
    }
}

QUORATE_DECL std::filesystem::path lmdb_environment::file() const {
    const byte_view prefix =
        kind_ == state::standing ? detail::lmdb_standing_prefix : detail::lmdb_incoming_prefix;
    return directory_ / detail::lmdb_file_name(prefix, number_);
}

QUORATE_DECL result<std::shared_ptr<lmdb_environment>> lmdb_environment::open(
    std::filesystem::path directory, std::uint64_t number, state kind, std::uint64_t bytes_max) {
    std::shared_ptr<lmdb_environment> opened(
        new lmdb_environment(std::move(directory), number, kind, bytes_max));
    if (const error_code failed = opened->open_file()) {
        return failed;
    }
    return opened;
}

QUORATE_DECL error_code lmdb_environment::open_file() {
    if (const int code = mdb_env_create(&handle_)) {
        return lmdb_error(code);
    }
    // LMDB itself raises it to what the file holds.
    if (const int code = mdb_env_set_mapsize(handle_, detail::lmdb_map_bytes(bytes_max_))) {
        return lmdb_error(code);
    }
    if (const int code = mdb_env_set_maxreaders(handle_, lmdb_readers_max)) {
        return lmdb_error(code);
    }
    const unsigned sync = kind_ == state::standing ? 0U : unsigned{MDB_NOSYNC};
    const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | sync;
    if (const int code = mdb_env_open(handle_, file().c_str(), flags, 0600)) {
        return lmdb_error(code);
    }
    if (const error_code failed = pad_file()) {
        return failed;
    }
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(handle_, nullptr, MDB_RDONLY, &txn)) {
        return lmdb_error(code);
    }
    const int code = mdb_dbi_open(txn, nullptr, 0, &rows_);
    mdb_txn_abort(txn); // the unnamed table's handle does not go with it
    return lmdb_error(code);
}

QUORATE_DECL error_code lmdb_environment::pad_file() {
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(handle_, &info);
    mdb_env_stat(handle_, &stat);
    const std::uint64_t wanted = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
    const result<std::uint64_t> there = file_bytes();
    if (!there || *there >= wanted) {
        return there ? error_code() : there.error();
    }
    if (wanted > info.me_mapsize) {
        return errc::corrupt;
    }
    posix_file grown(::open(file().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    return grown.is_open() ? grown.resize(wanted) : last_system_error();
}

QUORATE_DECL lmdb_environment::~lmdb_environment() {
    mdb_env_close(handle_);
    if (kind_ == state::incoming) {
        static_cast<void>(remove()); // what stays is removed by the next start
    }
}

QUORATE_DECL error_code lmdb_environment::remove() const {
    std::error_code failed;
    std::filesystem::remove(detail::lmdb_lock_name(file().string()), failed);
    std::filesystem::remove(file(), failed);
    return failed;
}

QUORATE_DECL result<std::uint64_t> lmdb_environment::file_bytes() const {
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(file(), failed);
    return failed ? result<std::uint64_t>(error_code(failed)) : result<std::uint64_t>(size);
}

QUORATE_DECL bool lmdb_environment::cannot_grow() const {
    const std::string zeros(64 << 10, '\0');
    const byte_view piece(zeros);
    posix_file grown(::open(file().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    const result<std::uint64_t> end = file_bytes();
    return grown.is_open() && end && is_out_of_space(grown.write_at(*end, {&piece, 1}));
}

QUORATE_DECL error_code lmdb_environment::promote() {
    if (kind_ == state::standing) {
        return {};
    }
    int code = mdb_env_set_flags(handle_, MDB_NOSYNC, 0);
    if (code == MDB_SUCCESS) {
        code = mdb_env_sync(handle_, 1);
    }
    if (code != MDB_SUCCESS) {
        return lmdb_error(code);
    }
    result<posix_volume> disk = posix_volume::open(directory_);
    if (!disk) {
        return disk.error();
    }
    const std::string from = file().filename().string();
    const std::string upto = detail::lmdb_file_name(detail::lmdb_standing_prefix, number_);
    // The lock first: who opens the file under its new name has to find this process's lock.
    if (const error_code failed =
            disk->rename(detail::lmdb_lock_name(from), detail::lmdb_lock_name(upto))) {
        return failed;
    }
    if (const error_code failed = disk->rename(from, upto)) {
        return failed;
    }
    kind_ = state::standing;
    if (const error_code failed = disk->sync()) {
        return failed;
    }
    return detail::remove_lmdb_files(*disk, number_, number_);
}

QUORATE_DECL result<std::uint64_t> clean_lmdb_directory(const std::filesystem::path& directory) {
    if (const error_code failed = make_directory(directory)) {
        return failed;
    }
    result<posix_volume> disk = posix_volume::open(directory);
    if (!disk) {
        return disk.error();
    }
    const result<std::vector<std::string>> names = disk->list();
    if (!names) {
        return names.error();
    }
    std::uint64_t newest = 0;
    for (const std::string& name : *names) {
        if (!name.ends_with(detail::lmdb_lock_suffix)) {
            newest = std::max(newest, detail::lmdb_file_number(name, detail::lmdb_standing_prefix));
        }
    }
    if (const error_code failed = detail::remove_lmdb_files(*disk, newest, UINT64_MAX)) {
        return failed;
    }
    return newest;
}

QUORATE_DECL result<lmdb_read> lmdb_read::begin(
    std::shared_ptr<const lmdb_environment> environment) {
    lmdb_read begun;
    MDB_txn* txn = nullptr;
    int code = mdb_txn_begin(environment->handle(), nullptr, MDB_RDONLY, &txn);
    if (code == MDB_READERS_FULL) {
        int dead = 0; // places of processes that ended without giving them back
        static_cast<void>(mdb_reader_check(environment->handle(), &dead));
        code = mdb_txn_begin(environment->handle(), nullptr, MDB_RDONLY, &txn);
    }
    if (code != MDB_SUCCESS) {
        return lmdb_error(code);
    }
    begun.environment_ = std::move(environment);
    begun.txn_.reset(txn);
    return begun;
}

QUORATE_DECL result<std::optional<byte_view>> lmdb_read::get(byte_view key) const {
    MDB_val wanted = detail::lmdb_value_of(key);
    MDB_val found{};
    const int code = mdb_get(txn_.get(), environment_->rows(), &wanted, &found);
    if (code == MDB_NOTFOUND) {
        return std::optional<byte_view>();
    }
    if (code != MDB_SUCCESS) {
        return lmdb_error(code);
    }
    return std::optional(detail::lmdb_view_of(found));
}

QUORATE_DECL result<std::optional<byte_view>> lmdb_read::last_key() const {
    const cursor_ptr cursor = open_cursor();
    if (cursor == nullptr) {
        return errc::poisoned;
    }
    MDB_val key{};
    MDB_val value{};
    const int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_LAST);
    if (code == MDB_NOTFOUND) {
        return std::optional<byte_view>();
    }
    if (code != MDB_SUCCESS) {
        return lmdb_error(code);
    }
    return std::optional(detail::lmdb_view_of(key));
}

QUORATE_DECL error_code lmdb_read::renew() {
    mdb_txn_reset(txn_.get());
    return lmdb_error(mdb_txn_renew(txn_.get()));
}

QUORATE_DECL result<std::uint64_t> lmdb_read::used_bytes() const {
    return detail::lmdb_used_bytes(txn_.get(), environment_->rows());
}

QUORATE_DECL lmdb_read::cursor_ptr lmdb_read::open_cursor() const {
    MDB_cursor* cursor = nullptr;
    const int code = mdb_cursor_open(txn_.get(), environment_->rows(), &cursor);
    return cursor_ptr(code == MDB_SUCCESS ? cursor : nullptr);
}

QUORATE_DECL error_code lmdb_read::step(MDB_cursor* cursor, bool first, byte_view& key,
                                        byte_view& value) {
    MDB_val at = detail::lmdb_value_of(key);
    MDB_val found{};
    const int code = mdb_cursor_get(cursor, &at, &found, first ? MDB_SET_RANGE : MDB_NEXT);
    if (code == MDB_NOTFOUND) {
        return errc::index_unavailable;
    }
    key = detail::lmdb_view_of(at);
    value = detail::lmdb_view_of(found);
    return lmdb_error(code);
}

QUORATE_DECL result<lmdb_write> lmdb_write::begin(std::shared_ptr<lmdb_environment> environment) {
    lmdb_write begun;
    MDB_txn* txn = nullptr;
    if (const int code = mdb_txn_begin(environment->handle(), nullptr, 0, &txn)) {
        return lmdb_error(code);
    }
    begun.environment_ = std::move(environment);
    begun.txn_.reset(txn);
    return begun;
}

// LMDB calls a write EIO, too, that a full disk, a quota or a limit for files cut short. The pages
// in use are not written over, so that the transaction can be tried again as a whole.
QUORATE_DECL error_code lmdb_write::reason_of(int code) const {
    return code == EIO && environment_->cannot_grow() ? make_error_code(errc::no_space)
                                                      : lmdb_error(code);
}

QUORATE_DECL result<char*> lmdb_write::append(byte_view key, std::size_t size) {
    MDB_val at = detail::lmdb_value_of(key);
    MDB_val place{size, nullptr};
    const int code =
        mdb_put(txn_.get(), environment_->rows(), &at, &place, MDB_APPEND | MDB_RESERVE);
    if (code != MDB_SUCCESS) {
        return reason_of(code);
    }
    return static_cast<char*>(place.mv_data);
}

QUORATE_DECL error_code lmdb_write::erase(byte_view key) {
    MDB_val at = detail::lmdb_value_of(key);
    return reason_of(mdb_del(txn_.get(), environment_->rows(), &at, nullptr));
}

QUORATE_DECL error_code lmdb_write::replace(byte_view key, byte_view value) {
    MDB_val at = detail::lmdb_value_of(key);
    MDB_val bytes = detail::lmdb_value_of(value);
    return reason_of(mdb_put(txn_.get(), environment_->rows(), &at, &bytes, 0));
}

QUORATE_DECL result<std::uint64_t> lmdb_write::used_bytes() const {
    return detail::lmdb_used_bytes(txn_.get(), environment_->rows());
}

QUORATE_DECL error_code lmdb_write::commit() {
    return reason_of(mdb_txn_commit(txn_.release()));
}

} // namespace quorate

#endif

#endif
