// Snapshots as files, each complete or not there at all.
// Flow:       beside 7; a snapshot replaces the log before it
// In / Out:   snapshot ↔ file
// Invariants: a file has its final name only once it is durable; opening verifies every byte of
//             the one it gives out
// Source:     doc/concept/snapshot_store.md, doc/format.md
// Threads:    save on one thread; newest on any
#ifndef QUORATE_LOG_FILE_SNAPSHOTS_HPP
#define QUORATE_LOG_FILE_SNAPSHOTS_HPP

#include <quorate/base/checksum.hpp>
#include <quorate/format/snapshot.hpp>
#include <quorate/log/file_name.hpp>
#include <quorate/log/frame_reader.hpp>
#include <quorate/log/posix_volume.hpp>
#include <quorate/log/snapshot_store.hpp>
#include <quorate/log/volume.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// Models snapshot_store on any volume. Files are named after term and index; one that fails its
/// checks is renamed to end in `.broken`, never removed, and the one before it is tried.
template <volume V = posix_volume>
class file_snapshots {
public:
    static constexpr bool blocking = true;

    /// Errors: wrong_cluster, wrong_member, unsupported_version, or those of the operating system.
    /// Damaged files are no error: see `note`.
    [[nodiscard]] static result<std::unique_ptr<file_snapshots>> open(
        const snapshot_options& options);
    /// The same in a directory that is open already.
    [[nodiscard]] static result<std::unique_ptr<file_snapshots>> open(
        const snapshot_options& options, V disk);

    /// Effects: writes a file, makes it durable, removes what is then beyond `keep`.
    /// Errors: those of the operating system; the file is then not there, or it is whole. It may
    /// be tried again.
    [[nodiscard]] error_code save(const snapshot& snap);

    /// Returns: the one with the greatest index; null when there is none. Complexity: constant.
    [[nodiscard]] snapshot_ptr newest() const {
        const std::lock_guard lock(mutex_);
        return newest_;
    }

    /// Returns: what opening found amiss, for the operator; empty: nothing.
    [[nodiscard]] const std::string& note() const noexcept { return note_; }

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

    file_snapshots(const snapshot_options& options, V disk)
        : options_(options), disk_(std::move(disk)) {}

    [[nodiscard]] error_code list();
    [[nodiscard]] error_code load_newest();
    [[nodiscard]] result<snapshot_ptr> load(const named_snapshot& named);
    [[nodiscard]] error_code load_data(file_type& file, std::uint64_t offset, std::uint64_t size,
                                       std::uint32_t checksum, rope& data);
    [[nodiscard]] error_code write(temporary_file<file_type>& made, const snapshot& snap);
    void prune() noexcept;

    const snapshot_options options_;
    V disk_;
    std::vector<named_snapshot> kept_; // oldest first
    std::string note_;
    mutable std::mutex mutex_;
    snapshot_ptr newest_; // guarded by mutex_
};

static_assert(snapshot_store<file_snapshots<>>);

} // namespace quorate

#include <quorate/log/impl/file_snapshots.hpp>

#endif
