// Replies to clients, as plain values that share the store's bytes.
// Flow:       13. revision → reply → HTTP bytes
// In / Out:   what the store found or did → the fields of etcd's responses
// Invariants: keys and values are shared slices; a reply copies none of their bytes
// Source:     etcd's KV service; field by field the same meaning
// Threads:    a reply may be handed to another thread: its bytes are immutable
#ifndef QUORATE_COMMAND_REPLY_HPP
#define QUORATE_COMMAND_REPLY_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/command/auth_reply.hpp>
#include <quorate/command/request.hpp>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace quorate {

/// One key as it was at a revision.
struct key_value {
    shared_bytes key;
    shared_bytes value;                ///< Empty also when only keys were asked for.
    std::uint64_t create_revision = 0; ///< Where this life of the key began.
    std::uint64_t mod_revision = 0;    ///< Where it was last put.
    std::uint64_t version = 0;         ///< How many puts since it was created; at least one.
    lease_id lease{};

    friend bool operator==(const key_value&, const key_value&) noexcept = default;
};

/// Goes with every reply, errors too.
struct reply_header {
    std::uint64_t revision = 0; ///< The store's current one, after this request.

    friend bool operator==(const reply_header&, const reply_header&) noexcept = default;
};

struct put_reply {
    std::optional<key_value> prev_kv{}; ///< When asked for and the key was there.

    friend bool operator==(const put_reply&, const put_reply&) noexcept = default;
};

struct range_reply {
    std::vector<key_value> kvs{}; ///< In the order of the keys, or the one that was asked for.
    bool more = false;            ///< Whether the limit left rows out.
    std::uint64_t count = 0; ///< Keys in the span at that revision, whatever limit and filters.

    friend bool operator==(const range_reply&, const range_reply&) noexcept = default;
};

struct delete_reply {
    std::uint64_t deleted = 0;
    std::vector<key_value> prev_kvs{}; ///< When asked for, in the order of the keys.

    friend bool operator==(const delete_reply&, const delete_reply&) noexcept = default;
};

struct compact_reply {
    friend bool operator==(const compact_reply&, const compact_reply&) noexcept = default;
};

struct txn_op_reply;

struct txn_reply {
    bool succeeded = false;              ///< Whether all conditions held.
    std::vector<txn_op_reply> responses; ///< One for each operation that was done, in order.
};

/// What one operation of a transaction found or did.
struct txn_op_reply {
    /// The revision at that moment: the transaction's once something has changed, the one before
    /// until then. Zero with a nested transaction, as in etcd.
    reply_header header{};
    std::variant<put_reply, range_reply, delete_reply, txn_reply> body{};

    friend bool operator==(const txn_op_reply&, const txn_op_reply&) noexcept = default;
};

[[nodiscard]] inline bool operator==(const txn_reply& a, const txn_reply& b) noexcept {
    return a.succeeded == b.succeeded && a.responses == b.responses;
}

struct lease_grant_reply {
    lease_id id{};
    std::uint64_t ttl = 0;    ///< Units: seconds.
    std::uint64_t serial = 0; ///< Numbers grants, from one, so that ids may be used again.

    friend bool operator==(const lease_grant_reply&, const lease_grant_reply&) noexcept = default;
};

struct lease_revoke_reply {
    lease_id id{};
    std::uint64_t deleted = 0; ///< Keys that went with it.

    friend bool operator==(const lease_revoke_reply&, const lease_revoke_reply&) noexcept = default;
};

struct lease_checkpoint_reply {
    std::vector<lease_remaining> leases{}; ///< What was noted; leases that are gone are left out.

    friend bool operator==(const lease_checkpoint_reply&,
                           const lease_checkpoint_reply&) noexcept = default;
};

struct lease_takeover_reply {
    std::uint64_t epoch = 0; ///< The one in force.

    friend bool operator==(const lease_takeover_reply&,
                           const lease_takeover_reply&) noexcept = default;
};

struct alarm_reply {
    std::vector<raised_alarm> alarms{}; ///< What was raised or cleared; or all, when asked for.

    friend bool operator==(const alarm_reply&, const alarm_reply&) noexcept = default;
};

/// The request was not carried out and changed nothing.
struct error_reply {
    errc reason{};

    friend bool operator==(const error_reply&, const error_reply&) noexcept = default;
};

/// The answer to one request: the alternative that belongs to it, or an error.
struct reply {
    reply_header header{};
    std::variant<put_reply, range_reply, delete_reply, compact_reply, error_reply, txn_reply,
                 auth_reply, lease_grant_reply, lease_revoke_reply, lease_checkpoint_reply,
                 lease_takeover_reply, alarm_reply>
        body{};

    /// Returns: why it failed; no failure when it did not.
    [[nodiscard]] error_code error() const noexcept {
        const auto* failed = std::get_if<error_reply>(&body);
        return failed == nullptr ? error_code() : make_error_code(failed->reason);
    }
    friend bool operator==(const reply&, const reply&) noexcept = default;
};

} // namespace quorate

#endif
