#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(leadership)

using namespace node_test;

namespace {

std::shared_ptr<outcome> transfer(memory_group& g, std::uint64_t asked, std::uint64_t to) {
    auto result = std::make_shared<outcome>();
    g.nodes.at(asked)->transfer_leadership(node_id(to), g.into(result));
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_member_that_was_named_takes_over) {
    memory_group g;
    g.start_all();
    for (int turn = 0; turn < 3; ++turn) {
        const std::uint64_t before = g.leader();
        const std::uint64_t next = before % 3 + 1;
        BOOST_REQUIRE(g.wrote(before, "word"));
        const auto moved = transfer(g, before, next);
        BOOST_TEST(!moved->done);
        BOOST_REQUIRE(g.finished(moved));
        BOOST_TEST(!moved->failed);
        BOOST_TEST(moved->calls == 1);
        BOOST_REQUIRE(g.run_until([&] { return g.leader() == next; }));
    }
    BOOST_TEST(g.wrote(1, "after"));
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused_at_once) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    BOOST_TEST(transfer(g, leads, 9)->failed == errc::member_unknown);
    BOOST_TEST(transfer(g, g.follower(), leads)->failed == errc::not_leader);
    BOOST_TEST(transfer(g, leads, leads)->well());
    const auto added = std::make_shared<outcome>();
    g.nodes.at(leads)->add_member({node_id(4), g.url(4)}, change_kind::add_learner, g.into(added));
    BOOST_REQUIRE(g.finished(added));
    BOOST_TEST(transfer(g, leads, 4)->failed == errc::member_unknown);
}

BOOST_AUTO_TEST_CASE(a_member_that_does_not_answer_does_not_take_over) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    const std::uint64_t gone = g.follower();
    g.isolate(gone);
    const auto moved = transfer(g, leads, gone);
    BOOST_REQUIRE(g.finished(moved));
    BOOST_TEST(moved->failed == errc::read_timed_out);
    BOOST_TEST(g.wrote(leads, "word"));
}

BOOST_AUTO_TEST_CASE(a_node_that_stops_answers_those_who_asked) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    const auto moved = transfer(g, leads, g.follower());
    g.stop(leads);
    BOOST_REQUIRE(moved->done);
    BOOST_TEST(moved->failed == errc::stopped);
}

BOOST_AUTO_TEST_CASE(reads_by_lease_are_answered_before_and_after_a_transfer) {
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.engine.reads = read_mode::lease_based;
        g.start(std::move(options));
    }
    for (int turn = 0; turn < 2; ++turn) {
        BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
        const std::uint64_t leads = g.leader();
        BOOST_REQUIRE(g.wrote(leads, "word"));
        for (std::uint64_t id = 1; id <= 3; ++id) {
            const auto read = g.read(id);
            BOOST_REQUIRE(g.finished(read));
            BOOST_TEST(read->well());
            BOOST_TEST(g.words(id).count("word") >= static_cast<std::size_t>(turn) + 1);
        }
        BOOST_REQUIRE(g.finished(transfer(g, leads, leads % 3 + 1)));
    }
}

BOOST_AUTO_TEST_CASE(a_leader_knows_how_far_the_others_are) {
    memory_group g;
    g.start_all();
    const std::uint64_t leads = g.leader();
    const std::uint64_t gone = g.follower();
    BOOST_TEST(g.nodes.at(gone)->progress().empty());
    BOOST_REQUIRE(g.wrote(leads, "word"));
    g.isolate(gone);
    BOOST_REQUIRE(g.wrote(leads, "another"));
    const auto of = [&](std::uint64_t id) {
        for (const member_progress& one : g.nodes.at(leads)->progress()) {
            if (one.id == node_id(id)) {
                return one;
            }
        }
        return member_progress{};
    };
    BOOST_TEST(g.nodes.at(leads)->progress().size() == 3u);
    BOOST_TEST(of(leads).match == g.nodes.at(leads)->status().engine.last);
    BOOST_TEST(of(gone).match < of(leads).match);
    BOOST_TEST(g.run_until([&] { return !of(gone).recently_active; }));
    BOOST_TEST(!of(gone).learner);
}

BOOST_AUTO_TEST_SUITE_END()
