// See encode.hpp.
#ifndef QUORATE_GATEWAY_IMPL_ENCODE_IPP
#define QUORATE_GATEWAY_IMPL_ENCODE_IPP

#include <quorate/base/assert.hpp>
#include <quorate/gateway/encode.hpp>
#include <quorate/gateway/json_writer.hpp>

#include <cstddef>
#include <string_view>
#include <variant>

namespace quorate::gateway {

namespace detail {

/// The id of a lease is signed on the wire.
[[nodiscard]] inline std::int64_t signed_of(lease_id id) noexcept {
    return static_cast<std::int64_t>(id.value());
}

inline void write_header(json_object& message, const response_header& header) {
    json_object fields(message.field("header"));
    fields.number("cluster_id", header.cluster.value());
    fields.number("member_id", header.member.value());
    fields.number("revision", header.revision);
    fields.number("raft_term", header.raft_term.value());
}

inline void write_row(std::string& out, const key_value& row) {
    json_object fields(out);
    fields.bytes("key", row.key.view());
    fields.number("create_revision", row.create_revision);
    fields.number("mod_revision", row.mod_revision);
    fields.number("version", row.version);
    fields.bytes("value", row.value.view());
    fields.number("lease", signed_of(row.lease));
}

inline void write_put(json_object& message, const put_reply& told) {
    if (told.prev_kv.has_value()) {
        write_row(message.field("prev_kv"), *told.prev_kv);
    }
}

inline void write_range(json_object& message, const range_reply& told) {
    message.list("kvs", told.kvs, write_row);
    message.flag("more", told.more);
    message.number("count", told.count);
}

inline void write_delete(json_object& message, const delete_reply& told) {
    message.number("deleted", told.deleted);
    message.list("prev_kvs", told.prev_kvs, write_row);
}

inline void write_txn(json_object& message, const txn_reply& told);

/// Replies inside a transaction have nothing but the revision in their header; nested transactions
/// not even that.
inline void write_operation(std::string& out, const txn_op_reply& told) {
    const response_header header{{}, {}, told.header.revision, {}};
    json_object whole(out);
    const auto begin = [&whole](std::string_view name) -> std::string& {
        return whole.field(name);
    };
    if (const auto* put = std::get_if<put_reply>(&told.body)) {
        json_object message(begin("response_put"));
        write_header(message, header);
        write_put(message, *put);
    } else if (const auto* range = std::get_if<range_reply>(&told.body)) {
        json_object message(begin("response_range"));
        write_header(message, header);
        write_range(message, *range);
    } else if (const auto* deleted = std::get_if<delete_reply>(&told.body)) {
        json_object message(begin("response_delete_range"));
        write_header(message, header);
        write_delete(message, *deleted);
    } else if (const auto* txn = std::get_if<txn_reply>(&told.body)) {
        json_object message(begin("response_txn"));
        write_header(message, header);
        write_txn(message, *txn);
    }
}

inline void write_txn(json_object& message, const txn_reply& told) {
    message.flag("succeeded", told.succeeded);
    message.list("responses", told.responses, write_operation);
}

inline void write_event(std::string& out, const shared_event& event) {
    json_object fields(out);
    if (event->deleted) {
        fields.text("type", "DELETE");
    }
    write_row(fields.field("kv"), event->kv);
    if (event->prev_kv.has_value()) {
        write_row(fields.field("prev_kv"), *event->prev_kv);
    }
}

inline void write_member(std::string& out, const cluster_member& member) {
    json_object fields(out);
    fields.number("ID", member.id.value());
    fields.text("name", member.name);
    fields.list("peerURLs", member.peer_urls, append_json_string);
    fields.list("clientURLs", member.client_urls, append_json_string);
    fields.flag("isLearner", member.is_learner);
}

inline void write_alarm(std::string& out, const raised_alarm& alarm) {
    json_object fields(out);
    fields.number("memberID", alarm.member.value());
    switch (alarm.kind) {
    case alarm_kind::no_space: fields.text("alarm", "NOSPACE"); break;
    case alarm_kind::corrupt: fields.text("alarm", "CORRUPT"); break;
    }
}

inline void write_permission(std::string& out, const role_permission& given) {
    json_object fields(out);
    switch (given.kind) {
    case permission_kind::read: break; // The default, so left out.
    case permission_kind::write: fields.text("permType", "WRITE"); break;
    case permission_kind::readwrite: fields.text("permType", "READWRITE"); break;
    }
    fields.bytes("key", given.key);
    fields.bytes("range_end", given.range_end);
}

/// Room for a reply's rows, so that large ones are not copied while they grow.
[[nodiscard]] inline std::size_t text_size_of(const std::vector<key_value>& rows) noexcept {
    constexpr std::size_t fields_bytes = 128;
    std::size_t size = 0;
    for (const key_value& row : rows) {
        size +=
            base64_text_size(row.key.size()) + base64_text_size(row.value.size()) + fields_bytes;
    }
    return size;
}

/// Writes a message that is a header and what `write_rest` adds to it.
template <class WriteRest>
void write_message(std::string& out, const response_header& header, const WriteRest& write_rest) {
    json_object message(out);
    write_header(message, header);
    write_rest(message);
}

} // namespace detail

QUORATE_DECL void encode(std::string& out, const response_header& header, const empty_reply&) {
    detail::write_message(out, header, [](json_object&) {});
}
QUORATE_DECL void encode(std::string& out, const bare_reply&) {
    out += "{}";
}

QUORATE_DECL void encode(std::string& out, const response_header& header, const put_reply& told) {
    detail::write_message(out, header, [&](json_object& m) { detail::write_put(m, told); });
}
QUORATE_DECL void encode(std::string& out, const response_header& header, const range_reply& told) {
    out.reserve(out.size() + detail::text_size_of(told.kvs) + 256);
    detail::write_message(out, header, [&](json_object& m) { detail::write_range(m, told); });
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const delete_reply& told) {
    detail::write_message(out, header, [&](json_object& m) { detail::write_delete(m, told); });
}
QUORATE_DECL void encode(std::string& out, const response_header& header, const txn_reply& told) {
    detail::write_message(out, header, [&](json_object& m) { detail::write_txn(m, told); });
}
QUORATE_DECL void encode(std::string& out, const response_header& header, const compact_reply&) {
    encode(out, header, empty_reply{});
}

QUORATE_DECL void encode(std::string& out, const response_header& header, const watch_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        message.number("watch_id", told.id);
        message.flag("created", told.created);
        message.flag("canceled", told.canceled);
        message.number("compact_revision", told.compact_revision);
        message.text("cancel_reason", told.cancel_reason);
        message.flag("fragment", told.fragment);
        message.list("events", told.events, detail::write_event);
    });
}

QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_grant_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        message.number("ID", detail::signed_of(told.id));
        message.number("TTL", told.ttl);
    });
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_revoke_reply&) {
    encode(out, header, empty_reply{});
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_life_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        message.number("ID", detail::signed_of(told.id));
        message.number("TTL", told.ttl);
        message.number("grantedTTL", told.granted_ttl);
        message.list("keys", told.keys, [](std::string& text, const shared_bytes& key) {
            append_json_bytes(text, key.view());
        });
    });
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_alive_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        message.number("ID", detail::signed_of(told.id));
        message.number("TTL", told.ttl);
    });
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_list_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        message.list("leases", told.leases, [](std::string& text, lease_id id) {
            json_object(text).number("ID", detail::signed_of(id));
        });
    });
}

QUORATE_DECL void encode_members(std::string& out, const response_header& header,
                                 std::span<const cluster_member> members,
                                 const cluster_member* added) {
    detail::write_message(out, header, [members, added](json_object& message) {
        if (added != nullptr) {
            detail::write_member(message.field("member"), *added);
        }
        message.list("members", members, detail::write_member);
    });
}

QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const member_status& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        message.text("version", told.version);
        message.number("dbSize", told.db_size);
        message.number("leader", told.leader.value());
        message.number("raftIndex", told.raft_index.value());
        message.number("raftTerm", told.raft_term.value());
        message.number("raftAppliedIndex", told.raft_applied_index.value());
        message.list("errors", told.errors, append_json_string);
        message.number("dbSizeInUse", told.db_size_in_use);
        message.flag("isLearner", told.is_learner);
    });
}

QUORATE_DECL void encode(std::string& out, const response_header& header, const alarm_reply& told,
                         error_dialect dialect) {
    json_object message(out);
    if (dialect == error_dialect::etcd_3_6) {
        detail::write_header(message, header);
    }
    message.list("alarms", told.alarms, detail::write_alarm);
}

QUORATE_DECL void encode(std::string& out, const response_header& header, const hash_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        if (told.hash != 0) {
            append_decimal(message.field("hash"), told.hash);
        }
    });
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const hash_kv_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        if (told.hash != 0) {
            append_decimal(message.field("hash"), told.hash);
        }
        message.number("compact_revision", told.compact_revision);
        message.number("hash_revision", told.hash_revision);
    });
}
QUORATE_DECL void encode(std::string& out, const snapshot_reply& told) {
    json_object message(out);
    message.number("remaining_bytes", told.remaining_bytes);
    message.bytes("blob", told.blob);
}

QUORATE_DECL void encode(std::string& out, const response_header& header, const auth_reply& told,
                         api_call call) {
    json_object message(out);
    detail::write_header(message, header);
    if (const auto* found = std::get_if<auth_names>(&told.body)) {
        message.list(call == api_call::user_list ? "users" : "roles", found->names,
                     append_json_string);
    } else if (const auto* given = std::get_if<auth_permissions>(&told.body)) {
        message.list("perm", given->permissions, detail::write_permission);
    } else if (const auto* state = std::get_if<auth_state>(&told.body)) {
        message.flag("enabled", state->enabled);
        message.number("authRevision", state->auth_revision);
    }
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const authenticate_reply& told) {
    detail::write_message(out, header, [&](json_object& m) { m.text("token", told.token); });
}

QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const campaign_reply& told) {
    detail::write_message(out, header, [&told](json_object& message) {
        json_object leader(message.field("leader"));
        leader.bytes("name", told.leader.name);
        leader.bytes("key", told.leader.key);
        leader.number("rev", told.leader.revision);
        leader.number("lease", detail::signed_of(told.leader.lease));
    });
}
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const leader_reply& told) {
    detail::write_message(out, header,
                          [&](json_object& m) { detail::write_row(m.field("kv"), told.kv); });
}
QUORATE_DECL void encode(std::string& out, const response_header& header, const lock_reply& told) {
    detail::write_message(out, header, [&](json_object& m) { m.bytes("key", told.key); });
}

} // namespace quorate::gateway

#endif
