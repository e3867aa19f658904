// Hellos, frames and noise from other processes: which of them a TCP transport hears.
#include <quorate/net/tcp_transport.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tcp_support.hpp"

using namespace quorate;
using namespace quorate_test;
using quorate::testing::recording_sink;

BOOST_AUTO_TEST_SUITE(tcp_strangers)

BOOST_FIXTURE_TEST_CASE(hellos_are_judged, duo) {
    begin();
    const auto verdict = [&](const shared_bytes& greeting) {
        raw_client client(*this, two);
        client.send(greeting);
        BOOST_TEST(client.hung_up());
        return answer_in(client.received);
    };
    BOOST_TEST((verdict(hello_from(three, two, cluster_id(8))) == hello_status::wrong_cluster));
    BOOST_TEST((verdict(hello_from(three, one)) == hello_status::wrong_member));
    BOOST_TEST((verdict(hello_from(two, two)) == hello_status::wrong_member));
    BOOST_TEST(
        (verdict(encode_hello({protocol_version + 1,
                               hello_status::ok,
                               cluster,
                               three,
                               two,
                               {},
                               protocol_version + 1})) == hello_status::unsupported_version));
    wire(two).drop_peer(three);
    BOOST_TEST((verdict(hello_from(three, two)) == hello_status::removed));
    BOOST_TEST(wire(two).statistics().hellos_refused == 5U);
    BOOST_TEST(b.messages.empty());
}

BOOST_FIXTURE_TEST_CASE(member_of_a_newer_version_is_let_in_where_it_speaks_this_one, duo) {
    begin();
    raw_client client(*this, two);
    client.send(encode_hello(
        {protocol_version + 5, hello_status::ok, cluster, three, two, {}, protocol_version}));
    BOOST_TEST(run_until([&] { return wire(two).statistics().connections_accepted == 1U; }));
    BOOST_TEST(wire(two).statistics().hellos_refused == 0U);
}

BOOST_FIXTURE_TEST_CASE(who_is_refused_is_told_why_once, duo) {
    struct refused_sink : recording_sink {
        void on_refused(node_id peer, hello_status why) override {
            reasons.emplace_back(peer, why);
        }
        std::vector<std::pair<node_id, hello_status>> reasons;
    } stranger;
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!open(three, cluster_id(8), stranger));
    BOOST_REQUIRE(!wire(three).add_peer(one, url(one)));
    BOOST_TEST(run_until([&] { return wire(one).statistics().hellos_refused > 1; }));
    BOOST_REQUIRE(stranger.reasons.size() == 1U);
    BOOST_TEST((stranger.reasons.front() == std::pair(one, hello_status::wrong_cluster)));
    BOOST_REQUIRE(!wire(three).add_peer(two, url(one)));
    BOOST_TEST(run_until([&] { return stranger.reasons.size() == 2; }));
    BOOST_TEST((stranger.reasons.back() == std::pair(two, hello_status::wrong_cluster)));
    wires.clear();
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!open(three, cluster, stranger));
    BOOST_REQUIRE(!wire(three).add_peer(two, url(one)));
    BOOST_TEST(run_until([&] { return stranger.reasons.size() == 3; }));
    BOOST_TEST((stranger.reasons.back() == std::pair(two, hello_status::wrong_member)));
    wires.clear();
}

BOOST_FIXTURE_TEST_CASE(a_member_told_that_it_was_removed_says_so_once, duo) {
    begin();
    wire(two).drop_peer(one);
    BOOST_TEST(run_until([&] { return a.removed > 0; }));
    BOOST_TEST(run_until([&] { return wire(two).statistics().hellos_refused > 1; }));
    BOOST_TEST(a.removed == 1U);
}

BOOST_FIXTURE_TEST_CASE(who_joins_learns_its_cluster, duo) {
    BOOST_REQUIRE(!open(one, cluster_id(), a));
    BOOST_REQUIRE(!open(two, cluster, b));
    BOOST_TEST(wire(one).cluster() == cluster_id());
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_TEST(run_until([&] { return wire(one).cluster() == cluster; }));
    raw_client client(*this, one);
    client.send(hello_from(three, one, cluster_id(8)));
    BOOST_TEST(client.hung_up());
    BOOST_TEST((answer_in(client.received) == hello_status::wrong_cluster));
}

BOOST_FIXTURE_TEST_CASE(frames_are_heard_only_from_whom_they_claim, duo) {
    begin();
    const auto send = [&](const std::string& frame, bool heard) {
        const std::size_t before = b.messages.size();
        raw_client client(*this, two);
        client.send(hello_from(three, two));
        BOOST_TEST(client.receives(hello_bytes));
        client.send(frame);
        if (heard) {
            BOOST_TEST(run_until([&] { return b.messages.size() == before + 1; }));
        } else {
            BOOST_TEST(client.hung_up());
            BOOST_TEST(b.messages.size() == before);
        }
    };
    send(frame_of(heartbeat(three, two, 1)), true);
    send(frame_of(heartbeat(one, two, 1)), false);
    send(frame_of(heartbeat(three, one, 1)), false);
    send(std::string(hello_from(three, two).view()), false);
    // What a follower passes on keeps its author's name.
    for (message_kind kind :
         {message_kind::proposal, message_kind::read_index, message_kind::transfer_leader}) {
        message m = heartbeat(one, two, 1);
        m.kind = kind;
        send(frame_of(m), true);
        m.from = node_id();
        send(frame_of(m), false);
    }
    // Chunks of no snapshot.
    gather_buffer buffer;
    encode_chunk(1, 0, {shared_bytes::copy_of("x")}, buffer);
    send(joined(buffer), false);
    // Only a listener tells how far it got.
    send(std::string(encode_progress({1, 0, false}).view()), false);
}

BOOST_FIXTURE_TEST_CASE(garbage_is_harmless, duo) {
    begin();
    std::minstd_rand random(11);
    const std::string heart = frame_of(heartbeat(three, two, 1));
    std::vector<std::string> garbage{"GET / HTTP/1.1\r\nHost: example\r\n\r\n", heart,
                                     std::string(100'000, '\0'), std::string(100'000, '\xff')};
    for (int i = 0; i < 20; ++i) {
        std::string noise(20 + random() % 5000, '\0');
        for (char& c : noise) {
            c = static_cast<char>(random());
        }
        garbage.push_back(noise);
    }
    // A header whose checksum is right, of a frame of almost 4 GiB.
    std::string huge = heart.substr(0, frame_header_bytes);
    store_little(huge.data() + 8, UINT32_MAX - 100);
    store_little(huge.data(), crc32c(byte_view(huge).substr(4, frame_header_bytes - 4)));
    garbage.push_back(huge);
    for (const std::string& bytes : garbage) {
        raw_client stranger(*this, two);
        stranger.send(bytes);
        BOOST_TEST(stranger.hung_up());
        BOOST_TEST(stranger.received == "");
        raw_client member(*this, two);
        member.send(hello_from(three, two));
        BOOST_TEST(member.receives(hello_bytes));
        member.send(bytes == heart ? huge : bytes);
        BOOST_TEST(member.hung_up());
    }
    BOOST_TEST(b.messages.empty());
    // The members still hear each other, on the same connection.
    wire(one).send(heartbeat(one, two, 5));
    BOOST_TEST(run_until([&] { return b.count(5) == 1; }));
    BOOST_TEST(wire(one).statistics().connections_opened == 1U);
}

BOOST_FIXTURE_TEST_CASE(no_more_than_a_hello_is_read_from_a_stranger, duo) {
    begin();
    std::string header = std::string(hello_from(three, two).view().substr(0, frame_header_bytes));
    const auto hangs_up = [&](std::size_t frame_bytes) {
        store_little(header.data() + 8,
                     static_cast<std::uint32_t>(frame_bytes - frame_header_bytes));
        store_little(header.data(), crc32c(byte_view(header).substr(4, frame_header_bytes - 4)));
        raw_client stranger(*this, two);
        stranger.send(header);
        // Sooner than the deadline of a hello.
        return stranger.hung_up(std::chrono::seconds(1));
    };
    BOOST_TEST(!hangs_up(hello_frame_bytes_max));
    BOOST_TEST(hangs_up(hello_frame_bytes_max + 1));
}

BOOST_FIXTURE_TEST_CASE(a_second_connection_of_a_member_replaces_the_first, duo) {
    begin();
    raw_client first(*this, two);
    first.send(hello_from(three, two));
    BOOST_TEST(first.receives(hello_bytes));
    raw_client second(*this, two);
    second.send(hello_from(three, two));
    BOOST_TEST(second.receives(hello_bytes));
    BOOST_TEST(first.hung_up());
    second.send(frame_of(heartbeat(three, two, 9)));
    BOOST_TEST(run_until([&] { return b.count(9) == 1; }));
}

BOOST_FIXTURE_TEST_CASE(strangers_do_not_keep_members_out, duo) {
    BOOST_REQUIRE(!open(two, cluster, b));
    std::vector<std::unique_ptr<raw_client>> strangers;
    for (int i = 0; i < 100; ++i) {
        strangers.push_back(std::make_unique<raw_client>(*this, two));
    }
    // Sooner than the deadlines of their hellos would make room.
    const std::chrono::seconds soon(2);
    BOOST_TEST(run_until([&] { return wire(two).statistics().strangers_evicted >= 68; }, soon));
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    wire(one).send(heartbeat(one, two, 1));
    BOOST_TEST(run_until([&] { return b.count(1) == 1; }, soon));
}

BOOST_FIXTURE_TEST_CASE(ids_that_were_not_added_are_bounded, duo) {
    BOOST_REQUIRE(!open(two, cluster, b));
    std::vector<std::unique_ptr<raw_client>> members;
    for (std::uint64_t i = 0; i < 64; ++i) {
        members.push_back(std::make_unique<raw_client>(*this, two));
        members.back()->send(hello_from(node_id(100 + i), two));
        BOOST_REQUIRE(members.back()->receives(hello_bytes));
    }
    raw_client another(*this, two);
    another.send(hello_from(node_id(200), two));
    BOOST_TEST(another.hung_up());
    BOOST_TEST((answer_in(another.received) == hello_status::unknown_member));
    members.front()->close();
    members.front().reset();
    BOOST_REQUIRE(!open(one, cluster, a));
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    wire(one).send(heartbeat(one, two, 1));
    BOOST_TEST(run_until([&] { return b.count(1) == 1; }));
}

/// One wait for two deadlines of five seconds: that of a hello, and that of a write.

BOOST_AUTO_TEST_SUITE_END()
