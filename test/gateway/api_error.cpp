#include <quorate/gateway/api_error.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace quorate;
using namespace quorate::gateway;

namespace {

std::string body_of(const api_error& error, error_dialect dialect) {
    std::string out;
    append_error_body(out, error, dialect);
    return out;
}

std::string stream_body_of(const api_error& error, error_dialect dialect) {
    std::string out;
    append_stream_error(out, error, dialect);
    return out;
}

struct expected {
    errc code;
    grpc_code number;
    unsigned status;
    const char* message;
};

} // namespace

BOOST_AUTO_TEST_SUITE(api_errors)

// As etcd 3.4.23 answers; status and words of each.
BOOST_AUTO_TEST_CASE(errors_are_those_of_etcd) {
    const auto invalid = grpc_code::invalid_argument;
    const auto precondition = grpc_code::failed_precondition;
    const expected answers[] = {
        {errc::key_empty, invalid, 400, "etcdserver: key is not provided"},
        {errc::key_not_found, invalid, 400, "etcdserver: key not found"},
        {errc::duplicate_key, invalid, 400, "etcdserver: duplicate key given in txn request"},
        {errc::request_too_large, invalid, 400, "etcdserver: request is too large"},
        {errc::revision_compacted, grpc_code::out_of_range, 400,
         "etcdserver: mvcc: required revision has been compacted"},
        {errc::revision_in_future, grpc_code::out_of_range, 400,
         "etcdserver: mvcc: required revision is a future revision"},
        {errc::lease_exists, precondition, 412, "etcdserver: lease already exists"},
        {errc::lease_not_found, grpc_code::not_found, 404, "etcdserver: requested lease not found"},
        {errc::ttl_too_large, grpc_code::out_of_range, 400, "etcdserver: too large lease TTL"},
        {errc::member_unknown, grpc_code::not_found, 404, "etcdserver: member not found"},
        {errc::change_pending, grpc_code::unavailable, 503, "etcdserver: request timed out"},
        {errc::learner_unsupported, grpc_code::unavailable, 503,
         "etcdserver: rpc not supported for learner"},
        {errc::peer_not_found, grpc_code::unavailable, 503, "etcdserver: request timed out"},
        {errc::space_exceeded, grpc_code::resource_exhausted, 429,
         "etcdserver: mvcc: database space exceeded"},
        {errc::root_user_not_found, precondition, 412, "etcdserver: root user does not exist"},
        {errc::auth_not_enabled, precondition, 412, "etcdserver: authentication is not enabled"},
        {errc::user_empty, invalid, 400, "etcdserver: user name is empty"},
        {errc::user_exists, precondition, 412, "etcdserver: user name already exists"},
        {errc::user_not_found, precondition, 412, "etcdserver: user name not found"},
        {errc::role_empty, invalid, 400, "etcdserver: role name is empty"},
        {errc::role_exists, precondition, 412, "etcdserver: role name already exists"},
        {errc::role_not_found, precondition, 412, "etcdserver: role name not found"},
        {errc::role_not_granted, precondition, 412, "etcdserver: role is not granted to the user"},
        {errc::permission_not_granted, precondition, 412,
         "etcdserver: permission is not granted to the role"},
        {errc::auth_failed, invalid, 400,
         "etcdserver: authentication failed, invalid user ID or password"},
        {errc::invalid_auth_management, invalid, 400, "etcdserver: invalid auth management"},
        {errc::invalid_auth_token, grpc_code::unauthenticated, 401,
         "etcdserver: invalid auth token"},
        {errc::permission_denied, grpc_code::permission_denied, 403,
         "etcdserver: permission denied"},
        {errc::no_leader, grpc_code::unavailable, 503, "etcdserver: no leader"},
        {errc::outcome_unknown, grpc_code::unavailable, 503, "etcdserver: request timed out"},
        {errc::timed_out_leader_lost, grpc_code::unavailable, 503,
         "etcdserver: request timed out, possibly due to previous leader failure"},
        {errc::timed_out_disconnected, grpc_code::unavailable, 503,
         "etcdserver: request timed out, possibly due to connection lost"},
        {errc::session_expired, grpc_code::unknown, 500, "mutex: session is expired"},
        {errc::reply_too_large, grpc_code::resource_exhausted, 429,
         "quorate: the reply would be too large: ask for less at a time"},
        {errc::cluster_corrupt, grpc_code::data_loss, 500, "etcdserver: corrupt cluster"}};
    for (const expected& answer : answers) {
        const api_failure failure = failure_of(answer.code);
        BOOST_TEST((failure.code == answer.number), answer.message);
        BOOST_TEST(failure.message == answer.message);
        BOOST_TEST(http_status_of(failure.code, error_dialect::etcd_3_4) == answer.status);
    }
}

BOOST_AUTO_TEST_CASE(every_code_has_an_answer) {
    const auto last = static_cast<int>(errc_last);
    int internal = 0;
    for (int value = 1; value <= last; ++value) {
        const api_error error = api_error_of(make_error_code(static_cast<errc>(value)));
        BOOST_TEST(static_cast<bool>(error));
        BOOST_TEST(!error.message.empty());
        internal += error.code == grpc_code::internal ? 1 : 0;
    }
    // What no client can cause: of peers (4) and of files (8), unless there is an answer for it.
    BOOST_TEST(internal == 11);
    BOOST_TEST((failure_of(errc::message_invalid).code == grpc_code::internal));
    BOOST_TEST((failure_of(errc::corrupt).code == grpc_code::internal));
}

BOOST_AUTO_TEST_CASE(errors_of_the_system_are_unknown) {
    const error_code failed(ENOSPC, boost::system::generic_category());
    const api_error error = api_error_of(failed);
    BOOST_TEST((error.code == grpc_code::unknown));
    BOOST_TEST(error.message == failed.message());
}

BOOST_AUTO_TEST_CASE(statuses_of_both_dialects) {
    const std::vector<std::pair<grpc_code, std::pair<unsigned, unsigned>>> rows{
        {grpc_code::ok, {200, 200}},
        {grpc_code::canceled, {408, 499}},
        {grpc_code::unknown, {500, 500}},
        {grpc_code::invalid_argument, {400, 400}},
        {grpc_code::deadline_exceeded, {504, 504}},
        {grpc_code::not_found, {404, 404}},
        {grpc_code::already_exists, {409, 409}},
        {grpc_code::permission_denied, {403, 403}},
        {grpc_code::resource_exhausted, {429, 429}},
        {grpc_code::failed_precondition, {412, 400}},
        {grpc_code::aborted, {409, 409}},
        {grpc_code::out_of_range, {400, 400}},
        {grpc_code::unimplemented, {501, 501}},
        {grpc_code::internal, {500, 500}},
        {grpc_code::unavailable, {503, 503}},
        {grpc_code::data_loss, {500, 500}},
        {grpc_code::unauthenticated, {401, 401}}};
    for (const auto& [code, statuses] : rows) {
        BOOST_TEST(http_status_of(code, error_dialect::etcd_3_4) == statuses.first);
        BOOST_TEST(http_status_of(code, error_dialect::etcd_3_6) == statuses.second);
    }
}

BOOST_AUTO_TEST_CASE(bodies_of_both_dialects) {
    const api_error error = failure_of(errc::key_empty);
    BOOST_TEST(body_of(error, error_dialect::etcd_3_4) ==
               R"({"error":"etcdserver: key is not provided",)"
               R"("message":"etcdserver: key is not provided","code":3})");
    BOOST_TEST(body_of(error, error_dialect::etcd_3_6) ==
               R"({"code":3,"message":"etcdserver: key is not provided"})");
    BOOST_TEST(body_of(failures::election_leader_missing, error_dialect::etcd_3_4) ==
               R"({"error":"\"leader\" field must be provided",)"
               R"("message":"\"leader\" field must be provided","code":2})");
}

BOOST_AUTO_TEST_CASE(errors_inside_streams) {
    const api_error error{grpc_code::unavailable, "transport is closing"};
    BOOST_TEST(stream_body_of(error, error_dialect::etcd_3_4) ==
               R"({"error":{"grpc_code":14,"http_code":503,"message":"transport is closing",)"
               R"("http_status":"Service Unavailable"}})");
    BOOST_TEST(stream_body_of(error, error_dialect::etcd_3_6) ==
               R"({"error":{"code":14,"message":"transport is closing"}})");
}

BOOST_AUTO_TEST_CASE(why_a_watch_is_not_created) {
    BOOST_TEST(watch_cancel_reason(errc::watch_span_empty) == "mvcc: watcher range is empty");
    BOOST_TEST(watch_cancel_reason(errc::watch_exists) ==
               "mvcc: duplicate watch ID provided on the WatchStream");
    BOOST_TEST(watch_cancel_reason(errc::permission_denied) ==
               "rpc error: code = PermissionDenied desc = etcdserver: permission denied");
    BOOST_TEST(watch_cancel_reason(errc::invalid_auth_token) ==
               "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token");
}

BOOST_AUTO_TEST_SUITE_END()
