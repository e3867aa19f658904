// Members that walk over their whole state on another thread.
#include <quorate/node.hpp>

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "walking_group.hpp"

BOOST_AUTO_TEST_SUITE(walks)

using namespace node_test;

BOOST_AUTO_TEST_CASE(a_leader_in_a_walk_sends_heartbeats_and_keeps_leading) {
    walking_group g;
    start_some(g, {});
    const closed shut(walk_gate);
    const std::uint64_t leads = g.leader();
    const std::uint64_t other = g.follower();
    // With none of the members applying, commits and heartbeats go on.
    for (const auto& [id, node] : g.nodes) {
        node->inspect([](const gated_list&) { walk_gate.pass(); }, [](error_code) {});
    }
    BOOST_REQUIRE(g.run_until([] { return walk_gate.holds(3); }));
    std::vector<std::shared_ptr<outcome>> asked;
    for (int i = 0; i < 100; ++i) {
        asked.push_back(g.submit(other, "word" + std::to_string(asked.size())));
    }
    const term_id term = g.nodes.at(leads)->status().engine.hard.term;
    std::map<std::uint64_t, int> heartbeats;
    g.network.set_filter([&heartbeats, leads](const message& m) {
        heartbeats[m.to.value()] += m.kind == message_kind::heartbeat && m.from == node_id(leads);
        return loopback_fate::deliver;
    });
    BOOST_TEST(g.run_until([&] {
        const bool beats = std::all_of(g.nodes.begin(), g.nodes.end(), [&](const auto& n) {
            return n.first == leads || heartbeats[n.first] > 30;
        });
        return beats && committed(g, leads) >= log_index(1 + asked.size());
    }));
    BOOST_TEST(walk_gate.holds(3));
    BOOST_TEST((g.nodes.at(leads)->status().engine.soft.role == role_kind::leader));
    BOOST_TEST((g.nodes.at(leads)->status().engine.hard.term == term));
    walk_gate.open();
    for (const auto& one : asked) {
        BOOST_REQUIRE(g.finished(one));
        BOOST_TEST(!one->failed);
    }
    BOOST_TEST(g.agree(asked.size()));
}

BOOST_AUTO_TEST_CASE(entries_and_reads_wait_for_a_walk_and_follow_in_order) {
    walking_group g(1);
    start_some(g, {1});
    {
        const closed shut(walk_gate);
        write_until_walking(g, 1);
        const log_index walked = applied(g, 1);
        const std::size_t count = g.words(1).words().size();
        std::vector<std::shared_ptr<outcome>> asked;
        for (int i = 0; i < 50; ++i) {
            asked.push_back(g.submit(1, "during" + std::to_string(i)));
        }
        BOOST_REQUIRE(g.run_until([&] { return committed(g, 1) >= walked + 50; }));
        const auto read = g.read(1); // of all that is committed by now
        g.run_for(milliseconds(20));
        BOOST_TEST(applied(g, 1) == walked);
        BOOST_TEST(g.words(1).words().size() == count);
        BOOST_TEST(!read->done);
        BOOST_TEST(!asked.front()->done);
        walk_gate.open();
        BOOST_REQUIRE(g.finished(asked.front()));
        std::size_t reply = asked.front()->reply - 1;
        for (const auto& one : asked) {
            BOOST_REQUIRE(g.finished(one));
            BOOST_TEST(!one->failed);
            BOOST_TEST(one->reply == ++reply);
        }
        BOOST_REQUIRE(g.finished(read));
        BOOST_TEST(read->well());
    }
    const std::vector<std::string> before = g.words(1).words();
    g.stop(1);
    g.start(1);
    const auto read = g.read(1);
    BOOST_REQUIRE(g.finished(read));
    BOOST_TEST(g.words(1).words() == before, boost::test_tools::per_element());
}

// The followers apply, and would forward without end.
BOOST_AUTO_TEST_CASE(leader_in_a_walk_rejects_forwards_beyond_its_bound) {
    walking_group g;
    for (const member_info& m : g.initial) {
        node_options options = g.options_of(m.id.value());
        options.snapshot_entries = never;
        options.unapplied_entries_max = 10;
        options.requests_in_flight_max = 20;
        options.engine.election_ticks = 120; // the leader stays, also on a slow machine
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
    const closed shut(walk_gate);
    const std::uint64_t leads = g.leader();
    const std::uint64_t other = g.follower();
    g.nodes.at(leads)->inspect([](const gated_list&) { walk_gate.pass(); }, [](error_code) {});
    BOOST_REQUIRE(g.run_until([] { return walk_gate.holds(); }));
    error_code refused;
    for (int i = 0; i < 100 && !refused; ++i) {
        const auto asked = g.submit(other, "word" + std::to_string(i));
        BOOST_REQUIRE(g.finished(asked));
        refused = asked->failed;
    }
    BOOST_CHECK(refused == errc::too_many_unapplied);
    BOOST_TEST(committed(g, leads) - applied(g, leads) > 20u);
    BOOST_TEST(committed(g, leads) - applied(g, leads) < 40u);
    walk_gate.open();
    BOOST_REQUIRE(g.run_until([&] { return committed(g, leads) == applied(g, leads); }));
    BOOST_TEST(g.wrote(other, "after"));
}

// What waited is applied in turns, so that ticks and messages come in between.
BOOST_AUTO_TEST_CASE(entries_that_waited_are_applied_in_bounded_turns) {
    struct counting final : node_observer<std::size_t> {
        explicit counting(boost::asio::io_context& context) : io(context) {}
        void on_applied(log_index, const std::size_t&) override {
            most = std::max(most, ++in_turn);
            if (in_turn == 1) {
                boost::asio::post(io, [this] { in_turn = 0; });
            }
        }
        boost::asio::io_context& io;
        std::size_t in_turn = 0;
        std::size_t most = 0;
    };
    walking_group g(1);
    counting seen(g.io);
    node_options options = g.options_of(1);
    options.snapshot_entries = 20;
    auto& node = g.add(std::move(options));
    node.observe(&seen);
    BOOST_REQUIRE(!node.start());
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
    const closed shut(walk_gate);
    write_until_walking(g, 1);
    const log_index walked = applied(g, 1);
    std::vector<std::shared_ptr<outcome>> asked;
    for (int i = 0; i < 3000; ++i) {
        asked.push_back(g.submit(1, "during"));
    }
    BOOST_REQUIRE(g.run_until([&] { return committed(g, 1) >= walked + 3000; }));
    seen.most = 0;
    walk_gate.open();
    BOOST_REQUIRE(g.run_until([&] { return applied(g, 1) >= walked + 3000; }));
    BOOST_TEST(seen.most <= 256u);
    BOOST_TEST(seen.most > 1u);
    for (const auto& one : asked) {
        BOOST_TEST(one->well());
    }
}

BOOST_AUTO_TEST_CASE(a_member_stopped_in_the_middle_of_a_walk_loses_nothing) {
    walking_group g(1);
    start_some(g, {1});
    const closed shut(walk_gate);
    const std::size_t count = write_until_walking(g, 1);
    const log_index proposed = g.nodes.at(1)->status().engine.last; // the last word before it, too
    const auto during = g.submit(1, "during");
    BOOST_REQUIRE(g.run_until([&] { return committed(g, 1) > proposed; }));
    std::thread opens([] {
        std::this_thread::sleep_for(milliseconds(50)); // the node waits for the walk by then
        walk_gate.open();
    });
    g.stop(1);
    opens.join();
    BOOST_TEST(during->done);
    BOOST_TEST(during->calls == 1);
    BOOST_TEST(during->failed == errc::outcome_unknown);
    g.start(1);
    BOOST_REQUIRE(g.wrote(1, "after"));
    BOOST_TEST(g.words(1).words().size() > count);
    BOOST_TEST(g.words(1).count("after") == 1u);
}

BOOST_AUTO_TEST_CASE(a_leader_that_is_replaced_in_the_middle_of_its_walk_follows) {
    walking_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    g.stop(leads);
    node_options options = g.options_of(leads);
    options.snapshot_entries = 20;
    g.start(std::move(options));
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
    const std::uint64_t other = g.leader() == leads ? g.follower() : g.leader();
    const closed shut(walk_gate);
    const std::size_t count = write_until_walking(g, other);
    g.isolate(leads);
    BOOST_REQUIRE(g.run_until([&] { return g.leader(leads) != 0; }));
    BOOST_REQUIRE(g.wrote(g.leader(leads), "apart"));
    g.network.heal();
    BOOST_REQUIRE(g.run_until([&] {
        return g.nodes.at(leads)->status().engine.last == g.nodes.at(other)->status().engine.last;
    }));
    BOOST_TEST(walk_gate.holds());
    walk_gate.open();
    BOOST_TEST(g.agree(count + 1));
    BOOST_TEST(g.wrote(leads, "after"));
}

BOOST_AUTO_TEST_CASE(a_member_that_is_removed_in_the_middle_of_its_walk_ends) {
    walking_group g;
    start_some(g, {1});
    const std::uint64_t other = g.leader() == 1 ? g.follower() : g.leader();
    const closed shut(walk_gate);
    write_until_walking(g, other);
    const auto removed = std::make_shared<outcome>();
    g.nodes.at(other)->remove_member(node_id(1), g.into(removed));
    BOOST_REQUIRE(g.run_until([&] { return removed->done || walk_gate.holds(); }));
    walk_gate.open();
    BOOST_REQUIRE(g.finished(removed));
    BOOST_TEST(!removed->failed);
    BOOST_REQUIRE(g.run_until([&] { return g.ended.count(1) == 1; }));
    BOOST_TEST(g.ended.at(1) == errc::member_removed);
    BOOST_REQUIRE(g.run_until([&] { return g.leader(1) != 0; }));
    BOOST_TEST(g.wrote(g.leader(1), "after"));
}

namespace {

/// A walk of a member that goes on until the test ends it.
template <class Node>
class long_walk {
public:
    explicit long_walk(Node& node) {
        const auto look = [kept = kept_](const gated_list&) {
            kept->begun = true;
            while (!kept->ends) {
                std::this_thread::sleep_for(milliseconds(1));
            }
        };
        node.inspect(look, [](error_code) {});
    }
    long_walk(const long_walk&) = delete;
    long_walk& operator=(const long_walk&) = delete;
    ~long_walk() { end(); }
    [[nodiscard]] bool begun() const { return kept_->begun; }
    void end() { kept_->ends = true; }

private:
    struct flags {
        std::atomic<bool> begun = false;
        std::atomic<bool> ends = false;
    };
    std::shared_ptr<flags> kept_ = std::make_shared<flags>();
};

} // namespace

// What waits is older than the snapshot. The walk ends before the snapshot is released, or after.
BOOST_AUTO_TEST_CASE(a_snapshot_that_comes_in_the_middle_of_a_walk_replaces_what_waits) {
    for (const bool released : {false, true}) {
        walking_group g;
        start_some(g, {1, 2, 3});
        const std::uint64_t late = g.follower();
        const std::uint64_t writer = another(late, g.leader());
        std::size_t count = 0;
        BOOST_REQUIRE(g.wrote(writer, "word" + std::to_string(count++)));
        BOOST_REQUIRE(g.run_until([&] { return applied(g, late) == committed(g, writer); }));
        long_walk walk(*g.nodes.at(late));
        BOOST_REQUIRE(g.run_until([&] { return walk.begun(); }));
        const log_index walked = applied(g, late);
        const auto changed = [&](bool adds) {
            auto& node = *g.nodes.at(writer);
            // The leader may be in a walk of its own, with the change before not applied yet.
            for (int tries = 0; tries < 1000; ++tries) {
                const auto result = std::make_shared<outcome>();
                adds ? node.add_member({node_id(4), g.url(4)}, change_kind::add_learner,
                                       g.into(result))
                     : node.remove_member(node_id(4), g.into(result));
                BOOST_REQUIRE(g.finished(result));
                if (!result->failed) {
                    return;
                }
                BOOST_REQUIRE((result->failed == condition::retry));
                g.run_for(milliseconds(2));
            }
            BOOST_FAIL("the change was never made");
        };
        changed(true);
        BOOST_REQUIRE(g.run_until([&] { return committed(g, late) > walked; }));
        g.isolate(late);
        changed(false);
        const log_index last = g.nodes.at(late)->status().engine.last;
        for (std::uint64_t id = 1; id <= 3; ++id) {
            while (id != late && g.nodes.at(id)->status().engine.first <= last + 1) {
                BOOST_REQUIRE(count < 4000);
                BOOST_REQUIRE(g.wrote(id, "word" + std::to_string(count++)));
            }
        }
        g.network.heal();
        BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(late)->status().engine.first > last; }));
        BOOST_REQUIRE(g.run_until([&] { return !released || installed(g, late); }));
        BOOST_TEST(applied(g, late) == walked);
        walk.end();
        BOOST_REQUIRE(g.agree(count));
        BOOST_TEST((g.nodes.at(late)->members() == g.nodes.at(writer)->members()));
        BOOST_TEST((g.nodes.at(late)->configuration() == g.nodes.at(writer)->configuration()));
    }
}

// The engine's members are those of the snapshot from the moment that it is accepted. An own
// snapshot of what is applied, made then, would name them at an index at which they were not
// members.
BOOST_AUTO_TEST_CASE(own_snapshot_that_waits_while_one_is_received_is_made_of_that_one) {
    walking_group g;
    const closed shut(walk_gate);
    walk_gate.open();
    node_options options;
    for (const member_info& m : g.initial) {
        options = g.options_of(m.id.value());
        options.snapshot_entries = 20;
        options.catch_up_entries = 0;
        g.start(options);
    }
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
    const std::uint64_t late = g.follower();
    const std::uint64_t writer = another(late, g.leader());
    std::size_t count = 0;
    const auto write = [&](std::uint64_t id) {
        BOOST_REQUIRE(count < 4000);
        BOOST_REQUIRE(g.wrote(id, "word" + std::to_string(count++)));
    };
    write(writer);
    BOOST_REQUIRE(g.run_until([&] { return applied(g, late) == committed(g, writer); }));
    // What waits behind the first walk is enough for a snapshot, which then waits for the second.
    long_walk first(*g.nodes.at(late));
    BOOST_REQUIRE(g.run_until([&] { return first.begun(); }));
    long_walk second(*g.nodes.at(late));
    for (int i = 0; i < 25; ++i) {
        write(writer);
    }
    BOOST_REQUIRE(g.run_until([&] { return committed(g, late) >= committed(g, writer); }));
    first.end();
    BOOST_REQUIRE(g.run_until([&] { return second.begun(); }));
    const log_index walked = applied(g, late);
    BOOST_REQUIRE(walked == committed(g, late));
    g.isolate(late);
    const log_index last = g.nodes.at(late)->status().engine.last;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        while (id != late && g.nodes.at(id)->status().engine.first <= last + 1) {
            write(id);
        }
    }
    g.network.heal();
    walk_gate.close();
    BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(late)->status().engine.first > last; }));
    second.end();
    BOOST_REQUIRE(g.run_until([] { return walk_gate.holds(); }));
    BOOST_TEST((applied(g, late) > walked));
    walk_gate.open();
    BOOST_REQUIRE(g.agree(count));
}

BOOST_AUTO_TEST_CASE(walks_without_end_let_entries_pass) {
    walking_group g(1);
    start_some(g, {});
    std::size_t looked = 0;
    std::function<void()> look = [&] {
        g.nodes.at(1)->inspect([](const gated_list&) {},
                               [&](error_code failed) {
                                   ++looked;
                                   if (!failed) {
                                       look();
                                   }
                               });
    };
    for (int i = 0; i < 4; ++i) {
        look();
    }
    for (int i = 0; i < 50; ++i) {
        BOOST_REQUIRE(g.wrote(1, "word"));
    }
    BOOST_TEST(looked > 4u);
    const std::size_t before = looked;
    g.stop(1); // answers those that wait
    BOOST_TEST(looked >= before + 4);
}

BOOST_AUTO_TEST_CASE(members_make_snapshots_at_different_indices_and_the_leader_at_whole_periods) {
    memory_group g;
    std::map<std::uint64_t, std::set<std::uint64_t>> made;
    for (const member_info& m : g.initial) {
        node_options options = g.options_of(m.id.value());
        options.snapshot_entries = 30;
        options.log = [&made, id = m.id.value()](severity, const std::string& text) {
            const std::string head = "made a snapshot at index ";
            if (text.starts_with(head)) {
                made[id].insert(std::stoull(text.substr(head.size())));
            }
        };
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
    const std::uint64_t leads = g.leader();
    for (int i = 0; i < 200; ++i) {
        BOOST_REQUIRE(g.wrote(leads, "word"));
    }
    BOOST_REQUIRE(g.agree(200));
    if (g.leader() != leads) {
        return; // a slow machine; another leader has another place
    }
    std::set<std::uint64_t> all;
    for (const auto& [id, indices] : made) {
        BOOST_TEST(indices.size() >= 5u);
        for (const std::uint64_t index : indices) {
            BOOST_TEST(all.insert(index).second);
            BOOST_TEST((id == leads) == (index % 30 == 0));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
