#include "explorer.hpp"
#include "model.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(snapshot_crash)

namespace {

/// Saves snapshots of several sizes, one after another, and crashes at every change.
void crash_everywhere(std::uint32_t keep) {
    const auto disk = std::make_shared<simulated_disk>();
    expectation expected;
    explorer crashes(5, [&](const std::shared_ptr<simulated_disk>& left) -> std::string {
        std::string wrong;
        const auto store = open_snapshots(left, wrong, keep);
        left->observe(nullptr);
        if (store == nullptr) {
            return wrong;
        }
        wrong = compare(store->newest(), expected);
        // What was given out is there after a power loss, and another one can be saved.
        const snapshot_ptr found = store->newest();
        const auto copy = left->clone();
        copy->crash_now({});
        const auto again = open_snapshots(copy, wrong, keep);
        if (wrong.empty() && again != nullptr) {
            const bool alike = found == nullptr ? again->newest() == nullptr
                                                : again->newest() && same(*again->newest(), *found);
            wrong = alike ? "" : "a power loss changed what was recovered";
        }
        if (wrong.empty() && store->save(make_snapshot({term_id(9), log_index(99)}, 100))) {
            wrong = "no snapshot can be saved";
        }
        for (const std::string& name : left->names(snap)) {
            if (wrong.empty() && is_temporary(name)) {
                wrong = "litter is left";
            }
        }
        return wrong;
    });
    disk->observe([&](std::uint64_t) { crashes.explore(*disk); });
    std::string failure;
    const auto store = open_snapshots(disk, failure, keep);
    BOOST_REQUIRE_MESSAGE(store != nullptr, failure);
    std::uint64_t index = 0;
    for (const std::size_t size : {100U, 0U, 3000U, 700U, 9000U}) {
        index += 10;
        expected.snap_underway = make_snapshot({term_id(2), log_index(index)}, size);
        BOOST_REQUIRE(!store->save(*expected.snap_underway));
        expected.snap = std::exchange(expected.snap_underway, {});
    }
    crashes.explore(*disk);
    crashes.report("5 snapshots, " + std::to_string(keep) + " kept");
}

/// Two snapshots on a disk, and how often damage to one of them ended in which way.
struct damaged_store {
    std::shared_ptr<simulated_disk> disk = std::make_shared<simulated_disk>();
    snapshot older = make_snapshot({term_id(2), log_index(10)}, 300);
    snapshot newer = make_snapshot({term_id(2), log_index(20)}, 700);
    std::uint64_t same = 0;
    std::uint64_t reported = 0;

    damaged_store() {
        std::string failure;
        const auto store = open_snapshots(disk, failure);
        BOOST_REQUIRE_MESSAGE(store != nullptr, failure);
        BOOST_REQUIRE(!store->save(older));
        BOOST_REQUIRE(!store->save(newer));
        disk->write_back();
        disk->crash_now({crash_kind::kill, {}});
    }
    /// Effects: opens a store in which one file holds these bytes. The newest one that can be read
    /// counts, and nothing is missed without a word.
    void open(const std::string& name, std::string bytes, const std::string& what) {
        const auto copy = disk->clone();
        copy->replace(snap, name, std::move(bytes));
        std::string failure;
        const auto store = open_snapshots(copy, failure);
        const snapshot_ptr found = store == nullptr ? nullptr : store->newest();
        if (found != nullptr && crash_test::same(*found, newer)) {
            ++same;
            return;
        }
        ++reported;
        const bool named = !failure.empty() || !store->note().empty();
        BOOST_TEST(named, name << ": " << what << ": nothing is said");
        BOOST_TEST(
            (found == nullptr || found->last == newer.last || crash_test::same(*found, older)),
            name << ": " << what << ": another snapshot");
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(every_bit_of_every_snapshot_flipped) {
    damaged_store store;
    for (const std::string& name : store.disk->names(snap)) {
        const std::string sound = store.disk->contents(snap, name);
        for (std::size_t at = 0; at < 8 * sound.size(); ++at) {
            std::string bytes = sound;
            bytes[at / 8] = static_cast<char>(bytes[at / 8] ^ (1 << at % 8));
            store.open(name, std::move(bytes), "bit " + std::to_string(at));
        }
    }
    std::cout << "snapshot bits flipped: " << store.same << " did no harm, " << store.reported
              << " reported\n";
    BOOST_TEST(store.same > 2000U); // the older one's
    BOOST_TEST(store.reported > 5000U);
}

BOOST_AUTO_TEST_CASE(every_snapshot_cut_at_every_byte) {
    damaged_store store;
    for (const std::string& name : store.disk->names(snap)) {
        const std::string sound = store.disk->contents(snap, name);
        for (std::size_t size = 0; size < sound.size(); ++size) {
            store.open(name, sound.substr(0, size), "cut to " + std::to_string(size));
        }
    }
    std::cout << "snapshots cut: " << store.same << " did no harm, " << store.reported
              << " reported\n";
    BOOST_TEST(store.same > 300U);
    BOOST_TEST(store.reported > 700U);
}

BOOST_AUTO_TEST_CASE(every_crash_of_a_store_that_keeps_one) {
    crash_everywhere(1);
}

BOOST_AUTO_TEST_CASE(every_crash_of_a_store_that_keeps_two) {
    crash_everywhere(2);
}

BOOST_AUTO_TEST_SUITE_END()
