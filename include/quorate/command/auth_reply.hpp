// Replies to auth requests.
// Flow:       13. what the auth store found or did → the fields of etcd's responses
// In / Out:   names and permissions, as copies
// Invariants: no password hash is in any reply
// Source:     etcd's Auth service; field by field the same meaning
// Threads:    a reply owns what it holds, and may be handed to another thread
#ifndef QUORATE_COMMAND_AUTH_REPLY_HPP
#define QUORATE_COMMAND_AUTH_REPLY_HPP

#include <quorate/command/auth_request.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace quorate {

/// What was asked for is done; there is nothing to say.
struct auth_done {
    friend bool operator==(const auth_done&, const auth_done&) noexcept = default;
};

/// Users, roles, or the roles of a user: whatever was asked for, in ascending order.
struct auth_names {
    std::vector<std::string> names{};

    friend bool operator==(const auth_names&, const auth_names&) noexcept = default;
};

/// A permission that owns its keys.
struct role_permission {
    permission_kind kind = permission_kind::read;
    std::string key{};
    std::string range_end{};

    friend bool operator==(const role_permission&, const role_permission&) noexcept = default;
};

/// The permissions of a role, ascending by key, then by range end; no two for the same keys.
struct auth_permissions {
    std::vector<role_permission> permissions{};

    friend bool operator==(const auth_permissions&, const auth_permissions&) noexcept = default;
};

struct auth_state {
    bool enabled = false;
    std::uint64_t auth_revision = 0;

    friend bool operator==(const auth_state&, const auth_state&) noexcept = default;
};

/// The answer to one request: the alternative that belongs to it.
struct auth_reply {
    std::variant<auth_done, auth_names, auth_permissions, auth_state> body{};

    friend bool operator==(const auth_reply&, const auth_reply&) noexcept = default;
};

} // namespace quorate

#endif
