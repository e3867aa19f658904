// See decode.hpp: users, roles and permissions.
#ifndef QUORATE_GATEWAY_IMPL_DECODE_AUTH_IPP
#define QUORATE_GATEWAY_IMPL_DECODE_AUTH_IPP

#include <quorate/gateway/decode.hpp>
#include <quorate/gateway/field_reader.hpp>
#include <quorate/gateway/impl/decode_kv.ipp>

#include <array>
#include <utility>

namespace quorate::gateway::detail {

inline constexpr std::array<std::string_view, 3> permission_names{"READ", "WRITE", "READWRITE"};

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, authenticate_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.text("name", into.name);
    fields.text("password", into.password);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, user_add_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.text("name", into.name);
    fields.text("password", into.password);
    if (const json_value* options = fields.message("options")) {
        field_reader(*options, state).flag("no_password", into.no_password);
    }
    return std::move(state.error);
}

/// Messages whose only field is a name.
inline api_error read_name(const json_value& root, request_arena& arena, std::string_view field,
                           byte_view& into) {
    reading state{arena};
    field_reader(root, state).text(field, into);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, user_get& into) {
    return read_name(root, arena, "name", into.name);
}
QUORATE_DECL api_error read(const json_value& root, request_arena& arena, user_delete& into) {
    return read_name(root, arena, "name", into.name);
}
QUORATE_DECL api_error read(const json_value& root, request_arena& arena, role_add& into) {
    return read_name(root, arena, "name", into.name);
}
QUORATE_DECL api_error read(const json_value& root, request_arena& arena, role_get& into) {
    return read_name(root, arena, "role", into.name);
}
QUORATE_DECL api_error read(const json_value& root, request_arena& arena, role_delete& into) {
    return read_name(root, arena, "role", into.name);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena,
                            user_change_password_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.text("name", into.name);
    fields.text("password", into.password);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, user_grant_role& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.text("user", into.name);
    fields.text("role", into.role);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, user_revoke_role& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.text("name", into.name);
    fields.text("role", into.role);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena,
                            role_grant_permission& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.text("name", into.name);
    if (const json_value* given = fields.message("perm")) {
        field_reader permission_fields(*given, state);
        read_known(permission_fields, state, "permType",
                   {"authpb.Permission_Type", permission_names}, "quorate: unknown permission type",
                   into.granted.kind);
        permission_fields.bytes("key", into.granted.key);
        permission_fields.bytes("range_end", into.granted.range_end);
    }
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena,
                            role_revoke_permission& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.text("role", into.name);
    fields.bytes("key", into.key);
    fields.bytes("range_end", into.range_end);
    return std::move(state.error);
}

} // namespace quorate::gateway::detail

#endif
