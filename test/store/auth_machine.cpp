#include <quorate/store/auth_machine.hpp>
#include <quorate/testing/conformance/state_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(auth_machine)

using quorate::errc;
using quorate::error_code;
using quorate::issued_request;
using quorate::issuer;
using quorate::log_index;
using quorate::permission_kind;
using quorate::shared_bytes;
using machine = quorate::auth_machine<>;

namespace {

const std::string zero(1, '\0');
const std::string long_value(300, 'v');

quorate::reply ask(machine& m, const issued_request& asked) {
    static std::uint64_t index = 0;
    return m.apply(log_index(++index),
                   machine::encode(asked).freeze().slice(quorate::command_header_bytes));
}
quorate::reply ask_as(machine& m, quorate::byte_view name, issued_request asked) {
    asked.by = {name, m.auth().revision()};
    return ask(m, asked);
}
void must(const quorate::reply& answer) {
    BOOST_REQUIRE(!answer.error());
}
/// Root, and u who may write a to c, and read b to d. Enabled.
void set_up(machine& m) {
    must(ask(m, quorate::user_add{"root", "hash", false}));
    must(ask(m, quorate::user_grant_role{"root", "root"}));
    must(ask(m, quorate::user_add{"u", "hash", false}));
    must(ask(m, quorate::role_add{"r"}));
    must(ask(m, quorate::role_grant_permission{"r", {permission_kind::write, "a", "c"}}));
    must(ask(m, quorate::role_grant_permission{"r", {permission_kind::read, "b", "d"}}));
    must(ask(m, quorate::user_grant_role{"u", "r"}));
    must(ask(m, quorate::auth_enable{}));
}

} // namespace

BOOST_AUTO_TEST_CASE(it_keeps_the_contract) {
    const issuer root{"root", 3};
    const std::vector<issued_request> samples{
        quorate::put{.key = "a", .value = "1"},
        quorate::user_add{"root", "hash", false},
        quorate::user_grant_role{"root", "root"},
        quorate::auth_enable{},
        quorate::put{.key = "a", .value = "2"},
        {quorate::put{.key = "a", .value = long_value}, root},
        {quorate::role_add{"r"}, root},
        {quorate::put{.key = "a", .value = "late"}, root},
        {quorate::role_grant_permission{"r", {permission_kind::read, "a", zero}},
         issuer::cluster()},
        {quorate::range{.key = "a"}, {"u", 5}},
        {quorate::auth_status{}, {"root", 5}},
        {quorate::auth_disable{}, {"root", 5}},
        quorate::role_get{"r"},
        quorate::user_list{},
        quorate::user_get{"nobody"},
        quorate::put{.value = "no key"},
        quorate::user_add{},
        quorate::range{.key = "a"},
    };
    const auto report = quorate::testing::check_state_machine<machine>(samples);
    BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_CASE(never_used_it_is_the_machine_behind) {
    machine m;
    quorate::kv_machine<> plain;
    for (const quorate::request& asked : std::vector<quorate::request>{
             quorate::put{.key = "a", .value = long_value}, quorate::delete_range{.key = "a"},
             quorate::range{.key = "a"}, quorate::put{}, quorate::compact{2}}) {
        const shared_bytes command = machine::encode(asked).freeze();
        BOOST_TEST((command.view() == quorate::kv_machine<>::encode(asked).view()));
        const auto one = m.apply(log_index(1), command.slice(quorate::command_header_bytes));
        BOOST_TEST(
            (one == plain.apply(log_index(1), command.slice(quorate::command_header_bytes))));
    }
    BOOST_TEST(quorate::testing::joined(m.snapshot()) ==
               quorate::testing::joined(plain.snapshot()));
    machine other;
    BOOST_TEST(!other.restore(plain.snapshot()));
}

BOOST_AUTO_TEST_CASE(nothing_goes_unchecked_once_enabled) {
    machine m;
    must(ask(m, quorate::put{.key = "z", .value = "old"}));
    set_up(m);
    const std::string before = quorate::testing::joined(m.snapshot());
    const std::vector<quorate::request> forbidden{
        quorate::put{.key = "c", .value = "x"},
        quorate::put{.key = "a", .prev_kv = true},
        quorate::range{.key = "a"},
        quorate::delete_range{.key = "b", .range_end = zero},
        quorate::compact{2},
        quorate::txn{{{.key = "b"}}, {{quorate::txn{{}, {{quorate::put{.key = "z"}}}, {}}}}, {}},
    };
    for (const quorate::request& asked : forbidden) {
        const quorate::reply denied = ask_as(m, "u", asked);
        BOOST_TEST(denied.error() == make_error_code(errc::permission_denied));
        BOOST_TEST(denied.header.revision == 2u);
        BOOST_TEST(ask(m, asked).error() == make_error_code(errc::user_empty));
        BOOST_TEST(ask_as(m, "gone", asked).error() == make_error_code(errc::permission_denied));
        BOOST_TEST(ask(m, {asked, {"root", 1}}).error() ==
                   make_error_code(errc::auth_old_revision));
        BOOST_TEST(m.permits({"u", m.auth().revision()}, asked) ==
                   make_error_code(errc::permission_denied));
    }
    BOOST_TEST(ask_as(m, "u", quorate::user_list{}).error() ==
               make_error_code(errc::permission_denied));
    BOOST_TEST(quorate::testing::joined(m.snapshot()) == before);
    for (const quorate::request& asked : forbidden) {
        must(ask_as(m, "root", asked));
    }
    must(ask_as(m, "u", quorate::put{.key = "b", .value = "mine", .prev_kv = true}));
    must(ask(m, {quorate::put{.key = "x"}, issuer::cluster()}));
}

BOOST_AUTO_TEST_CASE(a_request_that_makes_no_sense_is_told_so_first) {
    machine m;
    set_up(m);
    BOOST_TEST(ask_as(m, "u", quorate::put{}).error() == make_error_code(errc::key_empty));
    BOOST_TEST(
        ask_as(m, "u", quorate::put{.key = "z", .value = "v", .ignore_value = true}).error() ==
        make_error_code(errc::value_provided));
    // Of auth requests not even that is told, as by etcd.
    BOOST_TEST(ask_as(m, "u", quorate::role_add{}).error() ==
               make_error_code(errc::permission_denied));
    BOOST_TEST(ask_as(m, "root", quorate::role_add{}).error() == make_error_code(errc::role_empty));
    BOOST_TEST(ask_as(m, "root", quorate::role_grant_permission{"r", {}}).error() ==
               make_error_code(errc::permission_not_given));
}

// What was admitted before a change is not carried out after it, by whomever it was asked.
BOOST_AUTO_TEST_CASE(a_change_makes_what_is_under_way_old) {
    machine m;
    set_up(m);
    const issuer then{"u", m.auth().revision()};
    must(ask(m, {quorate::put{.key = "a"}, then}));
    must(ask_as(m, "root", quorate::user_delete{"u"}));
    must(ask_as(m, "root", quorate::user_add{"u", "another", false}));
    const quorate::reply late = ask(m, {quorate::put{.key = "a"}, then});
    BOOST_TEST((late.error() == quorate::condition::retry));
    BOOST_TEST(late.header.revision == 2u);
    BOOST_TEST(ask_as(m, "u", quorate::put{.key = "a"}).error() ==
               make_error_code(errc::permission_denied));
}

BOOST_AUTO_TEST_CASE(reads_outside_the_log_are_checked) {
    machine m;
    must(ask(m, quorate::put{.key = "b", .value = "1"}));
    set_up(m);
    const issuer u{"u", m.auth().revision()};
    BOOST_TEST(!m.range({.key = "b"}, u).error());
    BOOST_TEST(m.range({.key = "a"}, u).error() == make_error_code(errc::permission_denied));
    BOOST_TEST(m.range({.key = "b"}).error() == make_error_code(errc::user_empty));
    BOOST_TEST(m.range({}, u).error() == make_error_code(errc::key_empty));
    BOOST_TEST(m.permits_lease_keys({}, quorate::lease_id(1)) == make_error_code(errc::user_empty));
}

BOOST_AUTO_TEST_CASE(a_lease_is_its_keys) {
    machine m;
    using quorate::lease_id;
    must(ask(m, quorate::lease_grant{lease_id(1), 10}));
    must(ask(m, quorate::lease_grant{lease_id(2), 10}));
    must(ask(m, quorate::put{.key = "z", .lease = lease_id(2)}));
    must(ask(m, quorate::lease_takeover{4}));
    set_up(m);
    const error_code denied = errc::permission_denied;
    must(ask_as(m, "u", quorate::put{.key = "a", .lease = lease_id(1)}));
    BOOST_TEST(ask_as(m, "u", quorate::put{.key = "a", .lease = lease_id(2)}).error() == denied);
    BOOST_TEST(ask_as(m, "u", quorate::put{.key = "a", .lease = lease_id(3)}).error() ==
               make_error_code(errc::lease_not_found));
    BOOST_TEST(ask_as(m, "u", quorate::lease_revoke{lease_id(2)}).error() == denied);
    BOOST_TEST(ask(m, quorate::lease_revoke{lease_id(1)}).error() ==
               make_error_code(errc::user_empty));
    const auto sees = [&](std::uint64_t id) {
        return !m.permits_lease_keys({"u", m.auth().revision()}, lease_id(id));
    };
    BOOST_TEST(!sees(1)); // may write its key, but not read it
    BOOST_TEST(!sees(2));
    BOOST_TEST(sees(3));
    must(ask_as(m, "u", quorate::put{.key = "b", .lease = lease_id(1)}));
    must(ask_as(m, "u", quorate::put{.key = "a"}));
    BOOST_TEST(sees(1));
    must(ask_as(m, "u", quorate::lease_revoke{lease_id(1)}));
    must(ask_as(m, "u", quorate::lease_grant{lease_id(5), 10}));
    // What a leader's clock finds is for the cluster to say, not for a user who claims to be one.
    for (const quorate::request& asked : std::vector<quorate::request>{
             quorate::lease_revoke{lease_id(5), 4},
             quorate::lease_checkpoint{4, {{lease_id(5), 3}}}, quorate::lease_takeover{5}}) {
        BOOST_TEST(ask_as(m, "u", asked).error() == denied);
        BOOST_TEST(ask(m, asked).error() == make_error_code(errc::user_empty));
    }
    must(ask(m, {quorate::lease_revoke{lease_id(2), 4}, issuer::cluster()}));
    BOOST_TEST(!m.machine().get("z"));
}

BOOST_AUTO_TEST_CASE(users_survive_in_the_snapshot) {
    machine m;
    must(ask(m, quorate::put{.key = "b", .value = long_value}));
    set_up(m);
    machine other;
    must(ask(other, quorate::role_add{"of before"}));
    BOOST_TEST(!other.restore(m.snapshot()));
    BOOST_TEST((other.auth() == m.auth()));
    BOOST_TEST(quorate::testing::joined(other.snapshot()) ==
               quorate::testing::joined(m.snapshot()));
    must(ask_as(other, "u", quorate::range{.key = "b"}));
    BOOST_TEST(ask_as(other, "u", quorate::range{.key = "a"}).error() ==
               make_error_code(errc::permission_denied));
    // One without users takes them away.
    BOOST_TEST(!other.restore(machine().snapshot()));
    BOOST_TEST(other.auth().pristine());
}

BOOST_AUTO_TEST_CASE(a_damaged_snapshot_leaves_the_old_state) {
    machine m;
    set_up(m);
    machine other;
    must(ask(other, quorate::role_add{"of before"}));
    const std::string before = quorate::testing::joined(other.snapshot());
    const std::string good = quorate::testing::joined(m.snapshot());
    const auto refused = [&](const std::string& bytes) {
        const error_code failed = other.restore(quorate::rope{shared_bytes::copy_of(bytes)});
        BOOST_TEST(quorate::testing::joined(other.snapshot()) == before);
        return failed.failed();
    };
    for (std::size_t size = 0; size < good.size(); ++size) {
        BOOST_TEST(refused(good.substr(0, size)));
    }
    BOOST_TEST(refused(good + "x"));
    const std::string contents(encode_auth_contents(m.auth().contents()).view());
    BOOST_TEST(refused(contents + good));
    quorate::auth_contents never;
    const std::string empty(encode_auth_contents(never).view());
    BOOST_TEST(refused(empty + good.substr(contents.size())));
    never.enabled_since = 1;
    BOOST_TEST(
        refused(std::string(encode_auth_contents(never).view()) + good.substr(contents.size())));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_command_get_an_error) {
    machine m;
    set_up(m);
    using namespace std::string_literals;
    for (const std::string& bytes :
         {""s, "\1"s, "\1\x20"s, "\1\x21"s, "\1\x31\0\0"s, "\1\xff\0\0"s, "noise"s,
          "\1\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0"s, "\1\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0noise"s}) {
        BOOST_TEST(m.apply(log_index(1), shared_bytes::copy_of(bytes)).error() ==
                   make_error_code(errc::command_invalid));
    }
}

BOOST_AUTO_TEST_CASE(a_value_is_copied_into_the_command_and_never_again) {
    machine m;
    set_up(m);
    const shared_bytes command =
        machine::encode({quorate::put{.key = "a", .value = long_value}, issuer::cluster()})
            .freeze();
    must(m.apply(log_index(1), command.slice(quorate::command_header_bytes)));
    const auto found = m.machine().get("a");
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST((found->value.data() == command.data() + command.size() - long_value.size()));
}

BOOST_AUTO_TEST_SUITE_END()
