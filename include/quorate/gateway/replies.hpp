// Answers of the JSON API that no layer below has, as plain values.
// Flow:       13. reply → JSON text
// In / Out:   what the service found → the fields of etcd's responses
// Source:     etcd's rpc.proto, v3election.proto and v3lock.proto; field by field the same meaning
// Threads:    none
#ifndef QUORATE_GATEWAY_REPLIES_HPP
#define QUORATE_GATEWAY_REPLIES_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/command/reply.hpp>
#include <quorate/gateway/messages.hpp>
#include <quorate/store/watch_request.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::gateway {

/// Goes with every reply: who says it, and when. Fields that are zero are left out.
struct response_header {
    cluster_id cluster{};
    node_id member{};
    std::uint64_t revision = 0; ///< Zero in replies about members.
    term_id raft_term{};
};

/// Nothing but the header: lease revoke, resign, proclaim, unlock, and most of auth.
struct empty_reply {};
/// Not even the header: defragment and move_leader, as in etcd 3.4.
struct bare_reply {};

struct lease_life_reply {
    lease_id id{};
    std::int64_t ttl = 0;          ///< Units: seconds. -1: there is no such lease.
    std::uint64_t granted_ttl = 0; ///< Units: seconds.
    std::span<const shared_bytes> keys{};
};
struct lease_alive_reply {
    lease_id id{};
    std::uint64_t ttl = 0; ///< Units: seconds. Zero: there is no such lease.
};
struct lease_list_reply {
    std::span<const lease_id> leases{};
};

struct authenticate_reply {
    std::string_view token{};
};

struct hash_reply {
    std::uint32_t hash = 0;
};
struct hash_kv_reply {
    std::uint32_t hash = 0;
    std::uint64_t compact_revision = 0;
    std::uint64_t hash_revision = 0; ///< Known from etcd 3.6 on.
};
struct snapshot_reply {
    std::uint64_t remaining_bytes = 0; ///< Units: bytes that are yet to come.
    byte_view blob{};
};

struct campaign_reply {
    election_key leader{};
};
/// Also of observe.
struct leader_reply {
    key_value kv{};
};
struct lock_reply {
    byte_view key{};
};

struct watch_reply {
    watch_id id = 0;
    bool created = false;
    bool canceled = false;
    std::int64_t compact_revision = 0; ///< Zero: it was not cancelled for that.
    std::string_view cancel_reason{};
    bool fragment = false;
    std::span<const shared_event> events{};
};

/// Returns: what a batch of a hub is on the wire, with the words for its reason. Lifetime: refers
/// to both.
[[nodiscard]] inline watch_reply watch_reply_of(const watch_batch& batch,
                                                std::string_view reason = {}) noexcept {
    watch_reply made;
    made.id = batch.id;
    made.canceled = batch.canceled;
    made.compact_revision = static_cast<std::int64_t>(batch.compact_revision);
    made.cancel_reason = reason;
    made.fragment = batch.fragment;
    made.events = batch.events;
    return made;
}

} // namespace quorate::gateway

#endif
