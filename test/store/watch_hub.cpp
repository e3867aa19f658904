#include <quorate/store/kv_machine.hpp>
#include <quorate/store/watch_hub.hpp>

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>

#include "tested_backend.hpp"

BOOST_AUTO_TEST_SUITE(watch_hub_tests)

using namespace quorate;
using tested_machine = quorate::kv_machine<ordered_index, quorate_test::tested_backend>;

namespace {

std::string text(const watch_event& e) {
    std::string said = e.deleted ? "del " : "put ";
    said += std::string(e.kv.key.view());
    said += e.deleted ? "" : "=" + std::string(e.kv.value.view());
    said += "@" + std::to_string(e.kv.mod_revision);
    return e.prev_kv ? said + "<" + std::string(e.prev_kv->value.view()) : said;
}

/// Of a batch: the watch, what it says, and the revision behind a slash.
std::string text(const std::optional<watch_batch>& batch) {
    if (!batch) {
        return "nothing";
    }
    std::string said = std::to_string(batch->id) + ":";
    for (const shared_event& e : batch->events) {
        said += " " + text(*e);
    }
    said += batch->fragment ? " ..." : "";
    said += batch->canceled ? " canceled " + std::to_string(batch->compact_revision) : "";
    return said + "/" + std::to_string(batch->revision);
}

struct fixture {
    explicit fixture(watch_limits limits = {}) : hub(machine.store(), limits) {
        stream = hub.open([this] { ++woken; });
    }

    tested_machine machine;
    watch_hub<tested_machine::store_type> hub;
    watch_stream_id stream;
    int woken = 0;

    void apply(const request& asked) {
        machine.apply(log_index(1), machine.encode(asked).freeze().slice(command_header_bytes));
    }
    void set(byte_view key, byte_view value = "v") {
        apply(put{.key = key, .value = value});
        hub.publish();
    }
    void remove(byte_view key, byte_view range_end = {}) {
        apply(delete_range{.key = key, .range_end = range_end});
        hub.publish();
    }
    void compact_at(std::uint64_t main) {
        apply(compact{main});
        hub.publish();
    }
    watch_id watch(const watch_request& asked) {
        const auto made = hub.create(stream, asked);
        BOOST_REQUIRE(made.has_value());
        return *made;
    }
    std::string take(std::size_t bytes_max = 100000) { return text(hub.take(stream, bytes_max)); }
    void catch_up() {
        while (hub.step(100)) {
        }
    }
};
/// Room for two small events.
struct small_fixture : fixture {
    small_fixture() : fixture({.queue_bytes = 80}) {}
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_watch_is_told_of_its_key_from_the_next_write_on, fixture) {
    set("a", "0");
    watch({.key = "a"});
    BOOST_TEST(take() == "nothing");
    set("a", "1");
    set("b", "2");
    remove("a");
    BOOST_TEST(take() == "0: put a=1@3 del a@5/5");
    BOOST_TEST(take() == "nothing");
}

BOOST_FIXTURE_TEST_CASE(a_range_means_what_it_means_to_requests, fixture) {
    watch({.key = "b", .range_end = "d"});
    watch({.key = "c", .range_end = to_last_key});
    watch({.key = "", .range_end = to_last_key});
    watch({.key = ""});
    for (const byte_view key : {"a", "b", "c", "d"}) {
        set(key);
    }
    BOOST_TEST(take() == "2: put a=v@2 put b=v@3 put c=v@4 put d=v@5/5");
    BOOST_TEST(take() == "0: put b=v@3 put c=v@4/5");
    BOOST_TEST(take() == "1: put c=v@4 put d=v@5/5");
    BOOST_TEST(take() == "nothing");
    set(byte_view("\0", 1));
    BOOST_TEST(hub.take(stream, 100)->id == 3);
}

BOOST_FIXTURE_TEST_CASE(ids_are_given_out_or_chosen, fixture) {
    BOOST_TEST(watch({.key = "a"}) == 0);
    BOOST_TEST(watch({.key = "a", .id = 1}) == 1);
    BOOST_TEST(watch({.key = "a"}) == 2);
    BOOST_TEST(watch({.key = "a", .id = -7}) == -7);
    BOOST_TEST((hub.create(stream, {.key = "a", .id = 1}).error() == errc::watch_exists));
    BOOST_TEST(
        (hub.create(stream, {.key = "a", .id = whole_stream}).error() == errc::invalid_option));
    BOOST_TEST(hub.size() == 4u);
    const watch_stream_id other = hub.open([] {});
    BOOST_TEST(hub.create(other, {.key = "a", .id = 1}).value() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_span_of_no_keys_is_refused, fixture) {
    const watch_request backwards{.key = "b", .range_end = "a"};
    BOOST_TEST((hub.create(stream, backwards).error() == errc::watch_span_empty));
    const watch_request nothing{.key = "b", .range_end = "b"};
    BOOST_TEST((hub.create(stream, nothing).error() == errc::watch_span_empty));
    BOOST_TEST(hub.size() == 0u);
}

BOOST_FIXTURE_TEST_CASE(the_consumer_is_woken_once_until_it_found_nothing, fixture) {
    watch({.key = "a"});
    BOOST_TEST(woken == 0);
    set("b");
    BOOST_TEST(woken == 0);
    set("a");
    set("a");
    BOOST_TEST(woken == 1);
    take();
    set("a");
    BOOST_TEST(woken == 1);
    take();
    BOOST_TEST(take() == "nothing");
    set("a");
    BOOST_TEST(woken == 2);
}

BOOST_FIXTURE_TEST_CASE(a_start_in_the_past_is_read_from_the_history, fixture) {
    set("a", "1");
    set("a", "2");
    set("b", "3");
    watch({.key = "a", .start_revision = 3});
    BOOST_TEST(hub.behind());
    BOOST_TEST(take() == "nothing");
    BOOST_TEST(!hub.step(100));
    BOOST_TEST(woken == 1);
    BOOST_TEST(take() == "0: put a=2@3/4");
    set("a", "4");
    BOOST_TEST(take() == "0: put a=4@5/5");
}

BOOST_FIXTURE_TEST_CASE(steps_are_small_and_end_between_writes, fixture) {
    for (int i = 0; i < 5; ++i) {
        set("a", std::to_string(i));
    }
    remove("a", to_last_key);
    watch({.key = "a", .start_revision = 2});
    BOOST_TEST(hub.step(2));
    BOOST_TEST(take() == "0: put a=0@2 put a=1@3/3");
    set("b", "meanwhile");
    BOOST_TEST(hub.step(1));
    BOOST_TEST(take() == "0: put a=2@4/4");
    BOOST_TEST(!hub.step(100));
    BOOST_TEST(take() == "0: put a=3@5 put a=4@6 del a@7/8");
}

BOOST_FIXTURE_TEST_CASE(a_start_in_the_future_waits, fixture) {
    watch({.key = "a", .start_revision = 4});
    set("a", "2");
    set("a", "3");
    BOOST_TEST(woken == 0);
    set("a", "4");
    BOOST_TEST(take() == "0: put a=4@4/4");
}

BOOST_FIXTURE_TEST_CASE(a_compacted_start_is_cancelled, fixture) {
    set("a");
    set("a");
    set("a");
    compact_at(3);
    watch({.key = "a", .start_revision = 2});
    BOOST_TEST(woken == 1);
    BOOST_TEST(take() == "0: canceled 3/0");
    BOOST_TEST(take() == "nothing");
    BOOST_TEST(hub.size() == 0u);
    watch({.key = "a", .start_revision = 3});
    catch_up();
    BOOST_TEST(take() == "1: put a=v@3 put a=v@4/4");
}

// etcd lost this deletion up to 3.4.33.
BOOST_FIXTURE_TEST_CASE(a_deletion_at_the_compacted_revision_is_told, fixture) {
    set("a");
    remove("a");
    compact_at(3);
    watch({.key = "a", .start_revision = 3});
    catch_up();
    BOOST_TEST(take() == "0: del a@3/3");
}

BOOST_FIXTURE_TEST_CASE(filters_leave_events_out, fixture) {
    watch({.key = "a", .no_put = true});
    watch({.key = "a", .no_delete = true});
    watch({.key = "a", .no_put = true, .no_delete = true});
    set("a");
    remove("a");
    BOOST_TEST(take() == "1: put a=v@2/3");
    BOOST_TEST(take() == "0: del a@3/3");
    BOOST_TEST(take() == "nothing");
}

BOOST_FIXTURE_TEST_CASE(what_was_there_before_is_told_where_asked_for, fixture) {
    watch({.key = "a", .prev_kv = true});
    watch({.key = "a"});
    set("a", "1");
    set("a", "2");
    remove("a");
    set("a", "3");
    BOOST_TEST(take() == "0: put a=1@2 put a=2@3<1 del a@4<2 put a=3@5/5");
    BOOST_TEST(take() == "1: put a=1@2 put a=2@3 del a@4 put a=3@5/5");
    quorate::txn again;
    again.success.push_back({delete_range{.key = "a", .range_end = to_last_key}});
    again.success.push_back({put{.key = "a", .value = "4"}});
    apply(again);
    hub.publish();
    BOOST_TEST(take() == "0: del a@6<3 put a=4@6/6");
}

BOOST_FIXTURE_TEST_CASE(nothing_was_there_before_when_it_is_compacted, fixture) {
    set("a", "1");
    set("a", "2");
    set("a", "3");
    compact_at(3);
    watch({.key = "a", .start_revision = 3, .prev_kv = true});
    catch_up();
    BOOST_TEST(take() == "0: put a=2@3 put a=3@4<2/4");
}

BOOST_FIXTURE_TEST_CASE(watchers_share_events, fixture) {
    watch({.key = "a"});
    watch({.key = "a", .range_end = "b"});
    set("a");
    const auto one = hub.take(stream, 100);
    const auto other = hub.take(stream, 100);
    BOOST_REQUIRE((one && other));
    BOOST_TEST(one->id != other->id);
    BOOST_TEST(one->events[0] == other->events[0]);
}

BOOST_FIXTURE_TEST_CASE(a_write_is_not_split_unless_the_watch_allows_it, fixture) {
    set("a");
    set("b");
    set("c");
    watch({.key = "a", .range_end = to_last_key});
    watch({.key = "a", .range_end = to_last_key, .fragment = true});
    remove("a", to_last_key);
    const std::string first = take(40);
    BOOST_TEST(first == "0: del a@5 del b@5 del c@5/5");
    BOOST_TEST(take(70) == "1: del a@5 del b@5 .../5");
    set("d");
    BOOST_TEST(take(40) == "1: del c@5/5");
    BOOST_TEST(take(40) == "0: put d=v@6/6");
    BOOST_TEST(take(40) == "1: put d=v@6/6");
}

BOOST_FIXTURE_TEST_CASE(watches_of_a_stream_take_turns, fixture) {
    watch({.key = "a"});
    watch({.key = "b"});
    set("a");
    set("a");
    set("b");
    BOOST_TEST(take(40) == "0: put a=v@2/2");
    BOOST_TEST(take(40) == "1: put b=v@4/4");
    BOOST_TEST(take(40) == "0: put a=v@3/4");
}

BOOST_FIXTURE_TEST_CASE(a_slow_watch_goes_on_from_the_history, small_fixture) {
    watch({.key = "a"});
    for (int i = 0; i < 7; ++i) {
        set("a", std::to_string(i));
    }
    BOOST_TEST(!hub.behind()); // There is no room yet.
    BOOST_TEST(hub.slow_count() == 1u);
    BOOST_TEST(hub.pending_events() == 2u);
    BOOST_TEST(take(40) == "0: put a=0@2/2");
    BOOST_TEST(hub.behind());
    catch_up();
    BOOST_TEST(take() == "0: put a=1@3 put a=2@4/4");
    catch_up();
    BOOST_TEST(take() == "0: put a=3@5 put a=4@6/6");
    catch_up();
    BOOST_TEST(take() == "0: put a=5@7 put a=6@8/8");
    BOOST_TEST(take() == "nothing");
    BOOST_TEST(!hub.behind());
    set("a", "7");
    BOOST_TEST(take() == "0: put a=7@9/9");
    BOOST_TEST(hub.slow_count() == 0u);
    BOOST_TEST(hub.pending_events() == 0u);
    BOOST_TEST(hub.told_events() == 8u);
    BOOST_TEST(hub.stream_count() == 1u);
    hub.close(stream);
    BOOST_TEST(hub.stream_count() == 0u);
    BOOST_TEST(hub.told_events() == 8u);
}

BOOST_FIXTURE_TEST_CASE(a_slow_watch_that_compaction_overtakes_is_cancelled, small_fixture) {
    watch({.key = "a"});
    for (int i = 0; i < 7; ++i) {
        set("a", std::to_string(i));
    }
    compact_at(5);
    BOOST_TEST(take() == "0: put a=0@2 put a=1@3/3");
    BOOST_TEST(take() == "0: canceled 5/0");
    BOOST_TEST(take() == "nothing");
    watch({.key = "a", .start_revision = 5});
    catch_up();
    BOOST_TEST(take() == "1: put a=3@5 put a=4@6/6");
}

BOOST_FIXTURE_TEST_CASE(compaction_before_publication_cancels_rather_than_skips, fixture) {
    watch({.key = "a"});
    watch({.key = "a", .start_revision = 9});
    apply(put{.key = "a", .value = "1"});
    apply(put{.key = "a", .value = "2"});
    apply(compact{3});
    hub.publish();
    BOOST_TEST(take() == "0: canceled 3/0");
    BOOST_TEST(take() == "nothing");
    BOOST_TEST(hub.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_restored_store_is_read_on_from_where_each_watch_is, fixture) {
    quorate::kv_machine<> other;
    const auto both = [&](byte_view value, bool here) {
        const request asked = put{.key = "a", .value = value};
        other.apply(log_index(1), other.encode(asked).freeze().slice(command_header_bytes));
        if (here) {
            set("a", value);
        }
    };
    watch({.key = "a"});
    watch({.key = "a", .start_revision = 6});
    both("1", true);
    both("2", false);
    both("3", false);
    BOOST_REQUIRE(!machine.restore(other.snapshot()));
    hub.publish();
    BOOST_TEST(take() == "0: put a=1@2 put a=2@3 put a=3@4/4");
    both("4", true);
    both("5", true);
    BOOST_TEST(take() == "0: put a=4@5 put a=5@6/6");
    BOOST_TEST(take() == "1: put a=5@6/6");
}

BOOST_FIXTURE_TEST_CASE(a_store_put_back_does_not_tell_anything_twice, fixture) {
    const auto before = machine.snapshot();
    watch({.key = "a"});
    set("a", "1");
    set("a", "2");
    BOOST_TEST(take() == "0: put a=1@2 put a=2@3/3");
    BOOST_REQUIRE(!machine.restore(before));
    hub.publish();
    watch({.key = "a"});
    set("a", "other");
    BOOST_TEST(take() == "1: put a=other@2/2");
    set("a", "another");
    set("a", "third");
    BOOST_TEST(take() == "1: put a=another@3 put a=third@4/4");
    BOOST_TEST(take() == "0: put a=third@4/4");
}

BOOST_FIXTURE_TEST_CASE(a_large_backlog_is_published_in_steps, fixture) {
    watch_hub<tested_machine::store_type> slow(machine.store(), {.publish_rows = 2});
    bool awake = false;
    const watch_stream_id consumer = slow.open([&] { awake = true; });
    BOOST_TEST(slow.create(consumer, {.key = "a"}).has_value());
    for (int i = 0; i < 5; ++i) {
        set("a", std::to_string(i));
    }
    slow.publish();
    BOOST_TEST(awake);
    BOOST_TEST(slow.behind());
    BOOST_TEST(text(slow.take(consumer, 1000)) == "0: put a=0@2 put a=1@3/3");
    while (slow.step(1)) {
    }
    BOOST_TEST(text(slow.take(consumer, 1000)) == "0: put a=2@4 put a=3@5 put a=4@6/6");
}

BOOST_FIXTURE_TEST_CASE(progress_of_a_stream_waits_until_all_is_told, fixture) {
    watch({.key = "a"});
    watch({.key = "b", .start_revision = 1});
    set("a");
    set("c");
    hub.request_progress(stream);
    BOOST_TEST(woken == 1);
    BOOST_TEST(take() == "0: put a=v@2/3");
    BOOST_TEST(take() == "nothing");
    catch_up(); // No event wakes the stream, but its progress does.
    BOOST_TEST(woken == 2);
    BOOST_TEST(take() == "-1:/3");
    BOOST_TEST(take() == "nothing");
}

BOOST_FIXTURE_TEST_CASE(progress_of_a_stream_is_told_before_a_start_in_the_future, fixture) {
    watch({.key = "a", .start_revision = 5});
    hub.request_progress(stream);
    BOOST_TEST(take() == "-1:/1");
    BOOST_TEST(take() == "nothing");
    for (int i = 0; i < 3; ++i) {
        set("b");
    }
    hub.request_progress(stream);
    BOOST_TEST(take() == "-1:/4");
}

BOOST_FIXTURE_TEST_CASE(progress_is_told_on_the_owners_interval_where_nothing_else_was, fixture) {
    watch({.key = "a", .progress_notify = true});
    watch({.key = "a"});
    watch({.key = "a", .start_revision = 99, .progress_notify = true});
    set("b");
    hub.notify_progress();
    BOOST_TEST(take() == "0:/2");
    BOOST_TEST(take() == "nothing");
    set("a");
    BOOST_TEST(take() == "0: put a=v@3/3");
    BOOST_TEST(take() == "1: put a=v@3/3");
    hub.notify_progress();
    BOOST_TEST(take() == "nothing");
    hub.notify_progress();
    set("a");
    BOOST_TEST(take() == "0: put a=v@4/4");
    BOOST_TEST(take() == "1: put a=v@4/4");
    BOOST_TEST(take() == "nothing");
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_watch_says_no_more, fixture) {
    const watch_id gone = watch({.key = "a"});
    watch({.key = "a"});
    set("a");
    BOOST_TEST(hub.cancel(stream, gone));
    BOOST_TEST(!hub.cancel(stream, gone));
    BOOST_TEST(take() == "1: put a=v@2/2");
    BOOST_TEST(take() == "nothing");
}

BOOST_FIXTURE_TEST_CASE(a_closed_stream_takes_its_watches_with_it, fixture) {
    set("a");
    const watch_stream_id other = hub.open([] { BOOST_ERROR("woken after its end"); });
    for (const std::uint64_t start : {0u, 2u, 7u}) {
        BOOST_TEST(hub.create(other, {.key = "a", .start_revision = start}).has_value());
    }
    BOOST_TEST(hub.size() == 3u);
    hub.close(other);
    BOOST_TEST(hub.size() == 0u);
    catch_up();
    set("a");
}

BOOST_AUTO_TEST_CASE(more_places_of_the_past_than_may_be_read_wait_for_their_turn) {
    fixture f({.queue_bytes = 1000, .publish_rows = 10, .join_distance = 0, .cohorts = 2});
    for (int i = 0; i < 9; ++i) {
        f.set("a");
    }
    for (std::uint64_t start = 9; start >= 2; --start) {
        f.watch({.key = "a", .start_revision = start});
    }
    std::size_t events = 0;
    f.catch_up();
    while (const auto batch = f.hub.take(f.stream, 100000)) {
        events += batch->events.size();
        BOOST_TEST(batch->events.size() == static_cast<std::size_t>(batch->id) + 2);
    }
    BOOST_TEST(events == 2u + 3u + 4u + 5u + 6u + 7u + 8u + 9u);
}

BOOST_AUTO_TEST_SUITE_END()
