// Members over TCP on one event loop, and a raw client for what a member would never send.
#ifndef QUORATE_TEST_NET_TCP_SUPPORT_HPP
#define QUORATE_TEST_NET_TCP_SUPPORT_HPP

#include <quorate/net/tcp_transport.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support.hpp"

namespace quorate_test {

using boost::asio::ip::tcp;

/// Returns: a port that nobody listens on right now.
inline std::uint16_t free_port() {
    boost::asio::io_context io;
    tcp::acceptor probe(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    return probe.local_endpoint().port();
}

struct tcp_fixture {
    using transport_type = quorate::tcp_transport;

    ~tcp_fixture() {
        wires.clear();
        // What the sessions still have to say to the loop may not touch anything that is gone.
        io.restart();
        io.poll();
    }

    quorate::error_code open(quorate::node_id id, quorate::cluster_id cluster,
                             quorate::transport_sink& sink) {
        quorate::transport_options mine = options;
        mine.cluster = cluster;
        mine.self = id;
        mine.listen_url = url(id);
        wires[id] = std::make_unique<quorate::tcp_transport>(io, mine);
        return wires[id]->start(sink);
    }
    quorate::tcp_transport& wire(quorate::node_id id) { return *wires.at(id); }
    void close(quorate::node_id id) { wires.erase(id); }
    std::uint16_t port(quorate::node_id id) {
        auto& port = ports[id];
        return port != 0 ? port : port = free_port();
    }
    std::string url(quorate::node_id id) {
        return scheme + "://127.0.0.1:" + std::to_string(port(id));
    }
    /// A deadline only ends a test that failed; none waits for it otherwise.
    bool run_until(const std::function<bool()>& done,
                   std::chrono::seconds limit = std::chrono::seconds(10)) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            io.restart();
            io.run_one_for(std::chrono::milliseconds(10));
        }
        return true;
    }

    boost::asio::io_context io;
    std::string scheme = "http";
    quorate::transport_options options;
    std::map<quorate::node_id, std::uint16_t> ports;
    std::map<quorate::node_id, std::unique_ptr<quorate::tcp_transport>> wires;
};

/// A connection made by hand, on the fixture's loop.
class raw_client {
public:
    raw_client(tcp_fixture& fixture, quorate::node_id id) : fixture_(fixture), socket_(fixture.io) {
        connect(id);
    }
    /// From another address of this machine.
    raw_client(tcp_fixture& fixture, quorate::node_id id, const std::string& source)
        : fixture_(fixture), socket_(fixture.io) {
        socket_.open(tcp::v4());
        socket_.bind({boost::asio::ip::make_address(source), 0});
        connect(id);
    }

    /// Effects: sends as much as the other end takes before it hangs up.
    void send(std::string_view bytes) {
        boost::system::error_code ec;
        std::size_t sent = 0;
        static_cast<void>(fixture_.run_until([&] {
            sent += socket_.write_some(boost::asio::buffer(bytes.substr(sent)), ec);
            const bool again = ec == boost::asio::error::would_block;
            return sent == bytes.size() || (ec && !again);
        }));
    }
    void send(const quorate::shared_bytes& bytes) { send(bytes.view()); }

    /// Returns: whether the other end hung up before the deadline. What it said is in `received`.
    bool hung_up(std::chrono::seconds limit = std::chrono::seconds(10)) {
        return fixture_.run_until([&] { return !read_some(); }, limit);
    }
    /// Returns: whether that many bytes came before the deadline.
    bool receives(std::size_t size) {
        return fixture_.run_until([&] { return !read_some() || received.size() >= size; }) &&
               received.size() >= size;
    }
    void close() { socket_.close(); }

    std::string received;

private:
    void connect(quorate::node_id id) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), fixture_.port(id)});
        socket_.non_blocking(true);
    }
    bool read_some() {
        char place[4096]{};
        boost::system::error_code ec;
        const std::size_t size = socket_.read_some(boost::asio::buffer(place), ec);
        received.append(place, size);
        return !ec || ec == boost::asio::error::would_block;
    }

    tcp_fixture& fixture_;
    tcp::socket socket_;
};

inline constexpr quorate::cluster_id cluster{7};
inline constexpr quorate::node_id one{1};
inline constexpr quorate::node_id two{2};
inline constexpr quorate::node_id three{3};

/// Two members; the first one sends.
struct duo : tcp_fixture {
    void begin() {
        BOOST_REQUIRE(!open(one, cluster, a));
        BOOST_REQUIRE(!open(two, cluster, b));
        BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
        BOOST_REQUIRE(run_until([&] { return wire(two).statistics().connections_accepted == 1; }));
        BOOST_REQUIRE(run_until([&] { return wire(one).statistics().connections_opened == 1; }));
    }
    quorate::testing::recording_sink a;
    quorate::testing::recording_sink b;
};

inline quorate::shared_bytes hello_from(quorate::node_id from, quorate::node_id to,
                                        quorate::cluster_id of = cluster,
                                        const quorate::member_past& past = {}) {
    return quorate::encode_hello(
        {quorate::protocol_version, quorate::hello_status::ok, of, from, to, past});
}

inline quorate::hello answered_hello(const std::string& received) {
    const auto content = quorate::decode_frame(quorate::shared_bytes::copy_of(received));
    BOOST_REQUIRE(content.has_value());
    BOOST_REQUIRE(std::holds_alternative<quorate::hello>(*content));
    return std::get<quorate::hello>(*content);
}

inline quorate::hello_status answer_in(const std::string& received) {
    return answered_hello(received).status;
}

inline const std::size_t hello_bytes = hello_from(one, two).size();

} // namespace quorate_test

#endif
