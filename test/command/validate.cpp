#include <quorate/command/validate.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(validation)

using quorate::errc;
using quorate::error_code;
using quorate::request;
using quorate::validate;

BOOST_AUTO_TEST_CASE(a_key_must_have_a_byte) {
    BOOST_TEST(validate(request(quorate::put{.value = "v"})) == make_error_code(errc::key_empty));
    BOOST_TEST(validate(request(quorate::range{.range_end = "z"})) ==
               make_error_code(errc::key_empty));
    BOOST_TEST(validate(request(quorate::delete_range{})) == make_error_code(errc::key_empty));
    BOOST_TEST(check(quorate::put{.key = std::string_view("\0", 1)}) == error_code());
    BOOST_TEST(check(quorate::range{.key = "k"}) == error_code());
    BOOST_TEST(check(quorate::delete_range{.key = "k"}) == error_code());
}

BOOST_AUTO_TEST_CASE(a_value_may_be_empty_and_a_compaction_needs_no_key) {
    BOOST_TEST(validate(request(quorate::put{.key = "k"})) == error_code());
    BOOST_TEST(validate(request(quorate::compact{7})) == error_code());
}

BOOST_AUTO_TEST_CASE(the_limit_counts_keys_and_values) {
    const quorate::command_limits limits{.request_bytes_max = 10};
    const std::string seven(7, 'v');
    BOOST_TEST(validate(request(quorate::put{.key = "abc", .value = seven}), limits) ==
               error_code());
    BOOST_TEST(validate(request(quorate::put{.key = "abcd", .value = seven}), limits) ==
               make_error_code(errc::request_too_large));
    BOOST_TEST(validate(request(quorate::range{.key = seven, .range_end = "abcd"}), limits) ==
               make_error_code(errc::request_too_large));
    BOOST_TEST(validate(request(quorate::delete_range{.key = seven, .range_end = "abcd"}),
                        limits) == make_error_code(errc::request_too_large));
}

BOOST_AUTO_TEST_CASE(the_default_limit_is_one_and_a_half_mebibytes) {
    const std::string value(1536 * 1024 - 1, 'v');
    BOOST_TEST(validate(request(quorate::put{.key = "k", .value = value})) == error_code());
    BOOST_TEST(validate(request(quorate::put{.key = "kk", .value = value})) ==
               make_error_code(errc::request_too_large));
}

BOOST_AUTO_TEST_SUITE_END()
