#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(snapshots)

using namespace node_test;

namespace {

// Snapshots often, and nothing kept behind them: a member that misses a little needs one.
template <class Group>
void start_with_snapshots(Group& g) {
    for (const member_info& m : g.initial) {
        node_options options = g.options_of(m.id.value());
        options.snapshot_entries = 20;
        options.catch_up_entries = 0;
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
}

template <class Group>
void write_many(Group& g, std::uint64_t id, const std::string& name, int count) {
    for (int i = 0; i < count; ++i) {
        BOOST_REQUIRE(g.wrote(id, name + std::to_string(i)));
    }
}

template <class Group>
bool compacted(const Group& g, std::uint64_t id, std::uint64_t index) {
    return g.nodes.at(id)->status().engine.first > log_index(index);
}

// Writes until entries up to `index` are gone: while a snapshot is being saved, none is begun.
// Returns: how many words it wrote.
template <class Group>
std::size_t write_until_compacted(Group& g, std::uint64_t id, std::uint64_t index) {
    std::size_t count = 0;
    while (!compacted(g, id, index)) {
        BOOST_REQUIRE(count < 20'000);
        BOOST_REQUIRE(g.wrote(id, std::to_string(count++)));
    }
    return count;
}

template <class Group>
void check_late_member() {
    Group g;
    start_with_snapshots(g);
    const std::uint64_t late = g.follower();
    g.isolate(late);
    std::size_t count = 0;
    for (std::uint64_t id = 1; id <= 3; ++id) { // whoever leads then
        count += id == late ? 0 : write_until_compacted(g, id, 60);
    }
    g.network.heal();
    BOOST_REQUIRE(g.agree(count));
    BOOST_TEST(g.wrote(late, "after"));
    BOOST_REQUIRE(g.agree(count + 1));
    BOOST_TEST(g.words(late).words().size() == count + 1);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_member_that_fell_behind_is_sent_one) {
    check_late_member<memory_group>();
}

BOOST_AUTO_TEST_CASE(a_member_that_fell_behind_saves_it) {
    check_late_member<file_group>();
}

BOOST_AUTO_TEST_CASE(a_member_that_joins_late_is_sent_one) {
    memory_group g;
    start_with_snapshots(g);
    write_many(g, 1, "a", 100);
    const auto added = std::make_shared<outcome>();
    g.nodes.at(1)->add_member({node_id(4), g.url(4)}, change_kind::add_voter, g.into(added));
    BOOST_REQUIRE(g.finished(added));
    node_options options = g.options_of(4);
    options.join = true;
    g.start(std::move(options));
    BOOST_REQUIRE(g.agree(100));
    BOOST_TEST(g.wrote(4, "after"));
    BOOST_TEST(g.nodes.at(4)->members().size() == 4u);
}

// It cannot see whether the state it was sent holds what it had asked for.
BOOST_AUTO_TEST_CASE(what_was_proposed_before_one_was_installed_is_unknown) {
    memory_group g;
    start_with_snapshots(g);
    const std::uint64_t late = g.leader();
    const std::uint64_t other = g.follower();
    g.isolate(late);
    const auto proposed = g.submit(late, "proposed");
    g.run_for(milliseconds(5));
    BOOST_REQUIRE(g.run_until([&] { return g.leader(late) != 0; }));
    write_many(g, other, "a", 100);
    BOOST_REQUIRE(g.run_until([&] { return compacted(g, g.leader(late), 60); }));
    g.network.heal();
    BOOST_REQUIRE(g.finished(proposed));
    BOOST_TEST(proposed->failed == errc::outcome_unknown);
    BOOST_REQUIRE(g.agree(100));
    BOOST_TEST(g.words(late).count("proposed") <= 1u);
}

BOOST_AUTO_TEST_CASE(members_that_left_meanwhile_are_forgotten) {
    memory_group g(4);
    start_with_snapshots(g);
    const std::uint64_t leads = g.leader();
    const std::uint64_t late = g.follower();
    const std::uint64_t gone = [&] {
        for (std::uint64_t id = 1;; ++id) {
            if (id != late && id != leads) {
                return id;
            }
        }
    }();
    g.isolate(late);
    const auto removed = std::make_shared<outcome>();
    g.nodes.at(leads)->remove_member(node_id(gone), g.into(removed));
    BOOST_REQUIRE(g.finished(removed));
    write_many(g, leads, "a", 60);
    BOOST_REQUIRE(g.run_until([&] { return compacted(g, leads, 40); }));
    g.stop(gone);
    g.network.heal();
    BOOST_REQUIRE(g.agree(60));
    BOOST_TEST(g.nodes.at(late)->members().size() == 3u);
    // It knocks at the late member only, and learns from it that it is gone.
    g.ended.erase(gone);
    for (std::uint64_t id = 1; id <= 4; ++id) {
        if (id != late && id != gone) {
            g.network.cut(node_id(gone), node_id(id));
        }
    }
    g.start(gone);
    BOOST_REQUIRE(g.run_until([&] { return g.ended.count(gone) == 1; }));
    BOOST_TEST(g.ended.at(gone) == errc::member_removed);
}

BOOST_AUTO_TEST_CASE(a_restart_begins_with_the_newest) {
    file_group g(1);
    start_with_snapshots(g);
    write_until_compacted(g, 1, 30);
    const std::vector<std::string> before = g.words(1).words();
    g.stop(1);
    g.start(1);
    const auto read = g.read(1);
    BOOST_REQUIRE(g.finished(read));
    BOOST_TEST(read->well());
    BOOST_TEST(g.words(1).words() == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
