// Encoding and decoding of users and roles.
#ifndef QUORATE_FORMAT_IMPL_AUTH_CONTENTS_IPP
#define QUORATE_FORMAT_IMPL_AUTH_CONTENTS_IPP

#include <quorate/format/auth_contents.hpp>
#include <quorate/format/primitives.hpp>

#include <utility>

namespace quorate {
namespace detail {

inline constexpr std::uint16_t flag_user_without_password = 1;

inline void write_string(byte_writer& out, byte_view text) {
    out.u32(static_cast<std::uint32_t>(text.size())).bytes(text);
}

[[nodiscard]] inline std::string read_string(byte_reader& in) {
    return std::string(in.bytes(in.u32()));
}

[[nodiscard]] inline auth_user read_user(byte_reader& in) {
    auth_user user;
    user.credentials_revision = in.u64();
    const std::uint16_t flags = in.u16();
    if (flags > flag_user_without_password) {
        in.fail();
    }
    user.no_password = flags != 0;
    user.password_hash = read_string(in);
    // A count that is not true costs nothing: the first role that is not there ends the loop.
    for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
        user.roles.push_back(read_string(in));
    }
    return user;
}

[[nodiscard]] inline role_permissions read_role(byte_reader& in) {
    role_permissions permissions;
    for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
        const std::uint8_t kind = in.u8();
        if (kind > static_cast<std::uint8_t>(permission_kind::readwrite)) {
            in.fail();
        }
        role_permission& one = permissions.emplace_back();
        one.kind = static_cast<permission_kind>(in.failed() ? 0 : kind);
        one.key = read_string(in);
        one.range_end = read_string(in);
    }
    return permissions;
}

/// Reads names and what belongs to them, in ascending order of the names.
template <class Value, class Read>
[[nodiscard]] name_table<Value> read_table(byte_reader& in, Read read) {
    name_table<Value> found;
    for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
        std::string name = read_string(in);
        if (!found.empty() && name <= found.rbegin()->first) {
            in.fail();
        }
        Value value = read(in);
        if (!in.failed()) {
            found.emplace_hint(found.end(), std::move(name), std::move(value));
        }
    }
    return found;
}

} // namespace detail

QUORATE_DECL shared_bytes encode_auth_contents(const auth_contents& contents) {
    std::string body;
    byte_writer out(body);
    out.u64(contents.revision).u64(contents.enabled_since);
    out.u32(static_cast<std::uint32_t>(contents.users.size()));
    for (const auto& [name, user] : contents.users) {
        detail::write_string(out, name);
        out.u64(user.credentials_revision);
        out.u16(user.no_password ? detail::flag_user_without_password : std::uint16_t{0});
        detail::write_string(out, user.password_hash);
        out.u32(static_cast<std::uint32_t>(user.roles.size()));
        for (const std::string& role : user.roles) {
            detail::write_string(out, role);
        }
    }
    out.u32(static_cast<std::uint32_t>(contents.roles.size()));
    for (const auto& [name, permissions] : contents.roles) {
        detail::write_string(out, name);
        out.u32(static_cast<std::uint32_t>(permissions.size()));
        for (const role_permission& one : permissions) {
            out.u8(static_cast<std::uint8_t>(one.kind));
            detail::write_string(out, one.key);
            detail::write_string(out, one.range_end);
        }
    }
    draft whole(auth_contents_header_bytes + body.size());
    byte_writer front(whole.data(), whole.size());
    front.u32(auth_contents_magic).u16(auth_contents_version).u16(0).u64(body.size()).bytes(body);
    return std::move(whole).freeze();
}

QUORATE_DECL bool finds_auth_contents(bulk_reader state) {
    char magic[4];
    return !state.read(magic, sizeof(magic)) &&
           load_little<std::uint32_t>(magic) == auth_contents_magic;
}

QUORATE_DECL result<auth_contents> take_auth_contents(bulk_reader& state) {
    char header[auth_contents_header_bytes];
    if (const error_code failed = state.read(header, sizeof(header))) {
        return failed;
    }
    byte_reader fixed({header, sizeof(header)});
    if (fixed.u32() != auth_contents_magic) {
        return errc::corrupt;
    }
    if (fixed.u16() != auth_contents_version) {
        return errc::unsupported_version;
    }
    if (fixed.u16() != 0) {
        return errc::corrupt;
    }
    const std::uint64_t size = fixed.u64();
    if (size > state.remaining()) {
        return errc::truncated; // before anything of that size is allocated
    }
    const result<shared_bytes> body = state.take(size);
    if (!body) {
        return body.error();
    }
    byte_reader in(body->view());
    auth_contents contents;
    contents.revision = in.u64();
    contents.enabled_since = in.u64();
    contents.users = detail::read_table<auth_user>(in, detail::read_user);
    contents.roles = detail::read_table<role_permissions>(in, detail::read_role);
    if (!in.finished()) {
        return errc::corrupt;
    }
    return contents;
}

} // namespace quorate

#endif
