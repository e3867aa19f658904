#include <quorate/store/key_index.hpp>
// The models that it is tested with.
#include <quorate/store/block_index.hpp>
#include <quorate/store/ordered_index.hpp>
#include <quorate/testing/conformance/key_index.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

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

BOOST_AUTO_TEST_CASE(block_index_keeps_the_contract) {
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
        const auto report = quorate::testing::check_key_index<quorate::block_index>(seed);
        BOOST_TEST(report.passed(), report);
        BOOST_TEST(report.checks() > 10000u);
    }
}

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

namespace {

std::string numbered(std::uint64_t number) {
    std::string key(3, '\0');
    for (std::size_t i = 0; i < 3; ++i) {
        key[2 - i] = static_cast<char>('a' + number % 20);
        number /= 20;
    }
    return key;
}

} // namespace

// Enough keys for many blocks, which split, are renamed, emptied and joined.
BOOST_AUTO_TEST_CASE(blocks_answer_as_the_tree_does) {
    for (const std::uint64_t step : {1u, 7u, 1999u}) {
        quorate::block_index blocks;
        ordered_index tree;
        const auto same = [&](const quorate::key_span& span) {
            std::vector<std::string> found;
            std::vector<std::string> wanted;
            blocks.range(span, UINT64_MAX, [&](const shared_bytes& key, const key_version&) {
                found.emplace_back(key.view());
                return true;
            });
            tree.range(span, UINT64_MAX, [&](const shared_bytes& key, const key_version&) {
                wanted.emplace_back(key.view());
                return true;
            });
            BOOST_TEST(found.size() == wanted.size());
            BOOST_TEST((found == wanted));
        };
        for (std::uint64_t i = 0; i < 2000; ++i) {
            const std::string key = numbered((i * step + 13) % 2000);
            blocks.put(key, {2 + i, 0});
            tree.put(key, {2 + i, 0});
        }
        same({quorate::key_span::shape::rest, "a", {}});
        same({quorate::key_span::shape::before, "baa", "cbz"});
        same({quorate::key_span::shape::one, numbered(77), {}});
        for (std::uint64_t i = 0; i < 1900; ++i) {
            const std::string key = numbered((i * 7 + 900) % 2000);
            for (const std::uint64_t main : {3000 + i, 4000 + i}) {
                BOOST_TEST(blocks.tombstone(key, {main, 0}).has_value() ==
                           tree.tombstone(key, {main, 0}).has_value());
            }
            blocks.compact(key, 9000, [](revision) {});
            tree.compact(key, 9000, [](revision) {});
            if (i % 200 == 0) {
                same({quorate::key_span::shape::rest, "\0", {}});
            }
        }
        BOOST_TEST(blocks.size() == 100u);
        same({quorate::key_span::shape::rest, "\0", {}});
        same({quorate::key_span::shape::before, "b", "c"});
    }
}

BOOST_AUTO_TEST_SUITE_END()
