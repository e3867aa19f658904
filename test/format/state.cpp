#include <quorate/format/state.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(state)

using quorate::errc;
using quorate::rope;
using quorate::shared_bytes;
using quorate::state_header;
using quorate::state_reader;
using quorate::state_row;
using quorate::state_writer;

namespace {

std::vector<state_row> samples() {
    std::vector<state_row> rows;
    for (const std::size_t size : {0u, 1u, 48u, 49u, 300u, 70000u, 5u}) {
        const std::uint64_t main = 2 + rows.size();
        rows.push_back({main, 3, main, 1, quorate::lease_id(main * 7),
                        shared_bytes::copy_of("key" + std::to_string(size)),
                        shared_bytes::copy_of(std::string(size, 'v'))});
    }
    return rows;
}

rope written(const std::vector<state_row>& rows) {
    state_writer out({20, 3, rows.size()});
    for (const state_row& row : rows) {
        out.add(row);
    }
    return std::move(out).finish();
}

std::string joined(const rope& pieces) {
    std::string bytes;
    for (const shared_bytes& piece : pieces) {
        bytes.append(piece.view());
    }
    return bytes;
}

rope cut(std::string_view bytes, std::size_t piece_max) {
    rope pieces{shared_bytes()}; // An empty piece means nothing.
    while (!bytes.empty()) {
        pieces.push_back(shared_bytes::copy_of(bytes.substr(0, piece_max)));
        pieces.emplace_back();
        bytes.remove_prefix(std::min(piece_max, bytes.size()));
    }
    return pieces;
}

} // namespace

BOOST_AUTO_TEST_CASE(rows_are_read_back_wherever_the_rope_is_cut) {
    const std::string bytes = joined(written(samples()));
    for (const std::size_t piece_max : {1u, 2u, 31u, 32u, 33u, 80u, 1000u, 1000000u}) {
        const rope pieces = cut(bytes, piece_max);
        state_reader in(pieces);
        const auto header = in.header();
        BOOST_REQUIRE(header.has_value());
        BOOST_TEST((*header == state_header{20, 3, samples().size()}));
        for (const state_row& wanted : samples()) {
            const auto found = in.next();
            BOOST_REQUIRE(found.has_value());
            BOOST_TEST((*found == wanted));
        }
        BOOST_TEST(in.remaining() == 0u);
        BOOST_TEST(in.next().error() == make_error_code(errc::truncated));
    }
}

BOOST_AUTO_TEST_CASE(long_values_are_shared_both_ways) {
    const auto rows = samples();
    const rope pieces = written(rows);
    const auto holds = [](const rope& where, const shared_bytes& value) {
        return std::any_of(where.begin(), where.end(), [&](const shared_bytes& piece) {
            return piece.data() == value.data() && piece.size() == value.size();
        });
    };
    BOOST_TEST(!holds(pieces, rows[2].value));
    BOOST_TEST(holds(pieces, rows[3].value));
    BOOST_TEST(holds(pieces, rows[5].value));
    for (const shared_bytes& piece : pieces) {
        BOOST_TEST(!piece.empty());
    }
    state_reader in(pieces);
    BOOST_REQUIRE(in.header().has_value());
    for (const state_row& row : rows) {
        const auto found = in.next();
        BOOST_REQUIRE(found.has_value());
        const bool shared = !row.value.empty() && found->value.data() == row.value.data();
        BOOST_TEST(shared == (row.value.size() > 48));
    }
}

// The bytes of doc/format.md; they may never change within a version.
// [state_example
BOOST_AUTO_TEST_CASE(the_bytes_are_the_documented_ones) {
    using namespace std::string_literals;
    const std::string bytes =
        joined(written({{2, 1, 2, 1, quorate::lease_id(9), shared_bytes::copy_of("k"),
                         shared_bytes::copy_of("vw")}}));
    BOOST_TEST(bytes ==
               "QRvS\1\0\0\0\x14\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
               "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
               "\x9\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0kvw"s);
}
// state_example]

BOOST_AUTO_TEST_CASE(every_shorter_state_is_truncated) {
    const std::string bytes = joined(written({samples()[1]}));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const rope pieces = cut(bytes.substr(0, size), 9);
        state_reader in(pieces);
        const auto header = in.header();
        BOOST_TEST((header.has_value() ? in.next().error() : header.error()) ==
                   make_error_code(errc::truncated));
    }
}

BOOST_AUTO_TEST_CASE(headers_that_are_not_ours_are_refused) {
    const std::string bytes = joined(written({}));
    const auto refusal = [&](std::size_t at) {
        std::string damaged = bytes;
        damaged[at] = 9;
        const rope pieces = cut(damaged, 100);
        return state_reader(pieces).header().error();
    };
    BOOST_TEST(refusal(0) == make_error_code(errc::corrupt));
    BOOST_TEST(refusal(4) == make_error_code(errc::unsupported_version));
    BOOST_TEST(refusal(6) == make_error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_length_beyond_the_end_allocates_nothing) {
    const std::string bytes = joined(written({samples()[1]}));
    for (const std::size_t at : {72u, 76u}) {
        std::string damaged = bytes;
        damaged.replace(at, 4, "\xff\xff\xff\xff");
        const rope pieces = cut(damaged, 100);
        state_reader in(pieces);
        BOOST_REQUIRE(in.header().has_value());
        BOOST_TEST(in.next().error() == make_error_code(errc::truncated));
    }
    std::string reserved = bytes;
    reserved[32 + 12] = 1;
    const rope pieces = cut(reserved, 100);
    state_reader in(pieces);
    BOOST_REQUIRE(in.header().has_value());
    BOOST_TEST(in.next().error() == make_error_code(errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()
