#include <quorate/server/unknown_members.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>

BOOST_AUTO_TEST_SUITE(unknown_members)

using quorate::node_id;
using std::chrono::milliseconds;
using unknown = quorate::unknown_members;

BOOST_AUTO_TEST_CASE(greetings_cause_a_limited_number_of_rounds) {
    unknown ids;
    const unknown::time_point start{};
    BOOST_TEST(!ids.begin_round(start));
    int rounds = 0;
    for (int i = 0; i < 100; ++i) { // ten greetings a round
        if (i < 50) {
            ids.on_greeting(node_id(4242));
        }
        rounds += ids.begin_round(start + i * unknown::round_interval / 10) ? 1 : 0;
    }
    BOOST_TEST(rounds == 5 + unknown::rounds_per_greeting);
    BOOST_TEST(!ids.take(node_id(4242))); // forgotten
}

BOOST_AUTO_TEST_CASE(id_is_taken_once_and_only_if_it_greeted) {
    unknown ids;
    ids.on_greeting(node_id(4));
    BOOST_TEST(!ids.take(node_id(5)));
    BOOST_TEST(ids.take(node_id(4)));
    BOOST_TEST(!ids.take(node_id(4)));
}

BOOST_AUTO_TEST_CASE(memory_is_bounded_and_the_newest_id_has_room) {
    unknown ids;
    for (std::uint64_t id = 2; id <= 1000; ++id) {
        ids.on_greeting(node_id(id));
    }
    ids.on_greeting(node_id(1));
    BOOST_TEST(ids.take(node_id(1)));
    std::size_t kept = 0;
    for (std::uint64_t id = 2; id <= 1000; ++id) {
        kept += ids.take(node_id(id)) ? 1U : 0U;
    }
    BOOST_TEST(kept == unknown::ids_max - 1);
}

BOOST_AUTO_TEST_SUITE_END()
