// See decode.hpp: members and maintenance.
#ifndef QUORATE_GATEWAY_IMPL_DECODE_CLUSTER_IPP
#define QUORATE_GATEWAY_IMPL_DECODE_CLUSTER_IPP

#include <quorate/gateway/decode.hpp>
#include <quorate/gateway/field_reader.hpp>
#include <quorate/gateway/impl/decode_kv.ipp>

#include <array>
#include <cstdint>
#include <utility>

namespace quorate::gateway::detail {

inline constexpr std::array<std::string_view, 3> alarm_action_names{"GET", "ACTIVATE",
                                                                    "DEACTIVATE"};
inline constexpr std::array<std::string_view, 3> alarm_names{"NONE", "NOSPACE", "CORRUPT"};

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, member_add_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.texts("peerURLs", into.peer_urls);
    fields.flag("isLearner", into.is_learner);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena,
                            member_remove_call& into) {
    reading state{arena};
    field_reader(root, state).id("ID", into.id);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena,
                            member_update_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    fields.id("ID", into.id);
    fields.texts("peerURLs", into.peer_urls);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, member_list_call& into) {
    reading state{arena};
    field_reader(root, state).flag("linearizable", into.linearizable);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, alarm_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    read_known(fields, state, "action",
               {"etcdserverpb.AlarmRequest_AlarmAction", alarm_action_names},
               "quorate: unknown alarm action", into.action);
    fields.id("memberID", into.member);
    std::uint8_t kind = 0;
    read_known(fields, state, "alarm", {"etcdserverpb.AlarmType", alarm_names},
               "quorate: unknown alarm", kind);
    if (kind != 0) {
        into.kind = static_cast<alarm_kind>(kind);
    }
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, hash_kv_call& into) {
    reading state{arena};
    field_reader(root, state).count("revision", into.revision);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, move_leader_call& into) {
    reading state{arena};
    field_reader(root, state).id("targetID", into.target);
    return std::move(state.error);
}

} // namespace quorate::gateway::detail

#endif
