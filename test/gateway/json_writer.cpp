#include <quorate/gateway/json_writer.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

using namespace quorate::gateway;

namespace {

std::string string_of(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_writer)

// As etcd 3.4.23 lists a user of that name.
BOOST_AUTO_TEST_CASE(strings_are_escaped_as_by_etcd) {
    BOOST_TEST(string_of("a<b>&\"\xe2\x80\xa8\t\b\x01\xc3\xa9") ==
               R"("a\u003cb\u003e\u0026\")"
               "\\u2028\\t\\u0008\\u0001\xc3\xa9\"");
    BOOST_TEST(string_of("\\\r\n\xe2\x80\xa9") == R"("\\\r\n\u2029")");
    BOOST_TEST(string_of("\xff-\xc3") == R"("\ufffd-\ufffd")");
    BOOST_TEST(string_of("") == "\"\"");
}

BOOST_AUTO_TEST_CASE(fields_that_have_their_default_are_left_out) {
    std::string out;
    {
        json_object fields(out);
        fields.number("a", 0);
        fields.flag("b", false);
        fields.text("c", "");
        fields.bytes("d", "");
        fields.list("e", std::vector<int>(), [](std::string&, int) {});
    }
    BOOST_TEST(out == "{}");
}

BOOST_AUTO_TEST_CASE(fields_in_the_order_in_which_they_are_written) {
    std::string out;
    {
        json_object fields(out);
        fields.number("a", std::numeric_limits<std::uint64_t>::max());
        fields.number("b", std::numeric_limits<std::int64_t>::min());
        fields.flag("c", true);
        fields.text("d", "x\"y");
        fields.bytes("e", "foo");
        fields.list("f", std::vector<int>{1, 2},
                    [](std::string& text, int number) { append_decimal(text, number); });
        json_object(fields.field("g")).flag("h", true);
    }
    BOOST_TEST(out == R"({"a":"18446744073709551615","b":"-9223372036854775808","c":true,)"
                      R"("d":"x\"y","e":"Zm9v","f":[1,2],"g":{"h":true}})");
}

BOOST_AUTO_TEST_SUITE_END()
