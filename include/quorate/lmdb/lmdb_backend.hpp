// Rows in an LMDB database: written in batches beside the apply path, read where they lie.
// Flow:       12. command → revision; and beside it, rows → disk
// In / Out:   revision → row
// Invariants: what is not committed is in memory, in one batch that waits and at most one that is
//             written; one commit carries rows, erasures and what they stand for; memory held does
//             not grow with the rows
// Source:     models durable_backend. The log is what makes a command durable, so a commit may come
//             late: a start replays what it lacks. What it must never be is half done
// Threads:    the owner's; jobs and streams on any
#ifndef QUORATE_LMDB_LMDB_BACKEND_HPP
#define QUORATE_LMDB_LMDB_BACKEND_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bulk_bytes.hpp>
#include <quorate/format/state.hpp>
#include <quorate/lmdb/environment.hpp>
#include <quorate/lmdb/jobs.hpp>
#include <quorate/lmdb/pending_rows.hpp>
#include <quorate/lmdb/row_layers.hpp>
#include <quorate/lmdb/row_record.hpp>
#include <quorate/store/value_backend.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

/// One built by default has no database: it holds everything in memory, and commits do not exist.
/// Complexity: `put` constant, amortised; `find` logarithmic, a copy of the row where it is in the
/// database, none where it is not; `erase` as `find`.
class lmdb_backend {
public:
    using commit_type = lmdb_commit;

    lmdb_backend() = default;

    /// Effects: makes the directory when it is missing; what a crash left unfinished there goes.
    /// Errors: of lmdb_error: corrupt, unsupported_version, or of the operating system.
    [[nodiscard]] static QUORATE_DECL result<lmdb_backend> open(const database_options& options);

    QUORATE_DECL void put(revision at, row entered);
    [[nodiscard]] QUORATE_DECL std::optional<row> find(revision at) const;
    QUORATE_DECL bool erase(revision at);
    template <class Visit>
    void scan(revision from, revision upto, Visit&& visit) const {
        const bool in_memory = from > stored_last_;
        const lmdb_read* stored = in_memory ? nullptr : reader();
        note(layers(stored).scan(from, upto, std::forward<Visit>(visit)));
    }
    /// The same with a row_view of each row: no value is read from the disk, nor checked.
    template <class Visit>
    void scan_heads(revision from, revision upto, Visit&& visit) const {
        const lmdb_read* stored = from > stored_last_ ? nullptr : reader();
        note(layers(stored).scan_heads(from, upto, std::forward<Visit>(visit)));
    }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(size_); }

    /// Returns: what made this backend unusable: its answers may lack rows from then on. It is not
    /// cleared: only a fresh start recovers.
    [[nodiscard]] error_code error() const noexcept { return error_; }
    /// Returns: what the database holds, as of the last commit that was finished; zero: nothing.
    [[nodiscard]] const state_mark& held() const noexcept { return held_; }

    /// Effects: calls `visit(revision, row_view)` for the rows of the database, in order, until it
    /// returns false; reads no values. Requires: nothing was put or erased since it was opened.
    /// Errors: corrupt when rows are missing or rotten; of lmdb_error.
    template <class Visit>
    [[nodiscard]] error_code walk(Visit&& visit) const;

    /// Returns: whether the owner had better begin a commit.
    [[nodiscard]] bool wants_commit() const noexcept {
        const bool due = recent_.bytes() >= batch_bytes_ || (filling_ && size_ != 0);
        return can_commit() && (due || frozen_ != nullptr);
    }
    /// Returns: whether a commit may begin: there is a database, and no job is under way.
    [[nodiscard]] bool can_commit() const noexcept {
        return environment_ != nullptr && !job_under_way_ && !error_;
    }
    /// Effects: what waits is to be committed as the state `mark`, together with what found no
    /// space before: rows of that may have been erased since. Rows may be put, found and erased
    /// while the job runs. Requires: can_commit().
    [[nodiscard]] QUORATE_DECL lmdb_commit begin_commit(state_mark mark);
    /// Effects: takes note of what the job ended with. One begun before the backend was replaced
    /// means nothing. Errors: `failed`; this backend is unusable then, unless it is no_space.
    QUORATE_DECL error_code finish_commit(lmdb_commit job, error_code failed);
    /// Effects: all three steps at once. Blocks. Errors: as `finish_commit`.
    QUORATE_DECL error_code commit(state_mark mark);

    /// Returns: an empty backend beside this one, which takes its place in the directory with its
    /// first commit, and leaves nothing there without one. Its file is not synced until then.
    /// One that could not be made has an `error()`.
    [[nodiscard]] QUORATE_DECL lmdb_backend successor();

    /// Effects: commits wait until the job is finished; rows do not. Reads go on.
    /// Requires: can_commit(), and a state is held.
    [[nodiscard]] QUORATE_DECL lmdb_defragmentation begin_defragmentation();
    /// Errors: `failed`; the old file goes on then.
    QUORATE_DECL error_code finish_defragmentation(lmdb_defragmentation job, error_code failed);

    /// Returns: the bytes of format/state.hpp for the rows as they are now, but for those that
    /// `hidden` names, which is in order. Read from the database piece by piece, on any thread,
    /// however this backend goes on. Holds the pages that it may still read, so that the file grows
    /// while one lives. `header.rows` is filled in; `hidden_bytes`: of their keys and values.
    /// Where too many streams live already, reading it fails as too_many_unapplied.
    [[nodiscard]] QUORATE_DECL bulk_bytes stream(state_header header, std::vector<revision> hidden,
                                                 std::uint64_t hidden_bytes) const;

    /// Units: bytes in memory for rows that wait, about.
    [[nodiscard]] std::uint64_t pending_bytes() const noexcept {
        return recent_.bytes() + (frozen_ == nullptr ? 0 : frozen_->bytes());
    }
    /// Units: bytes of the file, its free pages included. Errors: of the operating system.
    [[nodiscard]] result<std::uint64_t> file_bytes() const {
        return environment_ == nullptr ? result<std::uint64_t>(0) : environment_->file_bytes();
    }
    /// Units: about the bytes that hold something: pages of the file in use, and what waits,
    /// without what is erased and waits to be freed.
    [[nodiscard]] QUORATE_DECL std::uint64_t used_bytes() const noexcept;
    /// Units: bytes that the file has, or will have once what waits is written. Free pages count;
    /// they take rows that wait, and only what does not fit makes the file grow.
    [[nodiscard]] QUORATE_DECL std::uint64_t grown_bytes() const noexcept;

private:
    [[nodiscard]] static QUORATE_DECL result<lmdb_backend> begin(
        const database_options& options, std::shared_ptr<std::atomic<std::uint64_t>> next_number);
    [[nodiscard]] QUORATE_DECL error_code adopt();
    /// Effects: the own reader sees what was committed last, rows of so many bytes in all.
    QUORATE_DECL void look_again(std::uint64_t stored_bytes);
    /// Returns: a transaction on what was committed last; null without a database, or on an error.
    [[nodiscard]] QUORATE_DECL const lmdb_read* reader() const;
    [[nodiscard]] row_layers layers(const lmdb_read* stored) const noexcept {
        return {stored, stored_last_, frozen_.get(), recent_};
    }
    void note(error_code failed) const noexcept {
        if (failed && !error_) {
            error_ = failed;
        }
    }
    QUORATE_DECL void flush();

    std::shared_ptr<lmdb_environment> environment_;
    mutable std::optional<lmdb_read> reader_;
    std::uint64_t batch_bytes_ = 0;
    /// Of files; shared with successors, which may be filled on another thread.
    std::shared_ptr<std::atomic<std::uint64_t>> next_number_;
    pending_rows recent_;
    std::shared_ptr<const pending_rows> frozen_; // being written, or to be tried again
    state_mark frozen_mark_;
    std::uint64_t frozen_size_ = 0;
    std::uint64_t frozen_bytes_ = 0;
    revision frozen_last_;
    revision stored_last_; // no row of the database is later
    revision last_;        // the greatest ever put
    std::uint64_t size_ = 0;
    std::uint64_t bytes_ = 0;        // of the keys and values of all rows
    std::uint64_t page_bytes_ = 0;   // in use as of the last commit
    std::uint64_t stored_bytes_ = 0; // of the rows on those pages
    state_mark held_;
    bool filling_ = false; // a successor without a commit of its own
    bool job_under_way_ = false;
    mutable error_code error_;
};

template <class Visit>
error_code lmdb_backend::walk(Visit&& visit) const {
    QUORATE_ASSERT(recent_.empty());
    const lmdb_read* stored = reader();
    if (stored == nullptr) {
        return error_;
    }
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    error_code rotten;
    bool going = true;
    const error_code failed = stored->walk(state_record_key, [&](byte_view key, byte_view record) {
        if (is_record_key(key)) {
            return true;
        }
        const std::optional<revision> at = decode_row_key(key);
        const result<row_view> found = at ? decode_row_head(*at, record) : errc::corrupt;
        if (!found) {
            rotten = found.error();
            return false;
        }
        ++rows;
        bytes += found->bytes();
        return going = visit(*at, *found);
    });
    if (failed || rotten) {
        return failed ? failed : rotten;
    }
    return going && (rows != size_ || bytes != bytes_) ? error_code(errc::corrupt) : error_code();
}

static_assert(durable_backend<lmdb_backend>);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/lmdb/impl/lmdb_backend.ipp>
#endif

#endif
