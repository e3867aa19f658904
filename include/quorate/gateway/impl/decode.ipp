// See decode.hpp: the common parts of messages, leases, elections and locks.
#ifndef QUORATE_GATEWAY_IMPL_DECODE_IPP
#define QUORATE_GATEWAY_IMPL_DECODE_IPP

#include <quorate/gateway/decode.hpp>
#include <quorate/gateway/field_reader.hpp>

#include <utility>

namespace quorate::gateway {

namespace detail {

QUORATE_DECL api_error take_value(std::string_view& text, request_arena& arena,
                                  const json_limits& limits, json_value& root) {
    json_parsed parsed = parse_json(text, arena.resource(), json_extent::first_value, limits);
    text.remove_prefix(parsed.consumed);
    if (!parsed.problem.empty()) {
        return {grpc_code::invalid_argument, std::move(parsed.problem)};
    }
    root = parsed.root;
    return {};
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, empty_call&) {
    reading state{arena};
    field_reader(root, state);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, lease_grant& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.count("TTL", into.ttl);
    fields.signed_id("ID", into.id);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, lease_revoke& into) {
    reading state{arena};
    field_reader(root, state).signed_id("ID", into.id);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, lease_id_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.signed_id("ID", into.id);
    fields.flag("keys", into.keys);
    return std::move(state.error);
}

inline void read_leader(field_reader& fields, reading& state, std::optional<election_key>& into) {
    if (const json_value* leader = fields.message("leader")) {
        field_reader key(*leader, state);
        into.emplace();
        key.bytes("name", into->name);
        key.bytes("key", into->key);
        key.count("rev", into->revision);
        key.signed_id("lease", into->lease);
    }
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, campaign_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.bytes("name", into.name);
    fields.signed_id("lease", into.lease);
    fields.bytes("value", into.value);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, proclaim_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    read_leader(fields, state, into.leader);
    fields.bytes("value", into.value);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, leader_call& into) {
    reading state{arena};
    field_reader(root, state).bytes("name", into.name);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, resign_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    read_leader(fields, state, into.leader);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, lock_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.bytes("name", into.name);
    fields.signed_id("lease", into.lease);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, unlock_call& into) {
    reading state{arena};
    field_reader(root, state).bytes("key", into.key);
    return std::move(state.error);
}

} // namespace detail

QUORATE_DECL bool at_stream_end(std::string_view rest) noexcept {
    return rest.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

} // namespace quorate::gateway

#endif
