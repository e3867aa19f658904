#include <quorate/net/loopback_transport.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

#include "support.hpp"

using namespace quorate;
using quorate::testing::recording_sink;
using quorate_test::heartbeat;

BOOST_AUTO_TEST_SUITE(loopback)

namespace {

static_assert(transport<loopback_transport>);

struct loopback_fixture {
    using transport_type = loopback_transport;

    error_code open(node_id id, cluster_id cluster, transport_sink& sink) {
        transport_options options;
        options.cluster = cluster;
        options.self = id;
        wires[id] = std::make_unique<loopback_transport>(network, options);
        return wires[id]->start(sink);
    }
    loopback_transport& wire(node_id id) { return *wires.at(id); }
    void close(node_id id) { wires.erase(id); }
    std::string url(node_id id) const { return "http://127.0.0.1:" + std::to_string(id.value()); }
    bool run_until(const std::function<bool()>& done) {
        for (int i = 0; i < 1000; ++i) {
            if (done()) {
                return true;
            }
            network.deliver_one();
        }
        return done();
    }

    loopback_network network;
    std::map<node_id, std::unique_ptr<loopback_transport>> wires;
};

/// Two members that know each other.
struct linked_fixture : loopback_fixture {
    linked_fixture() {
        BOOST_REQUIRE(!open(one, cluster_id(7), a));
        BOOST_REQUIRE(!open(two, cluster_id(7), b));
        BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
        BOOST_REQUIRE(!wire(two).add_peer(one, url(one)));
    }
    ~linked_fixture() { wires.clear(); }

    const node_id one{1};
    const node_id two{2};
    recording_sink a;
    recording_sink b;
};

} // namespace

BOOST_DATA_TEST_CASE(
    conformance,
    boost::unit_test::data::make(quorate::testing::transport_conformance<loopback_fixture>())) {
    BOOST_TEST(sample.run() == "");
}

BOOST_FIXTURE_TEST_CASE(nothing_arrives_before_it_is_delivered, linked_fixture) {
    wire(one).send(heartbeat(one, two, 1));
    wire(one).send(heartbeat(one, two, 2));
    BOOST_TEST(b.messages.empty());
    BOOST_TEST(network.queued() == 2U);
    BOOST_TEST(network.deliver_one());
    BOOST_TEST(b.messages.size() == 1U);
    BOOST_TEST(network.deliver_all() == 1U);
    BOOST_TEST(!network.deliver_one());
    BOOST_TEST(b.messages.back()->context == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_cut_is_reported_and_healed, linked_fixture) {
    network.cut(two, one);
    wire(one).send(heartbeat(one, two, 1));
    network.deliver_all();
    BOOST_TEST(b.messages.empty());
    BOOST_TEST(a.unreachable[two] == 1U);
    network.heal();
    wire(one).send(heartbeat(one, two, 2));
    network.deliver_all();
    BOOST_TEST(b.count(2) == 1U);
}

BOOST_FIXTURE_TEST_CASE(the_filter_drops_and_delays, linked_fixture) {
    network.set_filter([](const message& m) {
        return m.context == 1   ? loopback_fate::drop
               : m.context == 2 ? loopback_fate::delay
                                : loopback_fate::deliver;
    });
    for (std::uint64_t context : {1U, 2U, 3U}) {
        wire(one).send(heartbeat(one, two, context));
    }
    network.deliver_all();
    BOOST_TEST(b.messages.size() == 1U);
    BOOST_TEST(b.count(3) == 1U);
    network.release_delayed();
    network.deliver_all();
    BOOST_TEST(b.count(2) == 1U);
    BOOST_TEST(b.count(1) == 0U);
    BOOST_TEST(a.unreachable.empty());
}

BOOST_FIXTURE_TEST_CASE(later_life_gets_no_message_and_no_notice_of_an_earlier_one,
                        linked_fixture) {
    recording_sink later;
    // A message to an earlier life.
    wire(one).send(heartbeat(one, two, 1));
    BOOST_REQUIRE(wire(one).call(two, {}));
    close(two);
    BOOST_REQUIRE(!open(two, cluster_id(7), later));
    network.deliver_all();
    BOOST_TEST(later.messages.empty());
    BOOST_TEST(later.calls == 0U);
    BOOST_TEST(a.unreachable[two] == 1U);
    // A notice about a message of an earlier life.
    network.cut(one, two);
    wire(one).send(heartbeat(one, two, 2));
    BOOST_REQUIRE(network.deliver_one());
    close(one);
    recording_sink reborn;
    BOOST_REQUIRE(!open(one, cluster_id(7), reborn));
    network.deliver_all();
    BOOST_TEST(reborn.unreachable.empty());
    wires.clear();
}

BOOST_FIXTURE_TEST_CASE(message_of_an_earlier_life_does_not_arrive_under_a_later_one,
                        linked_fixture) {
    wire(one).send(heartbeat(one, two, 1));
    close(one);
    recording_sink reborn;
    BOOST_REQUIRE(!open(one, cluster_id(7), reborn));
    network.deliver_all();
    BOOST_TEST(b.messages.empty());
    BOOST_TEST(reborn.unreachable.empty());
    wires.clear();
}

BOOST_FIXTURE_TEST_CASE(it_wakes_once_for_a_queue, linked_fixture) {
    int woken = 0;
    network.set_wake([&] { ++woken; });
    wire(one).send(heartbeat(one, two, 1));
    wire(one).send(heartbeat(one, two, 2));
    BOOST_TEST(woken == 1);
    network.deliver_all();
    wire(one).send(heartbeat(one, two, 3));
    BOOST_TEST(woken == 2);
}

BOOST_AUTO_TEST_CASE(the_queue_of_a_peer_is_bounded) {
    loopback_network network;
    transport_options options;
    options.self = node_id(1);
    options.queue_bytes_max = 10'000;
    loopback_transport wire(network, options);
    recording_sink sink;
    BOOST_REQUIRE(!wire.start(sink));
    BOOST_REQUIRE(!wire.add_peer(node_id(2), ""));
    const std::vector<entry> entries{quorate_test::sample_entry(1, 1, 1000)};
    message m = heartbeat(node_id(1), node_id(2), 1);
    m.kind = message_kind::append;
    m.entries = entries;
    for (int i = 0; i < 100; ++i) {
        wire.send(m);
    }
    // Nine appends fit; the others left a notice each.
    network.deliver_all();
    BOOST_TEST(sink.unreachable[node_id(2)] == 100U);
    BOOST_TEST(sink.messages.empty());
    wire.send(m);
    BOOST_TEST(network.queued() == 1U);
}

BOOST_AUTO_TEST_CASE(an_identity_is_taken_once) {
    loopback_fixture fixture;
    recording_sink sink;
    BOOST_REQUIRE(!fixture.open(node_id(1), cluster_id(7), sink));
    transport_options options;
    options.self = node_id(1);
    loopback_transport again(fixture.network, options);
    BOOST_TEST(again.start(sink) == error_code(errc::invalid_option));
    options.self = node_id();
    loopback_transport nobody(fixture.network, options);
    BOOST_TEST(nobody.start(sink) == error_code(errc::invalid_option));
}

BOOST_AUTO_TEST_SUITE_END()
