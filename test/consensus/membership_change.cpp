#include <quorate/consensus/membership_change.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(membership_changes)

using namespace quorate;
using namespace quorate::test;

namespace {

single_change add(std::uint64_t id) {
    return one_change(change_kind::add_voter, id);
}
single_change learn(std::uint64_t id) {
    return one_change(change_kind::add_learner, id);
}
single_change drop(std::uint64_t id) {
    return one_change(change_kind::remove, id);
}
single_change touch(std::uint64_t id) {
    return one_change(change_kind::update, id);
}

membership joint_of(std::initializer_list<std::uint64_t> incoming,
                    std::initializer_list<std::uint64_t> outgoing) {
    membership m = voters(incoming);
    m.outgoing = voters(outgoing).voters;
    return m;
}

using changes = std::vector<single_change>;

} // namespace

BOOST_AUTO_TEST_CASE(a_simple_change_makes_voters_and_learners) {
    BOOST_CHECK(*apply_simple({}, changes{add(1)}) == voters({1}));
    BOOST_CHECK(*apply_simple(voters({1}), changes{add(2)}) == voters({1, 2}));
    BOOST_CHECK(*apply_simple(voters({1}), changes{learn(2)}) == voters({1}, {2}));
    BOOST_CHECK(*apply_simple(voters({1}, {2}), changes{add(2)}) == voters({1, 2}));
    BOOST_CHECK(*apply_simple(voters({1, 2}), changes{learn(2)}) == voters({1}, {2}));
    BOOST_CHECK(*apply_simple(voters({1, 2}), changes{drop(2)}) == voters({1}));
    BOOST_CHECK(*apply_simple(voters({1}, {2}), changes{drop(2)}) == voters({1}));
}

BOOST_AUTO_TEST_CASE(what_changes_nothing_is_no_error) {
    BOOST_CHECK(*apply_simple(voters({1}), changes{touch(1), touch(9)}) == voters({1}));
    BOOST_CHECK(*apply_simple(voters({1}), changes{drop(9)}) == voters({1}));
    BOOST_CHECK(*apply_simple(voters({1}), changes{add(0)}) == voters({1}));
    BOOST_CHECK(*apply_simple(voters({1}, {2}), changes{learn(2)}) == voters({1}, {2}));
}

BOOST_AUTO_TEST_CASE(simple_errors) {
    BOOST_CHECK(apply_simple(joint_of({1}, {2}), changes{add(3)}).error() ==
                errc::simple_change_while_joint);
    BOOST_CHECK(apply_simple(voters({1}), changes{drop(1)}).error() == errc::removed_all_voters);
    BOOST_CHECK(apply_simple(voters({1}), changes{add(2), add(3)}).error() ==
                errc::more_than_one_voter_changed);
    BOOST_CHECK(apply_simple(voters({1, 2}), changes{add(3), drop(2)}).error() ==
                errc::more_than_one_voter_changed);
    BOOST_CHECK(apply_simple(voters({1, 2}), changes{drop(1), drop(2)}).error() ==
                errc::removed_all_voters);
    BOOST_CHECK(apply_simple(voters({1}, {1}), changes{add(2)}).error() ==
                errc::invalid_membership);
    BOOST_CHECK(
        apply_simple(voters({1}), changes{{static_cast<change_kind>(9), node_id(2)}}).error() ==
        errc::unknown_change_kind);
}

BOOST_AUTO_TEST_CASE(entering_keeps_the_old_voters_and_leaving_forgets_them) {
    const auto joint = enter_joint(voters({1, 2, 3}), changes{drop(1), add(4), learn(2)}, true);
    BOOST_REQUIRE(joint);
    BOOST_CHECK(joint->voters == voters({3, 4}).voters);
    BOOST_CHECK(joint->outgoing == voters({1, 2, 3}).voters);
    BOOST_CHECK(joint->learners_next == voters({2}).voters);
    BOOST_TEST(joint->learners.empty());
    BOOST_TEST(joint->auto_leave);
    const auto left = leave_joint(*joint);
    BOOST_REQUIRE(left);
    BOOST_CHECK(*left == voters({3, 4}, {2}));
}

BOOST_AUTO_TEST_CASE(joint_errors) {
    BOOST_CHECK(enter_joint(joint_of({1}, {2}), changes{add(3)}, true).error() ==
                errc::already_joint);
    BOOST_CHECK(enter_joint({}, changes{add(3)}, true).error() == errc::zero_voter_config);
    BOOST_CHECK(enter_joint(voters({1}), changes{drop(1)}, true).error() ==
                errc::removed_all_voters);
    BOOST_CHECK(enter_joint(voters({1}, {1}), changes{add(2)}, true).error() ==
                errc::invalid_membership);
    BOOST_CHECK(leave_joint(voters({1})).error() == errc::not_joint);
    membership broken = joint_of({1}, {2});
    broken.learners_next = voters({3}).voters;
    BOOST_CHECK(leave_joint(broken).error() == errc::invalid_membership);
}

BOOST_AUTO_TEST_CASE(apply_picks_the_rule) {
    BOOST_TEST(!apply(voters({1}), change_of({add(2)}))->joint());
    const auto several = apply(voters({1}), change_of({add(2), add(3)}));
    BOOST_TEST(several->joint());
    BOOST_TEST(several->auto_leave);
    const auto implicit =
        apply(voters({1}), change_of({add(2)}, change_transition::joint_implicit));
    BOOST_TEST(implicit->auto_leave);
    const auto asked = apply(voters({1}), change_of({add(2)}, change_transition::joint_explicit));
    BOOST_TEST(asked->joint());
    BOOST_TEST(!asked->auto_leave);
    BOOST_CHECK(*apply(*asked, {}) == voters({1, 2}));
    BOOST_CHECK(apply(voters({1}), {}).error() == errc::not_joint);
}

BOOST_AUTO_TEST_CASE(simple_changes_one_by_one_end_where_a_joint_one_does) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 5000; ++round) {
        membership start;
        for (std::uint64_t n = 1 + random() % 5; n > 0; --n) {
            start.voters.insert(node_id(1 + random() % 6));
        }
        for (std::uint64_t id = 7; id <= 9; ++id) {
            if (random() % 2 == 0) {
                start.learners.insert(node_id(id));
            }
        }
        changes list;
        for (std::uint64_t n = 1 + random() % 6; n > 0; --n) {
            list.push_back({static_cast<change_kind>(random() % 4), node_id(1 + random() % 9)});
        }
        result<membership> simple = start;
        for (const single_change& one : list) {
            simple = apply_simple(*simple, {&one, 1});
            if (!simple) {
                break;
            }
        }
        if (!simple) {
            continue; // ran out of voters on the way, which a joint change may do
        }
        const auto joint = enter_joint(start, list, random() % 2 == 0);
        BOOST_REQUIRE(joint);
        BOOST_TEST(!check(*joint));
        BOOST_CHECK(*leave_joint(*joint) == *simple);
    }
}

BOOST_AUTO_TEST_CASE(a_change_survives_its_encoding) {
    membership_change change = change_of({add(1), learn(UINT64_MAX), drop(3), touch(0x0102030405)},
                                         change_transition::joint_explicit);
    change.context = shared_bytes::copy_of("address of the member");
    const auto again =
        decode_change(entry_kind::joint_change, encode(change, entry_kind::joint_change).view());
    BOOST_REQUIRE(again);
    BOOST_CHECK(again->transition == change.transition);
    BOOST_CHECK(again->changes == change.changes);
    BOOST_CHECK(again->context == change.context);
    membership_change single = change_of({drop(7)});
    single.context = shared_bytes::copy_of("x");
    const auto one = decode_change(entry_kind::change, encode(single, entry_kind::change).view());
    BOOST_REQUIRE(one);
    BOOST_CHECK(one->changes == single.changes);
    BOOST_CHECK(one->context == single.context);
}

BOOST_AUTO_TEST_CASE(leaving_encodes_to_nothing) {
    BOOST_TEST(encode({}, entry_kind::joint_change).empty());
    const auto leave = decode_change(entry_kind::joint_change, {});
    BOOST_REQUIRE(leave);
    BOOST_TEST(leave->leaves_joint());
}

BOOST_AUTO_TEST_CASE(decode_errors) {
    const auto error = [](entry_kind kind, const std::string& bytes) {
        const auto change = decode_change(kind, bytes);
        return change ? error_code() : change.error();
    };
    BOOST_CHECK(error(entry_kind::normal, "") == errc::unknown_change_kind);
    BOOST_CHECK(error(entry_kind::change, "") == errc::truncated);
    BOOST_CHECK(error(entry_kind::change, std::string(8, '\0')) == errc::truncated);
    BOOST_TEST(!error(entry_kind::change, std::string(9, '\0')));
    BOOST_CHECK(error(entry_kind::change, "\x04" + std::string(8, '\0')) ==
                errc::unknown_change_kind);
    BOOST_CHECK(error(entry_kind::joint_change, "\x01") == errc::truncated);
    BOOST_CHECK(error(entry_kind::joint_change, std::string("\x03\x00", 2)) ==
                errc::unknown_change_kind);
    BOOST_CHECK(error(entry_kind::joint_change, "\x01\xff" + std::string(9, '\0')) ==
                errc::truncated);
}

BOOST_AUTO_TEST_CASE(garbage_is_refused_or_means_something) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 50000; ++round) {
        std::string bytes;
        for (std::uint64_t n = random() % 40; n > 0; --n) {
            bytes += static_cast<char>(random() % 2 == 0 ? random() : random() % 4);
        }
        const auto kind = static_cast<entry_kind>(random() % 5);
        const auto change = decode_change(kind, bytes);
        if (!change) {
            continue;
        }
        BOOST_TEST(change->changes.size() * 9 <= bytes.size());
        static_cast<void>(apply(voters({1, 2, 3}), *change));
        static_cast<void>(apply(joint_of({1, 2}, {1, 3}), *change));
    }
}

BOOST_AUTO_TEST_SUITE_END()
