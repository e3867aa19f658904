#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(kv)

using namespace service_test;

BOOST_AUTO_TEST_CASE(any_member_serves_any_request) {
    cluster c(3);
    c.start_all();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        const std::string value = std::to_string(id);
        const answer got = c.submit(c.at(id), put{.key = "k", .value = value});
        BOOST_TEST(got.as<put_reply>().prev_kv.has_value() == false);
        BOOST_TEST(got.made.header.revision == id + 1);
        for (std::uint64_t other = 1; other <= 3; ++other) {
            BOOST_TEST(c.value(c.at(other), "k") == value);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused_before_it_is_proposed) {
    cluster c;
    c.start_all();
    const log_index last = c.leading().node().status().engine.last;
    BOOST_TEST(c.submit(c.leading(), put{}).failed == errc::key_empty);
    BOOST_TEST(c.submit(c.leading(), put{.key = "k", .value = "v", .ignore_value = true}).failed ==
               errc::value_provided);
    BOOST_TEST(c.range(c.leading(), {}).failed == errc::key_empty);
    const txn twice{{}, {{put{.key = "k"}}, {put{.key = "k"}}}, {}};
    BOOST_TEST(c.submit(c.leading(), twice).failed == errc::duplicate_key);
    BOOST_TEST((c.leading().node().status().engine.last == last));
}

BOOST_AUTO_TEST_CASE(a_transaction_that_reads_goes_not_through_the_log) {
    cluster c(3);
    c.start_all();
    c.submit(c.leading(), put{.key = "a", .value = "1"}).as<put_reply>();
    const log_index last = c.leading().node().status().engine.last;
    txn asked;
    asked.compares.push_back({.target = compare_target::version, .key = "a", .number = 1});
    asked.success.push_back({range{.key = "a"}});
    asked.success.push_back({txn{{}, {{range{.key = "b"}}}, {}}});
    asked.failure.push_back({range{.key = "z"}});
    const answer got =
        c.wait([&](auto done) { c.following().txn(asked, false, {}, std::move(done)); });
    const auto& did = got.as<txn_reply>();
    BOOST_TEST(did.succeeded);
    BOOST_REQUIRE(did.responses.size() == 2u);
    BOOST_TEST(std::get<range_reply>(did.responses[0].body).kvs.size() == 1u);
    BOOST_TEST(did.responses[0].header.revision == 2u);
    BOOST_TEST(std::get<txn_reply>(did.responses[1].body).responses.size() == 1u);
    BOOST_TEST((c.leading().node().status().engine.last == last));
    asked.success.push_back({range{.key = "a", .revision = 9}});
    BOOST_TEST(c.wait([&](auto done) {
                    c.leading().txn(asked, false, {}, std::move(done));
                }).failed == errc::revision_in_future);
}

BOOST_AUTO_TEST_CASE(without_space_an_alarm_is_raised_and_what_frees_goes_on) {
    cluster c(3);
    for (const auto& m : c.initial) {
        service_options options = c.options_of(m.id.value());
        options.quota_bytes = 2000;
        c.start(options);
    }
    BOOST_REQUIRE(c.run_until([&] { return c.leader() != 0; }));
    const std::string large(1000, 'x');
    c.submit(c.leading(), put{.key = "a", .value = large}).as<put_reply>();
    BOOST_TEST(c.submit(c.leading(), put{.key = "b", .value = large}).failed ==
               errc::space_exceeded);
    BOOST_TEST(c.run_until([&] { return c.following().alarms().raised(alarm_kind::no_space); }));
    BOOST_TEST(c.submit(c.following(), put{.key = "c", .value = "small"}).failed ==
               errc::space_exceeded);
    BOOST_TEST(c.value(c.following(), "b") == "-");
    BOOST_TEST(c.submit(c.leading(), delete_range{.key = "a"}).as<delete_reply>().deleted == 1u);
    const std::uint64_t now = c.leading().store().current_revision();
    c.submit(c.leading(), compact{.revision = now, .physical = true}).as<compact_reply>();
    const raised_alarm raised = c.leading().alarms().all().front();
    c.submit(c.leading(), alarm_change{raised, false}).as<alarm_reply>();
    c.submit(c.leading(), put{.key = "c", .value = "small"}).as<put_reply>();
}

BOOST_AUTO_TEST_CASE(old_revisions_go_by_themselves_when_asked_for) {
    cluster c;
    service_options options = c.options_of(1);
    options.compaction.keep_revisions = 10;
    options.compaction.revision_interval = milliseconds(1);
    c.start(options);
    BOOST_REQUIRE(c.run_until([&] { return c.leader() != 0; }));
    for (int i = 0; i < 30; ++i) {
        c.submit(c.leading(), put{.key = "k"}).as<put_reply>();
    }
    BOOST_TEST(c.run_until([&] { return c.leading().store().compact_revision() >= 21; }));
    BOOST_TEST(c.range(c.leading(), {.key = "k", .revision = 5}).failed ==
               errc::revision_compacted);
    BOOST_TEST(c.leading().store().compact_revision() == 21u);
}

// What operators do without space; nothing else is asked of the member meanwhile.
BOOST_AUTO_TEST_CASE(compaction_and_defragmentation_make_room_again_on_an_idle_member) {
    cluster c;
    service_options options = c.options_of(1);
    options.quota_bytes = 1 << 20;
    c.start(options);
    BOOST_REQUIRE(c.run_until([&] { return c.leader() != 0; }));
    const std::string value(1000, 'x');
    const auto fill = [&] {
        int puts = 0;
        while (!c.submit(c.leading(), put{.key = "k" + std::to_string(puts % 10), .value = value})
                    .failed) {
            BOOST_REQUIRE(++puts < 5000);
        }
        return puts;
    };
    const int first = fill();
    BOOST_REQUIRE(c.run_until([&] { return c.leading().alarms().raised(alarm_kind::no_space); }));
    const std::uint64_t now = c.leading().store().current_revision();
    c.submit(c.leading(), compact{.revision = now}).as<compact_reply>();
    BOOST_TEST(!c.outcome([&](auto done) { c.leading().defragment({}, std::move(done)); }));
    BOOST_TEST(c.leading().store().row_count() == 10u);
    const raised_alarm raised = c.leading().alarms().all().front();
    c.submit(c.leading(), alarm_change{raised, false}).as<alarm_reply>();
    BOOST_TEST(fill() > first - 50);
}

BOOST_AUTO_TEST_CASE(memory_held_returns_near_what_lives_after_a_compaction) {
    cluster c;
    c.start_all();
    std::vector<std::string> keys;
    for (int i = 0; i < 20; ++i) {
        keys.push_back("key " + std::to_string(i));
    }
    const std::string value(100, 'v');
    const auto write = [&] {
        txn writes;
        for (const std::string& key : keys) {
            writes.success.push_back({put{.key = key, .value = value}});
        }
        c.submit(c.leading(), writes).as<txn_reply>();
    };
    write();
    const std::uint64_t live = c.leading().used_bytes();
    for (int i = 0; i < 500; ++i) {
        write();
    }
    BOOST_TEST(c.leading().used_bytes() > 400 * live);
    const std::uint64_t now = c.leading().store().current_revision();
    c.submit(c.leading(), compact{.revision = now}).as<compact_reply>();
    BOOST_TEST(c.run_until([&] { return c.leading().used_bytes() <= live; }));
}

BOOST_AUTO_TEST_CASE(snapshots_beyond_their_limit_are_refused_until_one_is_let_go) {
    cluster c;
    service_options options = c.options_of(1);
    options.snapshot_streams_max = 3;
    std::vector<std::string> said;
    options.node.log = [&said](severity, const std::string& text) { said.push_back(text); };
    c.start(options);
    BOOST_REQUIRE(c.run_until([&] { return c.leader() != 0; }));
    c.submit(c.leading(), put{.key = "k", .value = "v"}).as<put_reply>();
    std::vector<bulk_bytes> held;
    const auto ask = [&] {
        error_code outcome;
        bool done = false;
        c.leading().snapshot({}, [&](error_code failed, const bulk_bytes& state) {
            outcome = failed;
            done = true;
            if (!failed) {
                held.push_back(state);
            }
        });
        BOOST_REQUIRE(c.run_until([&] { return done; }));
        return outcome;
    };
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(!ask());
    }
    BOOST_TEST(ask() == errc::too_many_unapplied);
    BOOST_TEST(ask() == errc::too_many_unapplied);
    BOOST_TEST(std::count_if(said.begin(), said.end(), [](const std::string& line) {
                   return line.find("snapshot_streams_max") != std::string::npos;
               }) == 1);
    c.submit(c.leading(), put{.key = "k", .value = "w"}).as<put_reply>();
    BOOST_TEST(held.front().read(0, 100).has_value());
    held.pop_back();
    BOOST_TEST(!ask());
    BOOST_TEST(ask() == errc::too_many_unapplied);
}

BOOST_AUTO_TEST_SUITE_END()
