#include <quorate/store/auth_store.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(auth_store)

using quorate::auth_request;
using quorate::byte_view;
using quorate::errc;
using quorate::error_code;
using quorate::issuer;
using quorate::permission_kind;

namespace {

const std::string zero(1, '\0');

/// Applies what must succeed.
quorate::auth_reply done(quorate::auth_store& store, const auth_request& asked) {
    BOOST_REQUIRE(!check(asked));
    const auto answer = store.apply(asked);
    BOOST_REQUIRE(answer.has_value());
    return *answer;
}
std::vector<std::string> names(quorate::auth_store& store, const auth_request& asked) {
    return std::get<quorate::auth_names>(done(store, asked).body).names;
}
/// Applies what must fail, and change nothing.
error_code fails(quorate::auth_store& store, const auth_request& asked) {
    const quorate::auth_contents before = store.contents();
    const auto answer = store.apply(asked);
    BOOST_REQUIRE(answer.has_error());
    BOOST_TEST((store.contents() == before));
    return answer.error();
}
quorate::user_add user(byte_view name) {
    return {name, "hash", false};
}
quorate::role_grant_permission grant(byte_view role, permission_kind kind, byte_view key,
                                     byte_view range_end = {}) {
    return {role, {kind, key, range_end}};
}
/// Users root, with that role, and u, with the role r.
quorate::auth_store enabled_store() {
    quorate::auth_store store;
    done(store, user("root"));
    done(store, quorate::user_grant_role{"root", "root"});
    done(store, user("u"));
    done(store, quorate::role_add{"r"});
    done(store, quorate::user_grant_role{"u", "r"});
    done(store, quorate::auth_enable{});
    return store;
}
issuer as(const quorate::auth_store& store, byte_view name) {
    return {name, store.revision()};
}

} // namespace

BOOST_AUTO_TEST_CASE(users_come_and_go) {
    quorate::auth_store store;
    BOOST_TEST(store.pristine());
    BOOST_TEST(store.revision() == 1u);
    done(store, user("b"));
    BOOST_TEST(store.revision() == 2u);
    done(store, quorate::user_add{"a", "", true});
    BOOST_TEST(!store.pristine());
    BOOST_TEST(fails(store, user("a")) == make_error_code(errc::user_exists));
    BOOST_TEST((names(store, quorate::user_list{}) == std::vector<std::string>{"a", "b"}));
    BOOST_TEST(names(store, quorate::user_get{"a"}).empty());
    BOOST_TEST(fails(store, quorate::user_get{"c"}) == make_error_code(errc::user_not_found));
    BOOST_TEST(fails(store, quorate::user_delete{"c"}) == make_error_code(errc::user_not_found));
    done(store, quorate::user_delete{"a"});
    BOOST_TEST(store.revision() == 4u);
    BOOST_TEST((names(store, quorate::user_list{}) == std::vector<std::string>{"b"}));
    BOOST_TEST(store.find_user("a") == nullptr);
}

BOOST_AUTO_TEST_CASE(passwords_change_and_say_when) {
    quorate::auth_store store;
    done(store, user("u"));
    done(store, quorate::role_add{"r"});
    BOOST_TEST(store.find_user("u")->credentials_revision == 2u);
    done(store, quorate::user_grant_role{"u", "r"});
    BOOST_TEST(store.find_user("u")->credentials_revision == 2u);
    done(store, quorate::user_change_password{"u", "other"});
    BOOST_TEST(store.find_user("u")->credentials_revision == 5u);
    BOOST_TEST(store.find_user("u")->password_hash == "other");
    BOOST_TEST(store.find_user("u")->roles.size() == 1u);
    BOOST_TEST(fails(store, quorate::user_change_password{"v", "x"}) ==
               make_error_code(errc::user_not_found));
    // As in etcd: whoever has no password gets none.
    done(store, quorate::user_add{"n", "", true});
    done(store, quorate::user_change_password{"n", "other"});
    BOOST_TEST(store.find_user("n")->no_password);
    BOOST_TEST(store.find_user("n")->password_hash.empty());
    BOOST_TEST(store.revision() == 7u);
}

BOOST_AUTO_TEST_CASE(roles_are_granted_and_revoked) {
    quorate::auth_store store;
    done(store, user("u"));
    BOOST_TEST(fails(store, quorate::user_grant_role{"u", "r"}) ==
               make_error_code(errc::role_not_found));
    BOOST_TEST(fails(store, quorate::user_grant_role{"v", "r"}) ==
               make_error_code(errc::user_not_found));
    done(store, quorate::role_add{"r"});
    done(store, quorate::role_add{"q"});
    BOOST_TEST(fails(store, quorate::role_add{"r"}) == make_error_code(errc::role_exists));
    BOOST_TEST((names(store, quorate::role_list{}) == std::vector<std::string>{"q", "r"}));
    done(store, quorate::user_grant_role{"u", "r"});
    done(store, quorate::user_grant_role{"u", "q"});
    BOOST_TEST(store.revision() == 6u);
    done(store, quorate::user_grant_role{"u", "q"}); // once more changes nothing
    BOOST_TEST(store.revision() == 6u);
    done(store, quorate::user_grant_role{"u", "root"}); // needs no definition
    BOOST_TEST(
        (names(store, quorate::user_get{"u"}) == std::vector<std::string>{"q", "r", "root"}));
    done(store, quorate::user_revoke_role{"u", "q"});
    BOOST_TEST(fails(store, quorate::user_revoke_role{"u", "q"}) ==
               make_error_code(errc::role_not_granted));
    BOOST_TEST(fails(store, quorate::user_revoke_role{"v", "r"}) ==
               make_error_code(errc::user_not_found));
    done(store, quorate::role_delete{"r"}); // takes it from its users
    BOOST_TEST(fails(store, quorate::role_delete{"r"}) == make_error_code(errc::role_not_found));
    BOOST_TEST((names(store, quorate::user_get{"u"}) == std::vector<std::string>{"root"}));
    BOOST_TEST(store.revision() == 9u);
}

BOOST_AUTO_TEST_CASE(permissions_are_kept_in_order) {
    quorate::auth_store store;
    const auto permissions = [&] {
        return std::get<quorate::auth_permissions>(done(store, quorate::role_get{"r"}).body)
            .permissions;
    };
    BOOST_TEST(fails(store, grant("r", permission_kind::read, "a")) ==
               make_error_code(errc::role_not_found));
    BOOST_TEST(fails(store, quorate::role_get{"r"}) == make_error_code(errc::role_not_found));
    BOOST_TEST(fails(store, quorate::role_revoke_permission{"r", "a", ""}) ==
               make_error_code(errc::role_not_found));
    done(store, quorate::role_add{"r"});
    done(store, grant("r", permission_kind::read, "b", "c"));
    done(store, grant("r", permission_kind::write, "b"));
    done(store, grant("r", permission_kind::read, "a", zero));
    done(store, grant("r", permission_kind::readwrite, "b", "c")); // replaces
    BOOST_TEST(store.revision() == 6u);
    const std::vector<quorate::role_permission> expected{{permission_kind::read, "a", zero},
                                                         {permission_kind::write, "b", ""},
                                                         {permission_kind::readwrite, "b", "c"}};
    BOOST_TEST((permissions() == expected));
    BOOST_TEST(fails(store, quorate::role_revoke_permission{"r", "b", "d"}) ==
               make_error_code(errc::permission_not_granted));
    done(store, quorate::role_revoke_permission{"r", "b", "c"});
    BOOST_TEST(permissions().size() == 2u);
    BOOST_TEST(store.revision() == 7u);
}

BOOST_AUTO_TEST_CASE(enabling_needs_root) {
    quorate::auth_store store;
    BOOST_TEST(fails(store, quorate::auth_enable{}) == make_error_code(errc::root_user_not_found));
    done(store, user("root"));
    BOOST_TEST(fails(store, quorate::auth_enable{}) ==
               make_error_code(errc::root_role_not_granted));
    done(store, quorate::role_add{"root"});
    done(store, quorate::user_grant_role{"root", "root"});
    done(store, quorate::auth_disable{}); // nothing to disable
    BOOST_TEST(store.revision() == 4u);
    BOOST_TEST(!store.enabled());
    done(store, quorate::auth_enable{});
    done(store, quorate::auth_enable{});
    BOOST_TEST(store.revision() == 4u); // as in etcd
    BOOST_TEST(store.enabled_since() == 4u);
    const error_code refused = errc::invalid_auth_management;
    BOOST_TEST(fails(store, quorate::user_delete{"root"}) == refused);
    BOOST_TEST(fails(store, quorate::role_delete{"root"}) == refused);
    BOOST_TEST(fails(store, quorate::user_revoke_role{"root", "root"}) == refused);
    done(store, quorate::auth_disable{});
    BOOST_TEST(store.revision() == 5u);
    BOOST_TEST(store.enabled_since() == 0u);
    done(store, quorate::role_delete{"root"});
    BOOST_TEST(fails(store, quorate::auth_enable{}) ==
               make_error_code(errc::root_role_not_granted));
    done(store, quorate::user_delete{"root"});
}

BOOST_AUTO_TEST_CASE(everybody_may_manage_while_it_is_off) {
    quorate::auth_store store;
    BOOST_TEST(!store.permits({}, quorate::user_list{}));
    BOOST_TEST(!store.permits({"who", 77}, quorate::auth_enable{}));
    BOOST_TEST(!store.permits_root({}));
    BOOST_TEST(!store.permits_user({}));
    BOOST_TEST(!store.permits_read({}, quorate::span_of("k", zero)));
}

BOOST_AUTO_TEST_CASE(only_root_manages) {
    const quorate::auth_store store = enabled_store();
    for (const auth_request& asked : std::vector<auth_request>{
             quorate::auth_enable{}, quorate::auth_disable{}, quorate::auth_status{}, user("x"),
             quorate::user_delete{"u"}, quorate::user_change_password{"u", "h"},
             quorate::user_grant_role{"u", "root"}, quorate::user_revoke_role{"u", "r"},
             quorate::user_list{}, quorate::role_add{"x"}, quorate::role_delete{"r"},
             quorate::role_list{}, grant("r", permission_kind::read, "a"),
             quorate::role_revoke_permission{"r", "a", ""}, quorate::user_get{"root"},
             quorate::role_get{"root"}}) {
        BOOST_TEST(!store.permits(as(store, "root"), asked));
        BOOST_TEST(!store.permits(issuer::cluster(), asked));
        BOOST_TEST(store.permits(as(store, "u"), asked) ==
                   make_error_code(errc::permission_denied));
        BOOST_TEST(store.permits(as(store, "gone"), asked) ==
                   make_error_code(errc::user_not_found));
        BOOST_TEST(store.permits({}, asked) == make_error_code(errc::user_empty));
        BOOST_TEST(store.permits({"root", store.revision() - 1}, asked) ==
                   make_error_code(errc::auth_old_revision));
        BOOST_TEST(store.permits({"root", store.revision() + 1}, asked) ==
                   make_error_code(errc::auth_old_revision));
    }
}

BOOST_AUTO_TEST_CASE(users_see_themselves_and_their_roles) {
    const quorate::auth_store store = enabled_store();
    BOOST_TEST(!store.permits(as(store, "u"), quorate::user_get{"u"}));
    BOOST_TEST(!store.permits(as(store, "u"), quorate::role_get{"r"}));
    BOOST_TEST(store.permits(as(store, "u"), quorate::role_get{"other"}) ==
               make_error_code(errc::permission_denied));
    BOOST_TEST(store.permits({}, quorate::user_get{""}) == make_error_code(errc::user_empty));
}

BOOST_AUTO_TEST_CASE(what_a_user_may_follows_every_change) {
    quorate::auth_store store = enabled_store();
    const error_code denied = errc::permission_denied;
    const auto reads = [&](byte_view key, byte_view end = {}) {
        return store.permits_read(as(store, "u"), quorate::span_of(key, end));
    };
    BOOST_TEST(reads("a") == denied); // deny by default
    done(store, grant("r", permission_kind::read, "a", "c"));
    BOOST_TEST(!reads("a", "c"));
    done(store, grant("r", permission_kind::write, "a", "c"));
    BOOST_TEST(reads("a") == denied);
    done(store, quorate::role_add{"s"});
    done(store, grant("s", permission_kind::readwrite, "b", zero));
    done(store, quorate::user_grant_role{"u", "s"});
    BOOST_TEST(!reads("b", zero));
    BOOST_TEST(reads("a", zero) == denied);
    done(store, grant("r", permission_kind::readwrite, "a", "c"));
    BOOST_TEST(!reads("a", zero)); // from two roles
    done(store, quorate::role_delete{"s"});
    BOOST_TEST(reads("b", zero) == denied);
    done(store, quorate::user_revoke_role{"u", "r"});
    BOOST_TEST(reads("a") == denied);
    done(store, quorate::user_grant_role{"u", "root"});
    BOOST_TEST(!reads("a", zero));
    BOOST_TEST(!store.permits_root(as(store, "u")));
    done(store, quorate::user_delete{"u"});
    BOOST_TEST(reads("a") == denied);
    BOOST_TEST(store.permits_user(as(store, "u")) == denied);
    BOOST_TEST(!store.permits_user(as(store, "root")));
    BOOST_TEST(store.permits_user({}) == make_error_code(errc::user_empty));
}

namespace {

/// A store that a random, sensible administrator has made.
quorate::auth_store random_store(unsigned seed, int steps) {
    std::mt19937 random(seed);
    quorate::auth_store store = seed % 2 == 0 ? quorate::auth_store() : enabled_store();
    const std::vector<std::string> some{"root", "a", "b", "c"};
    const auto pick = [&]() -> const std::string& { return some[random() % some.size()]; };
    // Half of them never turn it off again.
    const auth_request off = seed % 2 == 0 ? auth_request(quorate::auth_disable{}) : user("c");
    for (int i = 0; i < steps; ++i) {
        const auto kind = static_cast<permission_kind>(random() % 3);
        const std::vector<auth_request> ideas{user(pick()),
                                              quorate::user_add{pick(), "", true},
                                              quorate::role_add{pick()},
                                              quorate::user_grant_role{pick(), pick()},
                                              quorate::user_revoke_role{pick(), pick()},
                                              grant(pick(), kind, pick()),
                                              grant(pick(), kind, "a", pick()),
                                              quorate::role_revoke_permission{pick(), pick(), ""},
                                              quorate::user_change_password{pick(), "new"},
                                              quorate::user_delete{pick()},
                                              quorate::role_delete{pick()},
                                              quorate::auth_enable{},
                                              off};
        const auth_request& asked = ideas[random() % ideas.size()];
        const std::uint64_t before = store.revision();
        if (!check(asked)) {
            static_cast<void>(store.apply(asked));
        }
        BOOST_REQUIRE(store.revision() - before <= 1);
    }
    return store;
}

} // namespace

BOOST_AUTO_TEST_CASE(whatever_it_comes_to_can_be_restored) {
    int enabled = 0;
    for (unsigned seed = 0; seed < 60; ++seed) {
        const quorate::auth_store store = random_store(seed, 150);
        enabled += store.enabled() ? 1 : 0;
        quorate::auth_store other = enabled_store();
        BOOST_REQUIRE(!other.restore(store.contents()));
        BOOST_TEST((other == store));
    }
    BOOST_TEST(enabled > 5);
}

BOOST_AUTO_TEST_CASE(what_it_cannot_come_to_is_refused) {
    const quorate::auth_store good = enabled_store();
    const auto refused = [&](auto&& change) {
        quorate::auth_contents contents = good.contents();
        change(contents);
        quorate::auth_store store = random_store(1, 50);
        const quorate::auth_store before = store;
        const bool failed = store.restore(contents) == errc::corrupt;
        BOOST_TEST((!failed || store == before));
        return failed;
    };
    using contents = quorate::auth_contents;
    BOOST_TEST(!refused([](contents&) {}));
    BOOST_TEST(refused([](contents& c) { c.revision = 5; }));
    BOOST_TEST(refused([](contents& c) { c.revision = 0; }));
    BOOST_TEST(refused([](contents& c) { c.revision = UINT64_MAX; }));
    BOOST_TEST(refused([](contents& c) { c.enabled_since = c.revision + 1; }));
    BOOST_TEST(refused([](contents& c) { c.users.erase("root"); }));
    BOOST_TEST(refused([](contents& c) { c.users["root"].roles = {"r"}; }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].roles = {"r", "r"}; }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].roles = {"root", "r"}; }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].roles = {"x"}; }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].no_password = true; }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].password_hash.clear(); }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].password_hash.assign(257, 'h'); }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].credentials_revision = 1; }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].credentials_revision = 2; }));
    BOOST_TEST(refused([](contents& c) { c.users["u"].credentials_revision = 99; }));
    const auto with = [](std::vector<quorate::role_permission> permissions) {
        return [=](contents& c) {
            c.revision = 50;
            c.roles["r"] = permissions;
        };
    };
    const auto read = permission_kind::read;
    BOOST_TEST(!refused(with({{read, "a", "b"}, {read, "b", ""}})));
    BOOST_TEST(refused(with({{read, "b", ""}, {read, "a", "b"}})));
    BOOST_TEST(refused(with({{read, "a", ""}, {read, "a", ""}})));
    BOOST_TEST(refused(with({{read, "", ""}})));
    BOOST_TEST(refused(with({{read, "b", "a"}})));
    BOOST_TEST(refused([](contents& c) {
        c.revision = 50;
        c.roles[""] = {};
    }));
    BOOST_TEST(refused([](contents& c) {
        c.revision = 50;
        c.users[""] = {"hash", false, {}, 7};
    }));
}

BOOST_AUTO_TEST_SUITE_END()
