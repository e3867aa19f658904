#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

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
    options.request_bytes_max = 20;
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

BOOST_AUTO_TEST_SUITE_END()
