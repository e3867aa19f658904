// Encoding and decoding of snapshot headers and block tables.
#ifndef QUORATE_FORMAT_IMPL_SNAPSHOT_IPP
#define QUORATE_FORMAT_IMPL_SNAPSHOT_IPP

#include <quorate/base/checksum.hpp>
#include <quorate/format/snapshot.hpp>

#include <array>

namespace quorate {

namespace detail {

inline constexpr byte_view snapshot_magic = "QRATESNP";
inline constexpr std::uint16_t snapshot_version = 2;

inline void encode_id_set(byte_writer& out, const id_set& ids) {
    out.u32(static_cast<std::uint32_t>(ids.size()));
    for (const node_id id : ids) {
        out.u64(id.value());
    }
}

/// Fails the reader unless the ids stand in ascending order, so that one set has one encoding.
inline id_set decode_id_set(byte_reader& in) {
    id_set ids;
    node_id before;
    for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
        const node_id id(in.u64());
        if (id <= before) {
            in.fail();
        } else {
            ids.insert(id);
            before = id;
        }
    }
    return ids;
}

} // namespace detail

QUORATE_DECL std::string encode_snapshot_header(const snapshot_header& header) {
    std::string bytes;
    byte_writer out(bytes);
    out.bytes(detail::snapshot_magic).u16(detail::snapshot_version).u16(0).u32(0);
    out.u64(header.data_size).u64(header.data_hash);
    out.u64(header.cluster.value()).u64(header.member.value());
    out.u64(header.last.term.value()).u64(header.last.index.value());
    out.u32(header.members.auto_leave ? 1 : 0);
    detail::encode_id_set(out, header.members.voters);
    detail::encode_id_set(out, header.members.outgoing);
    detail::encode_id_set(out, header.members.learners);
    detail::encode_id_set(out, header.members.learners_next);
    const std::size_t size = bytes.size() + 4;
    store_little(bytes.data() + 12, static_cast<std::uint32_t>(size));
    out.u32(crc32c(bytes));
    return bytes;
}

QUORATE_DECL result<std::uint32_t> decode_snapshot_intro(byte_view bytes) noexcept {
    if (bytes.size() < snapshot_intro_bytes) {
        return errc::truncated;
    }
    byte_reader in(bytes);
    if (in.bytes(detail::snapshot_magic.size()) != detail::snapshot_magic) {
        return errc::corrupt;
    }
    if (in.u16() != detail::snapshot_version) {
        return errc::unsupported_version;
    }
    const bool reserved_zero = in.u16() == 0;
    const std::uint32_t size = in.u32();
    if (size > snapshot_header_bytes_max) {
        return errc::too_large;
    }
    return reserved_zero && size > snapshot_intro_bytes ? result<std::uint32_t>(size)
                                                        : errc::corrupt;
}

QUORATE_DECL result<snapshot_header> decode_snapshot_header(byte_view bytes) {
    const result<std::uint32_t> size = decode_snapshot_intro(bytes);
    if (!size) {
        return size.error();
    }
    if (bytes.size() < *size) {
        return errc::truncated;
    }
    bytes = bytes.substr(0, *size);
    const byte_view covered = bytes.substr(0, bytes.size() - 4);
    if (load_little<std::uint32_t>(bytes.data() + covered.size()) != crc32c(covered)) {
        return errc::corrupt;
    }
    byte_reader in(covered);
    in.skip(16);
    snapshot_header header;
    header.data_size = in.u64();
    header.data_hash = in.u64();
    header.cluster = cluster_id(in.u64());
    header.member = node_id(in.u64());
    header.last.term = term_id(in.u64());
    header.last.index = log_index(in.u64());
    const std::uint32_t auto_leave = in.u32();
    header.members.auto_leave = auto_leave == 1;
    header.members.voters = detail::decode_id_set(in);
    header.members.outgoing = detail::decode_id_set(in);
    header.members.learners = detail::decode_id_set(in);
    header.members.learners_next = detail::decode_id_set(in);
    if (!in.finished() || auto_leave > 1 || check(header.members)) {
        return errc::corrupt;
    }
    return header;
}

QUORATE_DECL std::string encode_snapshot_table(std::span<const std::uint32_t> checksums) {
    std::string bytes;
    bytes.reserve(4 * (checksums.size() + 1));
    byte_writer out(bytes);
    for (const std::uint32_t checksum : checksums) {
        out.u32(checksum);
    }
    out.u32(crc32c(bytes));
    return bytes;
}

QUORATE_DECL result<std::vector<std::uint32_t>> decode_snapshot_table(
    byte_view bytes, const snapshot_header& header) {
    QUORATE_ASSERT(bytes.size() == snapshot_table_bytes(header.data_size));
    const byte_view covered = bytes.substr(0, bytes.size() - 4);
    if (load_little<std::uint32_t>(bytes.data() + covered.size()) != crc32c(covered)) {
        return errc::corrupt;
    }
    std::vector<std::uint32_t> checksums(covered.size() / 4);
    bulk_hash hash;
    byte_reader in(covered);
    for (std::uint32_t& checksum : checksums) {
        checksum = in.u32();
        hash.add(checksum);
    }
    if (hash.value() != header.data_hash) {
        return errc::corrupt;
    }
    return checksums;
}

} // namespace quorate

#endif
