// Requests about users, roles and permissions, as plain values.
// Flow:       1 and 2. the fields of a call → request → command bytes; and 11
// In / Out:   the client's fields; in place of a password its hash
// Invariants: no request holds a password: it is hashed before it can reach the log
// Source:     etcd's Auth service; field by field the same meaning
// Threads:    none
#ifndef QUORATE_COMMAND_AUTH_REQUEST_HPP
#define QUORATE_COMMAND_AUTH_REQUEST_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/error.hpp>

#include <cstddef>
#include <cstdint>
#include <variant>

namespace quorate {

// Lifetime of all requests: the views must outlive the request.

/// The user that must be there, and the role that may do everything.
inline constexpr byte_view root_name{"root"};
/// Units: bytes. More than any hash of a known algorithm has.
inline constexpr std::size_t password_hash_bytes_max = 256;

/// What a permission allows. Values are part of the format.
enum class permission_kind : std::uint8_t { read = 0, write = 1, readwrite = 2 };

/// A kind of access to the keys of a span; see span_of().
struct permission {
    permission_kind kind = permission_kind::read;
    byte_view key{};
    byte_view range_end{};

    friend bool operator==(const permission&, const permission&) noexcept = default;
};

/// From now on requests need a user, and users need permissions.
struct auth_enable {
    friend bool operator==(const auth_enable&, const auth_enable&) noexcept = default;
};
/// From now on everybody may do everything. Users, roles and permissions stay.
struct auth_disable {
    friend bool operator==(const auth_disable&, const auth_disable&) noexcept = default;
};
struct auth_status {
    friend bool operator==(const auth_status&, const auth_status&) noexcept = default;
};

struct user_add {
    byte_view name{};
    byte_view password_hash{}; ///< See server/password.hpp. Empty with `no_password`.
    bool no_password = false;  ///< Never authenticates by password.

    friend bool operator==(const user_add&, const user_add&) noexcept = default;
};
struct user_delete {
    byte_view name{};

    friend bool operator==(const user_delete&, const user_delete&) noexcept = default;
};
/// A user without a password stays without one, as in etcd.
struct user_change_password {
    byte_view name{};
    byte_view password_hash{};

    friend bool operator==(const user_change_password&,
                           const user_change_password&) noexcept = default;
};
/// Granting what is granted already is no error and changes nothing.
struct user_grant_role {
    byte_view name{};
    byte_view role{};

    friend bool operator==(const user_grant_role&, const user_grant_role&) noexcept = default;
};
struct user_revoke_role {
    byte_view name{};
    byte_view role{};

    friend bool operator==(const user_revoke_role&, const user_revoke_role&) noexcept = default;
};
/// The roles of a user.
struct user_get {
    byte_view name{};

    friend bool operator==(const user_get&, const user_get&) noexcept = default;
};
struct user_list {
    friend bool operator==(const user_list&, const user_list&) noexcept = default;
};

struct role_add {
    byte_view name{};

    friend bool operator==(const role_add&, const role_add&) noexcept = default;
};
/// Also takes the role from all users that have it.
struct role_delete {
    byte_view name{};

    friend bool operator==(const role_delete&, const role_delete&) noexcept = default;
};
/// The permissions of a role.
struct role_get {
    byte_view name{};

    friend bool operator==(const role_get&, const role_get&) noexcept = default;
};
struct role_list {
    friend bool operator==(const role_list&, const role_list&) noexcept = default;
};
/// A permission for exactly the same keys is replaced.
struct role_grant_permission {
    byte_view name{};
    permission granted{};

    friend bool operator==(const role_grant_permission&,
                           const role_grant_permission&) noexcept = default;
};
/// Takes back the permission for exactly these keys, whatever its kind.
struct role_revoke_permission {
    byte_view name{};
    byte_view key{};
    byte_view range_end{};

    friend bool operator==(const role_revoke_permission&,
                           const role_revoke_permission&) noexcept = default;
};

/// Any of them. The order of the alternatives is no part of the format.
using auth_request = std::variant<auth_enable, auth_disable, auth_status, user_add, user_delete,
                                  user_change_password, user_grant_role, user_revoke_role, user_get,
                                  user_list, role_add, role_delete, role_get, role_list,
                                  role_grant_permission, role_revoke_permission>;

/// Whether it makes sense by itself; depends on nothing else, so that every member decides alike.
/// Errors: user_empty, role_empty for a new one without a name; password_invalid for a hash that is
/// missing, too long, or given although there is to be no password; permission_not_given without a
/// key; invalid_auth_management for a permission whose span holds no key.
[[nodiscard]] QUORATE_DECL error_code check(const auth_request& asked) noexcept;

/// Returns: bytes of names, hashes and keys, to be compared with command_limits::request_bytes_max.
[[nodiscard]] QUORATE_DECL std::uint64_t payload_bytes(const auth_request& asked) noexcept;

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/command/impl/auth_request.ipp>
#endif

#endif
