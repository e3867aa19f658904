// Bytes of a mark, and the numbers of a file.
#ifndef QUORATE_LOG_IMPL_START_MARK_IPP
#define QUORATE_LOG_IMPL_START_MARK_IPP

#include <quorate/base/assert.hpp>
#include <quorate/base/checksum.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/log/start_mark.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace quorate {
namespace detail {

inline constexpr byte_view mark_magic = "QRATEMRK";
inline constexpr std::uint16_t mark_version = 1;
inline constexpr std::size_t mark_fixed_bytes = 48;

/// File systems that keep a file's inode number for the file's life. Others, such as FUSE, FAT and
/// 9P, may number files anew with each mount, and would raise false alarms.
/// Source: statfs(2).
inline constexpr std::array<std::uint64_t, 9> steady_file_systems{
    0xEF53,     // ext2, ext3, ext4
    0x58465342, // XFS
    0x9123683E, // Btrfs
    0x2FC12FC1, // ZFS
    0xF2F52010, // F2FS
    0xCA451A4E, // bcachefs
    0x01021994, // tmpfs
    0x794C7630, // overlayfs, as in containers
    0x6969,     // NFS
};

[[nodiscard]] inline bool numbers_files_steadily(int descriptor) noexcept {
    struct statfs volume {};
    if (::fstatfs(descriptor, &volume) != 0) {
        return false;
    }
    const auto kind = static_cast<std::uint64_t>(volume.f_type) & 0xFFFFFFFFU;
    return std::find(steady_file_systems.begin(), steady_file_systems.end(), kind) !=
           steady_file_systems.end();
}

[[nodiscard]] inline std::string_view label(const std::string& text) noexcept {
    return std::string_view(text).substr(0, mark_label_bytes_max);
}

} // namespace detail

QUORATE_DECL file_place place_of(const posix_file& file) noexcept {
    struct statx found {};
    const bool steady = detail::numbers_files_steadily(file.descriptor());
    if (!steady ||
        ::statx(file.descriptor(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &found) != 0) {
        return {};
    }
    file_place place{.inode = found.stx_ino};
    if ((found.stx_mask & STATX_BTIME) != 0 && found.stx_btime.tv_sec > 0) {
        place.born_seconds = static_cast<std::uint64_t>(found.stx_btime.tv_sec);
        place.born_nanoseconds = found.stx_btime.tv_nsec;
    }
    return place;
}

QUORATE_DECL std::string encode_mark(const start_mark& mark) {
    const std::string_view token = detail::label(mark.labels.token);
    const std::string_view name = detail::label(mark.labels.name);
    std::string bytes;
    byte_writer out(bytes);
    out.bytes(detail::mark_magic).u16(detail::mark_version).u16(0);
    out.u64(mark.starts).u64(mark.place.inode).u64(mark.place.born_seconds);
    out.u32(mark.place.born_nanoseconds);
    out.u16(static_cast<std::uint16_t>(token.size()));
    out.u16(static_cast<std::uint16_t>(name.size()));
    out.bytes(token).bytes(name);
    out.u32(crc32c(bytes));
    QUORATE_ASSERT(bytes.size() <= mark_bytes_max);
    return bytes;
}

QUORATE_DECL result<start_mark> decode_mark(byte_view bytes) {
    if (bytes.size() < detail::mark_fixed_bytes) {
        return errc::truncated;
    }
    byte_reader in(bytes);
    const bool known = in.bytes(detail::mark_magic.size()) == detail::mark_magic;
    const std::uint16_t version = in.u16();
    const std::uint16_t reserved = in.u16();
    start_mark mark;
    mark.starts = in.u64();
    mark.place = {in.u64(), in.u64(), in.u32()};
    const std::uint16_t token = in.u16();
    const std::uint16_t name = in.u16();
    if (known && version != detail::mark_version) {
        return errc::unsupported_version;
    }
    if (!known || reserved != 0 || token > mark_label_bytes_max || name > mark_label_bytes_max) {
        return errc::corrupt;
    }
    mark.labels.token = std::string(in.bytes(token));
    mark.labels.name = std::string(in.bytes(name));
    const bool sound = in.u32() == crc32c(bytes.substr(0, bytes.size() - 4));
    return sound && in.finished() ? result<start_mark>(std::move(mark)) : errc::corrupt;
}

} // namespace quorate

#endif
