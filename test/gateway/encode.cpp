#include <quorate/gateway/encode.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace quorate;
using namespace quorate::gateway;

// Every expected text is an answer of etcd 3.4.23, recorded with curl; where there is more than one
// member, user or lease, from a cluster in which that was so.
namespace {

constexpr const char* ids = R"("cluster_id":"12277069208388550054",)"
                            R"("member_id":"15306742208207408090",)";

response_header at(std::uint64_t revision) {
    return {cluster_id(12277069208388550054U), node_id(15306742208207408090U), revision,
            term_id(2)};
}

std::string header_text(std::uint64_t revision) {
    const std::string at_revision =
        revision == 0 ? "" : R"("revision":")" + std::to_string(revision) + R"(",)";
    return R"("header":{)" + std::string(ids) + at_revision + R"("raft_term":"2"})";
}

template <class... Reply>
std::string text_of(const Reply&... reply) {
    std::string out;
    encode(out, reply...);
    return out;
}

/// Returns: the recorded answer, whose header is given by its revision.
std::string recorded(std::uint64_t revision, std::string_view rest) {
    return '{' + header_text(revision) + std::string(rest) + '}';
}

key_value stored(std::string_view key, std::string_view value, std::uint64_t created,
                 std::uint64_t modified, std::uint64_t version, std::uint64_t lease = 0) {
    return {shared_bytes::copy_of(key),
            shared_bytes::copy_of(value),
            created,
            modified,
            version,
            lease_id(lease)};
}

shared_event event(bool deleted, key_value now, std::optional<key_value> before = {}) {
    return std::make_shared<const watch_event>(
        watch_event{deleted, std::move(now), std::move(before)});
}

} // namespace

BOOST_AUTO_TEST_SUITE(encode_replies)

BOOST_AUTO_TEST_CASE(puts) {
    BOOST_TEST(text_of(at(11), put_reply{}) == recorded(11, ""));
    BOOST_TEST(text_of(at(12), put_reply{stored("x", "y", 11, 11, 1)}) ==
               recorded(12, R"(,"prev_kv":{"key":"eA==","create_revision":"11",)"
                            R"("mod_revision":"11","version":"1","value":"eQ=="})"));
    BOOST_TEST(text_of(at(13), put_reply{stored("x", "", 11, 12, 2)}) ==
               recorded(13, R"(,"prev_kv":{"key":"eA==","create_revision":"11",)"
                            R"("mod_revision":"12","version":"2"})"));
}

BOOST_AUTO_TEST_CASE(ranges) {
    BOOST_TEST(text_of(at(10), range_reply{}) == recorded(10, ""));
    BOOST_TEST(text_of(at(9), range_reply{{}, false, 1}) == recorded(9, R"(,"count":"1")"));
    BOOST_TEST(text_of(at(13), range_reply{{stored("bar", "", 9, 9, 1)}, true, 5}) ==
               recorded(13, R"(,"kvs":[{"key":"YmFy","create_revision":"9","mod_revision":"9",)"
                            R"("version":"1"}],"more":true,"count":"5")"));
}

BOOST_AUTO_TEST_CASE(deletions) {
    BOOST_TEST(text_of(at(10), delete_reply{}) == recorded(10, ""));
    BOOST_TEST(
        text_of(at(14),
                delete_reply{2, {stored("bar", "", 9, 9, 1), stored("x", "x", 11, 13, 3)}}) ==
        recorded(14, R"(,"deleted":"2","prev_kvs":[{"key":"YmFy","create_revision":"9",)"
                     R"("mod_revision":"9","version":"1"},{"key":"eA==",)"
                     R"("create_revision":"11","mod_revision":"13","version":"3",)"
                     R"("value":"eA=="}])"));
}

BOOST_AUTO_TEST_CASE(transactions) {
    BOOST_TEST(text_of(at(9), txn_reply{}) == recorded(9, ""));
    BOOST_TEST(text_of(at(9), txn_reply{true, {}}) == recorded(9, R"(,"succeeded":true)"));
    BOOST_TEST(text_of(at(10), txn_reply{true, {{{10}, delete_reply{1, {}}}}}) ==
               recorded(10, R"(,"succeeded":true,"responses":[{"response_delete_range":)"
                            R"({"header":{"revision":"10"},"deleted":"1"}}])"));
    const range_reply found{{stored("bar", "", 9, 9, 1)}, true, 4};
    const txn_reply nested{true, {{{10}, found}}};
    BOOST_TEST(text_of(at(10), txn_reply{true, {{{0}, nested}}}) ==
               recorded(10, R"(,"succeeded":true,"responses":[{"response_txn":{"header":{},)"
                            R"("succeeded":true,"responses":[{"response_range":{"header":)"
                            R"({"revision":"10"},"kvs":[{"key":"YmFy","create_revision":"9",)"
                            R"("mod_revision":"9","version":"1"}],"more":true,)"
                            R"("count":"4"}}]}}])"));
    BOOST_TEST(text_of(at(3), txn_reply{false, {{{3}, put_reply{}}, {{3}, range_reply{}}}}) ==
               recorded(3, R"(,"responses":[{"response_put":{"header":{"revision":"3"}}},)"
                           R"({"response_range":{"header":{"revision":"3"}}}])"));
}

BOOST_AUTO_TEST_CASE(replies_that_are_a_header_or_less) {
    BOOST_TEST(text_of(at(14), compact_reply{}) == recorded(14, ""));
    BOOST_TEST(text_of(at(16), lease_revoke_reply{}) == recorded(16, ""));
    BOOST_TEST(text_of(at(4), empty_reply{}) == recorded(4, ""));
    BOOST_TEST(text_of(bare_reply{}) == "{}");
}

BOOST_AUTO_TEST_CASE(watches) {
    watch_reply told;
    told.created = true;
    BOOST_TEST(text_of(at(10), told) == recorded(10, R"(,"created":true)"));
    told.id = -1;
    told.canceled = true;
    const std::string reason = watch_cancel_reason(errc::watch_exists);
    told.cancel_reason = reason;
    BOOST_TEST(text_of(at(10), told) ==
               recorded(10, R"(,"watch_id":"-1","created":true,"canceled":true,"cancel_reason":)"
                            R"("mvcc: duplicate watch ID provided on the WatchStream")"));
    watch_batch over;
    over.canceled = true;
    over.compact_revision = 5;
    BOOST_TEST(text_of(at(0), watch_reply_of(over)) ==
               recorded(0, R"(,"canceled":true,"compact_revision":"5")"));
    watch_batch progress;
    progress.id = whole_stream;
    BOOST_TEST(text_of(at(10), watch_reply_of(progress)) == recorded(10, R"(,"watch_id":"-1")"));
}

BOOST_AUTO_TEST_CASE(watch_events_in_a_stream) {
    watch_batch batch;
    batch.revision = 10;
    const key_value first = stored("x", "x", 2, 8, 2);
    const key_value second = stored("x", "y", 2, 9, 3, 5);
    batch.events = {event(false, second, first), event(true, stored("x", "", 0, 10, 0), second)};
    std::string out;
    {
        const stream_result line(out);
        encode(out, at(10), watch_reply_of(batch));
    }
    const std::string x9 = R"({"key":"eA==","create_revision":"2","mod_revision":"9",)"
                           R"("version":"3","value":"eQ==","lease":"5"})";
    BOOST_TEST(out == R"({"result":{)" + header_text(10) + R"(,"events":[{"kv":)" + x9 +
                          R"(,"prev_kv":{"key":"eA==","create_revision":"2","mod_revision":"8",)"
                          R"("version":"2","value":"eA=="}},{"type":"DELETE","kv":{"key":"eA==",)"
                          R"("mod_revision":"10"},"prev_kv":)" +
                          x9 + "}]}}\n");
    batch.fragment = true;
    batch.events.clear();
    BOOST_TEST(text_of(at(10), watch_reply_of(batch)) == recorded(10, R"(,"fragment":true)"));
}

BOOST_AUTO_TEST_CASE(leases) {
    BOOST_TEST(text_of(at(14), lease_grant_reply{lease_id(7), 100, 1}) ==
               recorded(14, R"(,"ID":"7","TTL":"100")"));
    BOOST_TEST(text_of(at(14), lease_grant_reply{lease_id(UINT64_MAX - 2), 2, 1}) ==
               recorded(14, R"(,"ID":"-3","TTL":"2")"));
    const std::vector<shared_bytes> keys{shared_bytes::copy_of("x")};
    BOOST_TEST(text_of(at(15), lease_life_reply{lease_id(7), 99, 100, keys}) ==
               recorded(15, R"(,"ID":"7","TTL":"99","grantedTTL":"100","keys":["eA=="])"));
    BOOST_TEST(text_of(at(15), lease_life_reply{lease_id(70), -1, 0, {}}) ==
               recorded(15, R"(,"ID":"70","TTL":"-1")"));
    BOOST_TEST(text_of(at(15), lease_alive_reply{lease_id(70), 0}) ==
               recorded(15, R"(,"ID":"70")"));
    const std::vector<lease_id> ids_there{lease_id(5465859217575391271), lease_id(UINT64_MAX - 2)};
    BOOST_TEST(text_of(at(15), lease_list_reply{ids_there}) ==
               recorded(15, R"(,"leases":[{"ID":"5465859217575391271"},{"ID":"-3"}])"));
    BOOST_TEST(text_of(at(15), lease_list_reply{}) == recorded(15, ""));
}

BOOST_AUTO_TEST_CASE(lists_of_members) {
    const cluster_member one{node_id(15306742208207408090U),
                             "one",
                             {"http://127.0.0.1:23480"},
                             {"http://127.0.0.1:23479"},
                             false};
    const cluster_member learner{
        node_id(17704445115777114836U), "", {"http://127.0.0.1:23481"}, {}, true};
    const std::string one_text = R"({"ID":"15306742208207408090","name":"one","peerURLs":)"
                                 R"(["http://127.0.0.1:23480"],"clientURLs":)"
                                 R"(["http://127.0.0.1:23479"]})";
    const std::string learner_text = R"({"ID":"17704445115777114836","peerURLs":)"
                                     R"(["http://127.0.0.1:23481"],"isLearner":true})";
    const std::vector<cluster_member> members{one, learner};
    std::string out;
    encode_members(out, at(0), members, &learner);
    BOOST_TEST(out == recorded(0, R"(,"member":)" + learner_text + R"(,"members":[)" + one_text +
                                      ',' + learner_text + ']'));
    out.clear();
    encode_members(out, at(0), members);
    BOOST_TEST(out == recorded(0, R"(,"members":[)" + one_text + ',' + learner_text + ']'));
}

BOOST_AUTO_TEST_CASE(maintenance) {
    member_status status{"3.4.23",   20480,         node_id(15306742208207408090U), log_index(41),
                         term_id(2), log_index(41), {"memberID:5 alarm:NOSPACE "},  16384,
                         false};
    const std::string front = R"(,"version":"3.4.23","dbSize":"20480","leader":)"
                              R"("15306742208207408090","raftIndex":"41","raftTerm":"2",)"
                              R"("raftAppliedIndex":"41",)";
    BOOST_TEST(text_of(at(16), status) ==
               recorded(16, front + R"("errors":["memberID:5 alarm:NOSPACE "],)"
                                    R"("dbSizeInUse":"16384")"));
    status.errors.clear();
    status.is_learner = true;
    BOOST_TEST(text_of(at(16), status) ==
               recorded(16, front + R"("dbSizeInUse":"16384","isLearner":true)"));
    BOOST_TEST(text_of(at(1), hash_reply{3872859225}) == recorded(1, R"(,"hash":3872859225)"));
    BOOST_TEST(text_of(at(9), hash_kv_reply{7, 3, 9}) ==
               recorded(9, R"(,"hash":7,"compact_revision":"3","hash_revision":"9")"));
    BOOST_TEST(text_of(snapshot_reply{0, "foo"}) == R"({"blob":"Zm9v"})");
    BOOST_TEST(text_of(snapshot_reply{12, "foo"}) == R"({"remaining_bytes":"12","blob":"Zm9v"})");
}

BOOST_AUTO_TEST_CASE(alarms) {
    const alarm_reply raised{{{node_id(5), alarm_kind::no_space}}};
    const std::string list = R"("alarms":[{"memberID":"5","alarm":"NOSPACE"}])";
    BOOST_TEST(text_of(at(9), alarm_reply{}, error_dialect::etcd_3_4) == "{}");
    BOOST_TEST(text_of(at(9), raised, error_dialect::etcd_3_4) == '{' + list + '}');
    BOOST_TEST(text_of(at(9), raised, error_dialect::etcd_3_6) == recorded(9, ',' + list));
    const alarm_reply corrupt{{{node_id(), alarm_kind::corrupt}}};
    BOOST_TEST(text_of(at(9), corrupt, error_dialect::etcd_3_4) ==
               R"({"alarms":[{"alarm":"CORRUPT"}]})");
}

BOOST_AUTO_TEST_CASE(users_and_roles) {
    BOOST_TEST(text_of(at(7), auth_reply{auth_done{}}, api_call::user_add) == recorded(7, ""));
    const auth_reply names{auth_names{{"r1", "root"}}};
    BOOST_TEST(text_of(at(7), names, api_call::role_list) ==
               recorded(7, R"(,"roles":["r1","root"])"));
    BOOST_TEST(text_of(at(7), names, api_call::user_get) ==
               recorded(7, R"(,"roles":["r1","root"])"));
    BOOST_TEST(text_of(at(7), names, api_call::user_list) ==
               recorded(7, R"(,"users":["r1","root"])"));
    BOOST_TEST(text_of(at(7), auth_reply{auth_names{}}, api_call::user_get) == recorded(7, ""));
    const auth_reply permissions{auth_permissions{{{permission_kind::readwrite, "a", "b"},
                                                   {permission_kind::write, "a", ""},
                                                   {permission_kind::read, "c", ""}}}};
    BOOST_TEST(text_of(at(7), permissions, api_call::role_get) ==
               recorded(7, R"(,"perm":[{"permType":"READWRITE","key":"YQ==","range_end":"Yg=="},)"
                           R"({"permType":"WRITE","key":"YQ=="},{"key":"Yw=="}])"));
    BOOST_TEST(text_of(at(7), auth_reply{auth_state{true, 6}}, api_call::auth_status) ==
               recorded(7, R"(,"enabled":true,"authRevision":"6")"));
    BOOST_TEST(text_of(at(7), authenticate_reply{"IEzwnrRmHHkoVXEX.56"}) ==
               recorded(7, R"(,"token":"IEzwnrRmHHkoVXEX.56")"));
}

BOOST_AUTO_TEST_CASE(elections_and_locks) {
    const election_key won{"e", "e/4bdaa1ffc28e5114", 7, lease_id(5465859217620357396)};
    BOOST_TEST(text_of(at(7), campaign_reply{won}) ==
               recorded(7, R"(,"leader":{"name":"ZQ==","key":"ZS80YmRhYTFmZmMyOGU1MTE0",)"
                           R"("rev":"7","lease":"5465859217620357396"})"));
    BOOST_TEST(text_of(at(7), leader_reply{stored("e/4bdaa1ffc28e5114", "v", 7, 7, 1,
                                                  5465859217620357396)}) ==
               recorded(7, R"(,"kv":{"key":"ZS80YmRhYTFmZmMyOGU1MTE0","create_revision":"7",)"
                           R"("mod_revision":"7","version":"1","value":"dg==",)"
                           R"("lease":"5465859217620357396"})"));
    BOOST_TEST(text_of(at(4), lock_reply{"m/4bdaa1ffc28e510b"}) ==
               recorded(4, R"(,"key":"bS80YmRhYTFmZmMyOGU1MTBi")"));
}

BOOST_AUTO_TEST_SUITE_END()
