#include <quorate/server/auth_tokens.hpp>
#include <quorate/server/password.hpp>
#include <quorate/store/auth_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(password)

using quorate::errc;
using quorate::error_code;
using quorate::password_task;

namespace {

std::string hash_of(quorate::byte_view password) {
    const auto hash = quorate::hash_password(password, quorate::password_cost_min);
    BOOST_REQUIRE(hash.has_value());
    return *hash;
}
bool fits(quorate::byte_view password, quorate::byte_view hash) {
    return password_task(password, hash, quorate::password_cost_min).run();
}

} // namespace

BOOST_AUTO_TEST_CASE(the_right_password_fits_its_hash_and_no_other) {
    for (const std::string& password :
         {std::string("secret"), std::string(), std::string("\xff\x80"), std::string(72, 'x')}) {
        const std::string hash = hash_of(password);
        BOOST_TEST(hash.size() == 60u);
        BOOST_TEST(hash.starts_with("$2b$04$"));
        BOOST_TEST(fits(password, hash));
        BOOST_TEST(!fits("Secret", hash));
        BOOST_TEST(!fits(password + " ", hash));
        BOOST_TEST(!fits(password.substr(0, 71), password.size() == 72 ? hash : ""));
    }
}

BOOST_AUTO_TEST_CASE(every_hash_has_its_own_salt) {
    std::set<std::string> hashes;
    for (int i = 0; i < 8; ++i) {
        hashes.insert(hash_of("same"));
    }
    BOOST_TEST(hashes.size() == 8u);
}

// A known value of bcrypt.
BOOST_AUTO_TEST_CASE(hashes_of_others_are_understood) {
    const std::string known = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    BOOST_TEST(fits("U*U", known));
    BOOST_TEST(!fits("U*", known));
}

BOOST_AUTO_TEST_CASE(work_is_equal_for_all_users_whatever_their_hash_costs) {
    quorate::auth_store store;
    const auto add = [&](const std::string& name, int cost) {
        const auto hash = quorate::hash_password("word", cost);
        BOOST_REQUIRE(hash.has_value());
        BOOST_REQUIRE(store.apply(quorate::user_add{.name = name, .password_hash = *hash}));
    };
    add("root", 4);
    add("old", 4);
    add("new", 6);
    BOOST_REQUIRE(store.apply(quorate::user_add{.name = "none", .no_password = true}));
    BOOST_REQUIRE(store.apply(quorate::user_grant_role{.name = "root", .role = "root"}));
    BOOST_REQUIRE(store.apply(quorate::auth_enable{}));
    for (const int configured : {4, 5, 6, 7}) {
        const std::uint64_t expected = std::uint64_t{1} << std::max(configured, 6);
        for (const char* user : {"root", "old", "new", "none", "unknown"}) {
            const auto asked = quorate::ask_password(store, user, "word", configured);
            BOOST_REQUIRE(asked.has_value());
            BOOST_TEST(asked->task.work() == expected);
            const std::string name(user);
            BOOST_TEST(asked->task.run() == (name != "none" && name != "unknown"));
        }
    }
}

BOOST_AUTO_TEST_CASE(unusable_passwords_are_refused) {
    using namespace std::string_literals;
    const error_code invalid = errc::password_invalid;
    for (const std::string& password : {std::string(73, 'x'), "with\0zero"s, "\0"s}) {
        BOOST_TEST(quorate::check_password(password) == invalid);
        BOOST_TEST(quorate::hash_password(password, 4).error() == invalid);
    }
    // bcrypt would not see the difference.
    BOOST_TEST(!fits(std::string(73, 'x'), hash_of(std::string(72, 'x'))));
    BOOST_TEST(!fits("with\0zero"s, hash_of("with")));
}

BOOST_AUTO_TEST_CASE(costs_have_bounds) {
    for (const int cost : {-1, 0, 3, 32}) {
        BOOST_TEST(quorate::hash_password("x", cost).error() ==
                   make_error_code(errc::invalid_option));
    }
    BOOST_TEST(quorate::hash_password("x", 6)->starts_with("$2b$06$"));
}

BOOST_AUTO_TEST_CASE(without_randomness_there_is_no_hash) {
    const quorate::random_source broken = [](std::span<char>) {
        return make_error_code(errc::no_space);
    };
    BOOST_TEST(quorate::hash_password("x", 4, broken).error() == make_error_code(errc::no_space));
}

BOOST_AUTO_TEST_CASE(what_is_no_hash_fits_nothing) {
    for (const char* hash : {"", "*", "x", "$1$abc$", "$2b$04$",
                             "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                             "$2b$05$################################################ #####"}) {
        BOOST_TEST(!fits("", hash));
        BOOST_TEST(!fits("secret", hash));
    }
}

namespace {

double seconds_of(password_task&& task) {
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(!task.run());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

} // namespace

// Guesses must not tell users from names that are none. The bounds are wide: a machine that is busy
// must not fail this, but a comparison that is left out takes a thousandth.
BOOST_AUTO_TEST_CASE(a_wrong_user_takes_as_long_as_a_wrong_password) {
    const std::string hash = *quorate::hash_password("secret", 8);
    const double wrong_password = seconds_of(password_task("guess", hash, 8));
    const double wrong_user = seconds_of(password_task("guess", "", 8));
    const double unusable = seconds_of(password_task(std::string(100, 'x'), hash, 8));
    BOOST_TEST(wrong_user > wrong_password / 20);
    BOOST_TEST(unusable > wrong_password / 20);
}

BOOST_AUTO_TEST_CASE(a_question_knows_when_it_was_asked) {
    quorate::auth_store store;
    const std::string hash = hash_of("secret");
    const auto must = [&](const quorate::auth_request& asked) {
        BOOST_REQUIRE(store.apply(asked).has_value());
    };
    must(quorate::user_add{"root", hash, false});
    must(quorate::user_grant_role{"root", "root"});
    must(quorate::user_add{"certified", "", true});
    BOOST_TEST(ask_password(store, "root", "secret", 4).error() ==
               make_error_code(errc::auth_not_enabled));
    must(quorate::auth_enable{});
    const auto right = ask_password(store, "root", "secret", 4);
    BOOST_REQUIRE(right.has_value());
    BOOST_TEST(right->checked_at == store.revision());
    BOOST_TEST(right->task.run());
    for (const auto& [user, password] :
         {std::pair{"root", "Secret"}, std::pair{"root", ""}, std::pair{"certified", ""},
          std::pair{"nobody", ""}, std::pair{"", ""}}) {
        BOOST_TEST(!ask_password(store, user, password, 4)->task.run());
    }
}

namespace {

quorate::reply apply(quorate::auth_machine<>& machine, const quorate::issued_request& asked) {
    const auto command = quorate::auth_machine<>::encode(asked).freeze();
    return machine.apply({}, command.slice(quorate::command_header_bytes));
}
/// A machine with the users root and ann, enabled; who set it up does not matter here.
void set_up(quorate::auth_machine<>& machine, quorate::byte_view anns_hash) {
    using namespace quorate;
    for (const issued_request& asked : std::vector<issued_request>{
             user_add{"root", "", true}, user_grant_role{"root", "root"}, role_add{"reader"},
             role_grant_permission{"reader", {permission_kind::read, "config/", "config0"}},
             user_add{"ann", anns_hash}, user_grant_role{"ann", "reader"}, auth_enable{}}) {
        BOOST_REQUIRE(!apply(machine, asked).error());
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(from_a_password_to_an_answer) {
    quorate::auth_machine<> machine;
    quorate::auth_tokens tokens;
    const auto now = std::chrono::steady_clock::now();
    set_up(machine, *quorate::hash_password("secret", 4));
    // [authenticate_example
    // On the owner's strand: which hash, as of when. An unknown user gets a task too.
    auto question = ask_password(machine.auth(), "ann", "secret");
    BOOST_REQUIRE(question.has_value());
    // On a worker thread: the slow part.
    const bool right = question->task.run();
    BOOST_REQUIRE(right); // else the answer is auth_failed
    // On the strand again. auth_old_revision: the password has changed meanwhile, begin again.
    const auto token = tokens.give(machine.auth(), "ann", question->checked_at, now);
    BOOST_REQUIRE(token.has_value());

    // With each request of the client:
    const auto who = tokens.use(machine.auth(), *token, now);
    BOOST_REQUIRE(who.has_value()); // else the answer is invalid_auth_token
    const quorate::range read{.key = "config/a"};
    BOOST_TEST(!machine.range(read, *who).error()); // after node::read, as any read
    // ... and for what goes through the log: node.submit({put, *who}, ...)
    const quorate::put put{.key = "config/a", .value = "1"};
    BOOST_TEST(apply(machine, {put, *who}).error() == make_error_code(errc::permission_denied));
    // authenticate_example]
}

BOOST_AUTO_TEST_SUITE_END()
