#include <quorate/base/ids.hpp>

#include <boost/test/unit_test.hpp>

#include <concepts>
#include <set>
#include <sstream>
#include <type_traits>
#include <unordered_set>

using namespace quorate;

namespace {

// What must not compile is asked by concepts, as a failed build cannot be a test case.
template <class A, class B>
concept equality_comparable = requires(const A& a, const B& b) {
    a == b;
};
template <class A, class B>
concept subtractable = requires(const A& a, const B& b) {
    a - b;
};
template <class A>
concept advances = requires(const A& a) {
    a.next();
};

template <class T>
std::string printed(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

} // namespace

BOOST_AUTO_TEST_SUITE(ids)

BOOST_AUTO_TEST_CASE(kinds_do_not_mix) {
    static_assert(!std::convertible_to<std::uint64_t, term_id>);
    static_assert(!std::convertible_to<term_id, std::uint64_t>);
    static_assert(!std::constructible_from<term_id, log_index>);
    static_assert(!std::assignable_from<term_id&, log_index>);
    static_assert(!equality_comparable<term_id, log_index>);
    static_assert(!equality_comparable<node_id, cluster_id>);
    static_assert(!subtractable<log_index, term_id>);
    static_assert(equality_comparable<term_id, term_id>);
    static_assert(subtractable<log_index, log_index>);
    // A member's id is a name: there is no next one.
    static_assert(!advances<node_id>);
    static_assert(advances<log_index>);
    static_assert(sizeof(log_index) == 8 && std::is_trivially_copyable_v<log_index>);
    BOOST_TEST(log_index_max.value() == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(zero_is_none) {
    BOOST_TEST(!term_id());
    BOOST_TEST(term_id().value() == 0U);
    BOOST_TEST(static_cast<bool>(node_id(1)));
    BOOST_TEST(!node_id(0));
    BOOST_TEST(log_id().index == log_index());
}

BOOST_AUTO_TEST_CASE(positions_count) {
    log_index at(5);
    BOOST_TEST(at.next() == log_index(6));
    BOOST_TEST(at.prev() == log_index(4));
    BOOST_TEST(at + 10 == log_index(15));
    BOOST_TEST(at - 5 == log_index());
    BOOST_TEST(log_index(9) - at == 4U);
    BOOST_TEST(++at == log_index(6));
    BOOST_TEST(at == log_index(6));
    static_assert(std::same_as<decltype(at + 1), log_index>);
    static_assert(std::same_as<decltype(at.next()), log_index>);
}

BOOST_AUTO_TEST_CASE(order) {
    BOOST_TEST(log_index(2) < log_index(10));
    BOOST_TEST(term_id(3) >= term_id(3));
    BOOST_TEST(node_id(1) != node_id(2));
    // The term decides before the index: what a voter compares (Raft §5.4.1).
    BOOST_TEST((log_id{term_id(1), log_index(9)} < log_id{term_id(2), log_index(1)}));
    BOOST_TEST((log_id{term_id(2), log_index(1)} < log_id{term_id(2), log_index(2)}));
    const std::set<log_index> sorted{log_index(3), log_index(1), log_index(2)};
    BOOST_TEST(*sorted.begin() == log_index(1));
}

BOOST_AUTO_TEST_CASE(text) {
    BOOST_TEST(printed(log_index(42)) == "42");
    BOOST_TEST(printed(node_id(UINT64_MAX)) == "18446744073709551615");
    BOOST_TEST(printed(log_id{term_id(3), log_index(7)}) == "3/7");
}

BOOST_AUTO_TEST_CASE(hashes) {
    std::unordered_set<node_id> names;
    std::unordered_set<log_index> places;
    for (std::uint64_t n = 0; n < 100; ++n) {
        names.insert(node_id(n % 10));
        places.insert(log_index(n));
    }
    BOOST_TEST(names.size() == 10U);
    BOOST_TEST(places.size() == 100U);
    BOOST_TEST(places.contains(log_index(99)));
    BOOST_TEST(!places.contains(log_index(100)));
}

BOOST_AUTO_TEST_SUITE_END()
