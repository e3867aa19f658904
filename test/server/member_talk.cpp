#include <quorate/server/member_talk.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(member_talk)

using namespace quorate;

BOOST_AUTO_TEST_CASE(each_error_code_survives_an_answer) {
    for (int code = 1; code <= static_cast<int>(errc_last); ++code) {
        const shared_bytes answer = detail::encode_life(static_cast<errc>(code), {});
        const result<lease_life_reply> read = detail::decode_life(answer.view());
        BOOST_TEST_REQUIRE(!read.has_value());
        BOOST_TEST(read.error() == make_error_code(static_cast<errc>(code)));
    }
}

BOOST_AUTO_TEST_CASE(number_that_is_no_error_code_is_invalid) {
    for (const std::uint32_t code : {static_cast<std::uint32_t>(errc_last) + 1, UINT32_MAX}) {
        std::string bytes(detail::encode_life({}, {}).view());
        store_little(bytes.data(), code);
        BOOST_TEST(detail::decode_life(bytes).error() == make_error_code(errc::message_invalid));
    }
}

BOOST_AUTO_TEST_CASE(life_of_a_lease_survives_an_answer) {
    const shared_bytes answer = detail::encode_life({}, {lease_id(7), -1, 60, {}});
    const result<lease_life_reply> read = detail::decode_life(answer.view());
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(read->id == lease_id(7));
    BOOST_TEST(read->ttl == -1);
    BOOST_TEST(read->granted == 60U);
}

BOOST_AUTO_TEST_SUITE_END()
