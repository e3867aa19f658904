#include <quorate/store/key_history.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(key_history)

using quorate::key_history;
using quorate::key_version;
using quorate::revision;

namespace {

/// "2.0 4.1": how tables write lists of revisions.
std::string text(const std::vector<revision>& list) {
    std::ostringstream out;
    for (const revision& at : list) {
        out << (&at == list.data() ? "" : " ") << at;
    }
    return out.str();
}
std::string text(const std::optional<revision>& at) {
    return at ? text(std::vector{*at}) : "";
}
/// "4.1, 2.0, 3": modified, created, version; "-" when not found.
std::string text(const std::optional<key_version>& found) {
    if (!found) {
        return "-";
    }
    std::ostringstream out;
    out << found->modified << ", " << found->created << ", " << found->version;
    return out.str();
}
/// "[c=2.0 ver=4: 2.0 4.0][]": all lives; a dead key ends in an empty one.
std::string text(const key_history& history) {
    std::ostringstream out;
    for (const auto& life : history.generations()) {
        out << '[';
        if (!life.changes.empty()) {
            out << "c=" << life.created << " ver=" << life.version << ": " << text(life.changes);
        }
        out << ']';
    }
    return out.str();
}

key_history example() {
    key_history history;
    history.put({2, 0});
    history.put({4, 0});
    history.put({4, 1});
    history.tombstone({6, 0});
    history.put({9, 0});
    history.put({12, 0});
    history.tombstone({14, 0});
    return history;
}

const std::string whole = "[c=2.0 ver=4: 2.0 4.0 4.1 6.0][c=9.0 ver=3: 9.0 12.0 14.0][]";

struct golden_row {
    std::uint64_t x;
    const char* get;
    const char* since;
    const char* keep;
    const char* available;
    std::string left;
};

const std::vector<golden_row> golden{
    {1, "-", "2.0 4.1 6.0 9.0 12.0 14.0", "", "", whole},
    {2, "2.0, 2.0, 1", "2.0 4.1 6.0 9.0 12.0 14.0", "2.0", "2.0", whole},
    {3, "2.0, 2.0, 1", "4.1 6.0 9.0 12.0 14.0", "2.0", "2.0", whole},
    {4, "4.1, 2.0, 3", "4.1 6.0 9.0 12.0 14.0", "4.1", "4.1",
     "[c=2.0 ver=4: 4.1 6.0][c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {5, "4.1, 2.0, 3", "6.0 9.0 12.0 14.0", "4.1", "4.1",
     "[c=2.0 ver=4: 4.1 6.0][c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {6, "-", "6.0 9.0 12.0 14.0", "", "6.0", "[c=2.0 ver=4: 6.0][c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {7, "-", "9.0 12.0 14.0", "", "", "[c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {8, "-", "9.0 12.0 14.0", "", "", "[c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {9, "9.0, 9.0, 1", "9.0 12.0 14.0", "9.0", "9.0", "[c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {10, "9.0, 9.0, 1", "12.0 14.0", "9.0", "9.0", "[c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {11, "9.0, 9.0, 1", "12.0 14.0", "9.0", "9.0", "[c=9.0 ver=3: 9.0 12.0 14.0][]"},
    {12, "12.0, 9.0, 2", "12.0 14.0", "12.0", "12.0", "[c=9.0 ver=3: 12.0 14.0][]"},
    {13, "12.0, 9.0, 2", "14.0", "12.0", "12.0", "[c=9.0 ver=3: 12.0 14.0][]"},
    {14, "-", "14.0", "", "14.0", "[c=9.0 ver=3: 14.0][]"},
    {15, "-", "", "", "", "[]"},
};

} // namespace

BOOST_AUTO_TEST_CASE(example_a_reads) {
    const key_history history = example();
    BOOST_TEST(text(history) == whole);
    BOOST_TEST((history.modified() == revision{14, 0}));
    BOOST_TEST(!history.alive());
    for (const golden_row& row : golden) {
        BOOST_TEST_CONTEXT("x = " << row.x) {
            BOOST_TEST(text(history.get(row.x)) == row.get);
            BOOST_TEST(text(history.since(row.x)) == row.since);
            BOOST_TEST(text(history.keep(row.x)) == row.keep);
        }
    }
    BOOST_TEST(text(history.since(0)) == golden[0].since);
}

BOOST_AUTO_TEST_CASE(example_a_compactions) {
    for (const golden_row& row : golden) {
        BOOST_TEST_CONTEXT("x = " << row.x) {
            key_history history = example();
            BOOST_TEST(text(history.compact(row.x)) == row.available);
            BOOST_TEST(text(history) == row.left);
            BOOST_TEST(history.empty() == (row.x == 15));
        }
    }
}

BOOST_AUTO_TEST_CASE(example_a_one_compaction_after_the_other) {
    key_history history = example();
    for (const std::uint64_t x : {5u, 6u, 7u, 12u, 13u, 14u}) {
        const golden_row& row = golden[x - 1];
        BOOST_TEST(text(history.compact(x)) == row.available);
        BOOST_TEST(text(history) == row.left);
    }
    BOOST_TEST(!history.tombstone({15, 0}));
    BOOST_TEST(text(history) == "[c=9.0 ver=3: 14.0][]");
    history.put({16, 0});
    BOOST_TEST(text(history) == "[c=9.0 ver=3: 14.0][c=16.0 ver=1: 16.0]");
    BOOST_TEST(text(history.get(15)) == "-");
    BOOST_TEST(text(history.get(16)) == "16.0, 16.0, 1");
    BOOST_TEST(text(history.compact(15)) == "");
    BOOST_TEST(text(history) == "[c=16.0 ver=1: 16.0]");
}

BOOST_AUTO_TEST_CASE(example_b_restored_with_a_put_first) {
    key_history history = key_history::restored({4, 0}, {9, 2}, 5);
    BOOST_TEST(text(history) == "[c=4.0 ver=5: 9.2]");
    BOOST_TEST(text(history.get(9)) == "9.2, 4.0, 5");
    BOOST_TEST(text(history.get(8)) == "-");
    BOOST_TEST(text(history.get(4)) == "-");
    history.put({11, 0});
    BOOST_TEST(text(history.get(11)) == "11.0, 4.0, 6");
    BOOST_TEST(text(history.get(10)) == "9.2, 4.0, 5");
    BOOST_TEST(text(history.since(5)) == "9.2 11.0");
    BOOST_TEST(history.tombstone({12, 0}));
    BOOST_TEST(text(history.get(12)) == "-");
}

BOOST_AUTO_TEST_CASE(example_b_restored_with_a_tombstone_first) {
    key_history history = key_history::restored_tombstone({7, 0});
    BOOST_TEST(text(history) == "[c=0.0 ver=1: 7.0][]");
    BOOST_TEST(text(history.get(6)) == "-");
    BOOST_TEST(text(history.get(7)) == "-");
    BOOST_TEST(text(history.since(1)) == "7.0");
    history.put({9, 0});
    BOOST_TEST(text(history.since(1)) == "7.0 9.0");
    BOOST_TEST(text(history.get(9)) == "9.0, 9.0, 1");
    BOOST_TEST(text(history.keep(7)) == "");
    BOOST_TEST(text(history.compact(7)) == "7.0");
    BOOST_TEST(text(history.compact(8)) == "");
    BOOST_TEST(text(history) == "[c=9.0 ver=1: 9.0]");
}

BOOST_AUTO_TEST_CASE(example_c_a_put_must_be_later) {
    const quorate_test::throwing_assertions guard;
    key_history history;
    history.put({5, 0});
    BOOST_CHECK_THROW(history.put({5, 0}), quorate_test::assertion_thrown);
    BOOST_CHECK_THROW(history.put({4, 0}), quorate_test::assertion_thrown);
    BOOST_CHECK_THROW(history.tombstone({5, 0}), quorate_test::assertion_thrown);
    BOOST_TEST(text(history) == "[c=5.0 ver=1: 5.0]");
}

BOOST_AUTO_TEST_CASE(example_c_what_is_dead_is_not_deleted_again) {
    key_history history;
    BOOST_TEST(!history.tombstone({1, 0}));
    history.put({5, 0});
    BOOST_TEST(history.tombstone({6, 0}));
    BOOST_TEST(!history.tombstone({7, 0}));
    BOOST_TEST(text(history) == "[c=5.0 ver=2: 5.0 6.0][]");
}

// Transactions can delete a key and put it again; compaction there must keep what it became.
BOOST_AUTO_TEST_CASE(example_c_a_put_after_a_deletion_by_the_same_write) {
    key_history history;
    history.put({3, 0});
    history.tombstone({3, 1});
    history.put({3, 2});
    BOOST_TEST(text(history) == "[c=3.0 ver=2: 3.0 3.1][c=3.2 ver=1: 3.2]");
    BOOST_TEST(text(history.get(2)) == "-");
    BOOST_TEST(text(history.get(3)) == "3.2, 3.2, 1");
    BOOST_TEST(text(history.since(3)) == "3.2");
    BOOST_TEST(text(history.keep(3)) == "3.2");
    BOOST_TEST(text(history.compact(3)) == "3.2");
    BOOST_TEST(text(history) == "[c=3.2 ver=1: 3.2]");
    BOOST_TEST(text(history.get(3)) == "3.2, 3.2, 1");
}

BOOST_AUTO_TEST_CASE(removed_changes_are_named_in_order) {
    key_history history = example();
    std::vector<revision> removed;
    const auto note = [&](revision at) { removed.push_back(at); };
    history.compact(4, note);
    BOOST_TEST(text(removed) == "2.0 4.0");
    history.compact(10, note);
    BOOST_TEST(text(removed) == "2.0 4.0 4.1 6.0");
    history.compact(20, note);
    BOOST_TEST(text(removed) == "2.0 4.0 4.1 6.0 9.0 12.0 14.0");
}

namespace {

struct event {
    revision at;
    bool tombstone;
};

/// What the list of all events says of a moment.
std::optional<key_version> naive_get(const std::vector<event>& events, std::uint64_t x) {
    std::optional<key_version> now;
    for (const event& one : events) {
        if (one.at.main > x) {
            break;
        }
        if (one.tombstone) {
            now.reset();
        } else if (now) {
            now = key_version{one.at, now->created, now->version + 1};
        } else {
            now = key_version{one.at, one.at, 1};
        }
    }
    return now;
}

std::vector<event> random_events(std::mt19937_64& random, key_history& history) {
    std::vector<event> events;
    std::uint64_t main = 1;
    for (auto count = random() % 14; count > 0; --count) {
        const bool again = !events.empty() && !events.back().tombstone && random() % 4 == 0;
        main += again ? 0 : 1 + random() % 3;
        const revision at{main, again ? events.back().at.sub + 1 : 0};
        if (random() % 3 == 0 && history.tombstone(at)) {
            events.push_back({at, true});
        } else {
            history.put(at);
            events.push_back({at, false});
        }
    }
    return events;
}

/// L1 to L5 for one compaction of one history.
void check_laws(const key_history& history, const std::vector<event>& events, std::uint64_t x) {
    const std::uint64_t end = events.empty() ? 3 : events.back().at.main + 2;
    key_history after = history;
    const auto available = after.compact(x);
    for (std::uint64_t y = x; y <= end; ++y) {
        BOOST_TEST((after.get(y) == naive_get(events, y))); // L1 and L5
        BOOST_TEST(text(after.since(y + 1)) == text(history.since(y + 1)));
    }
    const auto live = naive_get(events, x);
    BOOST_TEST(text(history.keep(x)) == text(live ? std::optional(live->modified) : std::nullopt));
    std::optional<revision> deleted_at_x;
    bool later = false;
    for (const event& one : events) {
        if (one.at.main == x && one.tombstone) {
            deleted_at_x = one.at;
        }
        later = later || one.at.main > x;
    }
    BOOST_TEST(text(available) == text(live ? history.keep(x) : deleted_at_x)); // L3
    BOOST_TEST(after.empty() == (!live && !deleted_at_x && !later));            // L4
}

} // namespace

BOOST_AUTO_TEST_CASE(laws_hold_for_random_histories) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 1500; ++round) {
        key_history history;
        const std::vector<event> events = random_events(random, history);
        const std::uint64_t end = events.empty() ? 3 : events.back().at.main + 2;
        for (std::uint64_t y = 0; y <= end; ++y) {
            BOOST_TEST((history.get(y) == naive_get(events, y)));
        }
        const std::uint64_t x = random() % (end + 1);
        check_laws(history, events, x);
        history.compact(x); // And once more on what is left.
        const std::uint64_t later = x + random() % (end - x + 1);
        key_history again = history;
        again.compact(later);
        for (std::uint64_t y = later; y <= end; ++y) {
            BOOST_TEST((again.get(y) == naive_get(events, y)));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_key_put_very_often_is_found_at_once_and_shrinks) {
    key_history history;
    for (std::uint64_t main = 2; main < 100000; ++main) {
        history.put({main, 0});
    }
    BOOST_TEST(text(history.get(50000)) == "50000.0, 2.0, 49999");
    BOOST_TEST(text(history.compact(99998)) == "99998.0");
    BOOST_TEST(text(history) == "[c=2.0 ver=99998: 99998.0 99999.0]");
}

BOOST_AUTO_TEST_SUITE_END()
