// Encoding and decoding of record headers.
#ifndef QUORATE_FORMAT_IMPL_RECORD_IPP
#define QUORATE_FORMAT_IMPL_RECORD_IPP

#include <quorate/format/record.hpp>

namespace quorate {

QUORATE_DECL void encode_record_header(const entry& e, char* place) noexcept {
    store_little(place + 4, e.payload_checksum);
    store_little(place + 8, static_cast<std::uint32_t>(e.payload.size()));
    store_little(place + 12, static_cast<std::uint8_t>(e.kind));
    store_little(place + 13, record_version);
    store_little(place + 14, std::uint16_t{0});
    store_little(place + 16, e.term.value());
    store_little(place + 24, e.index.value());
    store_little(place, crc32c({place + 4, record_header_bytes - 4}));
}

QUORATE_DECL result<record_header> decode_record_header(byte_view bytes,
                                                        std::uint64_t payload_limit) noexcept {
    if (bytes.size() < record_header_bytes) {
        return errc::truncated;
    }
    byte_reader in(bytes.substr(0, record_header_bytes));
    record_header header;
    header.header_checksum = in.u32();
    if (header.header_checksum != crc32c(bytes.substr(4, record_header_bytes - 4))) {
        return errc::corrupt;
    }
    header.payload_checksum = in.u32();
    header.payload_size = in.u32();
    const std::uint8_t kind = in.u8();
    const std::uint8_t version = in.u8();
    const std::uint16_t reserved = in.u16();
    header.term = term_id(in.u64());
    header.index = log_index(in.u64());
    // A later version may mean something else by every other field, so this one is asked first.
    if (version != record_version) {
        return errc::unsupported_version;
    }
    if (kind > static_cast<std::uint8_t>(entry_kind::joint_change) || reserved != 0) {
        return errc::corrupt;
    }
    header.kind = static_cast<entry_kind>(kind);
    if (header.payload_size > payload_limit) {
        return errc::too_large;
    }
    return header;
}

} // namespace quorate

#endif
