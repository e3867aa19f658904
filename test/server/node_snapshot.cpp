#include <quorate/server/node_snapshot.hpp>
#include <quorate/testing/bulk.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(node_snapshot)

namespace {

using quorate::bulk_bytes;
using quorate::bulk_reader;
using quorate::errc;
using quorate::node_id;
using quorate::rope;
using quorate::shared_bytes;
using quorate::testing::bytes_of;

quorate::member_table two() {
    return quorate::member_table({{node_id(1), "http://a:1"}, {node_id(2), "http://b:1"}});
}

rope machine() {
    return {shared_bytes::copy_of("state "), shared_bytes(), shared_bytes::copy_of("of it")};
}

std::string rest_of(bulk_reader& in) {
    return std::string(in.take(in.remaining()).value().view());
}

} // namespace

BOOST_AUTO_TEST_CASE(both_parts_come_back) {
    bulk_reader in(quorate::join_snapshot(two(), machine()));
    const auto members = quorate::take_members(in);
    BOOST_REQUIRE(members.has_value());
    BOOST_TEST((*members == two()));
    BOOST_TEST(rest_of(in) == "state of it");
}

BOOST_AUTO_TEST_CASE(nothing_is_a_state_too) {
    bulk_reader in(quorate::join_snapshot({}, {}));
    const auto members = quorate::take_members(in);
    BOOST_REQUIRE(members.has_value());
    BOOST_TEST(members->size() == 0u);
    BOOST_TEST(in.remaining() == 0u);
}

BOOST_AUTO_TEST_CASE(the_bytes_of_the_machine_are_shared) {
    const rope state{shared_bytes::copy_of("a value")};
    const rope whole = quorate::join_snapshot(two(), state);
    BOOST_TEST((whole.back().data() == state.back().data()));
    bulk_reader in(whole);
    BOOST_REQUIRE(quorate::take_members(in).has_value());
    BOOST_TEST((in.take(7).value().data() == state.back().data()));
}

// Bytes that crossed the wire or a file are cut where that suited whoever carried them.
BOOST_AUTO_TEST_CASE(it_may_be_cut_anywhere) {
    const std::string bytes = bytes_of(bulk_bytes(quorate::join_snapshot(two(), machine())));
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
        for (std::size_t second = first; second <= bytes.size(); ++second) {
            bulk_reader in(rope{shared_bytes::copy_of(bytes.substr(0, first)),
                                shared_bytes::copy_of(bytes.substr(first, second - first)),
                                shared_bytes::copy_of(bytes.substr(second))});
            const auto members = quorate::take_members(in);
            BOOST_TEST_REQUIRE(members.has_value());
            BOOST_TEST_REQUIRE((*members == two()));
            BOOST_TEST_REQUIRE(rest_of(in) == "state of it");
        }
    }
}

BOOST_AUTO_TEST_CASE(other_bytes_are_refused) {
    const auto refused = [](const std::string& bytes) {
        bulk_reader in(rope{shared_bytes::copy_of(bytes)});
        return quorate::take_members(in).error() == errc::corrupt;
    };
    const std::string bytes = bytes_of(bulk_bytes(quorate::join_snapshot(two(), {})));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST(refused(bytes.substr(0, size)));
    }
    BOOST_TEST(refused(""));
    BOOST_TEST(refused("\xff\xff\xff\xff and more"));
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_says_so) {
    const auto source = std::make_shared<quorate::testing::made_up_source>(1000);
    source->broken_from = 0;
    bulk_reader in{bulk_bytes(source)};
    BOOST_TEST((quorate::take_members(in).error() == errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()
