#include <quorate/server/node_snapshot.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(node_snapshot)

namespace {

using quorate::node_id;
using quorate::rope;
using quorate::shared_bytes;

std::string flat(const rope& pieces) {
    std::string bytes;
    for (const shared_bytes& piece : pieces) {
        bytes.append(piece.view());
    }
    return bytes;
}

quorate::member_table two() {
    return quorate::member_table({{node_id(1), "http://a:1"}, {node_id(2), "http://b:1"}});
}

rope machine() {
    return {shared_bytes::copy_of("state "), shared_bytes(), shared_bytes::copy_of("of it")};
}

} // namespace

BOOST_AUTO_TEST_CASE(both_parts_come_back) {
    const auto parts = quorate::split_snapshot(quorate::join_snapshot(two(), machine()));
    BOOST_REQUIRE(parts.has_value());
    BOOST_TEST((parts->members == two()));
    BOOST_TEST(flat(parts->machine) == "state of it");
}

BOOST_AUTO_TEST_CASE(nothing_is_a_state_too) {
    const auto parts = quorate::split_snapshot(quorate::join_snapshot({}, {}));
    BOOST_REQUIRE(parts.has_value());
    BOOST_TEST(parts->members.size() == 0u);
    BOOST_TEST(flat(parts->machine) == "");
}

BOOST_AUTO_TEST_CASE(the_bytes_of_the_machine_are_shared) {
    const rope state{shared_bytes::copy_of("a value")};
    const rope whole = quorate::join_snapshot(two(), state);
    const auto parts = quorate::split_snapshot(whole);
    BOOST_REQUIRE(parts.has_value());
    BOOST_REQUIRE(!parts->machine.empty());
    BOOST_TEST(static_cast<const void*>(parts->machine.back().data()) ==
               static_cast<const void*>(state.back().data()));
}

// Bytes that crossed the wire or a file are cut where that suited whoever carried them.
BOOST_AUTO_TEST_CASE(it_may_be_cut_anywhere) {
    const std::string bytes = flat(quorate::join_snapshot(two(), machine()));
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
        for (std::size_t second = first; second <= bytes.size(); ++second) {
            const rope pieces{shared_bytes::copy_of(bytes.substr(0, first)),
                              shared_bytes::copy_of(bytes.substr(first, second - first)),
                              shared_bytes::copy_of(bytes.substr(second))};
            const auto parts = quorate::split_snapshot(pieces);
            BOOST_TEST_REQUIRE(parts.has_value());
            BOOST_TEST_REQUIRE((parts->members == two()));
            BOOST_TEST_REQUIRE(flat(parts->machine) == "state of it");
        }
    }
}

BOOST_AUTO_TEST_CASE(other_bytes_are_refused) {
    const std::string bytes = flat(quorate::join_snapshot(two(), {}));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST(!quorate::split_snapshot({shared_bytes::copy_of(bytes.substr(0, size))}));
    }
    BOOST_TEST(!quorate::split_snapshot({}));
    BOOST_TEST(!quorate::split_snapshot({shared_bytes::copy_of("\xff\xff\xff\xff and more")}));
}

BOOST_AUTO_TEST_SUITE_END()
