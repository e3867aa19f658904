// The bytes of a log segment: a header, slots that state the durable part, and chained frames.
// Flow:       7. record → durable
// In / Out:   header, slot, entry ↔ bytes
// Invariants: a frame's chain value binds it to all frames before it, to its place and to its file
// Source:     doc/format.md, "Log segment"
// Threads:    any
#ifndef QUORATE_LOG_SEGMENT_HPP
#define QUORATE_LOG_SEGMENT_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/format/record.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate {

/// Blocks of the head: the header stands in the first, copies of slots in the others. What a disk
/// writes at once, 512 or 4096 bytes, never holds two things that must not be lost together.
inline constexpr std::size_t segment_block_bytes = 4096;
/// Where the first frame starts.
inline constexpr std::size_t segment_head_bytes = 5 * segment_block_bytes;
inline constexpr std::size_t segment_header_bytes = 96;
inline constexpr std::size_t segment_slot_bytes = 160;
/// A slot stands twice, so that no single damage loses what only the newest one knows.
inline constexpr std::size_t slot_copies = 2;
inline constexpr std::size_t frame_link_bytes = 8;
/// What a frame has beside its payload.
inline constexpr std::size_t frame_prefix_bytes = frame_link_bytes + record_header_bytes;
/// A frame's size has 32 bits.
inline constexpr std::uint64_t frame_payload_max = UINT32_MAX - frame_prefix_bytes;

/// What a segment is; written once.
struct segment_header {
    cluster_id cluster;
    node_id member;
    std::uint64_t sequence = 0; ///< Counts segments, from 1; the next one has a greater number.
    log_id base;                ///< The last entry of the log when the segment was opened.
    bool fresh = false; ///< Everything before it is void: the first segment, and after a restart.
    std::uint64_t previous_end = 0;   ///< Where the segment that it continues ends, in bytes.
    std::uint32_t previous_chain = 0; ///< The chain value of its last frame.
    std::uint32_t skipped = 0;        ///< Sequences between the two that were set aside as damaged.
    group_id group;                   ///< Zero; another one is refused.

    /// Returns: the sequence of the segment that it continues; zero: there is none.
    [[nodiscard]] std::uint64_t previous() const noexcept { return sequence - 1 - skipped; }
    friend bool operator==(const segment_header&, const segment_header&) noexcept = default;
};

/// A place between two frames, and what leads there.
struct log_position {
    std::uint64_t offset = segment_head_bytes; ///< Bytes from the start of the file.
    std::uint32_t chain = 0;                   ///< Of the frame before; of the header at the start.
    log_id last;                               ///< The last entry of the log.
    std::uint64_t truncations = 0; ///< Frames of this file that replaced entries before them.

    /// Effects: moves behind a frame.
    void pass(std::uint64_t frame_size, std::uint32_t frame_chain, log_id id) noexcept {
        offset += frame_size;
        chain = frame_chain;
        if (id.index <= last.index) {
            ++truncations;
        }
        last = id;
    }
    friend bool operator==(const log_position&, const log_position&) noexcept = default;
};

/// The durable watermark. A slot is written behind its group's frames and becomes durable by the
/// same sync, in any order. So after a loss of power it vouches for what was durable before, up to
/// `acknowledged`; after the end of a process alone for all that was `written`. Its hard state is
/// the new one.
struct segment_slot {
    std::uint64_t generation = 0; ///< The newest of several slots has the greatest one.
    bool closed = false;          ///< There is a next segment.
    hard_state hard;
    log_index acknowledged_commit; ///< The commit index of the log up to `acknowledged`.
    log_position acknowledged;
    log_position written;
    std::uint64_t boot = 0; ///< As the volume's `boot` was; zero: not known.

    friend bool operator==(const segment_slot&, const segment_slot&) noexcept = default;
};

/// Returns: where slots of this generation are written, all copies as one row of bytes; two in a
/// row never share a place. The row lies across the boundary of two blocks, a copy in each.
[[nodiscard]] constexpr std::uint64_t slot_offset(std::uint64_t generation) noexcept {
    return segment_block_bytes * (2 + 2 * (generation % 2)) - segment_slot_bytes;
}

/// Returns: `segment_header_bytes` bytes, for the start of the file.
[[nodiscard]] std::string encode_segment_header(const segment_header& header);

/// A header as read, with the checksum that starts the chain and ties the slots to it.
struct checked_segment_header {
    segment_header header;
    std::uint32_t checksum = 0;
};

/// Errors: truncated, corrupt, unsupported_version, feature_unavailable: another group than zero.
[[nodiscard]] result<checked_segment_header> decode_segment_header(byte_view bytes) noexcept;
/// Returns: what is wrong with a header that decode_segment_header refused, for people.
[[nodiscard]] const char* complaint_about_header(error_code refused) noexcept;

/// Effects: writes `segment_slot_bytes` bytes at `place`.
void encode_segment_slot(const segment_slot& slot, std::uint32_t header_checksum,
                         char* place) noexcept;

/// Returns: nothing when the bytes are no slot of this very segment.
[[nodiscard]] std::optional<segment_slot> decode_segment_slot(
    byte_view bytes, std::uint32_t header_checksum) noexcept;

/// Returns: the position at the start of a segment's frames.
[[nodiscard]] inline log_position first_position(const segment_header& header,
                                                 std::uint32_t header_checksum) noexcept {
    return {segment_head_bytes, header_checksum, header.base, 0};
}

/// Returns: the chain value of the frame at `offset` whose record has this header checksum.
[[nodiscard]] std::uint32_t next_chain(std::uint32_t chain, std::uint32_t record_checksum,
                                       std::uint64_t offset, std::uint64_t sequence) noexcept;

/// Effects: writes the `frame_prefix_bytes` that go before the payload and moves `at` behind it.
/// Requires: a payload of at most `frame_payload_max` bytes.
void encode_frame_prefix(const entry& e, std::uint64_t sequence, log_position& at,
                         char* place) noexcept;

/// What stands before a payload.
struct frame_prefix {
    std::uint32_t chain = 0;
    record_header record;

    [[nodiscard]] std::uint64_t frame_size() const noexcept {
        return frame_prefix_bytes + std::uint64_t{record.payload_size};
    }
};

/// Returns: nothing unless the bytes start with a sound prefix that continues the chain and whose
/// frame ends within `room` bytes. Nothing else in them can be trusted.
[[nodiscard]] std::optional<frame_prefix> decode_frame_prefix(byte_view bytes, std::uint64_t room,
                                                              const log_position& at,
                                                              std::uint64_t sequence) noexcept;

/// Returns: the file's name: sequence and first index in hexadecimal.
[[nodiscard]] std::string segment_name(const segment_header& header);

/// Returns: the sequence in a segment's file name; nothing for any other name.
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/segment.ipp>
#endif

#endif
