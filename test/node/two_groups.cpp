// Two groups with one cluster id, and starts that the other members remember.
#include <quorate/log/start_mark.hpp>
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(two_groups)

using namespace node_test;
namespace fs = std::filesystem;

namespace {

/// Members that announce a name and a client URL, and so give their group a birth mark.
struct named_group : file_group {
    ~named_group() { stop_all(); } // they log to the very end
    node_options named(std::uint64_t id) {
        node_options options = logged(id);
        options.name = "m" + std::to_string(id);
        options.client_urls = {"http://127.0.0.1:" + std::to_string(id)};
        return options;
    }
    node_options logged(std::uint64_t id) {
        node_options options = options_of(id);
        options.log = [this, id](severity, const std::string& line) { lines[id] += line + '\n'; };
        return options;
    }
    void start_named(const std::vector<std::uint64_t>& ids) {
        for (const std::uint64_t id : ids) {
            start(named(id));
        }
    }
    /// Until every member that runs knows of all of these that they have taken part.
    void wait_known(const std::vector<std::uint64_t>& ids) {
        BOOST_REQUIRE(run_until([&] {
            return std::all_of(nodes.begin(), nodes.end(), [&](const auto& n) {
                return std::all_of(ids.begin(), ids.end(), [&](std::uint64_t id) {
                    const member_info* known = n.second->members().find(node_id(id));
                    return known != nullptr && !known->client_urls.empty();
                });
            });
        }));
    }
    birth_mark birth(std::uint64_t id) const { return nodes.at(id)->members().birth(); }
    fs::path data(std::uint64_t id) const { return options_of(id).data_directory; }
    void stop_all() {
        while (!nodes.empty()) {
            stop(nodes.begin()->first);
        }
    }
    bool said(std::uint64_t id, const std::string& words) {
        return lines[id].find(words) != std::string::npos;
    }
    std::vector<std::string> held(std::uint64_t id) const { return words(id).words(); }

    std::map<std::uint64_t, std::string> lines;
};

using strings = std::vector<std::string>;

/// A file system that numbers files anew with each mount tells no copy from its original.
void forget_place(const fs::path& directory) {
    std::ifstream in(directory / "start", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    start_mark mark = decode_mark(bytes).value();
    mark.place = {};
    std::ofstream(directory / "start", std::ios::binary) << encode_mark(mark);
}

} // namespace

BOOST_AUTO_TEST_CASE(group_begun_anew_and_the_third_member_refuse_each_other) {
    named_group g;
    g.start_named({1, 2, 3});
    BOOST_REQUIRE(g.wrote(1, "old"));
    BOOST_REQUIRE(g.agree(1));
    g.wait_known({1, 2, 3});
    const birth_mark former = g.birth(3);
    BOOST_TEST(former);
    BOOST_TEST(g.birth(1) == former);
    g.stop_all();
    g.lines.clear();
    fs::remove_all(g.data(1));
    fs::remove_all(g.data(2));
    g.start_named({1, 2});
    BOOST_REQUIRE(g.wrote(1, "new"));
    g.wait_known({1, 2});
    BOOST_TEST(g.birth(1));
    BOOST_TEST(g.birth(1) != former);

    g.start_named({3});
    g.run_for(milliseconds(500)); // many election timeouts
    BOOST_TEST(g.wrote(2, "more"));
    BOOST_TEST(g.wrote(1, "last"));
    BOOST_TEST(g.birth(3) == former);
    BOOST_TEST(g.held(3) == strings{"old"});
    BOOST_TEST(g.held(1) == (strings{"new", "more", "last"}));
    BOOST_TEST(!g.nodes.at(3)->status().engine.soft.leader);
    for (const std::uint64_t id : {1U, 2U, 3U}) {
        BOOST_TEST(g.said(id, "another group"), "member " << id << ": " << g.lines[id]);
        BOOST_TEST(g.said(id, described(former)), "member " << id << ": " << g.lines[id]);
    }
    BOOST_TEST(g.said(3, described(g.birth(1))));
    BOOST_TEST(g.ended.empty());
    g.stop(3);
    g.start_named({3});
    BOOST_TEST(g.run_until([&] { return g.held(3) == strings{"old"}; }));
}

namespace {

/// Members 1 and 2 begin anew without announcing anything, so that their group has entries and no
/// mark. Member 3, which returns, remembers none of their starts.
struct unmarked_group : named_group {
    void begin() {
        start_named({1, 2, 3});
        BOOST_REQUIRE(wrote(1, "old"));
        BOOST_REQUIRE(agree(1));
        wait_known({1, 2, 3});
        for (int i = 0; i < 20; ++i) {
            BOOST_REQUIRE(wrote(3, "old " + std::to_string(i)));
        }
        BOOST_REQUIRE(agree(21));
        old = held(3);
        stop_all();
        fs::remove_all(data(1));
        fs::remove_all(data(2));
        fs::remove(data(3) / "peers");
        start(logged(1));
        start(logged(2));
        BOOST_REQUIRE(run_until([&] { return leader() != 0; }));
    }
    void check_apart() {
        BOOST_TEST(held(3) == old);
        BOOST_TEST(held(1) == strings{"new"});
        BOOST_TEST(held(2) == strings{"new"});
        BOOST_TEST(!nodes.at(3)->status().engine.soft.leader);
        BOOST_TEST(ended.empty());
    }
    strings old;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(entry_of_another_group_shows_a_group_without_a_mark, unmarked_group) {
    begin();
    BOOST_REQUIRE(wrote(1, "new"));
    start_named({3});
    // On a slow machine the elections of the two groups may differ; then nothing can be compared.
    BOOST_TEST(run_until([&] { return said(3, "another group") || nodes.at(1)->status().fenced; }));
    run_for(milliseconds(500)); // many election timeouts
    check_apart();
    BOOST_TEST((leader() != 0U) == said(3, "another group")); // the new group goes on
}

// Their entries have other terms than those of member 3, so that nothing can be compared.
BOOST_FIXTURE_TEST_CASE(members_that_prove_no_common_log_become_stale, unmarked_group) {
    begin();
    for (const std::uint64_t id : {1U, 2U}) {
        stop(id);
        start(logged(id));
        BOOST_REQUIRE(run_until([&] { return leader() != 0; }));
    }
    BOOST_REQUIRE(wrote(1, "new"));
    start_named({3});
    BOOST_TEST(
        run_until([&] { return nodes.at(1)->status().fenced && nodes.at(2)->status().fenced; }));
    run_for(milliseconds(500)); // many election timeouts
    check_apart();
    BOOST_TEST(leader() == 0U);
}

BOOST_AUTO_TEST_CASE(forced_group_and_the_former_members_refuse_each_other) {
    named_group g;
    g.start_named({1, 2, 3});
    BOOST_REQUIRE(g.wrote(1, "common"));
    BOOST_REQUIRE(g.agree(1));
    g.wait_known({1, 2, 3});
    const birth_mark former = g.birth(1);
    g.stop_all();
    node_options forced = g.named(2);
    forced.force_new_group = true;
    g.start(forced);
    BOOST_REQUIRE(g.wrote(2, "alone"));
    BOOST_TEST(g.birth(2));
    BOOST_TEST(g.birth(2) != former);

    // A quorum of the former group goes on; the removal in another group does not end it.
    g.start_named({1, 3});
    BOOST_REQUIRE(g.wrote(1, "former group"));
    g.run_for(milliseconds(300));
    BOOST_TEST(g.wrote(3, "goes on"));
    BOOST_TEST(g.ended.empty());
    BOOST_TEST(g.birth(1) == former);
    BOOST_TEST(g.held(2) == (strings{"common", "alone"}));
    BOOST_TEST(g.run_until([&] {
        return g.held(3) == (strings{"common", "former group", "goes on"});
    }));
}

// The newcomer replays a log in which its group had another mark before.
BOOST_AUTO_TEST_CASE(newcomer_replays_the_log_of_a_forced_group) {
    named_group g;
    g.start_named({1, 2, 3});
    for (int i = 0; i < 10; ++i) {
        BOOST_REQUIRE(g.wrote(1, std::to_string(i)));
    }
    BOOST_REQUIRE(g.agree(10));
    g.wait_known({1, 2, 3});
    g.stop_all();
    g.initial.resize(1);
    node_options forced = g.named(2);
    forced.force_new_group = true;
    g.start(forced);
    BOOST_REQUIRE(g.wrote(2, "alone"));
    const auto added = std::make_shared<outcome>();
    g.nodes.at(2)->add_member({node_id(4), g.url(4)}, change_kind::add_voter, g.into(added));
    BOOST_REQUIRE(g.finished(added));
    node_options joining = g.named(4);
    joining.join = true;
    joining.initial_members = {{node_id(2), g.url(2)}, {node_id(4), g.url(4)}};
    g.start(joining);
    BOOST_TEST(g.agree(11));
    BOOST_TEST(g.run_until([&] { return g.birth(4) == g.birth(2); }));
    BOOST_TEST(!g.said(2, "another group"));
    BOOST_TEST(!g.said(4, "another group"));
    g.stop(4);
    joining.join = false;
    g.start(joining);
    BOOST_TEST(g.wrote(4, "two"));
}

BOOST_AUTO_TEST_CASE(late_member_gets_the_mark_with_a_snapshot) {
    named_group g;
    const auto often = [&g](std::uint64_t id) {
        node_options options = g.named(id);
        options.snapshot_entries = 10;
        options.catch_up_entries = 0;
        return options;
    };
    g.start(often(1));
    g.start(often(2));
    g.wait_known({1, 2});
    for (int i = 0; i < 40; ++i) {
        BOOST_REQUIRE(g.wrote(1, std::to_string(i)));
    }
    g.start(often(3));
    BOOST_TEST(g.agree(40));
    BOOST_TEST(g.birth(1));
    BOOST_TEST(g.run_until([&] { return g.birth(3) == g.birth(1); }));
    g.stop(3);
    g.start(often(3));
    BOOST_TEST(g.run_until([&] { return g.birth(3) == g.birth(1); }));
    BOOST_TEST(!g.said(3, "another group"));
}

BOOST_AUTO_TEST_CASE(group_without_a_mark_gets_one_with_the_next_announcement) {
    named_group g;
    g.start_all(); // they announce nothing
    BOOST_REQUIRE(g.wrote(1, "before"));
    BOOST_REQUIRE(g.agree(1));
    BOOST_TEST(!g.birth(1));
    g.stop_all();
    g.start_named({1, 2, 3});
    g.wait_known({1, 2, 3});
    BOOST_TEST(g.birth(1));
    BOOST_TEST(g.run_until([&] { return g.birth(2) == g.birth(1) && g.birth(3) == g.birth(1); }));
    BOOST_TEST(g.wrote(3, "after"));
    BOOST_TEST(g.agree(2));
}

// What members 1 and 2 acknowledged last stands on their disks alone; member 2 gets an older copy,
// on a file system that does not show it.
BOOST_AUTO_TEST_CASE(restored_member_that_a_lagging_one_remembers_leads_not) {
    named_group g;
    g.start_named({1, 2, 3});
    BOOST_REQUIRE(g.wrote(1, "before"));
    BOOST_REQUIRE(g.agree(1));
    g.stop(2);
    const fs::path copy = g.directory.path() / "copy";
    fs::copy(g.data(2), copy, fs::copy_options::recursive);
    g.start_named({2});
    BOOST_REQUIRE(g.agree(1));
    BOOST_REQUIRE(g.wrote(2, "again"));
    BOOST_REQUIRE(g.agree(2));
    g.stop(3);
    for (int i = 0; i < 10; ++i) {
        BOOST_REQUIRE(g.wrote(1, "word " + std::to_string(i)));
    }
    g.stop_all();
    fs::remove_all(g.data(2));
    fs::rename(copy, g.data(2));
    forget_place(g.data(2));
    g.start_named({2, 3});
    BOOST_TEST(!g.nodes.at(2)->status().fenced); // it cannot know
    BOOST_TEST(g.run_until([&] { return g.nodes.at(2)->status().fenced; }));
    g.run_for(milliseconds(500)); // many election timeouts
    BOOST_TEST(g.leader() == 0U);
    BOOST_TEST(g.said(2, "a later start of this member"), g.lines[2]);
    g.start_named({1});
    BOOST_TEST(g.agree(12));
    BOOST_TEST(g.run_until([&] { return !g.nodes.at(2)->status().fenced; }));
    g.lines.clear();
    g.stop(2);
    g.start_named({2}); // once it is brought up to date, it counts on from where it was restored
    BOOST_TEST(g.wrote(2, "after"));
    BOOST_TEST(g.agree(13));
    BOOST_TEST(!g.said(2, "later start"), g.lines[2]);
}

namespace {

/// States a number of starts that no directory can have.
struct liar final : transport_sink {
    void on_message(const message&) override {}
    void on_unreachable(node_id) override {}
    void on_snapshot_sent(node_id, bool) override {}
    void on_removed() override {}
    member_past past() const override {
        member_past stated;
        stated.starts = UINT64_MAX - 1;
        stated.life = 1;
        stated.last = {term_id(1), log_index(1'000'000)};
        return stated;
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(number_of_starts_that_is_impossible_keeps_no_member_out) {
    named_group g;
    g.start_named({1, 2, 3});
    BOOST_REQUIRE(g.wrote(1, "before"));
    BOOST_REQUIRE(g.agree(1));
    g.wait_known({1, 2, 3});
    g.stop(2);
    liar stranger;
    {
        transport_options wire;
        wire.cluster = g.options_of(2).cluster;
        wire.self = node_id(2);
        loopback_transport end(g.network, wire);
        BOOST_REQUIRE(!end.start(stranger));
        for (const std::uint64_t id : {1U, 3U}) {
            BOOST_REQUIRE(!end.add_peer(node_id(id), g.options_of(id).peer_url));
            message m;
            m.kind = message_kind::heartbeat_response;
            m.from = node_id(2);
            m.to = node_id(id);
            m.term = term_id(1);
            end.send(m);
        }
        g.run_for(milliseconds(20));
    }
    g.start_named({2});
    BOOST_TEST(g.wrote(2, "after"));
    BOOST_TEST(g.agree(2));
    BOOST_TEST(!g.nodes.at(2)->status().fenced);
    BOOST_TEST(!g.said(2, "later start"), g.lines[2]);
}

BOOST_AUTO_TEST_CASE(restarts_and_reconnections_raise_no_alarm) {
    named_group g;
    g.start_named({1, 2, 3});
    for (int round = 0; round < 3; ++round) {
        for (const std::uint64_t id : {1U, 2U, 3U}) {
            g.isolate(id);
            g.run_for(milliseconds(100));
            g.network.heal();
            g.stop(id);
            g.start_named({id});
            BOOST_REQUIRE(g.wrote(id, std::to_string(round)));
        }
    }
    BOOST_TEST(g.agree(9));
    for (const auto& [id, node] : g.nodes) {
        BOOST_TEST(!node->status().fenced);
        BOOST_TEST(!g.said(id, "refuses"), g.lines[id]);
        BOOST_TEST(!g.said(id, "later start"), g.lines[id]);
    }
}

BOOST_AUTO_TEST_SUITE_END()
