#include <quorate/command/validate.hpp>
#include <quorate/gateway/base64.hpp>
#include <quorate/gateway/decode.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace quorate;
using namespace quorate::gateway;

namespace {

struct decoding {
    request_arena arena;

    template <class Message>
    Message read(std::string body, const json_limits& limits = {}) {
        Message made;
        const api_error failed = decode(body, arena, made, limits);
        BOOST_TEST(!failed, failed.message);
        // The request must not refer to the body.
        body.assign(body.size(), '#');
        return made;
    }
    template <class Message>
    api_error error(std::string_view body, const json_limits& limits = {}) {
        Message made;
        return decode(body, arena, made, limits);
    }
};

/// What etcd 3.4.23 answers to bodies of one kind of request.
using words = std::vector<std::pair<std::string, std::string>>;

template <class Message>
void check_words(decoding& with, const words& expected) {
    for (const auto& [body, message] : expected) {
        const api_error failed = with.error<Message>(body);
        BOOST_TEST(failed.message == message, body << ": " << failed.message);
        BOOST_TEST((failed.code == grpc_code::invalid_argument));
    }
}

std::string nested_txns(std::size_t depth) {
    std::string made = "{}";
    for (std::size_t i = 1; i < depth; ++i) {
        made = R"({"success":[{"request_txn":)" + made + "}]}";
    }
    return made;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(decode_requests, decoding)

BOOST_AUTO_TEST_CASE(put_with_all_fields_in_either_style) {
    const put wanted{"foo", "bar", lease_id(7), true, true, true};
    BOOST_TEST((read<put>(R"({"key":"Zm9v","value":"YmFy","lease":7,"prev_kv":true,)"
                          R"("ignore_value":true,"ignore_lease":true})") == wanted));
    BOOST_TEST((read<put>(R"({"ignoreLease":true,"ignoreValue":true,"prevKv":true,"lease":"7",)"
                          R"("value":"YmFy","key":"Zm9v","unknown":[{"a":1},null]})") == wanted));
}

BOOST_AUTO_TEST_CASE(no_body_blanks_null_and_nulls_are_an_empty_message) {
    for (const char* body : {"", " \n", "null", "{}", R"({"key":null,"lease":null,"prev_kv":null})",
                             R"({"key":"","lease":"null"})", R"({"key":[]})"}) {
        BOOST_TEST((read<put>(body) == put{}), body);
    }
}

BOOST_AUTO_TEST_CASE(what_follows_the_message_is_ignored) {
    BOOST_TEST((read<put>(R"({"key":"Zm9v"} garbage)").key == "foo"));
    BOOST_TEST((read<put>(R"({"key":"Zm9v"}{"key":"YmFy"})").key == "foo"));
}

BOOST_AUTO_TEST_CASE(of_several_values_the_last_and_of_two_names_the_camel_case_one) {
    BOOST_TEST((read<put>(R"({"key":"Zm9v","key":"YmFy"})").key == "bar"));
    const auto asked = read<range_call>(R"({"maxModRevision":7,"max_mod_revision":9})");
    BOOST_TEST(asked.request.max_mod_revision == 7U);
    // Names differ in case.
    BOOST_TEST((read<lease_grant>(R"({"ttl":100,"id":9})") == lease_grant{}));
    BOOST_TEST((read<put>(R"({"Key":"Zm9v","KEY":"Zm9v"})") == put{}));
}

BOOST_AUTO_TEST_CASE(bytes_may_be_an_array_and_keys_escaped) {
    BOOST_TEST((read<put>(R"({"key":[1,2,null]})").key == byte_view("\1\2\0", 3)));
    BOOST_TEST((read<put>(R"({"k\u0065y":"Zm9\u0076"})").key == "foo"));
    BOOST_TEST((read<put>(R"({"key":"Zm9v\nZm9v"})").key == "foofoo"));
}

BOOST_AUTO_TEST_CASE(numbers_of_all_sizes) {
    BOOST_TEST(read<put>(R"({"lease":-3})").lease.value() == UINT64_MAX - 2);
    BOOST_TEST(read<put>(R"({"lease":9223372036854775807})").lease.value() == INT64_MAX);
    BOOST_TEST(read<put>(R"({"lease":"-9223372036854775808"})").lease.value() == 1ULL << 63);
    BOOST_TEST(read<put>(R"({"lease":" 12 "})").lease.value() == 12U);
    BOOST_TEST(read<put>(R"({"lease":-0})").lease.value() == 0U);
    BOOST_TEST(read<member_remove_call>(R"({"ID":18446744073709551615})").id.value() == UINT64_MAX);
    BOOST_TEST(read<member_remove_call>(R"({"ID":"18446744073709551615"})").id.value() ==
               UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(wrong_puts_in_the_words_of_etcd) {
    const std::string cannot = "json: cannot unmarshal ";
    const std::string to_int = " into Go value of type int64";
    check_words<put>(
        *this,
        {{"{", "unexpected EOF"},
         {"[]", cannot + "array into Go value of type map[string]json.RawMessage"},
         {"\"a\"", cannot + "string into Go value of type map[string]json.RawMessage"},
         {"1", cannot + "number into Go value of type map[string]json.RawMessage"},
         {"true", cannot + "bool into Go value of type map[string]json.RawMessage"},
         {R"({"key":1})", cannot + "number into Go value of type []uint8"},
         {R"({"key":true})", cannot + "bool into Go value of type []uint8"},
         {R"({"key":{}})", cannot + "object into Go value of type []uint8"},
         {R"({"key":[1,256]})", cannot + "number 256 into Go value of type uint8"},
         {R"({"key":["a"]})", cannot + "string into Go value of type uint8"},
         {R"({"key":[1.5]})", cannot + "number 1.5 into Go value of type uint8"},
         {R"({"lease":1.5})", cannot + "number 1.5" + to_int},
         {R"({"lease":1e2})", cannot + "number 1e2" + to_int},
         {R"({"lease":99999999999999999999})", cannot + "number 99999999999999999999" + to_int},
         {R"({"lease":"99999999999999999999"})", cannot + "number 99999999999999999999" + to_int},
         {R"({"lease":"abc"})", "invalid character 'a' looking for beginning of value"},
         {R"({"lease":""})", "unexpected end of JSON input"},
         {R"({"lease":"0 1"})", "invalid character '1' after top-level value"},
         {R"({"lease":"007"})", "invalid character '0' after top-level value"},
         {R"({"lease":"true"})", cannot + "bool" + to_int},
         {R"({"lease":true})", cannot + "bool" + to_int},
         {R"({"lease":[]})", cannot + "array" + to_int},
         {R"({"lease":{}})", cannot + "object" + to_int},
         {R"({"lease":"\u0030"})", "invalid character '\\\\' looking for beginning of value"},
         {R"({"prev_kv":"true"})", cannot + "string into Go value of type bool"},
         {R"({"prev_kv":1})", cannot + "number into Go value of type bool"},
         {R"({"key":"Zm9"})", "illegal base64 data at input byte 0"},
         {R"({"key":"Zm9v="})", "illegal base64 data at input byte 4"},
         {R"({"key":"Zm-v"})", "illegal base64 data at input byte 2"},
         {R"({"key":"Zm\u00e9v"})", "illegal base64 data at input byte 2"},
         // The first error is that of the field with the lowest number.
         {R"({"prev_kv":1,"lease":true,"key":1})",
          cannot + "number into Go value of type []uint8"}});
}

BOOST_AUTO_TEST_CASE(range_with_all_fields) {
    const auto asked = read<range_call>(
        R"({"key":"YQ==","range_end":"Yg==","limit":"3","revision":4,"sort_order":"DESCEND",)"
        R"("sort_target":"MOD","serializable":true,"keys_only":true,"count_only":true,)"
        R"("min_mod_revision":5,"max_mod_revision":6,"min_create_revision":7,)"
        R"("max_create_revision":8})");
    const range wanted{"a", "b", 4, 3, true, true, sort_order::descend, sort_target::mod,
                       5,   6,   7, 8};
    BOOST_TEST((asked.request == wanted));
    BOOST_TEST(asked.serializable);
    const auto by_number = read<range_call>(R"({"sortOrder":1,"sortTarget":4})");
    BOOST_TEST((by_number.request.order == sort_order::ascend));
    BOOST_TEST((by_number.request.target == sort_target::value));
    BOOST_TEST(!by_number.serializable);
}

BOOST_AUTO_TEST_CASE(negative_revisions_and_limits_mean_what_they_mean_to_etcd) {
    const auto asked = read<range_call>(R"({"limit":"-5","revision":-1})").request;
    BOOST_TEST((asked == range{}));
    // No row was put before it: nothing passes. All were put after it: all pass, but it is a
    // filter.
    BOOST_TEST(read<range_call>(R"({"max_mod_revision":-5})").request.min_mod_revision ==
               UINT64_MAX);
    BOOST_TEST(read<range_call>(R"({"min_create_revision":-5})").request.min_create_revision == 1U);
}

BOOST_AUTO_TEST_CASE(wrong_ranges_in_the_words_of_etcd) {
    const std::string order = "etcdserverpb.RangeRequest_SortOrder";
    const std::string cannot = "json: cannot unmarshal ";
    check_words<range_call>(
        *this,
        {{R"({"sort_order":"UP"})", "unknown value \"UP\" for enum " + order},
         {R"({"sort_order":"\u0041SCEND"})", "unknown value \"\\\\u0041SCEND\" for enum " + order},
         {R"({"sort_order":1.5})", cannot + "number 1.5 into Go value of type " + order},
         {R"({"sort_order":99999999999})",
          cannot + "number 99999999999 into Go value of type " + order},
         {R"({"sort_order":"1"})", "unknown value \"1\" for enum " + order},
         {R"({"sort_order":true})", cannot + "bool into Go value of type " + order},
         {R"({"sort_target":"X"})",
          "unknown value \"X\" for enum etcdserverpb.RangeRequest_SortTarget"},
         // etcd 3.4 lets this pass, or crashes; later ones answer so.
         {R"({"sort_order":9})", "etcdserver: invalid sort option"},
         {R"({"sort_target":-1})", "etcdserver: invalid sort option"}});
}

BOOST_AUTO_TEST_CASE(delete_range_and_compact) {
    BOOST_TEST((read<delete_range>(R"({"key":"YQ==","rangeEnd":"Yg==","prev_kv":true})") ==
                delete_range{"a", "b", true}));
    BOOST_TEST((read<compact>(R"({"revision":"12","physical":true})") == compact{12, true}));
    const api_error failed = error<compact>(R"({"revision":-400})");
    BOOST_TEST((failed.code == grpc_code::out_of_range));
    BOOST_TEST(failed.message == "etcdserver: mvcc: required revision has been compacted");
}

BOOST_AUTO_TEST_CASE(txn_with_all_operations) {
    const auto asked = read<txn_call>(
        R"({"compare":[{"key":"YQ==","result":"GREATER","target":"MOD","mod_revision":"5"},)"
        R"({"key":"YQ==","range_end":"Yg==","target":"VALUE","result":3,"value":"eA=="},null],)"
        R"("success":[{"request_range":{"key":"YQ=="}},{"requestPut":{"key":"Yg=="}},)"
        R"({"request_delete_range":{"key":"Yw=="}},{"request_txn":{"failure":[{}]}}],)"
        R"("failure":[null,{"request_put":null}]})");
    const txn& made = asked.request;
    BOOST_REQUIRE(made.compares.size() == 3U);
    BOOST_TEST((made.compares[0] ==
                compare{compare_target::mod, compare_result::greater, "a", {}, 5, {}}));
    BOOST_TEST((made.compares[1] ==
                compare{compare_target::value, compare_result::not_equal, "a", "b", 0, "x"}));
    BOOST_TEST((made.compares[2] == compare{}));
    BOOST_REQUIRE(made.success.size() == 4U);
    BOOST_TEST(std::get<range>(made.success[0].body).key == "a");
    BOOST_TEST(std::get<put>(made.success[1].body).key == "b");
    BOOST_TEST(std::get<delete_range>(made.success[2].body).key == "c");
    BOOST_TEST(std::get<txn>(made.success[3].body).failure.size() == 1U);
    BOOST_REQUIRE(made.failure.size() == 2U);
    BOOST_TEST(made.failure[0].body.index() == 0U);
    BOOST_TEST(made.failure[1].body.index() == 0U);
    BOOST_TEST(!asked.read_only);
    BOOST_TEST(!asked.serializable);
}

BOOST_AUTO_TEST_CASE(an_operand_of_another_target_does_not_count) {
    const auto asked = read<txn_call>(R"({"compare":[{"target":"VERSION","value":"AQID"},)"
                                      R"({"target":"VALUE","version":1},)"
                                      R"({"target":"LEASE","lease":-1,"version":3}]})");
    BOOST_TEST((asked.request.compares[0] == compare{}));
    BOOST_TEST(asked.request.compares[1].number == 0);
    BOOST_TEST(asked.request.compares[2].number == -1);
}

BOOST_AUTO_TEST_CASE(which_txns_only_read) {
    const auto kind = [this](const char* body) {
        const auto asked = read<txn_call>(body);
        return std::pair(asked.read_only, asked.serializable);
    };
    const char* one = R"({"success":[{"request_range":{"serializable":true}}],)"
                      R"("failure":[{"request_range":{}}]})";
    const char* both = R"({"success":[{"request_range":{"serializable":true}}],)"
                       R"("failure":[{"request_range":{"serializable":true}}]})";
    BOOST_TEST((kind("{}") == std::pair(true, true)));
    BOOST_TEST((kind(one) == std::pair(true, false)));
    BOOST_TEST((kind(both) == std::pair(true, true)));
    BOOST_TEST((kind(R"({"success":[{"request_txn":{}}]})") == std::pair(false, false)));
    BOOST_TEST((kind(R"({"failure":[{"request_put":{}}]})") == std::pair(false, false)));
}

BOOST_AUTO_TEST_CASE(wrong_txns_in_the_words_of_etcd) {
    const std::string cannot = "json: cannot unmarshal ";
    const std::string result = "etcdserverpb.Compare_CompareResult";
    check_words<txn_call>(
        *this,
        {{R"({"compare":{}})", cannot + "object into Go value of type []json.RawMessage"},
         {R"({"compare":[1]})", cannot + "number into Go value of type map[string]json.RawMessage"},
         {R"({"compare":[{"target":"FOO"}]})",
          "unknown value \"FOO\" for enum etcdserverpb.Compare_CompareTarget"},
         {R"({"compare":[{"result":"FOO"}]})", "unknown value \"FOO\" for enum " + result},
         {R"({"compare":[{"result":1.5}]})", cannot + "number 1.5 into Go value of type " + result},
         {R"({"success":[{"request_put":1}]})",
          cannot + "number into Go value of type map[string]json.RawMessage"},
         {R"({"success":[{"request_txn":{"failure":[{"request_put":{"key":"@"}}]}}]})",
          "illegal base64 data at input byte 0"},
         {R"({"compare":[{"version":1,"value":"@"}]})", "illegal base64 data at input byte 0"},
         // These etcd lets pass; what they mean is an accident of its code.
         {R"({"compare":[{"result":7}]})", "quorate: unknown compare result"},
         {R"({"compare":[{"target":9}]})", "quorate: unknown compare target"}});
}

BOOST_AUTO_TEST_CASE(txns_nest_as_deep_as_commands_may) {
    const auto asked = read<txn_call>(nested_txns(txn_depth_max));
    std::size_t depth = 1;
    for (const txn* at = &asked.request; !at->success.empty(); ++depth) {
        at = &std::get<txn>(at->success[0].body);
    }
    BOOST_TEST(depth == txn_depth_max);
    BOOST_TEST(error<txn_call>(nested_txns(200)).message ==
               "invalid character '[' exceeded max depth");
}

BOOST_AUTO_TEST_CASE(no_memory_for_more_operations_than_a_txn_may_have) {
    const auto many = [](std::size_t count) {
        std::string made = "null";
        for (std::size_t i = 1; i < count; ++i) {
            made += ",null";
        }
        return '[' + made + ']';
    };
    const std::string most = many(txn_size_max);
    BOOST_TEST(read<txn_call>(R"({"success":)" + most + '}').request.success.size() ==
               txn_size_max);
    const std::string half = many(txn_size_max / 2);
    for (const std::string& body :
         {R"({"compare":)" + most + R"(,"failure":[{}]})",
          R"({"compare":)" + half + R"(,"success":[{"request_txn":{"success":)" + half + "}}]}"}) {
        const api_error failed = error<txn_call>(body);
        BOOST_TEST((failed.code == grpc_code::invalid_argument));
        BOOST_TEST(failed.message == "etcdserver: too many operations in txn request");
    }
}

BOOST_AUTO_TEST_CASE(leases) {
    BOOST_TEST((read<lease_grant>(R"({"TTL":"100","ID":7})") == lease_grant{lease_id(7), 100}));
    BOOST_TEST(
        (read<lease_grant>(R"({"TTL":-1,"ID":"-3"})") == lease_grant{lease_id(UINT64_MAX - 2), 0}));
    BOOST_TEST((read<lease_revoke>(R"({"ID":7})") == lease_revoke{lease_id(7)}));
    const auto asked = read<lease_id_call>(R"({"ID":7,"keys":true})");
    BOOST_TEST(asked.id.value() == 7U);
    BOOST_TEST(asked.keys);
    static_cast<void>(read<empty_call>(R"({"anything":1})"));
    BOOST_TEST(error<empty_call>("[]").message ==
               "json: cannot unmarshal array into Go value of type map[string]json.RawMessage");
}

BOOST_AUTO_TEST_CASE(watch_create_with_all_fields) {
    const auto asked = std::get<watch_create>(read<watch_call>(
        R"({"create_request":{"key":"YQ==","range_end":"Yg==","start_revision":"5",)"
        R"("progress_notify":true,"filters":["NODELETE",0,7],"prev_kv":true,"watch_id":-2,)"
        R"("fragment":true}})"));
    BOOST_TEST(asked.request.key == "a");
    BOOST_TEST(asked.request.range_end == "b");
    BOOST_TEST(asked.request.start_revision == 5U);
    BOOST_TEST(asked.request.id == -2);
    BOOST_TEST(asked.request.no_put);
    BOOST_TEST(asked.request.no_delete);
    BOOST_TEST(asked.request.prev_kv);
    BOOST_TEST(asked.request.progress_notify);
    BOOST_TEST(asked.request.fragment);
    BOOST_TEST(!asked.start_is_compacted);
    const auto past = std::get<watch_create>(
        read<watch_call>(R"({"createRequest":{"startRevision":-5,"filters":["NOPUT"]}})"));
    BOOST_TEST(past.start_is_compacted);
    BOOST_TEST(past.request.start_revision == 0U);
    BOOST_TEST(past.request.no_put);
    BOOST_TEST(!past.request.no_delete);
}

BOOST_AUTO_TEST_CASE(a_stream_of_watch_requests) {
    std::string_view rest = R"({"create_request":{"key":"eA=="}}{"cancel_request":{"watch_id":3}})"
                            "\n{\"progress_request\":{}} {} \n";
    std::vector<watch_call> calls;
    while (!at_stream_end(rest)) {
        const api_error failed = decode_next(rest, arena, calls.emplace_back());
        BOOST_REQUIRE(!failed);
    }
    BOOST_REQUIRE(calls.size() == 4U);
    BOOST_TEST(std::get<watch_create>(calls[0]).request.key == "x");
    BOOST_TEST(std::get<watch_cancel>(calls[1]).id == 3);
    BOOST_TEST(std::holds_alternative<watch_progress>(calls[2]));
    BOOST_TEST(std::holds_alternative<std::monostate>(calls[3]));
    BOOST_TEST(
        std::holds_alternative<std::monostate>(read<watch_call>(R"({"create_request":null})")));
}

BOOST_AUTO_TEST_CASE(wrong_stream_messages_are_unknown_errors) {
    const std::string cannot = "json: cannot unmarshal ";
    const words expected{
        {"x", "invalid character 'x' looking for beginning of value"},
        {"[]", cannot + "array into Go value of type map[string]json.RawMessage"},
        {R"({"create_request":1})",
         cannot + "number into Go value of type map[string]json.RawMessage"},
        {R"({"create_request":{"key":"@"}})", "illegal base64 data at input byte 0"},
        {R"({"create_request":{"filters":["X"]}})",
         "unknown value \"X\" for enum etcdserverpb.WatchCreateRequest_FilterType"},
        {R"({"create_request":{"filters":7}})",
         cannot + "number into Go value of type []json.RawMessage"}};
    for (const auto& [body, message] : expected) {
        std::string_view rest = body;
        watch_call made;
        const api_error failed = decode_next(rest, arena, made);
        BOOST_TEST(failed.message == message);
        BOOST_TEST((failed.code == grpc_code::unknown));
    }
}

BOOST_AUTO_TEST_CASE(users_and_roles) {
    const auto added = read<user_add_call>(
        R"({"name":"a\u00e9","password":"p\"w","options":{"no_password":true}})");
    BOOST_TEST(added.name == "a\xc3\xa9");
    BOOST_TEST(added.password == "p\"w");
    BOOST_TEST(added.no_password);
    const auto who = read<authenticate_call>(R"({"name":"n","password":"p"})");
    BOOST_TEST(who.name == "n");
    BOOST_TEST(who.password == "p");
    const auto changed = read<user_change_password_call>(R"({"name":"n","password":"p"})");
    BOOST_TEST(changed.name == "n");
    BOOST_TEST(changed.password == "p");
    BOOST_TEST((read<user_get>(R"({"name":"n"})") == user_get{"n"}));
    BOOST_TEST((read<user_delete>(R"({"name":"n"})") == user_delete{"n"}));
    BOOST_TEST((read<user_grant_role>(R"({"user":"n","role":"r"})") == user_grant_role{"n", "r"}));
    BOOST_TEST(
        (read<user_revoke_role>(R"({"name":"n","role":"r"})") == user_revoke_role{"n", "r"}));
    BOOST_TEST((read<role_add>(R"({"name":"r"})") == role_add{"r"}));
    BOOST_TEST((read<role_get>(R"({"role":"r"})") == role_get{"r"}));
    BOOST_TEST((read<role_delete>(R"({"role":"r"})") == role_delete{"r"}));
    BOOST_TEST(
        (read<role_grant_permission>(
             R"({"name":"r","perm":{"permType":"WRITE","key":"YQ==","range_end":"Yg=="}})") ==
         role_grant_permission{"r", {permission_kind::write, "a", "b"}}));
    BOOST_TEST((read<role_grant_permission>(R"({"name":"r"})") == role_grant_permission{"r", {}}));
    BOOST_TEST((read<role_revoke_permission>(R"({"role":"r","key":"YQ==","range_end":"Yg=="})") ==
                role_revoke_permission{"r", "a", "b"}));
    check_words<user_add_call>(
        *this, {{R"({"name":1})", "json: cannot unmarshal number into Go value of type string"},
                {R"({"options":1})",
                 "json: cannot unmarshal number into Go value of type "
                 "map[string]json.RawMessage"}});
    check_words<role_grant_permission>(
        *this,
        {{R"({"perm":{"permType":"X"}})", "unknown value \"X\" for enum authpb.Permission_Type"},
         {R"({"perm":{"permType":5}})", "quorate: unknown permission type"}});
}

BOOST_AUTO_TEST_CASE(members) {
    const auto added = read<member_add_call>(
        R"({"peerURLs":["http://127.0.0.1:1",null],"isLearner":true,"peer_urls":["x"]})");
    BOOST_REQUIRE(added.peer_urls.size() == 2U);
    BOOST_TEST(added.peer_urls[0] == "http://127.0.0.1:1");
    BOOST_TEST(added.peer_urls[1].empty());
    BOOST_TEST(added.is_learner);
    const auto updated = read<member_update_call>(R"({"ID":"5","peerURLs":["u"]})");
    BOOST_TEST(updated.id.value() == 5U);
    BOOST_TEST(updated.peer_urls.size() == 1U);
    BOOST_TEST(read<member_list_call>(R"({"linearizable":true})").linearizable);
    BOOST_TEST(!read<member_list_call>("").linearizable);
    const std::string cannot = "json: cannot unmarshal ";
    check_words<member_add_call>(
        *this, {{R"({"peerURLs":"x"})", cannot + "string into Go value of type []json.RawMessage"},
                {R"({"peerURLs":[1]})", cannot + "number into Go value of type string"}});
    check_words<member_remove_call>(
        *this, {{R"({"ID":-1})", cannot + "number -1 into Go value of type uint64"}});
}

BOOST_AUTO_TEST_CASE(maintenance) {
    const auto all = read<alarm_call>("{}");
    BOOST_TEST((all.action == alarm_action::get));
    BOOST_TEST(!all.kind.has_value());
    const auto one =
        read<alarm_call>(R"({"action":"DEACTIVATE","memberID":"5","alarm":"CORRUPT"})");
    BOOST_TEST((one.action == alarm_action::deactivate));
    BOOST_TEST(one.member.value() == 5U);
    BOOST_TEST((one.kind == alarm_kind::corrupt));
    BOOST_TEST(read<hash_kv_call>(R"({"revision":9})").revision == 9U);
    BOOST_TEST(read<move_leader_call>(R"({"targetID":"15306742208207408090"})").target.value() ==
               15306742208207408090U);
    check_words<alarm_call>(
        *this, {{R"({"action":"FOO"})",
                 "unknown value \"FOO\" for enum "
                 "etcdserverpb.AlarmRequest_AlarmAction"},
                {R"({"alarm":"FOO"})", "unknown value \"FOO\" for enum etcdserverpb.AlarmType"},
                // etcd 3.4 dies of this one.
                {R"({"action":7})", "quorate: unknown alarm action"},
                {R"({"alarm":3})", "quorate: unknown alarm"}});
    check_words<move_leader_call>(
        *this, {{R"({"targetID":"-1"})",
                 "json: cannot unmarshal number -1 into Go value of type uint64"}});
}

BOOST_AUTO_TEST_CASE(elections_and_locks) {
    const auto stood = read<campaign_call>(R"({"name":"ZQ==","lease":"4","value":"dg=="})");
    BOOST_TEST(stood.name == "e");
    BOOST_TEST(stood.lease.value() == 4U);
    BOOST_TEST(stood.value == "v");
    const auto told = read<proclaim_call>(
        R"({"leader":{"name":"ZQ==","key":"aw==","rev":3,"lease":4},"value":"dg=="})");
    BOOST_REQUIRE(told.leader.has_value());
    BOOST_TEST(told.leader->name == "e");
    BOOST_TEST(told.leader->key == "k");
    BOOST_TEST(told.leader->revision == 3U);
    BOOST_TEST(told.leader->lease.value() == 4U);
    BOOST_TEST(told.value == "v");
    BOOST_TEST(!read<proclaim_call>("{}").leader.has_value());
    BOOST_TEST(!read<resign_call>(R"({"leader":null})").leader.has_value());
    BOOST_TEST(read<resign_call>(R"({"leader":{}})").leader.has_value());
    BOOST_TEST(read<leader_call>(R"({"name":"ZQ=="})").name == "e");
    const auto locked = read<lock_call>(R"({"name":"bQ==","lease":77})");
    BOOST_TEST(locked.name == "m");
    BOOST_TEST(locked.lease.value() == 77U);
    BOOST_TEST(read<unlock_call>(R"({"key":"bQ=="})").key == "m");
    BOOST_TEST(error<resign_call>(R"({"leader":1})").message ==
               "json: cannot unmarshal number into Go value of type map[string]json.RawMessage");
}

BOOST_AUTO_TEST_CASE(limits_hold) {
    json_limits limits;
    limits.values_max = 3;
    BOOST_TEST(read<put>(R"({"key":"Zm9v"})", limits).key == "foo");
    BOOST_TEST(error<put>(R"({"key":"Zm9v","value":""})", limits).message ==
               "too many JSON values in one request");
    // A client's text is repeated in an error only in part.
    const std::string digits(1'000'000, '9');
    BOOST_TEST(error<put>(R"({"lease":)" + digits + '}').message.size() < 2000);
    BOOST_TEST(error<range_call>(R"({"sort_order":")" + digits + "\"}").message.size() < 2000);
}

BOOST_AUTO_TEST_CASE(large_values_come_back) {
    const std::string value(1'000'000, 'x');
    std::string text;
    append_base64(text, value);
    BOOST_TEST((read<put>(R"({"key":"YQ==","value":")" + text + "\"}").value == value));
    arena.clear();
    BOOST_TEST((read<put>(R"({"key":"YQ=="})").key == "a"));
}

BOOST_AUTO_TEST_SUITE_END()
