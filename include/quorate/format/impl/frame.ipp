// Encoding and decoding of frames.
#ifndef QUORATE_FORMAT_IMPL_FRAME_IPP
#define QUORATE_FORMAT_IMPL_FRAME_IPP

#include <quorate/format/frame.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace quorate {
namespace detail {

inline constexpr std::size_t message_fields_bytes = 64;
/// Entry count and padding, so that the records of a frame lie at multiples of eight.
inline constexpr std::size_t entries_head_bytes = 8;
static_assert(frame_bytes_around_entry ==
              frame_header_bytes + message_fields_bytes + entries_head_bytes + record_header_bytes);
inline constexpr std::size_t hello_body_bytes = hello_frame_bytes - frame_header_bytes;
static_assert(hello_frame_bytes <= hello_frame_bytes_max);
inline constexpr std::uint8_t past_holds_nothing = 1;
inline constexpr std::uint8_t past_holds_last = 2;
inline constexpr std::uint8_t past_birth_applied = 4;
inline constexpr std::uint8_t past_joining = 8;
inline constexpr std::uint8_t past_admits_loss = 16;
inline constexpr std::uint8_t past_flags = 31;
inline constexpr std::size_t chunk_fields_bytes = 24;
inline constexpr std::size_t progress_body_bytes = 24;
inline constexpr std::size_t call_fields_bytes = 16;
inline constexpr std::size_t snapshot_head_bytes = 64;
inline constexpr std::uint8_t flag_reject = 1;
inline constexpr std::uint8_t flag_transfer = 2;
inline constexpr std::uint8_t flag_lost = 4;

[[nodiscard]] constexpr bool carries_entries(message_kind kind) noexcept {
    return kind == message_kind::proposal || kind == message_kind::append;
}

/// Returns: how many bytes at the front of the body `fields_checksum` covers. What stands behind
/// them (records, chunk data) has checksums of its own.
[[nodiscard]] inline std::uint64_t covered_bytes(const frame_header& header) noexcept {
    if (header.kind == frame_kind_chunk) {
        return chunk_fields_bytes;
    }
    if (header.kind == frame_kind_call) {
        return call_fields_bytes;
    }
    const bool entries =
        header.kind <= message_kind_max && carries_entries(static_cast<message_kind>(header.kind));
    return entries ? message_fields_bytes + entries_head_bytes : header.body_size;
}

/// Effects: writes the header before a body whose covered bytes stand behind it already.
inline void seal_frame(char* place, std::uint8_t kind, std::uint8_t flags, std::uint32_t body_size,
                       std::size_t covered) noexcept {
    store_little(place + 4, frame_magic);
    store_little(place + 5, frame_version);
    store_little(place + 6, kind);
    store_little(place + 7, flags);
    store_little(place + 8, body_size);
    store_little(place + 12, crc32c({place + frame_header_bytes, covered}));
    store_little(place + 16, group_id().value());
    store_little(place + 24, std::uint64_t{0});
    store_little(place, crc32c({place + 4, frame_header_bytes - 4}));
}

inline void write_fields(const message& m, byte_writer& out) {
    out.u64(m.to.value()).u64(m.from.value());
    out.u64(m.term.value()).u64(m.log_term.value()).u64(m.index.value());
    out.u64(m.commit.value()).u64(m.reject_hint.value()).u64(m.context);
}

[[nodiscard]] inline message read_fields(const frame_header& header, byte_reader& in) noexcept {
    message m;
    m.kind = static_cast<message_kind>(header.kind);
    m.reject = (header.flags & flag_reject) != 0;
    m.transfer = (header.flags & flag_transfer) != 0;
    m.lost = (header.flags & flag_lost) != 0;
    m.to = node_id(in.u64());
    m.from = node_id(in.u64());
    m.term = term_id(in.u64());
    m.log_term = term_id(in.u64());
    m.index = log_index(in.u64());
    m.commit = log_index(in.u64());
    m.reject_hint = log_index(in.u64());
    m.context = in.u64();
    return m;
}

[[nodiscard]] inline std::uint8_t flags_of(const message& m) noexcept {
    const unsigned reject = m.reject ? flag_reject : 0;
    const unsigned transfer = m.transfer ? flag_transfer : 0;
    const unsigned lost = m.lost ? flag_lost : 0;
    return static_cast<std::uint8_t>(reject | transfer | lost);
}

[[nodiscard]] inline std::size_t encoded_ids(const membership& m) noexcept {
    return m.voters.size() + m.outgoing.size() + m.learners.size() + m.learners_next.size();
}

inline void write_members(const membership& m, byte_writer& out) {
    const id_set* const sets[] = {&m.voters, &m.outgoing, &m.learners, &m.learners_next};
    out.u64(m.auto_leave ? 1 : 0);
    for (const id_set* set : sets) {
        out.u32(static_cast<std::uint32_t>(set->size()));
    }
    for (const id_set* set : sets) {
        for (node_id id : *set) {
            out.u64(id.value());
        }
    }
}

/// Effects: reads `count` ids, which must stand in ascending order; fails the reader otherwise.
inline void read_ids(byte_reader& in, std::uint32_t count, id_set& ids) {
    node_id before;
    for (std::uint32_t i = 0; i < count; ++i) {
        const node_id id(in.u64());
        if (in.failed() || id <= before) {
            in.fail();
            return;
        }
        ids.insert(id);
        before = id;
    }
}

[[nodiscard]] inline membership read_members(byte_reader& in) {
    membership m;
    const std::uint64_t auto_leave = in.u64();
    m.auto_leave = auto_leave == 1;
    std::uint32_t counts[4] = {};
    std::uint64_t total = 0;
    for (std::uint32_t& count : counts) {
        count = in.u32();
        total += count;
    }
    // The ids end the frame, so their number is known before anything is allocated for them.
    if (auto_leave > 1 || total * 8 != in.remaining()) {
        in.fail();
        return {};
    }
    read_ids(in, counts[0], m.voters);
    read_ids(in, counts[1], m.outgoing);
    read_ids(in, counts[2], m.learners);
    read_ids(in, counts[3], m.learners_next);
    return m;
}

/// Errors: corrupt when an entry does not stand where its frame says it does.
[[nodiscard]] inline error_code check_place(const message& m, const record_header& record,
                                            std::uint64_t position) noexcept {
    if (m.kind == message_kind::proposal) {
        return record.term || record.index ? error_code(errc::corrupt) : error_code();
    }
    const bool fits = position < UINT64_MAX - m.index.value();
    return fits && record.index == m.index + (position + 1) ? error_code() : errc::corrupt;
}

[[nodiscard]] inline result<entry> read_entry(const message& m, const shared_bytes& body,
                                              std::size_t& at, std::uint64_t position) {
    const auto record =
        decode_record_header(body.view().substr(at), body.size() - at - record_header_bytes);
    if (!record) {
        return record.error();
    }
    if (const error_code ec = check_place(m, *record, position)) {
        return ec;
    }
    at += record_header_bytes;
    entry e = make_entry(*record, body.slice(at, record->payload_size));
    at += record->payload_size;
    if (const error_code ec = check_payload(e)) {
        return ec;
    }
    return e;
}

[[nodiscard]] inline result<frame_content> read_entries(const message& m,
                                                        const shared_bytes& body) {
    byte_reader head(body.view().substr(message_fields_bytes, entries_head_bytes));
    const std::uint32_t count = head.u32();
    const std::uint32_t reserved = head.u32();
    std::size_t at = message_fields_bytes + entries_head_bytes;
    if (reserved != 0 || count > (body.size() - at) / record_header_bytes) {
        return errc::corrupt;
    }
    std::vector<entry> entries;
    entries.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (body.size() - at < record_header_bytes) {
            return errc::corrupt;
        }
        auto e = read_entry(m, body, at, i);
        if (!e) {
            return e.error();
        }
        entries.push_back(std::move(*e));
    }
    if (at != body.size()) {
        return errc::corrupt;
    }
    return frame_content(owned_message(m, std::move(entries)));
}

[[nodiscard]] inline result<frame_content> read_snapshot_start(const message& m, byte_reader& in) {
    snapshot_start start;
    start.head = m;
    start.number = in.u64();
    start.snap.last.term = term_id(in.u64());
    start.snap.last.index = log_index(in.u64());
    start.snap.size = in.u64();
    start.snap.hash = in.u64();
    start.snap.members = read_members(in);
    if (!in.finished() || check(start.snap.members)) {
        return errc::corrupt;
    }
    return frame_content(std::move(start));
}

[[nodiscard]] inline result<frame_content> read_message(const frame_header& header,
                                                        const shared_bytes& body) {
    if ((header.flags & ~(flag_reject | flag_transfer | flag_lost)) != 0) {
        return errc::corrupt;
    }
    byte_reader in(body.view());
    const message m = read_fields(header, in);
    if (carries_entries(m.kind)) {
        return read_entries(m, body);
    }
    if (m.kind == message_kind::install_snapshot) {
        return read_snapshot_start(m, in);
    }
    if (!in.finished()) {
        return errc::corrupt;
    }
    return frame_content(owned_message(m, {}));
}

[[nodiscard]] inline result<frame_content> read_chunk(const shared_bytes& body) {
    byte_reader in(body.view());
    snapshot_chunk chunk;
    chunk.number = in.u64();
    chunk.offset = in.u64();
    const std::uint32_t checksum = in.u32();
    const std::uint32_t reserved = in.u32();
    chunk.data = body.slice(chunk_fields_bytes);
    const bool sized = !chunk.data.empty() && chunk.data.size() <= chunk_data_bytes;
    if (reserved != 0 || !sized || crc32c(chunk.data.view()) != checksum) {
        return errc::corrupt;
    }
    return frame_content(std::move(chunk));
}

[[nodiscard]] inline result<frame_content> read_call(const shared_bytes& body) {
    byte_reader in(body.view());
    member_call call;
    call.number = in.u64();
    const std::uint8_t answers = in.u8();
    call.topic = in.u8();
    const std::uint16_t reserved = in.u16();
    const std::uint32_t checksum = in.u32();
    call.answers = answers == 1;
    call.data = body.slice(call_fields_bytes);
    if (answers > 1 || reserved != 0 || call.data.size() > call_bytes_max ||
        crc32c(call.data.view()) != checksum) {
        return errc::corrupt;
    }
    return frame_content(std::move(call));
}

[[nodiscard]] inline result<frame_content> read_progress(byte_view body) {
    byte_reader in(body);
    snapshot_progress progress;
    progress.number = in.u64();
    progress.offset = in.u64();
    const std::uint32_t refused = in.u32();
    const std::uint32_t reserved = in.u32();
    progress.refused = refused == 1;
    if (!in.finished() || refused > 1 || reserved != 0) {
        return errc::corrupt;
    }
    return frame_content(progress);
}

[[nodiscard]] inline std::uint8_t flags_of(const member_past& past) noexcept {
    const auto flag = [](bool set, std::uint8_t value) { return set ? value : 0; };
    return static_cast<std::uint8_t>(
        flag(past.holds_nothing, past_holds_nothing) | flag(past.holds_last, past_holds_last) |
        flag(past.birth_applied, past_birth_applied) | flag(past.joining, past_joining) |
        flag(past.admits_loss, past_admits_loss));
}

/// Effects: reads what stands behind the ids of a hello; fails the reader on what encode_hello does
/// not write.
[[nodiscard]] inline member_past read_past(byte_reader& in, std::uint8_t flags,
                                           std::uint32_t checksum) {
    member_past past;
    past.birth = birth_mark(in.u64());
    past.starts = in.u64();
    past.life = in.u64();
    past.last.term = term_id(in.u64());
    past.last.index = log_index(in.u64());
    past.last_checksum = checksum;
    past.holds_nothing = (flags & past_holds_nothing) != 0;
    past.holds_last = (flags & past_holds_last) != 0;
    past.birth_applied = (flags & past_birth_applied) != 0;
    past.joining = (flags & past_joining) != 0;
    past.admits_loss = (flags & past_admits_loss) != 0;
    const bool sound = (past.holds_last || checksum == 0) && (past.birth || !past.birth_applied);
    if ((flags & ~past_flags) != 0 || !sound) {
        in.fail();
    }
    return past;
}

[[nodiscard]] inline result<frame_content> read_hello(byte_view body) {
    byte_reader in(body);
    hello h;
    h.version = in.u16();
    const std::uint8_t status = in.u8();
    const std::uint8_t flags = in.u8();
    const std::uint32_t checksum = in.u32();
    h.cluster = cluster_id(in.u64());
    h.from = node_id(in.u64());
    h.to = node_id(in.u64());
    if (in.failed()) {
        return errc::truncated;
    }
    h.oldest = h.version;
    const bool known = status <= static_cast<std::uint8_t>(hello_status::outdated);
    h.status = known ? static_cast<hello_status>(status) : hello_status::unsupported_version;
    if (h.version < protocol_version_oldest) {
        return frame_content(h); // of an older one only its ids are understood
    }
    // A newer one keeps these places, and may add flags, statuses and fields.
    const bool newer = h.version > protocol_version;
    h.past = read_past(in, newer ? flags & past_flags : flags, checksum);
    h.oldest = in.u16();
    const bool padded = in.u16() == 0 && in.u32() == 0;
    if (in.failed() || h.oldest == 0 || h.oldest > h.version) {
        return errc::corrupt;
    }
    if (!newer && (!known || !padded || !in.finished())) {
        return errc::corrupt;
    }
    return frame_content(h);
}

} // namespace detail

QUORATE_DECL std::uint64_t frame_size(const message& m) noexcept {
    std::uint64_t size = frame_header_bytes + detail::message_fields_bytes;
    if (detail::carries_entries(m.kind)) {
        size += detail::entries_head_bytes + m.entries.size() * record_header_bytes;
        size += payload_size(m.entries);
    } else if (m.kind == message_kind::install_snapshot && m.snap != nullptr) {
        size += detail::snapshot_head_bytes + 8 * detail::encoded_ids(m.snap->members);
    }
    return size;
}

QUORATE_DECL void encode_frame(const message& m, gather_buffer& out) {
    QUORATE_ASSERT(m.kind != message_kind::install_snapshot);
    const std::uint64_t body_size = frame_size(m) - frame_header_bytes;
    QUORATE_ASSERT(body_size <= UINT32_MAX);
    const bool entries = detail::carries_entries(m.kind);
    const std::size_t covered =
        detail::message_fields_bytes + (entries ? detail::entries_head_bytes : 0);
    char* place = out.extend(frame_header_bytes + covered);
    byte_writer fields(place + frame_header_bytes, covered);
    detail::write_fields(m, fields);
    if (entries) {
        fields.u32(static_cast<std::uint32_t>(m.entries.size())).u32(0);
    }
    detail::seal_frame(place, static_cast<std::uint8_t>(m.kind), detail::flags_of(m),
                       static_cast<std::uint32_t>(body_size), covered);
    if (!entries) {
        return;
    }
    for (const entry& e : m.entries) {
        encode_record_header(e, out.extend(record_header_bytes));
        out.append(e.payload);
    }
}

QUORATE_DECL void encode_snapshot_start(const message& m, std::uint64_t number,
                                        gather_buffer& out) {
    QUORATE_ASSERT(m.kind == message_kind::install_snapshot);
    QUORATE_ASSERT(m.snap != nullptr);
    const std::uint64_t size = frame_size(m);
    QUORATE_ASSERT(size <= UINT32_MAX);
    // The membership may be longer than a block of the buffer, so the frame gets its own.
    draft frame(static_cast<std::size_t>(size));
    byte_writer fields(frame.data() + frame_header_bytes, frame.size() - frame_header_bytes);
    detail::write_fields(m, fields);
    fields.u64(number).u64(m.snap->last.term.value()).u64(m.snap->last.index.value());
    fields.u64(m.snap->data.size()).u64(m.snap->data.hash());
    detail::write_members(m.snap->members, fields);
    const std::size_t body_size = frame.size() - frame_header_bytes;
    detail::seal_frame(frame.data(), static_cast<std::uint8_t>(m.kind), detail::flags_of(m),
                       static_cast<std::uint32_t>(body_size), body_size);
    out.append(std::move(frame).freeze());
}

QUORATE_DECL shared_bytes encode_hello(const hello& h) {
    draft frame(frame_header_bytes + detail::hello_body_bytes);
    byte_writer body(frame.data() + frame_header_bytes, detail::hello_body_bytes);
    body.u16(h.version).u8(static_cast<std::uint8_t>(h.status));
    body.u8(detail::flags_of(h.past)).u32(h.past.last_checksum);
    body.u64(h.cluster.value()).u64(h.from.value()).u64(h.to.value());
    body.u64(h.past.birth.value()).u64(h.past.starts).u64(h.past.life);
    body.u64(h.past.last.term.value()).u64(h.past.last.index.value());
    body.u16(h.oldest).u16(0).u32(0);
    detail::seal_frame(frame.data(), frame_kind_hello, 0, detail::hello_body_bytes,
                       detail::hello_body_bytes);
    return std::move(frame).freeze();
}

QUORATE_DECL shared_bytes encode_progress(const snapshot_progress& progress) {
    draft frame(progress_frame_bytes);
    byte_writer body(frame.data() + frame_header_bytes, detail::progress_body_bytes);
    body.u64(progress.number).u64(progress.offset).u32(progress.refused ? 1 : 0).u32(0);
    detail::seal_frame(frame.data(), frame_kind_progress, 0, detail::progress_body_bytes,
                       detail::progress_body_bytes);
    return std::move(frame).freeze();
}

QUORATE_DECL void encode_chunk(std::uint64_t number, std::uint64_t offset, const rope& data,
                               gather_buffer& out) {
    const std::uint64_t size = rope_size(data);
    QUORATE_ASSERT(size > 0);
    QUORATE_ASSERT(size <= chunk_data_bytes);
    // The checksum of the data stands before it.
    char* place = out.extend(frame_header_bytes + detail::chunk_fields_bytes);
    std::uint32_t checksum = 0;
    for (const shared_bytes& piece : data) {
        checksum = crc32c(piece.view(), checksum);
        out.append(piece);
    }
    byte_writer fields(place + frame_header_bytes, detail::chunk_fields_bytes);
    fields.u64(number).u64(offset).u32(checksum).u32(0);
    const auto body_size = static_cast<std::uint32_t>(detail::chunk_fields_bytes + size);
    detail::seal_frame(place, frame_kind_chunk, 0, body_size, detail::chunk_fields_bytes);
}

QUORATE_DECL std::uint64_t frame_size(const member_call& call) noexcept {
    return frame_header_bytes + detail::call_fields_bytes + call.data.size();
}

QUORATE_DECL void encode_frame(const member_call& call, gather_buffer& out) {
    QUORATE_ASSERT(call.data.size() <= call_bytes_max);
    char* place = out.extend(frame_header_bytes + detail::call_fields_bytes);
    byte_writer fields(place + frame_header_bytes, detail::call_fields_bytes);
    fields.u64(call.number).u8(call.answers ? 1 : 0).u8(call.topic).u16(0);
    fields.u32(crc32c(call.data.view()));
    const auto body_size = static_cast<std::uint32_t>(frame_size(call) - frame_header_bytes);
    detail::seal_frame(place, frame_kind_call, 0, body_size, detail::call_fields_bytes);
    out.append(call.data);
}

QUORATE_DECL bool may_be_frame(byte_view bytes) noexcept {
    return bytes.size() < 5 || static_cast<std::uint8_t>(bytes[4]) == frame_magic;
}

QUORATE_DECL result<frame_header> decode_frame_header(byte_view bytes,
                                                      std::uint64_t frame_bytes_max) noexcept {
    if (bytes.size() < frame_header_bytes) {
        return errc::truncated;
    }
    byte_reader in(bytes.substr(0, frame_header_bytes));
    const std::uint32_t checksum = in.u32();
    const std::uint8_t magic = in.u8();
    const std::uint8_t version = in.u8();
    // Another version may have its checksum over more bytes or fewer.
    if (magic == frame_magic && version != frame_version) {
        return errc::unsupported_version;
    }
    if (magic != frame_magic || checksum != crc32c(bytes.substr(4, frame_header_bytes - 4))) {
        return errc::corrupt;
    }
    frame_header header;
    header.kind = in.u8();
    header.flags = in.u8();
    header.body_size = in.u32();
    header.fields_checksum = in.u32();
    header.group = group_id(in.u64());
    if (in.u64() != 0) {
        return errc::corrupt; // reserved
    }
    if (header.group) {
        return errc::feature_unavailable;
    }
    const bool control = header.kind >= frame_kind_hello && header.kind <= frame_kind_call;
    if (!control && header.kind > message_kind_max) {
        return errc::corrupt;
    }
    if (control && header.flags != 0) {
        return errc::corrupt;
    }
    if (header.frame_size() > frame_bytes_max) {
        return errc::too_large;
    }
    return header;
}

QUORATE_DECL result<frame_content> decode_frame(const shared_bytes& frame) {
    const auto header = decode_frame_header(frame.view(), UINT64_MAX);
    if (!header) {
        return header.error();
    }
    if (frame.size() < header->frame_size()) {
        return errc::truncated;
    }
    const shared_bytes body = frame.slice(frame_header_bytes);
    const std::uint64_t covered = detail::covered_bytes(*header);
    if (body.size() != header->body_size || covered > body.size()) {
        return errc::corrupt;
    }
    if (crc32c(body.view().substr(0, static_cast<std::size_t>(covered))) !=
        header->fields_checksum) {
        return errc::corrupt;
    }
    switch (header->kind) {
    case frame_kind_hello: return detail::read_hello(body.view());
    case frame_kind_chunk: return detail::read_chunk(body);
    case frame_kind_progress: return detail::read_progress(body.view());
    case frame_kind_call: return detail::read_call(body);
    default: return detail::read_message(*header, body);
    }
}

} // namespace quorate

#endif
