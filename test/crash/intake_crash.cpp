#include "explorer.hpp"
#include "model.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(intake_crash)

namespace {

/// Receives a snapshot block by block over two attempts, and crashes at every change.
void crash_everywhere(std::size_t size) {
    const auto disk = std::make_shared<simulated_disk>();
    expectation expected;
    explorer crashes(7, [&](const std::shared_ptr<simulated_disk>& left) -> std::string {
        std::string wrong;
        const auto store = open_snapshots(left, wrong, 2);
        left->observe(nullptr);
        if (store == nullptr) {
            return wrong;
        }
        wrong = compare(store->newest(), expected);
        for (const std::string& name : left->names(snap)) {
            if (wrong.empty() && is_temporary(name)) {
                wrong = "litter is left";
            }
        }
        return wrong;
    });
    std::string failure;
    const auto store = open_snapshots(disk, failure, 2);
    BOOST_REQUIRE_MESSAGE(store != nullptr, failure);
    expected.snap = make_snapshot({term_id(2), log_index(10)}, 100);
    BOOST_REQUIRE(!store->save(*expected.snap));
    disk->observe([&](std::uint64_t) { crashes.explore(*disk); });
    const snapshot arriving = make_snapshot({term_id(2), log_index(20)}, size);
    snapshot_intake& intake = store->intake();
    const std::uint64_t blocks = bulk_blocks(arriving.data.size());
    std::uint64_t number = 0;
    for (std::uint64_t done = 0; done < blocks; ++done) {
        // The connection is a new one for every block.
        const auto ticket = intake.begin(head_of(arriving));
        BOOST_REQUIRE(ticket.has_value());
        BOOST_REQUIRE(ticket->received == done * bulk_block_bytes);
        number = ticket->number;
        std::string block;
        for (const shared_bytes& piece : arriving.data.read_block(ticket->received).value()) {
            block += piece.view();
        }
        BOOST_REQUIRE(!intake.add(number, shared_bytes::copy_of(block)));
    }
    expected.snap_underway = arriving;
    BOOST_REQUIRE(intake.finish(number).has_value());
    expected.snap = std::exchange(expected.snap_underway, {});
    crashes.explore(*disk);
    crashes.report("a snapshot received in " + std::to_string(blocks) + " blocks");
}

} // namespace

BOOST_AUTO_TEST_CASE(every_crash_while_a_small_one_is_received) {
    crash_everywhere(3000);
}

BOOST_AUTO_TEST_CASE(every_crash_while_two_blocks_are_received) {
    crash_everywhere(bulk_block_bytes + 700);
}

BOOST_AUTO_TEST_SUITE_END()
