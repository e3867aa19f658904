#include <quorate/election.hpp>
#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

BOOST_AUTO_TEST_CASE(list_of_members_needs_a_user) {
    guarded_cluster c;
    const identity ann = c.log_in(c.leading(), "ann", "word").second;
    for (const bool linearizable : {false, true}) {
        for (const identity& by : {identity(), identity::of_token("nonsense"), ann}) {
            std::optional<std::pair<error_code, std::size_t>> got;
            c.leading().members(linearizable, by, [&](error_code failed, const auto& all) {
                got = {failed, all.size()};
            });
            BOOST_REQUIRE(c.run_until([&] { return got.has_value(); }));
            const error_code expected = by.token == ann.token ? error_code()
                                        : by.token.empty()    ? error_code(errc::user_empty)
                                                           : error_code(errc::invalid_auth_token);
            BOOST_TEST(got->first == expected);
            BOOST_TEST(got->second == (expected ? 0U : 3U));
        }
    }
}

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

BOOST_AUTO_TEST_CASE(watch_to_the_last_key_needs_permission_for_all_of_them) {
    guarded_cluster c;
    const identity ann = identity::of_user("ann");
    const auto stream = c.leading().open_watches([] {});
    const auto outcome = [&](byte_view end) {
        const auto made = c.leading().watch(stream, {.key = "a", .range_end = end}, ann);
        return made ? error_code() : made.error();
    };
    BOOST_TEST(outcome("b") == error_code());
    BOOST_TEST(outcome(byte_view("\0", 1)) == errc::permission_denied);
    c.leading().close_watches(stream);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_proved_needs_no_token) {
    guarded_cluster c;
    const identity ann = identity::of_user("ann");
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, ann).as<range_reply>().kvs.size() == 1u);
    BOOST_TEST(c.submit(c.leading(), put{.key = "a"}, ann).failed == errc::permission_denied);
    BOOST_TEST(c.range(c.leading(), {.key = "a"}, identity::of_user("eve")).failed ==
               errc::user_not_found);
}

BOOST_AUTO_TEST_CASE(wait_whose_user_is_deleted_leaves_neither_key_nor_lease) {
    guarded_cluster c;
    const identity root = c.log_in(c.leading(), "root", "secret").second;
    c.administer(role_grant_permission{.name = "reader",
                                       .granted = {permission_kind::readwrite, "l/", "l0"}},
                 root);
    const identity ann = c.log_in(c.leading(), "ann", "word").second;
    c.wait([&](auto done) {
         c.leading().grant(lease_id(7), 1000, ann, std::move(done));
     }).as<lease_grant_reply>();
    struct outcome {
        bool done = false;
        error_code failed;
        turn_key turn;
    };
    outcome holder, own, leased;
    const auto keys = [&] {
        const auto got = c.range(c.leading(), {.key = "l/", .range_end = "l0"}, root);
        std::vector<std::string> names;
        for (const auto& kv : got.as<range_reply>().kvs) {
            names.emplace_back(kv.key.view());
        }
        return names;
    };
    const auto begin = [&](outcome& one, const identity& by, std::uint64_t lease) {
        const auto wait = std::make_shared<turn_wait<service>>(
            c.leading(), "l", by, [&one](error_code failed, reply_header, const turn_key& turn) {
                one = {true, failed, turn};
            });
        wait->begin(lease_id(lease), "x");
    };
    begin(holder, root, 0);
    BOOST_REQUIRE(c.run_until([&] { return holder.done; }));
    begin(leased, ann, 7);
    begin(own, ann, 0);
    BOOST_REQUIRE(c.run_until([&] { return keys().size() == 3; }));
    c.run_for(milliseconds(20));
    BOOST_TEST(!(own.done || leased.done));

    c.administer(user_delete{.name = "ann"}, root);
    BOOST_REQUIRE(c.run_until([&] { return own.done && leased.done; }));
    BOOST_TEST((own.failed && leased.failed));
    BOOST_TEST(c.run_until([&] { return keys().size() == 1; }, milliseconds(2000)));
    BOOST_TEST(keys() == std::vector{holder.turn.key}, boost::test_tools::per_element());
    BOOST_TEST(!c.leading().store().leases().contains(own.turn.lease));
    BOOST_TEST(c.leading().store().leases().contains(lease_id(7)));
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

/// A watch of a user on one member, with everything that it was told.
struct watched {
    watched(service& member, const identity& by, byte_view key, byte_view end = {})
        : at(member), stream(at.open_watches([this] { take(); })) {
        BOOST_REQUIRE(at.watch(stream, {.key = key, .range_end = end}, by).has_value());
    }
    ~watched() { at.close_watches(stream); }
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

    void take() {
        while (const auto batch = at.take_watched(stream, 1 << 20)) {
            for (const shared_event& event : batch->events) {
                told.push_back(std::string(event->kv.key.view()) + "@" +
                               std::to_string(event->kv.mod_revision));
            }
            if (batch->canceled) {
                told.push_back(std::string(name_of(static_cast<errc>(batch->reason.value()))) +
                               "@" + std::to_string(batch->revision));
            }
        }
    }

    service& at;
    std::vector<std::string> told;
    watch_stream_id stream;
};

void ends_watches(const auth_request& asked) {
    guarded_cluster c;
    const identity root = identity::of_user("root");
    std::vector<std::unique_ptr<watched>> anns;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        anns.push_back(std::make_unique<watched>(c.at(id), identity::of_user("ann"), "a", "b"));
    }
    watched kept(c.leading(), root, "a");
    const std::uint64_t last =
        c.submit(c.leading(), put{.key = "a", .value = "2"}, root).made.header.revision;
    c.administer(asked, root);
    c.submit(c.leading(), put{.key = "a", .value = "3"}, root).as<put_reply>();
    const std::vector<std::string> expected{"a@" + std::to_string(last),
                                            "permission_denied@" + std::to_string(last)};
    for (const auto& ann : anns) {
        BOOST_TEST(c.run_until([&] { return ann->at.header().revision == last + 1; }));
        c.run_until([&] { return ann->told.size() >= 2; }, milliseconds(1000));
        BOOST_TEST(ann->told == expected, boost::test_tools::per_element());
    }
    BOOST_TEST(c.run_until([&] { return kept.told.size() == 2; }));
}

BOOST_AUTO_TEST_CASE(watch_of_a_deleted_user_ends_at_that_revision_on_every_member) {
    ends_watches(user_delete{"ann"});
}

BOOST_AUTO_TEST_CASE(watch_without_its_role_ends_at_that_revision_on_every_member) {
    ends_watches(user_revoke_role{"ann", "reader"});
}

BOOST_AUTO_TEST_CASE(watch_without_its_permission_ends_at_that_revision_on_every_member) {
    ends_watches(role_revoke_permission{"reader", "a", "b"});
}

BOOST_AUTO_TEST_CASE(watch_of_an_anonymous_client_ends_when_authentication_is_enabled) {
    guarded_cluster c;
    const identity root = identity::of_user("root");
    c.administer(auth_disable{}, root);
    watched anonymous(c.leading(), {}, "a");
    watched named(c.leading(), root, "a");
    c.administer(auth_enable{});
    const std::uint64_t last = c.leading().header().revision;
    c.submit(c.leading(), put{.key = "a", .value = "2"}, root).as<put_reply>();
    BOOST_TEST(c.run_until([&] { return !named.told.empty(); }));
    BOOST_TEST(named.told.front() == "a@" + std::to_string(last + 1));
    const std::vector<std::string> expected{"user_empty@" + std::to_string(last)};
    BOOST_TEST(anonymous.told == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(watch_with_an_empty_key_needs_the_permission_for_the_first_key) {
    guarded_cluster c;
    const identity root = identity::of_user("root");
    const identity ann = identity::of_user("ann");
    const auto stream = c.leading().open_watches([] {});
    BOOST_TEST(c.leading().watch(stream, {}, ann).error() == errc::permission_denied);
    c.administer(role_grant_permission{.name = "reader",
                                       .granted = {permission_kind::read, std::string(1, '\0'),
                                                   std::string()}},
                 root);
    BOOST_TEST(c.leading().watch(stream, {}, ann).has_value());
    c.leading().close_watches(stream);
}

BOOST_AUTO_TEST_CASE(password_is_not_hashed_without_permission) {
    guarded_cluster c;
    const std::string unusable(100, 'x'); // hashing it fails
    for (const identity& by : {identity(), identity::of_user("ann")}) {
        const error_code expected = by.user.empty() ? errc::user_empty : errc::permission_denied;
        BOOST_TEST(c.wait([&](auto done) {
                        c.leading().add_user("bob", unusable, false, by, std::move(done));
                    }).failed == expected);
        BOOST_TEST(c.wait([&](auto done) {
                        c.leading().change_password("ann", unusable, by, std::move(done));
                    }).failed == expected);
    }
    BOOST_TEST(c.wait([&](auto done) {
                    c.leading().add_user("bob", unusable, false, identity::of_user("root"),
                                         std::move(done));
                }).failed == errc::password_invalid);
}

BOOST_AUTO_TEST_CASE(passwords_that_wait_are_few_counted_and_dropped_for_absent_callers) {
    cluster c;
    server_metrics counts;
    std::vector<std::string> lines;
    service_options options = c.options_of(1);
    options.passwords_waiting_max = 4;
    options.node.metrics = &counts;
    options.node.log = [&](severity level, const std::string& line) {
        if (level == severity::warning) {
            lines.push_back(line);
        }
    };
    c.start(options);
    BOOST_REQUIRE(c.run_until([&] { return c.leader() != 0; }));
    service& one = c.at(1);
    BOOST_TEST(!c.wait([&](auto done) {
                     one.add_user("root", "word", false, {}, std::move(done));
                 }).failed);
    const auto administer = [&](const auth_request& asked) {
        BOOST_TEST(!c.wait([&](auto done) { one.administer(asked, {}, std::move(done)); }).failed);
    };
    administer(user_grant_role{.name = "root", .role = "root"});
    administer(auth_enable{});

    std::map<errc, int> outcomes;
    const auto count = [&](error_code failed, const std::string&) {
        ++outcomes[static_cast<errc>(failed.value())];
    };
    for (int i = 0; i < 20; ++i) {
        one.authenticate("root", "wrong", count);
    }
    const auto total = [&] {
        int sum = 0;
        for (const auto& [code, times] : outcomes) {
            sum += times;
        }
        return sum;
    };
    BOOST_REQUIRE(c.run_until([&] { return total() == 20; }));
    BOOST_TEST(outcomes[errc::too_many_unapplied] > 0);
    BOOST_TEST(outcomes[errc::auth_failed] >= 4);
    BOOST_TEST(counts.logins_failed.value() ==
               static_cast<std::uint64_t>(outcomes[errc::auth_failed]));
    BOOST_TEST(counts.logins_refused.value() ==
               static_cast<std::uint64_t>(outcomes[errc::too_many_unapplied]));
    const auto failed_lines = std::count_if(lines.begin(), lines.end(), [](const auto& line) {
        return line.find("a login failed, of the user 'root'") != std::string::npos;
    });
    BOOST_TEST(failed_lines >= 1);
    BOOST_TEST(failed_lines < outcomes[errc::auth_failed]);

    outcomes.clear();
    one.authenticate("root", "word", count, std::make_shared<std::atomic<bool>>(true));
    one.authenticate("root", "word", count, std::make_shared<std::atomic<bool>>(false));
    BOOST_REQUIRE(c.run_until([&] { return total() == 2; }));
    BOOST_TEST(outcomes[errc::stopped] == 1);
    BOOST_TEST(outcomes[errc{}] == 1);
}

BOOST_AUTO_TEST_SUITE_END()
