#include <quorate/server/lessor.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(lessor)

using namespace quorate;
using namespace std::chrono_literals;
using seconds = std::chrono::seconds;

namespace {

constexpr lessor_options options{
    .revokes_max = 3, .retry = 3000ms, .checkpoint_interval = 100'000ms};
constexpr quorate::lessor::time_point start{1h};
constexpr std::uint64_t term = 7;

/// A leader, and the table that it told of everything.
struct leader {
    explicit leader(const std::vector<lease_record>& records = {}) {
        table = *lease_table::restored(records, 1, 9);
        one.promote(start, 2s, term, table);
    }
    /// Its takeover is applied.
    leader& take_over(seconds after = 0s) {
        BOOST_REQUIRE(one.due(start + after).takeover == lease_takeover{term});
        one.applied({{}, lease_takeover_reply{term}}, start + after);
        BOOST_REQUIRE(one.active());
        return *this;
    }
    void grant(std::uint64_t id, std::uint64_t ttl, seconds at) {
        one.applied({{}, lease_grant_reply{lease_id(id), ttl, id + 100}}, start + at);
    }
    void note(std::uint64_t id, std::uint64_t left) {
        one.applied({{}, lease_checkpoint_reply{{{lease_id(id), left}}}}, start);
    }
    std::vector<std::uint64_t> over(std::chrono::milliseconds at) {
        std::vector<std::uint64_t> ids;
        for (const lease_revoke& revoke : one.due(start + at).revokes) {
            BOOST_TEST(revoke.epoch == term);
            ids.push_back(revoke.id.value());
        }
        return ids;
    }
    auto renew(std::uint64_t id, std::chrono::milliseconds at) {
        return one.renew(lease_id(id), start + at);
    }

    lease_table table;
    quorate::lessor one{options};
};

using ids = std::vector<std::uint64_t>;

} // namespace

BOOST_AUTO_TEST_CASE(a_lease_is_over_when_its_time_is_and_not_before) {
    leader l;
    l.take_over();
    l.grant(1, 10, 5s);
    BOOST_TEST(l.over(14999ms) == ids{});
    BOOST_TEST(l.over(15000ms) == ids{1});
    BOOST_TEST((*l.one.next_due() == start + 18s));
    l.one.applied({{}, lease_revoke_reply{lease_id(1), 0}}, start + 15s);
    BOOST_TEST(!l.one.next_due());
    BOOST_TEST(l.over(60min) == ids{});
    BOOST_TEST(l.one.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_revoke_that_is_not_applied_is_proposed_again) {
    leader l;
    l.take_over();
    l.grant(1, 10, 0s);
    BOOST_TEST(l.over(10s) == ids{1});
    BOOST_TEST(l.over(12999ms) == ids{});
    const auto again = l.one.due(start + 13s).revokes;
    BOOST_TEST((again == std::vector{lease_revoke{lease_id(1), term, 101}}));
}

BOOST_AUTO_TEST_CASE(many_that_end_together_are_proposed_a_few_at_a_time) {
    leader l;
    l.take_over();
    for (std::uint64_t id = 1; id <= 5; ++id) {
        l.grant(id, 10, 0s);
    }
    BOOST_TEST(l.over(10s) == (ids{1, 2, 3}));
    BOOST_TEST(l.over(10s) == (ids{4, 5}));
    BOOST_TEST(l.over(10s) == ids{});
}

BOOST_AUTO_TEST_CASE(a_renewal_gives_the_whole_time_and_comes_too_late_for_what_is_over) {
    leader l;
    l.take_over();
    l.grant(1, 10, 0s);
    const auto renewed = l.renew(1, 9s);
    BOOST_REQUIRE(renewed.has_value());
    BOOST_TEST(renewed->ttl == 10u);
    BOOST_TEST(!renewed->reset.has_value());
    BOOST_TEST(l.over(18999ms) == ids{});
    BOOST_TEST(l.renew(1, 19s).error() == make_error_code(errc::lease_not_found));
    BOOST_TEST(l.over(19s) == ids{1});
    BOOST_TEST(l.renew(1, 19s).error() == make_error_code(errc::lease_not_found));
    BOOST_TEST(l.renew(2, 19s).error() == make_error_code(errc::lease_not_found));
}

BOOST_AUTO_TEST_CASE(a_new_leader_gives_what_was_noted_and_a_little_more) {
    leader l({{lease_id(1), 10, 10, 1}, {lease_id(2), 60, 5, 2}});
    l.take_over(1s);
    BOOST_TEST(l.over(6999ms) == ids{});
    BOOST_TEST(l.over(7s) == ids{2});
    BOOST_TEST(l.over(9999ms) == ids{});
    BOOST_TEST(l.over(11999ms) == ids{2});
    BOOST_TEST(l.over(12s) == ids{1});
}

BOOST_AUTO_TEST_CASE(nothing_is_renewed_or_ended_before_the_takeover_is_applied) {
    leader l({{lease_id(1), 10, 10, 1}});
    BOOST_TEST(l.renew(1, 0s).error() == make_error_code(errc::no_leader));
    BOOST_TEST(l.one.due(start).takeover.has_value());
    BOOST_TEST((*l.one.next_due() == start + 3s));
    const auto waiting = l.one.due(start + 2999ms);
    BOOST_TEST(!waiting.takeover.has_value());
    BOOST_TEST(l.one.due(start + 3s).takeover.has_value()); // The first one got lost.
    BOOST_TEST(l.one.due(start + 60s).revokes.empty());
    l.one.applied({{}, lease_takeover_reply{term - 1}}, start + 60s);
    BOOST_TEST(!l.one.active());
    l.one.applied({{}, lease_takeover_reply{term}}, start + 60s);
    BOOST_TEST(l.over(60s) == ids{1});
    // Somebody else's: this member has yet to hear that it leads no more.
    l.one.applied({{}, lease_takeover_reply{term + 1}}, start + 61s);
    BOOST_TEST(l.over(90s) == ids{});
}

BOOST_AUTO_TEST_CASE(who_does_not_lead_knows_nothing) {
    leader l({{lease_id(1), 10, 10, 1}});
    l.take_over();
    l.one.demote();
    BOOST_TEST(!l.one.active());
    l.grant(2, 10, 0s);
    BOOST_TEST(l.one.size() == 0u);
    BOOST_TEST(l.renew(1, 0s).error() == make_error_code(errc::not_leader));
    BOOST_TEST(l.one.time_to_live(lease_id(1), start).error() == make_error_code(errc::not_leader));
    BOOST_TEST(!l.one.next_due());
    const auto nothing = l.one.due(start + 60min);
    BOOST_TEST((nothing.revokes.empty() && !nothing.takeover && !nothing.checkpoint));
}

BOOST_AUTO_TEST_CASE(what_is_left_of_long_leases_is_noted_now_and_then) {
    leader l;
    l.take_over();
    l.grant(1, 250, 0s);
    l.grant(2, 100, 0s); // As long as the interval: not worth it.
    l.grant(3, 250, 50s);
    BOOST_TEST(!l.one.due(start + 99s).checkpoint.has_value());
    const auto first = l.one.due(start + 100s);
    BOOST_REQUIRE(first.checkpoint.has_value());
    BOOST_TEST((*first.checkpoint == lease_checkpoint{term, {{lease_id(1), 150, 101}}}));
    BOOST_TEST(first.revokes.size() == 1u);
    l.note(1, 150);
    const auto second = l.one.due(start + 200500ms);
    BOOST_REQUIRE(second.checkpoint.has_value());
    // What is left is rounded up: a lease may only gain by it.
    BOOST_TEST((*second.checkpoint ==
                lease_checkpoint{term, {{lease_id(3), 100, 103}, {lease_id(1), 50, 101}}}));
}

BOOST_AUTO_TEST_CASE(what_is_being_noted_is_not_noted_again) {
    leader l;
    l.take_over();
    l.grant(1, 1000, 0s);
    BOOST_TEST(l.one.due(start + 100s).checkpoint.has_value());
    BOOST_TEST(!l.one.due(start + 200s).checkpoint.has_value());
    l.note(1, 900);
    BOOST_TEST(l.one.due(start + 300s).checkpoint.has_value());
}

BOOST_AUTO_TEST_CASE(a_lost_checkpoint_is_proposed_again_and_burdens_no_renewal) {
    leader l;
    l.take_over();
    l.grant(1, 1000, 0s);
    const auto first = l.one.due(start + 100s);
    BOOST_REQUIRE(first.checkpoint.has_value());
    l.one.lost(*first.checkpoint, start + 105s);
    BOOST_TEST(!l.one.due(start + 107s).checkpoint.has_value());
    const auto second = l.one.due(start + 108s);
    BOOST_REQUIRE(second.checkpoint.has_value());
    BOOST_TEST((*second.checkpoint == lease_checkpoint{term, {{lease_id(1), 892, 101}}}));
    l.one.lost(*second.checkpoint, start + 110s);
    BOOST_TEST(!l.renew(1, 111s)->reset.has_value());
    // What another leader, or an earlier lease of the same id, had on its way changes nothing.
    const auto third = l.one.due(start + 211s);
    BOOST_REQUIRE(third.checkpoint.has_value());
    l.one.lost({term - 1, third.checkpoint->leases}, start + 212s);
    l.one.lost({term, {{lease_id(1), 900, 100}}}, start + 212s);
    BOOST_TEST(l.renew(1, 213s)->reset.has_value());
}

BOOST_AUTO_TEST_CASE(a_renewal_of_a_noted_lease_waits_until_that_is_undone) {
    leader l({{lease_id(1), 250, 20, 1}});
    l.take_over();
    const lease_checkpoint reset{term, {{lease_id(1), 0, 1}}};
    BOOST_TEST((l.renew(1, 1s)->reset == reset));
    BOOST_TEST((l.renew(1, 2s)->reset == reset)); // Not applied yet.
    l.note(1, 250);
    BOOST_TEST(!l.renew(1, 3s)->reset.has_value());
    // Noted anew, whether that is applied yet or not, and whatever an older reset did.
    BOOST_REQUIRE(l.one.due(start + 110s).checkpoint.has_value());
    l.note(1, 250);
    BOOST_TEST((l.renew(1, 111s)->reset == reset));
    l.note(1, 143);
    BOOST_TEST((l.renew(1, 112s)->reset == reset));
    l.note(1, 250);
    BOOST_TEST(!l.renew(1, 113s)->reset.has_value());
}

BOOST_AUTO_TEST_CASE(what_the_leader_before_had_on_its_way_is_undone_too) {
    leader l({{lease_id(1), 250, 250, 1}});
    l.note(1, 30);
    l.take_over();
    BOOST_TEST(l.renew(1, 1s)->reset.has_value());
}

BOOST_AUTO_TEST_CASE(a_reset_that_comes_behind_the_end_does_not_undo_it) {
    leader l({{lease_id(1), 10, 5, 1}});
    l.take_over();
    BOOST_TEST(l.renew(1, 1s)->reset.has_value());
    BOOST_TEST(l.over(11s) == ids{1}); // On its way.
    l.one.applied({{}, lease_checkpoint_reply{{{lease_id(1), 10}}}}, start + 12s);
    BOOST_TEST(l.renew(1, 12s).error() == make_error_code(errc::lease_not_found));
    BOOST_TEST(l.over(14s) == ids{1});
}

BOOST_AUTO_TEST_CASE(a_renewal_at_the_leader_before_that_comes_through_late_counts) {
    leader l({{lease_id(1), 250, 5, 1}});
    l.one.applied({{}, lease_checkpoint_reply{{{lease_id(1), 250}}}}, start + 6s);
    l.take_over(6s);
    BOOST_TEST(l.over(255999ms) == ids{});
    BOOST_TEST(l.over(256s) == ids{1});
}

BOOST_AUTO_TEST_CASE(a_renewed_lease_that_comes_up_in_the_schedule_is_put_off) {
    leader l;
    l.take_over();
    l.grant(1, 10, 0s);
    for (int i = 1; i <= 50; ++i) {
        BOOST_TEST(l.renew(1, seconds(i)).has_value());
    }
    BOOST_TEST((*l.one.next_due() == start + 10s));
    BOOST_TEST(l.over(10s) == ids{});
    BOOST_TEST((*l.one.next_due() == start + 60s));
}

BOOST_AUTO_TEST_CASE(the_time_that_is_left_is_never_more_than_was_granted_nor_less_than_nothing) {
    leader l({{lease_id(1), 10, 10, 1}});
    const auto left = [&](std::chrono::milliseconds at) {
        const auto found = l.one.time_to_live(lease_id(1), start + at);
        BOOST_TEST(found->ttl == 10u);
        return found->remaining;
    };
    BOOST_TEST(left(0s) == 10u);
    BOOST_TEST(left(2500ms) == 9u);
    BOOST_TEST(left(11999ms) == 0u);
    BOOST_TEST(left(60min) == 0u);
    BOOST_TEST(l.one.time_to_live(lease_id(2), start).error() ==
               make_error_code(errc::lease_not_found));
}

BOOST_AUTO_TEST_CASE(leases_are_listed_by_what_is_left_of_them) {
    leader l;
    l.take_over();
    l.grant(1, 30, 0s);
    l.grant(2, 10, 0s);
    l.grant(3, 20, 0s);
    BOOST_TEST((l.one.leases() == std::vector{lease_id(2), lease_id(3), lease_id(1)}));
    BOOST_TEST(l.renew(3, 15s).has_value());
    BOOST_TEST((l.one.leases() == std::vector{lease_id(2), lease_id(1), lease_id(3)}));
}

BOOST_AUTO_TEST_CASE(the_longest_lease_there_is_does_not_end) {
    const auto late = quorate::lessor::time_point::max() - 48h;
    quorate::lessor one(options);
    const lease_table table =
        *lease_table::restored({{lease_id(1), lease_ttl_max, 1000000, 1}}, 1, 1);
    one.promote(late, 2s, term, table);
    one.applied({{}, lease_takeover_reply{term}}, late);
    one.applied({{}, lease_grant_reply{lease_id(2), lease_ttl_max}}, late);
    BOOST_TEST(one.due(late + 24h).revokes.empty());
    BOOST_TEST(one.time_to_live(lease_id(2), late)->remaining == 48u * 3600u);
    BOOST_TEST(one.renew(lease_id(1), late + 24h).has_value());
}

BOOST_AUTO_TEST_CASE(a_grant_is_settled_before_it_is_proposed) {
    const auto settled = [](std::uint64_t id, std::int64_t ttl, std::uint64_t drawn) {
        return quorate::lessor::settle(lease_id(id), ttl, 1000ms, drawn);
    };
    BOOST_TEST((settled(5, 60, 9) == lease_grant{lease_id(5), 60}));
    BOOST_TEST((settled(0, 60, 9) == lease_grant{lease_id(9), 60}));
    BOOST_TEST(settled(0, 60, UINT64_MAX).id.value() == UINT64_MAX / 2);
    BOOST_TEST(settled(0, 60, std::uint64_t{1} << 63).id.value() == 1u);
    for (const std::int64_t little : {std::int64_t{0}, std::int64_t{-5}, INT64_MIN}) {
        BOOST_TEST(settled(5, little, 9).ttl == 2u);
    }
    BOOST_TEST(quorate::lessor::settle(lease_id(5), 0, 0ms, 9).ttl == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
