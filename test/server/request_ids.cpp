#include <quorate/server/request_ids.hpp>

#include <boost/test/unit_test.hpp>

#include <set>

BOOST_AUTO_TEST_SUITE(request_ids)

using quorate::node_id;

BOOST_AUTO_TEST_CASE(they_hold_member_time_and_counter) {
    quorate::request_ids ids(node_id(0x10002), 0x123456789aU);
    BOOST_TEST(ids.next().value() == 0x0002'1234'5678'9a01U);
    BOOST_TEST(ids.next().value() == 0x0002'1234'5678'9a02U);
}

BOOST_AUTO_TEST_CASE(the_counter_carries_into_the_time) {
    quorate::request_ids ids(node_id(1), 5);
    for (int i = 0; i < 255; ++i) {
        static_cast<void>(ids.next());
    }
    BOOST_TEST(ids.next().value() == (std::uint64_t{1} << 48) + (6 << 8));
}

BOOST_AUTO_TEST_CASE(they_wrap_without_touching_the_member_or_zero) {
    quorate::request_ids ids(node_id(0), (std::uint64_t{1} << 40) - 1);
    for (int i = 0; i < 255; ++i) {
        BOOST_TEST_REQUIRE(ids.next().value() == 0xffff'ffff'ff00U + static_cast<unsigned>(i) + 1);
    }
    BOOST_TEST(ids.next().value() == 1u);
}

BOOST_AUTO_TEST_CASE(members_and_lives_do_not_collide) {
    std::set<quorate::request_id> all;
    for (std::uint64_t member = 1; member <= 3; ++member) {
        for (std::uint64_t start : {1000U, 1001U}) {
            quorate::request_ids ids(node_id(member), start);
            for (int i = 0; i < 255; ++i) {
                BOOST_TEST_REQUIRE(all.insert(ids.next()).second);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
