#include <quorate/gateway/base64.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace quorate;
using namespace quorate::gateway;

namespace {

std::string text_of(byte_view bytes) {
    std::string out;
    append_base64(out, bytes);
    return out;
}

struct outcome {
    bool valid;
    std::string bytes;
    std::size_t bad_offset;
};

outcome decoded(std::string_view text) {
    std::vector<char> room(base64_bytes_max(text.size()) + 1, '#');
    const base64_decoded made = decode_base64(text, room.data());
    BOOST_TEST(room.back() == '#');
    return {made.valid, std::string(room.data(), made.size), made.bad_offset};
}

} // namespace

BOOST_AUTO_TEST_SUITE(base64)

// RFC 4648 §10.
BOOST_AUTO_TEST_CASE(the_examples_of_the_rfc) {
    const std::vector<std::pair<std::string, std::string>> examples{{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : examples) {
        BOOST_TEST(text_of(bytes) == text);
        BOOST_TEST(base64_text_size(bytes.size()) == text.size());
        const outcome made = decoded(text);
        BOOST_TEST(made.valid);
        BOOST_TEST(made.bytes == bytes);
    }
}

BOOST_AUTO_TEST_CASE(appends_behind_what_is_there) {
    std::string out = "before:";
    append_base64(out, "fo");
    BOOST_TEST(out == "before:Zm8=");
}

BOOST_AUTO_TEST_CASE(all_bytes_of_all_lengths_come_back) {
    std::mt19937 random(7);
    for (std::size_t size = 0; size < 200; ++size) {
        std::string bytes(size, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random());
        }
        const outcome made = decoded(text_of(bytes));
        BOOST_TEST(made.valid);
        BOOST_TEST(made.bytes == bytes);
    }
}

// As etcd 3.4.23 answers: "illegal base64 data at input byte N".
BOOST_AUTO_TEST_CASE(what_is_wrong_is_where_etcd_says) {
    const std::vector<std::pair<std::string, std::size_t>> wrong{
        {"Zm9", 0},          {"Zm9v=", 4}, {"Zm-v", 2}, {"Zm\xc3\xa9v", 2}, {"Zg==Zg==", 4},
        {"Zg=", 3},          {"Z", 0},     {"=", 0},    {"Zm9vZ", 4},       {"@", 0},
        {"Zm9vZm9v@@@@", 8}, {"Zg=\n", 4}, {"Zg=A", 2}, {"Z===", 1}};
    for (const auto& [text, offset] : wrong) {
        const outcome made = decoded(text);
        BOOST_TEST(!made.valid, text);
        BOOST_TEST(made.bad_offset == offset, text << " at " << made.bad_offset);
    }
}

BOOST_AUTO_TEST_CASE(line_ends_and_loose_bits_are_let_through) {
    BOOST_TEST(decoded("Zm9v\nZm9v").bytes == "foofoo");
    BOOST_TEST(decoded("Z\r\nm9v").bytes == "foo");
    BOOST_TEST(decoded("Zg\n=\n=\n").bytes == "f");
    BOOST_TEST(decoded("Zh==").bytes == "f");
}

BOOST_AUTO_TEST_SUITE_END()
