// Errors of the JSON API: a gRPC code and a message.
// Flow:       13. error_code → HTTP status and body
// In / Out:   errc → gRPC code, message, HTTP status, JSON
// Source:     etcd's rpctypes and the two generations of its JSON gateway, as observed
// Threads:    any
#ifndef QUORATE_GATEWAY_API_ERROR_HPP
#define QUORATE_GATEWAY_API_ERROR_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::gateway {

/// The codes of gRPC; values are the protocol's.
enum class grpc_code : std::uint8_t {
    ok = 0,
    canceled = 1,
    unknown = 2,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
};

/// Which generation of etcd's gateway the bodies and statuses of errors follow.
enum class error_dialect : std::uint8_t {
    etcd_3_4, ///< To 3.5: `error`, `message` and `code`.
    etcd_3_6, ///< From 3.6: `code` and `message`.
};

/// A failure with words of its own, as a constant.
struct api_failure {
    grpc_code code = grpc_code::unknown;
    std::string_view message{};
};

/// Why a request failed; with grpc_code::ok that it did not.
struct api_error {
    grpc_code code = grpc_code::ok;
    std::string message{};

    api_error() = default;
    api_error(grpc_code c, std::string m) : code(c), message(std::move(m)) {}
    api_error(const api_failure& failure) : code(failure.code), message(failure.message) {}

    [[nodiscard]] explicit operator bool() const noexcept { return code != grpc_code::ok; }
    friend bool operator==(const api_error&, const api_error&) noexcept = default;
};

/// Failures that no errc stands for, since they are decided at the front door.
namespace failures {
inline constexpr api_failure invalid_sort_option{grpc_code::invalid_argument,
                                                 "etcdserver: invalid sort option"};
inline constexpr api_failure member_urls_invalid{grpc_code::invalid_argument,
                                                 "etcdserver: given member URLs are invalid"};
inline constexpr api_failure peer_urls_exist{grpc_code::failed_precondition,
                                             "etcdserver: Peer URLs already exists"};
inline constexpr api_failure member_not_learner{grpc_code::failed_precondition,
                                                "etcdserver: can only promote a learner member"};
inline constexpr api_failure learner_not_ready{
    grpc_code::failed_precondition,
    "etcdserver: can only promote a learner member which is in sync with leader"};
inline constexpr api_failure too_many_learners{grpc_code::failed_precondition,
                                               "etcdserver: too many learner members in cluster"};
inline constexpr api_failure not_enough_started_members{
    grpc_code::unknown, "etcdserver: re-configuration failed due to not enough started members"};
inline constexpr api_failure unhealthy_cluster{grpc_code::unavailable,
                                               "etcdserver: unhealthy cluster"};
inline constexpr api_failure bad_leader_transferee{grpc_code::failed_precondition,
                                                   "etcdserver: bad leader transferee"};
inline constexpr api_failure transfer_timed_out{
    grpc_code::unknown, "etcdserver: request timed out, leader transfer took too long"};
inline constexpr api_failure not_supported_for_learner{grpc_code::unavailable,
                                                       "etcdserver: rpc not supported for learner"};
inline constexpr api_failure too_many_requests{grpc_code::resource_exhausted,
                                               "etcdserver: too many requests"};
inline constexpr api_failure no_password_user{
    grpc_code::unknown, "auth: authentication failed, password was given for no password user"};
inline constexpr api_failure election_no_leader{grpc_code::unknown, "election: no leader"};
inline constexpr api_failure election_not_leader{grpc_code::unknown, "election: not leader"};
inline constexpr api_failure election_session_expired{grpc_code::unknown,
                                                      "election: session is expired"};
inline constexpr api_failure election_leader_missing{grpc_code::unknown,
                                                     "\"leader\" field must be provided"};
inline constexpr api_failure request_canceled{grpc_code::canceled, "etcdserver: request canceled"};
inline constexpr api_failure client_left{grpc_code::canceled, "context canceled"};
inline constexpr api_failure transport_closing{grpc_code::unavailable, "transport is closing"};
inline constexpr api_failure too_many_streams{grpc_code::unavailable, "quorate: too many streams"};
inline constexpr api_failure watch_canceled{grpc_code::canceled, "etcdserver: watch canceled"};
inline constexpr api_failure unimplemented{grpc_code::unimplemented, "not implemented"};
inline constexpr api_failure origin_refused{
    grpc_code::permission_denied,
    "quorate: pages of this origin may not use the API; --cors names those that may"};
inline constexpr api_failure json_required{
    grpc_code::invalid_argument,
    "quorate: a request with an Origin needs the Content-Type application/json"};
} // namespace failures

/// Returns: what etcd says in that case; for errors that etcd does not have, the nearest code and
/// words of our own.
[[nodiscard]] QUORATE_DECL api_failure failure_of(errc code) noexcept;
/// The same for any error_code; those of other categories are unknown, in their own words.
/// Requires: that it is an error.
[[nodiscard]] QUORATE_DECL api_error api_error_of(const error_code& failed);

/// Returns: the code's name as gRPC writes it, such as "InvalidArgument".
[[nodiscard]] QUORATE_DECL std::string_view name_of(grpc_code code) noexcept;
/// Returns: the HTTP status that goes with a code.
[[nodiscard]] QUORATE_DECL unsigned http_status_of(grpc_code code, error_dialect dialect) noexcept;

/// Effects: appends the body of a response that is nothing but this error.
QUORATE_DECL void append_error_body(std::string& out, const api_error& error,
                                    error_dialect dialect);
/// Effects: appends the last object of a stream that has begun and now fails.
QUORATE_DECL void append_stream_error(std::string& out, const api_error& error,
                                      error_dialect dialect);
/// Returns: why a watch could not be created, as its response says.
[[nodiscard]] QUORATE_DECL std::string watch_cancel_reason(errc code);

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/api_error.ipp>
#endif

#endif
