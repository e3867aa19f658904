// Encoding and decoding of commands, one kind after the other.
#ifndef QUORATE_FORMAT_IMPL_COMMAND_IPP
#define QUORATE_FORMAT_IMPL_COMMAND_IPP

#include <quorate/format/command.hpp>
#include <quorate/format/primitives.hpp>

namespace quorate {
namespace detail {

inline constexpr std::uint16_t flag_prev_kv = 1;    // put, delete_range
inline constexpr std::uint16_t flag_count_only = 1; // range
inline constexpr std::uint16_t flag_keys_only = 2;  // range

/// Version, kind, flags: what every command begins with.
inline constexpr std::size_t command_prefix_bytes = 4;
inline constexpr std::size_t put_fixed_bytes = command_prefix_bytes + 16;
inline constexpr std::size_t range_fixed_bytes = command_prefix_bytes + 24;
inline constexpr std::size_t delete_fixed_bytes = command_prefix_bytes + 8;
inline constexpr std::size_t compact_fixed_bytes = command_prefix_bytes + 8;

/// Allocates the draft and writes what all commands have in common.
struct command_draft {
    draft bytes;
    byte_writer writer;

    command_draft(std::size_t free_bytes, std::size_t size, command_kind kind, std::uint16_t flags)
        : bytes(free_bytes + size), writer(bytes.data(), bytes.size()) {
        writer.zeros(free_bytes);
        writer.u8(command_version).u8(static_cast<std::uint8_t>(kind)).u16(flags);
    }
    void two(byte_view first, byte_view second) {
        writer.u32(static_cast<std::uint32_t>(first.size()));
        writer.u32(static_cast<std::uint32_t>(second.size()));
        writer.bytes(first).bytes(second);
        QUORATE_ASSERT(writer.position() == bytes.size());
    }
};

struct command_encoder {
    std::size_t free_bytes;

    draft operator()(const put& p) const {
        command_draft out(free_bytes, put_fixed_bytes + p.key.size() + p.value.size(),
                          command_kind::put, p.prev_kv ? flag_prev_kv : std::uint16_t{0});
        out.writer.u64(p.lease.value());
        out.two(p.key, p.value);
        return std::move(out.bytes);
    }
    draft operator()(const range& r) const {
        const int flags = (r.count_only ? flag_count_only : 0) | (r.keys_only ? flag_keys_only : 0);
        command_draft out(free_bytes, range_fixed_bytes + r.key.size() + r.range_end.size(),
                          command_kind::range, static_cast<std::uint16_t>(flags));
        out.writer.u64(r.revision).u64(r.limit);
        out.two(r.key, r.range_end);
        return std::move(out.bytes);
    }
    draft operator()(const delete_range& d) const {
        command_draft out(free_bytes, delete_fixed_bytes + d.key.size() + d.range_end.size(),
                          command_kind::delete_range, d.prev_kv ? flag_prev_kv : std::uint16_t{0});
        out.two(d.key, d.range_end);
        return std::move(out.bytes);
    }
    draft operator()(const compact& c) const {
        command_draft out(free_bytes, compact_fixed_bytes, command_kind::compact, 0);
        out.writer.u64(c.revision);
        return std::move(out.bytes);
    }
};

/// Reads the two byte strings that end a command.
inline void read_two(byte_reader& in, byte_view& first, byte_view& second) noexcept {
    const std::uint32_t first_size = in.u32();
    const std::uint32_t second_size = in.u32();
    first = in.bytes(first_size);
    second = in.bytes(second_size);
}

/// An unknown flag asks for something that this version cannot do, so it is refused, not ignored.
inline void refuse_unknown(byte_reader& in, std::uint16_t flags, int known) noexcept {
    if ((flags & ~known) != 0) {
        in.fail();
    }
}

inline put read_put(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_prev_kv);
    put p;
    p.prev_kv = (flags & flag_prev_kv) != 0;
    p.lease = lease_id(in.u64());
    read_two(in, p.key, p.value);
    return p;
}

inline range read_range(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_count_only | flag_keys_only);
    range r;
    r.count_only = (flags & flag_count_only) != 0;
    r.keys_only = (flags & flag_keys_only) != 0;
    r.revision = in.u64();
    r.limit = in.u64();
    read_two(in, r.key, r.range_end);
    return r;
}

inline delete_range read_delete(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_prev_kv);
    delete_range d;
    d.prev_kv = (flags & flag_prev_kv) != 0;
    read_two(in, d.key, d.range_end);
    return d;
}

inline compact read_compact(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, 0);
    return compact{in.u64()};
}

} // namespace detail

QUORATE_DECL draft encode_command(const request& asked, std::size_t free_bytes) {
    return std::visit(detail::command_encoder{free_bytes}, asked);
}

QUORATE_DECL result<request> decode_command(byte_view command) noexcept {
    byte_reader in(command);
    const std::uint8_t version = in.u8();
    const auto kind = static_cast<command_kind>(in.u8());
    const std::uint16_t flags = in.u16();
    if (version != command_version) {
        return errc::command_invalid;
    }
    request asked;
    switch (kind) {
    case command_kind::put: asked = detail::read_put(in, flags); break;
    case command_kind::range: asked = detail::read_range(in, flags); break;
    case command_kind::delete_range: asked = detail::read_delete(in, flags); break;
    case command_kind::compact: asked = detail::read_compact(in, flags); break;
    default: return errc::command_invalid;
    }
    if (!in.finished()) {
        return errc::command_invalid;
    }
    return asked;
}

} // namespace quorate

#endif
