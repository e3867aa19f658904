// A snapshot as bytes: a checked header with the membership, the data, and a checksum over all.
// Flow:       beside 7; a snapshot replaces the log before it
// In / Out:   snapshot ↔ header, data, trailer
// Invariants: nothing is believed of a file whose checksum has not been compared to its end
// Source:     doc/format.md, "Snapshot"
// Threads:    any
#ifndef QUORATE_FORMAT_SNAPSHOT_HPP
#define QUORATE_FORMAT_SNAPSHOT_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/snapshot.hpp>
#include <quorate/format/primitives.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate {

/// What stands before the data.
struct snapshot_header {
    cluster_id cluster;
    node_id member; ///< Who wrote it.
    log_id last;
    membership members;
    std::uint64_t data_size = 0; ///< Bytes.
};

/// Enough of a file to know how long its header is.
inline constexpr std::size_t snapshot_intro_bytes = 24;
/// A longer header is refused: it would hold more members than any group has.
inline constexpr std::uint32_t snapshot_header_bytes_max = 1 << 20;
/// The checksum of everything before it.
inline constexpr std::size_t snapshot_trailer_bytes = 4;

/// Returns: the whole header, with its own checksum at the end.
[[nodiscard]] std::string encode_snapshot_header(const snapshot_header& header);

/// Returns: the length of the header whose first `snapshot_intro_bytes` these are.
/// Errors: truncated, corrupt, unsupported_version, too_large.
[[nodiscard]] result<std::uint32_t> decode_snapshot_intro(byte_view bytes) noexcept;

/// Requires: as many bytes as the intro says. Errors: as for the intro, and corrupt.
[[nodiscard]] result<snapshot_header> decode_snapshot_header(byte_view bytes);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/snapshot.ipp>
#endif

#endif
