// Members whose state lies in a database: restarts, late members, damage.
#include <quorate/lmdb/lmdb_backend.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

#include "../node/support.hpp"

BOOST_AUTO_TEST_SUITE(node_with_a_database)

using namespace node_test;

namespace {

struct database_policies : default_policies {
    using transport = loopback_transport;
    using backend = lmdb_backend;
};

class database_group : public group<database_policies> {
public:
    using group::group;

    void start_member(std::uint64_t id) {
        node_options options = options_of(id);
        options.snapshot_entries = snapshot_entries;
        options.catch_up_entries = 0;
        options.database_batch_bytes = 2000;
        options.log = [this](severity, const std::string& text) { said.push_back(text); };
        start(std::move(options));
    }
    void start_members() {
        for (const member_info& m : initial) {
            start_member(m.id.value());
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    void put(std::uint64_t id, const std::string& key, const std::string& value) {
        bool done = false;
        error_code failed;
        nodes.at(id)->submit(quorate::put{.key = key, .value = value},
                             [&](error_code outcome, const reply& answer) {
                                 failed = outcome ? outcome : answer.error();
                                 done = true;
                             });
        BOOST_REQUIRE(run_until([&] { return done; }));
        BOOST_REQUIRE_MESSAGE(!failed, failed.message());
    }
    void put_many(std::uint64_t id, int from, int upto) {
        for (int i = from; i < upto; ++i) {
            put(id, "key " + std::to_string(i % 50), "value " + std::to_string(i));
        }
    }
    [[nodiscard]] std::uint32_t hash(std::uint64_t id) {
        return nodes.at(id)->machine().store().hash(0)->hash;
    }
    bool agree_on(std::uint64_t revision) {
        return run_until([&] {
            for (const auto& n : nodes) {
                const auto& store = n.second->machine().store();
                if (store.current_revision() != revision ||
                    n.second->status().applied != nodes.begin()->second->status().applied ||
                    hash(n.first) != hash(nodes.begin()->first)) {
                    return false;
                }
            }
            return true;
        });
    }
    [[nodiscard]] bool heard(const std::string& part) const {
        return std::any_of(said.begin(), said.end(), [&](const std::string& text) {
            return text.find(part) != std::string::npos;
        });
    }
    [[nodiscard]] std::filesystem::path database_file(std::uint64_t id) const {
        for (const auto& entry :
             std::filesystem::directory_iterator(options_of(id).data_directory / "db")) {
            if (!entry.path().string().ends_with("-lock")) {
                return entry.path();
            }
        }
        return {};
    }

    std::uint64_t snapshot_entries = 100'000;
    std::vector<std::string> said;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_restart_applies_only_what_the_database_lacks) {
    database_group g(1);
    g.start_members();
    g.put_many(1, 0, 200);
    const std::uint32_t before = g.hash(1);
    BOOST_TEST(g.nodes.at(1)->machine().held().index > log_index(100)); // commits while it runs
    const log_index applied = g.nodes.at(1)->status().applied;
    g.stop(1);
    g.said.clear();
    g.start_member(1);
    BOOST_TEST(g.heard("holds the state at index " + std::to_string(applied.value())));
    BOOST_TEST(g.hash(1) == before); // before anything is applied
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    g.put_many(1, 200, 260);
    BOOST_TEST(g.nodes.at(1)->machine().store().current_revision() == 261u);
    g.stop(1);
    g.start_member(1);
    BOOST_TEST(g.nodes.at(1)->machine().store().current_revision() == 261u);
}

BOOST_AUTO_TEST_CASE(members_agree_through_snapshots_and_restarts) {
    database_group g;
    g.snapshot_entries = 40;
    g.start_members();
    g.put_many(g.leader(), 0, 100);
    const std::uint64_t late = g.follower();
    g.stop(late);
    g.put_many(g.leader(), 100, 300);
    g.start_member(late); // needs a snapshot
    BOOST_TEST(g.agree_on(301));
    g.stop(late);
    g.put_many(g.leader(), 300, 310);
    g.start_member(late);
    BOOST_TEST(g.agree_on(311));
    g.put_many(g.leader(), 310, 330);
    BOOST_TEST(g.agree_on(331));
}

BOOST_AUTO_TEST_CASE(a_database_that_is_gone_or_damaged_is_built_anew) {
    database_group g(1);
    g.snapshot_entries = 60;
    g.start_members();
    g.put_many(1, 0, 150);
    const std::uint32_t before = g.hash(1);
    const auto restarted = [&] {
        g.start_member(1);
        BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
        g.put(1, "another", "one");
        BOOST_REQUIRE(g.run_until([&] { return !g.nodes.at(1)->status().disk_full; }));
        return g.nodes.at(1)->machine().store().current_revision();
    };
    g.stop(1);
    std::filesystem::remove_all(g.options_of(1).data_directory / "db");
    BOOST_TEST(restarted() == 152u);
    g.stop(1);
    const std::filesystem::path file = g.database_file(1);
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
    BOOST_TEST(restarted() == 153u);
    BOOST_TEST(g.heard("is damaged"));
    const auto old = g.nodes.at(1)->machine().store().hash(151);
    BOOST_REQUIRE(old.has_value());
    BOOST_TEST(old->hash == before);
}

BOOST_AUTO_TEST_CASE(a_database_of_another_log_is_not_believed) {
    database_group g(1);
    g.start_members();
    g.put_many(1, 0, 150);
    g.stop(1);
    std::filesystem::remove_all(g.options_of(1).data_directory / "wal");
    std::filesystem::remove_all(g.options_of(1).data_directory / "snap");
    g.start_member(1);
    BOOST_TEST(g.heard("which the log does not lead to"));
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    BOOST_TEST(g.nodes.at(1)->machine().store().current_revision() == 1u);
    g.put_many(1, 0, 5);
    BOOST_TEST(g.nodes.at(1)->machine().store().current_revision() == 6u);
}

/// What a database says of the members goes another way than what the log says of them.
void rename_members(const std::filesystem::path& directory) {
    using machine_type = kv_machine<ordered_index, lmdb_backend>;
    database_options options;
    options.directory = directory.string();
    auto machine = machine_type::open(options);
    BOOST_REQUIRE(machine.has_value());
    BOOST_TEST(!machine->held_members().empty());
    const member_table others({{node_id(1), "http://elsewhere:1"}});
    auto job = machine->begin_commit(machine->held(), others.encode());
    const error_code failed = job.run();
    BOOST_REQUIRE(!machine->finish_commit(std::move(job), failed));
}

BOOST_AUTO_TEST_CASE(a_database_of_other_members_is_refused) {
    database_group g(1);
    g.start_members();
    g.put_many(1, 0, 50);
    g.stop(1);
    rename_members(g.options_of(1).data_directory / "db");
    g.start_member(1);
    BOOST_REQUIRE(g.run_until([&] { return g.ended.contains(1); }));
    BOOST_TEST((g.ended.at(1) == make_error_code(errc::corrupt)));
    BOOST_TEST(g.nodes.at(1)->explanation().find("does not belong to them") != std::string::npos);
    g.stop(1);
    g.ended.clear();
    std::filesystem::remove_all(g.options_of(1).data_directory / "db");
    g.start_member(1);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    BOOST_TEST(g.nodes.at(1)->machine().store().current_revision() == 51u);
    BOOST_TEST(g.ended.empty());
}

BOOST_AUTO_TEST_CASE(a_database_of_the_snapshot_but_of_other_members_is_built_anew) {
    database_group g(1);
    g.start_members();
    g.stop(1);
    using machine_type = kv_machine<ordered_index, lmdb_backend>;
    {
        // As of the first snapshot: index 1 of term 1.
        database_options options;
        options.directory = (g.options_of(1).data_directory / "db").string();
        options.anew = true;
        auto machine = machine_type::open(options);
        BOOST_REQUIRE(machine.has_value());
        auto job = machine->begin_commit({term_id(1), log_index(1)},
                                         member_table({{node_id(9), "http://nine:1"}}).encode());
        const error_code failed = job.run();
        BOOST_REQUIRE(!machine->finish_commit(std::move(job), failed));
    }
    g.start_member(1);
    BOOST_TEST(g.heard("other members than the snapshot"));
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    g.put_many(1, 0, 5);
    BOOST_TEST(g.nodes.at(1)->machine().store().current_revision() == 6u);
}

BOOST_AUTO_TEST_CASE(a_full_database_refuses_writes_and_the_member_lives) {
    database_group g(1);
    node_options options = g.options_of(1);
    options.database_bytes_max = 1 << 20;
    options.database_batch_bytes = 50'000;
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    error_code failed;
    const std::string value(4000, 'v');
    for (int i = 0; i < 2000 && !failed; ++i) {
        bool done = false;
        g.nodes.at(1)->submit(quorate::put{.key = std::to_string(i), .value = value},
                              [&](error_code outcome, const reply&) {
                                  failed = outcome;
                                  done = true;
                              });
        BOOST_REQUIRE(g.run_until([&] { return done; }));
    }
    BOOST_TEST((failed == make_error_code(errc::no_space)));
    BOOST_TEST(g.nodes.at(1)->status().disk_full);
    const std::uint64_t current = g.nodes.at(1)->machine().store().current_revision();
    g.stop(1);
    options.database_bytes_max = 64 << 20;
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    g.put(1, "more", "space");
    BOOST_TEST(g.nodes.at(1)->machine().store().current_revision() == current + 1);
}

BOOST_AUTO_TEST_CASE(a_survivor_alone_keeps_its_database) {
    database_group g;
    g.start_members();
    g.put_many(1, 0, 200);
    BOOST_REQUIRE(g.agree_on(201));
    const std::uint32_t before = g.hash(1);
    while (!g.nodes.empty()) {
        g.stop(g.nodes.begin()->first);
    }
    g.said.clear();
    g.initial.resize(1);
    node_options options = g.options_of(3);
    options.force_new_group = true;
    options.log = [&g](severity, const std::string& text) { g.said.push_back(text); };
    g.start(std::move(options));
    BOOST_TEST(g.heard("entries up to there are not applied again"));
    BOOST_TEST(g.hash(3) == before);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 3; }));
    BOOST_TEST(g.nodes.at(3)->machine().store().current_revision() == 201u);
    g.put(3, "alone", "value");
    g.stop(3);
    g.start_member(3);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 3; }));
    BOOST_TEST(g.nodes.at(3)->machine().store().current_revision() == 202u);
    BOOST_TEST(g.nodes.at(3)->members().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
