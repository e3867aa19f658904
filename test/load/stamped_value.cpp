// The program is no library; its parts that can be tested alone are compiled into the test.
#include "../../example/quorate_load/stamped_value.cpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(stamped_value)

namespace {

using quorate_load::read_stamp;
using quorate_load::stamp;
using quorate_load::value_maker;

std::string value_of(const value_maker& maker, const stamp& its) {
    const auto ending = maker.ending(its);
    return std::string(maker.filler()) + std::string(ending.begin(), ending.end());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_value_says_what_it_was_made_of) {
    for (const std::size_t size : {28U, 29U, 30U, 256U, 100'000U}) {
        const value_maker maker(size, 5);
        const std::string value = value_of(maker, {~std::uint64_t{0}, 77, 1});
        BOOST_TEST(value.size() == size);
        BOOST_TEST(maker.size() == size);
        const auto found = read_stamp(value);
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST(found->run == ~std::uint64_t{0});
        BOOST_TEST(found->key == 77U);
        BOOST_TEST(found->number == 1U);
    }
}

BOOST_AUTO_TEST_CASE(no_changed_or_cut_value_passes) {
    const std::string value = value_of(value_maker(60, 5), {1, 2, 3});
    for (std::size_t i = 0; i < value.size(); ++i) {
        std::string changed = value;
        changed[i] = static_cast<char>(changed[i] ^ 4);
        BOOST_TEST(!read_stamp(changed).has_value());
        BOOST_TEST(!read_stamp(value.substr(0, i)).has_value());
    }
}

BOOST_AUTO_TEST_SUITE_END()
