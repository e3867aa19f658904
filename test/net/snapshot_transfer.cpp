#include <quorate/net/tcp_transport.hpp>
#include <quorate/testing/bulk.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>

#include "tcp_support.hpp"

using namespace quorate;
using namespace quorate_test;
using quorate::testing::made_up_source;
using quorate::testing::recording_sink;

BOOST_AUTO_TEST_SUITE(snapshot_transfer)

namespace {

constexpr cluster_id cluster{7};
constexpr node_id one{1};
constexpr node_id two{2};
constexpr node_id three{3};
constexpr std::uint64_t chunk = chunk_data_bytes;

/// Keeps nothing but the count, and looks how far the sender has read ahead.
class counting_intake final : public snapshot_intake {
public:
    [[nodiscard]] result<intake_ticket> begin(const snapshot_head& head) override {
        if (!progress || progress->head() != head) {
            progress.emplace(head);
        }
        begun.push_back(progress->received());
        return intake_ticket{++ticket, progress->received()};
    }
    [[nodiscard]] error_code add(std::uint64_t number, const shared_bytes& block) override {
        if (source != nullptr) {
            ahead_max = std::max(ahead_max, source->bytes_read - progress->received());
        }
        if (number != ticket || progress->received() >= full_at) {
            return make_error_code(boost::system::errc::no_space_on_device);
        }
        const error_code failed = progress->add(block);
        blocks = bulk_blocks(progress->received());
        return failed;
    }
    [[nodiscard]] result<snapshot_ptr> finish(std::uint64_t) override {
        if (const error_code failed = progress->check_whole()) {
            return failed;
        }
        auto whole = std::make_shared<snapshot>();
        whole->last = progress->head().last;
        return whole;
    }
    [[nodiscard]] bool intake_blocks() const noexcept override { return true; }

    const made_up_source* source = nullptr;
    std::uint64_t full_at = UINT64_MAX; ///< Takes no block from here on.
    std::optional<intake_progress> progress;
    std::vector<std::uint64_t> begun; ///< Where each attempt went on.
    std::uint64_t ticket = 0;
    std::uint64_t ahead_max = 0;
    std::atomic<std::uint64_t> blocks = 0;
};

struct keeping_sink : recording_sink {
    [[nodiscard]] snapshot_intake* snapshots() noexcept override { return &intake; }
    counting_intake intake;
};

struct duo : tcp_fixture {
    // The sinks are members of this, so they would go before the transports, which are the base's.
    ~duo() { wires.clear(); }
    void begin() {
        BOOST_REQUIRE(!open(one, cluster, a));
        BOOST_REQUIRE(!open(two, cluster, b));
        BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    }
    /// Effects: ends the connection as a crash of the peer does, and starts it again.
    void restart_two() {
        close(two);
        BOOST_REQUIRE(!open(two, cluster, b));
    }
    keeping_sink b;
    recording_sink a;
};

message snapshot_of(node_id to, std::shared_ptr<const made_up_source> source) {
    message m = heartbeat(one, to, 0);
    m.kind = message_kind::install_snapshot;
    auto snap = std::make_shared<snapshot>();
    snap->last = {term_id(1), log_index(100)};
    snap->members.voters = {one, to};
    snap->data = bulk_bytes(std::move(source));
    m.snap = snap;
    return m;
}

} // namespace

/// Counts bytes that were read and not kept yet, wherever they are: queues, sockets, frames.
BOOST_FIXTURE_TEST_CASE(memory_does_not_grow_with_the_snapshot, duo) {
    const auto source = std::make_shared<made_up_source>(64 << 20);
    b.intake.source = source.get();
    begin();
    wire(one).send(snapshot_of(two, source));
    BOOST_REQUIRE(run_until([&] { return a.snapshots_sent[two] == 1; }, std::chrono::seconds(60)));
    BOOST_TEST(b.messages.size() == 1U);
    BOOST_TEST(source->bytes_read == source->size());
    BOOST_TEST(b.intake.ahead_max <= snapshot_window_bytes);
    BOOST_TEST(b.intake.ahead_max > chunk); // it does read ahead
    BOOST_TEST(wire(one).statistics().snapshot_bytes_sent == source->size());
    BOOST_TEST(wire(two).statistics().snapshot_bytes_taken == source->size());
}

BOOST_FIXTURE_TEST_CASE(interrupted_at_each_chunk_it_goes_on, duo) {
    const std::uint64_t chunks = 8;
    const auto source = std::make_shared<made_up_source>(chunks * chunk - 5);
    begin();
    for (std::uint64_t done = 1; done < chunks; ++done) {
        b.intake.full_at = done * chunk; // so that it stops exactly there
        wire(one).send(snapshot_of(two, source));
        BOOST_REQUIRE(run_until([&] { return b.intake.blocks == done; }));
        if (done % 2 == 0) {
            restart_two();
        }
        BOOST_REQUIRE(run_until([&] { return a.snapshots_failed[two] == done; }));
    }
    b.intake.full_at = UINT64_MAX;
    wire(one).send(snapshot_of(two, source));
    BOOST_REQUIRE(run_until([&] { return a.snapshots_sent[two] == 1; }));
    BOOST_TEST(b.messages.size() == 1U);
    // Each attempt went on where the one before it had ended.
    BOOST_REQUIRE(b.intake.begun.size() == chunks);
    for (std::uint64_t i = 0; i < chunks; ++i) {
        BOOST_TEST(b.intake.begun[i] == i * chunk);
    }
}

BOOST_FIXTURE_TEST_CASE(one_that_is_there_already_is_not_sent_again, duo) {
    const auto source = std::make_shared<made_up_source>(3 * chunk);
    begin();
    wire(one).send(snapshot_of(two, source));
    BOOST_REQUIRE(run_until([&] { return a.snapshots_sent[two] == 1; }));
    wire(one).send(snapshot_of(two, source));
    BOOST_REQUIRE(run_until([&] { return a.snapshots_sent[two] == 2; }));
    BOOST_TEST(source->bytes_read == 3 * chunk);
    BOOST_TEST(b.messages.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_receiver_that_cannot_keep_it_says_so, duo) {
    const auto source = std::make_shared<made_up_source>(20 * chunk);
    b.intake.full_at = 2 * chunk;
    begin();
    wire(one).send(snapshot_of(two, source));
    BOOST_REQUIRE(run_until([&] { return a.snapshots_failed[two] == 1; }));
    BOOST_TEST(a.unreachable[two] == 0U);
    wire(one).send(heartbeat(one, two, 5));
    BOOST_TEST(run_until([&] { return b.count(5) == 1; }));
    BOOST_TEST(wire(one).statistics().connections_opened == 1U); // the connection lives on
    b.intake.full_at = UINT64_MAX;
    wire(one).send(snapshot_of(two, source));
    BOOST_REQUIRE(run_until([&] { return a.snapshots_sent[two] == 1; }));
    BOOST_TEST(b.intake.begun.back() == 2 * chunk);
}

BOOST_FIXTURE_TEST_CASE(a_source_that_cannot_be_read_fails_the_transfer_alone, duo) {
    const auto source = std::make_shared<made_up_source>(20 * chunk);
    source->broken_from = 5 * chunk;
    begin();
    wire(one).send(snapshot_of(two, source));
    BOOST_REQUIRE(run_until([&] { return a.snapshots_failed[two] == 1; }));
    wire(one).send(heartbeat(one, two, 5));
    BOOST_TEST(run_until([&] { return b.count(5) == 1; }));
    BOOST_TEST(wire(one).statistics().connections_opened == 1U);
    BOOST_TEST(b.count(0) == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_rate_is_kept, duo) {
    constexpr std::uint64_t per_tick = 2 * chunk;
    options.snapshot_bytes_per_second = per_tick * 10;
    const auto source = std::make_shared<made_up_source>(12 * chunk);
    begin();
    const std::uint64_t before = wire(one).statistics().ticks;
    wire(one).send(snapshot_of(two, source));
    bool kept = true;
    BOOST_REQUIRE(run_until([&] {
        const tcp_statistics& now = wire(one).statistics();
        kept = kept && now.snapshot_bytes_sent <= (now.ticks - before + 1) * per_tick;
        return a.snapshots_sent[two] == 1;
    }));
    BOOST_TEST(kept);
    BOOST_TEST(wire(one).statistics().ticks - before >= 5U);
}

BOOST_FIXTURE_TEST_CASE(no_more_than_so_many_are_sent_at_once, duo) {
    options.snapshots_at_once = 1;
    const auto source = std::make_shared<made_up_source>(8 * chunk);
    const auto second = std::make_shared<made_up_source>(8 * chunk);
    keeping_sink c;
    begin();
    BOOST_REQUIRE(!open(three, cluster, c));
    BOOST_REQUIRE(!wire(one).add_peer(three, url(three)));
    BOOST_REQUIRE(run_until([&] { return wire(one).statistics().connections_opened == 2; }));
    wire(one).send(snapshot_of(two, source));
    wire(one).send(snapshot_of(three, second));
    bool alone = true;
    const auto sent = [&] { return a.snapshots_sent[two] + a.snapshots_sent[three]; };
    BOOST_REQUIRE(run_until([&] {
        alone = alone && wire(one).statistics().snapshots_begun <= sent() + 1;
        return sent() == 2;
    }));
    BOOST_TEST(alone);
    // A peer that is gone gives its turn back.
    b.intake.full_at = 0;
    b.intake.progress.reset();
    wire(one).send(snapshot_of(two, std::make_shared<made_up_source>(chunk)));
    close(two);
    wire(one).send(snapshot_of(three, std::make_shared<made_up_source>(chunk)));
    BOOST_TEST(run_until([&] { return a.snapshots_sent[three] == 2; }));
    close(three);
}

BOOST_FIXTURE_TEST_CASE(a_peer_may_be_dropped_while_it_is_sent_one, duo) {
    const auto source = std::make_shared<made_up_source>(2 * chunk);
    begin();
    BOOST_REQUIRE(run_until([&] { return wire(one).statistics().connections_opened == 1; }));
    wire(one).send(snapshot_of(two, source));
    wire(one).drop_peer(two);
    // There is time for a small one.
    BOOST_TEST(run_until([&] { return b.messages.size() == 1; }));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    wire(one).send(snapshot_of(two, std::make_shared<made_up_source>(40 * chunk)));
    BOOST_TEST(run_until([&] { return b.messages.size() == 2; }));
}

/// A block is being written when its transport goes.
BOOST_FIXTURE_TEST_CASE(stopping_waits_for_the_block_under_way, duo) {
    struct slow_sink final : recording_sink, snapshot_intake {
        [[nodiscard]] snapshot_intake* snapshots() noexcept override { return this; }
        [[nodiscard]] result<intake_ticket> begin(const snapshot_head&) override {
            return intake_ticket{1, 0};
        }
        [[nodiscard]] error_code add(std::uint64_t, const shared_bytes&) override {
            inside = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            inside = false;
            ++added;
            return {};
        }
        [[nodiscard]] result<snapshot_ptr> finish(std::uint64_t) override { return errc::corrupt; }
        [[nodiscard]] bool intake_blocks() const noexcept override { return true; }
        std::atomic<bool> inside = false;
        std::atomic<int> added = 0;
    };
    slow_sink slow;
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!open(two, cluster, slow));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    wire(one).send(snapshot_of(two, std::make_shared<made_up_source>(8 * chunk)));
    BOOST_REQUIRE(run_until([&] { return slow.inside.load(); }));
    wire(two).stop();
    BOOST_TEST(!slow.inside);
    const int before = slow.added;
    BOOST_TEST(run_until([&] { return a.snapshots_failed[two] == 1; }));
    BOOST_TEST(slow.added == before);
    close(two);
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_says_nonsense_loses_its_connection, tcp_fixture) {
    recording_sink a;
    BOOST_REQUIRE(!open(one, cluster, a));
    tcp::acceptor peer(io, {boost::asio::ip::address_v4::loopback(), port(two)});
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    const shared_bytes answer =
        encode_hello({protocol_version, hello_status::ok, cluster, two, one});
    const std::string words[] = {std::string(encode_progress({1, 0, false}).view()),
                                 std::string(answer.view()), std::string(100, '\xff')};
    std::uint64_t refused = 0;
    for (const std::string& word : words) {
        tcp::socket socket(io);
        peer.async_accept(socket, [&](const boost::system::error_code&) {
            static_cast<void>(
                boost::asio::write(socket, boost::asio::buffer(answer.data(), answer.size())));
        });
        const std::uint64_t opened = wire(one).statistics().connections_opened;
        BOOST_REQUIRE(
            run_until([&] { return wire(one).statistics().connections_opened > opened; }));
        static_cast<void>(boost::asio::write(socket, boost::asio::buffer(word)));
        ++refused;
        BOOST_TEST(run_until([&] { return wire(one).statistics().frames_refused == refused; }));
    }
}

BOOST_AUTO_TEST_SUITE_END()
