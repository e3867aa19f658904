#include <quorate/consensus/progress.hpp>

#include <boost/test/unit_test.hpp>

#include <deque>
#include <random>

BOOST_AUTO_TEST_SUITE(progress)

using namespace quorate;

namespace {

peer_progress fresh(std::uint64_t match = 0, std::uint64_t next = 1) {
    return {node_id(2), log_index(match), log_index(next), false, true};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_window_frees_what_is_acknowledged) {
    inflight_window w;
    for (std::uint64_t i = 1; i <= 20; ++i) {
        w.add(log_index(i * 10), i);
    }
    BOOST_TEST(w.count() == 20U);
    BOOST_TEST(w.bytes() == 210U);
    w.free_to(log_index(9));
    BOOST_TEST(w.count() == 20U);
    w.free_to(log_index(35));
    BOOST_TEST(w.count() == 17U);
    BOOST_TEST(w.bytes() == 204U);
    w.free_to(log_index(1000));
    BOOST_TEST(w.count() == 0U);
    BOOST_TEST(w.bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_window_behaves_like_a_queue) {
    std::mt19937_64 random(1);
    inflight_window w;
    std::deque<std::pair<std::uint64_t, std::uint64_t>> model;
    std::uint64_t last = 0;
    std::uint64_t bytes = 0;
    for (int round = 0; round < 20000; ++round) {
        const std::uint64_t dice = random() % 100;
        if (dice < 55) {
            last += 1 + random() % 3;
            const std::uint64_t size = random() % 50;
            w.add(log_index(last), size);
            model.emplace_back(last, size);
            bytes += size;
        } else if (dice < 99) {
            const std::uint64_t acked = last - std::min<std::uint64_t>(last, random() % 30);
            w.free_to(log_index(acked));
            while (!model.empty() && model.front().first <= acked) {
                bytes -= model.front().second;
                model.pop_front();
            }
        } else {
            w.clear();
            model.clear();
            bytes = 0;
        }
        BOOST_TEST(w.count() == model.size());
        BOOST_TEST(w.bytes() == bytes);
    }
}

BOOST_AUTO_TEST_CASE(probing_sends_one_append_with_entries_at_a_time) {
    const flow_limits limits;
    peer_progress p = fresh();
    BOOST_TEST(!p.paused());
    p.on_sent(0, 0, limits);
    BOOST_TEST(!p.paused()); // an empty one promises no progress
    p.on_sent(3, 10, limits);
    BOOST_TEST(p.paused());
    BOOST_TEST(p.next() == log_index(1));
    BOOST_TEST(p.inflight_count() == 0U);
    p.resume();
    BOOST_TEST(!p.paused());
}

BOOST_AUTO_TEST_CASE(replicating_moves_on_before_the_answer) {
    flow_limits limits;
    limits.messages_max = 2;
    peer_progress p = fresh();
    p.become_replicate();
    p.on_sent(3, 10, limits);
    BOOST_TEST(p.next() == log_index(4));
    BOOST_TEST(!p.paused());
    p.on_sent(1, 10, limits);
    BOOST_TEST(p.paused());
    BOOST_TEST(p.inflight_full(limits));
    BOOST_TEST(p.on_ack(log_index(3)));
    p.free_inflight(log_index(3));
    BOOST_TEST(!p.paused());
    BOOST_TEST(p.inflight_count() == 1U);
    BOOST_TEST(p.match() == log_index(3));
}

BOOST_AUTO_TEST_CASE(the_window_counts_bytes_too) {
    flow_limits limits;
    limits.bytes_max = 100;
    peer_progress p = fresh();
    p.become_replicate();
    p.on_sent(1, 99, limits);
    BOOST_TEST(!p.paused());
    p.on_sent(1, 99, limits); // soft: the one that crosses the line still goes
    BOOST_TEST(p.paused());
}

BOOST_AUTO_TEST_CASE(a_snapshot_pauses_until_it_arrived) {
    peer_progress p = fresh();
    p.become_snapshot(log_index(10));
    BOOST_TEST(p.paused());
    BOOST_TEST(p.next() == log_index(11));
    BOOST_TEST(p.pending_snapshot() == log_index(10));
    p.resume();
    BOOST_TEST(p.paused());
    p.become_probe();
    BOOST_TEST(p.next() == log_index(11));
    BOOST_TEST(p.pending_snapshot() == log_index(0));
    BOOST_TEST(!p.paused());
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_failed_moves_nothing) {
    peer_progress p = fresh(2, 3);
    p.become_snapshot(log_index(10));
    p.forget_pending_snapshot();
    p.become_probe();
    BOOST_TEST(p.next() == log_index(3));
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_is_news_once) {
    peer_progress p = fresh(0, 6);
    p.pause();
    BOOST_TEST(p.on_ack(log_index(3)));
    BOOST_TEST(!p.paused());
    BOOST_TEST(p.match() == log_index(3));
    BOOST_TEST(p.next() == log_index(6));
    p.pause();
    BOOST_TEST(!p.on_ack(log_index(3)));
    BOOST_TEST(!p.on_ack(log_index(2)));
    BOOST_TEST(p.paused());
    BOOST_TEST(p.on_ack(log_index(9)));
    BOOST_TEST(p.next() == log_index(10));
}

BOOST_AUTO_TEST_CASE(a_rejection_moves_back_and_never_behind_the_match) {
    struct row {
        bool replicate;
        std::uint64_t match, next, rejected, hint, expected;
        bool accepted;
    };
    for (const row& r :
         {row{true, 5, 10, 5, 5, 10, false}, row{true, 5, 10, 4, 4, 10, false},
          row{true, 5, 10, 9, 9, 6, true}, row{false, 0, 1, 5, 5, 1, false},
          row{false, 0, 10, 5, 5, 10, false}, row{false, 0, 10, 9, 9, 9, true},
          row{false, 0, 2, 1, 1, 1, true}, row{false, 0, 1, 0, 0, 1, true},
          row{false, 0, 10, 9, 2, 3, true}, row{false, 0, 10, 9, 0, 1, true},
          row{false, 4, 10, 9, 1, 5, true}, row{false, 0, 10, 9, UINT64_MAX, 1, true}}) {
        peer_progress p = fresh(r.match, r.next);
        if (r.replicate) {
            p.become_replicate();
            p.on_sent(r.next - p.next().value(), 0, flow_limits{});
        }
        p.pause();
        BOOST_TEST(p.on_rejected(log_index(r.rejected), log_index(r.hint)) == r.accepted);
        BOOST_TEST(p.next() == log_index(r.expected));
        BOOST_TEST(p.match() < p.next());
        BOOST_TEST(p.paused() == (r.replicate || !r.accepted));
    }
}

BOOST_AUTO_TEST_CASE(flags_and_reads) {
    peer_progress p = fresh();
    p.set_learner(true);
    p.set_recently_active(false);
    BOOST_TEST(p.learner());
    BOOST_TEST(!p.recently_active());
    p.on_read_ack(5);
    p.on_read_ack(3);
    BOOST_TEST(p.read_acked() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
