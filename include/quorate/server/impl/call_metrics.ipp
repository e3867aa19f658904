// The names of calls and codes, and their lines.
#ifndef QUORATE_SERVER_IMPL_CALL_METRICS_IPP
#define QUORATE_SERVER_IMPL_CALL_METRICS_IPP

#include <quorate/server/call_metrics.hpp>

#include <iterator>

namespace quorate {
namespace detail {

inline constexpr std::string_view kv_calls = "etcdserverpb.KV";
inline constexpr std::string_view lease_calls = "etcdserverpb.Lease";
inline constexpr std::string_view cluster_calls = "etcdserverpb.Cluster";
inline constexpr std::string_view maintenance_calls = "etcdserverpb.Maintenance";
inline constexpr std::string_view auth_calls = "etcdserverpb.Auth";
inline constexpr std::string_view election_calls = "v3electionpb.Election";
inline constexpr std::string_view lock_calls = "v3lockpb.Lock";

inline constexpr call_name call_table[] = {
    {kv_calls, "Range", "unary"},
    {kv_calls, "Put", "unary"},
    {kv_calls, "DeleteRange", "unary"},
    {kv_calls, "Txn", "unary"},
    {kv_calls, "Compact", "unary"},
    {"etcdserverpb.Watch", "Watch", "bidi_stream"},
    {lease_calls, "LeaseGrant", "unary"},
    {lease_calls, "LeaseRevoke", "unary"},
    {lease_calls, "LeaseKeepAlive", "bidi_stream"},
    {lease_calls, "LeaseTimeToLive", "unary"},
    {lease_calls, "LeaseLeases", "unary"},
    {cluster_calls, "MemberAdd", "unary"},
    {cluster_calls, "MemberRemove", "unary"},
    {cluster_calls, "MemberUpdate", "unary"},
    {cluster_calls, "MemberList", "unary"},
    {cluster_calls, "MemberPromote", "unary"},
    {maintenance_calls, "Alarm", "unary"},
    {maintenance_calls, "Status", "unary"},
    {maintenance_calls, "Defragment", "unary"},
    {maintenance_calls, "Hash", "unary"},
    {maintenance_calls, "HashKV", "unary"},
    {maintenance_calls, "Snapshot", "server_stream"},
    {maintenance_calls, "MoveLeader", "unary"},
    {auth_calls, "AuthEnable", "unary"},
    {auth_calls, "AuthDisable", "unary"},
    {auth_calls, "AuthStatus", "unary"},
    {auth_calls, "Authenticate", "unary"},
    {auth_calls, "UserAdd", "unary"},
    {auth_calls, "UserGet", "unary"},
    {auth_calls, "UserList", "unary"},
    {auth_calls, "UserDelete", "unary"},
    {auth_calls, "UserChangePassword", "unary"},
    {auth_calls, "UserGrantRole", "unary"},
    {auth_calls, "UserRevokeRole", "unary"},
    {auth_calls, "RoleAdd", "unary"},
    {auth_calls, "RoleGet", "unary"},
    {auth_calls, "RoleList", "unary"},
    {auth_calls, "RoleDelete", "unary"},
    {auth_calls, "RoleGrantPermission", "unary"},
    {auth_calls, "RoleRevokePermission", "unary"},
    {election_calls, "Campaign", "unary"},
    {election_calls, "Proclaim", "unary"},
    {election_calls, "Leader", "unary"},
    {election_calls, "Observe", "server_stream"},
    {election_calls, "Resign", "unary"},
    {lock_calls, "Lock", "unary"},
    {lock_calls, "Unlock", "unary"},
};

inline constexpr std::string_view code_names[] = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};
static_assert(std::size(code_names) == call_metrics::codes);

} // namespace detail

QUORATE_DECL std::span<const call_name> all_calls() noexcept {
    return detail::call_table;
}

QUORATE_DECL std::optional<std::size_t> find_call(std::string_view method) noexcept {
    for (std::size_t at = 0; at < std::size(detail::call_table); ++at) {
        if (detail::call_table[at].method == method) {
            return at;
        }
    }
    return std::nullopt;
}

QUORATE_DECL std::string_view name_of_code(unsigned code) noexcept {
    return detail::code_names[code < call_metrics::codes ? code : 2];
}

QUORATE_DECL void call_metrics::write(metrics_writer& out, bool extensive) const {
    const std::span<const call_name> names = all_calls();
    const auto put = [&](const call_name& name, const auto& value) {
        out.sample({{"grpc_method", name.method},
                    {"grpc_service", name.service},
                    {"grpc_type", name.type}},
                   value);
    };
    out.family("grpc_server_started_total", "counter", "Calls of the API that began.");
    for (std::size_t at = 0; at < calls_.size(); ++at) {
        put(names[at], calls_[at].started.value());
    }
    // All codes from the start: an alert on growth would not see a first failure otherwise.
    out.family("grpc_server_handled_total", "counter", "Calls of the API that ended, by code.");
    for (std::size_t at = 0; at < calls_.size(); ++at) {
        for (unsigned code = 0; code < codes; ++code) {
            out.sample({{"grpc_code", name_of_code(code)},
                        {"grpc_method", names[at].method},
                        {"grpc_service", names[at].service},
                        {"grpc_type", names[at].type}},
                       calls_[at].handled[code].value());
        }
    }
    if (!extensive) {
        return;
    }
    out.family("grpc_server_handling_seconds", "histogram", "How long calls of the API took.");
    for (std::size_t at = 0; at < calls_.size(); ++at) {
        put(names[at], calls_[at].took);
    }
}

} // namespace quorate

#endif
