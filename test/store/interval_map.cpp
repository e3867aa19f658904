#include <quorate/store/interval_map.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

BOOST_AUTO_TEST_SUITE(interval_map_tests)

using namespace quorate;
using int_map = interval_map<int>;

namespace {

constexpr byte_view rest{"\0", 1};

owned_span span(byte_view key, byte_view range_end = {}) {
    return owned_span(span_of(key, range_end));
}
std::multiset<int> holding(int_map& map, byte_view key) {
    std::multiset<int> found;
    map.visit(key, [&](int_map::entry& one) { found.insert(one.value); });
    return found;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_span_owns_its_bytes) {
    owned_span copy;
    {
        const std::string first = "first key";
        const std::string end = "second key";
        copy = span(first, end);
    }
    BOOST_TEST((copy.view().kind == key_span::shape::before));
    BOOST_TEST(copy.view().first == "first key");
    BOOST_TEST(copy.view().end == "second key");
    BOOST_TEST((span("k").view().kind == key_span::shape::one));
    BOOST_TEST((span("k", rest).view().kind == key_span::shape::rest));
    BOOST_TEST(span("k", rest).view().end.empty());
}

BOOST_AUTO_TEST_CASE(a_key_is_in_the_spans_that_hold_it) {
    int_map map;
    map.insert(span("b")).value = 1;
    map.insert(span("b", "d")).value = 2;
    map.insert(span("c", rest)).value = 3;
    map.insert(span("a", "c")).value = 4;
    BOOST_TEST((holding(map, "a") == std::multiset<int>{4}));
    BOOST_TEST((holding(map, "b") == std::multiset<int>{1, 2, 4}));
    BOOST_TEST((holding(map, "bb") == std::multiset<int>{2, 4}));
    BOOST_TEST((holding(map, "c") == std::multiset<int>{2, 3}));
    BOOST_TEST((holding(map, "d") == std::multiset<int>{3}));
    BOOST_TEST((holding(map, "\xff") == std::multiset<int>{3}));
    BOOST_TEST(holding(map, "A").empty());
}

BOOST_AUTO_TEST_CASE(equal_spans_share_an_entry) {
    int_map map;
    int_map::entry& one = map.insert(span("a", "b"));
    BOOST_TEST(&map.insert(span("a", "b")) == &one);
    BOOST_TEST(&map.insert(span("a", "c")) != &one);
    BOOST_TEST(&map.insert(span("a", rest)) != &one);
    BOOST_TEST(&map.insert(span("a")) == &map.insert(span("a")));
    BOOST_TEST(map.size() == 4u);
    map.erase(one);
    BOOST_TEST(map.size() == 3u);
    BOOST_TEST(holding(map, "aa").size() == 2u);
}

BOOST_AUTO_TEST_CASE(spans_in_order_make_a_low_tree) {
    int_map map;
    std::vector<int_map::entry*> all;
    for (int i = 0; i < 1000; ++i) {
        const std::string first = std::to_string(10000 + i);
        all.push_back(&map.insert(span(first, first + "x")));
    }
    BOOST_TEST(map.height() >= 10);
    BOOST_TEST(map.height() <= 14);
    for (std::size_t i = 0; i < 900; ++i) {
        map.erase(*all[i]);
    }
    BOOST_TEST(map.height() <= 9);
    BOOST_TEST(map.size() == 100u);
}

BOOST_AUTO_TEST_CASE(random_spans_are_found_as_a_list_finds_them) {
    std::mt19937_64 random(7);
    const auto key = [&] {
        std::string made(random() % 3 + 1, 'a');
        for (char& one : made) {
            one = static_cast<char>('a' + random() % 4);
        }
        return made;
    };
    int_map map;
    std::map<std::tuple<std::string, std::string>, int_map::entry*> list;
    int next = 0;
    for (int step = 0; step < 4000; ++step) {
        const std::string first = key();
        const std::string end = random() % 4 == 0   ? ""
                                : random() % 4 == 0 ? std::string(rest)
                                                    : key();
        if (random() % 2 == 0 && !list.empty()) {
            const auto gone = std::next(list.begin(), static_cast<long>(random() % list.size()));
            map.erase(*gone->second);
            list.erase(gone);
        } else if (end.empty() || end == rest || first < end) {
            int_map::entry& made = map.insert(span(first, end));
            const auto [at, fresh] = list.try_emplace({first, end}, &made);
            BOOST_REQUIRE(at->second == &made);
            made.value = fresh ? ++next : made.value;
        }
        const std::string asked = key();
        std::multiset<int> wanted;
        for (const auto& [bytes, one] : list) {
            if (span_of(std::get<0>(bytes), std::get<1>(bytes)).contains(asked)) {
                wanted.insert(one->value);
            }
        }
        BOOST_REQUIRE((holding(map, asked) == wanted));
        BOOST_REQUIRE(map.size() == list.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()
