#include <quorate/store/key_index.hpp>
#include <quorate/store/ordered_index.hpp>
#include <quorate/testing/conformance/key_index.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(key_index)

using quorate::byte_view;
using quorate::key_version;
using quorate::ordered_index;
using quorate::revision;
using quorate::shared_bytes;

// [conformance
BOOST_AUTO_TEST_CASE(ordered_index_keeps_the_contract) {
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
        const auto report = quorate::testing::check_key_index<ordered_index>(seed);
        BOOST_TEST(report.passed(), report);
        BOOST_TEST(report.checks() > 10000u);
    }
}
// conformance]

namespace {

/// The worst that a client can do.
struct equal_hash {
    std::size_t operator()(byte_view) const noexcept { return 7; }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_hash_is_of_no_consequence) {
    using index = quorate::basic_ordered_index<equal_hash>;
    const auto report = quorate::testing::check_key_index<index>();
    BOOST_TEST(report.passed(), report);
}

namespace {

/// Breaks one law: a deletion at exactly the compacted revision is forgotten too.
struct forgetful_index : ordered_index {
    template <class Removed>
    void compact(byte_view key, std::uint64_t main, Removed&& removed) {
        ordered_index::compact(key, find(key, main) ? main : main + 1, removed);
    }
};

/// Breaks another: versions begin anew after a restart.
struct restless_index : ordered_index {
    bool restore(byte_view key, revision created, revision modified, std::uint64_t) {
        return ordered_index::restore(key, created, modified, 1);
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_suite_finds_what_is_wrong) {
    BOOST_TEST(!quorate::testing::check_key_index<forgetful_index>().passed());
    BOOST_TEST(!quorate::testing::check_key_index<restless_index>().passed());
}

BOOST_AUTO_TEST_CASE(rows_share_the_one_copy_of_a_key) {
    ordered_index index;
    const shared_bytes first = index.put("key", {2, 0}).key;
    BOOST_TEST((index.put("key", {3, 0}).key.data() == first.data()));
    const auto deleted = index.tombstone("key", {4, 0});
    BOOST_REQUIRE(deleted.has_value());
    BOOST_TEST((deleted->key.data() == first.data()));
}

BOOST_AUTO_TEST_CASE(a_moved_index_still_finds_its_keys) {
    ordered_index index;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        index.put("key" + std::to_string(i), {2 + i, 0});
    }
    ordered_index moved(std::move(index));
    index = ordered_index();
    index.put("other", {2, 0});
    std::swap(index, moved);
    BOOST_TEST(moved.size() == 1u);
    for (std::uint64_t i = 0; i < 1000; ++i) {
        const auto found = index.find("key" + std::to_string(i), UINT64_MAX);
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST((found->modified == revision{2 + i, 0}));
    }
}

BOOST_AUTO_TEST_SUITE_END()
