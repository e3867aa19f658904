#include <quorate/store/mvcc_store.hpp>
// The index that it is tested with.
#include <quorate/store/ordered_index.hpp>
#include <quorate/testing/bulk.hpp>

#include <boost/test/unit_test.hpp>

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tested_backend.hpp"

BOOST_AUTO_TEST_SUITE(mvcc_store)

using quorate::byte_view;
using quorate::errc;
using quorate::error_code;
using quorate::key_value;
using quorate::rope;
using quorate::shared_bytes;
using quorate::state_row;
using store = quorate::mvcc_store<quorate::ordered_index, quorate_test::tested_backend>;

namespace {

quorate::put_reply put(store& s, byte_view key, byte_view value, bool prev_kv = false) {
    const auto done = s.put({.key = key, .value = value, .lease = {}, .prev_kv = prev_kv},
                            shared_bytes::copy_of(value));
    return done.value();
}
/// Compacts and frees all of it.
error_code compact(store& s, std::uint64_t revision) {
    const error_code failed = s.compact(revision);
    while (s.sweep(100)) {
    }
    return failed;
}
quorate::delete_reply erase(store& s, byte_view key, byte_view end = {}, bool prev_kv = false) {
    return *s.delete_range({.key = key, .range_end = end, .prev_kv = prev_kv});
}
/// "a=1 b=2": the rows as a reader sees them.
std::string text(const std::vector<key_value>& kvs) {
    std::string out;
    for (const key_value& kv : kvs) {
        out += (out.empty() ? "" : " ") + std::string(kv.key.view()) + '=' +
               std::string(kv.value.view());
    }
    return out;
}
std::string all(const store& s, std::uint64_t revision = 0) {
    const auto found = s.range(
        {.key = byte_view("\0", 1), .range_end = quorate::to_last_key, .revision = revision});
    return found ? text(found->kvs) : quorate::name_of(errc(found.error().value()));
}
std::string joined(const quorate::bulk_bytes& state) {
    return quorate::testing::bytes_of(state);
}
/// Revisions 2 to 7: a=1, b=2, a=3, delete a, c=5, a=6.
store example() {
    store s;
    put(s, "a", "1");
    put(s, "b", "2");
    put(s, "a", "3");
    erase(s, "a");
    put(s, "c", "5");
    put(s, "a", "6");
    return s;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_write_makes_one_revision) {
    store s;
    BOOST_TEST(s.current_revision() == 1u);
    put(s, "a", "1");
    BOOST_TEST(s.current_revision() == 2u);
    put(s, "b", "2");
    put(s, "c", "3");
    BOOST_TEST(erase(s, "a", "c").deleted == 2u);
    BOOST_TEST(s.current_revision() == 5u);
    BOOST_TEST(erase(s, "a", "c").deleted == 0u);
    BOOST_TEST(s.current_revision() == 5u);
}

BOOST_AUTO_TEST_CASE(a_row_knows_its_life) {
    store s = example();
    const auto found = s.get("a");
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(found->value.view() == "6");
    BOOST_TEST(found->create_revision == 7u);
    BOOST_TEST(found->mod_revision == 7u);
    BOOST_TEST(found->version == 1u);
    put(s, "a", "7");
    BOOST_TEST(s.get("a")->create_revision == 7u);
    BOOST_TEST(s.get("a")->mod_revision == 8u);
    BOOST_TEST(s.get("a")->version == 2u);
    BOOST_TEST(!s.get("x"));
}

BOOST_AUTO_TEST_CASE(a_lease_belongs_to_the_row) {
    store s;
    BOOST_TEST(s.grant({quorate::lease_id(9), 60}).has_value());
    BOOST_TEST(s.put({.key = "a", .value = "", .lease = quorate::lease_id(9)}, {}).has_value());
    BOOST_TEST(s.get("a")->lease == quorate::lease_id(9));
    put(s, "a", "1");
    BOOST_TEST(s.get("a")->lease == quorate::lease_id());
}

BOOST_AUTO_TEST_CASE(every_revision_can_be_read) {
    const store s = example();
    const std::vector<std::string> wanted{"",    "a=1",     "a=1 b=2",    "a=3 b=2",
                                          "b=2", "b=2 c=5", "a=6 b=2 c=5"};
    for (std::uint64_t revision = 1; revision <= 7; ++revision) {
        BOOST_TEST(all(s, revision) == wanted[revision - 1]);
    }
    BOOST_TEST(all(s) == wanted.back());
    BOOST_TEST(all(s, 8) == "revision_in_future");
}

BOOST_AUTO_TEST_CASE(what_was_before_is_returned_when_asked_for) {
    store s = example();
    BOOST_TEST(!put(s, "b", "x").prev_kv);
    BOOST_TEST(put(s, "b", "y", true).prev_kv->value.view() == "x");
    BOOST_TEST(!put(s, "new", "z", true).prev_kv);
    BOOST_TEST(erase(s, "c", quorate::to_last_key).prev_kvs.empty());
    const auto gone = erase(s, "a", quorate::to_last_key, true);
    BOOST_TEST(gone.deleted == 2u);
    BOOST_TEST(text(gone.prev_kvs) == "a=6 b=y");
}

BOOST_AUTO_TEST_CASE(a_limit_cuts_rows_but_not_the_count) {
    const store s = example();
    quorate::range asked{.key = "a", .range_end = quorate::to_last_key, .limit = 2};
    auto found = s.range(asked);
    BOOST_TEST(text(found->kvs) == "a=6 b=2");
    BOOST_TEST(found->count == 3u);
    BOOST_TEST(found->more);
    asked.limit = 3;
    found = s.range(asked);
    BOOST_TEST(found->kvs.size() == 3u);
    BOOST_TEST(!found->more);
}

BOOST_AUTO_TEST_CASE(counts_and_keys_come_without_values) {
    const store s = example();
    const auto counted =
        s.range({.key = "a", .range_end = quorate::to_last_key, .count_only = true});
    BOOST_TEST(counted->count == 3u);
    BOOST_TEST(counted->kvs.empty());
    BOOST_TEST(!counted->more);
    const auto keys = s.range({.key = "a", .range_end = "c", .keys_only = true});
    BOOST_TEST(text(keys->kvs) == "a= b=");
    BOOST_TEST(keys->kvs[0].mod_revision == 7u);
    BOOST_TEST(keys->kvs[0].create_revision == 7u);
    BOOST_TEST(keys->kvs[1].version == 1u);
}

BOOST_AUTO_TEST_CASE(compaction_forgets_what_is_below) {
    store s = example();
    BOOST_TEST(s.row_count() == 6u);
    BOOST_TEST(compact(s, 4) == error_code());
    BOOST_TEST(s.compact_revision() == 4u);
    BOOST_TEST(s.current_revision() == 7u);
    BOOST_TEST(s.row_count() == 5u); // a=1 is gone.
    BOOST_TEST(all(s, 3) == "revision_compacted");
    BOOST_TEST(all(s, 4) == "a=3 b=2");
    BOOST_TEST(all(s, 5) == "b=2");
}

BOOST_AUTO_TEST_CASE(a_deletion_at_the_compacted_revision_stays_until_the_next) {
    store s = example();
    BOOST_TEST(compact(s, 5) == error_code());
    BOOST_TEST(s.row_count() == 4u); // b, the deletion of a, c, a
    BOOST_TEST(compact(s, 6) == error_code());
    BOOST_TEST(s.row_count() == 3u);
    BOOST_TEST(all(s) == "a=6 b=2 c=5");
}

BOOST_AUTO_TEST_CASE(compaction_revisions_only_grow) {
    store s = example();
    BOOST_TEST(compact(s, 8) == make_error_code(errc::revision_in_future));
    BOOST_TEST(compact(s, 3) == error_code());
    BOOST_TEST(compact(s, 3) == make_error_code(errc::revision_compacted));
    BOOST_TEST(compact(s, 2) == make_error_code(errc::revision_compacted));
    BOOST_TEST(compact(s, 0) == make_error_code(errc::revision_compacted));
    BOOST_TEST(compact(s, 7) == error_code());
    BOOST_TEST(all(s, 7) == "a=6 b=2 c=5");
}

BOOST_AUTO_TEST_CASE(revision_zero_is_compacted_once) {
    store s;
    BOOST_TEST(compact(s, 0) == error_code());
    BOOST_TEST(compact(s, 0) == make_error_code(errc::revision_compacted));
    BOOST_TEST(compact(s, 1) == error_code());
    BOOST_TEST(compact(s, 2) == make_error_code(errc::revision_in_future));
}

BOOST_AUTO_TEST_CASE(compaction_goes_over_many_changes) {
    store s;
    for (int i = 0; i < 5000; ++i) {
        put(s, "key" + std::to_string(i % 100), std::to_string(i));
    }
    const std::string before = all(s);
    BOOST_TEST(compact(s, s.current_revision()) == error_code());
    BOOST_TEST(s.row_count() == 100u);
    BOOST_TEST(all(s) == before);
    BOOST_TEST(erase(s, "key", quorate::to_last_key).deleted == 100u);
    put(s, "last", "");
    BOOST_TEST(compact(s, s.current_revision()) == error_code());
    BOOST_TEST(s.row_count() == 1u);
    BOOST_TEST(s.key_count() == 1u);
}

BOOST_AUTO_TEST_CASE(compaction_misses_no_change_of_many_keys) {
    store s;
    const auto put_all = [&] {
        for (int i = 0; i < 3000; ++i) {
            put(s, "key" + std::to_string(i), "");
        }
    };
    put_all();
    BOOST_TEST(compact(s, s.current_revision()) == error_code());
    BOOST_TEST(s.row_count() == 3000u);
    put_all(); // One change a key since then: who misses one leaves a row behind.
    BOOST_TEST(s.row_count() == 6000u);
    BOOST_TEST(compact(s, s.current_revision()) == error_code());
    BOOST_TEST(s.row_count() == 3000u);
}

BOOST_AUTO_TEST_CASE(a_large_value_is_shared_and_a_small_one_lets_go_of_its_block) {
    if (!quorate_test::rows_stay_in_memory) {
        return;
    }
    store s;
    const auto block = shared_bytes::copy_of(std::string(1000, 'b'));
    BOOST_TEST(s.put({.key = "large"}, block.slice(100)).has_value());
    BOOST_TEST(s.put({.key = "small"}, block.slice(990)).has_value());
    BOOST_TEST((s.get("large")->value.data() == block.data() + 100));
    BOOST_TEST(s.get("small")->value.pinned() == 10u);
    const quorate::bulk_bytes taken = s.snapshot();
    bool shared = false;
    for (std::uint64_t at = 0; at < taken.size();) {
        const shared_bytes piece = taken.read(at, UINT32_MAX).value();
        shared = shared || piece.data() == block.data() + 100;
        at += piece.size();
    }
    BOOST_TEST(shared);
}

BOOST_AUTO_TEST_CASE(equal_states_have_equal_snapshots_whatever_led_there) {
    store once = example();
    BOOST_TEST(compact(once, 6) == error_code());
    store stepwise = example();
    for (const std::uint64_t revision : {2u, 4u, 5u, 6u}) {
        BOOST_TEST(compact(stepwise, revision) == error_code());
    }
    store restored;
    BOOST_TEST(restored.restore(example().snapshot()) == error_code());
    BOOST_TEST(joined(restored.snapshot()) == joined(example().snapshot()));
    BOOST_TEST(compact(restored, 6) == error_code());
    BOOST_TEST(joined(once.snapshot()) == joined(stepwise.snapshot()));
    BOOST_TEST(joined(once.snapshot()) == joined(restored.snapshot()));
    BOOST_TEST(joined(once.snapshot()) != joined(example().snapshot()));
}

namespace {

state_row live(std::uint64_t main, byte_view key, std::uint64_t create, std::uint64_t version,
               std::uint32_t sub = 0) {
    return {main, sub, create, version, {}, shared_bytes::copy_of(key), shared_bytes::copy_of("v")};
}
state_row dead(std::uint64_t main, byte_view key, std::uint32_t sub = 0) {
    return {main, sub, 0, 0, {}, shared_bytes::copy_of(key), {}};
}
/// What a store with something in it says to a state; it must keep what it has when it refuses.
error_code restore(quorate::state_header header, const std::vector<state_row>& rows) {
    header.rows = rows.size();
    quorate::state_writer out(header);
    for (const state_row& row : rows) {
        out.add(row);
    }
    store s = example();
    const std::string before = joined(s.snapshot());
    const rope state = std::move(out).finish();
    const error_code failed = s.restore(state);
    BOOST_TEST(joined(s.snapshot()) == (failed ? before : joined(state)));
    return failed;
}

} // namespace

BOOST_AUTO_TEST_CASE(sound_states_are_restored) {
    const std::vector<std::pair<quorate::state_header, std::vector<state_row>>> states{
        {{1, 0, 0}, {}},
        {{1, 2, 0}, {}},
        {{9, 10, 0}, {}},
        {{3, 0, 0}, {live(2, "a", 2, 1), live(3, "a", 2, 2)}},
        {{3, 0, 0}, {live(2, "a", 2, 1), dead(3, "a")}},
        {{4, 0, 0}, {live(2, "a", 2, 1), live(3, "b", 3, 1), dead(4, "a"), dead(4, "b", 1)}},
        {{9, 9, 0}, {live(5, "a", 3, 3), dead(8, "b"), live(9, "b", 9, 1)}},
        {{8, 9, 0}, {live(7, "a", 7, 1), dead(8, "b", 2)}},
        // One write that deletes a key and puts it again, and one the other way round.
        {{3, 0, 0}, {live(2, "a", 2, 1), dead(3, "a"), live(3, "a", 3, 1, 1)}},
        {{2, 0, 0}, {live(2, "a", 2, 1), dead(2, "a", 1)}},
    };
    for (const auto& [header, rows] : states) {
        BOOST_TEST(restore(header, rows) == error_code());
    }
}

BOOST_AUTO_TEST_CASE(states_that_no_store_can_have_are_refused) {
    const std::vector<std::pair<quorate::state_header, std::vector<state_row>>> states{
        // The header.
        {{0, 0, 0}, {}},
        {{UINT64_MAX, 0, 0}, {}},
        {{5, 7, 0}, {}},
        {{2, 0, 0}, {}},                                       // Where is revision 2?
        {{4, 0, 0}, {live(2, "a", 2, 1)}},                     // The last writes are missing.
        {{2, 0, 0}, {live(2, "a", 2, 1), live(3, "a", 2, 2)}}, // Later than the current one.
        // One row.
        {{1, 0, 0}, {live(1, "a", 1, 1)}},
        {{2, 0, 0}, {live(2, "", 2, 1)}},
        {{2, 0, 0}, {live(2, "a", 2, 1, 1)}}, // The first change of the write is missing.
        {{2, 0, 0}, {live(2, "a", 0, 1)}},
        {{2, 0, 0}, {live(2, "a", 3, 1)}},
        {{2, 0, 0}, {live(2, "a", 2, 2)}},
        {{2, 0, 0}, {dead(2, "a")}},
        {{9, 10, 0}, {live(9, "a", 5, 6)}}, // More changes than writes.
        {{9, 10, 0}, {live(9, "a", 5, UINT64_MAX)}},
        {{9, 10, 0}, {live(9, "a", 5, 1)}}, // First change, but created before.
        {{9, 10, 0}, {dead(8, "a")}},       // Should be compacted away.
        // Rows together.
        {{3, 0, 0}, {live(3, "a", 3, 1), live(2, "b", 2, 1)}},
        {{2, 0, 0}, {live(2, "a", 2, 1), live(2, "a", 2, 1)}},
        {{4, 0, 0}, {live(2, "a", 2, 1), live(4, "b", 4, 1)}},
        {{2, 0, 0}, {live(2, "a", 2, 1), live(2, "b", 2, 1, 2)}},
        {{3, 0, 0}, {live(2, "a", 2, 1), live(3, "a", 2, 3)}},
        {{3, 0, 0}, {live(2, "a", 2, 1), live(3, "a", 3, 1)}},
        {{4, 0, 0}, {live(2, "a", 2, 1), dead(3, "a"), dead(4, "a")}},
        {{4, 0, 0}, {live(2, "a", 2, 1), dead(3, "a"), live(4, "a", 2, 3)}},
        {{2, 0, 0}, {live(2, "a", 2, 1), live(2, "a", 2, 2, 1)}},
        {{9, 10, 0}, {live(8, "a", 8, 1), live(9, "a", 8, 2)}}, // Both before the compacted one.
        {{9, 10, 0}, {live(8, "a", 8, 1), dead(9, "a")}},
    };
    for (std::size_t i = 0; i < states.size(); ++i) {
        BOOST_TEST_CONTEXT("state " << i) {
            BOOST_TEST(restore(states[i].first, states[i].second) ==
                       make_error_code(errc::corrupt));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_deletion_with_more_than_a_key_is_refused) {
    state_row row = dead(3, "a");
    row.value = shared_bytes::copy_of("v");
    BOOST_TEST(restore({3, 0, 0}, {live(2, "a", 2, 1), row}) == make_error_code(errc::corrupt));
    row = dead(3, "a");
    row.lease = quorate::lease_id(1);
    BOOST_TEST(restore({3, 0, 0}, {live(2, "a", 2, 1), row}) == make_error_code(errc::corrupt));
    row = dead(3, "a");
    row.create_revision = 2;
    BOOST_TEST(restore({3, 0, 0}, {live(2, "a", 2, 1), row}) == make_error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_state_with_more_or_fewer_bytes_than_it_says_is_refused) {
    store s = example();
    const std::string bytes = joined(s.snapshot());
    BOOST_TEST(s.restore(rope{shared_bytes::copy_of(bytes + 'x')}) ==
               make_error_code(errc::corrupt));
    BOOST_TEST(s.restore(rope{shared_bytes::copy_of(bytes.substr(0, bytes.size() - 1))}) ==
               make_error_code(errc::truncated));
    BOOST_TEST(s.restore(rope{}) == make_error_code(errc::truncated));
    std::string many = bytes;
    many.replace(24, 8, 8, '\xff'); // The number of rows.
    BOOST_TEST(s.restore(rope{shared_bytes::copy_of(many)}) == make_error_code(errc::truncated));
    BOOST_TEST(joined(s.snapshot()) == bytes);
}

BOOST_AUTO_TEST_CASE(busy_key_is_swept_in_bounded_steps) {
    store s;
    for (int i = 0; i < 3000; ++i) {
        put(s, "busy", "v");
    }
    BOOST_TEST(!s.compact(s.current_revision()));
    std::size_t rows = s.row_count();
    while (s.sweep(10)) {
        BOOST_REQUIRE(s.row_count() + 20 >= rows);
        rows = s.row_count();
    }
    BOOST_TEST(s.row_count() == 1u);
    put(s, "busy", "w");
    BOOST_TEST(s.get("busy")->version == 3001u);
    BOOST_TEST(s.get("busy")->create_revision == 2u);
}

// Deletions, lives that begin anew, and compactions before an earlier one is swept.
BOOST_AUTO_TEST_CASE(hash_and_snapshot_never_depend_on_how_far_a_sweep_has_got) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        store slow;
        store quick;
        const auto both = [&](auto&& change) {
            change(slow);
            change(quick);
        };
        for (int round = 0; round < 4; ++round) {
            for (int i = 0; i < 60; ++i) {
                const std::string key(1, static_cast<char>('a' + random() % 6));
                const bool gone = random() % 3 == 0;
                both([&](store& s) { gone ? void(erase(s, key)) : void(put(s, key, "v")); });
            }
            const std::uint64_t floor = slow.compact_revision();
            const std::uint64_t upto = floor + 1 + random() % (slow.current_revision() - floor);
            both([&](store& s) { BOOST_REQUIRE(!s.compact(upto)); });
            while (quick.sweep(1000)) {
            }
            const int steps = round == 3 ? 10'000 : static_cast<int>(random() % 40);
            for (int i = 0; i < steps && !slow.swept(); ++i) {
                slow.sweep(1);
                BOOST_REQUIRE((*slow.hash(0) == *quick.hash(0)));
                BOOST_REQUIRE(joined(slow.snapshot()) == joined(quick.snapshot()));
                BOOST_REQUIRE(all(slow, upto) == all(quick, upto));
            }
        }
        BOOST_TEST(slow.swept());
        BOOST_TEST(slow.row_count() == quick.row_count());
        BOOST_TEST(slow.key_count() == quick.key_count());
    }
}

BOOST_AUTO_TEST_CASE(deletion_in_steps_is_seen_once_it_is_done_and_then_as_any_other) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        store stepped;
        store whole;
        for (int i = 0; i < 80; ++i) {
            const std::string key = "k" + std::to_string(random() % 60);
            const bool gone = random() % 8 == 0;
            for (store* one : {&stepped, &whole}) {
                gone ? void(erase(*one, key)) : void(put(*one, key, "v"));
            }
        }
        const std::string before = all(stepped);
        const auto hash = stepped.hash(0);
        const std::string end = random() % 2 == 0 ? std::string("k4") : std::string(1, '\0');
        const quorate::delete_range asked{
            .key = "k1", .range_end = end, .prev_kv = random() % 2 == 0};
        const auto wanted = whole.delete_range(asked);
        stepped.begin_delete(asked);
        std::optional<quorate::result<quorate::delete_reply>> done;
        int steps = 0;
        while (!(done = stepped.continue_delete(1 + random() % 3))) {
            ++steps;
            BOOST_REQUIRE(stepped.deleting());
            BOOST_REQUIRE(all(stepped) == before);
            BOOST_REQUIRE(stepped.get("k1").has_value() ==
                          (before.find("k1=") != std::string::npos));
            BOOST_REQUIRE(stepped.current_revision() + 1 == whole.current_revision());
        }
        BOOST_TEST(steps > 3);
        BOOST_TEST(!stepped.deleting());
        BOOST_TEST((**done == *wanted));
        BOOST_TEST((*stepped.hash(0) == *whole.hash(0)));
        BOOST_TEST((*stepped.hash(stepped.current_revision() - 1)).hash == hash->hash);
        BOOST_TEST(joined(stepped.snapshot()) == joined(whole.snapshot()));
    }
}

BOOST_AUTO_TEST_CASE(lease_keys_during_a_deletion_in_steps_are_those_before_it) {
    store s;
    const quorate::lease_id lease(7);
    BOOST_REQUIRE(s.grant({lease, 60}).has_value());
    BOOST_REQUIRE(s.grant({quorate::lease_id(8), 60}).has_value());
    for (int i = 10; i < 90; ++i) {
        const std::string key = "k" + std::to_string(i);
        const quorate::lease_id tied = i % 3 == 0 ? quorate::lease_id(8) : lease;
        BOOST_REQUIRE(s.put({.key = key, .lease = tied}, {}).has_value());
    }
    const auto names = [&s, lease] {
        std::string all;
        for (const auto& key : s.keys_of(lease)) {
            all += std::string(key.view()) + ' ';
        }
        return all;
    };
    const auto all_below = [&s, lease](const char* end) {
        quorate::checked_keys none;
        return s.every_key_of(lease, none, [end](quorate::byte_view key) { return key < end; });
    };
    const std::string before = names();
    const auto without_first = [](quorate::byte_view key) { return key != "k10"; };
    s.begin_delete({.key = "k", .range_end = "k80"});
    std::size_t steps = 0;
    while (!s.continue_delete(3)) {
        ++steps;
        BOOST_REQUIRE(names() == before);
        BOOST_REQUIRE(all_below("k9") && !all_below("k2"));
        quorate::checked_keys none;
        BOOST_REQUIRE(!s.every_key_of(lease, none, without_first)); // it is deleted first
    }
    BOOST_TEST(steps > 20u);
    BOOST_TEST(names() == "k80 k82 k83 k85 k86 k88 k89 ");
    quorate::checked_keys none;
    BOOST_TEST(s.every_key_of(lease, none, without_first));
}

BOOST_AUTO_TEST_CASE(revoke_in_steps_is_seen_once_it_is_done_and_then_as_any_other) {
    const quorate::lease_id lease(7);
    const quorate::lease_id other(8);
    for (unsigned seed = 1; seed <= 30; ++seed) {
        std::mt19937 random(seed);
        store stepped;
        store whole;
        for (store* one : {&stepped, &whole}) {
            BOOST_REQUIRE(one->grant({lease, 60}).has_value());
            BOOST_REQUIRE(one->grant({other, 60}).has_value());
        }
        // Keys come, change leases, go and come back, so that the list has some twice.
        for (int i = 0; i < 150; ++i) {
            const std::string key = "k" + std::to_string(random() % 50);
            const unsigned what = random() % 8;
            const quorate::lease_id tied = what < 4   ? lease
                                           : what < 6 ? other
                                                      : quorate::lease_id();
            for (store* one : {&stepped, &whole}) {
                if (what == 7) {
                    erase(*one, key);
                } else {
                    BOOST_REQUIRE(one->put({.key = key, .lease = tied}, {}).has_value());
                }
            }
        }
        const std::string before = all(stepped);
        const auto tied = stepped.keys_of(lease);
        const auto wanted = whole.revoke({lease});
        BOOST_REQUIRE(!stepped.begin_revoke({lease}));
        std::optional<quorate::result<quorate::lease_revoke_reply>> done;
        std::size_t steps = 0;
        while (!(done = stepped.continue_revoke(1 + random() % 3))) {
            ++steps;
            BOOST_REQUIRE(stepped.deleting());
            BOOST_REQUIRE(all(stepped) == before);
            BOOST_REQUIRE((stepped.keys_of(lease) == tied));
            BOOST_REQUIRE(stepped.leases().contains(lease));
        }
        BOOST_TEST(steps > tied.size() / 3);
        BOOST_TEST(!stepped.deleting());
        BOOST_TEST(done->value().deleted == wanted->deleted);
        BOOST_TEST(stepped.keys_of(lease).empty());
        BOOST_TEST(!stepped.leases().contains(lease));
        BOOST_TEST((*stepped.hash(0) == *whole.hash(0)));
        BOOST_TEST((stepped.keys_of(other) == whole.keys_of(other)));
        BOOST_TEST(joined(stepped.snapshot()) == joined(whole.snapshot()));
    }
}

BOOST_AUTO_TEST_CASE(deletion_with_a_reply_too_large_deletes_nothing_in_steps) {
    store s;
    const std::string half(quorate::reply_bytes_max / 2, 'v');
    for (const char* key : {"a", "b", "c"}) {
        put(s, key, half);
    }
    const std::uint64_t before = s.current_revision();
    s.begin_delete({.key = "a", .range_end = "z", .prev_kv = true});
    std::optional<quorate::result<quorate::delete_reply>> done;
    while (!(done = s.continue_delete(1))) {
    }
    BOOST_TEST((done->error() == errc::reply_too_large));
    BOOST_TEST(!s.deleting());
    BOOST_TEST(s.current_revision() == before);
    BOOST_TEST(s.get("a").has_value());
}

BOOST_AUTO_TEST_CASE(hash_job_gives_the_hash_of_the_moment_it_was_made) {
    store s = example();
    put(s, "a", "7");
    std::vector<std::pair<quorate::store_hash, quorate::store_hash_job>> jobs;
    for (std::uint64_t main = 0; main <= s.current_revision(); ++main) {
        if (main != 1) {
            jobs.emplace_back(s.hash(main).value(), s.begin_hash(main).value());
        }
    }
    BOOST_TEST(!s.compact(4));
    s.sweep(1);
    jobs.emplace_back(s.hash(0).value(), s.begin_hash(0).value());
    jobs.emplace_back(s.hash(5).value(), s.begin_hash(5).value());
    BOOST_TEST((s.begin_hash(3).error() == errc::revision_compacted));
    BOOST_TEST((s.begin_hash(99).error() == errc::revision_in_future));
    while (s.sweep(10)) {
    }
    put(s, "b", "more");
    for (const auto& [wanted, job] : jobs) {
        BOOST_TEST((job.run([] { return false; }).value() == wanted));
        BOOST_TEST((job.run([] { return true; }).error() == errc::stopped));
    }
}

BOOST_AUTO_TEST_SUITE_END()
