#include <quorate/net/snapshot_assembly.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>

#include "support.hpp"

using namespace quorate;
using quorate::testing::bytes_of;

BOOST_AUTO_TEST_SUITE(assembly)

namespace {

constexpr std::uint64_t limit = 100 * chunk_data_bytes;

/// A snapshot and its sender, as values.
struct sender {
    explicit sender(std::size_t size, std::uint64_t transfer = 1) : number(transfer) {
        std::string bytes(size, '\0');
        for (std::size_t i = 0; i < size; ++i) {
            bytes[i] = static_cast<char>((i ^ (i >> 8) ^ (i >> 16)) & 0xff);
        }
        snap.last = {term_id(2), log_index(9)};
        snap.members.voters = {node_id(1)};
        snap.data = rope{shared_bytes::copy_of(bytes)};
    }
    [[nodiscard]] snapshot_start start() const {
        snapshot_start begin;
        begin.head.kind = message_kind::install_snapshot;
        begin.head.term = term_id(4);
        begin.number = number;
        begin.snap = head_of(snap);
        return begin;
    }
    [[nodiscard]] snapshot_chunk chunk(std::uint64_t offset) const {
        const rope block = snap.data.read_block(offset).value();
        return {number, offset, block.front()};
    }
    snapshot snap;
    std::uint64_t number;
};

/// An assembly with its intake; what comes out is written down.
struct receiver {
    explicit receiver(snapshot_intake& where, std::uint64_t bytes_max = limit)
        : intake(where), in(bytes_max) {}

    void work() {
        while (const auto task = in.next()) {
            const auto news = in.on_done(carry_out(intake, *task));
            said = news.tell ? news.tell : said;
            arrived = news.deliver ? news.deliver : arrived;
        }
    }
    [[nodiscard]] error_code start(const sender& from) {
        const error_code failed = in.start(from.start());
        work();
        return failed;
    }
    [[nodiscard]] error_code add(const snapshot_chunk& chunk) {
        const error_code failed = in.add(chunk);
        work();
        return failed;
    }
    snapshot_intake& intake;
    snapshot_assembly in;
    std::optional<snapshot_progress> said;
    std::optional<owned_message> arrived;
};

} // namespace

BOOST_AUTO_TEST_CASE(chunks_in_order_make_a_snapshot) {
    const sender from(chunk_data_bytes + 100, 7);
    memory_intake kept;
    receiver to(kept);
    BOOST_TEST(!to.start(from));
    BOOST_TEST((to.said == snapshot_progress{7, 0, false}));
    BOOST_TEST(!to.add(from.chunk(0)));
    BOOST_TEST((to.said == snapshot_progress{7, chunk_data_bytes, false}));
    BOOST_TEST(!to.arrived);
    BOOST_TEST(!to.add(from.chunk(chunk_data_bytes)));
    BOOST_TEST((to.said == snapshot_progress{7, chunk_data_bytes + 100, false}));
    BOOST_REQUIRE(to.arrived.has_value());
    const message& m = to.arrived->get();
    BOOST_TEST(m.term == term_id(4));
    BOOST_TEST((head_of(*m.snap) == head_of(from.snap)));
    BOOST_TEST((bytes_of(m.snap->data) == bytes_of(from.snap.data)));
    BOOST_TEST(to.in.held_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_without_data_is_whole_at_once) {
    const sender from(0);
    memory_intake kept;
    receiver to(kept, 0);
    BOOST_TEST(!to.start(from));
    BOOST_TEST((to.said == snapshot_progress{1, 0, false}));
    BOOST_REQUIRE(to.arrived.has_value());
    BOOST_TEST(to.arrived->get().snap->data.empty());
}

BOOST_AUTO_TEST_CASE(one_over_the_limit_is_refused) {
    memory_intake kept;
    receiver to(kept, 1000);
    BOOST_TEST(to.start(sender(1001)) == error_code(errc::too_large));
    BOOST_TEST(!to.start(sender(1000)));
}

/// Whatever has arrived when a connection ends, the next one goes on from there.
BOOST_AUTO_TEST_CASE(interrupted_at_every_chunk_it_goes_on_there) {
    const sender from(5 * chunk_data_bytes + 1);
    const std::uint64_t size = from.snap.data.size();
    for (std::uint64_t done = 0; done <= bulk_blocks(size); ++done) {
        memory_intake kept;
        receiver first(kept);
        BOOST_REQUIRE(!first.start(from));
        for (std::uint64_t i = 0; i < done; ++i) {
            // The last chunk arrives too, but its connection ends before it is looked at.
            BOOST_REQUIRE(!(i == 5 ? first.in.add(from.chunk(i * chunk_data_bytes))
                                   : first.add(from.chunk(i * chunk_data_bytes))));
        }
        BOOST_TEST(!first.arrived);
        const sender again(static_cast<std::size_t>(size), 2);
        receiver second(kept);
        BOOST_REQUIRE(!second.start(again));
        const std::uint64_t from_here = std::min<std::uint64_t>(done, 5) * chunk_data_bytes;
        BOOST_TEST((second.said == snapshot_progress{2, from_here, false}));
        for (std::uint64_t at = from_here; at < size; at += chunk_data_bytes) {
            BOOST_REQUIRE(!second.add(again.chunk(at)));
        }
        BOOST_REQUIRE(second.arrived.has_value());
        BOOST_TEST((bytes_of(second.arrived->get().snap->data) == bytes_of(from.snap.data)));
    }
}

BOOST_AUTO_TEST_CASE(another_snapshot_begins_at_its_beginning) {
    memory_intake kept;
    receiver first(kept);
    const sender one(3 * chunk_data_bytes);
    BOOST_REQUIRE(!first.start(one));
    BOOST_REQUIRE(!first.add(one.chunk(0)));
    receiver second(kept);
    const sender other(3 * chunk_data_bytes - 1, 2);
    BOOST_REQUIRE(!second.start(other));
    BOOST_TEST((second.said == snapshot_progress{2, 0, false}));
    // The first connection lives on, but its snapshot was given up for the other one.
    BOOST_TEST(!first.add(one.chunk(chunk_data_bytes)));
    BOOST_REQUIRE(first.said.has_value());
    BOOST_TEST(first.said->refused);
}

BOOST_AUTO_TEST_CASE(any_other_chunk_than_the_next_is_refused) {
    const error_code corrupt = errc::corrupt;
    memory_intake kept;
    const sender from(chunk_data_bytes + 100);
    receiver none(kept);
    BOOST_TEST(none.add(from.chunk(0)) == corrupt);
    receiver to(kept);
    BOOST_REQUIRE(!to.in.start(from.start()));
    BOOST_TEST(to.in.add(from.chunk(0)) == corrupt); // nobody asked for it yet
    to.work();
    snapshot_chunk wrong = from.chunk(0);
    wrong.number = 2;
    BOOST_TEST(to.add(wrong) == corrupt);
    wrong = from.chunk(0);
    wrong.offset = 1;
    BOOST_TEST(to.add(wrong) == corrupt);
    wrong = from.chunk(0);
    wrong.data = wrong.data.slice(1);
    BOOST_TEST(to.add(wrong) == corrupt);
    BOOST_TEST(!to.add(from.chunk(0)));
    BOOST_TEST(to.add(from.chunk(0)) == corrupt);
    wrong = from.chunk(chunk_data_bytes);
    wrong.data = wrong.data.slice(1);
    BOOST_TEST(to.add(wrong) == corrupt);
    BOOST_TEST(!to.add(from.chunk(chunk_data_bytes)));
    BOOST_TEST(to.arrived.has_value());
    BOOST_TEST(to.add(from.chunk(chunk_data_bytes)) == corrupt);
}

BOOST_AUTO_TEST_CASE(no_more_than_the_window_is_held) {
    memory_intake kept;
    const sender from(20 * chunk_data_bytes);
    receiver to(kept);
    BOOST_REQUIRE(!to.start(from));
    std::uint64_t at = 0;
    // Nothing is carried out, as with a disk that hangs.
    while (!to.in.add(from.chunk(at))) {
        at += chunk_data_bytes;
        BOOST_REQUIRE(to.in.held_bytes() <= snapshot_window_bytes);
    }
    BOOST_TEST(at == snapshot_window_bytes);
}

BOOST_AUTO_TEST_CASE(a_new_start_replaces_the_old_one) {
    memory_intake kept;
    const sender one(3 * chunk_data_bytes);
    const sender other(50, 2);
    receiver to(kept);
    BOOST_REQUIRE(!to.start(one));
    BOOST_REQUIRE(!to.in.add(one.chunk(0)));
    const auto task = to.in.next(); // is under way when the other one begins
    BOOST_REQUIRE(task.has_value());
    BOOST_REQUIRE(!to.in.start(other.start()));
    BOOST_TEST(to.in.held_bytes() == 0U);
    BOOST_TEST(!to.in.next());
    const auto news = to.in.on_done(carry_out(kept, *task));
    BOOST_TEST(!news.tell);
    to.work();
    BOOST_TEST((to.said == snapshot_progress{2, 0, false}));
    BOOST_TEST(!to.add(other.chunk(0)));
    BOOST_REQUIRE(to.arrived.has_value());
    BOOST_TEST(to.arrived->get().snap->data.size() == 50U);
}

BOOST_AUTO_TEST_CASE(what_the_intake_refuses_is_refused_and_what_still_comes_is_ignored) {
    memory_intake kept;
    const sender from(3 * chunk_data_bytes);
    snapshot_start lying = from.start();
    lying.snap.hash ^= 1;
    receiver to(kept);
    BOOST_REQUIRE(!to.in.start(lying));
    to.work();
    for (std::uint64_t at = 0; at < 3 * chunk_data_bytes; at += chunk_data_bytes) {
        BOOST_REQUIRE(!to.add(from.chunk(at)));
    }
    BOOST_TEST((to.said == snapshot_progress{1, 3 * chunk_data_bytes, true}));
    BOOST_TEST(!to.arrived);
    BOOST_TEST(!to.add(from.chunk(0)));
    // The same number again, right this time.
    BOOST_REQUIRE(!to.start(from));
    BOOST_TEST((to.said == snapshot_progress{1, 0, false}));
}

BOOST_AUTO_TEST_SUITE_END()
