#include <quorate/store/key_cover.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(key_cover)

using quorate::key_cover;
using quorate::span_of;

namespace {

const std::string zero(1, '\0');

key_cover cover_of(const std::vector<std::pair<std::string, std::string>>& spans) {
    key_cover cover;
    for (const auto& [key, end] : spans) {
        cover.add(span_of(key, end));
    }
    return cover;
}

/// Every string of up to three bytes out of four, in order: a small world in which spans can be
/// compared key by key. The next key after `x` is `x` and a zero byte, so zero is one of them.
std::vector<std::string> small_world() {
    std::vector<std::string> keys{""};
    const std::string bytes{'\0', 'a', 'b', '\xff'};
    for (std::size_t from = 0, length = 0; length < 3; ++length) {
        const std::size_t upto = keys.size();
        for (; from < upto; ++from) {
            for (const char byte : bytes) {
                keys.push_back(keys[from] + byte);
            }
        }
    }
    std::sort(keys.begin(), keys.end());
    return keys;
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_covered_at_first) {
    const key_cover cover;
    BOOST_TEST(!cover.covers(span_of("a", "")));
    BOOST_TEST(!cover.covers(span_of("", zero)));
    BOOST_TEST(cover.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_key_a_stretch_and_the_rest) {
    const key_cover one = cover_of({{"b", ""}});
    BOOST_TEST(one.covers(span_of("b", "")));
    BOOST_TEST(one.covers(span_of("b", "b" + zero)));
    BOOST_TEST(!one.covers(span_of("b", "c")));
    BOOST_TEST(!one.covers(span_of("b" + zero, "")));
    BOOST_TEST(!one.covers(span_of("a", "")));

    const key_cover stretch = cover_of({{"b", "d"}});
    BOOST_TEST(stretch.covers(span_of("b", "d")));
    BOOST_TEST(stretch.covers(span_of("c", "cc")));
    BOOST_TEST(!stretch.covers(span_of("d", "")));
    BOOST_TEST(!stretch.covers(span_of("b", "d" + zero)));
    BOOST_TEST(!stretch.covers(span_of("b", zero)));

    const key_cover rest = cover_of({{"b", zero}});
    BOOST_TEST(rest.covers(span_of("b", zero)));
    BOOST_TEST(rest.covers(span_of("\xff\xff", zero)));
    BOOST_TEST(!rest.covers(span_of("a", "c")));
}

BOOST_AUTO_TEST_CASE(what_touches_is_joined) {
    BOOST_TEST(cover_of({{"a", "b"}, {"b", "c"}}).covers(span_of("a", "c")));
    BOOST_TEST(cover_of({{"b", "c"}, {"a", "b"}}).size() == 1u);
    BOOST_TEST(!cover_of({{"a", "b"}, {"b" + zero, "c"}}).covers(span_of("a", "c")));
    BOOST_TEST(cover_of({{"a", "b"}, {"b", ""}, {"b" + zero, "c"}}).covers(span_of("a", "c")));
    BOOST_TEST(cover_of({{"a", "c"}, {"e", "g"}, {"i", "k"}, {"b", "j"}}).size() == 1u);
    BOOST_TEST(cover_of({{"a", "c"}, {"x", "z"}, {"b", zero}}).size() == 1u);
    BOOST_TEST(cover_of({{"b", zero}, {"c", "d"}, {"a", ""}}).size() == 2u);
}

BOOST_AUTO_TEST_CASE(spans_without_keys) {
    BOOST_TEST(cover_of({{"b", "a"}, {"b", "b"}}).size() == 0u);
    const key_cover cover = cover_of({{"b", "c"}});
    BOOST_TEST(!cover.covers(span_of("x", "a")));
    BOOST_TEST(cover.covers(span_of("b", "a")));
}

// Compares with sets of keys of a small world.
BOOST_AUTO_TEST_CASE(it_is_the_union) {
    const std::vector<std::string> keys = small_world();
    std::mt19937 random(3);
    const auto pick = [&]() -> const std::string& { return keys[random() % keys.size()]; };
    const auto pick_end = [&] {
        const auto dice = random() % 8;
        return dice < 2 ? std::string() : dice == 2 ? zero : pick();
    };
    int covered = 0;
    for (int round = 0; round < 6000; ++round) {
        key_cover cover;
        std::vector<bool> in(keys.size(), false);
        for (auto spans = random() % 8; spans > 0; --spans) {
            const std::string first = pick();
            const std::string end = pick_end();
            if (end.empty() && first.size() == 3) {
                continue; // has neighbours that the small world does not have
            }
            cover.add(span_of(first, end));
            for (std::size_t i = 0; i < keys.size(); ++i) {
                in[i] = in[i] || span_of(first, end).contains(keys[i]);
            }
        }
        const std::string first = pick();
        const std::string end = pick_end();
        const auto span = span_of(first, end);
        bool expected = true;
        bool empty = true;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (span.contains(keys[i])) {
                expected = expected && in[i];
                empty = false;
            }
        }
        // Below the longest keys there are more that the small world does not have.
        if (empty || first.size() == 3) {
            continue;
        }
        covered += expected ? 1 : 0;
        BOOST_REQUIRE(cover.covers(span) == expected);
    }
    BOOST_TEST(covered > 100);
}

BOOST_AUTO_TEST_SUITE_END()
