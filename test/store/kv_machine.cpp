#include <quorate/store/kv_machine.hpp>
#include <quorate/testing/conformance/state_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

#include "tested_backend.hpp"

BOOST_AUTO_TEST_SUITE(kv_machine)

using quorate::errc;
using quorate::log_index;
using quorate::request;
using quorate::shared_bytes;
using machine = quorate::kv_machine<quorate::ordered_index, quorate_test::tested_backend>;

namespace {

const std::string first_key(1, '\0');
const std::string long_value(300, 'v');

quorate::reply ask(machine& m, const request& asked) {
    static std::uint64_t index = 0;
    return m.apply(log_index(++index),
                   machine::encode(asked).freeze().slice(quorate::command_header_bytes));
}
template <class Body>
Body body(const quorate::reply& answer) {
    BOOST_REQUIRE(std::holds_alternative<Body>(answer.body));
    return std::get<Body>(answer.body);
}

quorate::txn sample_txn() {
    quorate::txn inner{{}, {{quorate::delete_range{.key = "b"}}}, {{quorate::range{.key = "c"}}}};
    quorate::txn outer;
    outer.compares = {{.key = "a", .number = 1},
                      {.target = quorate::compare_target::value,
                       .result = quorate::compare_result::less,
                       .key = "a",
                       .range_end = "b",
                       .value = "z"}};
    outer.success = {{quorate::put{.key = "d", .value = long_value}}, {inner}};
    outer.failure = {{std::move(inner)}, {quorate::put{.key = "e", .value = "1", .prev_kv = true}}};
    return outer;
}

} // namespace

BOOST_AUTO_TEST_CASE(it_keeps_the_contract) {
    const std::vector<request> samples{
        quorate::put{.key = "a", .value = "1"},
        quorate::lease_grant{quorate::lease_id(4), 60},
        quorate::put{.key = "b", .value = long_value, .lease = quorate::lease_id(4)},
        quorate::put{.key = "a", .value = "2", .prev_kv = true},
        quorate::range{.key = "a", .range_end = "c", .revision = 2, .limit = 1},
        quorate::delete_range{.key = "a", .prev_kv = true},
        quorate::compact{3},
        quorate::put{.key = "c", .value = ""},
        quorate::put{.key = "a", .value = long_value},
        quorate::delete_range{.key = "b", .range_end = quorate::to_last_key},
        quorate::put{.key = first_key, .value = "x"},
        quorate::put{.value = "no key"},
        quorate::compact{1000},
        quorate::range{.key = "a",
                       .range_end = quorate::to_last_key,
                       .order = quorate::sort_order::descend,
                       .target = quorate::sort_target::value,
                       .min_mod_revision = 3},
        quorate::put{.key = "a", .ignore_value = true},
        sample_txn(),
        quorate::compact{9, true},
        quorate::put{.key = "f", .value = "1", .lease = quorate::lease_id(4)},
        quorate::lease_takeover{3},
        quorate::lease_checkpoint{3, {{quorate::lease_id(4), 20}}},
        quorate::lease_grant{quorate::lease_id(5), 60},
        quorate::lease_revoke{quorate::lease_id(4), 3},
        quorate::alarm_change{{quorate::node_id(2), quorate::alarm_kind::no_space}, true},
        quorate::put{.key = "g", .value = "1"},
    };
    const auto report = quorate::testing::check_state_machine<machine>(samples);
    BOOST_TEST(report.passed(), report);
}

namespace {

/// Answers differently on every instance.
struct moody_machine : machine {
    quorate::reply apply(log_index index, const shared_bytes& command) {
        static std::uint64_t mood = 0;
        quorate::reply answer = machine::apply(index, command);
        answer.header.revision += ++mood;
        return answer;
    }
};
/// Loses what it had when a restore fails.
struct hasty_machine : machine {
    quorate::error_code restore(quorate::bulk_reader state) {
        *static_cast<machine*>(this) = machine();
        return machine::restore(std::move(state));
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_suite_finds_what_is_wrong) {
    const std::vector<request> samples{quorate::put{.key = "a", .value = "1"}};
    BOOST_TEST(!quorate::testing::check_state_machine<moody_machine>(samples).passed());
    BOOST_TEST(!quorate::testing::check_state_machine<hasty_machine>(samples).passed());
    BOOST_TEST(!quorate::testing::check_state_machine<machine>({}).passed());
}

BOOST_AUTO_TEST_CASE(replies_carry_what_was_asked_for_and_the_revision) {
    machine m;
    BOOST_TEST(!body<quorate::put_reply>(ask(m, quorate::put{.key = "a", .value = "1"})).prev_kv);
    const auto again = ask(m, quorate::put{.key = "a", .value = "2", .prev_kv = true});
    BOOST_TEST(again.header.revision == 3u);
    BOOST_TEST(body<quorate::put_reply>(again).prev_kv->value.view() == "1");
    const auto read = ask(m, quorate::range{.key = "a", .revision = 2});
    BOOST_TEST(read.header.revision == 3u);
    BOOST_TEST(body<quorate::range_reply>(read).kvs.at(0).value.view() == "1");
    const auto gone = ask(m, quorate::delete_range{.key = "a"});
    BOOST_TEST(gone.header.revision == 4u);
    BOOST_TEST(body<quorate::delete_reply>(gone).deleted == 1u);
    const auto compacted = ask(m, quorate::compact{4});
    BOOST_TEST(compacted.header.revision == 4u);
    body<quorate::compact_reply>(compacted);
}

BOOST_AUTO_TEST_CASE(what_fails_changes_nothing) {
    machine m;
    ask(m, quorate::put{.key = "a", .value = "1"});
    const std::string before = quorate::testing::joined(m.snapshot());
    const auto fails = [&](const request& asked) {
        const quorate::reply answer = ask(m, asked);
        BOOST_TEST(answer.header.revision == 2u);
        return answer.error();
    };
    BOOST_TEST(fails(quorate::put{.value = "x"}) == make_error_code(errc::key_empty));
    BOOST_TEST(fails(quorate::range{}) == make_error_code(errc::key_empty));
    BOOST_TEST(fails(quorate::delete_range{.range_end = "x"}) == make_error_code(errc::key_empty));
    BOOST_TEST(fails(quorate::range{.key = "a", .revision = 3}) ==
               make_error_code(errc::revision_in_future));
    BOOST_TEST(fails(quorate::compact{3}) == make_error_code(errc::revision_in_future));
    const auto noise = m.apply(log_index(9), shared_bytes::copy_of("no command at all"));
    BOOST_TEST(noise.error() == make_error_code(errc::command_invalid));
    BOOST_TEST(m.apply(log_index(10), {}).error() == make_error_code(errc::command_invalid));
    BOOST_TEST(quorate::testing::joined(m.snapshot()) == before);
}

BOOST_AUTO_TEST_CASE(reads_outside_the_log_see_what_is_applied) {
    machine m;
    ask(m, quorate::put{.key = "a", .value = "1"});
    ask(m, quorate::put{.key = "a", .value = "2"});
    BOOST_TEST(m.get("a")->value.view() == "2");
    BOOST_TEST(!m.get("b"));
    BOOST_TEST(!m.get(""));
    const quorate::reply old = m.range({.key = "a", .revision = 2});
    BOOST_TEST(body<quorate::range_reply>(old).kvs.at(0).value.view() == "1");
    BOOST_TEST(old.header.revision == 3u);
    BOOST_TEST(m.range({}).error() == make_error_code(errc::key_empty));
    ask(m, quorate::compact{3});
    BOOST_TEST(m.range({.key = "a", .revision = 2}).error() ==
               make_error_code(errc::revision_compacted));
}

BOOST_AUTO_TEST_CASE(a_value_is_copied_into_the_command_and_never_again) {
    if (!quorate_test::rows_stay_in_memory) {
        return;
    }
    machine m;
    const shared_bytes command =
        machine::encode(quorate::put{.key = "k", .value = long_value}).freeze();
    m.apply(log_index(1), command.slice(quorate::command_header_bytes));
    const auto found = m.get("k");
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST((found->value.data() == command.data() + command.size() - long_value.size()));
    // The snapshot and who restores it share it too.
    machine other;
    BOOST_TEST(!other.restore(m.snapshot()));
    BOOST_TEST((other.get("k")->value.data() == found->value.data()));
}

BOOST_AUTO_TEST_CASE(a_snapshot_in_one_large_piece_is_not_kept_whole) {
    if (!quorate_test::rows_stay_in_memory) {
        return;
    }
    machine m;
    for (int i = 0; i < 50; ++i) {
        ask(m, quorate::put{.key = "key" + std::to_string(i), .value = long_value});
    }
    const std::string bytes = quorate::testing::joined(m.snapshot());
    machine other;
    BOOST_TEST(!other.restore(quorate::rope{shared_bytes::copy_of(bytes)}));
    const auto found = other.get("key7");
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(found->value.pinned() == long_value.size());
    BOOST_TEST(found->key.pinned() == found->key.size());
}

BOOST_AUTO_TEST_CASE(bumped_revision_is_compacted_and_survives_a_snapshot) {
    quorate::kv_machine<> m;
    std::uint64_t index = 0;
    const auto done = [&](const quorate::request& asked) {
        return m.apply(
            quorate::log_index(++index),
            quorate::kv_machine<>::encode(asked).freeze().slice(quorate::command_header_bytes));
    };
    done(quorate::put{.key = "a", .value = "1"});
    done(quorate::put{.key = "a", .value = "2"});
    done(quorate::delete_range{.key = "b"});
    done(quorate::put{.key = "c"});
    done(quorate::delete_range{.key = "c"});
    const std::uint64_t before = m.store().current_revision();
    BOOST_TEST(m.bump(UINT64_MAX) == make_error_code(quorate::errc::invalid_option));
    BOOST_TEST(!m.bump(1000));
    quorate::kv_machine<> restored;
    BOOST_REQUIRE(!restored.restore(quorate::bulk_bytes(m.snapshot())));
    for (const quorate::kv_machine<>* one : {&m, &restored}) {
        BOOST_TEST(one->store().current_revision() == before + 1000);
        BOOST_TEST(one->store().compact_revision() == before + 1000);
        BOOST_TEST(one->store().row_count() == 1u);
        BOOST_TEST(one->get("a")->value.view() == "2");
        BOOST_TEST(one->get("a")->mod_revision == 3u);
        BOOST_TEST(one->range({.key = "a", .revision = before}).error() ==
                   make_error_code(quorate::errc::revision_compacted));
    }
    BOOST_TEST(done(quorate::put{.key = "d"}).header.revision == before + 1001);
}

BOOST_AUTO_TEST_SUITE_END()
