#include <quorate/format/primitives.hpp>
#include <quorate/server/request_ids.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(request_ids)

using quorate::request_id;

BOOST_AUTO_TEST_CASE(ids_of_one_life_count_from_one) {
    quorate::request_ids ids(0x1234);
    BOOST_TEST(ids.next() == request_id(1, 0x1234));
    BOOST_TEST(ids.next() == request_id(2, 0x1234));
}

BOOST_AUTO_TEST_CASE(ids_of_different_lives_never_collide) {
    std::set<request_id> all;
    for (const std::uint64_t life : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{65537},
                                     std::uint64_t{1} << 48, UINT64_MAX}) {
        quorate::request_ids ids(life);
        for (int i = 0; i < 1000; ++i) {
            const request_id id = ids.next();
            BOOST_TEST_REQUIRE(static_cast<bool>(id));
            BOOST_TEST_REQUIRE(all.insert(id).second);
        }
    }
}

BOOST_AUTO_TEST_CASE(id_bytes_hold_both_halves) {
    const request_id id(0x0102030405060708U, 0x1112131415161718U);
    std::string bytes(quorate::request_id_bytes, '\0');
    quorate::store_request_id(bytes.data(), id);
    BOOST_TEST(bytes == "\x18\x17\x16\x15\x14\x13\x12\x11\x08\x07\x06\x05\x04\x03\x02\x01");
    BOOST_TEST(quorate::load_request_id(bytes.data()) == id);
}

BOOST_AUTO_TEST_SUITE_END()
