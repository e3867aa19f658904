// One log entry as bytes, the same on disk and on the wire: a header of 32 bytes and the payload.
// Flow:       6. entry → record
// In / Out:   entry ↔ record header + payload slice
// Invariants: the payload is never copied and its checksum is computed once, by the proposer
// Source:     doc/format.md, "Record"
// Threads:    any
#ifndef QUORATE_FORMAT_RECORD_HPP
#define QUORATE_FORMAT_RECORD_HPP

#include <quorate/base/checksum.hpp>
#include <quorate/base/result.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/format/primitives.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace quorate {

inline constexpr std::size_t record_header_bytes = 32;
inline constexpr std::uint8_t record_version = 1;

/// A decoded header; the payload of `payload_size` bytes follows it.
struct record_header {
    std::uint32_t header_checksum = 0; ///< Over the other 28 bytes; binds term, index and payload.
    std::uint32_t payload_checksum = 0;
    std::uint32_t payload_size = 0;
    entry_kind kind = entry_kind::normal;
    term_id term;
    log_index index;

    friend bool operator==(const record_header&, const record_header&) noexcept = default;
};

/// Returns: what belongs into entry::payload_checksum. Zero for an empty payload.
[[nodiscard]] inline std::uint32_t payload_checksum_of(byte_view payload) noexcept {
    return crc32c(payload);
}

/// Errors: corrupt when the payload is not what its checksum was computed from. Complexity: linear.
[[nodiscard]] inline error_code check_payload(const entry& e) noexcept {
    return payload_checksum_of(e.payload.view()) == e.payload_checksum ? error_code()
                                                                       : errc::corrupt;
}

/// Effects: writes the header of the entry's record. Requires: `record_header_bytes` at `place`.
void encode_record_header(const entry& e, char* place) noexcept;

/// Reads a header from the front of `bytes`; what follows is not looked at.
/// Errors: truncated (fewer than 32 bytes), corrupt, unsupported_version, too_large (a payload over
/// `payload_limit` bytes; checked before anybody allocates for it).
[[nodiscard]] result<record_header> decode_record_header(byte_view bytes,
                                                         std::uint64_t payload_limit) noexcept;

/// Returns: the entry that a header and its payload make; the payload is not checked here.
[[nodiscard]] inline entry make_entry(const record_header& header, shared_bytes payload) noexcept {
    return {header.term, header.index, header.kind, header.payload_checksum, std::move(payload)};
}

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/record.ipp>
#endif

#endif
