#include <quorate/gateway/json_value.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace quorate::gateway;

namespace {

struct arena_text {
    std::pmr::monotonic_buffer_resource arena;

    json_parsed parse(std::string_view text, json_extent extent = json_extent::first_value,
                      const json_limits& limits = {}) {
        return parse_json(text, arena, extent, limits);
    }
    std::string problem(std::string_view text, json_extent extent = json_extent::first_value,
                        const json_limits& limits = {}) {
        return parse(text, extent, limits).problem;
    }
    /// Returns: the value in a form of its own, strings unescaped between bars.
    std::string shown(const json_value& value) {
        switch (value.kind()) {
        case json_kind::null: return "null";
        case json_kind::boolean: return value.flag() ? "true" : "false";
        case json_kind::number: return std::string(value.text());
        case json_kind::string: return '|' + std::string(unescape_json(value, arena)) + '|';
        case json_kind::array:
        case json_kind::object: break;
        }
        const bool object = value.kind() == json_kind::object;
        std::string made = object ? "{" : "[";
        for (const json_value& item : value.items()) {
            made += shown(item) + ' ';
        }
        return made + (object ? "}" : "]");
    }
    std::string shown(std::string_view text) {
        const json_parsed made = parse(text);
        return made.problem.empty() ? shown(made.root) : made.problem;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(json_values, arena_text)

BOOST_AUTO_TEST_CASE(values_of_every_kind) {
    BOOST_TEST(shown("null") == "null");
    BOOST_TEST(shown(" true ") == "true");
    BOOST_TEST(shown("false") == "false");
    BOOST_TEST(shown("[]") == "[]");
    BOOST_TEST(shown("{ }") == "{}");
    BOOST_TEST(shown("[1,-2.50e+7 , 0,0.1,1E9]") == "[1 -2.50e+7 0 0.1 1E9 ]");
    BOOST_TEST(shown(R"({"a":[{},[null,"x"]],"b":{"c":"d"}})") ==
               "{|a| [{} [null |x| ] ] |b| {|c| |d| } }");
}

BOOST_AUTO_TEST_CASE(strings_are_unescaped) {
    BOOST_TEST(shown(R"("a\"\\\/\b\f\n\r\tz")") == "|a\"\\/\b\f\n\r\tz|");
    BOOST_TEST(shown(R"("\u0041\u00e9\u20AC\uD83D\ude00")") ==
               "|A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|");
    BOOST_TEST(shown(R"("\udbff\udfff\ud800\udc00")") == "|\xf4\x8f\xbf\xbf\xf0\x90\x80\x80|");
    BOOST_TEST(shown(R"({"k\u0065y":1})") == "{|key| 1 }");
}

BOOST_AUTO_TEST_CASE(what_is_not_unicode_is_replaced) {
    BOOST_TEST(shown("\"a\xff\"") == "|a\xef\xbf\xbd|");
    BOOST_TEST(shown(R"("\ud83d")") == "|\xef\xbf\xbd|");
    BOOST_TEST(shown(R"("\ud83dx")") == "|\xef\xbf\xbdx|");
    BOOST_TEST(shown(R"("\ude00\ud83d")") == "|\xef\xbf\xbd\xef\xbf\xbd|");
    BOOST_TEST(shown(R"("\ud83d\u0041")") ==
               "|\xef\xbf\xbd"
               "A|");
}

// The words of etcd 3.4.23.
BOOST_AUTO_TEST_CASE(wrong_text_in_the_words_of_etcd) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"{", "unexpected EOF"},
        {"{\"key\"", "unexpected EOF"},
        {"{\"key\":", "unexpected EOF"},
        {"{\"a\":nul", "unexpected EOF"},
        {"[1", "unexpected EOF"},
        {"\"abc", "unexpected EOF"},
        {"\"abc\\", "unexpected EOF"},
        {"\"abc\\u00", "unexpected EOF"},
        {"-", "unexpected EOF"},
        {"{\"key\":}", "invalid character '}' looking for beginning of value"},
        {"{key:1}", "invalid character 'k' looking for beginning of object key string"},
        {"{'a':1}", "invalid character '\\'' looking for beginning of object key string"},
        {"x", "invalid character 'x' looking for beginning of value"},
        {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
        {"{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"},
        {"{\"a\" \"b\"}", "invalid character '\"' after object key"},
        {"{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')"},
        {"{\"a\":01}", "invalid character '1' after object key:value pair"},
        {"{\"a\":-}", "invalid character '}' in numeric literal"},
        {"{\"a\":1.}", "invalid character '}' after decimal point in numeric literal"},
        {"{\"a\":1e}", "invalid character '}' in exponent of numeric literal"},
        {"{\"a\":\"\\q\"}", "invalid character 'q' in string escape code"},
        {"{\"a\":\"\\u00g\"}", "invalid character 'g' in \\u hexadecimal character escape"},
        {"{\"a\":\"x\ny\"}", "invalid character '\\n' in string literal"},
        {"{\"a\":\"01234567890\x01\"}", "invalid character '\\x01' in string literal"},
        {"{\"a\":[1 2]}", "invalid character '2' after array element"},
        {"{\"a\":[1,]}", "invalid character ']' looking for beginning of value"},
        {"[,]", "invalid character ',' looking for beginning of value"},
        {"[1}", "invalid character '}' after array element"}};
    for (const auto& [text, words] : wrong) {
        BOOST_TEST(problem(text) == words, text << ": " << problem(text));
    }
}

BOOST_AUTO_TEST_CASE(a_text_that_must_end_with_the_value) {
    BOOST_TEST(problem(" 12 ", json_extent::whole_text).empty());
    BOOST_TEST(problem("0 1", json_extent::whole_text) ==
               "invalid character '1' after top-level value");
    BOOST_TEST(problem("{} {}", json_extent::whole_text) ==
               "invalid character '{' after top-level value");
    BOOST_TEST(problem("[", json_extent::whole_text) == "unexpected end of JSON input");
    BOOST_TEST(problem("\"a", json_extent::whole_text) == "unexpected end of JSON input");
    BOOST_TEST(problem("10e", json_extent::whole_text) ==
               "invalid character ' ' in exponent of numeric literal");
    BOOST_TEST(problem("tru", json_extent::whole_text) ==
               "invalid character ' ' in literal true (expecting 'e')");
}

BOOST_AUTO_TEST_CASE(several_values_in_one_text) {
    const std::string_view text = " {\"a\":1}{\"b\":2} x";
    const json_parsed first = parse(text);
    BOOST_TEST(first.consumed == 8U);
    BOOST_TEST(shown(first.root) == "{|a| 1 }");
    const json_parsed second = parse(text.substr(first.consumed));
    BOOST_TEST(second.consumed == 7U);
    BOOST_TEST(shown(second.root) == "{|b| 2 }");
    BOOST_TEST(!parse(text.substr(15)).problem.empty());
    BOOST_TEST(parse("1x").consumed == 1U);
    BOOST_TEST(parse("\"a\"\"b\"").consumed == 3U);
}

BOOST_AUTO_TEST_CASE(nothing_is_no_value) {
    for (const std::string_view text : {"", " \t\r\n"}) {
        const json_parsed made = parse(text);
        BOOST_TEST(made.empty);
        BOOST_TEST(made.problem.empty());
        BOOST_TEST(made.consumed == text.size());
        BOOST_TEST(made.root.is_null());
    }
    BOOST_TEST(!parse("{}").empty);
}

BOOST_AUTO_TEST_CASE(depth_is_bounded) {
    const json_limits limits{3, 100};
    BOOST_TEST(problem("[[[1]],[[2]]]", json_extent::first_value, limits).empty());
    BOOST_TEST(problem("[[[[1]]]]", json_extent::first_value, limits) ==
               "invalid character '[' exceeded max depth");
    BOOST_TEST(problem("{\"a\":{\"b\":{\"c\":{}}}}", json_extent::first_value, limits) ==
               "invalid character '{' exceeded max depth");
    BOOST_TEST(problem(std::string(1'000'000, '[')) == "invalid character '[' exceeded max depth");
}

BOOST_AUTO_TEST_CASE(the_number_of_values_is_bounded) {
    const json_limits limits{10, 5};
    BOOST_TEST(problem("[1,2,3,4]", json_extent::first_value, limits).empty());
    BOOST_TEST(problem("[1,2,3,4,5]", json_extent::first_value, limits) ==
               "too many JSON values in one request");
    BOOST_TEST(problem("{\"a\":1,\"b\":2}", json_extent::first_value, limits).empty());
    BOOST_TEST(problem("{\"a\":1,\"b\":2,\"c\":3}", json_extent::first_value, limits) ==
               "too many JSON values in one request");
}

BOOST_AUTO_TEST_CASE(long_strings_are_not_copied) {
    const std::string text = '"' + std::string(100'000, 'x') + '"';
    const json_parsed made = parse(text);
    BOOST_TEST(made.root.text().data() == text.data() + 1);
    BOOST_TEST(made.root.text().size() == 100'000U);
    // A control character anywhere is found, whatever its place in a word of eight.
    for (std::size_t at = 1; at < 40; ++at) {
        std::string wrong = text;
        wrong[at] = '\x1f';
        BOOST_TEST(problem(wrong) == "invalid character '\\x1f' in string literal");
    }
}

BOOST_AUTO_TEST_SUITE_END()
