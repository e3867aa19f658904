// Transactions, sorted and filtered reads, and what compaction frees in steps.
#include <quorate/store/kv_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

#include "tested_backend.hpp"

BOOST_AUTO_TEST_SUITE(txn)

using namespace quorate;
using machine = quorate::kv_machine<ordered_index, quorate_test::tested_backend>;

namespace {

reply ask(machine& m, const request& asked) {
    static std::uint64_t index = 0;
    return m.apply(log_index(++index),
                   machine::encode(asked).freeze().slice(quorate::command_header_bytes));
}
template <class Body>
Body body(const reply& answer) {
    BOOST_REQUIRE(std::holds_alternative<Body>(answer.body));
    return std::get<Body>(answer.body);
}
void put_all(machine& m, const std::string& pairs) {
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 3) {
        const byte_view pair = byte_view(pairs).substr(i, 2);
        body<put_reply>(ask(m, put{.key = pair.substr(0, 1), .value = pair.substr(1, 1)}));
    }
}
/// "a1 b2": keys and values of one letter, in the order of the rows.
std::string text(const std::vector<key_value>& kvs) {
    std::string out;
    for (const key_value& kv : kvs) {
        out += (out.empty() ? "" : " ") + std::string(kv.key.view()) + std::string(kv.value.view());
    }
    return out;
}
std::string all(const machine& m, std::uint64_t revision = 0) {
    const reply answer = m.range({.key = "a", .range_end = to_last_key, .revision = revision});
    return text(body<range_reply>(answer).kvs);
}
txn_op set(byte_view key, byte_view value) {
    return {put{.key = key, .value = value}};
}
txn_op look(byte_view key, byte_view end = {}) {
    return {range{.key = key, .range_end = end}};
}
txn_op gone(byte_view key, byte_view end = {}) {
    return {delete_range{.key = key, .range_end = end}};
}
/// The revisions of the operations, those of nested ones in parentheses.
std::string revisions(const txn_reply& reply) {
    std::string out;
    for (const txn_op_reply& one : reply.responses) {
        const auto* nested = std::get_if<txn_reply>(&one.body);
        out += (out.empty() ? "" : " ") + std::to_string(one.header.revision) +
               (nested == nullptr ? "" : "(" + revisions(*nested) + ")");
    }
    return out;
}
bool holds(machine& m, compare condition) {
    return body<txn_reply>(ask(m, quorate::txn{{condition}, {}, {}})).succeeded;
}

} // namespace

BOOST_AUTO_TEST_CASE(one_revision_for_all_that_changes) {
    machine m;
    put_all(m, "a1 b2");
    const reply answer = ask(m, quorate::txn{{}, {set("a", "3"), gone("b"), set("c", "4")}, {}});
    BOOST_TEST(answer.header.revision == 4u);
    BOOST_TEST(revisions(body<txn_reply>(answer)) == "4 4 4");
    BOOST_TEST(all(m) == "a3 c4");
    BOOST_TEST(all(m, 3) == "a1 b2");
    std::string changes;
    m.store().changes(4, 4, [&](revision at, const row& change) {
        changes += std::to_string(at.sub) + std::string(change.key.view()) +
                   (change.tombstone() ? "-" : "+");
        return true;
    });
    BOOST_TEST(changes == "0a+1b-2c+");
}

BOOST_AUTO_TEST_CASE(what_only_reads_or_finds_nothing_makes_no_revision) {
    machine m;
    put_all(m, "a1");
    BOOST_TEST(ask(m, quorate::txn{}).header.revision == 2u);
    BOOST_TEST(body<txn_reply>(ask(m, quorate::txn{})).succeeded);
    BOOST_TEST(ask(m, quorate::txn{{}, {look("a"), gone("x")}, {}}).header.revision == 2u);
}

BOOST_AUTO_TEST_CASE(operations_see_what_those_before_them_did) {
    machine m;
    put_all(m, "a1");
    const std::vector<txn_op> operations{look("a", "z"), set("b", "2"), look("a", "z"), gone("a"),
                                         look("a", "z")};
    const auto done = body<txn_reply>(ask(m, quorate::txn{{}, operations, {}}));
    BOOST_TEST(revisions(done) == "2 3 3 3 3");
    const auto seen = [&](std::size_t i) {
        return text(std::get<range_reply>(done.responses[i].body).kvs);
    };
    BOOST_TEST(seen(0) == "a1");
    BOOST_TEST(seen(2) == "a1 b2");
    BOOST_TEST(seen(4) == "b2");
}

BOOST_AUTO_TEST_CASE(a_past_revision_can_be_read_but_not_the_one_that_is_being_made) {
    machine m;
    put_all(m, "a1 a2");
    const auto at = [](std::uint64_t revision) {
        return txn_op{range{.key = "a", .revision = revision}};
    };
    const auto done = body<txn_reply>(ask(m, quorate::txn{{}, {set("a", "3"), at(2)}, {}}));
    BOOST_TEST(text(std::get<range_reply>(done.responses[1].body).kvs) == "a1");
    BOOST_TEST(ask(m, quorate::txn{{}, {set("a", "9"), at(5)}, {}}).error() ==
               make_error_code(errc::revision_in_future));
    ask(m, compact{3});
    BOOST_TEST(ask(m, quorate::txn{{}, {set("a", "9"), at(2)}, {}}).error() ==
               make_error_code(errc::revision_compacted));
    BOOST_TEST(all(m) == "a3");
}

BOOST_AUTO_TEST_CASE(all_conditions_are_decided_on_the_state_before) {
    machine m;
    const compare absent{.target = compare_target::version, .key = "a"};
    const quorate::txn inner{{absent}, {set("b", "y")}, {set("b", "n")}};
    const reply answer = ask(m, quorate::txn{{}, {set("a", "1"), {inner}}, {}});
    BOOST_TEST(all(m) == "a1 by");
    BOOST_TEST(revisions(body<txn_reply>(answer)) == "2 0(2)");
}

BOOST_AUTO_TEST_CASE(nothing_is_done_when_anything_cannot_be) {
    machine m;
    put_all(m, "a1");
    const txn_op keep{put{.key = "x", .ignore_value = true}};
    const quorate::txn nested{{}, {keep}, {}};
    BOOST_TEST(ask(m, quorate::txn{{}, {set("a", "2"), {nested}}, {}}).error() ==
               make_error_code(errc::key_not_found));
    BOOST_TEST(ask(m, quorate::txn{{}, {set("a", "2"), set("a", "3")}, {}}).error() ==
               make_error_code(errc::duplicate_key));
    BOOST_TEST(all(m) == "a1");
    BOOST_TEST(m.store().current_revision() == 2u);
    // In the branch that is not taken it does no harm.
    body<txn_reply>(ask(m, quorate::txn{{}, {set("a", "2")}, {{nested}}}));
    BOOST_TEST(all(m) == "a2");
}

BOOST_AUTO_TEST_CASE(conditions_compare_each_target_each_way) {
    machine m;
    put_all(m, "a1 b5 a2");
    ask(m, lease_grant{lease_id(7), 60});
    ask(m, put{.key = "a", .value = "m", .lease = lease_id(7)}); // Version 3, at 5, created at 2.
    using enum compare_target;
    const std::pair<compare_target, std::int64_t> numbers[] = {
        {version, 3}, {create, 2}, {mod, 5}, {lease, 7}};
    for (const auto& is : numbers) {
        for (const std::int64_t distance : {-1, 0, 1}) {
            const auto with = [&](compare_result result) {
                return holds(m, {.target = is.first,
                                 .result = result,
                                 .key = "a",
                                 .number = is.second + distance});
            };
            BOOST_TEST(with(compare_result::equal) == (distance == 0));
            BOOST_TEST(with(compare_result::not_equal) == (distance != 0));
            BOOST_TEST(with(compare_result::greater) == (distance < 0));
            BOOST_TEST(with(compare_result::less) == (distance > 0));
        }
    }
    const std::pair<byte_view, int> values[] = {{"l", 1}, {"m", 0}, {"ma", -1}, {"\xff", -1}};
    for (const auto& than : values) {
        const auto with = [&](compare_result result) {
            return holds(m, {.target = value, .result = result, .key = "a", .value = than.first});
        };
        BOOST_TEST(with(compare_result::equal) == (than.second == 0));
        BOOST_TEST(with(compare_result::not_equal) == (than.second != 0));
        BOOST_TEST(with(compare_result::greater) == (than.second > 0));
        BOOST_TEST(with(compare_result::less) == (than.second < 0));
    }
}

BOOST_AUTO_TEST_CASE(a_key_that_is_not_there_compares_as_zero_but_its_value_with_nothing) {
    machine m;
    using enum compare_target;
    for (const compare_target target : {version, create, mod, lease}) {
        BOOST_TEST(holds(m, {.target = target, .key = "x"}));
        BOOST_TEST(holds(
            m, {.target = target, .result = compare_result::greater, .key = "x", .number = -1}));
    }
    BOOST_TEST(!holds(m, {.target = value, .key = "x"}));
    BOOST_TEST(!holds(
        m, {.target = value, .result = compare_result::not_equal, .key = "x", .value = "v"}));
}

BOOST_AUTO_TEST_CASE(a_condition_on_a_span_must_hold_for_every_key) {
    machine m;
    put_all(m, "a1 b1 c2 a1");
    const auto version_is = [&](byte_view end, std::int64_t number) {
        return holds(m, {.key = "b", .range_end = end, .number = number});
    };
    BOOST_TEST(version_is(to_last_key, 1));
    BOOST_TEST(!holds(m, {.key = "a", .range_end = to_last_key, .number = 1}));
    BOOST_TEST(version_is("b", 0)); // Nothing in there.
    const compare values{.target = compare_target::value, .range_end = "c", .value = "1"};
    compare all_values = values;
    all_values.key = "a";
    BOOST_TEST(holds(m, all_values));
    all_values.range_end = to_last_key;
    BOOST_TEST(!holds(m, all_values));
}

BOOST_AUTO_TEST_CASE(what_is_there_can_be_kept) {
    machine m;
    ask(m, lease_grant{lease_id(5), 60});
    ask(m, lease_grant{lease_id(6), 60});
    ask(m, put{.key = "a", .value = "1", .lease = lease_id(5)});
    ask(m, put{.key = "a", .value = "2", .ignore_lease = true});
    BOOST_TEST(m.get("a")->lease == lease_id(5));
    BOOST_TEST(m.get("a")->value.view() == "2");
    const auto done = body<put_reply>(
        ask(m, put{.key = "a", .lease = lease_id(6), .prev_kv = true, .ignore_value = true}));
    BOOST_TEST(done.prev_kv->lease == lease_id(5));
    BOOST_TEST(m.get("a")->lease == lease_id(6));
    BOOST_TEST(m.get("a")->value.view() == "2");
    BOOST_TEST(m.get("a")->version == 3u);
    BOOST_TEST(!body<put_reply>(ask(m, put{.key = "a", .ignore_value = true})).prev_kv);
    for (const put& none : {put{.key = "x", .ignore_value = true},
                            put{.key = "x", .value = "v", .ignore_lease = true}}) {
        BOOST_TEST(ask(m, none).error() == make_error_code(errc::key_not_found));
    }
}

// What check() lets through of keys that are written twice is done as well as it can be.
BOOST_AUTO_TEST_CASE(a_key_that_is_deleted_and_put_by_one_write_is_new_and_survives_compaction) {
    machine m;
    put_all(m, "a1");
    const txn_op keep{put{.key = "a", .ignore_value = true, .ignore_lease = true}};
    body<txn_reply>(ask(m, quorate::txn{{}, {gone("a", to_last_key), keep}, {}}));
    BOOST_TEST(all(m) == "a");
    BOOST_TEST(m.get("a")->create_revision == 3u);
    BOOST_TEST(m.get("a")->version == 1u);
    machine before;
    BOOST_TEST(before.restore(m.snapshot()) == error_code());
    BOOST_TEST(all(before, 2) == "a1");
    body<compact_reply>(ask(m, compact{3}));
    BOOST_TEST(all(m) == "a");
    BOOST_TEST(m.store().row_count() == 1u);
    machine after;
    BOOST_TEST(after.restore(m.snapshot()) == error_code());
    BOOST_TEST(all(after) == "a");
}

BOOST_AUTO_TEST_CASE(rows_are_sorted_by_each_target) {
    machine m;
    put_all(m, "d1 c3 b2 a3 b4"); // b was created at 4, put again at 6, and has version 2.
    const auto sorted = [&](sort_target target, sort_order order, std::uint64_t limit = 0) {
        const auto found = body<range_reply>(m.range({.key = "a",
                                                      .range_end = to_last_key,
                                                      .limit = limit,
                                                      .order = order,
                                                      .target = target}));
        BOOST_TEST(found.count == 4u);
        BOOST_TEST(found.more == (limit != 0 && limit < 4));
        return text(found.kvs);
    };
    using enum sort_target;
    using enum sort_order;
    BOOST_TEST(sorted(key, ascend) == "a3 b4 c3 d1");
    BOOST_TEST(sorted(key, descend) == "d1 c3 b4 a3");
    BOOST_TEST(sorted(key, descend, 2) == "d1 c3");
    BOOST_TEST(sorted(version, ascend) == "a3 c3 d1 b4"); // Ties by key, both ways.
    BOOST_TEST(sorted(version, descend) == "b4 a3 c3 d1");
    BOOST_TEST(sorted(create, ascend) == "d1 c3 b4 a3");
    BOOST_TEST(sorted(create, descend, 1) == "a3");
    BOOST_TEST(sorted(mod, ascend) == "d1 c3 a3 b4");
    BOOST_TEST(sorted(mod, descend, 3) == "b4 a3 c3");
    BOOST_TEST(sorted(sort_target::value, ascend) == "d1 a3 c3 b4");
    BOOST_TEST(sorted(sort_target::value, descend, 2) == "b4 a3");
    // Without an order it is ascending, but of the first rows only, as etcd does it.
    BOOST_TEST(sorted(mod, none) == "d1 c3 a3 b4");
    BOOST_TEST(sorted(mod, none, 1) == "a3");
    BOOST_TEST(sorted(create, none, 2) == "c3 b4");
}

BOOST_AUTO_TEST_CASE(filters_leave_rows_out_but_not_out_of_the_count) {
    machine m;
    put_all(m, "a1 b2 c3 a4"); // a: created at 2, put at 5.
    range asked{.key = "a", .range_end = to_last_key};
    const auto found = [&] { return body<range_reply>(m.range(asked)); };
    asked.min_mod_revision = 4;
    BOOST_TEST(text(found().kvs) == "a4 c3");
    BOOST_TEST(found().count == 3u);
    asked.limit = 1;
    BOOST_TEST(text(found().kvs) == "a4");
    BOOST_TEST(found().more);
    asked = {.key = "a", .range_end = to_last_key, .max_mod_revision = 4};
    BOOST_TEST(text(found().kvs) == "b2 c3");
    asked = {.key = "a", .range_end = to_last_key, .min_create_revision = 3};
    BOOST_TEST(text(found().kvs) == "b2 c3");
    asked = {.key = "a", .range_end = to_last_key, .limit = 1, .max_create_revision = 2};
    BOOST_TEST(text(found().kvs) == "a4");
    BOOST_TEST(!found().more);
    asked.count_only = true;
    BOOST_TEST(found().count == 3u);
    asked.count_only = false;
    asked.keys_only = true;
    BOOST_TEST(text(found().kvs) == "a");
}

BOOST_AUTO_TEST_CASE(compaction_hides_at_once_and_frees_in_steps) {
    machine m;
    for (int i = 0; i < 200; ++i) {
        ask(m, put{.key = "a", .value = "v"});
    }
    body<compact_reply>(ask(m, compact{201}));
    BOOST_TEST(m.range({.key = "a", .revision = 200}).error() ==
               make_error_code(errc::revision_compacted));
    const std::size_t left = m.store().row_count();
    BOOST_TEST(!m.store().swept());
    machine many;
    for (int i = 0; i < 200; ++i) {
        ask(many, put{.key = "k" + std::to_string(i)});
    }
    ask(many, delete_range{.key = "k", .range_end = "l"});
    ask(many, put{.key = "last"});
    ask(many, compact{203});
    BOOST_TEST(many.store().row_count() > 300u);
    for (int i = 0; i < 30; ++i) { // it looks at more rows than it makes
        ask(many, put{.key = "more"});
    }
    BOOST_TEST(many.store().swept());
    ask(many, compact{233});
    while (many.sweep()) {
    }
    BOOST_TEST(many.store().row_count() == 2u);
    BOOST_TEST(many.store().key_count() == 2u);
    BOOST_TEST(left <= 200u);
}

BOOST_AUTO_TEST_CASE(physical_compaction_leaves_the_sweep_to_its_owner) {
    machine m;
    for (int i = 0; i < 5000; ++i) {
        ask(m, put{.key = "k" + std::to_string(i % 2500)});
    }
    const compact asked{5001, true};
    body<compact_reply>(ask(m, asked));
    BOOST_TEST(machine::answers_when_swept(asked));
    BOOST_TEST(!machine::answers_when_swept(compact{5001}));
    BOOST_TEST(!machine::answers_when_swept(put{.key = "k"}));
    BOOST_TEST(!m.swept());
    BOOST_TEST(m.store().row_count() > 4900u);
    int steps = 0;
    while (m.sweep()) {
        ++steps;
    }
    BOOST_TEST(steps > 50);
    BOOST_TEST(m.swept());
    BOOST_TEST(m.store().row_count() == 2500u);
}

// Rows that a command makes are looked at twice as fast, whatever the command.
BOOST_AUTO_TEST_CASE(sweeping_keeps_ahead_of_transactions_that_write_much) {
    machine m;
    std::vector<std::string> keys;
    for (int i = 0; i < 128; ++i) {
        keys.push_back("k" + std::to_string(i));
    }
    quorate::txn writes;
    for (const std::string& key : keys) {
        writes.success.push_back(set(key, "value"));
    }
    for (int i = 0; i < 400; ++i) {
        ask(m, writes);
        if (i % 20 == 0) {
            ask(m, compact{m.store().current_revision()});
        }
        BOOST_REQUIRE(m.store().row_count() < 128u * 45);
    }
}

BOOST_AUTO_TEST_CASE(a_compaction_before_the_last_is_through_forgets_nothing_of_either) {
    const auto run = [](bool at_once) {
        machine m;
        for (int round = 0; round < 3; ++round) {
            for (int i = 0; i < 100; ++i) {
                ask(m, put{.key = "k" + std::to_string(i)});
            }
            ask(m, delete_range{.key = "k5", .range_end = "k7"});
            ask(m, compact{m.store().current_revision()});
            while (at_once && m.sweep()) {
            }
        }
        BOOST_TEST(m.store().swept() == at_once);
        const auto hash = m.store().hash(0);
        while (m.sweep()) {
        }
        BOOST_TEST((*m.store().hash(0) == *hash));
        return m;
    };
    const machine slow = run(false);
    const machine quick = run(true);
    BOOST_TEST(slow.store().row_count() == quick.store().row_count());
    BOOST_TEST(slow.store().key_count() == quick.store().key_count());
    BOOST_TEST((*slow.store().hash(0) == *quick.store().hash(0)));
}

BOOST_AUTO_TEST_CASE(the_hash_tells_states_apart_and_nothing_else) {
    machine one;
    put_all(one, "a1 b2 a3");
    machine other;
    put_all(other, "a1 b2");
    const auto hash = [](const machine& m, std::uint64_t at = 0) {
        return m.store().hash(at).value();
    };
    BOOST_TEST((hash(one, 3).hash == hash(other).hash));
    BOOST_TEST((hash(one).hash != hash(other).hash));
    ask(other, lease_grant{lease_id(1), 60});
    ask(other, put{.key = "a", .value = "3", .lease = lease_id(1)});
    BOOST_TEST((hash(one).hash != hash(other).hash));
    BOOST_TEST(hash(one).revision == 4u);
    BOOST_TEST(hash(one).compact_revision == 0u);
    BOOST_TEST(one.store().hash(5).error() == make_error_code(errc::revision_in_future));
    ask(one, compact{3});
    BOOST_TEST(one.store().hash(2).error() == make_error_code(errc::revision_compacted));
    BOOST_TEST(hash(one).compact_revision == 3u);
}

BOOST_AUTO_TEST_CASE(small_values_of_a_transaction_do_not_keep_its_block) {
    machine m;
    const std::string large(1000, 'l');
    ask(m, quorate::txn{{}, {set("a", "1"), set("b", large)}, {}});
    BOOST_TEST(m.get("a")->value.pinned() == 1u);
    BOOST_TEST(m.get("b")->value.pinned() > 1000u); // Shared: it is most of the block.
}

BOOST_AUTO_TEST_CASE(reply_over_its_limit_changes_nothing) {
    quorate::kv_machine<> m;
    std::uint64_t index = 0;
    const auto done = [&](const quorate::request& asked) {
        return m.apply(
            quorate::log_index(++index),
            quorate::kv_machine<>::encode(asked).freeze().slice(quorate::command_header_bytes));
    };
    const std::string mebibyte(1 << 20, 'v');
    BOOST_REQUIRE(!done(quorate::put{.key = "k", .value = mebibyte}).error().failed());
    quorate::txn reads;
    for (int i = 0; i < 63; ++i) {
        reads.success.push_back({quorate::range{.key = "k"}});
    }
    BOOST_TEST(!m.peek(reads).error().failed());
    quorate::txn more = reads;
    more.success.push_back({quorate::range{.key = "k"}});
    BOOST_TEST(m.peek(more).error() == make_error_code(errc::reply_too_large));
    quorate::txn nested;
    nested.success = {{reads}, {reads}};
    BOOST_TEST(m.peek(nested).error() == make_error_code(errc::reply_too_large));

    const std::uint64_t before = m.store().current_revision();
    more.success.push_back({quorate::put{.key = "other"}});
    BOOST_TEST(done(more).error() == make_error_code(errc::reply_too_large));
    // What the transaction itself puts counts, and what it lets move up.
    quorate::txn own;
    own.success.push_back({quorate::put{.key = "l", .value = mebibyte}});
    for (int i = 0; i < 64; ++i) {
        own.success.push_back({quorate::range{.key = "l"}});
    }
    BOOST_TEST(done(own).error() == make_error_code(errc::reply_too_large));
    BOOST_TEST(m.store().current_revision() == before);

    BOOST_REQUIRE(!done(quorate::put{.key = "a"}).error().failed());
    quorate::txn moving;
    moving.success.push_back({quorate::delete_range{.key = "a"}});
    for (int i = 0; i < 64; ++i) {
        moving.success.push_back({quorate::range{.key = "a", .range_end = "z", .limit = 1}});
    }
    BOOST_TEST(done(moving).error() == make_error_code(errc::reply_too_large));
    moving.success.resize(33);
    BOOST_TEST(!done(moving).error().failed());

    for (int i = 0; i < 64; ++i) {
        const std::string key = "k" + std::to_string(i);
        BOOST_REQUIRE(!done(quorate::put{.key = key, .value = mebibyte}).error().failed());
    }
    const quorate::range all{.key = "k", .range_end = "l"};
    BOOST_TEST(m.range(all).error() == make_error_code(errc::reply_too_large));
    for (const quorate::sort_target target :
         {quorate::sort_target::version, quorate::sort_target::value}) {
        quorate::range sorted = all;
        sorted.target = target;
        sorted.order = quorate::sort_order::descend;
        BOOST_TEST(m.range(sorted).error() == make_error_code(errc::reply_too_large));
        sorted.limit = 10;
        BOOST_TEST(!m.range(sorted).error().failed());
        sorted.limit = 0;
        sorted.keys_only = true;
        BOOST_TEST(!m.range(sorted).error().failed());
    }
    quorate::delete_range gone{.key = "k", .range_end = "l", .prev_kv = true};
    BOOST_TEST(done(gone).error() == make_error_code(errc::reply_too_large));
    gone.prev_kv = false;
    BOOST_TEST(!done(gone).error().failed());
}

BOOST_AUTO_TEST_CASE(negative_revision_in_a_transaction_is_compacted_but_minus_one_at_first) {
    quorate::kv_machine<> m;
    std::uint64_t index = 0;
    const auto done = [&](const quorate::request& asked) {
        return m.apply(
            quorate::log_index(++index),
            quorate::kv_machine<>::encode(asked).freeze().slice(quorate::command_header_bytes));
    };
    done(quorate::put{.key = "k"});
    const auto at = [&](std::int64_t revision) {
        quorate::txn asked;
        asked.success.push_back(
            {quorate::range{.key = "k", .revision = static_cast<std::uint64_t>(revision)}});
        return m.peek(asked);
    };
    const reply first = at(-1);
    BOOST_REQUIRE(!first.error().failed());
    const auto& read = std::get<txn_reply>(first.body).responses.front();
    BOOST_TEST(std::get<range_reply>(read.body).kvs.size() == 1u);
    BOOST_TEST(at(-2).error() == make_error_code(errc::revision_compacted));
    done(quorate::compact{.revision = 1});
    BOOST_TEST(at(-1).error() == make_error_code(errc::revision_compacted));
    BOOST_TEST(!at(0).error().failed());
}

BOOST_AUTO_TEST_SUITE_END()
