#include <quorate/format/machine_state.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

BOOST_AUTO_TEST_SUITE(machine_state)

using quorate::alarm_kind;
using quorate::encode_machine_state;
using quorate::errc;
using quorate::error_code;
using quorate::lease_id;
using quorate::node_id;

namespace {

quorate::machine_state example() {
    return {{{node_id(), alarm_kind::corrupt}, {node_id(2), alarm_kind::no_space}},
            {{lease_id(9), 60, 50, 3}},
            4,
            5};
}

quorate::bulk_reader cut(std::string_view bytes, std::size_t piece_max) {
    quorate::rope pieces;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_max, bytes.size()))) {
        pieces.push_back(quorate::shared_bytes::copy_of(bytes.substr(0, piece_max)));
    }
    return pieces;
}
error_code refusal(std::string_view bytes) {
    quorate::bulk_reader in = cut(bytes, 7);
    const auto found = quorate::take_machine_state(in);
    return found ? error_code() : found.error();
}

} // namespace

// The bytes of doc/format.md; they may never change within a version.
// [machine_example
BOOST_AUTO_TEST_CASE(the_bytes_are_the_documented_ones) {
    using namespace std::string_literals;
    BOOST_TEST(encode_machine_state(example()).view() ==
               "QRvM\1\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
               "\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0"
               "\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
               "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
               "\x9\0\0\0\0\0\0\0\x3c\0\0\0\0\0\0\0\x32\0\0\0\0\0\0\0"
               "\3\0\0\0\0\0\0\0"s);
}
// machine_example]

BOOST_AUTO_TEST_CASE(it_is_read_back_and_no_more_than_it) {
    const std::string bytes(encode_machine_state(example()).view());
    for (const std::size_t piece_max : {1u, 5u, 1000u}) {
        quorate::bulk_reader in = cut(bytes + "rest", piece_max);
        const auto found = quorate::take_machine_state(in);
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST((*found == example()));
        BOOST_TEST(in.remaining() == 4u);
    }
    BOOST_TEST(refusal(encode_machine_state({}).view()) == error_code());
}

BOOST_AUTO_TEST_CASE(every_shorter_one_is_truncated) {
    const std::string bytes(encode_machine_state(example()).view());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST(refusal(bytes.substr(0, size)) == make_error_code(errc::truncated));
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_ours_is_refused) {
    const std::string bytes(encode_machine_state(example()).view());
    const auto with = [&](std::size_t at, char byte) {
        std::string damaged = bytes;
        damaged[at] = byte;
        return refusal(damaged);
    };
    BOOST_TEST(with(0, 'x') == make_error_code(errc::corrupt));
    BOOST_TEST(with(4, 2) == make_error_code(errc::unsupported_version));
    for (const std::size_t reserved : {6u, 12u, 52u, 68u}) {
        BOOST_TEST(with(reserved, 1) == make_error_code(errc::corrupt));
    }
    for (const char kind : {'\0', '\3'}) {
        BOOST_TEST(with(48, kind) == make_error_code(errc::corrupt));
    }
}

BOOST_AUTO_TEST_CASE(counts_that_are_not_true_allocate_nothing) {
    std::string bytes(encode_machine_state(example()).view());
    bytes.replace(16, 8, 8, '\x7f');
    BOOST_TEST(refusal(bytes) == make_error_code(errc::truncated));
    bytes.replace(8, 4, 4, '\x7f');
    BOOST_TEST(refusal(bytes) == make_error_code(errc::too_large));
}

BOOST_AUTO_TEST_SUITE_END()
