// JSON text of clients → typed requests.
// Flow:       1. HTTP body → request
// In / Out:   the body of a call → the request it stands for, or a gRPC code and etcd's words
// Invariants: nothing a client sends is trusted: depth, number of values and every number are
//             checked before they are used. Whether a request makes sense is for
//             command/validate.hpp
// Source:     Go's jsonpb as etcd 3.4's gateway uses it: fields by original or camel-case name,
//             64-bit numbers as numbers or strings, enumerations by name or number, null for the
//             default, unknown fields ignored, errors in the order of the fields' numbers
// Threads:    none
#ifndef QUORATE_GATEWAY_DECODE_HPP
#define QUORATE_GATEWAY_DECODE_HPP

#include <quorate/base/config.hpp>
#include <quorate/command/auth_request.hpp>
#include <quorate/command/request.hpp>
#include <quorate/gateway/api_error.hpp>
#include <quorate/gateway/json_value.hpp>
#include <quorate/gateway/messages.hpp>
#include <quorate/gateway/request_arena.hpp>

#include <cstddef>
#include <string_view>

namespace quorate::gateway {

namespace detail {

/// Effects: parses the first value of `text` and removes it from the front; an empty text is an
/// empty message.
[[nodiscard]] QUORATE_DECL api_error take_value(std::string_view& text, request_arena& arena,
                                                const json_limits& limits, json_value& root);

// One for each kind of message. `root` is the whole message.
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, empty_call&);

[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, range_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, put&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, delete_range&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, txn_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, compact&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, watch_call&);

[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, lease_grant&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, lease_revoke&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, lease_id_call&);

[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, member_add_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          member_remove_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          member_update_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          member_list_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, alarm_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, hash_kv_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          move_leader_call&);

[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          authenticate_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, user_add_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, user_get&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, user_delete&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          user_change_password_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, user_grant_role&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          user_revoke_role&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, role_add&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, role_get&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, role_delete&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          role_grant_permission&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&,
                                          role_revoke_permission&);

[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, campaign_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, proclaim_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, leader_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, resign_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, lock_call&);
[[nodiscard]] QUORATE_DECL api_error read(const json_value& root, request_arena&, unlock_call&);

} // namespace detail

/// Effects: decodes the one message that a call is; what follows it is ignored, as by etcd.
/// `into` is a message of messages.hpp, or of command/request.hpp, command/lease_request.hpp and
/// command/auth_request.hpp; it must be fresh, and is worth nothing on an error.
/// Lifetime: it refers to `arena`, no longer to `body`.
/// Errors: invalid_argument for what is wrong in the text; out_of_range for a compaction before the
/// first revision.
template <class Message>
[[nodiscard]] api_error decode(std::string_view body, request_arena& arena, Message& into,
                               const json_limits& limits = {}) {
    json_value root;
    if (api_error failed = detail::take_value(body, arena, limits, root)) {
        return failed;
    }
    return detail::read(root, arena, into);
}

/// Returns: whether nothing but blanks is left of a stream's body.
[[nodiscard]] QUORATE_DECL bool at_stream_end(std::string_view rest) noexcept;

/// The same for the next of several messages: takes it from the front of `rest`. Requires: not at
/// the end. Errors: unknown, as etcd's streams say; nothing more can be read then. Only when it was
/// the first message etcd's gateway tells the client; later ones just end the client's half.
template <class Message>
[[nodiscard]] api_error decode_next(std::string_view& rest, request_arena& arena, Message& into,
                                    const json_limits& limits = {}) {
    json_value root;
    api_error failed = detail::take_value(rest, arena, limits, root);
    if (!failed) {
        failed = detail::read(root, arena, into);
    }
    if (failed) {
        failed.code = grpc_code::unknown;
    }
    return failed;
}

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/decode.ipp>
#include <quorate/gateway/impl/decode_auth.ipp>
#include <quorate/gateway/impl/decode_cluster.ipp>
#include <quorate/gateway/impl/decode_kv.ipp>
#endif

#endif
