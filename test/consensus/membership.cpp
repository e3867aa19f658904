#include <quorate/consensus/membership.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(membership_values)

using namespace quorate;

namespace {

id_set ids(std::initializer_list<std::uint64_t> numbers) {
    id_set set;
    for (std::uint64_t n : numbers) {
        set.insert(node_id(n));
    }
    return set;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_id_set_is_sorted_and_holds_each_once) {
    id_set set;
    BOOST_TEST(set.insert(node_id(3)));
    BOOST_TEST(set.insert(node_id(1)));
    BOOST_TEST(!set.insert(node_id(3)));
    BOOST_TEST(set.size() == 2U);
    BOOST_TEST(set.begin()->value() == 1U);
    BOOST_TEST(set.contains(node_id(3)));
    BOOST_TEST(!set.contains(node_id(2)));
    BOOST_TEST(set.erase(node_id(1)));
    BOOST_TEST(!set.erase(node_id(1)));
    BOOST_CHECK(set == ids({3}));
    set.clear();
    BOOST_TEST(set.empty());
}

BOOST_AUTO_TEST_CASE(an_id_set_grows_beyond_its_inline_part) {
    id_set set;
    for (std::uint64_t n = 100; n > 0; --n) {
        set.insert(node_id(n));
    }
    BOOST_TEST(set.size() == 100U);
    BOOST_TEST(std::is_sorted(set.begin(), set.end()));
}

BOOST_AUTO_TEST_CASE(members_are_voters_of_either_half_and_learners) {
    membership m;
    BOOST_TEST(m.empty());
    m.voters = ids({1, 2});
    m.outgoing = ids({2, 3});
    m.learners = ids({4});
    m.learners_next = ids({3});
    BOOST_TEST(m.joint());
    BOOST_CHECK(m.all() == ids({1, 2, 3, 4}));
    BOOST_CHECK(m.all_voters() == ids({1, 2, 3}));
    BOOST_TEST(m.is_voter(node_id(3)));
    BOOST_TEST(!m.is_voter(node_id(4)));
    BOOST_TEST(m.contains(node_id(4)));
    BOOST_TEST(!m.contains(node_id(5)));
    BOOST_TEST(!m.empty());
    BOOST_TEST(!check(m));
}

BOOST_AUTO_TEST_CASE(r12_a_contradiction_is_found) {
    const auto invalid = [](const membership& m) { return check(m) == errc::invalid_membership; };
    membership m;
    m.voters = ids({1, 2});
    BOOST_TEST(!check(m));
    membership overlapping = m;
    overlapping.learners = ids({2});
    BOOST_TEST(invalid(overlapping));
    membership outgoing = m;
    outgoing.outgoing = ids({3});
    outgoing.learners = ids({3});
    BOOST_TEST(invalid(outgoing));
    membership next = m;
    next.outgoing = ids({3});
    next.learners_next = ids({4});
    BOOST_TEST(invalid(next));
    membership twice = m;
    twice.outgoing = ids({3});
    twice.learners = ids({3});
    twice.learners_next = ids({3});
    BOOST_TEST(invalid(twice));
    membership leaving = m;
    leaving.auto_leave = true;
    BOOST_TEST(invalid(leaving));
    membership waiting = m;
    waiting.learners_next = ids({1});
    BOOST_TEST(invalid(waiting));
}

BOOST_AUTO_TEST_SUITE_END()
