// The work of a database on a worker's thread: commits and defragmentations.
// Flow:       beside 12; rows → durable
// In / Out:   pending rows → a transaction; a file → a smaller one
// Invariants: a job shares nothing with its owner that either of them changes
// Source:     as the log's sync_job
// Threads:    `run` on any; everything else on the owner's
#ifndef QUORATE_LMDB_JOBS_HPP
#define QUORATE_LMDB_JOBS_HPP

#include <quorate/lmdb/environment.hpp>
#include <quorate/lmdb/pending_rows.hpp>
#include <quorate/lmdb/row_record.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate {

/// Writes what waits, and what it stands for, in one transaction.
class lmdb_commit {
public:
    /// Blocks until it is durable. Errors: no_space, and the old state is unharmed: the disk is
    /// full, or more pages would be in use than before and than the environment's bytes_max; any
    /// other: the database is not to be used any more.
    [[nodiscard]] QUORATE_DECL error_code run() const;

private:
    friend class lmdb_backend;
    lmdb_commit(std::shared_ptr<lmdb_environment> environment,
                std::shared_ptr<const pending_rows> rows, std::string record,
                std::optional<shared_bytes> tables, bool stands)
        : environment_(std::move(environment)),
          rows_(std::move(rows)),
          record_(std::move(record)),
          tables_(std::move(tables)),
          stands_(stands) {}

    [[nodiscard]] error_code write() const;
    [[nodiscard]] error_code write_rows(lmdb_write& txn) const;
    [[nodiscard]] error_code check_growth(const lmdb_write& txn, std::uint64_t before) const;

    std::shared_ptr<lmdb_environment> environment_;
    std::shared_ptr<const pending_rows> rows_;
    std::string record_;
    std::optional<shared_bytes> tables_; // nothing: what stands there stays
    bool stands_; // for a state of its own, so that the file has to be found after a crash
};

/// Writes the rows anew, page by page full, into a file that takes the place of theirs.
class lmdb_defragmentation {
public:
    /// Blocks for as long as it takes to write all rows; memory held does not grow with them.
    /// Errors: no_space or others; the old file still counts.
    [[nodiscard]] QUORATE_DECL error_code run();

private:
    friend class lmdb_backend;
    lmdb_defragmentation(std::shared_ptr<lmdb_environment> from, std::uint64_t number)
        : from_(std::move(from)), number_(number) {}

    [[nodiscard]] error_code copy();

    std::shared_ptr<lmdb_environment> from_;
    std::uint64_t number_;
    std::shared_ptr<lmdb_environment> into_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/lmdb/impl/jobs.ipp>
#endif

#endif
