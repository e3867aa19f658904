#include <quorate/log/memory_snapshots.hpp>
#include <quorate/testing/conformance/snapshot_store.hpp>

#include <boost/test/unit_test.hpp>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(memory_snapshots_suite)

BOOST_AUTO_TEST_CASE(conforms) {
    const auto report = quorate::testing::snapshot_store_suite<memory_snapshots>({}, false).run();
    BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_CASE(data_is_shared) {
    auto opened = memory_snapshots::open({});
    BOOST_REQUIRE(opened.has_value());
    snapshot snap;
    snap.last = {term_id(1), log_index(1)};
    snap.data = rope{shared_bytes::copy_of("state")};
    BOOST_REQUIRE(!(*opened)->save(snap));
    BOOST_TEST((*opened)->newest()->data.shares(snap.data));
}

BOOST_AUTO_TEST_SUITE_END()
