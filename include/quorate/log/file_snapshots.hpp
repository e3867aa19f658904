// Snapshots as files, each complete or not there at all.
// Flow:       beside 7; a snapshot replaces the log before it
// In / Out:   snapshot ↔ file
// Invariants: a file has its final name only once it is durable; opening verifies every byte of
//             the one it gives out, reading each block again; no data is held in memory
// Source:     doc/concept/snapshot_store.md, doc/format.md
// Threads:    save on one thread, intake on one; newest on any
#ifndef QUORATE_LOG_FILE_SNAPSHOTS_HPP
#define QUORATE_LOG_FILE_SNAPSHOTS_HPP

#include <quorate/log/file_name.hpp>
#include <quorate/log/posix_volume.hpp>
#include <quorate/log/snapshot_file.hpp>
#include <quorate/log/snapshot_store.hpp>
#include <quorate/log/volume.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// Models snapshot_store on any volume. Files are named after term and index; one that fails its
/// checks is renamed to end in `.broken`, never removed, and the one before it is tried. A snapshot
/// that is received halfway stays, as a temporary file, until the store is closed, another one
/// begins, or a newer one is saved. Lifetime: what it gave out may outlive it.
template <volume V = posix_volume>
class file_snapshots final : private snapshot_intake {
public:
    static constexpr bool blocking = true;

    /// Errors: wrong_cluster, wrong_member, unsupported_version, or those of the operating system.
    /// Damaged files are no error: see `note`.
    [[nodiscard]] static result<std::unique_ptr<file_snapshots>> open(
        const snapshot_options& options);
    /// The same in a directory that is open already.
    [[nodiscard]] static result<std::unique_ptr<file_snapshots>> open(
        const snapshot_options& options, V disk);
    /// Effects: removes what was received halfway.
    ~file_snapshots();

    /// Effects: writes a file, a block at a time, makes it durable, removes what is then beyond
    /// `keep`. Nothing where the data lies in the newest file already.
    /// Errors: too_large for a membership that no header holds; those of the data, and of the
    /// operating system. The file is then not there, or it is whole. It may be tried again.
    [[nodiscard]] error_code save(const snapshot& snap);

    /// Returns: the one with the greatest index, its data in the file; null when there is none.
    /// Complexity: constant.
    [[nodiscard]] snapshot_ptr newest() const {
        const std::lock_guard lock(mutex_);
        return newest_;
    }

    [[nodiscard]] snapshot_intake& intake() noexcept { return *this; }

    /// Returns: what opening found amiss, for the operator; empty: nothing.
    [[nodiscard]] const std::string& note() const noexcept { return note_; }

    /// Returns: which step of which file failed in the last `save`, and why; empty: it went well.
    [[nodiscard]] std::string failure() const {
        const std::lock_guard lock(mutex_);
        return failure_;
    }

private:
    using file_type = typename V::file_type;
    /// Ordered by index, so that the newest comes last.
    struct named_snapshot {
        log_index index;
        term_id term;
        friend auto operator<=>(const named_snapshot&, const named_snapshot&) noexcept = default;
        [[nodiscard]] std::string name() const {
            return numbered_name(term.value(), index.value(), ".snap");
        }
    };
    /// A snapshot that is being written under a temporary name.
    struct unfinished {
        std::string name;
        snapshot_writer<file_type> writer;
    };
    struct incoming {
        intake_progress progress;
        unfinished file;
    };

    file_snapshots(const snapshot_options& options, V disk)
        : options_(options), disk_(std::move(disk)) {}

    [[nodiscard]] error_code list();
    [[nodiscard]] error_code load_newest();
    [[nodiscard]] result<snapshot_ptr> load(const named_snapshot& named);
    [[nodiscard]] result<unfinished> create(log_id last, const membership& members);
    [[nodiscard]] error_code write(unfinished& made, const bulk_bytes& data, const char*& step);
    [[nodiscard]] result<snapshot_ptr> publish(unfinished& made);
    void discard(const unfinished& made) noexcept;
    void forget_incoming() noexcept;
    void keep(const snapshot_ptr& snap);
    error_code note_failure(log_id last, const char* step, error_code code);
    void prune() noexcept;

    // snapshot_intake
    [[nodiscard]] result<intake_ticket> begin(const snapshot_head& head) override;
    [[nodiscard]] error_code add(std::uint64_t ticket, const shared_bytes& block) override;
    [[nodiscard]] result<snapshot_ptr> finish(std::uint64_t ticket) override;
    [[nodiscard]] bool intake_blocks() const noexcept override { return true; }

    const snapshot_options options_;
    std::string note_;

    std::mutex disk_mutex_; // taken before mutex_
    V disk_;
    std::vector<named_snapshot> kept_; // oldest first
    std::optional<incoming> incoming_;
    snapshot_ptr arrived_; // what the ticket stands for was here already
    std::uint64_t ticket_ = 0;

    mutable std::mutex mutex_;
    snapshot_ptr newest_; // guarded by mutex_
    std::string failure_; // guarded by mutex_
};

static_assert(snapshot_store<file_snapshots<>>);

} // namespace quorate

#include <quorate/log/impl/file_snapshots.hpp>

#endif
