#include <quorate/net/tcp_transport.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tcp_support.hpp"

using namespace quorate;
using namespace quorate_test;
using quorate::testing::recording_sink;

BOOST_AUTO_TEST_SUITE(over_tcp)

namespace {

/// Three members that know one another.
struct trio : tcp_fixture {
    trio() {
        for (node_id id : {one, two, three}) {
            BOOST_REQUIRE(!open(id, cluster, sinks[id]));
        }
        for (node_id a : {one, two, three}) {
            for (node_id b : {one, two, three}) {
                BOOST_REQUIRE(!wire(a).add_peer(b, url(b)));
            }
        }
    }
    bool connected() {
        return run_until([&] {
            return wire(one).statistics().connections_opened == 2 &&
                   wire(two).statistics().connections_opened == 2 &&
                   wire(three).statistics().connections_opened == 2;
        });
    }
    std::map<node_id, recording_sink> sinks;
};

message snapshot_of(node_id from, node_id to, std::size_t pieces, std::size_t piece_bytes) {
    message m = heartbeat(from, to, 0);
    m.kind = message_kind::install_snapshot;
    auto snap = std::make_shared<snapshot>();
    snap->last = {term_id(1), log_index(100)};
    snap->members.voters = {from, to};
    rope data;
    for (std::size_t i = 0; i < pieces; ++i) {
        data.push_back(sample_entry(1, i, piece_bytes).payload);
    }
    snap->data = std::move(data);
    m.snap = snap;
    return m;
}

/// A peer that answers the hello and reads nothing afterwards.
struct stalled_peer {
    stalled_peer(tcp_fixture& fixture, node_id id)
        : acceptor(fixture.io, {boost::asio::ip::address_v4::loopback(), fixture.port(id)}),
          socket(fixture.io),
          answer(encode_hello({protocol_version, hello_status::ok, cluster, id, one})) {
        accept();
    }
    void accept() {
        acceptor.async_accept(socket, [this](const boost::system::error_code& ec) {
            if (!ec) {
                ++accepted;
                static_cast<void>(
                    boost::asio::write(socket, boost::asio::buffer(answer.data(), answer.size())));
                // It keeps the first connection; later ones wait in the backlog.
            }
        });
    }

    tcp::acceptor acceptor;
    tcp::socket socket;
    shared_bytes answer;
    int accepted = 0;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(three_members_hear_one_another, trio) {
    BOOST_REQUIRE(connected());
    for (node_id from : {one, two, three}) {
        for (node_id to : {one, two, three}) {
            wire(from).send(heartbeat(from, to, from.value() * 10 + to.value()));
        }
    }
    BOOST_TEST(run_until([&] {
        return sinks[one].messages.size() == 2 && sinks[two].messages.size() == 2 &&
               sinks[three].messages.size() == 2;
    }));
    BOOST_TEST(sinks[one].count(21) == 1U);
    BOOST_TEST(sinks[two].count(32) == 1U);
    BOOST_TEST(sinks[three].count(13) == 1U);
}

BOOST_FIXTURE_TEST_CASE(many_messages_cost_few_writes, duo) {
    begin();
    const auto before = wire(one).statistics().writes;
    const sample_append append(one, two, 1, 3, 100);
    for (int i = 0; i < 10'000; ++i) {
        wire(one).send(append.m);
    }
    BOOST_TEST(run_until([&] { return b.messages.size() == 10'000; }));
    BOOST_TEST(wire(one).statistics().writes - before < 1000U);
    BOOST_TEST(b.messages.back()->entries.size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(big_appends_arrive_whole, duo) {
    begin();
    for (std::uint64_t i = 0; i < 20; ++i) {
        wire(one).send(sample_append(one, two, i * 4, 4, 1'000'000).m);
    }
    BOOST_REQUIRE(run_until([&] { return b.messages.size() == 20; }));
    for (std::uint64_t i = 0; i < 20; ++i) {
        const sample_append expected(one, two, i * 4, 4, 1'000'000);
        BOOST_TEST(std::ranges::equal(b.messages[i]->entries, expected.m.entries));
    }
    BOOST_TEST(a.unreachable.empty());
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_does_not_hold_up_heartbeats, duo) {
    begin();
    wire(one).send(snapshot_of(one, two, 200, 100'000));
    std::uint64_t beats = 0;
    std::size_t heard_before = 0;
    BOOST_REQUIRE(run_until([&] {
        wire(one).send(heartbeat(one, two, ++beats));
        for (const owned_message& m : b.messages) {
            if (m->kind == message_kind::install_snapshot) {
                return true;
            }
        }
        heard_before = b.messages.size();
        return false;
    }));
    BOOST_TEST(heard_before > 3U);
    BOOST_REQUIRE(run_until([&] { return a.snapshots_sent[two] == 1; }));
    BOOST_TEST(a.snapshots_failed[two] == 0U);
    const auto& got = std::ranges::find_if(b.messages, [](const owned_message& m) {
                          return m->kind == message_kind::install_snapshot;
                      })->get();
    const std::string data = quorate::testing::bytes_of(got.snap->data);
    BOOST_REQUIRE(data.size() == 20'000'000U);
    for (std::size_t i = 0; i < 200; ++i) {
        BOOST_TEST(data[i * 100'000] == static_cast<char>('a' + i % 26));
        BOOST_TEST(data[i * 100'000 + 99'999] == static_cast<char>('a' + i % 26));
    }
}

BOOST_FIXTURE_TEST_CASE(a_lost_connection_ends_a_snapshot, duo) {
    begin();
    wire(one).send(snapshot_of(one, two, 1000, 100'000));
    BOOST_REQUIRE(run_until([&] { return wire(two).statistics().frames_received > 5; }));
    close(two);
    BOOST_TEST(run_until([&] { return a.snapshots_failed[two] == 1; }));
    BOOST_TEST(a.snapshots_sent[two] == 0U);
    BOOST_TEST(run_until([&] { return a.unreachable[two] > 0; }));
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_over_the_receivers_limit_ends_its_connection, duo) {
    BOOST_REQUIRE(!open(one, cluster, a));
    options.snapshot_bytes_max = 1000;
    BOOST_REQUIRE(!open(two, cluster, b));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_REQUIRE(!wire(two).add_peer(one, url(one)));
    wire(one).send(snapshot_of(one, two, 100, 100'000));
    BOOST_TEST(run_until([&] { return wire(two).statistics().frames_refused == 1; }));
    // It does not even try to send one itself.
    wire(two).send(snapshot_of(two, one, 1, 1001));
    BOOST_TEST(run_until([&] { return b.snapshots_failed[one] == 1; }));
    BOOST_TEST(a.messages.empty());
    BOOST_REQUIRE(b.dropped.size() == 1U); // and the second is counted
    BOOST_TEST(
        b.dropped[0] ==
        "refused from member 1: a snapshot of 10000000 bytes, over snapshot_bytes_max, 1000");
}

BOOST_FIXTURE_TEST_CASE(message_over_the_senders_limit_is_reported_and_others_arrive, duo) {
    options.frame_bytes_max = 1000;
    begin();
    std::vector<entry> entries{quorate_test::sample_entry(1, 1, 1000)};
    message m = heartbeat(one, two, 1);
    m.kind = message_kind::append;
    m.entries = entries;
    wire(one).send(m);
    BOOST_REQUIRE(run_until([&] { return !a.dropped.empty(); }));
    BOOST_TEST(a.dropped[0] ==
               "not sent to member 2: a message of 1136 bytes is over "
               "frame_bytes_max, 1000");
    wire(one).send(heartbeat(one, two, 5));
    BOOST_TEST(run_until([&] { return b.count(5) == 1; }));
    BOOST_TEST(b.count(1) == 0U);
}

BOOST_FIXTURE_TEST_CASE(frame_over_the_receivers_limit_is_reported, duo) {
    BOOST_REQUIRE(!open(one, cluster, a));
    options.frame_bytes_max = 1000;
    BOOST_REQUIRE(!open(two, cluster, b));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_REQUIRE(run_until([&] {
        wire(one).send(heartbeat(one, two, 5));
        return b.count(5) > 0;
    }));
    std::vector<entry> entries{quorate_test::sample_entry(1, 1, 1000)};
    message m = heartbeat(one, two, 1);
    m.kind = message_kind::append;
    m.entries = entries;
    wire(one).send(m);
    BOOST_REQUIRE(run_until([&] { return !b.dropped.empty(); }));
    BOOST_TEST(b.dropped[0] == "refused from member 1: a frame over frame_bytes_max, 1000");
}

BOOST_FIXTURE_TEST_CASE(a_peer_may_move, duo) {
    begin();
    close(two);
    ports[two] = free_port();
    recording_sink moved;
    BOOST_REQUIRE(!open(two, cluster, moved));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_TEST(run_until([&] {
        wire(one).send(heartbeat(one, two, 1));
        return !moved.messages.empty();
    }));
    close(two);
}

BOOST_FIXTURE_TEST_CASE(of_several_urls_the_one_that_works_is_used, duo) {
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!open(two, cluster, b));
    const std::string nobody = "http://127.0.0.1:" + std::to_string(free_port());
    BOOST_REQUIRE(!wire(one).add_peer(two, nobody + ',' + nobody + ',' + url(two)));
    BOOST_TEST(run_until([&] {
        wire(one).send(heartbeat(one, two, 1));
        return b.count(1) > 0;
    }));
    BOOST_TEST(wire(one).add_peer(two, url(two) + ",nowhere") == error_code(errc::invalid_option));
    BOOST_TEST(wire(one).add_peer(two, url(two) + ',') == error_code(errc::invalid_option));
}

BOOST_FIXTURE_TEST_CASE(calls_need_a_connection, duo) {
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_TEST(!wire(one).call(two, {1, false, {}}));
    BOOST_REQUIRE(!open(two, cluster, b));
    BOOST_TEST(run_until([&] { return wire(one).call(two, {2, false, {}}); }));
    BOOST_TEST(run_until([&] { return b.asked.size() == 1; }));
    BOOST_TEST(b.asked.front().second.number == 2U);
}

BOOST_FIXTURE_TEST_CASE(links_tell_of_each_peer_alone, duo) {
    begin();
    BOOST_REQUIRE(!wire(one).add_peer(three, url(three))); // who is not there
    BOOST_REQUIRE(!wire(two).add_peer(one, url(one)));
    BOOST_REQUIRE(run_until([&] { return wire(two).statistics().connections_opened == 1; }));
    const auto link = [this](node_id of, std::size_t at) { return wire(of).links().at(at); };
    const std::uint64_t greeted = link(two, 0).bytes_received;
    for (int i = 0; i < 100'000; ++i) {
        wire(one).send(heartbeat(one, two, 5));
        wire(one).send(heartbeat(one, three, 5)); // which nobody hears
    }
    BOOST_REQUIRE(run_until([&] { return b.messages.size() == 100'000; }));
    BOOST_TEST(wire(one).links().size() == 2U);
    BOOST_TEST((link(one, 0).peer == two && link(one, 1).peer == three));
    BOOST_TEST(link(one, 0).bytes_sent > 100'000U);
    BOOST_TEST(link(one, 1).bytes_sent == 0U);
    BOOST_TEST(link(one, 1).send_failures > 0U);
    BOOST_TEST(link(two, 0).bytes_received - greeted >= link(one, 0).bytes_sent - hello_bytes);
    BOOST_TEST(link(one, 0).connected_for.has_value());
    BOOST_TEST(!link(one, 1).connected_for.has_value());
    BOOST_REQUIRE(
        run_until([&] { return link(one, 0).connected_for >= std::chrono::milliseconds(200); }));
    const std::uint64_t failures = link(one, 0).receive_failures;
    close(two);
    BOOST_TEST(run_until([&] { return !link(one, 0).connected_for.has_value(); }));
    BOOST_TEST(run_until([&] { return link(one, 0).receive_failures > failures; }));
}

BOOST_FIXTURE_TEST_CASE(adding_a_peer_again_changes_nothing, duo) {
    begin();
    BOOST_TEST(!wire(one).add_peer(two, url(two)));
    wire(one).send(heartbeat(one, two, 1));
    BOOST_TEST(run_until([&] { return b.count(1) == 1; }));
    BOOST_TEST(wire(one).statistics().connections_opened == 1U);
}

BOOST_FIXTURE_TEST_CASE(messages_sent_before_the_connection_arrive, duo) {
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    wire(one).send(heartbeat(one, two, 42));
    BOOST_REQUIRE(run_until([&] { return a.unreachable[two] > 0; }));
    BOOST_REQUIRE(!open(two, cluster, b));
    BOOST_TEST(run_until([&] { return b.count(42) == 1; }));
}

BOOST_FIXTURE_TEST_CASE(names_are_resolved, duo) {
    options.listen_url = "unused";
    BOOST_REQUIRE(!open(one, cluster, a));
    transport_options named = options;
    named.cluster = cluster;
    named.self = two;
    named.listen_url = "http://localhost:" + std::to_string(port(two));
    wires[two] = std::make_unique<tcp_transport>(io, named);
    BOOST_REQUIRE(!wire(two).start(b));
    BOOST_TEST(wire(two).listen_port() == port(two));
    BOOST_REQUIRE(!wire(one).add_peer(two, named.listen_url));
    wire(one).send(heartbeat(one, two, 1));
    BOOST_TEST(run_until([&] { return b.count(1) == 1; }));
}

BOOST_FIXTURE_TEST_CASE(wrong_options_are_refused, tcp_fixture) {
    recording_sink sink;
    const auto start = [&](node_id self, const std::string& listen) {
        transport_options wrong;
        wrong.self = self;
        wrong.listen_url = listen;
        tcp_transport transport(io, wrong);
        return transport.start(sink);
    };
    BOOST_TEST(start(node_id(), url(one)) == error_code(errc::invalid_option));
    BOOST_TEST(start(one, "https://127.0.0.1:1") == error_code(errc::invalid_option));
    BOOST_TEST(start(one, "") == error_code(errc::invalid_option));
    BOOST_REQUIRE(!open(two, cluster, sink));
    BOOST_TEST(start(one, url(two)).failed());
    BOOST_TEST(wire(two).add_peer(one, "ftp://x:1") == error_code(errc::invalid_option));
    BOOST_TEST(wire(two).add_peer(one, "http://127.0.0.1:0") == error_code(errc::invalid_option));
    BOOST_TEST(wire(two).add_peer(node_id(), url(one)) == error_code(errc::invalid_option));
}

BOOST_FIXTURE_TEST_CASE(silence_and_stalls_end_connections, tcp_fixture) {
    options.queue_bytes_max = 8 << 20;
    recording_sink a;
    BOOST_REQUIRE(!open(one, cluster, a));
    raw_client silent(*this, one);
    stalled_peer peer(*this, two);
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_REQUIRE(run_until([&] { return wire(one).statistics().connections_opened == 1; }));
    const sample_append append(one, two, 1, 1, 1 << 20);
    for (int i = 0; i < 50; ++i) {
        wire(one).send(append.m);
        io.poll();
    }
    // The socket took some, the queue eight; the others were dropped and told of once.
    BOOST_TEST(wire(one).statistics().messages_dropped > 10U);
    BOOST_REQUIRE(run_until([&] { return a.unreachable[two] > 0; }));
    BOOST_TEST(a.unreachable[two] == 1U);
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(run_until([&] { return a.unreachable[two] == 2; }));
    BOOST_TEST(silent.hung_up());
    const auto waited = std::chrono::steady_clock::now() - begin;
    BOOST_TEST((waited > std::chrono::seconds(3)));
    BOOST_TEST(wire(one).statistics().connections_opened == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_sink_may_destroy_its_transport, duo) {
    begin();
    b.then = [&](const message&) {
        close(two);
        b.forbidden = true;
    };
    for (std::uint64_t i = 0; i < 100; ++i) {
        wire(one).send(heartbeat(one, two, i));
    }
    BOOST_TEST(run_until([&] { return a.unreachable[two] > 0; }));
    BOOST_TEST(b.messages.size() == 1U);
    BOOST_TEST(!b.violated);
}

BOOST_AUTO_TEST_CASE(an_event_loop_may_end_with_work_pending) {
    recording_sink sink;
    auto fixture = std::make_unique<tcp_fixture>();
    BOOST_REQUIRE(!fixture->open(one, cluster, sink));
    BOOST_REQUIRE(!fixture->open(two, cluster, sink));
    BOOST_REQUIRE(!fixture->wire(one).add_peer(two, fixture->url(two)));
    BOOST_REQUIRE(!fixture->wire(one).add_peer(three, "http://localhost:1"));
    fixture->wire(one).send(sample_append(one, two, 1, 10, 100'000).m);
    fixture->io.poll();
    sink.forbidden = true;
    fixture->wires.clear();
    fixture.reset();
    BOOST_TEST(!sink.violated);
}

BOOST_AUTO_TEST_SUITE_END()
