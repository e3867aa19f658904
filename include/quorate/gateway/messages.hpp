// Requests of the JSON API that no layer below has: with a plain password, or decided where they
// come in.
// Flow:       1. JSON text → request
// In / Out:   the client's fields, unchanged
// Source:     etcd's rpc.proto, v3election.proto and v3lock.proto; field by field the same meaning
// Threads:    none
#ifndef QUORATE_GATEWAY_MESSAGES_HPP
#define QUORATE_GATEWAY_MESSAGES_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/command/request.hpp>
#include <quorate/store/watch_request.hpp>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace quorate::gateway {

// Lifetime of all requests: the views refer to the arena that they were decoded to.

/// A message without fields: status, defragment, hash, snapshot, lease_list, and of auth enable,
/// disable, status, user_list and role_list.
struct empty_call {};

struct range_call {
    quorate::range request{};
    bool serializable = false; ///< May be answered from what this member has, however old.
};

struct txn_call {
    quorate::txn request{};
    bool read_only = false;    ///< All operations of both lists are ranges.
    bool serializable = false; ///< All of them are serializable ranges, too.
};

struct lease_id_call {
    lease_id id{};
    bool keys = false; ///< Of time_to_live only: the keys are asked for, too.
};

struct watch_create {
    watch_request request{};
    /// Begins before the first revision there can be: after "created" it is cancelled as compacted.
    bool start_is_compacted = false;
};
struct watch_cancel {
    watch_id id = 0;
};
struct watch_progress {};
/// One message of a watch stream. Holding nothing it asks for nothing, and is ignored.
using watch_call = std::variant<std::monostate, watch_create, watch_cancel, watch_progress>;

struct authenticate_call {
    byte_view name{};
    byte_view password{};
};
struct user_add_call {
    byte_view name{};
    byte_view password{};
    bool no_password = false;
};
struct user_change_password_call {
    byte_view name{};
    byte_view password{};
};

struct member_add_call {
    std::vector<byte_view> peer_urls{};
    bool is_learner = false;
};
/// Also for member_promote.
struct member_remove_call {
    node_id id{};
};
struct member_update_call {
    node_id id{};
    std::vector<byte_view> peer_urls{};
};
struct member_list_call {
    bool linearizable = false;
};

enum class alarm_action : std::uint8_t { get = 0, activate = 1, deactivate = 2 };
struct alarm_call {
    alarm_action action = alarm_action::get;
    node_id member{};
    /// Nothing: of every kind.
    std::optional<alarm_kind> kind{};
};
struct hash_kv_call {
    std::uint64_t revision = 0; ///< Zero: the current one.
};
struct move_leader_call {
    node_id target{};
};

/// What a campaign gave its winner.
struct election_key {
    byte_view name{};
    byte_view key{};
    std::uint64_t revision = 0;
    lease_id lease{};
};
struct campaign_call {
    byte_view name{};
    lease_id lease{};
    byte_view value{};
};
struct proclaim_call {
    std::optional<election_key> leader{};
    byte_view value{};
};
/// Also for observe.
struct leader_call {
    byte_view name{};
};
struct resign_call {
    std::optional<election_key> leader{};
};
struct lock_call {
    byte_view name{};
    lease_id lease{};
};
struct unlock_call {
    byte_view key{};
};

} // namespace quorate::gateway

#endif
