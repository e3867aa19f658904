#include <quorate/base/bulk_join.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(bulk_join)

using quorate::bulk_bytes;
using quorate::errc;
using quorate::rope;
using quorate::shared_bytes;

namespace {

shared_bytes bytes(std::size_t size, char first) {
    std::string made;
    for (std::size_t i = 0; i < size; ++i) {
        made.push_back(static_cast<char>(first + static_cast<char>(i % 19)));
    }
    return shared_bytes::copy_of(made);
}
std::string all_of(const bulk_bytes& from) {
    std::string all;
    while (all.size() < from.size()) {
        all.append(from.read(all.size(), 100'000)->view());
    }
    return all;
}

/// Cannot be read.
struct broken_source final : quorate::bulk_source {
    [[nodiscard]] std::uint64_t size() const noexcept override { return 9; }
    [[nodiscard]] std::uint64_t hash() const override { return 1; }
    [[nodiscard]] quorate::result<shared_bytes> read(std::uint64_t, std::size_t) const override {
        return errc::corrupt;
    }
    [[nodiscard]] bool blocking() const noexcept override { return true; }
};

} // namespace

BOOST_AUTO_TEST_CASE(it_reads_and_hashes_as_if_it_were_one_rope) {
    const shared_bytes front = bytes(quorate::bulk_block_bytes - 5, 'a');
    const shared_bytes rest = bytes(2 * quorate::bulk_block_bytes, 'k');
    const bulk_bytes joined = quorate::join_bulk(front, bulk_bytes(rope{rest}));
    const bulk_bytes plain = quorate::join_bulk(front, rope{rest});
    BOOST_TEST(joined.size() == plain.size());
    BOOST_TEST(joined.hash() == plain.hash());
    BOOST_TEST(joined.hash() == plain.hash());
    BOOST_TEST((all_of(joined) == all_of(plain)));
    BOOST_TEST(!joined.blocking());
    BOOST_TEST((joined.read(3, 4)->data() == front.data() + 3));
    BOOST_TEST(joined.read(front.size() - 1, 9)->size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_rest_that_cannot_be_read_is_told_when_it_is) {
    const bulk_bytes joined =
        quorate::join_bulk(bytes(4, 'a'), bulk_bytes(std::make_shared<broken_source>()));
    BOOST_TEST(joined.size() == 13u);
    BOOST_TEST(joined.blocking());
    BOOST_TEST(joined.read(0, 100)->size() == 4u);
    BOOST_TEST(joined.read(4, 1).error() == make_error_code(errc::corrupt));
    BOOST_TEST(joined.hash() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
