// Keys put in order in parts, beside a set of them.
#include <quorate/store/key_runs.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>
#include <string>
#include <vector>

using quorate::key_runs;
using quorate::shared_bytes;

BOOST_AUTO_TEST_SUITE(runs_of_keys)

BOOST_AUTO_TEST_CASE(keys_of_all_runs_come_once_and_in_order) {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        std::mt19937 random(seed);
        std::set<std::string> wanted;
        key_runs runs;
        for (auto run = random() % 9; run > 0; --run) {
            std::vector<shared_bytes> keys;
            for (auto left = random() % 20; left > 0; --left) {
                keys.push_back(shared_bytes::copy_of(std::to_string(random() % 99)));
                wanted.insert(std::string(keys.back().view()));
            }
            runs.add(std::move(keys));
        }
        for (const std::string& key : wanted) {
            const auto got = runs.take();
            BOOST_REQUIRE(got.has_value());
            BOOST_TEST(std::string(got->view()) == key);
        }
        BOOST_TEST(!runs.take().has_value());
        BOOST_TEST(!runs.take().has_value());
    }
}

BOOST_AUTO_TEST_CASE(runs_without_keys_have_nothing) {
    key_runs runs;
    runs.add({});
    BOOST_TEST(!runs.take().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
