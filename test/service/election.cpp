#include <quorate/election.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(election)

using namespace service_test;

/// One who wants the turn.
struct candidate {
    std::shared_ptr<turn_wait<service>> wait;
    bool done = false;
    error_code failed;
    turn_key turn;
};
std::unique_ptr<candidate> campaign(service& at, const std::string& name, std::uint64_t lease,
                                    const std::string& value = {}) {
    auto made = std::make_unique<candidate>();
    made->wait = std::make_shared<turn_wait<service>>(
        at, name, identity(),
        [&one = *made](error_code failed, reply_header, const turn_key& turn) {
            one.done = true;
            one.failed = failed;
            one.turn = turn;
        });
    made->wait->begin(lease_id(lease), value);
    return made;
}
void grant(cluster& c, std::uint64_t id) {
    c.wait([&](auto done) {
         c.leading().grant(lease_id(id), 1000, {}, std::move(done));
     }).as<lease_grant_reply>();
}

BOOST_AUTO_TEST_CASE(the_turn_goes_to_one_after_the_other) {
    cluster c(3);
    c.start_all();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        grant(c, id);
    }
    const auto first = campaign(c.at(1), "e", 1, "one");
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    BOOST_TEST(!first->failed);
    BOOST_TEST(first->turn.key == "e/1");
    const auto second = campaign(c.at(2), "e", 2);
    BOOST_REQUIRE(c.run_until([&] { return c.value(c.leading(), "e/2") != "-"; }));
    const auto third = campaign(c.at(3), "e", 3);
    BOOST_REQUIRE(c.run_until([&] { return c.value(c.leading(), "e/3") != "-"; }));
    c.run_for(milliseconds(20));
    BOOST_TEST(!second->done);
    BOOST_TEST(!third->done);

    c.submit(c.leading(), delete_range{.key = "e/1"}).as<delete_reply>();
    BOOST_REQUIRE(c.run_until([&] { return second->done; }));
    BOOST_TEST(!third->done);
    c.submit(c.leading(), lease_revoke{lease_id(2)}).as<lease_revoke_reply>();
    BOOST_REQUIRE(c.run_until([&] { return third->done; }));
}

BOOST_AUTO_TEST_CASE(who_asks_again_with_its_lease_has_its_place) {
    cluster c;
    c.start_all();
    grant(c, 1);
    const auto first = campaign(c.at(1), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    const auto again = campaign(c.at(1), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return again->done; }));
    BOOST_TEST(again->turn.revision == first->turn.revision);
}

BOOST_AUTO_TEST_CASE(a_wait_that_is_given_up_leaves_no_place) {
    cluster c;
    c.start_all();
    grant(c, 1);
    grant(c, 2);
    const auto first = campaign(c.at(1), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    const auto second = campaign(c.at(1), "l", 2);
    BOOST_REQUIRE(c.run_until([&] { return c.value(c.at(1), "l/2") != "-"; }));
    second->wait->cancel();
    BOOST_TEST(c.run_until([&] { return c.value(c.at(1), "l/2") == "-"; }));
    BOOST_TEST(!second->done);
    BOOST_TEST(c.value(c.at(1), "l/1") != "-");
}

BOOST_AUTO_TEST_CASE(without_a_lease_there_is_one_and_an_unknown_one_is_refused) {
    cluster c;
    c.start_all();
    const auto own = campaign(c.at(1), "l", 0);
    BOOST_REQUIRE(c.run_until([&] { return own->done; }));
    BOOST_TEST(static_cast<bool>(own->turn.lease));
    const auto unknown = campaign(c.at(1), "l", 99);
    BOOST_REQUIRE(c.run_until([&] { return unknown->done; }));
    BOOST_TEST(unknown->failed == errc::lease_not_found);
}

BOOST_AUTO_TEST_CASE(waiter_whose_lease_ends_gets_an_error_and_no_turn) {
    cluster c(3);
    c.start_all();
    grant(c, 1);
    grant(c, 2);
    const auto first = campaign(c.at(1), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    const auto second = campaign(c.at(2), "l", 2);
    BOOST_REQUIRE(c.run_until([&] { return c.value(c.leading(), "l/2") != "-"; }));
    c.submit(c.leading(), lease_revoke{lease_id(2)}).as<lease_revoke_reply>();
    // It hears of it while the first one still has the turn.
    BOOST_REQUIRE(c.run_until([&] { return second->done; }));
    BOOST_TEST(second->failed == errc::session_expired);
    BOOST_TEST(c.value(c.leading(), "l/1") != "-");
}

BOOST_AUTO_TEST_CASE(waiter_whose_lease_ends_with_that_of_the_holder_gets_no_turn) {
    cluster c;
    c.start_all();
    grant(c, 1);
    grant(c, 2);
    const auto first = campaign(c.at(1), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    const auto second = campaign(c.at(1), "l", 2);
    BOOST_REQUIRE(c.run_until([&] { return c.value(c.at(1), "l/2") != "-"; }));
    // One write, so one event is the first that the waiter hears of.
    c.submit(c.at(1), delete_range{.key = "l/", .range_end = "l0"}).as<delete_reply>();
    BOOST_REQUIRE(c.run_until([&] { return second->done; }));
    BOOST_TEST(second->failed == errc::session_expired);
}

BOOST_AUTO_TEST_CASE(cancelled_wait_leaves_the_place_of_another_wait_with_its_lease) {
    cluster c;
    c.start_all();
    grant(c, 1);
    grant(c, 2);
    const auto first = campaign(c.at(1), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    const auto second = campaign(c.at(1), "l", 2);
    BOOST_REQUIRE(c.run_until([&] { return c.value(c.at(1), "l/2") != "-"; }));
    const auto same = campaign(c.at(1), "l", 2);
    c.run_for(milliseconds(20));
    same->wait->cancel(); // It shares the place and has none of its own.
    c.run_for(milliseconds(20));
    BOOST_TEST(c.value(c.at(1), "l/2") != "-");

    const auto again = campaign(c.at(1), "l", 2);
    c.run_for(milliseconds(20));
    second->wait->cancel(); // It takes its key back, and the other one queues anew.
    c.run_for(milliseconds(20));
    c.submit(c.at(1), delete_range{.key = "l/1"}).as<delete_reply>();
    BOOST_REQUIRE(c.run_until([&] { return again->done; }));
    BOOST_TEST(!again->failed);
    BOOST_TEST(c.value(c.at(1), "l/2") != "-");
}

BOOST_AUTO_TEST_CASE(cancelled_wait_never_takes_the_turn_of_another_wait_with_its_lease) {
    cluster c(3);
    c.start_all();
    grant(c, 1);
    grant(c, 2);
    const auto first = campaign(c.leading(), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    const auto slow = campaign(c.following(), "l", 2); // A follower hears of events later.
    BOOST_REQUIRE(c.run_until([&] { return c.value(c.leading(), "l/2") != "-"; }));
    bool held = false;
    const auto holder = std::make_shared<turn_wait<service>>(
        c.leading(), "l", identity(), [&](error_code failed, reply_header, const turn_key&) {
            held = !failed;
            slow->wait->cancel();
        });
    holder->begin(lease_id(2), {});
    c.run_for(milliseconds(20));
    BOOST_TEST(!held);
    c.submit(c.leading(), delete_range{.key = "l/1"}).as<delete_reply>();
    BOOST_REQUIRE(c.run_until([&] { return held; }));
    c.run_for(milliseconds(50));
    BOOST_TEST(c.value(c.leading(), "l/2") != "-");
}

/// A service whose reads fail when they are told to.
struct failing_service {
    service& real;
    bool fails = false;

    void grant(lease_id id, std::int64_t ttl, const identity& by, service::reply_handler done) {
        real.grant(id, ttl, by, std::move(done));
    }
    void txn(quorate::txn asked, bool serializable, const identity& by,
             service::reply_handler done) {
        if (fails && is_read_only(asked)) {
            done(errc::read_timed_out, {});
        } else {
            real.txn(std::move(asked), serializable, by, std::move(done));
        }
    }
    void submit(request asked, const identity& by, service::reply_handler done) {
        real.submit(std::move(asked), by, std::move(done));
    }
    void submit_own(request asked, service::reply_handler done) {
        real.submit_own(std::move(asked), std::move(done));
    }
    watch_stream_id open_watches(std::function<void()> wake) {
        return real.open_watches(std::move(wake));
    }
    void close_watches(watch_stream_id stream) { real.close_watches(stream); }
    auto watch(watch_stream_id stream, const watch_request& asked, const identity& by) {
        return real.watch(stream, asked, by);
    }
    auto take_watched(watch_stream_id stream, std::size_t bytes_max) {
        return real.take_watched(stream, bytes_max);
    }
    void after(milliseconds pause, std::function<void()> then) {
        real.after(pause, std::move(then));
    }
};

BOOST_AUTO_TEST_CASE(failed_wait_leaves_neither_key_nor_lease) {
    cluster c;
    c.start_all();
    failing_service failing{c.at(1)};
    failing.fails = true;
    error_code failed;
    turn_key turn;
    const auto wait = std::make_shared<turn_wait<failing_service>>(
        failing, "l", identity(), [&](error_code code, reply_header, const turn_key& had) {
            failed = code;
            turn = had;
        });
    wait->begin({}, {});
    BOOST_REQUIRE(c.run_until([&] { return failed.failed(); }));
    BOOST_TEST(failed == errc::read_timed_out);
    BOOST_TEST(c.run_until([&] { return c.value(c.at(1), turn.key) == "-"; }, milliseconds(2000)));
    BOOST_TEST(c.run_until([&] { return !c.at(1).store().leases().contains(turn.lease); },
                           milliseconds(2000)));
}

BOOST_AUTO_TEST_CASE(failed_wait_behind_a_holder_leaves_no_key) {
    cluster c;
    c.start_all();
    grant(c, 1);
    grant(c, 2);
    const auto first = campaign(c.at(1), "l", 1);
    BOOST_REQUIRE(c.run_until([&] { return first->done; }));
    failing_service failing{c.at(1)};
    failing.fails = true;
    error_code failed;
    const auto wait = std::make_shared<turn_wait<failing_service>>(
        failing, "l", identity(),
        [&](error_code code, reply_header, const turn_key&) { failed = code; });
    wait->begin(lease_id(2), {});
    BOOST_REQUIRE(c.run_until([&] { return failed.failed(); }));
    BOOST_TEST(c.run_until([&] { return c.value(c.at(1), "l/2") == "-"; }, milliseconds(2000)));
}

BOOST_AUTO_TEST_CASE(prefixes_end_where_they_should) {
    BOOST_TEST(detail::prefix_end("a/") == "a0");
    BOOST_TEST(detail::prefix_end("a\xff") == "b");
    BOOST_TEST(detail::prefix_end("\xff\xff") == std::string(1, '\0'));
    BOOST_TEST(detail::turn_key_of("n", lease_id(255)) == "n/ff");
}

BOOST_AUTO_TEST_SUITE_END()
