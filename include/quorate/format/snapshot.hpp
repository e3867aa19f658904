// A snapshot as bytes: a checked header with the membership, the data, a checksum of each block.
// Flow:       beside 7; a snapshot replaces the log before it
// In / Out:   snapshot ↔ header, data, table
// Invariants: each byte is under a checksum; a block is verified whenever it is read
// Source:     doc/format.md, "Snapshot"
// Threads:    any
#ifndef QUORATE_FORMAT_SNAPSHOT_HPP
#define QUORATE_FORMAT_SNAPSHOT_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/snapshot.hpp>
#include <quorate/format/primitives.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quorate {

/// What stands before the data.
struct snapshot_header {
    cluster_id cluster;
    node_id member; ///< Who wrote it.
    log_id last;
    membership members;
    std::uint64_t data_size = 0; ///< Bytes.
    std::uint64_t data_hash = 0; ///< See bulk_hash.
};

/// Enough of a file to know how long its header is.
inline constexpr std::size_t snapshot_intro_bytes = 24;
/// A longer header is refused: it would hold more members than any group has.
inline constexpr std::uint32_t snapshot_header_bytes_max = 1 << 20;

/// Returns: the bytes behind so many bytes of data: one checksum a block, and one over those.
[[nodiscard]] constexpr std::uint64_t snapshot_table_bytes(std::uint64_t data_size) noexcept {
    return 4 * (bulk_blocks(data_size) + 1);
}

/// Returns: the whole header, with its own checksum at the end. Its length depends on the number of
/// members alone, so that it can be written last, when size and hash are known.
[[nodiscard]] std::string encode_snapshot_header(const snapshot_header& header);

/// Returns: the length of the header whose first `snapshot_intro_bytes` these are.
/// Errors: truncated, corrupt, unsupported_version, too_large.
[[nodiscard]] result<std::uint32_t> decode_snapshot_intro(byte_view bytes) noexcept;

/// Requires: as many bytes as the intro says. Errors: as for the intro, and corrupt.
[[nodiscard]] result<snapshot_header> decode_snapshot_header(byte_view bytes);

/// Returns: the table of blocks with these checksums.
[[nodiscard]] std::string encode_snapshot_table(std::span<const std::uint32_t> checksums);

/// Requires: snapshot_table_bytes of the header's data size. Returns: the checksum of each block.
/// Errors: corrupt; also where they do not make the header's hash.
[[nodiscard]] result<std::vector<std::uint32_t>> decode_snapshot_table(
    byte_view bytes, const snapshot_header& header);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/snapshot.ipp>
#endif

#endif
