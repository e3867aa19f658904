#include <quorate/format/command.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(command)

using quorate::byte_view;
using quorate::decode_command;
using quorate::encode_command;
using quorate::errc;
using quorate::error_code;
using quorate::request;
using quorate::shared_bytes;

namespace {

const std::string zero(1, '\0');

quorate::txn sample_txn() {
    quorate::txn inner{
        {}, {{quorate::put{.key = "k", .value = "v"}}}, {{quorate::delete_range{.key = "x"}}}};
    quorate::txn outer;
    outer.compares = {{.target = quorate::compare_target::value,
                       .result = quorate::compare_result::not_equal,
                       .key = "c",
                       .range_end = "d",
                       .value = "v"},
                      {.target = quorate::compare_target::lease, .key = "e", .number = -1}};
    outer.success = {{quorate::range{.key = "r", .limit = 1}}, {std::move(inner)}};
    outer.failure = {{quorate::txn{}}};
    return outer;
}

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
        quorate::compact{.revision = 3, .physical = true},
        quorate::put{.key = "key", .ignore_value = true, .ignore_lease = true},
        quorate::range{.key = "a", .order = quorate::sort_order::descend},
        quorate::range{.key = "a", .target = quorate::sort_target::value},
        quorate::range{.key = "a", .max_mod_revision = 9, .min_create_revision = 3},
        quorate::txn{},
        sample_txn(),
        quorate::lease_grant{.id = quorate::lease_id(UINT64_MAX), .ttl = 60},
        quorate::lease_revoke{.id = quorate::lease_id(7), .epoch = 3, .serial = 5},
        quorate::lease_checkpoint{.epoch = 3, .leases = {{quorate::lease_id(7), 50}, {}}},
        quorate::lease_checkpoint{},
        quorate::lease_takeover{.epoch = 3},
        quorate::alarm_change{{quorate::node_id(2), quorate::alarm_kind::corrupt}, true},
        quorate::alarm_change{{}, false},
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
    const auto command = encode_command(request(quorate::put{.key = "k", .value = "v"}), 8);
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
    quorate::txn asked;
    asked.compares = {{.target = quorate::compare_target::mod, .key = "a", .number = 5}};
    asked.success = {{quorate::delete_range{.key = "a"}}};
    BOOST_TEST(bytes_of(asked) ==
               "\1\5\0\0\1\0\0\0\1\0\0\0\0\0\0\0"
               "\2\0\1\0\0\0\0\0\0\0a\5\0\0\0\0\0\0\0"
               "\3\0\0\1\0\0\0\0\0\0\0a"s);
    BOOST_TEST(bytes_of(quorate::lease_grant{quorate::lease_id(258), 60}) ==
               "\1\6\0\0\2\1\0\0\0\0\0\0\74\0\0\0\0\0\0\0"s);
    BOOST_TEST(bytes_of(quorate::lease_revoke{quorate::lease_id(258), 4, 5}) ==
               "\1\7\0\0\2\1\0\0\0\0\0\0\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0"s);
    BOOST_TEST(bytes_of(quorate::lease_checkpoint{4, {{quorate::lease_id(258), 60, 5}}}) ==
               "\1\x8\0\0\4\0\0\0\0\0\0\0\1\0\0\0"
               "\2\1\0\0\0\0\0\0\74\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0"s);
    BOOST_TEST(bytes_of(quorate::lease_takeover{4}) == "\1\x9\0\0\4\0\0\0\0\0\0\0"s);
    BOOST_TEST(bytes_of(quorate::alarm_change{{quorate::node_id(2), quorate::alarm_kind::no_space},
                                              true}) == "\1\xa\1\0\2\0\0\0\0\0\0\0\1"s);
}
// command_example]

BOOST_AUTO_TEST_CASE(a_value_is_a_slice_of_the_command) {
    const shared_bytes command =
        encode_command(request(quorate::put{.key = "key", .value = "value"}), 8).freeze().slice(8);
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
             {std::pair{0, 0}, {0, 2}, {1, 0}, {1, 11}, {1, 255}, {2, 16}, {3, 1}, {3, 128}}) {
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

BOOST_AUTO_TEST_CASE(what_says_nothing_must_not_be_there) {
    const error_code invalid = errc::command_invalid;
    std::string sorted = bytes_of(quorate::range{.key = "a", .order = quorate::sort_order::ascend});
    sorted[20] = 0;
    BOOST_TEST(decode_command(sorted).error() == invalid);
    std::string filtered = bytes_of(quorate::range{.key = "a", .min_mod_revision = 1});
    filtered[20] = 0;
    BOOST_TEST(decode_command(filtered).error() == invalid);
}

BOOST_AUTO_TEST_CASE(unknown_enumerators_are_refused) {
    const error_code invalid = errc::command_invalid;
    std::string bytes = bytes_of(quorate::range{.key = "a", .order = quorate::sort_order::ascend});
    for (const auto& [at, first_unknown] : {std::pair{20u, 3}, {21u, 5}}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(first_unknown);
        BOOST_TEST(decode_command(damaged).error() == invalid);
    }
    bytes = bytes_of(quorate::txn{{{.key = "a"}}, {}, {}});
    for (const auto& [at, first_unknown] : {std::pair{16u, 5}, {17u, 4}}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(first_unknown);
        BOOST_TEST(decode_command(damaged).error() == invalid);
    }
}

BOOST_AUTO_TEST_CASE(unknown_alarms_are_refused) {
    std::string bytes = bytes_of(quorate::alarm_change{{{}, quorate::alarm_kind::corrupt}, true});
    for (const char kind : {'\0', '\3', '\xff'}) {
        bytes.back() = kind;
        BOOST_TEST(decode_command(bytes).error() == make_error_code(errc::command_invalid));
    }
}

BOOST_AUTO_TEST_CASE(operations_that_no_transaction_has_are_refused) {
    const error_code invalid = errc::command_invalid;
    // One without a request can be said, so that it can be refused by name before; not decoded.
    BOOST_TEST(decode_command(bytes_of(quorate::txn{{}, {{}}, {}})).error() == invalid);
    std::string bytes = bytes_of(quorate::txn{{}, {{quorate::delete_range{.key = "a"}}}, {}});
    for (const char kind : {'\0', '\4', '\6'}) {
        bytes[16] = kind;
        BOOST_TEST(decode_command(bytes).error() == invalid);
    }
}

BOOST_AUTO_TEST_CASE(transactions_are_nested_only_so_deep) {
    quorate::txn deep;
    for (std::size_t depth = 1; depth < quorate::txn_depth_max; ++depth) {
        quorate::txn outer;
        outer.success.push_back({std::move(deep)});
        deep = std::move(outer);
    }
    const auto found = decode_command(bytes_of(deep));
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST((*found == request(deep)));
    quorate::txn deeper;
    deeper.success.push_back({std::move(deep)});
    BOOST_TEST(decode_command(bytes_of(deeper)).error() == make_error_code(errc::command_invalid));
}

BOOST_AUTO_TEST_CASE(counts_that_are_not_true_allocate_nothing) {
    std::string bytes = bytes_of(quorate::txn{});
    for (const std::size_t at : {4u, 8u, 12u}) {
        std::string damaged = bytes;
        damaged.replace(at, 4, "\xff\xff\xff\xff");
        BOOST_TEST(decode_command(damaged).error() == make_error_code(errc::command_invalid));
    }
    bytes = bytes_of(quorate::lease_checkpoint{4, {{quorate::lease_id(258), 60, 5}}});
    bytes.replace(12, 4, "\xff\xff\xff\xff");
    BOOST_TEST(decode_command(bytes).error() == make_error_code(errc::command_invalid));
}

BOOST_AUTO_TEST_CASE(whatever_decodes_encodes_to_the_same_bytes) {
    std::mt19937_64 random(7);
    const auto seeds = samples();
    int decoded = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string bytes = bytes_of(seeds[random() % seeds.size()]);
        for (auto changes = random() % 3; changes > 0; --changes) {
            const std::size_t at = random() % std::min<std::size_t>(bytes.size(), 64);
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
