#include <quorate/command/key_span.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(key_span)

using quorate::span_of;

BOOST_AUTO_TEST_CASE(without_an_end_it_is_one_key) {
    const auto span = span_of("b", "");
    BOOST_TEST(span.contains("b"));
    BOOST_TEST(!span.contains("a"));
    BOOST_TEST(!span.contains("ba"));
    BOOST_TEST(!span.contains("c"));
}

BOOST_AUTO_TEST_CASE(the_end_is_left_out) {
    const auto span = span_of("b", "d");
    BOOST_TEST(!span.contains("a\xff"));
    BOOST_TEST(span.contains("b"));
    BOOST_TEST(span.contains("c\xff"));
    BOOST_TEST(!span.contains("d"));
}

BOOST_AUTO_TEST_CASE(one_zero_byte_is_everything_from_there_on) {
    const auto span = span_of("b", quorate::to_last_key);
    BOOST_TEST(!span.contains("a"));
    BOOST_TEST(span.contains("b"));
    BOOST_TEST(span.contains("\xff\xff\xff"));
}

BOOST_AUTO_TEST_CASE(two_zero_bytes_are_an_end_like_any_other) {
    const std::string two(2, '\0');
    const std::string one(1, '\0');
    const auto span = span_of(one, two);
    BOOST_TEST(span.contains(one));
    BOOST_TEST(!span.contains(two));
    BOOST_TEST(!span.contains("a"));
}

BOOST_AUTO_TEST_CASE(an_end_before_the_key_leaves_nothing) {
    BOOST_TEST(!span_of("b", "b").contains("b"));
    BOOST_TEST(!span_of("b", "a").contains("b"));
    BOOST_TEST(!span_of("b", "a").contains("a"));
}

BOOST_AUTO_TEST_CASE(bytes_compare_unsigned) {
    const auto span = span_of("\x7f", "\xff");
    BOOST_TEST(span.contains("\x80"));
    BOOST_TEST(!span.contains("a"));
}

BOOST_AUTO_TEST_SUITE_END()
