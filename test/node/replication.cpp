#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(replication)

using namespace node_test;

BOOST_AUTO_TEST_CASE(a_write_at_the_leader_reaches_every_member) {
    memory_group g;
    g.start_all();
    const auto first = g.submit(g.leader(), "one");
    const auto second = g.submit(g.leader(), "two");
    BOOST_REQUIRE(g.finished(second));
    BOOST_TEST(first->well());
    BOOST_TEST(first->reply == 1u);
    BOOST_TEST(second->reply == 2u);
    BOOST_TEST(g.agree(2));
    BOOST_TEST(g.words(g.follower()).words() == (std::vector<std::string>{"one", "two"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_write_at_a_follower_is_answered_there_after_it_is_applied_there) {
    memory_group g;
    g.start_all();
    const std::uint64_t asked = g.follower();
    std::size_t seen = 0;
    g.nodes.at(asked)->submit("word", [&](error_code failed, std::size_t reply) {
        BOOST_TEST(!failed);
        BOOST_TEST(reply == 1u);
        seen = g.words(asked).count("word");
    });
    BOOST_TEST(g.run_until([&] { return seen == 1; }));
}

BOOST_AUTO_TEST_CASE(a_read_anywhere_sees_what_was_acknowledged) {
    memory_group g;
    g.start_all();
    for (int i = 0; i < 20; ++i) {
        const std::string word = std::to_string(i);
        BOOST_REQUIRE(g.wrote(1 + static_cast<std::uint64_t>(i) % 3, word));
        for (std::uint64_t id = 1; id <= 3; ++id) {
            std::size_t seen = 0;
            bool done = false;
            g.nodes.at(id)->read([&](error_code failed) {
                BOOST_TEST(!failed);
                seen = g.words(id).count(word);
                done = true;
            });
            BOOST_REQUIRE(g.run_until([&] { return done; }));
            BOOST_TEST(seen == 1u);
        }
    }
}

BOOST_AUTO_TEST_CASE(many_writes_from_all_sides_are_applied_once_and_in_one_order) {
    memory_group g;
    g.start_all();
    std::vector<std::shared_ptr<outcome>> results;
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t id = 1 + static_cast<std::uint64_t>(i) % 3;
        results.push_back(g.submit(id, std::to_string(i)));
        if (i % 10 == 0) {
            g.run_for(milliseconds(1));
        }
    }
    BOOST_REQUIRE(g.agree(300));
    BOOST_TEST(g.words(1).words().size() == 300u);
    for (int i = 0; i < 300; ++i) {
        BOOST_TEST(results[static_cast<std::size_t>(i)]->well());
        BOOST_TEST(results[static_cast<std::size_t>(i)]->calls == 1);
        BOOST_TEST(g.words(1).count(std::to_string(i)) == 1u);
    }
}

BOOST_AUTO_TEST_CASE(writes_of_one_member_keep_their_order) {
    memory_group g;
    g.start_all();
    const std::uint64_t asked = g.follower();
    std::vector<std::string> expected;
    for (int i = 0; i < 100; ++i) {
        expected.push_back(std::to_string(i));
        g.submit(asked, expected.back());
    }
    BOOST_REQUIRE(g.agree(100));
    BOOST_TEST(g.words(asked).words() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_member_alone_is_a_group) {
    memory_group g(1);
    g.start_all();
    BOOST_TEST(g.wrote(1, "word"));
    const auto read = g.read(1);
    BOOST_TEST(g.finished(read));
    BOOST_TEST(read->well());
}

BOOST_AUTO_TEST_CASE(limits_are_answered_at_once) {
    memory_group g(1);
    node_options options = g.options_of(1);
    options.request_bytes_max = command_header_bytes + 12;
    options.pending_bytes_max = 1000;
    options.requests_in_flight_max = 2;
    g.start(std::move(options));
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    BOOST_TEST(g.submit(1, std::string(13, 'x'))->failed == errc::request_too_large);
    const auto fits = g.submit(1, std::string(12, 'x'));
    const auto second = g.submit(1, "");
    BOOST_TEST(!fits->done);
    BOOST_TEST(g.submit(1, "y")->failed == errc::too_many_unapplied);
    const auto read = g.read(1);
    BOOST_REQUIRE(g.finished(second));
    BOOST_TEST(fits->well());
    BOOST_REQUIRE(g.finished(read));
    BOOST_TEST(read->well());
}

// A batch that only waited for the writes before it must not wait for the next tick.
BOOST_AUTO_TEST_CASE(nothing_waits_for_a_tick) {
    file_group g(1);
    node_options options = g.options_of(1);
    options.tick_interval = milliseconds(50);
    options.engine.election_ticks = 2;
    g.start(std::move(options));
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    int prompt = 0; // a loaded machine may hold up some, but not most
    for (int i = 0; i < 60; ++i) {
        const auto before = std::chrono::steady_clock::now();
        BOOST_REQUIRE(g.wrote(1, std::to_string(i)));
        prompt += std::chrono::steady_clock::now() - before < milliseconds(25);
    }
    BOOST_TEST(prompt >= 10);
}

// With a log in memory a handler that always asks again must not keep the thread for itself.
BOOST_AUTO_TEST_CASE(a_handler_that_always_asks_again_leaves_room_for_others) {
    memory_group g(1);
    g.start_all();
    std::uint64_t count = 0;
    std::function<void(error_code, std::size_t)> again = [&](error_code failed, std::size_t) {
        ++count;
        if (!failed && count < 2'000'000) {
            g.nodes.at(1)->submit("", again);
        }
    };
    again({}, 0);
    bool had_its_turn = false;
    boost::asio::post(g.io, [&] {
        boost::asio::post(g.io, [&] {
            had_its_turn = true;
            g.nodes.at(1)->stop([](error_code) {});
        });
    });
    BOOST_TEST(g.run_until([&] { return had_its_turn; }));
    BOOST_TEST(count < 2'000'000u);
    BOOST_TEST(count > 1u);
}

BOOST_AUTO_TEST_CASE(a_handler_may_do_anything) {
    memory_group g;
    g.start_all();
    const std::uint64_t id = g.follower();
    auto& node = *g.nodes.at(id);
    bool stopped = false;
    node.submit("first", [&](error_code, std::size_t) {
        node.submit("second", [&](error_code, std::size_t) {
            node.read([&](error_code) { node.stop([&](error_code) { stopped = true; }); });
        });
    });
    const auto waits = g.submit(id, "third");
    BOOST_TEST(g.run_until([&] { return stopped; }));
    BOOST_TEST(waits->calls == 1);
    BOOST_TEST(g.words(id).count("second") == 1u);
}

// The contract of a transport allows both.
BOOST_AUTO_TEST_CASE(word_is_applied_once_where_the_network_duplicates_and_reorders) {
    std::mt19937_64 random(1);
    memory_group g;
    g.start_all();
    g.network.set_filter([&random](const message& m) {
        if (m.kind == message_kind::proposal) {
            return loopback_fate::duplicate;
        }
        const std::uint64_t dice = random() % 8;
        return dice == 0   ? loopback_fate::delay
               : dice <= 2 ? loopback_fate::duplicate
                           : loopback_fate::deliver;
    });
    std::vector<std::string> asked;
    for (int round = 0; round < 40; ++round) {
        std::vector<std::shared_ptr<outcome>> waiting;
        for (std::uint64_t id = 1; id <= 3; ++id) {
            asked.push_back("w" + std::to_string(asked.size()));
            waiting.push_back(g.submit(id, asked.back()));
        }
        if (round % 10 == 9) {
            g.nodes.at(1 + random() % 3)->transfer_leadership();
        }
        g.run_for(milliseconds(2));
        g.network.release_delayed();
        for (const auto& one : waiting) {
            BOOST_REQUIRE(g.run_until([&] {
                g.network.release_delayed();
                return one->done;
            }));
            BOOST_TEST(one->calls == 1);
        }
    }
    g.network.set_filter({});
    g.network.release_delayed();
    BOOST_REQUIRE(g.wrote(g.follower(), "last"));
    BOOST_REQUIRE(g.agree(1));
    for (const std::string& word : asked) {
        BOOST_TEST(g.words(1).count(word) <= 1u, word);
    }
}

// Copies of a forward that reach the leader once it has stepped down must not be answered with a
// refusal: the follower, which has not heard of the entry yet, would propose the request again.
BOOST_AUTO_TEST_CASE(copy_of_a_forward_after_a_change_of_leader_is_ignored) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    const std::uint64_t asked = g.follower();
    const std::uint64_t other = 6 - leads - asked;
    const auto holds_back = [asked](const message& m) {
        return m.kind == message_kind::append && m.to == node_id(asked);
    };
    g.network.set_filter([holds_back](const message& m) {
        return holds_back(m)                      ? loopback_fate::drop
               : m.kind == message_kind::proposal ? loopback_fate::duplicate
                                                  : loopback_fate::deliver;
    });
    const auto written = g.submit(asked, "word");
    BOOST_REQUIRE(g.run_until([&] { return g.words(other).count("word") == 1u; }));
    g.network.set_filter([holds_back](const message& m) {
        return holds_back(m) ? loopback_fate::drop : loopback_fate::deliver;
    });
    auto moved = std::make_shared<outcome>();
    g.nodes.at(leads)->transfer_leadership(node_id(other), g.into(moved));
    BOOST_REQUIRE(g.finished(moved));
    BOOST_REQUIRE(g.run_until([&] {
        return g.nodes.at(asked)->status().engine.soft.leader == node_id(other) &&
               g.nodes.at(leads)->status().engine.soft.leader == node_id(other);
    }));
    g.network.release_delayed();
    g.run_for(milliseconds(30));
    BOOST_TEST(!written->done);
    g.network.set_filter({});
    BOOST_REQUIRE(g.finished(written));
    BOOST_TEST(written->well());
    BOOST_REQUIRE(g.wrote(leads, "last"));
    BOOST_REQUIRE(g.agree(2));
    BOOST_TEST(g.words(asked).count("word") == 1u);
}

// Ids of members whose low bits are equal once led to equal ids of requests.
BOOST_AUTO_TEST_CASE(requests_of_members_with_similar_ids_are_told_apart) {
    memory_group g(0);
    g.initial = {{node_id(1), g.url(1)},
                 {node_id(65537), g.url(2)},
                 {node_id(std::uint64_t{1} << 48 | 1), g.url(3)}};
    g.start_all();
    std::map<std::uint64_t, std::vector<std::shared_ptr<outcome>>> asked;
    for (int i = 0; i < 50; ++i) {
        for (const member_info& m : g.initial) {
            const std::uint64_t id = m.id.value();
            asked[id].push_back(g.submit(id, std::to_string(id) + "/" + std::to_string(i)));
        }
    }
    for (const auto& [id, outcomes] : asked) {
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            BOOST_REQUIRE(g.finished(outcomes[i]));
            BOOST_REQUIRE(outcomes[i]->well());
            // The reply is how many words there were: it belongs to this very word.
            const std::string word = std::to_string(id) + "/" + std::to_string(i);
            BOOST_TEST(g.words(id).words().at(outcomes[i]->reply - 1) == word);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
