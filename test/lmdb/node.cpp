// Members whose state lies in a database: restarts, late members, damage.
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "database_group.hpp"

BOOST_AUTO_TEST_SUITE(node_with_a_database)

using namespace database_test;

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
    for (const char* part : {"wal", "snap", "start"}) { // as of a member that never started
        std::filesystem::remove_all(g.options_of(1).data_directory / part);
    }
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

BOOST_AUTO_TEST_CASE(full_database_recovers_by_deletions_compaction_and_defragmentation) {
    database_group g(1);
    node_options options = g.options_of(1);
    options.database_bytes_max = 1 << 20;
    options.database_batch_bytes = 50'000;
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    const std::string value(4000, 'v');
    error_code failed;
    int keys = 0;
    for (; keys < 2000 && !failed; ++keys) {
        failed = asked(g, 1, quorate::put{.key = std::to_string(keys), .value = value});
    }
    BOOST_REQUIRE((failed == make_error_code(errc::no_space)));
    BOOST_TEST(g.nodes.at(1)->status().database_full);
    for (int i = 0; i < keys; ++i) {
        const error_code gone = asked(g, 1, quorate::delete_range{.key = std::to_string(i)});
        BOOST_REQUIRE_MESSAGE(!gone, gone.message());
    }
    BOOST_TEST(asked(g, 1, quorate::put{.key = "k", .value = value}) == errc::no_space);
    const std::uint64_t now = g.nodes.at(1)->machine().store().current_revision();
    BOOST_TEST(!asked(g, 1, quorate::compact{.revision = now, .physical = true}));
    BOOST_TEST(!defragmented(g, 1));
    BOOST_REQUIRE(g.run_until([&] { return !g.nodes.at(1)->status().database_full; }));
    BOOST_TEST(*backend_of(g, 1).file_bytes() < 100'000u);
    for (int i = 0; i < 150; ++i) { // as much again
        const error_code put = asked(g, 1, quorate::put{.key = std::to_string(i), .value = value});
        BOOST_REQUIRE_MESSAGE(!put, put.message());
    }
    const std::uint32_t before = g.hash(1);
    g.stop(1);
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    BOOST_TEST(g.hash(1) == before);
    BOOST_TEST(!g.nodes.at(1)->status().database_full);
}

BOOST_AUTO_TEST_CASE(full_leader_refuses_growth_that_followers_forward_and_takes_deletions) {
    database_group g;
    for (const member_info& m : g.initial) {
        node_options options = g.options_of(m.id.value());
        options.database_bytes_max = std::uint64_t{m.id == node_id(1) ? 1U : 64U} << 20;
        options.database_batch_bytes = 50'000;
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] {
        const std::uint64_t leads = g.leader();
        if (leads != 0 && leads != 1) {
            g.nodes.at(leads)->transfer_leadership(node_id(1), [](error_code) {});
        }
        return leads == 1;
    }));
    const std::string value(4000, 'v');
    error_code failed;
    for (int i = 0; i < 2000 && !failed; ++i) {
        failed = asked(g, g.follower(), quorate::put{.key = std::to_string(i), .value = value});
    }
    BOOST_TEST((failed == make_error_code(errc::no_space)));
    BOOST_TEST(g.nodes.at(1)->status().database_full);
    BOOST_TEST(!g.nodes.at(2)->status().database_full);
    BOOST_TEST(!asked(g, g.follower(), quorate::delete_range{.key = "0"}));
}

BOOST_AUTO_TEST_CASE(defragmentation_commits_what_waits_before_it_copies) {
    database_group g(1);
    node_options options = g.options_of(1);
    options.database_batch_bytes = 64 << 20; // no commit of its own accord
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    for (int i = 0; i < 300; ++i) {
        BOOST_REQUIRE(!asked(g, 1, quorate::put{.key = "key", .value = std::string(4000, 'v')}));
    }
    BOOST_TEST(!defragmented(g, 1));
    BOOST_TEST(*backend_of(g, 1).file_bytes() > 300u * 4000);
    BOOST_TEST(backend_of(g, 1).pending_bytes() == 0u);
    const std::uint64_t now = g.nodes.at(1)->machine().store().current_revision();
    BOOST_TEST(!asked(g, 1, quorate::compact{.revision = now}));
    BOOST_TEST(!defragmented(g, 1));
    BOOST_TEST(*backend_of(g, 1).file_bytes() < 100'000u);
    BOOST_TEST(g.nodes.at(1)->machine().held() == g.nodes.at(1)->machine().held());
    BOOST_TEST((g.nodes.at(1)->machine().held().index == g.nodes.at(1)->status().applied));
}

BOOST_AUTO_TEST_CASE(idle_member_frees_in_its_file_what_compaction_left) {
    database_group g(1);
    node_options options = g.options_of(1);
    options.database_batch_bytes = 100'000;
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    for (int i = 0; i < 500; ++i) {
        BOOST_REQUIRE(!asked(
            g, 1,
            quorate::put{.key = "key " + std::to_string(i % 20), .value = std::string(2000, 'v')}));
    }
    const std::uint64_t now = g.nodes.at(1)->machine().store().current_revision();
    BOOST_TEST(backend_of(g, 1).used_bytes() > 500u * 2000);
    BOOST_TEST(!asked(g, 1, quorate::compact{.revision = now}));
    BOOST_TEST(g.run_until([&] { return backend_of(g, 1).pending_bytes() == 0; }));
    BOOST_TEST(backend_of(g, 1).size() == 20u);
    BOOST_TEST(backend_of(g, 1).used_bytes() < 150'000u);
}

BOOST_AUTO_TEST_CASE(hash_over_a_database_runs_beside_commands) {
    database_group g(1);
    g.start_members();
    g.put_many(1, 0, 100);
    const std::uint32_t before = g.hash(1);
    std::atomic<bool> begun = false;
    std::atomic<bool> ends = false;
    result<store_hash> found = error_code(errc::stopped);
    bool done = false;
    using node = decltype(g)::node;
    g.nodes.at(1)->examine(
        [&](const node::machine_type& machine) -> node::examination {
            return [&, job = machine.store().begin_hash(0)](const auto& stopped) {
                begun = true;
                while (!ends) {
                    std::this_thread::sleep_for(milliseconds(1));
                }
                found = job->run(stopped);
            };
        },
        [&](error_code failed) { done = !failed; });
    BOOST_REQUIRE(g.run_until([&] { return begun.load(); }));
    g.put_many(1, 100, 150); // applied, and committed to the database
    BOOST_TEST(!asked(g, 1, quorate::compact{.revision = 140, .physical = true}));
    BOOST_TEST(!done);
    ends = true;
    BOOST_REQUIRE(g.run_until([&] { return done; }));
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(found->hash == before);
    BOOST_TEST(found->revision == 101u);
}

BOOST_AUTO_TEST_CASE(stop_ends_an_examination_that_is_under_way) {
    database_group g(1);
    g.start_members();
    g.put_many(1, 0, 10);
    std::atomic<bool> begun = false;
    error_code ended;
    using node = decltype(g)::node;
    g.nodes.at(1)->examine(
        [&](const node::machine_type&) -> node::examination {
            return [&](const std::function<bool()>& stopped) {
                begun = true;
                while (!stopped()) {
                    std::this_thread::sleep_for(milliseconds(1));
                }
            };
        },
        [&](error_code failed) { ended = failed; });
    BOOST_REQUIRE(g.run_until([&] { return begun.load(); }));
    g.stop(1);
    BOOST_TEST((ended == make_error_code(errc::stopped)));
}

BOOST_AUTO_TEST_SUITE_END()
