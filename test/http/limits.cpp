// Connections that make way where there are too many, and requests that are served at any limit.
#include <quorate/http/server.hpp>

#include <boost/test/unit_test.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support.hpp"

using namespace quorate;
using namespace quorate::http;
using namespace quorate::http::test;

namespace {

const std::string ask_root = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string ask_wait = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

} // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(who_never_completed_a_request_makes_way_at_once) {
    server_options o = patient();
    o.connections_max = 3;
    fixture f(o);
    client busy = f.connect();
    busy.send(ask_wait);
    BOOST_TEST_REQUIRE(f.keeps(1));
    client head = f.connect();
    head.send(ask_root.substr(0, 10));
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 2; }));
    client body = f.connect();
    body.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 3; }));
    for (int i = 0; i < 2; ++i) {
        client next = f.connect();
        next.send(ask_root);
        BOOST_TEST(next.receive().status == 200U);
    }
    BOOST_TEST((head.is_closed(1s) || body.is_closed(1s)));
    f.answer_kept(0);
    BOOST_TEST(busy.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(unfinished_second_request_makes_way_after_a_while) {
    server_options o = patient();
    o.connections_max = 1;
    fixture f(o);
    client slow = f.connect();
    slow.send(ask_root);
    BOOST_TEST(slow.receive().status == 200U);
    slow.send(ask_root.substr(0, 10));
    std::this_thread::sleep_for(300ms);
    client next = f.connect();
    next.send(ask_root);
    BOOST_TEST(next.receive().status == 200U);
    BOOST_TEST(slow.is_closed(1s));
}

BOOST_AUTO_TEST_CASE(client_that_takes_nothing_makes_way_after_a_while) {
    server_options o = patient();
    o.connections_max = 1;
    const auto body = shared_bytes::copy_of(std::string(16 << 20, 'x'));
    fixture f(o, [&](exchange x) {
        x.respond({.body = x.request().target == "/small" ? shared_bytes() : body});
    });
    client stalled(f.port(), 4096);
    stalled.send(ask_root);
    std::this_thread::sleep_for(400ms);
    client next = f.connect();
    next.send("GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(next.receive().status == 200U);
    // The client can tell that its answer is cut off.
    BOOST_TEST(stalled.bytes(64 << 20).size() < body.size());
    BOOST_TEST(stalled.was_reset());
}

BOOST_AUTO_TEST_CASE(vital_requests_are_served_at_the_limit_of_connections) {
    server_options o = patient();
    o.connections_max = 2;
    o.requests_max = 2;
    o.reserved_connections = 2;
    o.is_vital = [](const request& asked) { return asked.target == "/health"; };
    std::vector<std::string> lines;
    o.log = [&](const std::string& line) { lines.push_back(line); };
    const std::string get_health = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    fixture f(o);
    client a = f.connect();
    client b = f.connect();
    a.send(ask_wait);
    b.send(ask_wait);
    BOOST_TEST_REQUIRE(f.keeps(2));
    for (int i = 0; i < 5; ++i) { // More than there are reserved places.
        client mute = f.connect();
        client probe = f.connect();
        probe.send(get_health);
        const seen served = probe.receive();
        BOOST_TEST(served.status == 200U);
        BOOST_TEST(served.closes());
        client other = f.connect();
        other.send(ask_root);
        const seen refused = other.receive();
        BOOST_TEST(refused.status == 503U);
        BOOST_TEST(refused.body == "too many connections\n");
    }
    const std::size_t said = f.run([&] { return lines.size(); });
    BOOST_TEST(said == 1U); // However often it is reached.
    f.answer_kept(0);
    f.answer_kept(0);
    BOOST_TEST(a.receive().status == 200U);
    BOOST_TEST(b.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(streams_leave_connections_for_requests) {
    server_options o = patient();
    o.connections_max = 16;
    std::list<response_stream> open;
    fixture f(o, [&](exchange x) {
        if (x.request().target == "/stream") {
            open.push_back(x.stream({}));
        } else if (x.request().target == "/lock") {
            x.respond({.status = x.hold() ? 200U : 503U});
        } else {
            x.respond({});
        }
    });
    std::list<client> clients;
    for (int i = 0; i < 16; ++i) {
        clients.push_back(f.connect());
        clients.back().send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
        BOOST_TEST(clients.back().receive(i >= 14).status == (i < 14 ? 200U : 503U));
    }
    clients.back().send("GET /lock HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(clients.back().receive().status == 503U); // A wait is as a stream.
    clients.back().send(ask_root);
    BOOST_TEST(clients.back().receive().status == 200U);
    f.run([&] { open.pop_front(); });
    clients.back().send("GET /lock HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(clients.back().receive().status == 200U);
    f.run([&] { open.clear(); });
}

BOOST_AUTO_TEST_CASE(memory_of_unfinished_bodies_is_bounded_in_all) {
    server_options o = patient();
    o.held_bytes_max = 1 << 20;
    const auto load = std::make_shared<traffic>();
    fixture f(o, nullptr, nullptr, load);
    std::list<client> uploads;
    for (int i = 0; i < 12; ++i) {
        uploads.push_back(f.connect());
        uploads.back().send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
        uploads.back().send(std::string(200'000, 'x'));
        std::this_thread::sleep_for(20ms);
        BOOST_TEST(f.run([&] { return load->held_bytes; }) <= o.held_bytes_max);
    }
    BOOST_TEST(f.connection_count() < 12U);
    // All that was sent has come in before the next client does.
    BOOST_TEST(f.eventually([&] {
        const auto before = f.run([&] { return load->held_bytes; });
        std::this_thread::sleep_for(100ms);
        return f.run([&] { return load->held_bytes; }) == before;
    }));
    client good = f.connect(); // It takes the place of an older one.
    good.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
    good.send(std::string(400'000, 'x'));
    BOOST_TEST(good.receive().status == 200U);
    uploads.clear();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 1; }));
    BOOST_TEST(f.run([&] { return load->held_bytes; }) == 0U);
}

BOOST_AUTO_TEST_CASE(servers_that_share_traffic_keep_to_limits_together) {
    server_options o = patient();
    o.connections_max = 2;
    const auto load = std::make_shared<traffic>();
    fixture f(o, nullptr, nullptr, load);
    std::optional<server> second;
    f.run([&] {
        second.emplace(
            f.context(), o, [](exchange x) { x.respond({}); }, nullptr, load);
        BOOST_TEST_REQUIRE(!second->start());
    });
    client busy = f.connect();
    busy.send(ask_wait);
    BOOST_TEST_REQUIRE(f.keeps(1));
    client idle = f.connect();
    idle.send(ask_root);
    BOOST_TEST(idle.receive().status == 200U);
    client early(second->port());
    BOOST_TEST(early.receive().status == 503U);
    std::this_thread::sleep_for(300ms);
    client next(second->port()); // One at the other server makes way.
    next.send(ask_root);
    BOOST_TEST(next.receive().status == 200U);
    BOOST_TEST(idle.is_closed());
    f.answer_kept(0);
    f.run([&] { second.reset(); });
    BOOST_TEST(next.is_closed());
    BOOST_TEST(f.run([&] { return load->connections; }) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
