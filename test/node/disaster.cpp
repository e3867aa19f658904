// One survivor made a group of its own, and a new group that begins with an old one's state.
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(disaster)

using namespace node_test;

namespace {

struct disaster_group : file_group {
    using file_group::file_group;

    node_options forced(std::uint64_t id) const {
        node_options options = options_of(id);
        options.force_new_group = true;
        return options;
    }
    void stop_all() {
        while (!nodes.empty()) {
            stop(nodes.begin()->first);
        }
    }
    /// Starts one member alone, so that it alone is a quorum.
    void start_alone(const node_options& options) {
        const std::uint64_t id = options.id.value();
        initial.resize(1); // what leader() counts a quorum of
        start(options);
        BOOST_REQUIRE(run_until([&] { return leader() == id; }));
    }
    /// Changes a byte that the member had acknowledged.
    void damage(std::uint64_t id, const std::string& word) const {
        const auto wal = options_of(id).data_directory / "wal";
        for (const auto& file : std::filesystem::directory_iterator(wal)) {
            std::ifstream in(file.path(), std::ios::binary);
            std::string bytes{std::istreambuf_iterator<char>(in), {}};
            const std::size_t place = bytes.find(word);
            if (place != std::string::npos) {
                bytes[place] ^= 1;
                std::ofstream(file.path(), std::ios::binary) << bytes;
                return;
            }
        }
        BOOST_FAIL("no such word");
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_survivor_goes_on_alone_and_takes_others_in) {
    disaster_group g;
    g.start_all();
    for (int i = 0; i < 20; ++i) {
        BOOST_REQUIRE(g.wrote(1, "word " + std::to_string(i)));
    }
    BOOST_REQUIRE(g.agree(20));
    g.stop_all();
    g.start_alone(g.forced(2));
    BOOST_REQUIRE(g.finished(g.read(2)));
    BOOST_TEST(g.words(2).words().size() == 20u);
    BOOST_TEST(g.nodes.at(2)->members().size() == 1u);
    BOOST_TEST((g.nodes.at(2)->configuration().voters == id_set{node_id(2)}));
    BOOST_TEST(g.wrote(2, "alone"));
    g.stop(2);

    g.start_alone(g.options_of(2)); // not forced: it is its group
    BOOST_REQUIRE(g.finished(g.read(2)));
    BOOST_TEST(g.words(2).words().size() == 21u);
    const auto again = std::make_shared<outcome>();
    g.nodes.at(2)->add_member({node_id(3), g.url(3)}, change_kind::add_voter, g.into(again));
    BOOST_REQUIRE(g.finished(again));
    BOOST_TEST(again->failed == errc::member_removed); // for good: new ones have new ids

    const auto added = std::make_shared<outcome>();
    g.nodes.at(2)->add_member({node_id(4), g.url(4)}, change_kind::add_voter, g.into(added));
    BOOST_REQUIRE(g.finished(added));
    BOOST_TEST(added->well());
    node_options joining = g.options_of(4);
    joining.join = true;
    joining.initial_members = {{node_id(2), g.url(2)}, {node_id(4), g.url(4)}};
    g.start(joining);
    BOOST_TEST(g.agree(21));
    BOOST_TEST(g.wrote(4, "two"));
    BOOST_TEST(g.agree(22));
}

BOOST_AUTO_TEST_CASE(what_only_the_survivor_holds_is_kept) {
    disaster_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "everywhere"));
    const std::uint64_t last = g.leader();
    g.isolate(last);
    const auto unknown = g.submit(last, "here");
    g.run_for(milliseconds(20)); // it reaches this disk and no other
    g.stop_all();
    g.start_alone(g.forced(last));
    BOOST_REQUIRE(g.finished(g.read(last)));
    BOOST_TEST(g.words(last).words().size() == 2u);
    BOOST_TEST(g.words(last).count("here") == 1u);
}

BOOST_AUTO_TEST_CASE(a_survivor_with_snapshots_goes_on) {
    disaster_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.snapshot_entries = 10;
        options.catch_up_entries = 0;
        g.start(options);
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    for (int i = 0; i < 35; ++i) {
        BOOST_REQUIRE(g.wrote(1, std::to_string(i)));
    }
    BOOST_REQUIRE(g.agree(35));
    g.stop_all();
    g.start_alone(g.forced(3));
    BOOST_TEST(g.wrote(3, "alone"));
    BOOST_TEST(g.words(3).words().size() == 36u);
    g.stop(3);
    g.start_alone(g.forced(3)); // left in place, it changes nothing
    BOOST_TEST(g.wrote(3, "again"));
    BOOST_TEST(g.words(3).words().size() == 37u);
}

BOOST_AUTO_TEST_CASE(a_survivor_that_lost_entries_needs_the_operators_word) {
    disaster_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "the first word"));
    BOOST_REQUIRE(g.wrote(1, "the second word"));
    BOOST_REQUIRE(g.wrote(1, "the third word"));
    BOOST_REQUIRE(g.agree(3));
    g.stop_all();
    g.damage(1, "the second word");
    {
        auto& refused = g.add(g.forced(1));
        BOOST_TEST(refused.start() == errc::corrupt);
        BOOST_TEST(refused.explanation() != "");
        g.stop(1);
    }
    // Also once it is fenced, by a start that hoped for the others.
    g.start(g.options_of(1));
    BOOST_TEST(g.nodes.at(1)->status().fenced);
    g.stop(1);
    {
        auto& refused = g.add(g.forced(1));
        BOOST_TEST(refused.start() == errc::corrupt);
        BOOST_TEST(refused.explanation().find("no other member") != std::string::npos);
        g.stop(1);
    }
    node_options accepted = g.forced(1);
    accepted.accept_data_loss = true;
    g.start_alone(accepted);
    BOOST_TEST(!g.nodes.at(1)->status().fenced);
    BOOST_TEST(g.wrote(1, "alone"));
    BOOST_TEST(g.words(1).words() == (std::vector<std::string>{"the first word", "alone"}));
}

BOOST_AUTO_TEST_CASE(an_empty_directory_makes_no_group) {
    disaster_group g(1);
    auto& node = g.add(g.forced(1));
    BOOST_TEST(node.start() == errc::invalid_option);
    BOOST_TEST(node.explanation().find("no data") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_new_group_begins_with_the_state_of_an_old_one) {
    disaster_group old;
    old.start_all();
    for (int i = 0; i < 10; ++i) {
        BOOST_REQUIRE(old.wrote(1, std::to_string(i)));
    }
    BOOST_REQUIRE(old.agree(10));
    const bulk_bytes state(old.words(1).snapshot());

    disaster_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        group_seed seed;
        seed.cluster = cluster_id(7);
        seed.member = node_id(id);
        seed.members = g.initial;
        seed.state = state;
        seed.term = term_id(9);
        std::string why;
        BOOST_REQUIRE_MESSAGE(!seed_directory(g.options_of(id).data_directory, seed, &why), why);
    }
    g.start_all();
    BOOST_TEST(g.agree(10));
    BOOST_TEST(g.wrote(g.follower(), "more"));
    BOOST_TEST(g.agree(11));
    BOOST_TEST((g.nodes.at(1)->status().engine.hard.term > term_id(9)));
    const std::uint64_t one = g.follower();
    g.stop(one);
    g.start(one);
    BOOST_TEST(g.agree(11));
}

namespace {

/// Writes a term to the disk of a member that is stopped.
void write_term(const node_options& member, term_id term) {
    log_options options;
    options.cluster = member.cluster;
    options.member = member.id;
    options.directory = member.data_directory / "wal";
    auto opened = file_policies::log::open(options);
    BOOST_REQUIRE(opened.has_value());
    auto& log = *opened;
    hard_state hard = log->take_recovered().hard;
    hard.term = term;
    log->save(hard);
    auto job = log->begin_sync();
    const error_code failed = job.run();
    BOOST_REQUIRE(!failed);
    log->finish_sync(std::move(job), failed);
}

} // namespace

BOOST_AUTO_TEST_CASE(group_whose_terms_are_used_up_is_recovered_by_force) {
    disaster_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "kept"));
    BOOST_REQUIRE(g.agree(1));
    g.stop_all();
    write_term(g.options_of(1), term_id(number_max));
    g.start_alone(g.forced(1));
    BOOST_TEST((g.nodes.at(1)->status().engine.hard.term < term_id(1000)));
    BOOST_TEST(g.wrote(1, "again"));
    g.stop(1);
    g.start_alone(g.options_of(1)); // not forced: the lower term is on the disk
    BOOST_REQUIRE(g.finished(g.read(1)));
    BOOST_TEST(g.words(1).words().size() == 2u);
    g.stop(1);
    // The same once it is alone.
    write_term(g.options_of(1), term_id(number_max));
    g.start_alone(g.forced(1));
    BOOST_TEST(g.wrote(1, "once more"));
}

// What members 1 and 2 acknowledged last stands on their disks alone; member 2 gets an older copy.
BOOST_AUTO_TEST_CASE(member_on_a_copied_directory_leads_with_no_lagging_one) {
    namespace fs = std::filesystem;
    disaster_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "before"));
    BOOST_REQUIRE(g.agree(1));
    const fs::path data = g.options_of(2).data_directory;
    const fs::path copy = g.directory.path() / "copy";
    g.stop(2);
    fs::copy(data, copy, fs::copy_options::recursive);
    g.start(2);
    BOOST_REQUIRE(g.agree(1));
    g.stop(3);
    for (int i = 0; i < 10; ++i) {
        BOOST_REQUIRE(g.wrote(1, "word " + std::to_string(i)));
    }
    g.stop_all();
    fs::remove_all(data);
    fs::rename(copy, data); // a rename keeps the files of the copy
    g.start(2);
    g.start(3);
    BOOST_TEST(g.nodes.at(2)->status().fenced);
    g.run_for(milliseconds(500)); // many election timeouts
    BOOST_TEST(g.leader() == 0U);
    g.start(1);
    BOOST_TEST(g.agree(11));
    BOOST_TEST(g.run_until([&] { return !g.nodes.at(2)->status().fenced; }));
    BOOST_REQUIRE(g.wrote(1, "last"));
    BOOST_TEST(g.agree(12)); // that the fence is gone is durable by then
    g.stop(2);
    g.start(2); // no copy any more
    BOOST_TEST(!g.nodes.at(2)->status().fenced);
}

// Its directory names no other voter, and the group has grown since.
BOOST_AUTO_TEST_CASE(copy_from_the_time_alone_helps_no_lagging_member_to_power) {
    namespace fs = std::filesystem;
    disaster_group g(1);
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "before"));
    const fs::path data = g.options_of(1).data_directory;
    const fs::path copy = g.directory.path() / "copy";
    g.stop(1);
    fs::copy(data, copy, fs::copy_options::recursive);
    g.start_all();
    for (const std::uint64_t id : {2U, 3U}) {
        const auto added = std::make_shared<outcome>();
        g.nodes.at(1)->add_member({node_id(id), g.url(id)}, change_kind::add_voter, g.into(added));
        BOOST_REQUIRE(g.finished(added));
        BOOST_REQUIRE(!added->failed);
        node_options options = g.options_of(id);
        options.join = true;
        g.start(std::move(options));
        BOOST_REQUIRE(g.run_until([&] { return g.words(id).words().size() == 1; }));
    }
    g.stop(3);
    BOOST_REQUIRE(g.run_until([&] { return g.wrote(1, "acknowledged"); }));
    BOOST_REQUIRE(g.run_until([&] { return g.words(2).count("acknowledged") == 1; }));
    g.stop_all();
    fs::remove_all(data);
    fs::rename(copy, data);
    g.start(1);
    g.start(3);
    g.run_for(milliseconds(500)); // many election timeouts
    BOOST_TEST((g.nodes.at(3)->status().engine.soft.role != role_kind::leader));
    BOOST_TEST(g.nodes.at(1)->status().fenced);
    g.start(2);
    BOOST_TEST(g.run_until([&] { return g.words(3).count("acknowledged") == 1; }));
    BOOST_TEST(g.words(2).count("acknowledged") == 1U);
}

BOOST_AUTO_TEST_CASE(directory_of_a_lone_member_is_refused_beside_others) {
    disaster_group g(1);
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "alone"));
    g.stop(1);
    node_options options = g.options_of(1);
    options.initial_members = {{node_id(1), g.url(1)}, {node_id(2), g.url(2)}};
    auto& node = g.add(options);
    BOOST_TEST(node.start() == errc::wrong_cluster);
    BOOST_TEST(node.explanation().find(g.url(2)) != std::string::npos, node.explanation());
    g.nodes.erase(1);
    g.start_all();
    BOOST_TEST(g.words(1).words().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
