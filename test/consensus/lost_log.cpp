// A member whose disk lost what it acknowledged: fenced until it holds it again, and repaired.
#include <boost/test/unit_test.hpp>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(lost_log)

using namespace quorate;
using quorate::test::at;
using quorate::test::disk_with;
using quorate::test::exact;
using quorate::test::group;
using quorate::test::member;
using quorate::test::usual;
using quorate::test::voters;

namespace {

hard_state after_loss(std::uint64_t term, std::uint64_t commit, std::uint64_t index) {
    return {term_id(term), {}, log_index(commit), {term_id(term), log_index(index)}};
}

message from_leader(message_kind kind, std::uint64_t term) {
    return {.kind = kind, .to = node_id(1), .from = node_id(2), .term = term_id(term)};
}

struct three {
    three() : all(3, voters({1, 2, 3}), usual, at(1, 1)) { all.elect(1); }

    void write(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            BOOST_REQUIRE(!all.propose(1, "word"));
            all.settle();
        }
    }
    /// Effects: member `id` stops, loses all but `kept` entries and starts again.
    void damage(std::uint64_t id, std::size_t kept) {
        all.crash(id, 100);
        all[id].damage(kept);
        BOOST_REQUIRE(all[id].fenced());
    }

    group all;
};

} // namespace

BOOST_AUTO_TEST_CASE(it_neither_votes_nor_campaigns) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, after_loss(1, 1, 5)));
    for (const auto kind : {message_kind::pre_vote, message_kind::vote}) {
        message ask = from_leader(kind, 2);
        ask.log_term = term_id(1);
        ask.index = log_index(9);
        BOOST_TEST(!m.step(ask));
        m.settle();
        const auto answers = m.sent();
        BOOST_REQUIRE_EQUAL(answers.size(), 1u);
        BOOST_TEST(answers[0]->reject);
        BOOST_TEST(!m.vote().value());
    }
    m.ticks(100);
    BOOST_TEST(!m.campaign());
    BOOST_TEST(!m.step(from_leader(message_kind::timeout_now, 2)));
    m.settle();
    BOOST_CHECK(m.role() == role_kind::follower);
    BOOST_TEST(m.sent().empty());
    BOOST_TEST(m.fenced());
}

namespace {

message heartbeat_of(std::uint64_t term, std::uint64_t commit, std::uint64_t commit_term) {
    message m = from_leader(message_kind::heartbeat, term);
    m.commit = log_index(commit);
    m.log_term = term_id(commit_term);
    return m;
}

/// Returns: how many answers report a loss.
unsigned reports(member& m) {
    m.settle();
    unsigned count = 0;
    for (const owned_message& sent : m.sent()) {
        count += sent->kind == message_kind::append_response && sent->reject && sent->lost;
    }
    return count;
}

} // namespace

// The frames that replaced entries 2 to 4 are damaged, so that the replaced ones are back.
BOOST_AUTO_TEST_CASE(heartbeat_commits_no_entry_that_came_back_in_place_of_a_lost_one) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1, 1, 1}, after_loss(2, 1, 4)));
    BOOST_TEST(!m.step(heartbeat_of(2, 4, 2)));
    BOOST_CHECK(m.commit() == log_index(1));
    BOOST_TEST(reports(m) == 1u);
    BOOST_TEST(!m.step(heartbeat_of(2, 4, 0))); // by a leader that gives no term
    BOOST_CHECK(m.commit() == log_index(1));
    BOOST_TEST(reports(m) == 1u);
    BOOST_TEST(!m.step(heartbeat_of(2, 3, 1)));
    BOOST_CHECK(m.commit() == log_index(3)); // these are the leader's
}

BOOST_AUTO_TEST_CASE(heartbeat_that_counts_on_another_entry_fences_a_member) {
    member m(usual(1),
             disk_with(voters({1, 2, 3}), {1, 1, 1, 1}, {term_id(2), {}, log_index(1), {}}));
    BOOST_TEST(!m.step(heartbeat_of(2, 4, 2)));
    BOOST_CHECK(m.commit() == log_index(1));
    BOOST_TEST(m.fenced());
    BOOST_TEST(reports(m) == 1u);
}

BOOST_AUTO_TEST_CASE(heartbeat_for_a_sound_member_names_the_term_of_its_commit_index) {
    three g;
    g.write(3);
    g.all.tick(1);
    g.all.at(1, [](member& m) { m.take(); });
    unsigned seen = 0;
    for (const owned_message& m : g.all.network()) {
        if (m->kind == message_kind::heartbeat) {
            BOOST_CHECK(m->commit == g.all[1].commit());
            BOOST_CHECK(m->log_term == g.all[1].term());
            ++seen;
        }
    }
    BOOST_TEST(seen == 2u);
}

// That some entry stands at the index does not give back what stood there.
BOOST_AUTO_TEST_CASE(fence_falls_only_where_the_log_is_known_to_be_the_leaders) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1, 1, 1}, after_loss(2, 1, 4)));
    const auto append = [&](std::uint64_t index, std::uint64_t term, std::vector<entry> entries) {
        message a = from_leader(message_kind::append, 2);
        a.lost = true;
        a.index = log_index(index);
        a.log_term = term_id(term);
        a.reject_hint = log_index(4);
        BOOST_TEST(!m.step(owned_message(a, std::move(entries))));
        m.settle();
    };
    append(1, 1, {});
    BOOST_TEST(m.fenced());
    append(1, 1, quorate::test::run_of(2, {2, 2}));
    BOOST_TEST(m.fenced());
    append(3, 2, quorate::test::run_of(4, {2}));
    BOOST_TEST(!m.fenced());
}

BOOST_AUTO_TEST_CASE(recovering_member_that_loses_more_in_a_later_term_says_so) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, after_loss(1, 1, 5)));
    BOOST_TEST(!m.step(heartbeat_of(3, 9, 3)));
    BOOST_CHECK(m.status().hard.lost.term == term_id(3));
    BOOST_TEST(reports(m) == 1u);
}

// With leases a heartbeat carries the leader's clock in the place of an index.
BOOST_AUTO_TEST_CASE(report_that_answers_a_heartbeat_with_a_clock_rejects_no_index) {
    raft_options options = usual(1);
    options.reads = read_mode::lease_based;
    member m(options, disk_with(voters({1, 2, 3}), {1, 1}, after_loss(1, 1, 5)));
    m.run([](raft& r) { r.set_time(5); });
    message heartbeat = from_leader(message_kind::heartbeat, 1);
    heartbeat.index = log_index(2);
    BOOST_TEST(!m.step(heartbeat));
    m.settle();
    unsigned reports = 0;
    for (const owned_message& sent : m.sent()) {
        reports += sent->reject && sent->lost ? 1U : 0U;
        BOOST_TEST((!sent->reject || !sent->index.value()));
    }
    BOOST_TEST(reports == 1u);
}

BOOST_AUTO_TEST_CASE(the_same_leader_gives_it_back) {
    three g;
    g.write(20);
    g.damage(3, 5);
    g.all.restart(3);
    g.write(1); // the leader believes that member 3 holds all but this one
    g.all.tick_all(3);
    BOOST_TEST(!g.all[3].fenced());
    BOOST_TEST(!g.all[3].durable().hard.lost.index.value());
    BOOST_CHECK(g.all[3].last() == g.all[1].last());
    BOOST_CHECK(g.all[3].commit() == g.all[1].commit());
    BOOST_TEST(!g.all[1].peer(3).repairing());
}

// The disk says how much was acknowledged; less than that is not enough, and neither is memory.
BOOST_AUTO_TEST_CASE(it_counts_again_once_everything_is_durable) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, after_loss(1, 1, 5)));
    message append = from_leader(message_kind::append, 1);
    append.log_term = term_id(1);
    append.index = log_index(2);
    append.commit = log_index(4);
    const auto two = quorate::test::run_of(3, {1, 1});
    append.entries = two;
    BOOST_TEST(!m.step(append));
    m.settle();
    BOOST_TEST(m.fenced());
    append.index = log_index(4);
    const auto one = quorate::test::run_of(5, {1});
    append.entries = one;
    BOOST_TEST(!m.step(append));
    BOOST_TEST(m.fenced());
    m.take();
    BOOST_TEST(m.fenced());
    m.settle();
    BOOST_TEST(!m.fenced());
}

BOOST_AUTO_TEST_CASE(a_later_leader_frees_it_by_an_entry_of_its_own) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, after_loss(1, 1, 5)));
    message append = from_leader(message_kind::append, 2);
    append.log_term = term_id(1);
    append.index = log_index(2);
    append.commit = log_index(2); // nothing of term 2 is committed yet
    const auto entries = quorate::test::run_of(3, {2});
    append.entries = entries;
    BOOST_TEST(!m.step(append));
    m.settle();
    BOOST_TEST(m.fenced());
    message heartbeat = from_leader(message_kind::heartbeat, 2);
    heartbeat.commit = log_index(3);
    heartbeat.log_term = term_id(2);
    BOOST_TEST(!m.step(heartbeat));
    m.settle();
    BOOST_TEST(!m.fenced()); // though it held more, of another term: that was never committed
}

// The trap: what leads now may rest on the copy that is gone.
BOOST_AUTO_TEST_CASE(nobody_leads_who_lacks_what_it_acknowledged) {
    three g;
    g.all.isolate(3);
    g.write(100);
    g.all.crash(1);
    g.damage(2, 7);
    g.all.heal();
    g.all.restart(2);
    for (int round = 0; round < 200; ++round) {
        g.all.tick_all();
        BOOST_REQUIRE_EQUAL(g.all.leader(), 0u);
    }
    g.all.restart(1);
    for (int round = 0; round < 200 && g.all.leader() == 0; ++round) {
        g.all.tick_all();
    }
    g.all.tick_all(5);
    BOOST_REQUIRE_EQUAL(g.all.leader(), 1u);
    for (std::uint64_t id = 2; id <= 3; ++id) {
        BOOST_CHECK(g.all[id].last() == g.all[1].last());
        BOOST_TEST(!g.all[id].fenced());
    }
    BOOST_TEST(g.all[1].last().value() > 101u);
}

BOOST_AUTO_TEST_CASE(a_disk_that_forgot_everything_is_noticed_and_repaired) {
    three g;
    g.write(20);
    g.all.crash(3);
    g.all[3].forget();
    g.all.restart(3);
    g.all.tick(1);
    g.all.at(1, [](member& m) { m.settle(); });
    for (unsigned round = 0; round < 10; ++round) {
        while (!g.all.network().empty()) {
            BOOST_TEST(!g.all.deliver());
        }
        BOOST_TEST((round > 0 || g.all[3].fenced()));
        g.all.tick_all();
    }
    BOOST_TEST(!g.all[3].fenced());
    BOOST_CHECK(g.all[3].commit() == g.all[1].commit());
    g.write(1);
}

// The repair may need a snapshot, because the log is compacted behind what is left.
BOOST_AUTO_TEST_CASE(a_snapshot_repairs_too) {
    three g;
    g.write(20);
    g.all.crash(3);
    g.all[3].forget();
    g.all.at(1, [](member& m) { m.make_snapshot(2); });
    g.all.restart(3);
    g.all.tick_all(5);
    BOOST_TEST(!g.all[3].fenced());
    BOOST_CHECK(g.all[3].commit() == g.all[1].commit());
}

BOOST_AUTO_TEST_CASE(it_confirms_nobodys_reads) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, after_loss(1, 1, 5)));
    message heartbeat = from_leader(message_kind::heartbeat, 1);
    heartbeat.context = 7;
    BOOST_TEST(!m.step(heartbeat));
    m.settle();
    const auto answers = quorate::test::only(m.sent(), message_kind::heartbeat_response);
    BOOST_REQUIRE_EQUAL(answers.size(), 1u);
    BOOST_TEST(answers[0]->context == 0u);
}

BOOST_AUTO_TEST_CASE(a_loss_is_reported_with_each_heartbeat) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, {term_id(1), {}, log_index(1), {}}));
    message heartbeat = from_leader(message_kind::heartbeat, 1);
    heartbeat.commit = log_index(9);
    BOOST_TEST(!m.step(heartbeat));
    BOOST_TEST(m.fenced());
    BOOST_TEST(!m.step(heartbeat));
    m.settle();
    unsigned rejections = 0;
    for (const auto& answer : m.sent()) {
        rejections += answer->reject && answer->lost ? 1U : 0U;
    }
    BOOST_TEST(rejections == 2u);
}

// The tail that was lost may have been longer than the log of the leader, and not committed.
BOOST_AUTO_TEST_CASE(a_fence_falls_once_the_leader_gave_back_its_own_shorter_log) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, after_loss(2, 1, 9)));
    message heartbeat = from_leader(message_kind::heartbeat, 2);
    BOOST_TEST(!m.step(heartbeat));
    m.settle();
    const auto reports = quorate::test::only(m.sent(), message_kind::append_response);
    BOOST_REQUIRE_EQUAL(reports.size(), 1u);
    BOOST_TEST((reports[0]->reject && reports[0]->lost));
    BOOST_TEST(reports[0]->reject_hint.value() == 2u);
    message append = from_leader(message_kind::append, 2);
    append.log_term = term_id(1);
    append.index = log_index(2);
    append.commit = log_index(3);
    const auto entries = quorate::test::run_of(3, {2});
    append.entries = entries;
    BOOST_TEST(!m.step(append)); // from before the leader knew
    m.settle();
    BOOST_TEST(m.fenced());
    append.lost = true;
    BOOST_TEST(!m.step(append));
    m.settle();
    BOOST_TEST(!m.fenced());
}

BOOST_AUTO_TEST_CASE(an_append_that_ends_behind_the_commit_index_frees_later) {
    member m(usual(1), disk_with(voters({1, 2, 3}), {1, 1}, after_loss(2, 1, 9)));
    message append = from_leader(message_kind::append, 2);
    append.lost = true;
    append.log_term = term_id(1);
    append.index = log_index(2);
    append.commit = log_index(4);
    const auto entries = quorate::test::run_of(3, {2, 2});
    append.entries = std::span(entries).first(1);
    BOOST_TEST(!m.step(append));
    m.settle();
    BOOST_TEST(m.fenced());
    append.log_term = term_id(2);
    append.index = log_index(3);
    append.entries = std::span(entries).last(1);
    append.lost = false;
    BOOST_TEST(!m.step(append));
    BOOST_TEST(m.fenced());
    m.settle();
    BOOST_TEST(!m.fenced());
}

BOOST_AUTO_TEST_CASE(a_leader_that_counts_nothing_lost_says_so) {
    member m(usual(1), quorate::test::start_of(voters({1, 2, 3})));
    quorate::test::elect(m);
    quorate::test::ack_all(m, 2);
    m.settle();
    m.outbox.clear();
    message report = quorate::test::rejection_from(2, 1, m.term().value(), 0, at(1, 1));
    report.lost = true;
    BOOST_TEST(!m.step(report));
    m.settle();
    const auto appends = quorate::test::only(m.sent(), message_kind::append);
    BOOST_REQUIRE_EQUAL(appends.size(), 1u);
    BOOST_TEST(appends[0]->lost);
    BOOST_TEST(m.peer(2).match().value() == 1u);
    quorate::test::ack_all(m, 2);
    BOOST_TEST(!m.peer(2).repairing());
}

// What came back may be an older log, which is as long and other than what was acknowledged.
BOOST_AUTO_TEST_CASE(a_leader_starts_over_where_acknowledged_entries_do_not_fit) {
    member m(usual(1), quorate::test::start_of(voters({1, 2, 3})));
    quorate::test::elect(m);
    quorate::test::ack_all(m, 2);
    message report = quorate::test::rejection_from(2, 1, m.term().value(), 1, at(0, 1));
    report.lost = true;
    BOOST_TEST(!m.step(report));
    BOOST_TEST(m.peer(2).match().value() == 0u);
    BOOST_TEST(m.peer(2).repairing());
}

BOOST_AUTO_TEST_CASE(the_reference_only_stops) {
    member m(exact(1), disk_with(voters({1, 2, 3}), {1, 1}, {term_id(1), {}, log_index(1), {}}));
    message heartbeat = from_leader(message_kind::heartbeat, 2);
    heartbeat.commit = log_index(9);
    for (int i = 0; i < 2; ++i) {
        BOOST_CHECK(m.step(heartbeat) == errc::log_conflict);
    }
    m.settle();
    BOOST_TEST(!m.fenced());
    BOOST_TEST(m.sent().empty());
}

BOOST_AUTO_TEST_SUITE_END()
