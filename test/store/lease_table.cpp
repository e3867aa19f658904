#include <quorate/store/lease_table.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(lease_table)

using namespace quorate;

namespace {

constexpr lease_id one{1};
constexpr lease_id two{2};

/// A table, and the leases of keys as rows would say them.
struct world {
    [[nodiscard]] auto lease_of() const {
        return [this](byte_view key) {
            const auto found = rows.find(std::string(key));
            return found == rows.end() ? lease_id() : found->second;
        };
    }
    void tie(const std::string& key, lease_id to) {
        const lease_id before = rows[key];
        rows[key] = to;
        if (before) {
            table.untie(before, key, lease_of());
        }
        if (to) {
            table.tie(to, shared_bytes::copy_of(key));
        }
    }
    [[nodiscard]] std::string keys(lease_id id) const {
        std::string all;
        for (const shared_bytes& key : table.keys(id, lease_of())) {
            all.append(key.view()).push_back(' ');
        }
        return all;
    }

    quorate::lease_table table;
    std::map<std::string, lease_id> rows;
};

world with_two() {
    world w;
    BOOST_REQUIRE(*w.table.grant({one, 60}) == 1u);
    BOOST_REQUIRE(*w.table.grant({two, 30}) == 2u);
    return w;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_id_is_granted_once_and_again_only_as_another_lease) {
    world w = with_two();
    BOOST_TEST(w.table.grant({one, 5}).error() == make_error_code(errc::lease_exists));
    BOOST_TEST((w.table.find(one) == lease_life{60, 60, 1}));
    w.table.erase(one);
    BOOST_TEST(!w.table.find(one));
    BOOST_TEST(*w.table.grant({one, 5}) == 3u);
    BOOST_TEST(w.table.is_there(one, 3));
    BOOST_TEST(w.table.is_there(one, 0));
    BOOST_TEST(!w.table.is_there(one, 1));
    BOOST_TEST(!w.table.is_there(lease_id(9), 0));
    BOOST_TEST(w.table.grants() == 3u);
}

BOOST_AUTO_TEST_CASE(what_is_left_is_at_most_all_of_it) {
    world w = with_two();
    BOOST_TEST((w.table.checkpoint({one, 20}) == lease_remaining{one, 20, 1}));
    BOOST_TEST((w.table.find(one) == lease_life{60, 20, 1}));
    BOOST_TEST((w.table.checkpoint({one, 61, 1}) == lease_remaining{one, 60, 1}));
    BOOST_TEST(w.table.checkpoint({one, 7}).has_value());
    BOOST_TEST((w.table.checkpoint({one, 0}) == lease_remaining{one, 60, 1}));
    BOOST_TEST(!w.table.checkpoint({one, 7, 2}));
    BOOST_TEST(!w.table.checkpoint({lease_id(9), 7}));
    BOOST_TEST((w.table.find(one) == lease_life{60, 60, 1}));
}

BOOST_AUTO_TEST_CASE(only_the_last_to_take_over_counts) {
    quorate::lease_table table;
    BOOST_TEST(!table.take_over(3));
    BOOST_TEST(!table.take_over(3));
    BOOST_TEST(table.take_over(2) == make_error_code(errc::lease_epoch_over));
    BOOST_TEST(!table.check_epoch(3));
    for (const std::uint64_t other : {0u, 2u, 4u}) {
        BOOST_TEST(table.check_epoch(other) == make_error_code(errc::lease_epoch_over));
    }
}

BOOST_AUTO_TEST_CASE(keys_that_come_and_go_are_those_that_rows_name) {
    world w = with_two();
    for (const char* key : {"b", "a", "c"}) {
        w.tie(key, one);
    }
    BOOST_TEST(w.keys(one) == "a b c ");
    w.tie("b", two);
    w.tie("a", {});
    BOOST_TEST(w.keys(one) == "c ");
    BOOST_TEST(w.keys(two) == "b ");
    w.tie("b", one); // In the list twice, and said once.
    BOOST_TEST(w.keys(one) == "b c ");
    BOOST_TEST(w.table.tied() == 2u);
    BOOST_TEST(w.keys(lease_id(9)).empty());
}

BOOST_AUTO_TEST_CASE(a_list_of_keys_that_are_gone_does_not_grow) {
    world w = with_two();
    const std::string key = "k";
    w.tie("stays", one);
    for (int i = 0; i < 1000; ++i) {
        w.tie(key, one);
        w.tie(key, two);
    }
    BOOST_TEST(w.keys(one) == "stays ");
    const auto counted = [&](lease_id id) {
        std::size_t asked = 0;
        static_cast<void>(w.table.keys(id, [&](byte_view) {
            ++asked;
            return id;
        }));
        return asked;
    };
    BOOST_TEST(counted(one) < 25u);
    BOOST_TEST(counted(two) < 25u);
}

BOOST_AUTO_TEST_CASE(a_lease_gives_up_its_keys_and_ends) {
    world w = with_two();
    w.tie("b", one);
    w.tie("a", one);
    {
        const quorate_test::throwing_assertions caught;
        BOOST_CHECK_THROW(static_cast<void>(w.table.list_of(one)), quorate_test::assertion_thrown);
    }
    w.table.begin_end(one);
    const std::vector<shared_bytes> keys = w.table.list_of(one);
    BOOST_REQUIRE(keys.size() == 2u);
    {
        const quorate_test::throwing_assertions caught;
        BOOST_CHECK_THROW(w.table.erase(one), quorate_test::assertion_thrown);
    }
    for (const shared_bytes& key : keys) {
        w.tie(std::string(key.view()), {});
    }
    w.table.erase(one);
    BOOST_TEST(w.table.size() == 1u);
    BOOST_TEST(w.table.tied() == 0u);
}

BOOST_AUTO_TEST_CASE(records_make_the_same_table) {
    world w = with_two();
    static_cast<void>(w.table.checkpoint({two, 10}));
    const std::vector<lease_record> records = w.table.records();
    BOOST_TEST((records == std::vector<lease_record>{{one, 60, 60, 1}, {two, 30, 10, 2}}));
    const auto same = quorate::lease_table::restored(records, 4, 2);
    BOOST_REQUIRE(same.has_value());
    BOOST_TEST((same->records() == records));
    BOOST_TEST(same->epoch() == 4u);
    BOOST_TEST(same->grants() == 2u);
}

BOOST_AUTO_TEST_CASE(only_keys_that_are_tied_may_be) {
    world w = with_two();
    BOOST_TEST(!w.table.may_be_tied("a"));
    w.tie("a", one);
    w.tie("b", one);
    BOOST_TEST(w.table.may_be_tied("a"));
    BOOST_TEST(!w.table.may_be_tied("c"));
    w.tie("a", two);
    BOOST_TEST(w.table.may_be_tied("a"));
    w.tie("a", {});
    BOOST_TEST(!w.table.may_be_tied("a"));
    BOOST_TEST(w.table.may_be_tied("b"));
    w.tie("b", {});
    BOOST_TEST(!w.table.may_be_tied("b"));
}

BOOST_AUTO_TEST_CASE(failed_backend_leaves_keys_in_the_list) {
    quorate::lease_table table;
    BOOST_REQUIRE(table.grant({quorate::lease_id(1), 60}).has_value());
    for (int i = 0; i < 40; ++i) {
        table.tie(quorate::lease_id(1), quorate::shared_bytes::copy_of("k" + std::to_string(i)));
    }
    const auto unreadable = [](quorate::byte_view) { return std::optional<quorate::lease_id>(); };
    for (int i = 0; i < 39; ++i) { // often enough for the list to be looked through
        table.untie(quorate::lease_id(1), "k" + std::to_string(i), unreadable);
    }
    table.begin_end(quorate::lease_id(1));
    BOOST_TEST(table.list_of(quorate::lease_id(1)).size() == 40u);
}

BOOST_AUTO_TEST_CASE(check_of_a_lease_looks_at_each_key_once) {
    quorate::lease_table table;
    const quorate::lease_id lease(1);
    BOOST_REQUIRE(table.grant({lease, 60}).has_value());
    const auto tied = [&](quorate::byte_view) { return lease; };
    const auto gone = [](quorate::byte_view) { return quorate::lease_id(); };
    int looked_at = 0;
    const auto holds = [&](quorate::byte_view key) {
        ++looked_at;
        return key.front() != 'z';
    };
    quorate::checked_keys done;
    for (int i = 0; i < 100; ++i) {
        table.tie(lease, quorate::shared_bytes::copy_of("a" + std::to_string(i)));
        BOOST_TEST(table.every_key(lease, done, holds, tied));
    }
    BOOST_TEST(looked_at == 100);
    table.tie(lease, quorate::shared_bytes::copy_of("z"));
    BOOST_TEST(!table.every_key(lease, done, holds, tied));
    BOOST_TEST(!table.every_key(lease, done, holds, tied));
    table.untie(lease, "z", gone); // it stays in the list for a while
    BOOST_TEST(table.every_key(lease, done, holds, gone));
    table.tie(lease, quorate::shared_bytes::copy_of("z"));
    BOOST_TEST(!table.every_key(lease, done, holds, tied));
    BOOST_TEST(table.every_key(quorate::lease_id(2), done, holds, tied));
}

BOOST_AUTO_TEST_SUITE_END()
