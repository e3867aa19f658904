#include <quorate/log/file_name.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

using quorate::numbered_name;
using quorate::parse_numbered_name;

BOOST_AUTO_TEST_SUITE(file_name)

BOOST_AUTO_TEST_CASE(names_round_trip_and_sort_like_their_numbers) {
    const std::uint64_t numbers[] = {0, 1, 9, 10, 255, 256, UINT32_MAX, UINT64_MAX};
    std::string before;
    for (const std::uint64_t first : numbers) {
        for (const std::uint64_t second : numbers) {
            const std::string name = numbered_name(first, second, ".x");
            const auto read = parse_numbered_name(name, ".x");
            BOOST_REQUIRE(read.has_value());
            BOOST_TEST(read->first == first);
            BOOST_TEST(read->second == second);
            BOOST_TEST(before < name);
            before = name;
        }
    }
}

BOOST_AUTO_TEST_CASE(any_other_form_is_refused) {
    const std::string name = numbered_name(0xabc, 0xdef, ".wal");
    BOOST_TEST(name == "0000000000000abc-0000000000000def.wal");
    BOOST_TEST(!parse_numbered_name(name, ".snap").has_value());
    for (std::size_t at = 0; at < name.size(); ++at) {
        std::string changed = name;
        changed[at] = 'Z';
        BOOST_TEST(!parse_numbered_name(changed, ".wal").has_value());
        changed.erase(at, 1);
        BOOST_TEST(!parse_numbered_name(changed, ".wal").has_value());
    }
}

BOOST_AUTO_TEST_SUITE_END()
