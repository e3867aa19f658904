#include <quorate/server/random_source.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(random_source)

using quorate::system_random;

BOOST_AUTO_TEST_CASE(all_bytes_are_filled) {
    std::vector<char> many(100000, '\0');
    BOOST_REQUIRE(!system_random(many));
    std::set<char> values(many.begin(), many.end());
    BOOST_TEST(values.size() == 256u);
    // Thirty zeros at the end would come by chance once in 2^240 times.
    BOOST_TEST(std::string(many.end() - 30, many.end()) != std::string(30, '\0'));
    BOOST_TEST(!system_random({}));
}

BOOST_AUTO_TEST_CASE(it_never_says_the_same_twice) {
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) {
        std::string bytes(16, '\0');
        BOOST_REQUIRE(!system_random(bytes));
        seen.insert(bytes);
    }
    BOOST_TEST(seen.size() == 50u);
}

BOOST_AUTO_TEST_SUITE_END()
