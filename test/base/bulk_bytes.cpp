#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/checksum.hpp>
#include <quorate/testing/bulk.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace quorate;
using quorate::testing::bytes_of;
using quorate::testing::made_up_source;

BOOST_AUTO_TEST_SUITE(bulk)

namespace {

constexpr std::size_t block = bulk_block_bytes;

/// Returns: the bytes in pieces of these sizes, the rest in the last.
rope cut(byte_view bytes, std::initializer_list<std::size_t> sizes) {
    rope pieces;
    for (const std::size_t size : sizes) {
        pieces.push_back(shared_bytes::copy_of(bytes.substr(0, size)));
        bytes.remove_prefix(std::min(size, bytes.size()));
    }
    pieces.push_back(shared_bytes::copy_of(bytes));
    return pieces;
}

std::string sample(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>((i * 7 + i / block) & 0xff);
    }
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_empty) {
    for (const bulk_bytes& none : {bulk_bytes(), bulk_bytes(rope{}), bulk_bytes(rope(3))}) {
        BOOST_TEST(none.empty());
        BOOST_TEST(none.hash() == bulk_hash().value());
        BOOST_TEST(!none.blocking());
        BOOST_TEST(bulk_reader(none).remaining() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_rope_is_read_from_any_offset_wherever_it_is_cut) {
    const std::string bytes = sample(2 * block + 100);
    for (const rope& pieces :
         {cut(bytes, {}), cut(bytes, {0, 1, 0, 2, block}), cut(bytes, {block, block}),
          cut(bytes, {block - 1, 2, block - 1}), cut(bytes, {2 * block + 99})}) {
        const bulk_bytes bulk(pieces);
        BOOST_TEST(bulk.size() == bytes.size());
        BOOST_TEST((bytes_of(bulk) == bytes));
        for (const std::size_t at : {std::size_t{0}, std::size_t{1}, block - 1, block, block + 1,
                                     2 * block, 2 * block + 99}) {
            for (const std::size_t size_max : {std::size_t{1}, std::size_t{70}, 3 * block}) {
                const shared_bytes piece = bulk.read(at, size_max).value();
                BOOST_TEST((!piece.empty() && piece.size() <= size_max));
                BOOST_TEST((piece.view() == byte_view(bytes).substr(at, piece.size())));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_hash_does_not_depend_on_the_cuts) {
    const std::string bytes = sample(2 * block + 100);
    bulk_hash expected;
    for (std::size_t at = 0; at < bytes.size(); at += block) {
        expected.add(crc32c(byte_view(bytes).substr(at, block)));
    }
    BOOST_TEST(bulk_bytes(cut(bytes, {})).hash() == expected.value());
    BOOST_TEST(bulk_bytes(cut(bytes, {3, block, 5})).hash() == expected.value());
    const std::string blocks = sample(2 * block);
    BOOST_TEST(bulk_bytes(cut(blocks, {})).hash() == bulk_bytes(cut(blocks, {block})).hash());
    BOOST_TEST(bulk_bytes(cut(blocks, {})).hash() != expected.value());
    std::string other = bytes;
    other[block + 5] = static_cast<char>(other[block + 5] ^ 1);
    BOOST_TEST(bulk_bytes(cut(other, {})).hash() != expected.value());
}

/// The number of doc/format.md; it may never change.
BOOST_AUTO_TEST_CASE(the_hash_is_the_documented_one) {
    BOOST_TEST(bulk_hash().value() == 0xcbf29ce484222325U);
    bulk_hash one;
    one.add(crc32c("123456789")); // 0xe3069283
    BOOST_TEST(one.value() == 0xa35d03b52aa234a3U);
}

BOOST_AUTO_TEST_CASE(blocks_are_read_whole_and_share_their_pieces) {
    const std::string bytes = sample(block + 10);
    const rope pieces = cut(bytes, {100, block - 50});
    const bulk_bytes bulk(pieces);
    const rope first = bulk.read_block(0).value();
    BOOST_REQUIRE(first.size() == 2U);
    BOOST_TEST((first[0].data() == pieces[0].data()));
    BOOST_TEST(rope_size(first) == block);
    BOOST_TEST(rope_size(bulk.read_block(block).value()) == 10U);
}

BOOST_AUTO_TEST_CASE(copies_share) {
    const bulk_bytes one(rope{shared_bytes::copy_of("same")});
    const bulk_bytes copy = one;
    BOOST_TEST(copy.shares(one));
    BOOST_TEST(!bulk_bytes(rope{shared_bytes::copy_of("same")}).shares(one));
}

BOOST_AUTO_TEST_CASE(a_reader_takes_from_the_front) {
    const shared_bytes first = shared_bytes::copy_of("first ");
    bulk_reader in(rope{first, shared_bytes::copy_of("second"), shared_bytes::copy_of("third")});
    char read[3];
    BOOST_REQUIRE(!in.read(read, 3));
    BOOST_TEST(byte_view(read, 3) == "fir");
    const shared_bytes slice = in.take(3).value();
    BOOST_TEST(slice.view() == "st ");
    BOOST_TEST((slice.data() == first.data() + 3));
    BOOST_TEST(in.take(8).value().view() == "secondth");
    BOOST_TEST(in.take(0).value().empty());
    BOOST_TEST(in.remaining() == 3U);
    BOOST_TEST((in.take(4).error() == errc::truncated));
    BOOST_TEST((in.read(read, 4) == errc::truncated));
    BOOST_TEST(in.take(3).value().view() == "ird");
    BOOST_TEST((in.take(1).error() == errc::truncated));
}

BOOST_AUTO_TEST_CASE(what_is_promised_is_not_allocated) {
    const bulk_bytes huge(std::make_shared<made_up_source>(std::uint64_t{1} << 20));
    bulk_reader in(huge);
    BOOST_TEST((in.take(UINT64_MAX).error() == errc::truncated));
    BOOST_TEST((in.take((1 << 20) + 1).error() == errc::truncated));
    BOOST_TEST(in.take(1 << 20).value().size() == std::size_t{1} << 20);
}

BOOST_AUTO_TEST_CASE(the_errors_of_a_source_come_through) {
    const auto source = std::make_shared<made_up_source>(3 * block);
    source->broken_from = block;
    const bulk_bytes bytes(source);
    BOOST_TEST(bytes.read_block(0).has_value());
    BOOST_TEST((bytes.read_block(block).error() == errc::corrupt));
    bulk_reader in(bytes);
    BOOST_TEST((in.take(block + 1).error() == errc::corrupt));
    bulk_reader again(bytes);
    std::string place(2 * block, '\0');
    BOOST_TEST((again.read(place.data(), place.size()) == errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()
