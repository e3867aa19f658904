#include <quorate/http/request.hpp>

#include <boost/test/unit_test.hpp>

#include <array>

using namespace quorate::http;

BOOST_AUTO_TEST_SUITE(request_value)

BOOST_AUTO_TEST_CASE(fields_are_found_whatever_their_case) {
    const std::array fields{request_field{"Host", "a"}, request_field{"X-Twice", "1"},
                            request_field{"x-twice", "2"}, request_field{"Empty", ""}};
    const request r{.fields = fields};
    BOOST_TEST(r.field("hOST").value() == "a");
    BOOST_TEST(r.field("X-TWICE").value() == "1");
    BOOST_TEST(r.field("empty").value().empty());
    BOOST_TEST(!r.field("Hos").has_value());
    BOOST_TEST(!r.field("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
