// Blocks of nodes against a plain ordered map, with keys that are hard to tell apart.
#include <quorate/store/key_blocks.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace quorate {
namespace {

struct node {
    shared_bytes key;
    int number = 0;
};
using blocks = key_blocks<node>;
using model = std::map<std::string, int, std::less<>>;

std::unique_ptr<node> made(byte_view key, int number = 0) {
    return std::make_unique<node>(node{shared_bytes::copy_of(key), number});
}

/// Keys with long common beginnings, zeros, bytes above 127, and keys that begin others.
std::string hard_key(std::mt19937& random) {
    static const std::vector<std::string> beginnings{
        "", "a", "/registry/pods/", "/registry/pods/default/", std::string(12, '\0'), "\xff\xff"};
    std::string key = beginnings[random() % beginnings.size()];
    for (std::size_t more = 1 + random() % 6; more > 0; --more) {
        static constexpr char bytes[] = {'\0', '\1', 'a', 'b', '\x7f', '\x80', '\xff'};
        key += bytes[random() % sizeof(bytes)];
    }
    return key;
}

void check_walk(const blocks& tested, const model& expected, const std::string& first) {
    auto next = expected.lower_bound(first);
    tested.walk(first, [&](const node& found) {
        BOOST_TEST_REQUIRE((next != expected.end()));
        BOOST_TEST_REQUIRE(found.key.view() == next->first);
        BOOST_TEST_REQUIRE(found.number == next->second);
        ++next;
        return true;
    });
    BOOST_TEST_REQUIRE((next == expected.end()));
}

/// Enters or erases one key in both. `growing` of eight steps enter.
void step(blocks& tested, model& expected, std::mt19937& random, unsigned growing) {
    const std::string key = hard_key(random);
    const auto known = expected.find(key);
    const node* found = tested.find(key);
    BOOST_TEST_REQUIRE((found != nullptr) == (known != expected.end()));
    if (found == nullptr && random() % 8 < growing) {
        const int number = static_cast<int>(random() % 1000);
        BOOST_TEST_REQUIRE(tested.insert(made(key, number)).key.view() == key);
        expected[key] = number;
    } else if (found != nullptr && random() % 8 >= growing) {
        BOOST_TEST_REQUIRE(found->number == known->second);
        tested.erase(key);
        expected.erase(known);
    }
    BOOST_TEST_REQUIRE(tested.size() == expected.size());
}

BOOST_AUTO_TEST_SUITE(key_blocks_suite)

BOOST_AUTO_TEST_CASE(they_hold_what_a_map_holds) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
        std::mt19937 random(seed);
        blocks tested;
        model expected;
        for (const unsigned growing : {7U, 1U, 6U, 0U}) { // of eight; so that blocks join too
            for (int i = 0; i < 20'000; ++i) {
                step(tested, expected, random, growing);
            }
            for (int i = 0; i < 20; ++i) {
                check_walk(tested, expected, hard_key(random));
            }
            check_walk(tested, expected, "");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_walk_ends_when_it_is_told_to) {
    blocks tested;
    for (int i = 0; i < 500; ++i) {
        tested.insert(made(std::to_string(1000 + i), i));
    }
    int seen = 0;
    tested.walk("1100", [&](const node& found) {
        BOOST_TEST(found.number == 100 + seen);
        return ++seen < 70;
    });
    BOOST_TEST(seen == 70);
    tested.walk("2", [](const node&) {
        BOOST_ERROR("there is nothing behind the last key");
        return true;
    });
}

BOOST_AUTO_TEST_CASE(sorted_nodes_are_appended) {
    std::mt19937 random(7);
    model expected;
    std::vector<std::unique_ptr<node>> nodes;
    while (nodes.size() < 3000) {
        const std::string key = hard_key(random);
        if (expected.emplace(key, static_cast<int>(nodes.size())).second) {
            nodes.push_back(made(key, static_cast<int>(nodes.size())));
        }
    }
    sort_by_key(nodes);
    blocks tested;
    for (auto& one : nodes) {
        tested.append(std::move(one));
    }
    check_walk(tested, expected, "");
    for (int i = 0; i < 3000; ++i) {
        step(tested, expected, random, 4);
    }
    check_walk(tested, expected, "");
}

// The windows of the second block lie behind a beginning that the first does not have.
BOOST_AUTO_TEST_CASE(blocks_with_other_beginnings_join) {
    model expected;
    blocks tested;
    const auto append = [&](const std::string& key) {
        tested.append(made(key, static_cast<int>(expected.size())));
        expected.emplace(key, static_cast<int>(expected.size()));
    };
    const auto erase = [&](const std::string& key) {
        tested.erase(key);
        expected.erase(key);
    };
    const auto early = [](int i) { return std::string(1, static_cast<char>('!' + i)) + "early"; };
    const auto late = [](int i) { return "z/with/much/in/common/" + std::to_string(100 + i); };
    for (int i = 0; i < 56; ++i) {
        append(early(i));
    }
    for (int i = 0; i < 56; ++i) {
        append(late(i));
    }
    for (int i = 10; i < 56; ++i) {
        erase(late(i));
    }
    for (int i = 10; i < 56; ++i) {
        erase(early(i));
    }
    check_walk(tested, expected, "");
    for (const auto& [key, number] : expected) {
        BOOST_TEST_REQUIRE(tested.find(key) != nullptr);
        BOOST_TEST(tested.find(key)->number == number);
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_sorted) {
    std::vector<std::unique_ptr<node>> none;
    sort_by_key(none);
    BOOST_TEST(none.empty());
    std::vector<std::unique_ptr<node>> one;
    one.push_back(made("a"));
    sort_by_key(one);
    BOOST_TEST(one.front()->key.view() == "a");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace quorate
