#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(auth)

using namespace service_test;

struct guarded_cluster : cluster {
    guarded_cluster() : cluster(3) {
        start_all();
        add_user("root", "secret");
        add_user("ann", "word");
        administer(user_grant_role{.name = "root", .role = "root"});
        administer(role_add{.name = "reader"});
        administer(
            role_grant_permission{.name = "reader", .granted = {permission_kind::read, "a", "b"}});
        administer(user_grant_role{.name = "ann", .role = "reader"});
        submit(leading(), put{.key = "a", .value = "1"}).as<put_reply>();
        administer(auth_enable{});
    }
    void add_user(const std::string& name, const std::string& password) {
        BOOST_TEST(!wait([&](auto done) {
                        leading().add_user(name, password, false, {}, std::move(done));
                    }).failed);
    }
    void administer(const auth_request& asked, const identity& by = {}) {
        BOOST_TEST(
            !wait([&](auto done) { leading().administer(asked, by, std::move(done)); }).failed);
    }
    std::pair<error_code, identity> log_in(service& at, const std::string& user,
                                           const std::string& password) {
        std::pair<error_code, identity> got;
        bool done = false;
        at.authenticate(user, password, [&](error_code failed, std::string token) {
            got = {failed, identity::of_token(std::move(token))};
            done = true;
        });
        BOOST_REQUIRE(run_until([&] { return done; }));
        return got;
    }
};

BOOST_AUTO_TEST_CASE(who_is_nobody_may_do_nothing) {
    guarded_cluster c;
    BOOST_TEST(c.range(c.leading(), {.key = "a"}).failed == errc::user_empty);
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, {}, true).failed == errc::user_empty);
    BOOST_TEST(c.submit(c.leading(), put{.key = "a"}).failed == errc::user_empty);
    const identity wrong = identity::of_token("nonsense");
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, wrong).failed == errc::invalid_auth_token);
    BOOST_TEST(c.leading().permits_user({}) == errc::user_empty);
    const auto stream = c.leading().open_watches([] {});
    BOOST_TEST(c.leading().watch(stream, {.key = "a"}, {}).error() == errc::user_empty);
    c.leading().close_watches(stream);
}

BOOST_AUTO_TEST_CASE(a_password_gives_a_token_and_the_token_what_the_roles_allow) {
    guarded_cluster c;
    BOOST_TEST(c.log_in(c.leading(), "ann", "wrong").first == errc::auth_failed);
    BOOST_TEST(c.log_in(c.leading(), "nobody", "word").first == errc::auth_failed);
    const auto [failed, ann] = c.log_in(c.leading(), "ann", "word");
    BOOST_REQUIRE(!failed);
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, ann).as<range_reply>().kvs.size() == 1u);
    BOOST_TEST(c.range(c.leading(), {.key = "b"}, ann).failed == errc::permission_denied);
    BOOST_TEST(c.submit(c.leading(), put{.key = "a"}, ann).failed == errc::permission_denied);
    BOOST_TEST(c.leading().permits_root(ann) == errc::permission_denied);
    const auto [none, root] = c.log_in(c.following(), "root", "secret");
    BOOST_REQUIRE(!none);
    c.submit(c.following(), put{.key = "b", .value = "2"}, root).as<put_reply>();
    BOOST_TEST(!c.following().permits_root(root));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_proved_needs_no_token) {
    guarded_cluster c;
    const identity ann = identity::of_user("ann");
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, ann).as<range_reply>().kvs.size() == 1u);
    BOOST_TEST(c.submit(c.leading(), put{.key = "a"}, ann).failed == errc::permission_denied);
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, identity::of_user("eve")).failed ==
               errc::user_not_found);
}

BOOST_AUTO_TEST_CASE(another_password_ends_the_tokens) {
    guarded_cluster c;
    const identity ann = c.log_in(c.leading(), "ann", "word").second;
    const identity root = c.log_in(c.leading(), "root", "secret").second;
    BOOST_TEST(!c.wait([&](auto done) {
                     c.leading().change_password("ann", "other", root, std::move(done));
                 }).failed);
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, ann).failed == errc::invalid_auth_token);
    BOOST_TEST(c.log_in(c.leading(), "ann", "word").first == errc::auth_failed);
    BOOST_TEST(!c.log_in(c.leading(), "ann", "other").first);
}

BOOST_AUTO_TEST_SUITE_END()
