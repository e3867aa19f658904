// Encoding and checking of rows.
#ifndef QUORATE_LMDB_IMPL_ROW_RECORD_IPP
#define QUORATE_LMDB_IMPL_ROW_RECORD_IPP

#include <quorate/base/checksum.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/lmdb/row_record.hpp>

#include <cstring>
#include <utility>

namespace quorate {
namespace detail {

inline constexpr std::uint32_t state_record_magic = 0x62445251; // "QRDb" on disk
inline constexpr std::uint16_t state_record_version = 1;
inline constexpr std::size_t state_record_bytes = 44; // before the context

/// Of all that stands in front of the value, but for the checksum itself.
inline std::uint32_t row_head_checksum(revision at, byte_view head_and_key) noexcept {
    const row_key place = encode_row_key(at);
    return crc32c(head_and_key.substr(4), crc32c(view_of(place)));
}

} // namespace detail

QUORATE_DECL row_key encode_row_key(revision at) noexcept {
    row_key key;
    for (std::size_t i = 0; i < 8; ++i) {
        key[i] = static_cast<char>((at.main >> (56 - 8 * i)) & 0xff);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        key[8 + i] = static_cast<char>((at.sub >> (24 - 8 * i)) & 0xff);
    }
    return key;
}

QUORATE_DECL std::optional<revision> decode_row_key(byte_view bytes) noexcept {
    if (bytes.size() != row_key_bytes) {
        return std::nullopt;
    }
    revision at;
    for (std::size_t i = 0; i < 8; ++i) {
        at.main = (at.main << 8) | static_cast<unsigned char>(bytes[i]);
    }
    for (std::size_t i = 8; i < row_key_bytes; ++i) {
        at.sub = (at.sub << 8) | static_cast<unsigned char>(bytes[i]);
    }
    return at;
}

QUORATE_DECL void encode_row(revision at, const row& entered, char* place) {
    const std::size_t front = row_head_bytes + entered.key.size();
    byte_writer out(place, front);
    out.u32(0).u32(crc32c(entered.value.view()));
    out.u32(static_cast<std::uint32_t>(entered.key.size()));
    out.u32(static_cast<std::uint32_t>(entered.value.size()));
    out.u64(entered.create_revision).u64(entered.version).u64(entered.lease.value());
    out.bytes(entered.key.view());
    if (!entered.value.empty()) {
        std::memcpy(place + front, entered.value.data(), entered.value.size());
    }
    store_little(place, detail::row_head_checksum(at, {place, front}));
}

QUORATE_DECL result<row_view> decode_row_head(revision at, byte_view bytes) noexcept {
    byte_reader in(bytes);
    const std::uint32_t checksum = in.u32();
    in.skip(4);
    const std::uint32_t key_size = in.u32();
    const std::uint32_t value_size = in.u32();
    row_view found;
    found.create_revision = in.u64();
    found.version = in.u64();
    found.lease = lease_id(in.u64());
    found.key = in.bytes(key_size);
    found.value = in.bytes(value_size);
    if (in.failed()) {
        return errc::truncated;
    }
    const byte_view front = bytes.substr(0, row_head_bytes + key_size);
    if (!in.finished() || found.key.empty() || checksum != detail::row_head_checksum(at, front)) {
        return errc::corrupt;
    }
    return found;
}

QUORATE_DECL result<row> decode_row(revision at, byte_view bytes) {
    const result<row_view> found = decode_row_head(at, bytes);
    if (!found) {
        return found.error();
    }
    if (crc32c(found->value) != load_little<std::uint32_t>(bytes.data() + 4)) {
        return errc::corrupt;
    }
    // Key and value are neighbours there, and so they may be here.
    const shared_bytes both = shared_bytes::copy_of(bytes.substr(row_head_bytes));
    return row{both.slice(0, found->key.size()), both.slice(found->key.size()),
               found->create_revision, found->version, found->lease};
}

QUORATE_DECL std::string encode_state_record(const state_record& record) {
    std::string bytes;
    byte_writer out(bytes);
    out.u32(0).u32(detail::state_record_magic).u16(detail::state_record_version).u16(0);
    out.u64(record.at.term.value()).u64(record.at.index.value());
    out.u64(record.rows).u64(record.bytes);
    out.bytes(record.context.view());
    store_little(bytes.data(), crc32c(byte_view(bytes).substr(4)));
    return bytes;
}

QUORATE_DECL result<state_record> decode_state_record(byte_view bytes) {
    if (bytes.size() < detail::state_record_bytes) {
        return errc::truncated;
    }
    byte_reader in(bytes);
    if (in.u32() != crc32c(bytes.substr(4)) || in.u32() != detail::state_record_magic) {
        return errc::corrupt;
    }
    if (in.u16() != detail::state_record_version) {
        return errc::unsupported_version;
    }
    in.skip(2);
    state_record record;
    record.at.term = term_id(in.u64());
    record.at.index = log_index(in.u64());
    record.rows = in.u64();
    record.bytes = in.u64();
    record.context = shared_bytes::copy_of(in.bytes(in.remaining()));
    return record;
}

QUORATE_DECL std::string encode_tables_record(byte_view tables) {
    std::string bytes;
    byte_writer(bytes).u32(crc32c(tables)).bytes(tables);
    return bytes;
}

QUORATE_DECL result<shared_bytes> decode_tables_record(byte_view bytes) {
    byte_reader in(bytes);
    const std::uint32_t checksum = in.u32();
    const byte_view tables = in.bytes(in.remaining());
    if (in.failed()) {
        return errc::truncated;
    }
    if (checksum != crc32c(tables)) {
        return errc::corrupt;
    }
    return shared_bytes::copy_of(tables);
}

} // namespace quorate

#endif
