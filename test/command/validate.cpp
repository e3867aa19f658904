#include <quorate/command/key_span.hpp>
#include <quorate/command/validate.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(validation)

using quorate::errc;
using quorate::error_code;
using quorate::request;
using quorate::validate;

BOOST_AUTO_TEST_CASE(a_key_must_have_a_byte) {
    BOOST_TEST(validate(request(quorate::put{.value = "v"})) == make_error_code(errc::key_empty));
    BOOST_TEST(validate(request(quorate::range{.range_end = "z"})) ==
               make_error_code(errc::key_empty));
    BOOST_TEST(validate(request(quorate::delete_range{})) == make_error_code(errc::key_empty));
    BOOST_TEST(check(quorate::put{.key = std::string_view("\0", 1)}) == error_code());
    BOOST_TEST(check(quorate::range{.key = "k"}) == error_code());
    BOOST_TEST(check(quorate::delete_range{.key = "k"}) == error_code());
}

BOOST_AUTO_TEST_CASE(a_value_may_be_empty_and_a_compaction_needs_no_key) {
    BOOST_TEST(validate(request(quorate::put{.key = "k"})) == error_code());
    BOOST_TEST(validate(request(quorate::compact{7})) == error_code());
}

BOOST_AUTO_TEST_CASE(the_limit_counts_keys_and_values) {
    const quorate::command_limits limits{.request_bytes_max = 10};
    const std::string seven(7, 'v');
    BOOST_TEST(validate(request(quorate::put{.key = "abc", .value = seven}), limits) ==
               error_code());
    BOOST_TEST(validate(request(quorate::put{.key = "abcd", .value = seven}), limits) ==
               make_error_code(errc::request_too_large));
    BOOST_TEST(validate(request(quorate::range{.key = seven, .range_end = "abcd"}), limits) ==
               make_error_code(errc::request_too_large));
    BOOST_TEST(validate(request(quorate::delete_range{.key = seven, .range_end = "abcd"}),
                        limits) == make_error_code(errc::request_too_large));
}

BOOST_AUTO_TEST_CASE(the_default_limit_is_one_and_a_half_mebibytes) {
    const std::string value(1536 * 1024 - 1, 'v');
    BOOST_TEST(validate(request(quorate::put{.key = "k", .value = value})) == error_code());
    BOOST_TEST(validate(request(quorate::put{.key = "kk", .value = value})) ==
               make_error_code(errc::request_too_large));
}

BOOST_AUTO_TEST_CASE(what_is_to_be_kept_is_not_given) {
    BOOST_TEST(check(quorate::put{.key = "k", .value = "v", .ignore_value = true}) ==
               make_error_code(errc::value_provided));
    BOOST_TEST(
        check(quorate::put{.key = "k", .lease = quorate::lease_id(1), .ignore_lease = true}) ==
        make_error_code(errc::lease_provided));
    BOOST_TEST(check(quorate::put{.key = "k", .ignore_value = true, .ignore_lease = true}) ==
               error_code());
}

namespace {

using quorate::txn;
using quorate::txn_op;

txn_op set(quorate::byte_view key) {
    return {quorate::put{.key = key}};
}
txn_op gone(quorate::byte_view key, quorate::byte_view end = {}) {
    return {quorate::delete_range{.key = key, .range_end = end}};
}
txn_op nested(std::vector<txn_op> success, std::vector<txn_op> failure = {}) {
    return {txn{{}, std::move(success), std::move(failure)}};
}
/// The same answer for the branch in either place.
error_code checked(const std::vector<txn_op>& branch) {
    const error_code success = check(txn{{}, branch, {}});
    BOOST_TEST(success == check(txn{{}, {}, branch}));
    BOOST_TEST(success == validate(request(txn{{}, branch, {}})));
    return success;
}

} // namespace

BOOST_AUTO_TEST_CASE(operations_of_a_transaction_are_checked_in_order) {
    BOOST_TEST(checked({}) == error_code());
    BOOST_TEST(checked({set("a"), set("")}) == make_error_code(errc::key_empty));
    BOOST_TEST(checked({set("a"), {}}) == make_error_code(errc::key_not_found));
    BOOST_TEST(checked({nested({{}}), set("")}) == make_error_code(errc::key_not_found));
    BOOST_TEST(checked({gone("")}) == make_error_code(errc::key_empty));
    BOOST_TEST(checked({{quorate::range{}}}) == make_error_code(errc::key_empty));
    // Conditions come before operations, all of these before keys that meet.
    BOOST_TEST(check(txn{{quorate::compare{}}, {{}}, {}}) == make_error_code(errc::key_empty));
    BOOST_TEST(checked({set("a"), set("a"), set("")}) == make_error_code(errc::key_empty));
}

BOOST_AUTO_TEST_CASE(no_branch_writes_a_key_twice) {
    const error_code twice = errc::duplicate_key;
    BOOST_TEST(checked({set("a"), set("b"), gone("c")}) == error_code());
    BOOST_TEST(checked({set("a"), set("a")}) == twice);
    BOOST_TEST(checked({set("a"), gone("a")}) == twice);
    BOOST_TEST(checked({gone("a"), set("a")}) == twice);
    BOOST_TEST(checked({gone("a"), gone("a"), gone("a", "c")}) == error_code());
    BOOST_TEST(checked({set("b"), gone("a", "c")}) == twice);
    BOOST_TEST(checked({set("c"), gone("a", "c")}) == error_code());
    BOOST_TEST(checked({set("a"), gone("a", "c")}) == twice);
    BOOST_TEST(checked({set("b"), gone("c", "a")}) == error_code());
    BOOST_TEST(checked({set("e"), gone("a", "c"), gone("b", "d"), gone("f", "g")}) == error_code());
    BOOST_TEST(checked({set("c"), gone("a", "b"), gone("d", "e"), gone("b", "d")}) == twice);
    BOOST_TEST(check(txn{{}, {set("a")}, {set("a")}}) == error_code());
}

BOOST_AUTO_TEST_CASE(what_nested_transactions_write_meets_what_is_around_them) {
    const error_code twice = errc::duplicate_key;
    BOOST_TEST(checked({nested({set("a")}, {set("a")}), set("b")}) == error_code());
    BOOST_TEST(checked({nested({set("a")}), set("a")}) == twice);
    BOOST_TEST(checked({nested({}, {set("a")}), set("a")}) == twice);
    BOOST_TEST(checked({nested({set("a")}), nested({set("a")})}) == twice);
    BOOST_TEST(checked({nested({set("a")}), nested({}, {set("a")})}) == twice);
    BOOST_TEST(checked({nested({set("a"), set("a")})}) == twice);
    BOOST_TEST(checked({nested({nested({set("a")})}), gone("a")}) == twice);
    BOOST_TEST(checked({nested({gone("a", "c")}), set("b")}) == twice);
    BOOST_TEST(checked({nested({gone("b")}), nested({set("b")})}) == twice);
    BOOST_TEST(checked({nested({gone("a", "c")}), nested({gone("x")}), nested({set("b")})}) ==
               twice);
    // What etcd lets through.
    BOOST_TEST(checked({nested({set("b")}), nested({gone("b")})}) == error_code());
    BOOST_TEST(checked({set("b"), gone("a", quorate::to_last_key)}) == error_code());
}

BOOST_AUTO_TEST_CASE(the_longest_list_and_what_is_nested_in_it_have_one_budget) {
    const auto many = [](std::size_t count) { return std::vector<txn_op>(count, gone("k")); };
    const error_code too_many = errc::too_many_operations;
    const quorate::command_limits limits{.txn_ops_max = 4};
    const auto limited = [&](const txn& asked) { return validate(request(asked), limits); };
    BOOST_TEST(limited({{}, many(4), many(4)}) == error_code());
    BOOST_TEST(limited({{}, many(5), {}}) == too_many);
    BOOST_TEST(limited({{}, {}, many(5)}) == too_many);
    BOOST_TEST(limited({std::vector(5, quorate::compare{.key = "k"}), {}, {}}) == too_many);
    BOOST_TEST(limited({{}, {nested(many(3))}, {}}) == error_code());
    BOOST_TEST(limited({{}, {nested(many(4))}, {}}) == too_many);
    BOOST_TEST(limited({{}, {nested(many(3))}, many(2)}) == too_many);
    // The default is etcd's; who is not limited at admission is so by what every member decides.
    BOOST_TEST(validate(request(txn{{}, many(128), {}})) == error_code());
    BOOST_TEST(validate(request(txn{{}, many(129), {}})) == too_many);
    BOOST_TEST(check(txn{{}, many(129), {}}) == error_code());
    BOOST_TEST(check(txn{{}, many(quorate::txn_size_max), {}}) == error_code());
    BOOST_TEST(check(txn{{}, many(quorate::txn_size_max), many(1)}) == too_many);
}

BOOST_AUTO_TEST_CASE(nesting_has_an_end) {
    txn deep;
    for (std::size_t depth = 1; depth < quorate::txn_depth_max; ++depth) {
        txn outer;
        outer.success.push_back({std::move(deep)});
        deep = std::move(outer);
    }
    BOOST_TEST(check(deep) == error_code());
    txn deeper;
    deeper.failure.push_back({std::move(deep)});
    BOOST_TEST(check(deeper) == make_error_code(errc::too_many_operations));
}

BOOST_AUTO_TEST_CASE(leases_have_an_id_and_an_end) {
    using quorate::lease_id;
    const auto checked = [](const request& asked) { return validate(asked); };
    BOOST_TEST(checked(quorate::lease_grant{lease_id(1), quorate::lease_ttl_max}) == error_code());
    BOOST_TEST(checked(quorate::lease_grant{lease_id(1), quorate::lease_ttl_max + 1}) ==
               make_error_code(errc::ttl_too_large));
    BOOST_TEST(checked(quorate::lease_grant{{}, 60}) == make_error_code(errc::lease_not_found));
    BOOST_TEST(checked(quorate::lease_revoke{lease_id(1)}) == error_code());
    BOOST_TEST(checked(quorate::alarm_change{}) == error_code());
}

BOOST_AUTO_TEST_CASE(what_a_leader_finds_names_its_epoch) {
    const error_code none = errc::lease_epoch_over;
    BOOST_TEST(check(quorate::lease_takeover{0}) == none);
    BOOST_TEST(check(quorate::lease_takeover{1}) == error_code());
    BOOST_TEST(check(quorate::lease_checkpoint{0, {}}) == none);
    quorate::lease_checkpoint many{1, {}};
    many.leases.resize(quorate::checkpoint_leases_max);
    BOOST_TEST(check(many) == error_code());
    many.leases.emplace_back();
    BOOST_TEST(check(many) == make_error_code(errc::too_many_operations));
}

BOOST_AUTO_TEST_CASE(the_bytes_of_a_transaction_are_those_of_all_its_parts) {
    const quorate::compare condition{
        .target = quorate::compare_target::value, .key = "ab", .range_end = "c", .value = "def"};
    const request asked = txn{{condition}, {set("xy"), nested({gone("a", "bc")})}, {set("x")}};
    BOOST_TEST(payload_bytes(asked) == 6u + 2u + 3u + 1u);
    BOOST_TEST(validate(asked, {.request_bytes_max = 12}) == error_code());
    BOOST_TEST(validate(asked, {.request_bytes_max = 11}) ==
               make_error_code(errc::request_too_large));
}

BOOST_AUTO_TEST_CASE(nested_operations_count_together) {
    const auto of = [](std::size_t ranges) {
        quorate::txn made;
        made.success.assign(ranges, {quorate::range{.key = "k"}});
        return made;
    };
    const auto with = [](quorate::txn success, quorate::txn also, quorate::txn failure) {
        quorate::txn made;
        made.success = {{std::move(success)}, {std::move(also)}};
        made.failure = {{std::move(failure)}};
        return quorate::request(std::move(made));
    };
    // Two for the outer one, then what either branch takes.
    BOOST_TEST(!quorate::validate(with(of(63), of(63), of(126))));
    BOOST_TEST(quorate::validate(with(of(64), of(63), of(1))) ==
               make_error_code(errc::too_many_operations));
    BOOST_TEST(quorate::validate(with(of(1), of(1), of(127))) ==
               make_error_code(errc::too_many_operations));
}

BOOST_AUTO_TEST_SUITE_END()
