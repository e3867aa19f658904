#include <quorate/format/command.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(command)

using quorate::byte_view;
using quorate::decode_command;
using quorate::encode_command;
using quorate::errc;
using quorate::request;
using quorate::shared_bytes;

namespace {

const std::string zero(1, '\0');

std::vector<request> samples() {
    return {
        quorate::put{.key = "key", .value = "value"},
        quorate::put{.key = "key", .value = "", .lease = quorate::lease_id(77), .prev_kv = true},
        quorate::put{},
        quorate::range{.key = "a", .range_end = "b", .revision = 5, .limit = 6},
        quorate::range{.key = "a", .range_end = zero, .count_only = true},
        quorate::range{.key = "a", .limit = UINT64_MAX, .keys_only = true},
        quorate::delete_range{.key = "a", .range_end = zero, .prev_kv = true},
        quorate::delete_range{.key = "a"},
        quorate::compact{.revision = UINT64_MAX},
    };
}

std::string bytes_of(const request& asked) {
    return std::string(encode_command(asked, 0).view());
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded) {
    for (const request& asked : samples()) {
        const std::string bytes = bytes_of(asked);
        const auto found = decode_command(bytes);
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST((*found == asked));
    }
}

BOOST_AUTO_TEST_CASE(room_in_front_is_left_and_zeroed) {
    const auto command = encode_command(quorate::put{.key = "k", .value = "v"}, 8);
    BOOST_TEST(command.view().substr(0, 8) == std::string(8, '\0'));
    BOOST_TEST(command.view().substr(8) == bytes_of(quorate::put{.key = "k", .value = "v"}));
}

// The bytes of doc/format.md; they may never change within a version.
// [command_example
BOOST_AUTO_TEST_CASE(the_bytes_are_the_documented_ones) {
    using namespace std::string_literals;
    BOOST_TEST(bytes_of(quorate::put{.key = "ab", .value = "xyz", .prev_kv = true}) ==
               "\1\1\1\0\0\0\0\0\0\0\0\0\2\0\0\0\3\0\0\0abxyz"s);
    BOOST_TEST(bytes_of(quorate::range{.key = "a", .revision = 3, .limit = 2, .keys_only = true}) ==
               "\1\2\2\0\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0a"s);
    BOOST_TEST(bytes_of(quorate::delete_range{.key = "a", .range_end = "b"}) ==
               "\1\3\0\0\1\0\0\0\1\0\0\0ab"s);
    BOOST_TEST(bytes_of(quorate::compact{.revision = 258}) == "\1\4\0\0\2\1\0\0\0\0\0\0"s);
}
// command_example]

BOOST_AUTO_TEST_CASE(a_value_is_a_slice_of_the_command) {
    const shared_bytes command =
        encode_command(quorate::put{.key = "key", .value = "value"}, 8).freeze().slice(8);
    const auto found = decode_command(command.view());
    BOOST_REQUIRE(found.has_value());
    const auto& asked = std::get<quorate::put>(*found);
    const shared_bytes value = slice_of(command, asked.value);
    BOOST_TEST(value.view() == "value");
    BOOST_TEST((value.data() == asked.value.data()));
    BOOST_TEST(slice_of(command, byte_view{}).empty());
}

BOOST_AUTO_TEST_CASE(too_few_or_too_many_bytes_are_refused) {
    for (const request& asked : samples()) {
        const std::string bytes = bytes_of(asked);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            BOOST_TEST(decode_command(byte_view(bytes).substr(0, size)).error() ==
                       make_error_code(errc::command_invalid));
        }
        BOOST_TEST(decode_command(bytes + 'x').error() == make_error_code(errc::command_invalid));
    }
}

BOOST_AUTO_TEST_CASE(unknown_versions_kinds_and_flags_are_refused) {
    for (const request& asked : samples()) {
        for (const auto& [at, byte] :
             {std::pair{0, 0}, {0, 2}, {1, 0}, {1, 5}, {1, 255}, {2, 4}, {3, 1}, {3, 128}}) {
            std::string bytes = bytes_of(asked);
            bytes[static_cast<std::size_t>(at)] = static_cast<char>(byte);
            BOOST_TEST(decode_command(bytes).error() == make_error_code(errc::command_invalid));
        }
    }
}

BOOST_AUTO_TEST_CASE(lengths_beyond_the_end_are_refused) {
    std::string bytes = bytes_of(quorate::put{.key = "ab", .value = "xyz"});
    for (const std::size_t at : {12u, 16u}) {
        std::string damaged = bytes;
        damaged.replace(at, 4, "\xff\xff\xff\xff");
        BOOST_TEST(decode_command(damaged).error() == make_error_code(errc::command_invalid));
    }
    // Lengths that add up otherwise: the same bytes, another request, still exact.
    bytes[12] = 3;
    bytes[16] = 2;
    BOOST_REQUIRE(decode_command(bytes).has_value());
    BOOST_TEST((*decode_command(bytes) == request(quorate::put{.key = "abx", .value = "yz"})));
}

BOOST_AUTO_TEST_CASE(whatever_decodes_encodes_to_the_same_bytes) {
    std::mt19937_64 random(7);
    const auto seeds = samples();
    int decoded = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string bytes = bytes_of(seeds[random() % seeds.size()]);
        for (auto changes = random() % 3; changes > 0; --changes) {
            const std::size_t at = random() % std::min<std::size_t>(bytes.size(), 24);
            bytes[at] = static_cast<char>(random() % 8);
        }
        if (const auto found = decode_command(bytes)) {
            ++decoded;
            BOOST_REQUIRE(bytes_of(*found) == bytes);
        }
    }
    BOOST_TEST(decoded > 5000);
}

BOOST_AUTO_TEST_SUITE_END()
