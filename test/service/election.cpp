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

BOOST_AUTO_TEST_CASE(prefixes_end_where_they_should) {
    BOOST_TEST(detail::prefix_end("a/") == "a0");
    BOOST_TEST(detail::prefix_end("a\xff") == "b");
    BOOST_TEST(detail::prefix_end("\xff\xff") == std::string(1, '\0'));
    BOOST_TEST(detail::turn_key_of("n", lease_id(255)) == "n/ff");
}

BOOST_AUTO_TEST_SUITE_END()
