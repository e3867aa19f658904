#include <quorate/http/outcome.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(outcome)

BOOST_AUTO_TEST_CASE(success_has_no_body) {
    const http::response done = http::outcome({});
    BOOST_TEST(done.status == 204U);
    BOOST_TEST(done.body.empty());
}

BOOST_AUTO_TEST_CASE(each_kind_of_failure_has_its_status) {
    const std::pair<errc, unsigned> rows[] = {
        {errc::outcome_unknown, 504},
        {errc::no_leader, 503},
        {errc::stopped, 503},
        {errc::change_pending, 503},
        {errc::read_timed_out, 503},
        {errc::too_many_unapplied, 429},
        {errc::uncommitted_limit, 429},
        {errc::unsynced_limit, 429},
        {errc::log_limit, 429},
        {errc::request_too_large, 413},
        {errc::member_unknown, 404},
        {errc::invalid_option, 400},
        {errc::key_empty, 400},
        {errc::member_exists, 409},
        {errc::removed_all_voters, 409},
    };
    for (const auto& [code, status] : rows) {
        BOOST_TEST(http::status_of(code) == status, name_of(code));
    }
}

BOOST_AUTO_TEST_CASE(a_refusal_says_why_and_when_to_try_again) {
    const http::response page = http::outcome(errc::no_leader);
    BOOST_TEST(page.body.view() == "no leader is known\n");
    BOOST_REQUIRE(page.fields.size() == 1U);
    BOOST_TEST(page.fields[0].name == "Retry-After");
    // Sending it again is no use, or not known to be safe.
    BOOST_TEST(http::outcome(errc::member_unknown).fields.empty());
    BOOST_TEST(http::outcome(errc::outcome_unknown).fields.empty());
}

BOOST_AUTO_TEST_SUITE_END()
