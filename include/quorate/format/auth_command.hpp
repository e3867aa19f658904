// The bytes of auth requests, and of the envelope that names the user.
// Flow:       2. request → command bytes; 11. command bytes → request
// In / Out:   request and issuer → draft with room for the request id in front; and back
// Invariants: decode(encode(x)) = x for every x that check() lets pass, and encode(decode(b)) = b
//             for every b that decodes; a request of nobody has no envelope
// Source:     doc/format.md, "Commands: auth"
// Threads:    none
#ifndef QUORATE_FORMAT_AUTH_COMMAND_HPP
#define QUORATE_FORMAT_AUTH_COMMAND_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/auth_request.hpp>
#include <quorate/command/issuer.hpp>
#include <quorate/command/request.hpp>
#include <quorate/format/command.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

namespace quorate {

/// Beside those of command_kind, in the same byte. Values are part of the format.
enum class auth_command_kind : std::uint8_t {
    issued = 32, ///< The envelope: another command follows in it.
    auth_enable = 33,
    auth_disable = 34,
    auth_status = 35,
    user_add = 36,
    user_delete = 37,
    user_change_password = 38,
    user_grant_role = 39,
    user_revoke_role = 40,
    user_get = 41,
    user_list = 42,
    role_add = 43,
    role_delete = 44,
    role_get = 45,
    role_list = 46,
    role_grant_permission = 47,
    role_revoke_permission = 48,
};

/// A request of either sort, and on whose behalf. Made from the request alone it is of nobody.
struct issued_request {
    std::variant<request, auth_request> asked{};
    issuer by{};

    issued_request() = default;
    template <class Asked>
    requires std::convertible_to<Asked&&, request> || std::convertible_to<Asked&&, auth_request>
    issued_request(Asked&& what, const issuer& who = {})
        : asked(std::forward<Asked>(what)), by(who) {}

    friend bool operator==(const issued_request&, const issued_request&) noexcept = default;
};

/// Effects: one allocation, one copy of each byte string.
/// Returns: `free_bytes` zero bytes for the caller to use, then the command.
/// Requires: all of it is shorter than 4 GiB; an issuer that is the cluster has no user.
[[nodiscard]] QUORATE_DECL draft encode_command(const issued_request& asked,
                                                std::size_t free_bytes);

/// A command without its envelope.
/// Lifetime: refers to the bytes that it was opened from.
struct opened_command {
    issuer by{};
    byte_view command{};
};

/// Total: any bytes get an answer; nothing is allocated. Bytes without an envelope are of nobody,
/// and come back whole, whatever they are.
/// Errors: command_invalid for an envelope that is none.
[[nodiscard]] QUORATE_DECL result<opened_command> open_command(byte_view command) noexcept;

/// Returns: whether decode_auth_command() is the one to ask.
[[nodiscard]] QUORATE_DECL bool is_auth_command(byte_view command) noexcept;

/// Total: any bytes get an answer; nothing is allocated.
/// Returns: the request; its views refer to `command`. What is in it is not checked any further.
/// Errors: command_invalid when the bytes are not exactly one auth request of this version.
[[nodiscard]] QUORATE_DECL result<auth_request> decode_auth_command(byte_view command) noexcept;

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/auth_command.ipp>
#endif

#endif
