#include <quorate/store/alarm_set.hpp>
#include <quorate/store/kv_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(alarm_set)

using namespace quorate;
using machine = quorate::kv_machine<>;

namespace {

constexpr raised_alarm full{node_id(2), alarm_kind::no_space};
constexpr raised_alarm rotten{node_id(1), alarm_kind::corrupt};

reply ask(machine& m, const request& asked) {
    static std::uint64_t index = 0;
    return m.apply(log_index(++index),
                   machine::encode(asked).freeze().slice(quorate::command_header_bytes));
}
std::vector<raised_alarm> alarms_in(const reply& answer) {
    return std::get<alarm_reply>(answer.body).alarms;
}

} // namespace

BOOST_AUTO_TEST_CASE(alarms_are_raised_once_and_cleared_by_name) {
    machine m;
    BOOST_TEST((alarms_in(ask(m, alarm_change{full, true})) == std::vector{full}));
    BOOST_TEST((alarms_in(ask(m, alarm_change{full, true})) == std::vector{full}));
    BOOST_TEST((alarms_in(ask(m, alarm_change{rotten, true})) == std::vector{rotten}));
    BOOST_TEST((m.alarms().all() == std::vector{rotten, full}));
    const raised_alarm other{node_id(3), alarm_kind::no_space};
    BOOST_TEST(alarms_in(ask(m, alarm_change{other, false})).empty());
    BOOST_TEST((alarms_in(ask(m, alarm_change{full, false})) == std::vector{full}));
    BOOST_TEST((m.alarms().all() == std::vector{rotten}));
    BOOST_TEST(m.store().current_revision() == 1u);
}

BOOST_AUTO_TEST_CASE(without_space_nothing_grows_and_everything_else_goes_on) {
    machine m;
    ask(m, lease_grant{lease_id(1), 60});
    ask(m, put{.key = "a", .value = "1", .lease = lease_id(1)});
    ask(m, put{.key = "b", .value = "1"});
    ask(m, alarm_change{full, true});
    const txn deletes{{}, {{delete_range{.key = "b"}}}, {}};
    const txn grows{{}, {}, {{txn{{}, {{put{.key = "c"}}}, {}}}}}; // Though that is not taken.
    for (const request& refused :
         std::vector<request>{put{.key = "a"}, lease_grant{lease_id(2), 60},
                              txn{{}, {{put{.key = "a"}}}, {}}, grows}) {
        const reply answer = ask(m, refused);
        BOOST_TEST(answer.error() == make_error_code(errc::space_exceeded));
        BOOST_TEST(answer.header.revision == 3u);
    }
    BOOST_TEST(m.get("a")->value.view() == "1");
    for (const request& done : std::vector<request>{
             range{.key = "a"}, deletes, delete_range{.key = "x"}, lease_revoke{lease_id(1)},
             lease_takeover{3}, lease_checkpoint{3, {}}, compact{4}}) {
        BOOST_TEST(ask(m, done).error() == error_code());
    }
    BOOST_TEST(!m.get("a"));
    // What is wrong by itself is said first.
    BOOST_TEST(ask(m, put{}).error() == make_error_code(errc::key_empty));
    ask(m, alarm_change{full, false});
    BOOST_TEST(ask(m, put{.key = "a"}).error() == error_code());
}

BOOST_AUTO_TEST_CASE(nothing_is_read_or_written_while_members_disagree) {
    machine m;
    ask(m, put{.key = "a", .value = "1"});
    ask(m, alarm_change{rotten, true});
    for (const request& refused : std::vector<request>{
             put{.key = "a"}, range{.key = "a"}, delete_range{.key = "a"}, txn{}, compact{2},
             lease_grant{lease_id(2), 60}, lease_revoke{lease_id(2)}}) {
        BOOST_TEST(ask(m, refused).error() == make_error_code(errc::cluster_corrupt));
    }
    BOOST_TEST(m.range({.key = "a"}).error() == make_error_code(errc::cluster_corrupt));
    BOOST_TEST(ask(m, lease_takeover{3}).error() == error_code());
    ask(m, alarm_change{rotten, false});
    BOOST_TEST(m.range({.key = "a"}).error() == error_code());
}

BOOST_AUTO_TEST_CASE(alarms_and_leases_are_part_of_the_state) {
    machine m;
    ask(m, lease_grant{lease_id(7), 60});
    ask(m, lease_takeover{3});
    ask(m, lease_checkpoint{3, {{lease_id(7), 20}}});
    ask(m, put{.key = "a", .value = "1", .lease = lease_id(7)});
    ask(m, alarm_change{full, true});
    machine other;
    BOOST_REQUIRE(!other.restore(m.snapshot()));
    BOOST_TEST((other.alarms() == m.alarms()));
    BOOST_TEST((other.store().leases().find(lease_id(7)) == lease_life{60, 20, 1}));
    BOOST_TEST(other.store().leases().epoch() == 3u);
    BOOST_TEST(other.store().keys_of(lease_id(7)).size() == 1u);
    BOOST_TEST(ask(other, lease_revoke{lease_id(7), 2}).error() ==
               make_error_code(errc::lease_epoch_over));
    BOOST_TEST(
        std::get<lease_revoke_reply>(ask(other, lease_revoke{lease_id(7), 3}).body).deleted == 1u);
}

BOOST_AUTO_TEST_CASE(alarms_and_leases_that_cannot_be_are_refused_and_the_old_state_stays) {
    machine m;
    ask(m, lease_grant{lease_id(7), 60});
    ask(m, put{.key = "a", .value = "1", .lease = lease_id(7)});
    rope rows = m.snapshot();
    rows.erase(rows.begin());
    const auto restored = [&](const machine_state& front) {
        rope state = rows;
        state.insert(state.begin(), encode_machine_state(front));
        machine other;
        ask(other, alarm_change{full, true});
        const error_code failed = other.restore(std::move(state));
        BOOST_TEST((failed.failed() == other.alarms().raised(alarm_kind::no_space)));
        return failed;
    };
    const lease_record there{lease_id(7), 60, 60, 1};
    BOOST_TEST(restored({{}, {there}, 0, 1}) == error_code());
    const error_code corrupt = errc::corrupt;
    BOOST_TEST(restored({}) == corrupt); // The key's lease is not there.
    BOOST_TEST(restored({{full, rotten}, {there}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{rotten, rotten}, {there}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {there, there}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {there, {lease_id(6), 60, 60, 1}}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {{lease_id(), 60, 60, 1}, there}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {{lease_id(7), 60, 61, 1}}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {{lease_id(7), 60, 0, 1}}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {{lease_id(7), 60, 60, 0}}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {{lease_id(7), 60, 60, 2}}, 0, 1}) == corrupt);
    BOOST_TEST(restored({{}, {{lease_id(7), lease_ttl_max + 1, 1, 1}}, 0, 1}) == corrupt);
}

BOOST_AUTO_TEST_CASE(there_is_a_limit_to_alarms) {
    quorate::alarm_set alarms;
    for (std::uint64_t member = 1; member <= alarms_max; ++member) {
        BOOST_REQUIRE(alarms.change({{node_id(member), alarm_kind::no_space}, true}).has_value());
    }
    BOOST_TEST(alarms.change({{node_id(5000), alarm_kind::no_space}, true}).error() ==
               make_error_code(errc::too_large));
    BOOST_TEST(alarms.change({{node_id(1), alarm_kind::no_space}, true}).has_value());
    BOOST_TEST(alarms.change({{node_id(1), alarm_kind::no_space}, false}).has_value());
    BOOST_TEST(alarms.change({{node_id(5000), alarm_kind::no_space}, true}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
