// The mark of a start in a data directory, which a copy of the directory does not fit.
// Flow:       before 1; read when the directory is opened, replaced once the log is written
// In / Out:   file, labels → mark ↔ bytes
// Invariants: each start writes a new file, so that a copy of an earlier state does not fit it
// Source:     doc/format.md, "Start mark"; doc/disaster.md
// Threads:    one
#ifndef QUORATE_LOG_START_MARK_HPP
#define QUORATE_LOG_START_MARK_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/result.hpp>
#include <quorate/log/posix_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate {

/// Longest token or name that a mark keeps. Longer ones are cut.
inline constexpr std::size_t mark_label_bytes_max = 256;
inline constexpr std::size_t mark_bytes_max = 64 + 2 * mark_label_bytes_max;

/// Which file a file is, on a file system whose numbers outlive a restart of the machine and a move
/// to another one. The device is no part of it: its number changes with both.
struct file_place {
    std::uint64_t inode = 0;        ///< Zero: the file system keeps no such numbers.
    std::uint64_t born_seconds = 0; ///< When the file was made; zero: not known.
    std::uint32_t born_nanoseconds = 0;

    friend bool operator==(const file_place&, const file_place&) noexcept = default;
};

/// Returns: whether both may be the same file; a part that one of them lacks is not compared.
[[nodiscard]] constexpr bool may_be_same(const file_place& a, const file_place& b) noexcept {
    if (a.inode == 0 || b.inode == 0) {
        return true;
    }
    const bool born_known = a.born_seconds != 0 && b.born_seconds != 0;
    return a.inode == b.inode && (!born_known || (a.born_seconds == b.born_seconds &&
                                                  a.born_nanoseconds == b.born_nanoseconds));
}

/// What the operator calls the cluster and the member. Empty: not known, and not compared.
struct directory_labels {
    std::string token;
    std::string name;

    friend bool operator==(const directory_labels&, const directory_labels&) noexcept = default;
};

struct start_mark {
    std::uint64_t starts = 0; ///< So many starts of a member on the directory; zero: only prepared.
    file_place place;         ///< Of the file that holds this mark.
    directory_labels labels;

    friend bool operator==(const start_mark&, const start_mark&) noexcept = default;
};

/// Returns: where an open file is; all zero where the file system keeps no steady numbers.
[[nodiscard]] file_place place_of(const posix_file& file) noexcept;

/// Returns: at most mark_bytes_max bytes.
[[nodiscard]] std::string encode_mark(const start_mark& mark);
/// Errors: truncated, corrupt, unsupported_version.
[[nodiscard]] result<start_mark> decode_mark(byte_view bytes);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/start_mark.ipp>
#endif

#endif
