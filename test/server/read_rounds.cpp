#include <quorate/server/read_rounds.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(read_rounds)

namespace {

using quorate::errc;
using quorate::error_code;
using quorate::log_index;
using std::chrono::milliseconds;

/// Rounds whose clock starts at zero; reads live 1000 ms, and 300 ms without a leader.
struct fixture {
    void add(char name) {
        rounds.add(
            [this, name](error_code failed) {
                served += name;
                if (failed) {
                    served += failed == errc::no_leader        ? '-'
                              : failed == errc::read_timed_out ? '!'
                              : failed == errc::stopped        ? '.'
                                                               : '?';
                }
            },
            now + milliseconds(1000), now + milliseconds(300));
    }
    std::uint64_t begin() { return rounds.begin_round(now).value_or(0); }
    void pass(int ms, bool leader_known = true) {
        now += milliseconds(ms);
        given_up += rounds.on_tick(now, milliseconds(100), leader_known) ? 1 : 0;
    }

    std::string served; // names; with ! timed out, - no leader, . stopped
    int given_up = 0;
    quorate::read_rounds rounds{50};
    quorate::read_rounds::time_point now{};
};

} // namespace

BOOST_FIXTURE_TEST_CASE(reads_share_a_round_and_wait_for_its_index, fixture) {
    BOOST_TEST(begin() == 0u);
    add('a');
    add('b');
    BOOST_TEST(begin() == 51u);
    rounds.on_confirmed(51, log_index(7));
    rounds.on_applied(log_index(6));
    BOOST_TEST(served == "");
    BOOST_TEST(rounds.size() == 2u);
    rounds.on_applied(log_index(7));
    BOOST_TEST(served == "ab");
    BOOST_TEST(rounds.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_read_does_not_join_a_round_under_way, fixture) {
    add('a');
    begin();
    add('b');
    BOOST_TEST(begin() == 0u);
    rounds.on_confirmed(51, log_index(1));
    rounds.on_applied(log_index(9));
    BOOST_TEST(served == "a");
    BOOST_TEST(begin() == 52u);
    rounds.on_confirmed(52, log_index(2));
    rounds.on_applied(log_index(9));
    BOOST_TEST(served == "ab");
}

BOOST_FIXTURE_TEST_CASE(other_answers_are_ignored, fixture) {
    add('a');
    begin();
    rounds.on_confirmed(50, log_index(1));
    rounds.on_confirmed(52, log_index(1));
    rounds.on_applied(log_index(9));
    BOOST_TEST(served == "");
    rounds.on_refused(50);
    BOOST_TEST(begin() == 0u);
    rounds.on_refused(51);
    add('b');
    BOOST_TEST(begin() == 52u);
    rounds.on_confirmed(51, log_index(1)); // late: b came after it began
    rounds.on_applied(log_index(9));
    BOOST_TEST(served == "");
    rounds.on_confirmed(52, log_index(1));
    rounds.on_confirmed(52, log_index(20)); // twice
    rounds.on_applied(log_index(9));
    BOOST_TEST(served == "ab");
}

BOOST_FIXTURE_TEST_CASE(an_abandoned_round_is_asked_anew_under_another_number, fixture) {
    add('a');
    begin();
    rounds.abandon_round();
    rounds.on_confirmed(51, log_index(1));
    rounds.on_applied(log_index(9));
    BOOST_TEST(served == "");
    BOOST_TEST(begin() == 52u);
}

BOOST_FIXTURE_TEST_CASE(silence_is_asked_anew, fixture) {
    add('a');
    begin();
    pass(99);
    BOOST_TEST(begin() == 0u);
    BOOST_TEST(given_up == 0);
    pass(1);
    BOOST_TEST(given_up == 1);
    BOOST_TEST(begin() == 52u);
    rounds.on_confirmed(51, log_index(1));
    rounds.on_applied(log_index(9));
    BOOST_TEST(served == "");
}

BOOST_FIXTURE_TEST_CASE(reads_end_when_their_time_is_up, fixture) {
    add('a');
    begin();
    rounds.on_confirmed(51, log_index(99));
    add('b');
    begin();
    pass(500);
    add('c');
    pass(500);
    BOOST_TEST(served.size() == 4u);
    BOOST_TEST(served.find("a!") != std::string::npos);
    BOOST_TEST(served.find("b!") != std::string::npos);
    BOOST_TEST(rounds.size() == 1u);
    pass(500);
    BOOST_TEST(rounds.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(without_a_leader_they_end_sooner, fixture) {
    add('a');
    begin();
    pass(299, false);
    BOOST_TEST(served == "");
    add('b');
    pass(1, true);
    BOOST_TEST(served == "");
    pass(1, false);
    BOOST_TEST(served == "a-");
}

BOOST_FIXTURE_TEST_CASE(a_confirmed_read_needs_no_leader, fixture) {
    add('a');
    begin();
    rounds.on_confirmed(51, log_index(5));
    pass(400, false);
    BOOST_TEST(served == "");
    rounds.on_applied(log_index(5));
    BOOST_TEST(served == "a");
}

BOOST_FIXTURE_TEST_CASE(stopping_answers_all, fixture) {
    add('a');
    begin();
    rounds.on_confirmed(51, log_index(5));
    add('b');
    begin();
    add('c');
    rounds.stop();
    BOOST_TEST(served == "c.b.a.");
    BOOST_TEST(rounds.size() == 0u);
    rounds.on_applied(log_index(5));
    BOOST_TEST(served.size() == 6u);
}

BOOST_FIXTURE_TEST_CASE(a_handler_may_ask_again_or_stop, fixture) {
    rounds.add([this](error_code) { add('b'); }, now + milliseconds(1000), now + milliseconds(300));
    rounds.add([this](error_code) { rounds.stop(); }, now + milliseconds(1000),
               now + milliseconds(300));
    add('a');
    begin();
    rounds.on_confirmed(51, log_index(5));
    rounds.on_applied(log_index(5));
    BOOST_TEST(served == "b.a.");
}

BOOST_AUTO_TEST_SUITE_END()
