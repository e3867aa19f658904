#include <quorate/net/snapshot_assembly.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

#include "support.hpp"

using namespace quorate;

BOOST_AUTO_TEST_SUITE(assembly)

namespace {

constexpr std::uint64_t two_chunks = chunk_data_bytes + 100;

snapshot_start start_of(std::uint64_t number, std::uint64_t total) {
    snapshot_start start;
    start.head.kind = message_kind::install_snapshot;
    start.head.term = term_id(4);
    start.number = number;
    start.last = {term_id(2), log_index(9)};
    start.members.voters = {node_id(1)};
    start.total_bytes = total;
    return start;
}

snapshot_chunk chunk_of(std::uint64_t number, std::uint64_t offset, std::size_t size) {
    return {number, offset, shared_bytes::copy_of(std::string(size, 'x'))};
}

} // namespace

BOOST_AUTO_TEST_CASE(chunks_in_order_make_a_snapshot) {
    snapshot_assembly in(two_chunks);
    BOOST_TEST(!in.start(start_of(1, two_chunks)).value());
    BOOST_TEST(!in.add(chunk_of(1, 0, chunk_data_bytes)).value());
    BOOST_TEST(in.held_bytes() == chunk_data_bytes);
    const auto whole = in.add(chunk_of(1, chunk_data_bytes, 100)).value();
    BOOST_REQUIRE(whole.has_value());
    const message& m = whole->get();
    BOOST_TEST(m.term == term_id(4));
    BOOST_TEST(m.snap->last == (log_id{term_id(2), log_index(9)}));
    BOOST_TEST(m.snap->members.voters.contains(node_id(1)));
    BOOST_TEST(rope_size(m.snap->data) == two_chunks);
    BOOST_TEST(in.held_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_without_data_is_whole_at_once) {
    snapshot_assembly in(0);
    const auto whole = in.start(start_of(1, 0)).value();
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST(whole->get().snap->data.empty());
}

BOOST_AUTO_TEST_CASE(one_over_the_limit_is_refused) {
    snapshot_assembly in(1000);
    BOOST_TEST(in.start(start_of(1, 1001)).error() == error_code(errc::too_large));
    BOOST_TEST(in.start(start_of(1, 1000)).has_value());
}

BOOST_AUTO_TEST_CASE(any_other_chunk_than_the_next_is_refused) {
    const error_code corrupt = errc::corrupt;
    snapshot_assembly none(two_chunks);
    BOOST_TEST(none.add(chunk_of(1, 0, 100)).error() == corrupt);
    snapshot_assembly in(two_chunks);
    BOOST_TEST(in.start(start_of(1, two_chunks)).has_value());
    BOOST_TEST(in.add(chunk_of(2, 0, chunk_data_bytes)).error() == corrupt);
    BOOST_TEST(in.add(chunk_of(1, 1, chunk_data_bytes)).error() == corrupt);
    BOOST_TEST(in.add(chunk_of(1, 0, chunk_data_bytes - 1)).error() == corrupt);
    BOOST_TEST(in.add(chunk_of(1, 0, chunk_data_bytes)).has_value());
    BOOST_TEST(in.add(chunk_of(1, chunk_data_bytes, 101)).error() == corrupt);
    BOOST_TEST(in.add(chunk_of(1, chunk_data_bytes, 99)).error() == corrupt);
    BOOST_TEST(in.add(chunk_of(1, chunk_data_bytes, 100)).value().has_value());
    BOOST_TEST(in.add(chunk_of(1, two_chunks, 1)).error() == corrupt);
}

BOOST_AUTO_TEST_CASE(a_new_start_replaces_the_old_one) {
    snapshot_assembly in(two_chunks);
    BOOST_TEST(in.start(start_of(1, two_chunks)).has_value());
    BOOST_TEST(in.add(chunk_of(1, 0, chunk_data_bytes)).has_value());
    BOOST_TEST(in.start(start_of(2, 50)).has_value());
    BOOST_TEST(in.held_bytes() == 0U);
    const auto whole = in.add(chunk_of(2, 0, 50)).value();
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST(rope_size(whole->get().snap->data) == 50U);
}

BOOST_AUTO_TEST_SUITE_END()
