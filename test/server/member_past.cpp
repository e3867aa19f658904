#include <quorate/server/member_past.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(member_past)

using quorate::birth_mark;
using quorate::hello_status;
using quorate::judge_history;
using quorate::log_index;
using quorate::member_lives;
using quorate::node_id;
using quorate::past_entry;
using quorate::term_id;

namespace {

/// A member of group `mark`, zero for none, whose log ends at 10 in term 2.
quorate::member_past member(std::uint64_t mark) {
    quorate::member_past past;
    past.birth = birth_mark(mark);
    past.birth_applied = mark != 0;
    past.last = {term_id(2), log_index(10)};
    past.holds_last = true;
    past.last_checksum = 77;
    return past;
}

const past_entry unknown{};
const past_entry same{true, true, term_id(2), 77};
const past_entry compacted{true, false, term_id(2), 0};
const past_entry replaced{true, true, term_id(3), 77};
const past_entry foreign{true, true, term_id(2), 78};

bool is(hello_status got, hello_status wanted) {
    return got == wanted;
}

} // namespace

BOOST_AUTO_TEST_CASE(two_applied_marks_must_be_equal) {
    BOOST_TEST(is(judge_history(member(5), member(5), unknown), hello_status::ok));
    BOOST_TEST(is(judge_history(member(5), member(6), unknown), hello_status::other_group));
    BOOST_TEST(is(judge_history(member(5), member(6), same), hello_status::other_group));
    quorate::member_past recovering = member(6);
    recovering.admits_loss = true;
    BOOST_TEST(is(judge_history(member(5), recovering, same), hello_status::other_group));
}

BOOST_AUTO_TEST_CASE(one_entry_with_two_payloads_proves_two_groups) {
    for (const std::uint64_t ours : {0U, 5U}) {
        for (const std::uint64_t theirs : {0U, 5U}) {
            BOOST_TEST(is(judge_history(member(ours), member(theirs), foreign),
                          hello_status::other_group));
        }
    }
    quorate::member_past short_log = member(5);
    short_log.holds_last = false;
    BOOST_TEST(is(judge_history(member(5), short_log, foreign), hello_status::ok));
}

BOOST_AUTO_TEST_CASE(entries_without_a_mark_must_be_in_the_log_of_a_marked_group) {
    BOOST_TEST(is(judge_history(member(5), member(0), same), hello_status::ok));
    BOOST_TEST(is(judge_history(member(5), member(0), compacted), hello_status::ok));
    BOOST_TEST(is(judge_history(member(5), member(0), replaced), hello_status::unproven));
    BOOST_TEST(is(judge_history(member(5), member(0), unknown), hello_status::unproven));
    // The member with the mark judges; the other one knows less.
    BOOST_TEST(is(judge_history(member(0), member(5), unknown), hello_status::ok));
    BOOST_TEST(is(judge_history(member(0), member(0), unknown), hello_status::ok));
}

BOOST_AUTO_TEST_CASE(members_without_a_history_are_admitted_to_a_marked_group) {
    quorate::member_past begins = member(0);
    begins.last.index = log_index(1);
    BOOST_TEST(is(judge_history(member(5), begins, unknown), hello_status::ok));
    quorate::member_past joins = member(0);
    joins.joining = true;
    BOOST_TEST(is(judge_history(member(5), joins, unknown), hello_status::ok));
    quorate::member_past recovers = member(0);
    recovers.admits_loss = true;
    BOOST_TEST(is(judge_history(member(5), recovers, unknown), hello_status::ok));
    quorate::member_past ahead = member(0);
    ahead.last.index = log_index(11);
    BOOST_TEST(is(judge_history(member(5), ahead, unknown), hello_status::ok));
}

BOOST_AUTO_TEST_CASE(mark_that_may_be_replaced_proves_nothing) {
    quorate::member_past tentative = member(5);
    tentative.birth_applied = false;
    BOOST_TEST(is(judge_history(member(5), tentative, unknown), hello_status::ok));
    tentative.birth = birth_mark(6);
    BOOST_TEST(is(judge_history(member(5), tentative, unknown), hello_status::unproven));
    tentative.last.index = log_index(11); // ahead, and with a mark of its own
    BOOST_TEST(is(judge_history(member(5), tentative, unknown), hello_status::unproven));
    BOOST_TEST(is(judge_history(tentative, member(5), unknown), hello_status::ok));
}

BOOST_AUTO_TEST_CASE(marks_are_written_as_16_digits) {
    BOOST_TEST(quorate::described(birth_mark(0xabc)) == "0000000000000abc");
    BOOST_TEST(quorate::described(birth_mark(0xfedcba9876543210)) == "fedcba9876543210");
    BOOST_TEST(quorate::described(birth_mark()) == "none yet");
}

BOOST_AUTO_TEST_CASE(lives_admit_the_same_start_and_later_ones) {
    member_lives lives;
    const node_id one(1);
    BOOST_TEST(lives.admits(one, 1, 5));
    BOOST_TEST(lives.note(one, 7, 5));
    BOOST_TEST(!lives.note(one, 7, 5));
    BOOST_TEST(lives.admits(one, 7, 5));
    BOOST_TEST(lives.admits(one, 8, 6));
    BOOST_TEST(!lives.admits(one, 7, 6));
    BOOST_TEST(!lives.admits(one, 6, 5));
    BOOST_TEST(lives.admits(node_id(2), 1, 1));
    BOOST_TEST(lives.note(one, 3, 9)); // restored, and known to be
    BOOST_TEST(lives.admits(one, 4, 10));
    lives.forget(one);
    BOOST_TEST(lives.admits(one, 1, 1));
}

BOOST_AUTO_TEST_CASE(lives_are_read_back_and_other_bytes_are_not) {
    member_lives lives;
    BOOST_TEST((member_lives::decode(lives.encode()) == lives));
    lives.note(node_id(1), 2, 3);
    lives.note(node_id(4), 5, 6);
    const std::string bytes = lives.encode();
    BOOST_TEST((member_lives::decode(bytes) == lives));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string bad = bytes;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        BOOST_TEST(!member_lives::decode(bad).has_value());
        BOOST_TEST(!member_lives::decode(bytes.substr(0, i)).has_value());
    }
    BOOST_TEST(!member_lives::decode(bytes + "x").has_value());
}

BOOST_AUTO_TEST_CASE(lives_of_too_many_members_are_not_kept) {
    member_lives lives;
    for (std::uint64_t id = 1; id <= member_lives::members_max; ++id) {
        BOOST_REQUIRE(lives.note(node_id(id), 1, 1));
    }
    BOOST_TEST(!lives.note(node_id(member_lives::members_max + 1), 1, 1));
    BOOST_TEST(lives.note(node_id(1), 2, 1));
}

BOOST_AUTO_TEST_CASE(lives_of_members_that_left_are_forgotten) {
    member_lives lives;
    for (std::uint64_t id = 1; id <= 5; ++id) {
        lives.note(node_id(id), 9, id);
    }
    lives.keep_only([](node_id id) { return id.value() > 3; });
    BOOST_TEST(lives.size() == 2U);
    BOOST_TEST(lives.admits(node_id(1), 1, 1));
    BOOST_TEST(!lives.admits(node_id(4), 1, 1));
}

BOOST_AUTO_TEST_SUITE_END()
