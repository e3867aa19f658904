// The contract of one directory of files, so that logs and snapshots also run on a simulated disk.
// Flow:       7. record → durable
// Invariants: bytes are durable once `sync_data` returns, names once the volume's `sync` does
// Source:     what POSIX promises and no more; see doc/concept/log_store.md, "What is assumed"
// Threads:    one at a time per file and per volume
#ifndef QUORATE_LOG_VOLUME_HPP
#define QUORATE_LOG_VOLUME_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/result.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_category.hpp>

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// One open file. After a failed write or sync nothing is known of what reached the disk: the
/// caller gives the file up and never tries again.
template <class F>
concept volume_file = std::movable<F> &&
    requires(F file, std::uint64_t offset, char* place, std::size_t size,
             std::span<const byte_view> pieces) {
    /// Returns: the bytes in the file.
    { file.size() } -> std::same_as<result<std::uint64_t>>;
    /// Returns: how many bytes were read; fewer than asked only at the end of the file.
    { file.read_at(offset, place, size) } -> std::same_as<result<std::size_t>>;
    /// Writes all pieces one behind the other, or fails.
    { file.write_at(offset, pieces) } -> std::same_as<error_code>;
    /// Makes the file at least this long, with zeros, on blocks that are already assigned.
    { file.reserve(offset) } -> std::same_as<error_code>;
    /// Makes the file exactly this long.
    { file.resize(offset) } -> std::same_as<error_code>;
    /// Makes the bytes durable, and what is needed to read them back.
    { file.sync_data() } -> std::same_as<error_code>;
};

/// A file that is not known by its final name yet.
template <class File>
struct temporary_file {
    File file;
    std::string name; ///< Ends in `temporary_suffix`.
};

/// Whatever has a name like this was left by a crash and means nothing.
inline constexpr std::string_view temporary_suffix = ".tmp";

/// One directory. Names have no path separators.
template <class V>
concept volume = std::movable<V> && volume_file<typename V::file_type> &&
    requires(V disk, const std::filesystem::path& directory, const std::string& name) {
    /// Opens the directory; makes it, durably, when there is none.
    { V::open(directory) } -> std::same_as<result<V>>;
    { disk.list() } -> std::same_as<result<std::vector<std::string>>>;
    { disk.open_file(name) } -> std::same_as<result<typename V::file_type>>;
    /// A new empty file under a name that nobody can foretell.
    { disk.create_temporary() } -> std::same_as<result<temporary_file<typename V::file_type>>>;
    /// Replaces whatever has the new name, atomically.
    { disk.rename(name, name) } -> std::same_as<error_code>;
    { disk.remove(name) } -> std::same_as<error_code>;
    /// Makes the names durable.
    { disk.sync() } -> std::same_as<error_code>;
    /// A number that stays the same for as long as nothing that was written can be lost: as long
    /// as the machine runs. Zero: not known.
    { disk.boot() } -> std::same_as<std::uint64_t>;
    /// The directory as the operator knows it, for messages.
    { disk.path(name) } -> std::same_as<std::string>;
};

/// Returns: the bytes that may still be written to a volume; all there are where it does not tell.
template <volume V>
[[nodiscard]] std::uint64_t free_bytes_of(const V& disk) noexcept {
    if constexpr (requires { disk.free_bytes(); }) {
        return disk.free_bytes();
    } else {
        return UINT64_MAX;
    }
}

/// Whatever has a name like this was damaged, is kept for who wants to look, and is never read.
inline constexpr std::string_view broken_suffix = ".broken";

/// Returns: whether a crash left the file behind half made.
[[nodiscard]] inline bool is_temporary(byte_view name) noexcept {
    return name.ends_with(temporary_suffix);
}

/// Returns: whether an error says that there is no room, and nothing worse: one of the operating
/// system, for a disk, a quota or the length that files may have (ulimit -f), or no_space.
[[nodiscard]] inline bool is_out_of_space(const error_code& code) noexcept {
    return code == errc::no_space || code == boost::system::errc::no_space_on_device ||
           code == boost::system::errc::file_too_large ||
           (code.category() == boost::system::system_category() && code.value() == EDQUOT);
}

/// Gives a temporary file its final name, durably: sync the bytes, rename, sync the names.
/// Errors: of the operating system; the final name then stands for the old file or for this one.
template <volume V>
[[nodiscard]] error_code publish(V& disk, temporary_file<typename V::file_type>& made,
                                 const std::string& name) {
    if (const error_code failed = made.file.sync_data()) {
        return failed;
    }
    if (const error_code failed = disk.rename(made.name, name)) {
        return failed;
    }
    made.name = name;
    return disk.sync();
}

} // namespace quorate

#endif
