// Encoding and decoding of the parts of a segment.
#ifndef QUORATE_LOG_IMPL_SEGMENT_IPP
#define QUORATE_LOG_IMPL_SEGMENT_IPP

#include <quorate/log/file_name.hpp>
#include <quorate/log/segment.hpp>

namespace quorate {

namespace detail {

inline constexpr byte_view segment_magic = "QRATEWAL";
inline constexpr std::uint16_t segment_version = 3;
inline constexpr std::uint32_t slot_magic = 0x544C5351; // "QSLT"
/// A frame's size is stored combined with this, so that zeros are never a size.
inline constexpr std::uint32_t frame_size_mask = 0x5A3C96E1;

} // namespace detail

QUORATE_DECL std::string encode_segment_header(const segment_header& header) {
    std::string bytes;
    byte_writer out(bytes);
    out.bytes(detail::segment_magic).u32(0);
    out.u16(detail::segment_version).u16(header.fresh ? 1 : 0);
    out.u64(header.cluster.value()).u64(header.member.value()).u64(header.sequence);
    out.u64(header.base.term.value()).u64(header.base.index.value());
    out.u64(header.previous_end).u32(header.previous_chain).u32(header.skipped);
    out.u64(header.group.value()).u64(0).u64(0);
    QUORATE_ASSERT(bytes.size() == segment_header_bytes);
    store_little(bytes.data() + 8, crc32c(byte_view(bytes).substr(12)));
    return bytes;
}

QUORATE_DECL result<checked_segment_header> decode_segment_header(byte_view bytes) noexcept {
    if (bytes.size() < segment_header_bytes) {
        return errc::truncated;
    }
    byte_reader in(bytes.substr(0, segment_header_bytes));
    const bool known = in.bytes(detail::segment_magic.size()) == detail::segment_magic;
    checked_segment_header read;
    read.checksum = in.u32();
    const byte_view covered = bytes.substr(12, segment_header_bytes - 12);
    if (!known || read.checksum != crc32c(covered)) {
        return errc::corrupt;
    }
    if (in.u16() != detail::segment_version) {
        return errc::unsupported_version;
    }
    const std::uint16_t flags = in.u16();
    segment_header& header = read.header;
    header.fresh = flags == 1;
    header.cluster = cluster_id(in.u64());
    header.member = node_id(in.u64());
    header.sequence = in.u64();
    header.base.term = term_id(in.u64());
    header.base.index = log_index(in.u64());
    header.previous_end = in.u64();
    header.previous_chain = in.u32();
    header.skipped = in.u32();
    header.group = group_id(in.u64());
    const bool reserved = in.u64() != 0 || in.u64() != 0;
    if (header.group && !reserved) {
        return errc::feature_unavailable;
    }
    // A segment that continues none voids all before it; one that continues another has its number.
    const bool follows = header.sequence > header.skipped && (header.fresh || header.previous());
    return flags <= 1 && follows && !reserved ? result<checked_segment_header>(read)
                                              : errc::corrupt;
}

QUORATE_DECL const char* complaint_about_header(error_code refused) noexcept {
    if (refused == errc::unsupported_version) {
        return "written by another version";
    }
    return refused == errc::feature_unavailable ? "belongs to one of several groups of a process"
                                                : "the header is damaged";
}

namespace detail {

inline void write_position(byte_writer& out, const log_position& at) noexcept {
    out.u64(at.offset).u64(at.last.term.value()).u64(at.last.index.value());
    out.u64(at.truncations).u32(at.chain).u32(0);
}

inline log_position read_position(byte_reader& in) noexcept {
    log_position at;
    at.offset = in.u64();
    at.last.term = term_id(in.u64());
    at.last.index = log_index(in.u64());
    at.truncations = in.u64();
    at.chain = in.u32();
    static_cast<void>(in.u32());
    return at;
}

} // namespace detail

QUORATE_DECL void encode_segment_slot(const segment_slot& slot, std::uint32_t header_checksum,
                                      char* place) noexcept {
    byte_writer out(place, segment_slot_bytes);
    out.u32(detail::slot_magic).u32(0).u32(header_checksum).u32(slot.closed ? 1 : 0);
    out.u64(slot.generation);
    out.u64(slot.hard.term.value()).u64(slot.hard.vote.value()).u64(slot.hard.commit.value());
    out.u64(slot.hard.lost.term.value()).u64(slot.hard.lost.index.value());
    out.u64(slot.boot).u64(slot.acknowledged_commit.value());
    detail::write_position(out, slot.acknowledged);
    detail::write_position(out, slot.written);
    store_little(place + 4, crc32c({place + 8, segment_slot_bytes - 8}));
}

QUORATE_DECL std::optional<segment_slot> decode_segment_slot(
    byte_view bytes, std::uint32_t header_checksum) noexcept {
    if (bytes.size() < segment_slot_bytes) {
        return {};
    }
    byte_reader in(bytes.substr(0, segment_slot_bytes));
    const bool known = in.u32() == detail::slot_magic;
    const bool sound = in.u32() == crc32c(bytes.substr(8, segment_slot_bytes - 8));
    const bool ours = in.u32() == header_checksum;
    const std::uint32_t flags = in.u32();
    if (!known || !sound || !ours || flags > 1) {
        return {};
    }
    segment_slot slot;
    slot.closed = flags == 1;
    slot.generation = in.u64();
    slot.hard.term = term_id(in.u64());
    slot.hard.vote = node_id(in.u64());
    slot.hard.commit = log_index(in.u64());
    slot.hard.lost.term = term_id(in.u64());
    slot.hard.lost.index = log_index(in.u64());
    slot.boot = in.u64();
    slot.acknowledged_commit = log_index(in.u64());
    slot.acknowledged = detail::read_position(in);
    slot.written = detail::read_position(in);
    const bool ordered = segment_head_bytes <= slot.acknowledged.offset &&
                         slot.acknowledged.offset <= slot.written.offset;
    return ordered ? std::optional(slot) : std::nullopt;
}

QUORATE_DECL std::uint32_t next_chain(std::uint32_t chain, std::uint32_t record_checksum,
                                      std::uint64_t offset, std::uint64_t sequence) noexcept {
    char place[20];
    store_little(place, record_checksum);
    store_little(place + 4, offset);
    store_little(place + 12, sequence);
    return crc32c({place, sizeof(place)}, chain);
}

QUORATE_DECL void encode_frame_prefix(const entry& e, std::uint64_t sequence, log_position& at,
                                      char* place) noexcept {
    encode_record_header(e, place + frame_link_bytes);
    const auto checksum = load_little<std::uint32_t>(place + frame_link_bytes);
    const auto size = static_cast<std::uint32_t>(frame_prefix_bytes + e.payload.size());
    const std::uint32_t chain = next_chain(at.chain, checksum, at.offset, sequence);
    store_little(place, chain);
    store_little(place + 4, size ^ detail::frame_size_mask);
    at.pass(size, chain, e.id());
}

QUORATE_DECL std::optional<frame_prefix> decode_frame_prefix(byte_view bytes, std::uint64_t room,
                                                             const log_position& at,
                                                             std::uint64_t sequence) noexcept {
    if (bytes.size() < frame_prefix_bytes || room < frame_prefix_bytes) {
        return {};
    }
    byte_reader in(bytes);
    frame_prefix prefix;
    prefix.chain = in.u32();
    const std::uint32_t size = in.u32() ^ detail::frame_size_mask;
    const result<record_header> record =
        decode_record_header(bytes.substr(frame_link_bytes), room - frame_prefix_bytes);
    if (!record) {
        return {};
    }
    prefix.record = *record;
    const bool chained =
        prefix.chain == next_chain(at.chain, record->header_checksum, at.offset, sequence);
    return chained && size == prefix.frame_size() ? std::optional(prefix) : std::nullopt;
}

QUORATE_DECL std::string segment_name(const segment_header& header) {
    return numbered_name(header.sequence, header.base.index.value() + 1, ".wal");
}

QUORATE_DECL std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
    const auto numbers = parse_numbered_name(name, ".wal");
    return numbers ? std::optional(numbers->first) : std::nullopt;
}

} // namespace quorate

#endif
