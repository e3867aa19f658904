// Encoding and decoding: an auth request is a kind, flags and at most three byte strings.
#ifndef QUORATE_FORMAT_IMPL_AUTH_COMMAND_IPP
#define QUORATE_FORMAT_IMPL_AUTH_COMMAND_IPP

#include <quorate/base/assert.hpp>
#include <quorate/format/auth_command.hpp>
#include <quorate/format/primitives.hpp>

#include <array>
#include <optional>

namespace quorate {
namespace detail {

inline constexpr std::uint16_t flag_no_password = 1;    // user_add
inline constexpr std::uint16_t flag_allows_read = 1;    // role_grant_permission
inline constexpr std::uint16_t flag_allows_write = 2;   // role_grant_permission
inline constexpr std::uint16_t flag_by_the_cluster = 1; // issued: no user follows

/// Version, kind and flags.
inline constexpr std::size_t command_prefix_bytes = 4;
/// In front of the user of an envelope: the prefix, the auth revision, the size.
inline constexpr std::size_t envelope_fixed_bytes = command_prefix_bytes + 8 + 4;

struct auth_fields {
    auth_command_kind kind;
    std::uint16_t flags = 0;
    std::size_t count = 0; ///< How many of the strings there are.
    std::array<byte_view, 3> strings{};

    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t bytes = command_prefix_bytes;
        for (std::size_t i = 0; i < count; ++i) {
            bytes += 4 + strings[i].size();
        }
        return bytes;
    }
    void write(byte_writer& out) const {
        out.u8(command_version).u8(static_cast<std::uint8_t>(kind)).u16(flags);
        for (std::size_t i = 0; i < count; ++i) {
            out.u32(static_cast<std::uint32_t>(strings[i].size()));
        }
        for (std::size_t i = 0; i < count; ++i) {
            out.bytes(strings[i]);
        }
    }
};

struct auth_splitter {
    using kind = auth_command_kind;

    auth_fields operator()(const auth_enable&) const noexcept { return {kind::auth_enable}; }
    auth_fields operator()(const auth_disable&) const noexcept { return {kind::auth_disable}; }
    auth_fields operator()(const auth_status&) const noexcept { return {kind::auth_status}; }
    auth_fields operator()(const user_add& a) const noexcept {
        const std::uint16_t flags = a.no_password ? flag_no_password : std::uint16_t{0};
        return {kind::user_add, flags, 2, {a.name, a.password_hash}};
    }
    auth_fields operator()(const user_delete& a) const noexcept {
        return {kind::user_delete, 0, 1, {a.name}};
    }
    auth_fields operator()(const user_change_password& a) const noexcept {
        return {kind::user_change_password, 0, 2, {a.name, a.password_hash}};
    }
    auth_fields operator()(const user_grant_role& a) const noexcept {
        return {kind::user_grant_role, 0, 2, {a.name, a.role}};
    }
    auth_fields operator()(const user_revoke_role& a) const noexcept {
        return {kind::user_revoke_role, 0, 2, {a.name, a.role}};
    }
    auth_fields operator()(const user_get& a) const noexcept {
        return {kind::user_get, 0, 1, {a.name}};
    }
    auth_fields operator()(const user_list&) const noexcept { return {kind::user_list}; }
    auth_fields operator()(const role_add& a) const noexcept {
        return {kind::role_add, 0, 1, {a.name}};
    }
    auth_fields operator()(const role_delete& a) const noexcept {
        return {kind::role_delete, 0, 1, {a.name}};
    }
    auth_fields operator()(const role_get& a) const noexcept {
        return {kind::role_get, 0, 1, {a.name}};
    }
    auth_fields operator()(const role_list&) const noexcept { return {kind::role_list}; }
    auth_fields operator()(const role_grant_permission& a) const noexcept {
        return {kind::role_grant_permission,
                flags_of(a.granted.kind),
                3,
                {a.name, a.granted.key, a.granted.range_end}};
    }
    auth_fields operator()(const role_revoke_permission& a) const noexcept {
        return {kind::role_revoke_permission, 0, 3, {a.name, a.key, a.range_end}};
    }

    static std::uint16_t flags_of(permission_kind allowed) noexcept {
        switch (allowed) {
        case permission_kind::read: return flag_allows_read;
        case permission_kind::write: return flag_allows_write;
        case permission_kind::readwrite: break;
        }
        return flag_allows_read | flag_allows_write;
    }
};

/// Reads the strings that follow kind and flags.
struct auth_joiner {
    byte_reader& in;
    std::uint16_t flags;

    /// Flags that mean nothing here ask for what this version cannot do.
    void allow(std::uint16_t known) const noexcept {
        if ((flags & ~known) != 0) {
            in.fail();
        }
    }
    template <std::size_t Count>
    std::array<byte_view, Count> strings() const noexcept {
        std::array<std::uint32_t, Count> sizes{};
        for (std::uint32_t& size : sizes) {
            size = in.u32();
        }
        std::array<byte_view, Count> found{};
        for (std::size_t i = 0; i < Count; ++i) {
            found[i] = in.bytes(sizes[i]);
        }
        return found;
    }
    template <class Request>
    auth_request nothing() const noexcept {
        allow(0);
        return Request{};
    }
    template <class Request>
    auth_request one() const noexcept {
        allow(0);
        return Request{strings<1>()[0]};
    }
    template <class Request>
    auth_request two() const noexcept {
        allow(0);
        const auto [first, second] = strings<2>();
        return Request{first, second};
    }
    auth_request added_user() const noexcept {
        allow(flag_no_password);
        const auto [name, hash] = strings<2>();
        return user_add{name, hash, (flags & flag_no_password) != 0};
    }
    auth_request granted() const noexcept {
        allow(flag_allows_read | flag_allows_write);
        const auto [name, key, range_end] = strings<3>();
        permission allowed{permission_kind::readwrite, key, range_end};
        if (flags == flag_allows_read) {
            allowed.kind = permission_kind::read;
        } else if (flags == flag_allows_write) {
            allowed.kind = permission_kind::write;
        } else if (flags == 0) {
            in.fail();
        }
        return role_grant_permission{name, allowed};
    }
    auth_request revoked() const noexcept {
        allow(0);
        const auto [name, key, range_end] = strings<3>();
        return role_revoke_permission{name, key, range_end};
    }
};

[[nodiscard]] inline auth_request read_auth_request(byte_reader& in,
                                                    auth_command_kind kind) noexcept {
    const auth_joiner join{in, in.u16()};
    switch (kind) {
    case auth_command_kind::issued: break;
    case auth_command_kind::auth_enable: return join.nothing<auth_enable>();
    case auth_command_kind::auth_disable: return join.nothing<auth_disable>();
    case auth_command_kind::auth_status: return join.nothing<auth_status>();
    case auth_command_kind::user_add: return join.added_user();
    case auth_command_kind::user_delete: return join.one<user_delete>();
    case auth_command_kind::user_change_password: return join.two<user_change_password>();
    case auth_command_kind::user_grant_role: return join.two<user_grant_role>();
    case auth_command_kind::user_revoke_role: return join.two<user_revoke_role>();
    case auth_command_kind::user_get: return join.one<user_get>();
    case auth_command_kind::user_list: return join.nothing<user_list>();
    case auth_command_kind::role_add: return join.one<role_add>();
    case auth_command_kind::role_delete: return join.one<role_delete>();
    case auth_command_kind::role_get: return join.one<role_get>();
    case auth_command_kind::role_list: return join.nothing<role_list>();
    case auth_command_kind::role_grant_permission: return join.granted();
    case auth_command_kind::role_revoke_permission: return join.revoked();
    }
    in.fail();
    return auth_enable{};
}

[[nodiscard]] inline std::size_t envelope_bytes(const issuer& by) noexcept {
    return by.is_nobody() ? 0 : envelope_fixed_bytes + by.user.size();
}

inline void write_envelope(byte_writer& out, const issuer& by) {
    QUORATE_ASSERT(!by.is_cluster || (by.user.empty() && by.auth_revision == 0));
    out.u8(command_version).u8(static_cast<std::uint8_t>(auth_command_kind::issued));
    out.u16(by.is_cluster ? flag_by_the_cluster : std::uint16_t{0}).u64(by.auth_revision);
    out.u32(static_cast<std::uint32_t>(by.user.size())).bytes(by.user);
}

} // namespace detail

QUORATE_DECL draft encode_command(const issued_request& asked, std::size_t free_bytes) {
    const std::size_t front = free_bytes + detail::envelope_bytes(asked.by);
    draft command;
    if (const auto* plain = std::get_if<request>(&asked.asked)) {
        command = encode_command(*plain, front);
    } else {
        const auto fields =
            std::visit(detail::auth_splitter{}, std::get<auth_request>(asked.asked));
        command = draft(front + fields.bytes());
        byte_writer out(command.data(), command.size());
        out.zeros(front);
        fields.write(out);
        QUORATE_ASSERT(out.position() == command.size());
    }
    if (!asked.by.is_nobody()) {
        byte_writer out(command.data() + free_bytes, front - free_bytes);
        detail::write_envelope(out, asked.by);
        QUORATE_ASSERT(free_bytes + out.position() == front);
    }
    return command;
}

QUORATE_DECL result<opened_command> open_command(byte_view command) noexcept {
    byte_reader in(command);
    const std::uint8_t version = in.u8();
    const auto kind = static_cast<auth_command_kind>(in.u8());
    if (version != command_version || kind != auth_command_kind::issued) {
        return opened_command{{}, command};
    }
    const std::uint16_t flags = in.u16();
    opened_command opened;
    opened.by.is_cluster = flags == detail::flag_by_the_cluster;
    opened.by.auth_revision = in.u64();
    opened.by.user = in.bytes(in.u32());
    if (in.failed() || flags > detail::flag_by_the_cluster) {
        return errc::command_invalid;
    }
    const issuer& by = opened.by;
    // Who asks is said in one way: the cluster is no user, and nobody has no envelope.
    if (by.is_cluster ? !by.user.empty() || by.auth_revision != 0 : by.user.empty()) {
        return errc::command_invalid;
    }
    opened.command = command.substr(in.position());
    const bool another = opened.command.size() > 1 && opened.command[0] == command_version &&
                         opened.command[1] == static_cast<char>(auth_command_kind::issued);
    return another ? result<opened_command>(errc::command_invalid) : opened;
}

QUORATE_DECL bool is_auth_command(byte_view command) noexcept {
    byte_reader in(command);
    return in.u8() == command_version &&
           in.u8() >= static_cast<std::uint8_t>(auth_command_kind::issued);
}

QUORATE_DECL result<auth_request> decode_auth_command(byte_view command) noexcept {
    byte_reader in(command);
    if (in.u8() != command_version) {
        return errc::command_invalid;
    }
    const auth_request asked =
        detail::read_auth_request(in, static_cast<auth_command_kind>(in.u8()));
    return in.finished() ? result<auth_request>(asked) : errc::command_invalid;
}

} // namespace quorate

#endif
