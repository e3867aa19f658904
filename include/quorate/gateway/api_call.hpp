// Routes of a method and a path to an API call, or to an error.
// Flow:       1. request line → call
// In / Out:   method and target → api_call, or a whole answer
// Source:     the routes of etcd 3.4's gateway, as observed, and those of later ones that are
// served Threads:    any
#ifndef QUORATE_GATEWAY_API_CALL_HPP
#define QUORATE_GATEWAY_API_CALL_HPP

#include <quorate/base/config.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quorate::gateway {

/// Every call of the API. In the order of etcd's services; values are no part of any format.
enum class api_call : std::uint8_t {
    range,
    put,
    delete_range,
    txn,
    compact,
    watch,
    lease_grant,
    lease_revoke,
    lease_keep_alive,
    lease_time_to_live,
    lease_list,
    member_add,
    member_remove,
    member_update,
    member_list,
    member_promote,
    alarm,
    status,
    defragment,
    hash,
    hash_kv,
    snapshot,
    move_leader,
    auth_enable,
    auth_disable,
    auth_status,
    authenticate,
    user_add,
    user_get,
    user_list,
    user_delete,
    user_change_password,
    user_grant_role,
    user_revoke_role,
    role_add,
    role_get,
    role_list,
    role_delete,
    role_grant_permission,
    role_revoke_permission,
    campaign,
    proclaim,
    leader,
    observe,
    resign,
    lock,
    unlock,
};
inline constexpr std::size_t api_call_count = static_cast<std::size_t>(api_call::unlock) + 1;

/// Returns: the path below "/v3/", such as "kv/range".
[[nodiscard]] QUORATE_DECL std::string_view path_of(api_call call) noexcept;
/// Returns: the call's name in etcd's API, such as "etcdserverpb.KV/Range", for logs and metrics.
[[nodiscard]] QUORATE_DECL std::string_view rpc_name_of(api_call call) noexcept;
/// Returns: whether the request is a stream of messages; otherwise it is one.
[[nodiscard]] QUORATE_DECL bool takes_stream(api_call call) noexcept;
/// Returns: whether the answer is a stream of `result` objects; otherwise it is one message.
[[nodiscard]] QUORATE_DECL bool gives_stream(api_call call) noexcept;

/// What a request line leads to.
struct api_route {
    enum class kind : std::uint8_t {
        call,       ///< To be decoded and carried out.
        preflight,  ///< OPTIONS, wherever: 200 without a body.
        bad_method, ///< A path of the API, but not POST: 405.
        unknown,    ///< Below the API's prefixes, but none of its paths: 404.
        elsewhere,  ///< Not of this API: for whoever else serves the port.
    };
    kind what = kind::elsewhere;
    api_call call{};         ///< Of `call` only.
    unsigned status = 404;   ///< Unless it is a call.
    std::string_view body{}; ///< In plain text; unless it is a call.
};

/// Returns: where the request leads. A query behind the path is not looked at. "/v3beta/" means
/// "/v3/".
[[nodiscard]] QUORATE_DECL api_route route_of(std::string_view method,
                                              std::string_view target) noexcept;

struct fixed_field {
    std::string_view name;
    std::string_view value;
};
/// Goes with every answer to a page of another origin that may use the API.
inline constexpr std::array<fixed_field, 3> cors_fields{{
    {"Access-Control-Allow-Headers", "accept, content-type, authorization"},
    {"Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE"},
    {"Access-Control-Allow-Origin", "*"},
}};
/// Goes with every answer in plain text that is an error.
inline constexpr fixed_field nosniff_field{"X-Content-Type-Options", "nosniff"};
/// Goes with every answer that is not an error.
inline constexpr fixed_field grpc_content_field{"Grpc-Metadata-Content-Type", "application/grpc"};
inline constexpr std::string_view json_content_type = "application/json";
inline constexpr std::string_view text_content_type = "text/plain; charset=utf-8";

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/api_call.ipp>
#endif

#endif
