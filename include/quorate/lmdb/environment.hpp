// One file of LMDB: opened with care, read and written in transactions, named by a number.
// Flow:       beside 12; rows on their way to the disk and back
// In / Out:   key and value bytes ↔ pages of a file
// Invariants: a file is called rows-N once it stands for a state, incoming-N before; of several
//             rows-N the greatest N counts; what a commit synced survives any crash
// Source:     LMDB writes pages beside those in use and flips one of two roots last, so a commit
//             that was synced in that order is whole or not there. NOSYNC gives the order up: it is
//             used only while nobody would look for the file after a crash
// Threads:    an environment: any; a transaction: one at a time
#ifndef QUORATE_LMDB_ENVIRONMENT_HPP
#define QUORATE_LMDB_ENVIRONMENT_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

namespace quorate {

/// Returns: a code of LMDB as one of ours, or of the operating system.
/// Errors: no_space when the map or the disk is full; too_many_unapplied for a full table of
/// readers; corrupt; unsupported_version; poisoned for what a fresh start may mend.
[[nodiscard]] QUORATE_DECL error_code lmdb_error(int code) noexcept;

/// How many transactions may read from one file at a time: what is not read by an own reader is
/// read by streams, of snapshots for instance.
inline constexpr unsigned lmdb_readers_max = 512;

/// An open file. The map is as large as the file may grow, from the start: address space costs
/// nothing, and a map cannot be moved while a transaction reads from it. It has room for twice
/// `bytes_max`: pages are written beside those that they replace, so that what takes rows away
/// needs room first.
class lmdb_environment {
public:
    enum class state : std::uint8_t {
        incoming, ///< Being filled; nothing is synced, and the file goes with this object.
        standing, ///< Every commit is synced.
    };

    /// Effects: opens or makes `directory`/rows-N or incoming-N. A file that ends early is padded
    /// with zeros, since reading behind the end of a mapped file ends the process.
    /// Errors: of lmdb_error.
    [[nodiscard]] static QUORATE_DECL result<std::shared_ptr<lmdb_environment>> open(
        std::filesystem::path directory, std::uint64_t number, state kind, std::uint64_t bytes_max);
    lmdb_environment(const lmdb_environment&) = delete;
    lmdb_environment& operator=(const lmdb_environment&) = delete;
    QUORATE_DECL ~lmdb_environment();

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    /// Returns: how many bytes of pages may be in use before commits are refused that add to them.
    [[nodiscard]] std::uint64_t bytes_max() const noexcept { return bytes_max_; }
    /// Returns: the size of the file. Errors: of the operating system.
    [[nodiscard]] QUORATE_DECL result<std::uint64_t> file_bytes() const;

    /// Returns: whether the file cannot grow for want of space. Effects: adds 64 KiB of zeros
    /// behind the pages, which later ones are written over, where there is room.
    [[nodiscard]] QUORATE_DECL bool cannot_grow() const;

    /// Effects: syncs an incoming file and makes it the one that counts; files of smaller numbers
    /// are removed. Nothing, when it stands already. Blocks. Errors: of the operating system.
    [[nodiscard]] QUORATE_DECL error_code promote();
    /// Effects: removes the file; who reads from it goes on. Errors: of the operating system.
    [[nodiscard]] QUORATE_DECL error_code remove() const;

    [[nodiscard]] MDB_env* handle() const noexcept { return handle_; }
    [[nodiscard]] MDB_dbi rows() const noexcept { return rows_; }

private:
    lmdb_environment(std::filesystem::path directory, std::uint64_t number, state kind,
                     std::uint64_t bytes_max)
        : directory_(std::move(directory)), number_(number), kind_(kind), bytes_max_(bytes_max) {}

    [[nodiscard]] std::filesystem::path file() const;
    [[nodiscard]] error_code open_file();
    [[nodiscard]] error_code pad_file();

    std::filesystem::path directory_;
    std::uint64_t number_;
    state kind_; // changed by the one thread that commits
    std::uint64_t bytes_max_;
    MDB_env* handle_ = nullptr;
    MDB_dbi rows_ = 0;
};

/// Returns: the greatest N of the rows-N in a directory, zero when there is none. Effects: makes
/// the directory when it is missing, and removes every other file that an environment left there.
/// Errors: of the operating system.
[[nodiscard]] QUORATE_DECL result<std::uint64_t> clean_lmdb_directory(
    const std::filesystem::path& directory);

/// What the file held when this began, however it goes on.
/// Lifetime: holds the environment open. Views live as long as the transaction.
class lmdb_read {
public:
    lmdb_read(lmdb_read&&) noexcept = default;
    /// The transaction has to end before its environment may.
    lmdb_read& operator=(lmdb_read&& other) noexcept {
        txn_ = std::move(other.txn_);
        environment_ = std::move(other.environment_);
        return *this;
    }
    ~lmdb_read() = default;

    /// Errors: of lmdb_error; too_many_unapplied while lmdb_readers_max others read.
    [[nodiscard]] static QUORATE_DECL result<lmdb_read> begin(
        std::shared_ptr<const lmdb_environment> environment);

    /// Returns: what stands under a key; nothing when there is none. Errors: of lmdb_error.
    [[nodiscard]] QUORATE_DECL result<std::optional<byte_view>> get(byte_view key) const;

    /// Returns: the greatest key; nothing when there is none. Errors: of lmdb_error.
    [[nodiscard]] QUORATE_DECL result<std::optional<byte_view>> last_key() const;

    /// Effects: sees what was committed last. Keeps its place among the readers. Views of before
    /// end. Errors: of lmdb_error.
    [[nodiscard]] QUORATE_DECL error_code renew();

    /// Units: bytes of the pages that hold something. Errors: of lmdb_error.
    [[nodiscard]] QUORATE_DECL result<std::uint64_t> used_bytes() const;

    /// Effects: calls `visit(key, value)` from the first key at or behind `from` on, until it
    /// returns false. Errors: of lmdb_error.
    template <class Visit>
    [[nodiscard]] error_code walk(byte_view from, Visit&& visit) const {
        const cursor_ptr cursor = open_cursor();
        if (cursor == nullptr) {
            return errc::poisoned;
        }
        for (bool first = true;; first = false) {
            byte_view key = from;
            byte_view value;
            const error_code failed = step(cursor.get(), first, key, value);
            if (failed == errc::index_unavailable) {
                return {};
            }
            if (failed) {
                return failed;
            }
            if (!visit(key, value)) {
                return {};
            }
        }
    }

private:
    struct cursor_closer {
        void operator()(MDB_cursor* cursor) const noexcept { mdb_cursor_close(cursor); }
    };
    struct txn_closer {
        void operator()(MDB_txn* txn) const noexcept { mdb_txn_abort(txn); }
    };
    using cursor_ptr = std::unique_ptr<MDB_cursor, cursor_closer>;

    lmdb_read() noexcept = default;
    [[nodiscard]] QUORATE_DECL cursor_ptr open_cursor() const;
    /// Errors: index_unavailable behind the last key.
    [[nodiscard]] static QUORATE_DECL error_code step(MDB_cursor* cursor, bool first,
                                                      byte_view& key, byte_view& value);

    std::shared_ptr<const lmdb_environment> environment_; // goes last
    std::unique_ptr<MDB_txn, txn_closer> txn_;
};

/// Changes that become visible and durable together, or not at all.
class lmdb_write {
public:
    lmdb_write(lmdb_write&&) noexcept = default;
    /// See lmdb_read.
    lmdb_write& operator=(lmdb_write&& other) noexcept {
        txn_ = std::move(other.txn_);
        environment_ = std::move(other.environment_);
        return *this;
    }
    ~lmdb_write() = default;

    /// Blocks while another one is under way. Errors: of lmdb_error.
    [[nodiscard]] static QUORATE_DECL result<lmdb_write> begin(
        std::shared_ptr<lmdb_environment> environment);

    /// Returns: where to write the value, until the next call. Requires: a key behind all others.
    [[nodiscard]] QUORATE_DECL result<char*> append(byte_view key, std::size_t size);
    /// Errors: corrupt when there is no such key; of lmdb_error.
    [[nodiscard]] QUORATE_DECL error_code erase(byte_view key);
    [[nodiscard]] QUORATE_DECL error_code replace(byte_view key, byte_view value);
    /// As of lmdb_read, with what was written so far.
    [[nodiscard]] QUORATE_DECL result<std::uint64_t> used_bytes() const;
    /// Effects: syncs, if the environment stands. This write is spent. Errors: of lmdb_error.
    [[nodiscard]] QUORATE_DECL error_code commit();

private:
    struct txn_closer {
        void operator()(MDB_txn* txn) const noexcept { mdb_txn_abort(txn); }
    };
    lmdb_write() noexcept = default;
    [[nodiscard]] error_code reason_of(int code) const;

    std::shared_ptr<lmdb_environment> environment_; // goes last
    std::unique_ptr<MDB_txn, txn_closer> txn_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/lmdb/impl/environment.ipp>
#endif

#endif
