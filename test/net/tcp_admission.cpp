// Which connections a TCP transport hears, and which ones may take its room.
#include <quorate/net/tcp_transport.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tcp_support.hpp"

using namespace quorate;
using namespace quorate_test;
using quorate::testing::recording_sink;

BOOST_AUTO_TEST_SUITE(tcp_admission)

namespace {

constexpr node_id stranger{4242};

/// Decides on unknown ids as a test wants it.
struct judging_sink : recording_sink {
    admission on_unknown(node_id id) override {
        greeted.push_back(id);
        return verdict;
    }
    admission verdict = admission::wait;
    std::vector<node_id> greeted;
};

struct host : tcp_fixture {
    host() { BOOST_REQUIRE(!open(two, cluster, sink)); }
    std::unique_ptr<raw_client> greet(node_id from) {
        auto client = std::make_unique<raw_client>(*this, two);
        client->send(encode_hello({protocol_version, hello_status::ok, cluster, from, two}));
        return client;
    }
    tcp_transport& listener() { return wire(two); }
    judging_sink sink;
};

std::string frame_of_kind(message_kind kind, std::uint64_t context) {
    message m = heartbeat(stranger, two, context);
    m.kind = kind;
    return frame_of(m);
}

std::string frame_of_call(const member_call& call) {
    gather_buffer buffer;
    encode_frame(call, buffer);
    return joined(buffer);
}

} // namespace

BOOST_FIXTURE_TEST_CASE(unknown_id_is_heard_once_it_is_added, host) {
    const auto client = greet(stranger);
    client->send(frame_of(heartbeat(stranger, two, 1))); // before any answer
    BOOST_REQUIRE(run_until([&] { return sink.greeted.size() == 1; }));
    BOOST_TEST(client->received == "");
    BOOST_TEST(sink.messages.empty());
    BOOST_REQUIRE(!listener().add_peer(stranger, url(stranger)));
    BOOST_REQUIRE(client->receives(hello_bytes));
    BOOST_TEST((answer_in(client->received) == hello_status::ok));
    BOOST_TEST(run_until([&] { return sink.count(1) == 1; }));
}

BOOST_FIXTURE_TEST_CASE(unknown_id_that_is_not_added_is_refused, host) {
    const auto waits = greet(stranger);
    BOOST_TEST(waits->hung_up());
    BOOST_TEST((answer_in(waits->received) == hello_status::unknown_member));
    sink.verdict = admission::refuse;
    const auto refused = greet(stranger);
    BOOST_TEST(refused->hung_up());
    BOOST_TEST((answer_in(refused->received) == hello_status::unknown_member));
    BOOST_TEST(listener().statistics().hellos_refused == 2U);
    BOOST_TEST(sink.messages.empty());
    BOOST_TEST(run_until([&] { return !sink.refused.empty(); }));
}

BOOST_FIXTURE_TEST_CASE(held_id_that_is_dropped_learns_that_it_was_removed, host) {
    const auto client = greet(stranger);
    BOOST_REQUIRE(run_until([&] { return sink.greeted.size() == 1; }));
    listener().drop_peer(stranger);
    BOOST_TEST(client->hung_up());
    BOOST_TEST((answer_in(client->received) == hello_status::removed));
}

BOOST_FIXTURE_TEST_CASE(unconfirmed_id_sends_only_what_leads_or_campaigns, host) {
    sink.verdict = admission::unconfirmed;
    const auto client = greet(stranger);
    BOOST_REQUIRE(client->receives(hello_bytes));
    BOOST_TEST((answer_in(client->received) == hello_status::ok));
    for (const message_kind kind :
         {message_kind::proposal, message_kind::append_response, message_kind::vote_response,
          message_kind::heartbeat_response, message_kind::transfer_leader,
          message_kind::timeout_now, message_kind::read_index, message_kind::read_index_response,
          message_kind::pre_vote_response, message_kind::proposal_refused,
          message_kind::read_refused}) {
        client->send(frame_of_kind(kind, 1));
    }
    client->send(frame_of_call({1, false, shared_bytes::copy_of("x"), 0}));
    client->send(frame_of_call({1, true, shared_bytes::copy_of("x"), address_topic}));
    client->send(frame_of_call({0, false, shared_bytes::copy_of("http://h:1"), address_topic}));
    for (const message_kind kind :
         {message_kind::vote, message_kind::pre_vote, message_kind::heartbeat}) {
        client->send(frame_of_kind(kind, 2));
    }
    BOOST_REQUIRE(run_until([&] { return sink.count(2) == 3; }));
    BOOST_TEST(sink.count(1) == 0U);
    BOOST_TEST(listener().statistics().messages_refused == 13U);
    BOOST_REQUIRE(sink.asked.size() == 1U);
    BOOST_TEST(sink.asked.front().second.data.view() == "http://h:1");
    // As soon as it is a peer, it is heard entirely, on the same connection.
    BOOST_REQUIRE(!listener().add_peer(stranger, url(stranger)));
    client->send(frame_of_kind(message_kind::proposal, 3));
    BOOST_TEST(run_until([&] { return sink.count(3) == 1; }));
}

BOOST_FIXTURE_TEST_CASE(few_unconfirmed_ids_are_heard_at_a_time, host) {
    sink.verdict = admission::unconfirmed;
    std::vector<std::unique_ptr<raw_client>> heard;
    for (std::uint64_t i = 0; i < 4; ++i) {
        heard.push_back(greet(node_id(100 + i)));
        BOOST_REQUIRE(heard.back()->receives(hello_bytes));
        BOOST_TEST((answer_in(heard.back()->received) == hello_status::ok));
    }
    const auto another = greet(stranger);
    BOOST_TEST(another->hung_up());
    BOOST_TEST((answer_in(another->received) == hello_status::unknown_member));
    heard.front()->close();
    BOOST_TEST(run_until([&] {
        const auto again = greet(stranger);
        return again->receives(hello_bytes) && answer_in(again->received) == hello_status::ok;
    }));
}

BOOST_FIXTURE_TEST_CASE(unconfirmed_id_is_answered_where_it_announced, host) {
    recording_sink far;
    options.announced_urls = url(one);
    BOOST_REQUIRE(!open(one, cluster, far));
    sink.verdict = admission::unconfirmed;
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_REQUIRE(run_until([&] { return sink.asked.size() == 1; }));
    BOOST_TEST(sink.asked.front().first == one);
    BOOST_TEST(sink.asked.front().second.topic == address_topic);
    const std::string announced(sink.asked.front().second.data.view());
    BOOST_TEST(announced == url(one));
    BOOST_REQUIRE(!listener().also_at(one, announced));
    BOOST_TEST(listener().links().empty()); // not a peer
    listener().send(heartbeat(two, one, 5));
    BOOST_TEST(run_until([&] { return far.count(5) == 1; }));
    // It is dialled no longer than it is heard.
    close(one);
    BOOST_TEST(run_until([&] {
        const auto opened = listener().statistics().connections_opened;
        return opened == 1 && !listener().call(one, {1, false, {}, 0});
    }));
}

BOOST_FIXTURE_TEST_CASE(peer_is_reached_where_it_announced_itself, host) {
    recording_sink far;
    const std::string before = "http://127.0.0.1:" + std::to_string(free_port());
    BOOST_REQUIRE(!open(one, cluster, far));
    BOOST_REQUIRE(!listener().add_peer(one, before));
    listener().send(heartbeat(two, one, 1));
    BOOST_TEST(run_until([&] { return sink.unreachable[one] > 0; }));
    BOOST_REQUIRE(!listener().also_at(one, url(one)));
    BOOST_TEST(run_until([&] {
        listener().send(heartbeat(two, one, 2));
        return far.count(2) > 0;
    }));
    BOOST_TEST(listener().links().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(announced_address_of_another_member_is_not_used, host) {
    recording_sink other;
    BOOST_REQUIRE(!open(node_id(3), cluster, other));
    BOOST_REQUIRE(!listener().add_peer(one, "http://127.0.0.1:" + std::to_string(free_port())));
    BOOST_REQUIRE(!listener().also_at(one, url(node_id(3))));
    BOOST_TEST(run_until([&] {
        listener().send(heartbeat(two, one, 1));
        return wire(node_id(3)).statistics().hellos_refused > 0;
    }));
    BOOST_TEST(other.messages.empty());
}

BOOST_FIXTURE_TEST_CASE(announcement_leads_from_encryption_nowhere_else, host) {
    BOOST_REQUIRE(!listener().add_peer(one, "https://127.0.0.1:1"));
    BOOST_TEST((listener().also_at(one, "http://127.0.0.1:2") == errc::invalid_option));
    BOOST_TEST((listener().also_at(one, "https://127.0.0.1:2,http://127.0.0.1:3") ==
                errc::invalid_option));
    BOOST_TEST(!listener().also_at(one, "https://127.0.0.1:2"));
    BOOST_TEST((listener().also_at(one, "nonsense") == errc::invalid_option));
    BOOST_TEST((listener().also_at(one, "http://127.0.0.1:0") == errc::invalid_option));
    close(two);
    options.certificates_name_members = true;
    BOOST_REQUIRE(!open(two, cluster, sink));
    BOOST_REQUIRE(!listener().add_peer(one, "http://127.0.0.1:1"));
    BOOST_TEST((listener().also_at(one, "http://127.0.0.2:1") == errc::invalid_option));
    BOOST_TEST(!listener().also_at(one, "http://127.0.0.1:2"));
    BOOST_TEST((listener().also_at(stranger, "http://127.0.0.1:2") == errc::invalid_option));
}

BOOST_FIXTURE_TEST_CASE(flood_from_one_address_evicts_none_of_another, host) {
    const std::string elsewhere = "127.0.0.2";
    raw_client quiet(*this, two, "127.0.0.3");
    std::vector<std::unique_ptr<raw_client>> flood;
    for (int i = 0; i < 300; ++i) {
        flood.push_back(std::make_unique<raw_client>(*this, two, elsewhere));
        BOOST_REQUIRE(run_until([&] {
            return listener().statistics().strangers_evicted + 32 >=
                   static_cast<std::uint64_t>(i + 1);
        }));
    }
    BOOST_TEST(listener().statistics().strangers_evicted == 300U - 32U);
    BOOST_REQUIRE(!listener().add_peer(stranger, url(stranger)));
    quiet.send(encode_hello({protocol_version, hello_status::ok, cluster, stranger, two}));
    BOOST_REQUIRE(quiet.receives(hello_bytes));
    BOOST_TEST((answer_in(quiet.received) == hello_status::ok));
}

BOOST_FIXTURE_TEST_CASE(flood_from_many_addresses_leaves_the_room_of_peers, host) {
    BOOST_REQUIRE(!listener().add_peer(one, "http://127.0.0.9:1"));
    raw_client member(*this, two, "127.0.0.9");
    std::vector<std::unique_ptr<raw_client>> flood;
    for (int i = 0; i < 400; ++i) {
        flood.push_back(
            std::make_unique<raw_client>(*this, two, "127.0.1." + std::to_string(1 + i % 100)));
    }
    BOOST_REQUIRE(
        run_until([&] { return listener().statistics().strangers_evicted == 400 - 128; }));
    member.send(encode_hello({protocol_version, hello_status::ok, cluster, one, two}));
    BOOST_REQUIRE(member.receives(hello_bytes));
    BOOST_TEST((answer_in(member.received) == hello_status::ok));
}

namespace {

/// The first bytes of a frame that is as long as the listener allows.
std::string begun_frame(std::uint64_t frame_bytes) {
    std::string header = frame_of_kind(message_kind::append, 1).substr(0, frame_header_bytes);
    store_little(header.data() + 8, static_cast<std::uint32_t>(frame_bytes - frame_header_bytes));
    store_little(header.data(), crc32c(byte_view(header).substr(4, frame_header_bytes - 4)));
    return header + std::string(100, 'x');
}

} // namespace

BOOST_FIXTURE_TEST_CASE(unfinished_frames_are_bounded_in_all, host) {
    std::vector<std::unique_ptr<raw_client>> peers;
    const std::string begun = begun_frame(options.frame_bytes_max);
    for (std::uint64_t id = 101; id <= 106; ++id) {
        BOOST_REQUIRE(!listener().add_peer(node_id(id), url(one)));
        peers.push_back(greet(node_id(id)));
        BOOST_REQUIRE(peers.back()->receives(hello_bytes));
        peers.back()->send(begun);
    }
    BOOST_TEST(run_until([&] { return listener().statistics().frames_refused == 2; }));
    BOOST_TEST(peers[4]->hung_up());
    BOOST_TEST(peers[5]->hung_up());
    // One that stalls ends, and its memory is there for others.
    BOOST_TEST(peers[0]->hung_up());
    BOOST_TEST(listener().statistics().frames_refused == 2U);
    const auto again = greet(node_id(106));
    BOOST_REQUIRE(again->receives(hello_bytes));
    again->send(begun);
    BOOST_TEST(!again->hung_up(std::chrono::seconds(1)));
}

BOOST_AUTO_TEST_SUITE_END()
