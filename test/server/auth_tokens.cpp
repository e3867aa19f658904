#include <quorate/server/auth_tokens.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(auth_tokens)

using namespace std::chrono_literals;
using quorate::auth_request;
using quorate::byte_view;
using quorate::errc;
using quorate::error_code;
using time_point = quorate::auth_tokens::time_point;

namespace {

const time_point start = time_point(1000h);

void must(quorate::auth_store& store, const auth_request& asked) {
    BOOST_REQUIRE(store.apply(asked).has_value());
}
quorate::auth_store enabled_store() {
    quorate::auth_store store;
    must(store, quorate::user_add{"root", "hash", false});
    must(store, quorate::user_grant_role{"root", "root"});
    must(store, quorate::user_add{"u", "hash", false});
    must(store, quorate::auth_enable{});
    return store;
}
std::string give(quorate::auth_tokens& tokens, const quorate::auth_store& store, byte_view user,
                 time_point now = start) {
    const auto token = tokens.give(store, user, store.revision(), now);
    BOOST_REQUIRE(token.has_value());
    return *token;
}
bool good(quorate::auth_tokens& tokens, const quorate::auth_store& store, byte_view token,
          time_point now = start) {
    const auto who = tokens.use(store, token, now);
    BOOST_TEST((who || who.error() == errc::invalid_auth_token));
    return who.has_value();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_token_says_who) {
    const quorate::auth_store store = enabled_store();
    quorate::auth_tokens tokens;
    const std::string mine = give(tokens, store, "u");
    const std::string roots = give(tokens, store, "root");
    BOOST_TEST(mine != roots);
    BOOST_TEST(tokens.use(store, mine, start)->user == "u");
    BOOST_TEST(tokens.use(store, mine, start)->auth_revision == store.revision());
    BOOST_TEST(!tokens.use(store, mine, start)->is_cluster);
    BOOST_TEST(tokens.use(store, roots, start)->user == "root");
}

BOOST_AUTO_TEST_CASE(every_token_is_another) {
    const quorate::auth_store store = enabled_store();
    quorate::auth_tokens tokens;
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        const std::string token = give(tokens, store, "u");
        BOOST_TEST(token.size() == 40u);
        for (const char letter : token) {
            const bool allowed = (letter >= 'a' && letter <= 'z') ||
                                 (letter >= 'A' && letter <= 'Z') ||
                                 (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
            BOOST_TEST(allowed);
        }
        seen.insert(token);
    }
    BOOST_TEST(seen.size() == 200u);
}

BOOST_AUTO_TEST_CASE(whatever_is_no_token_is_refused) {
    const quorate::auth_store store = enabled_store();
    quorate::auth_tokens tokens;
    const std::string token = give(tokens, store, "u");
    for (std::size_t at = 0; at < token.size(); ++at) {
        std::string other = token;
        other[at] = other[at] == 'A' ? 'B' : 'A';
        BOOST_TEST(!good(tokens, store, other));
        BOOST_TEST(!good(tokens, store, token.substr(0, at)));
    }
    BOOST_TEST(!good(tokens, store, token + "A"));
    BOOST_TEST(!good(tokens, store, std::string(40, '\0')));
    BOOST_TEST(good(tokens, store, token));
}

BOOST_AUTO_TEST_CASE(use_keeps_it_alive) {
    const quorate::auth_store store = enabled_store();
    quorate::auth_tokens tokens;
    const std::string used = give(tokens, store, "u");
    const std::string unused = give(tokens, store, "u");
    BOOST_TEST(good(tokens, store, used, start + 299s));
    BOOST_TEST(good(tokens, store, used, start + 598s));
    BOOST_TEST(!good(tokens, store, unused, start + 300s));
    BOOST_TEST(tokens.size() == 1u); // forgotten at once
    BOOST_TEST(!good(tokens, store, used, start + 898s));
    BOOST_TEST(tokens.size() == 0u);
}

BOOST_AUTO_TEST_CASE(sweeping_forgets_what_has_expired) {
    const quorate::auth_store store = enabled_store();
    quorate::auth_tokens tokens({.ttl = 10s});
    const std::string first = give(tokens, store, "u", start);
    give(tokens, store, "u", start + 1s);
    give(tokens, store, "root", start + 2s);
    BOOST_TEST(good(tokens, store, first, start + 5s));
    tokens.sweep(start + 10s);
    BOOST_TEST(tokens.size() == 3u);
    tokens.sweep(start + 12s);
    BOOST_TEST(tokens.size() == 1u);
    BOOST_TEST(good(tokens, store, first, start + 12s));
}

// Each of these ends the tokens of before; what is given afterwards is good.
BOOST_AUTO_TEST_CASE(credentials_that_changed_end_it) {
    const std::vector<std::vector<auth_request>> endings{
        {quorate::user_delete{"u"}},
        {quorate::user_delete{"u"}, quorate::user_add{"u", "hash", false}},
        {quorate::user_change_password{"u", "other"}},
        {quorate::auth_disable{}},
        {quorate::auth_disable{}, quorate::auth_enable{}},
    };
    for (const std::vector<auth_request>& ending : endings) {
        quorate::auth_store store = enabled_store();
        quorate::auth_tokens tokens;
        const std::string token = give(tokens, store, "u");
        const std::uint64_t checked_at = store.revision();
        for (const auth_request& asked : ending) {
            must(store, asked);
        }
        BOOST_TEST(!good(tokens, store, token));
        BOOST_TEST(tokens.size() == 0u);
        // Nor does a password that was found right before give one now.
        const error_code late = tokens.give(store, "u", checked_at, start).error();
        BOOST_TEST(late == make_error_code(store.enabled() ? errc::auth_old_revision
                                                           : errc::auth_not_enabled));
        if (store.enabled() && store.find_user("u") != nullptr) {
            BOOST_TEST(good(tokens, store, give(tokens, store, "u")));
        }
    }
}

BOOST_AUTO_TEST_CASE(other_changes_do_not) {
    quorate::auth_store store = enabled_store();
    quorate::auth_tokens tokens;
    const std::string token = give(tokens, store, "u");
    must(store, quorate::user_add{"v", "hash", false});
    must(store, quorate::role_add{"r"});
    must(store, quorate::user_grant_role{"u", "r"});
    must(store, quorate::user_change_password{"root", "other"});
    const auto who = tokens.use(store, token, start);
    BOOST_REQUIRE(who.has_value());
    BOOST_TEST(who->auth_revision == store.revision());
    BOOST_TEST(!store.permits_user(*who));
    // A revision that the store has not come to is nobody's.
    BOOST_TEST(tokens.give(store, "u", store.revision() + 1, start).error() ==
               make_error_code(errc::auth_old_revision));
}

BOOST_AUTO_TEST_CASE(there_are_never_too_many) {
    quorate::auth_store store = enabled_store();
    must(store, quorate::user_add{"v", "hash", false});
    quorate::auth_tokens tokens({.per_user_max = 3, .tokens_max = 5});
    const std::string others = give(tokens, store, "root");
    std::vector<std::string> mine;
    for (int i = 0; i < 3; ++i) {
        mine.push_back(give(tokens, store, "u"));
    }
    BOOST_TEST(good(tokens, store, mine[0])); // now mine[1] is the least recently used
    mine.push_back(give(tokens, store, "u"));
    BOOST_TEST(!good(tokens, store, mine[1]));
    BOOST_TEST(tokens.size() == 4u);
    give(tokens, store, "v");
    give(tokens, store, "v");
    BOOST_TEST(tokens.size() == 5u);
    BOOST_TEST(!good(tokens, store, others)); // the least recently used of all
    for (int i = 0; i < 100; ++i) {
        give(tokens, store, i % 2 == 0 ? "u" : "v");
        BOOST_REQUIRE(tokens.size() <= 5u);
    }
}

BOOST_AUTO_TEST_CASE(without_randomness_there_is_no_token) {
    const quorate::auth_store store = enabled_store();
    quorate::auth_tokens tokens({},
                                [](std::span<char>) { return make_error_code(errc::no_space); });
    BOOST_TEST(tokens.give(store, "u", store.revision(), start).error() ==
               make_error_code(errc::no_space));
    BOOST_TEST(tokens.size() == 0u);
}

// The half that a token is found by must be its own, whatever the source says.
BOOST_AUTO_TEST_CASE(a_source_that_repeats_itself_is_asked_again) {
    const quorate::auth_store store = enabled_store();
    int calls = 0;
    quorate::auth_tokens tokens({}, [&calls](std::span<char> bytes) {
        for (char& byte : bytes) {
            byte = static_cast<char>(calls / 3);
        }
        ++calls;
        return error_code();
    });
    const std::string one = give(tokens, store, "u");
    const std::string two = give(tokens, store, "root");
    BOOST_TEST(one != two);
    BOOST_TEST(calls == 4);
    BOOST_TEST(tokens.use(store, one, start)->user == "u");
}

BOOST_AUTO_TEST_SUITE_END()
