// See api_call.hpp.
#ifndef QUORATE_GATEWAY_IMPL_API_CALL_IPP
#define QUORATE_GATEWAY_IMPL_API_CALL_IPP

#include <quorate/gateway/api_call.hpp>

#include <cstddef>

namespace quorate::gateway {

namespace detail {

struct api_row {
    std::string_view path;
    std::string_view rpc;
};

/// In the order of api_call.
inline constexpr std::array<api_row, api_call_count> api_rows{{
    {"kv/range", "etcdserverpb.KV/Range"},
    {"kv/put", "etcdserverpb.KV/Put"},
    {"kv/deleterange", "etcdserverpb.KV/DeleteRange"},
    {"kv/txn", "etcdserverpb.KV/Txn"},
    {"kv/compaction", "etcdserverpb.KV/Compact"},
    {"watch", "etcdserverpb.Watch/Watch"},
    {"lease/grant", "etcdserverpb.Lease/LeaseGrant"},
    {"lease/revoke", "etcdserverpb.Lease/LeaseRevoke"},
    {"lease/keepalive", "etcdserverpb.Lease/LeaseKeepAlive"},
    {"lease/timetolive", "etcdserverpb.Lease/LeaseTimeToLive"},
    {"lease/leases", "etcdserverpb.Lease/LeaseLeases"},
    {"cluster/member/add", "etcdserverpb.Cluster/MemberAdd"},
    {"cluster/member/remove", "etcdserverpb.Cluster/MemberRemove"},
    {"cluster/member/update", "etcdserverpb.Cluster/MemberUpdate"},
    {"cluster/member/list", "etcdserverpb.Cluster/MemberList"},
    {"cluster/member/promote", "etcdserverpb.Cluster/MemberPromote"},
    {"maintenance/alarm", "etcdserverpb.Maintenance/Alarm"},
    {"maintenance/status", "etcdserverpb.Maintenance/Status"},
    {"maintenance/defragment", "etcdserverpb.Maintenance/Defragment"},
    {"maintenance/hash", "etcdserverpb.Maintenance/Hash"},
    {"maintenance/hashkv", "etcdserverpb.Maintenance/HashKV"},
    {"maintenance/snapshot", "etcdserverpb.Maintenance/Snapshot"},
    {"maintenance/transfer-leadership", "etcdserverpb.Maintenance/MoveLeader"},
    {"auth/enable", "etcdserverpb.Auth/AuthEnable"},
    {"auth/disable", "etcdserverpb.Auth/AuthDisable"},
    {"auth/status", "etcdserverpb.Auth/AuthStatus"},
    {"auth/authenticate", "etcdserverpb.Auth/Authenticate"},
    {"auth/user/add", "etcdserverpb.Auth/UserAdd"},
    {"auth/user/get", "etcdserverpb.Auth/UserGet"},
    {"auth/user/list", "etcdserverpb.Auth/UserList"},
    {"auth/user/delete", "etcdserverpb.Auth/UserDelete"},
    {"auth/user/changepw", "etcdserverpb.Auth/UserChangePassword"},
    {"auth/user/grant", "etcdserverpb.Auth/UserGrantRole"},
    {"auth/user/revoke", "etcdserverpb.Auth/UserRevokeRole"},
    {"auth/role/add", "etcdserverpb.Auth/RoleAdd"},
    {"auth/role/get", "etcdserverpb.Auth/RoleGet"},
    {"auth/role/list", "etcdserverpb.Auth/RoleList"},
    {"auth/role/delete", "etcdserverpb.Auth/RoleDelete"},
    {"auth/role/grant", "etcdserverpb.Auth/RoleGrantPermission"},
    {"auth/role/revoke", "etcdserverpb.Auth/RoleRevokePermission"},
    {"election/campaign", "v3electionpb.Election/Campaign"},
    {"election/proclaim", "v3electionpb.Election/Proclaim"},
    {"election/leader", "v3electionpb.Election/Leader"},
    {"election/observe", "v3electionpb.Election/Observe"},
    {"election/resign", "v3electionpb.Election/Resign"},
    {"lock/lock", "v3lockpb.Lock/Lock"},
    {"lock/unlock", "v3lockpb.Lock/Unlock"},
}};

struct api_alias {
    std::string_view path;
    api_call call;
};
/// Second names, from the time when these calls belonged to the key-value service.
inline constexpr std::array<api_alias, 3> api_aliases{{
    {"kv/lease/revoke", api_call::lease_revoke},
    {"kv/lease/timetolive", api_call::lease_time_to_live},
    {"kv/lease/leases", api_call::lease_list},
}};

[[nodiscard]] inline std::optional<api_call> find_call(std::string_view path) noexcept {
    for (std::size_t i = 0; i < api_rows.size(); ++i) {
        if (api_rows[i].path == path) {
            return static_cast<api_call>(i);
        }
    }
    for (const api_alias& alias : api_aliases) {
        if (alias.path == path) {
            return alias.call;
        }
    }
    return std::nullopt;
}

} // namespace detail

QUORATE_DECL std::string_view path_of(api_call call) noexcept {
    return detail::api_rows[static_cast<std::size_t>(call)].path;
}
QUORATE_DECL std::string_view rpc_name_of(api_call call) noexcept {
    return detail::api_rows[static_cast<std::size_t>(call)].rpc;
}
QUORATE_DECL bool takes_stream(api_call call) noexcept {
    return call == api_call::watch || call == api_call::lease_keep_alive;
}
QUORATE_DECL bool gives_stream(api_call call) noexcept {
    return takes_stream(call) || call == api_call::snapshot || call == api_call::observe;
}

QUORATE_DECL api_route route_of(std::string_view method, std::string_view target) noexcept {
    constexpr std::string_view prefix = "/v3/";
    constexpr std::string_view older_prefix = "/v3beta/";
    if (method == "OPTIONS") {
        return {api_route::kind::preflight, {}, 200, {}};
    }
    std::string_view path = target.substr(0, target.find('?'));
    if (path.starts_with(prefix)) {
        path.remove_prefix(prefix.size());
    } else if (path.starts_with(older_prefix)) {
        path.remove_prefix(older_prefix.size());
    } else {
        return {api_route::kind::elsewhere, {}, 404, "404 page not found\n"};
    }
    const std::optional<api_call> call = detail::find_call(path);
    if (!call.has_value()) {
        return {api_route::kind::unknown, {}, 404, "Not Found\n"};
    }
    if (method != "POST") {
        return {api_route::kind::bad_method, {}, 405, "Method Not Allowed\n"};
    }
    return {api_route::kind::call, *call, 200, {}};
}

} // namespace quorate::gateway

#endif
