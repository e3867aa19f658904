// Typed replies → JSON text of etcd's API.
// Flow:       13. reply → HTTP body
// In / Out:   a header and a reply → text appended to a string
// Invariants: names, order of fields, and what is left out are etcd 3.4's, byte by byte
// Source:     recorded answers of etcd 3.4.23; test/gateway/encode.cpp holds this to them
// Threads:    none
#ifndef QUORATE_GATEWAY_ENCODE_HPP
#define QUORATE_GATEWAY_ENCODE_HPP

#include <quorate/base/config.hpp>
#include <quorate/command/auth_reply.hpp>
#include <quorate/command/cluster_reply.hpp>
#include <quorate/command/reply.hpp>
#include <quorate/gateway/api_call.hpp>
#include <quorate/gateway/api_error.hpp>
#include <quorate/gateway/replies.hpp>

#include <span>
#include <string>

namespace quorate::gateway {

// All append one whole message to `out`, without a line end. Complexity: linear in what is written.

QUORATE_DECL void encode(std::string& out, const response_header& header, const empty_reply&);
QUORATE_DECL void encode(std::string& out, const bare_reply&);

QUORATE_DECL void encode(std::string& out, const response_header& header, const put_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header, const range_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header, const delete_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header, const txn_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header, const compact_reply&);
QUORATE_DECL void encode(std::string& out, const response_header& header, const watch_reply& told);

QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_grant_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_revoke_reply&);
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_life_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_alive_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const lease_list_reply& told);

/// To add, with the member that is new; to remove, update, promote and list, without one.
QUORATE_DECL void encode_members(std::string& out, const response_header& header,
                                 std::span<const cluster_member> members,
                                 const cluster_member* added = nullptr);
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const member_status& told);
/// The older dialect has no header here.
QUORATE_DECL void encode(std::string& out, const response_header& header, const alarm_reply& told,
                         error_dialect dialect);
QUORATE_DECL void encode(std::string& out, const response_header& header, const hash_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const hash_kv_reply& told);
/// Snapshots have no header.
QUORATE_DECL void encode(std::string& out, const snapshot_reply& told);

/// `call`: which one it answers, as the name of the field depends on it.
QUORATE_DECL void encode(std::string& out, const response_header& header, const auth_reply& told,
                         api_call call);
QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const authenticate_reply& told);

QUORATE_DECL void encode(std::string& out, const response_header& header,
                         const campaign_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header, const leader_reply& told);
QUORATE_DECL void encode(std::string& out, const response_header& header, const lock_reply& told);

/// What a message of a stream stands in: opens it, and closes it with a line end when it goes.
class stream_result {
public:
    explicit stream_result(std::string& out) : out_(out) { out_ += "{\"result\":"; }
    stream_result(const stream_result&) = delete;
    stream_result& operator=(const stream_result&) = delete;
    ~stream_result() { out_ += "}\n"; }

private:
    std::string& out_;
};

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/encode.ipp>
#endif

#endif
