#include <quorate/net/tcp_discovery.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "tcp_support.hpp"

using namespace quorate;
using namespace quorate_test;

BOOST_AUTO_TEST_SUITE(discovery)

namespace {

constexpr cluster_id cluster{7};
constexpr node_id one{1};
constexpr node_id two{2};
constexpr std::chrono::milliseconds patience{10'000};

struct telling_sink : quorate::testing::recording_sink {
    shared_bytes on_newcomer() override { return members; }
    shared_bytes members = shared_bytes::copy_of("who we are");
};

/// A member, and somebody on another thread who asks it.
struct asked_member : tcp_fixture {
    asked_member() { BOOST_REQUIRE(!open(one, cluster, sink)); }

    result<discovered_group> ask(std::chrono::milliseconds limit = patience) {
        const peer_address where = *parse_peer_url(url(one));
        std::optional<result<discovered_group>> answer;
        std::atomic<bool> done = false;
        std::thread asking([&] {
            answer = discover_members(where, limit);
            done = true;
        });
        const bool ended = run_until([&] { return done.load(); }, std::chrono::seconds(30));
        asking.join();
        BOOST_REQUIRE(ended);
        return *answer;
    }
    telling_sink sink;
};

/// Somebody else at that port, who sends bytes whatever he is asked.
struct impostor : tcp_fixture {
    result<discovered_group> ask(const std::string& says, bool hangs_up = true,
                                 std::chrono::milliseconds limit = patience) {
        tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), port(one)});
        std::thread speaking([&] {
            tcp::socket socket(io);
            acceptor.accept(socket);
            char question[hello_frame_bytes];
            boost::system::error_code ec;
            boost::asio::read(socket, boost::asio::buffer(question), ec);
            boost::asio::write(socket, boost::asio::buffer(says), ec);
            if (!hangs_up) {
                boost::asio::read(socket, boost::asio::buffer(question), ec);
            }
        });
        const auto answer = discover_members(*parse_peer_url(url(one)), limit);
        speaking.join();
        return answer;
    }
};

std::string hello_of(hello_status status, cluster_id of, node_id from) {
    return std::string(encode_hello({protocol_version, status, of, from, {}}).view());
}

std::string call_of(const member_call& call) {
    gather_buffer buffer;
    encode_frame(call, buffer);
    return joined(buffer);
}

const std::string good_hello = hello_of(hello_status::ok, cluster, one);
const std::string good_call =
    call_of({0, true, shared_bytes::copy_of(std::string(200'000, 'm')), members_topic});

} // namespace

BOOST_FIXTURE_TEST_CASE(a_newcomer_is_told_who_the_members_are, asked_member) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{300'000}, std::size_t{1} << 20}) {
        sink.members = shared_bytes::copy_of(std::string(size, 'm'));
        const auto answer = ask();
        BOOST_REQUIRE(answer.has_value());
        BOOST_TEST((answer->cluster == cluster));
        BOOST_TEST((answer->from == one));
        BOOST_TEST(answer->members.view() == sink.members.view());
    }
    BOOST_TEST(wire(one).statistics().newcomers_told == 3U);
    BOOST_TEST(wire(one).statistics().connections_accepted == 0U);
}

BOOST_FIXTURE_TEST_CASE(who_knows_no_members_tells_nobody, asked_member) {
    sink.members = {};
    BOOST_TEST(ask().error() == error_code(errc::wrong_member));
    sink.members = shared_bytes::copy_of(std::string(call_bytes_max + 1, 'm'));
    BOOST_TEST(ask().error() == error_code(errc::wrong_member));
    BOOST_TEST(wire(one).statistics().hellos_refused == 2U);
    BOOST_TEST(wire(one).statistics().newcomers_told == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_newcomer_is_no_member, asked_member) {
    raw_client newcomer(*this, one);
    const std::string question(
        encode_hello({protocol_version, hello_status::ok, {}, {}, {}}).view());
    newcomer.send(question + frame_of(heartbeat(two, one, 1)));
    BOOST_TEST(newcomer.hung_up());
    BOOST_TEST(sink.messages.empty());
    // Half a question is none.
    for (const hello& wrong : {hello{protocol_version, hello_status::ok, cluster, {}, {}},
                               hello{protocol_version, hello_status::ok, {}, {}, one},
                               hello{protocol_version, hello_status::removed, {}, {}, {}}}) {
        raw_client stranger(*this, one);
        stranger.send(encode_hello(wrong));
        BOOST_TEST(stranger.hung_up());
        const auto content = decode_frame(shared_bytes::copy_of(stranger.received));
        BOOST_REQUIRE(content.has_value());
        BOOST_TEST((std::get<hello>(*content).status == hello_status::wrong_member));
    }
    BOOST_TEST(wire(one).statistics().newcomers_told == 1U);
}

BOOST_FIXTURE_TEST_CASE(newcomers_that_do_not_read_keep_nobody_out, asked_member) {
    sink.members = shared_bytes::copy_of(std::string(1 << 20, 'm'));
    std::vector<std::unique_ptr<raw_client>> deaf;
    for (int i = 0; i < 100; ++i) {
        deaf.push_back(std::make_unique<raw_client>(*this, one));
        deaf.back()->send(encode_hello({protocol_version, hello_status::ok, {}, {}, {}}));
    }
    BOOST_TEST(ask().has_value());
}

BOOST_FIXTURE_TEST_CASE(nobody_there_is_an_error_of_the_system, tcp_fixture) {
    const auto answer = discover_members(*parse_peer_url(url(one)), patience);
    BOOST_TEST(answer.error() ==
               boost::system::errc::make_error_condition(boost::system::errc::connection_refused));
}

BOOST_FIXTURE_TEST_CASE(what_answers_wrongly_is_not_believed, impostor) {
    const auto good = ask(good_hello + good_call);
    BOOST_REQUIRE(good.has_value());
    BOOST_TEST(good->members.size() == 200'000U);
    BOOST_TEST(ask("HTTP/1.1 400 Bad Request\r\n\r\n").error() == error_code(errc::corrupt));
    BOOST_TEST(ask(hello_of(hello_status::wrong_member, cluster, one)).error() ==
               error_code(errc::wrong_member));
    BOOST_TEST(ask(hello_of(hello_status::ok, {}, one) + good_call).error() ==
               error_code(errc::wrong_member));
    BOOST_TEST(ask(hello_of(hello_status::ok, cluster, {}) + good_call).error() ==
               error_code(errc::wrong_member));
    BOOST_TEST(ask(std::string(encode_hello({protocol_version + 1,
                                             hello_status::ok,
                                             cluster,
                                             one,
                                             {},
                                             {},
                                             protocol_version + 1})
                                   .view()))
                   .error() == error_code(errc::unsupported_version));
    const std::string newer(
        encode_hello({protocol_version + 1, hello_status::ok, cluster, one, {}}).view());
    BOOST_TEST(ask(newer + good_call).has_value());
    BOOST_TEST(ask(good_call).error() == error_code(errc::corrupt));
    BOOST_TEST(ask(good_hello + good_hello).error() == error_code(errc::corrupt));
    const shared_bytes data = shared_bytes::copy_of("x");
    BOOST_TEST(ask(good_hello + call_of({0, true, data, 1})).error() == error_code(errc::corrupt));
    BOOST_TEST(ask(good_hello + call_of({0, false, data, members_topic})).error() ==
               error_code(errc::corrupt));
    BOOST_TEST(ask(good_hello).error() == error_code(boost::asio::error::eof));
}

BOOST_FIXTURE_TEST_CASE(a_frame_that_is_too_long_is_not_received, impostor) {
    std::string header = good_call.substr(0, frame_header_bytes);
    store_little(header.data() + 8, call_bytes_max + 17);
    store_little(header.data(), crc32c(byte_view(header).substr(4, frame_header_bytes - 4)));
    BOOST_TEST(ask(good_hello + header).error() == error_code(errc::too_large));
}

BOOST_FIXTURE_TEST_CASE(whoever_says_nothing_is_given_up, impostor) {
    BOOST_TEST(ask("", false, std::chrono::milliseconds(50)).error() ==
               error_code(errc::read_timed_out));
    BOOST_TEST(ask(good_hello, false, std::chrono::milliseconds(50)).error() ==
               error_code(errc::read_timed_out));
}

BOOST_AUTO_TEST_SUITE_END()
