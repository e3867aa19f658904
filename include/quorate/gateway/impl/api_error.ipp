// See api_error.hpp.
#ifndef QUORATE_GATEWAY_IMPL_API_ERROR_IPP
#define QUORATE_GATEWAY_IMPL_API_ERROR_IPP

#include <quorate/base/assert.hpp>
#include <quorate/gateway/api_error.hpp>
#include <quorate/gateway/json_writer.hpp>
#include <quorate/http/status.hpp>

namespace quorate::gateway {

namespace detail {

inline constexpr api_failure no_failure{grpc_code::ok, {}};

[[nodiscard]] constexpr api_failure failure_of_proposal(errc code) noexcept {
    switch (code) {
    case errc::no_leader: return {grpc_code::unavailable, "etcdserver: no leader"};
    case errc::not_leader:
    case errc::forwarding_disabled:
        return {grpc_code::failed_precondition, "etcdserver: not leader"};
    case errc::uncommitted_limit:
    case errc::unsynced_limit:
    case errc::log_limit:
    case errc::too_many_unapplied: return failures::too_many_requests;
    case errc::request_too_large:
    case errc::too_large: return {grpc_code::invalid_argument, "etcdserver: request is too large"};
    // Not applied, and may be sent again: etcd's clients do so with this one.
    case errc::proposal_dropped:
    case errc::transfer_in_progress:
    case errc::lease_epoch_over:
    case errc::leader_changed: return {grpc_code::unavailable, "etcdserver: leader changed"};
    case errc::outcome_unknown:
    case errc::change_pending: // waited for, as long as the request might take
    case errc::peer_not_found: // no connection to the member that was to be asked
    case errc::read_timed_out: return {grpc_code::unavailable, "etcdserver: request timed out"};
    case errc::timed_out_leader_lost:
        return {grpc_code::unavailable,
                "etcdserver: request timed out, possibly due to previous leader failure"};
    case errc::timed_out_disconnected:
        return {grpc_code::unavailable,
                "etcdserver: request timed out, possibly due to connection lost"};
    case errc::stopped:
    case errc::poisoned: return {grpc_code::unavailable, "etcdserver: server stopped"};
    case errc::no_space:
    case errc::space_exceeded:
        return {grpc_code::resource_exhausted, "etcdserver: mvcc: database space exceeded"};
    case errc::cluster_corrupt: return {grpc_code::data_loss, "etcdserver: corrupt cluster"};
    default: return no_failure;
    }
}

[[nodiscard]] constexpr api_failure failure_of_membership(errc code) noexcept {
    switch (code) {
    case errc::removed_all_voters:
    case errc::not_enough_started: return failures::not_enough_started_members;
    case errc::learner_unsupported: return failures::not_supported_for_learner;
    case errc::learner_required: return failures::member_not_learner;
    case errc::learner_not_ready: return failures::learner_not_ready;
    case errc::too_many_learners: return failures::too_many_learners;
    case errc::peer_url_exists: return failures::peer_urls_exist;
    case errc::peer_url_invalid: return failures::member_urls_invalid;
    case errc::cluster_unhealthy: return failures::unhealthy_cluster;
    case errc::transferee_invalid: return failures::bad_leader_transferee;
    case errc::election_leaderless: return failures::election_no_leader;
    case errc::feature_unavailable: return failures::unimplemented;
    case errc::member_unknown:
    case errc::member_removed: return {grpc_code::not_found, "etcdserver: member not found"};
    case errc::member_exists:
        return {grpc_code::failed_precondition, "etcdserver: member ID already exist"};
    case errc::already_joint:
    case errc::not_joint:
    case errc::more_than_one_voter_changed:
    case errc::zero_voter_config:
    case errc::simple_change_while_joint:
    case errc::unknown_change_kind:
    case errc::must_leave_joint:
    case errc::nothing_to_change:
    case errc::invalid_membership:
        return {grpc_code::failed_precondition, "quorate: this change of members is not possible"};
    default: return no_failure;
    }
}

[[nodiscard]] constexpr api_failure failure_of_store(errc code) noexcept {
    constexpr auto invalid = grpc_code::invalid_argument;
    switch (code) {
    case errc::revision_compacted:
        return {grpc_code::out_of_range, "etcdserver: mvcc: required revision has been compacted"};
    case errc::revision_in_future:
        return {grpc_code::out_of_range,
                "etcdserver: mvcc: required revision is a future revision"};
    case errc::key_empty: return {invalid, "etcdserver: key is not provided"};
    case errc::key_not_found: return {invalid, "etcdserver: key not found"};
    case errc::value_provided: return {invalid, "etcdserver: value is provided"};
    case errc::lease_provided: return {invalid, "etcdserver: lease is provided"};
    case errc::too_many_operations:
        return {invalid, "etcdserver: too many operations in txn request"};
    case errc::duplicate_key: return {invalid, "etcdserver: duplicate key given in txn request"};
    case errc::command_invalid: return {invalid, "quorate: the request cannot be read"};
    case errc::invalid_option: return {invalid, "quorate: an option is out of range"};
    case errc::watch_exists:
        return {invalid, "mvcc: duplicate watch ID provided on the WatchStream"};
    case errc::watch_span_empty: return {invalid, "mvcc: watcher range is empty"};
    case errc::lease_not_found:
        return {grpc_code::not_found, "etcdserver: requested lease not found"};
    case errc::lease_exists:
        return {grpc_code::failed_precondition, "etcdserver: lease already exists"};
    case errc::session_expired: return {grpc_code::unknown, "mutex: session is expired"};
    case errc::reply_too_large:
        return {grpc_code::resource_exhausted,
                "quorate: the reply would be too large: ask for less at a time"};
    case errc::ttl_too_large: return {grpc_code::out_of_range, "etcdserver: too large lease TTL"};
    default: return no_failure;
    }
}

[[nodiscard]] constexpr api_failure failure_of_auth(errc code) noexcept {
    constexpr auto invalid = grpc_code::invalid_argument;
    constexpr auto precondition = grpc_code::failed_precondition;
    switch (code) {
    case errc::permission_denied:
        return {grpc_code::permission_denied, "etcdserver: permission denied"};
    case errc::auth_old_revision: return {invalid, "etcdserver: revision of auth store is old"};
    case errc::user_empty: return {invalid, "etcdserver: user name is empty"};
    case errc::user_exists: return {precondition, "etcdserver: user name already exists"};
    case errc::user_not_found: return {precondition, "etcdserver: user name not found"};
    case errc::role_empty: return {invalid, "etcdserver: role name is empty"};
    case errc::role_exists: return {precondition, "etcdserver: role name already exists"};
    case errc::role_not_found: return {precondition, "etcdserver: role name not found"};
    case errc::role_not_granted:
        return {precondition, "etcdserver: role is not granted to the user"};
    case errc::permission_not_given: return {invalid, "etcdserver: permission not given"};
    case errc::permission_not_granted:
        return {precondition, "etcdserver: permission is not granted to the role"};
    case errc::root_user_not_found: return {precondition, "etcdserver: root user does not exist"};
    case errc::root_role_not_granted:
        return {precondition, "etcdserver: root user does not have root role"};
    case errc::invalid_auth_management: return {invalid, "etcdserver: invalid auth management"};
    case errc::auth_not_enabled: return {precondition, "etcdserver: authentication is not enabled"};
    case errc::auth_failed:
        return {invalid, "etcdserver: authentication failed, invalid user ID or password"};
    case errc::password_invalid: return {invalid, "quorate: the password cannot be used"};
    case errc::invalid_auth_token:
        return {grpc_code::unauthenticated, "etcdserver: invalid auth token"};
    default: return no_failure;
    }
}

} // namespace detail

QUORATE_DECL api_failure failure_of(errc code) noexcept {
    for (const auto look : {detail::failure_of_proposal, detail::failure_of_membership,
                            detail::failure_of_store, detail::failure_of_auth}) {
        if (const api_failure found = look(code); found.code != grpc_code::ok) {
            return found;
        }
    }
    // What peers and files do wrong: no client is told more than that it was not its fault.
    return {grpc_code::internal, "quorate: internal error"};
}

QUORATE_DECL api_error api_error_of(const error_code& failed) {
    QUORATE_ASSERT(failed.failed());
    if (failed.category() == quorate_category()) {
        return failure_of(static_cast<errc>(failed.value()));
    }
    return {grpc_code::unknown, failed.message()};
}

QUORATE_DECL std::string_view name_of(grpc_code code) noexcept {
    switch (code) {
    case grpc_code::ok: return "OK";
    case grpc_code::canceled: return "Canceled";
    case grpc_code::unknown: return "Unknown";
    case grpc_code::invalid_argument: return "InvalidArgument";
    case grpc_code::deadline_exceeded: return "DeadlineExceeded";
    case grpc_code::not_found: return "NotFound";
    case grpc_code::already_exists: return "AlreadyExists";
    case grpc_code::permission_denied: return "PermissionDenied";
    case grpc_code::resource_exhausted: return "ResourceExhausted";
    case grpc_code::failed_precondition: return "FailedPrecondition";
    case grpc_code::aborted: return "Aborted";
    case grpc_code::out_of_range: return "OutOfRange";
    case grpc_code::unimplemented: return "Unimplemented";
    case grpc_code::internal: return "Internal";
    case grpc_code::unavailable: return "Unavailable";
    case grpc_code::data_loss: return "DataLoss";
    case grpc_code::unauthenticated: return "Unauthenticated";
    }
    return "Unknown";
}

QUORATE_DECL unsigned http_status_of(grpc_code code, error_dialect dialect) noexcept {
    const bool older = dialect == error_dialect::etcd_3_4;
    switch (code) {
    case grpc_code::ok: return 200;
    case grpc_code::canceled: return older ? 408 : 499;
    case grpc_code::invalid_argument:
    case grpc_code::out_of_range: return 400;
    case grpc_code::deadline_exceeded: return 504;
    case grpc_code::not_found: return 404;
    case grpc_code::already_exists:
    case grpc_code::aborted: return 409;
    case grpc_code::permission_denied: return 403;
    case grpc_code::resource_exhausted: return 429;
    case grpc_code::failed_precondition: return older ? 412 : 400;
    case grpc_code::unimplemented: return 501;
    case grpc_code::unavailable: return 503;
    case grpc_code::unauthenticated: return 401;
    case grpc_code::unknown:
    case grpc_code::internal:
    case grpc_code::data_loss: break;
    }
    return 500;
}

QUORATE_DECL void append_error_body(std::string& out, const api_error& error,
                                    error_dialect dialect) {
    json_object body(out);
    const auto number = static_cast<unsigned>(error.code);
    if (dialect == error_dialect::etcd_3_4) {
        append_json_string(body.field("error"), error.message);
        append_json_string(body.field("message"), error.message);
        append_decimal(body.field("code"), number);
    } else {
        append_decimal(body.field("code"), number);
        append_json_string(body.field("message"), error.message);
    }
}

QUORATE_DECL void append_stream_error(std::string& out, const api_error& error,
                                      error_dialect dialect) {
    json_object whole(out);
    if (dialect == error_dialect::etcd_3_6) {
        append_error_body(whole.field("error"), error, dialect);
        return;
    }
    json_object body(whole.field("error"));
    const unsigned status = http_status_of(error.code, dialect);
    append_decimal(body.field("grpc_code"), static_cast<unsigned>(error.code));
    append_decimal(body.field("http_code"), status);
    append_json_string(body.field("message"), error.message);
    append_json_string(body.field("http_status"), http::reason_of(status));
}

QUORATE_DECL std::string watch_cancel_reason(errc code) {
    const api_failure failure = failure_of(code);
    if (code == errc::watch_exists || code == errc::watch_span_empty) {
        return std::string(failure.message);
    }
    return "rpc error: code = " + std::string(name_of(failure.code)) +
           " desc = " + std::string(failure.message);
}

} // namespace quorate::gateway

#endif
