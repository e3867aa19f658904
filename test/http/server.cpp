#include <quorate/http/server.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <atomic>
#include <ctime>
#include <deque>
#include <list>
#include <string>

#include "support.hpp"

using namespace quorate;
using namespace quorate::http;
using namespace quorate::http::test;

namespace {

const std::string get_root = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string get_wait = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

std::chrono::milliseconds elapsed(std::chrono::steady_clock::time_point since) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 since);
}

/// Drains, and counts the calls back.
struct drainer {
    drainer(fixture& f, std::chrono::milliseconds at_most) {
        f.run([&, at_most] { f.of_thread().drain(at_most, [this] { ++calls; }); });
    }
    bool is_done() const {
        return fixture::eventually([this] { return calls.load() > 0; });
    }
    std::atomic<int> calls{0};
};

/// While it lives, the process can open `left` descriptors more.
class descriptors_used_up {
public:
    explicit descriptors_used_up(std::size_t left) {
        BOOST_TEST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved_) == 0);
        for (int fd = ::dup(0); fd >= 0 && fd < 200; fd = ::dup(0)) {
            fill_.push_back(fd);
        }
        BOOST_TEST_REQUIRE(fill_.size() > left);
        const rlimit tight{static_cast<rlim_t>(fill_.back()) + 1, saved_.rlim_max};
        for (; left > 0; --left) {
            ::close(fill_.back());
            fill_.pop_back();
        }
        BOOST_TEST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    }
    descriptors_used_up(const descriptors_used_up&) = delete;
    descriptors_used_up& operator=(const descriptors_used_up&) = delete;
    ~descriptors_used_up() {
        ::setrlimit(RLIMIT_NOFILE, &saved_);
        for (const int fd : fill_) {
            ::close(fd);
        }
    }

private:
    rlimit saved_{};
    std::list<int> fill_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(servers)

// ---- Starting -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(start_reports_what_is_wrong) {
    boost::asio::io_context io;
    const auto start = [&](server_options o) {
        return server(io, std::move(o), [](exchange) {}).start();
    };
    BOOST_TEST(!start({}));
    BOOST_TEST(start({.address = "localhost"}).failed());
    BOOST_TEST(start({.pipeline_max = 0}) == make_error_code(errc::invalid_option));
    server first(io, {}, [](exchange) {});
    BOOST_TEST(first.port() == 0U);
    BOOST_TEST_REQUIRE(!first.start());
    BOOST_TEST(first.port() != 0U);
    BOOST_TEST(start({.port = first.port()}) == boost::system::errc::address_in_use);
}

BOOST_AUTO_TEST_CASE(listens_on_ipv6_too) {
    boost::asio::io_context io;
    server s(io, {.address = "::1"}, [](exchange) {});
    const error_code ec = s.start();
    BOOST_TEST((!ec || ec == boost::system::errc::address_not_available ||
                ec == boost::system::errc::address_family_not_supported));
}

BOOST_AUTO_TEST_CASE(nothing_is_left_to_run_after_stop) {
    boost::asio::io_context io;
    server s(io, {}, [](exchange) {});
    BOOST_TEST_REQUIRE(!s.start());
    const client c(s.port());
    io.run_for(50ms);
    BOOST_TEST(s.connection_count() == 1U);
    s.stop();
    BOOST_TEST(s.connection_count() == 0U);
    io.restart();
    const auto begin = std::chrono::steady_clock::now();
    io.run(); // Returns, as nothing is pending.
    BOOST_TEST(elapsed(begin) < 1s);
}

BOOST_AUTO_TEST_CASE(server_may_go_while_operations_are_pending) {
    boost::asio::io_context io;
    std::optional<exchange> held;
    std::optional<server> s(std::in_place, io, server_options{},
                            [&](exchange x) { held = std::move(x); });
    BOOST_TEST_REQUIRE(!s->start());
    client c(s->port());
    c.send(get_root);
    while (!held) {
        io.run_one();
    }
    s.reset();
    BOOST_TEST(!held->is_open());
    BOOST_TEST(held->request().target == "/");
    held.reset();
    io.run();
    BOOST_TEST(c.is_closed());
}

// ---- Time limits --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(idle_connections_close_silently) {
    server_options o = patient();
    o.idle_timeout = 200ms;
    fixture f(o);
    client fresh = f.connect();
    client used = f.connect();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 4; ++i) {
        std::this_thread::sleep_for(100ms);
        used.send(get_root);
        BOOST_TEST(used.receive().status == 200U);
    }
    BOOST_TEST(fresh.is_closed(1ms));
    BOOST_TEST(used.is_closed());
    BOOST_TEST(elapsed(begin) >= 600ms);
    BOOST_TEST(elapsed(begin) < 2s);
}

BOOST_AUTO_TEST_CASE(waiting_for_the_handler_is_not_idle) {
    server_options o = patient();
    o.idle_timeout = 100ms;
    fixture f(o);
    client c = f.connect();
    c.send(get_wait);
    BOOST_TEST(c.is_silent(400ms));
    f.answer_kept(0);
    BOOST_TEST(c.receive().status == 200U);
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(slow_heads_get_408) {
    server_options o = patient();
    o.head_timeout = 200ms;
    fixture f(o);
    client c = f.connect();
    const auto begin = std::chrono::steady_clock::now();
    c.send("GET / HTTP/1.1\r\n");
    std::this_thread::sleep_for(100ms);
    c.send("Host: a\r\n"); // Progress does not extend the limit.
    const seen r = c.receive();
    BOOST_TEST(r.status == 408U);
    BOOST_TEST(r.closes());
    BOOST_TEST(elapsed(begin) >= 200ms);
    BOOST_TEST(elapsed(begin) < 1s);
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(each_head_has_its_own_limit) {
    server_options o = patient();
    o.head_timeout = 300ms;
    fixture f(o);
    client c = f.connect();
    c.send(get_root.substr(0, 10));
    for (int i = 0; i < 4; ++i) {
        std::this_thread::sleep_for(120ms);
        c.send(get_root.substr(10) + get_root.substr(0, 10)); // There is no moment between them.
        BOOST_TEST(c.receive().status == 200U);
    }
}

BOOST_AUTO_TEST_CASE(slow_bodies_get_408) {
    server_options o = patient();
    o.body_timeout = 200ms;
    fixture f(o);
    for (const char* framing : {"Content-Length: 100000", "Transfer-Encoding: chunked"}) {
        client c = f.connect();
        c.send(std::string("PUT / HTTP/1.1\r\nHost: a\r\n") + framing + "\r\n\r\n5\r\nhello\r\n");
        BOOST_TEST(c.receive().status == 408U);
        c.send(std::string(50000, 'x')); // Arrives in a read that was begun before the refusal.
        BOOST_TEST(c.is_closed());
    }
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_nothing_is_dropped) {
    server_options o = patient();
    o.write_timeout = 200ms;
    const auto body = shared_bytes::copy_of(std::string(16 << 20, 'x'));
    fixture f(o, [&](exchange x) { x.respond({.body = body}); });
    client stalled(f.port(), 4096);
    stalled.send(get_root);
    client slow(f.port(), 65536);
    slow.send(get_root);
    BOOST_TEST((slow.receive().body == body.view()));
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 1; }));
}

BOOST_AUTO_TEST_CASE(clients_that_read_nothing_cost_bounded_memory) {
    server_options o = patient();
    o.unsent_bytes_max = 40 << 20;
    const auto body = shared_bytes::copy_of(std::string(16 << 20, 'x'));
    fixture f(o, [&](exchange x) {
        x.respond({.body = x.request().target == "/small" ? shared_bytes() : body});
    });
    std::deque<client> stalled;
    for (int i = 0; i < 8; ++i) {
        stalled.emplace_back(f.port(), 4096).send(get_root);
    }
    client small = f.connect();
    small.send("GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(small.receive().status == 200U);
    // Two such answers fit the bound, beside whoever has nothing waiting.
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 3; }));
    client another = f.connect();
    another.send("GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(another.receive().status == 200U);
    BOOST_TEST(f.connection_count() == 4U);
}

BOOST_AUTO_TEST_CASE(one_answer_may_be_larger_than_all_may_be) {
    server_options o = patient();
    o.unsent_bytes_max = 1 << 20;
    const auto body = shared_bytes::copy_of(std::string(16 << 20, 'x'));
    fixture f(o, [&](exchange x) { x.respond({.body = body}); });
    client slow(f.port(), 65536);
    slow.send(get_root);
    BOOST_TEST((slow.receive().body == body.view()));
}

BOOST_AUTO_TEST_CASE(refused_clients_are_not_lingered_for_forever) {
    fixture f(patient());
    client c = f.connect();
    c.send("BAD\r\n\r\n");
    BOOST_TEST(c.receive().status == 400U);
    const auto begin = std::chrono::steady_clock::now();
    while (f.connection_count() > 0 && elapsed(begin) < 2s) {
        c.send("more and more");
        std::this_thread::sleep_for(5ms);
    }
    BOOST_TEST(elapsed(begin) < 1s);
}

// ---- Limits -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(connections_beyond_the_limit_get_503) {
    server_options o = patient();
    o.connections_max = 2;
    fixture f(o);
    client a = f.connect();
    client b = f.connect();
    a.send(get_wait);
    b.send(get_wait);
    BOOST_TEST_REQUIRE(f.keeps(2));
    client c = f.connect();
    const seen r = c.receive();
    BOOST_TEST(r.status == 503U);
    BOOST_TEST(r.closes());
    BOOST_TEST(r.field("retry-after") == "1");
    BOOST_TEST(r.body == "too many connections\n");
    BOOST_TEST(c.is_closed());
    a.reset();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 1; }));
    client d = f.connect();
    d.send(get_root);
    BOOST_TEST(d.receive().status == 200U);
    f.answer_kept(1);
    BOOST_TEST(b.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(the_longest_idle_makes_way) {
    server_options o = patient();
    o.connections_max = 2;
    fixture f(o);
    client busy = f.connect();
    busy.send(get_wait);
    BOOST_TEST_REQUIRE(f.keeps(1));
    client idle = f.connect();
    idle.send(get_root);
    BOOST_TEST(idle.receive().status == 200U);
    client hasty = f.connect();
    BOOST_TEST(hasty.receive().status == 503U); // The idle one may be about to send.
    std::this_thread::sleep_for(300ms);
    client next = f.connect();
    next.send(get_root);
    BOOST_TEST(next.receive().status == 200U);
    BOOST_TEST(idle.is_closed(100ms));
    f.answer_kept(0);
    BOOST_TEST(busy.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(who_never_asked_makes_way_first) {
    server_options o = patient();
    o.connections_max = 2;
    fixture f(o);
    client used = f.connect();
    used.send(get_root);
    BOOST_TEST(used.receive().status == 200U);
    std::this_thread::sleep_for(200ms);
    client mute = f.connect();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 2; }));
    std::this_thread::sleep_for(300ms);
    client next = f.connect();
    next.send(get_root);
    BOOST_TEST(next.receive().status == 200U);
    BOOST_TEST(mute.is_closed(100ms));
    used.send(get_root);
    BOOST_TEST(used.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(running_out_of_descriptors_does_not_spin) {
    fixture f(patient());
    client before = f.connect();
    before.send(get_wait); // Busy, so that it need not make way.
    BOOST_TEST_REQUIRE(f.keeps(1));

    // Room for one descriptor: the client's. The server finds none for its side.
    auto tight = std::make_optional<descriptors_used_up>(1);
    client waits = f.connect();
    const std::clock_t begin = std::clock();
    waits.send(get_root);
    BOOST_TEST(waits.is_silent(500ms));
    const double busy = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    BOOST_TEST(busy < 0.1);
    f.answer_kept(0); // Those inside are served meanwhile.
    BOOST_TEST(before.receive().status == 200U);
    before.send(get_wait);
    BOOST_TEST(f.keeps(1));
    tight.reset();
    BOOST_TEST(waits.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(without_descriptors_the_longest_idle_makes_way) {
    fixture f(patient());
    client idle = f.connect();
    idle.send(get_root);
    BOOST_TEST(idle.receive().status == 200U);
    const descriptors_used_up tight(1);
    client next = f.connect(); // Takes the last descriptor; the server's side needs one.
    next.send(get_root);
    BOOST_TEST(next.receive().status == 200U);
    BOOST_TEST(idle.is_closed(100ms));
}

BOOST_AUTO_TEST_CASE(some_descriptors_are_for_others) {
    rlimit saved{};
    BOOST_TEST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved) == 0);
    const rlimit few{64, saved.rlim_max};
    BOOST_TEST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    fixture f(patient());
    ::setrlimit(RLIMIT_NOFILE, &saved);
    std::list<client> busy;
    for (std::size_t i = 1; i <= 48; ++i) {
        busy.push_back(f.connect());
        busy.back().send(get_wait);
    }
    BOOST_TEST(f.keeps(48));
    client over = f.connect();
    BOOST_TEST(over.receive().status == 503U);
    busy.front().reset(); // Half-closed, it would still wait for its answer.
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 47; }));
    client fits = f.connect();
    fits.send(get_root);
    BOOST_TEST(fits.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(requests_beyond_the_limit_get_503) {
    server_options o = patient();
    o.requests_max = 2;
    fixture f(o);
    client a = f.connect();
    client b = f.connect();
    a.send(get_wait + get_root);
    BOOST_TEST_REQUIRE(f.eventually([&] { return f.kept_count() == 1; }));
    b.send(get_wait);
    BOOST_TEST_REQUIRE(f.keeps(2));
    client c = f.connect();
    c.send(get_root);
    const seen r = c.receive();
    BOOST_TEST(r.status == 503U);
    BOOST_TEST(r.field("retry-after") == "1");
    BOOST_TEST(!r.closes());
    BOOST_TEST(r.body == "too many requests\n");
    // A request whose client is gone is still under way.
    b.reset();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 2; }));
    c.send(get_root);
    BOOST_TEST(c.receive().status == 503U);
    BOOST_TEST(f.run([&] { return f.of_thread().request_count(); }) == 2U);
    f.answer_kept(1);
    c.send(get_root);
    BOOST_TEST(c.receive().status == 200U);
    f.answer_kept(0);
    BOOST_TEST(a.receive().body == "GET /wait 11 []");
    BOOST_TEST(a.receive().status == 200U);
    BOOST_TEST(f.run([&] { return f.of_thread().request_count(); }) == 0U);
}

// ---- The end ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(drain_of_an_idle_server_is_immediate) {
    fixture f(patient());
    client idle = f.connect();
    idle.send(get_root);
    BOOST_TEST(idle.receive().status == 200U);
    const auto begin = std::chrono::steady_clock::now();
    const drainer d(f, 10s);
    BOOST_TEST(d.is_done());
    BOOST_TEST(idle.is_closed());
    BOOST_TEST(elapsed(begin) < 1s);
    BOOST_CHECK_THROW(static_cast<void>(f.connect()), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(drain_finishes_what_has_begun) {
    fixture f(patient());
    client waiting = f.connect();
    waiting.send(get_wait + get_wait);
    client uploading = f.connect();
    uploading.send("PUT /u HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    BOOST_TEST_REQUIRE(f.keeps(2));
    const drainer d(f, 10s);
    std::this_thread::sleep_for(30ms);
    BOOST_TEST(d.calls.load() == 0);

    uploading.send("llo");
    const seen r = uploading.receive();
    BOOST_TEST(r.body == "PUT /u 11 [hello]");
    BOOST_TEST(r.closes());
    uploading.finish_sending();
    BOOST_TEST(uploading.is_closed());

    f.answer_kept(0);
    BOOST_TEST(!waiting.receive().closes());
    f.answer_kept(0);
    BOOST_TEST(waiting.receive().closes());
    BOOST_TEST(d.calls.load() == 0); // The client may still be about to send.
    waiting.finish_sending();
    BOOST_TEST(waiting.is_closed());
    BOOST_TEST(d.is_done());
    BOOST_TEST(f.connection_count() == 0U);
    BOOST_TEST(d.calls.load() == 1);
}

BOOST_AUTO_TEST_CASE(drain_waits_for_a_request_that_arrives_in_part) {
    fixture f(patient());
    client c = f.connect();
    client d = f.connect();
    c.send(get_wait + "PUT /u HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    d.send(get_wait + get_root.substr(0, 10));
    BOOST_TEST_REQUIRE(f.keeps(2));
    const drainer all(f, 10s);
    f.answer_kept(0);
    f.answer_kept(0);
    BOOST_TEST(!c.receive().closes());
    BOOST_TEST(!d.receive().closes());
    c.send("y");
    d.send(get_root.substr(10));
    const seen r = c.receive();
    BOOST_TEST(r.body == "PUT /u 11 [xy]");
    BOOST_TEST(r.closes());
    BOOST_TEST(d.receive().closes());
    c.finish_sending();
    d.finish_sending();
    BOOST_TEST(all.is_done());
}

BOOST_AUTO_TEST_CASE(drain_begins_no_request) {
    server_options o = patient();
    o.pipeline_max = 1;
    fixture f(o);
    client c = f.connect();
    c.send(get_wait + get_wait);
    BOOST_TEST_REQUIRE(f.keeps(1));
    const drainer d(f, 10s);
    f.answer_kept(0);
    BOOST_TEST(c.receive().closes());
    c.finish_sending();
    BOOST_TEST(c.is_closed());
    BOOST_TEST(d.is_done());
    BOOST_TEST(f.kept_count() == 0U);
}

BOOST_AUTO_TEST_CASE(drain_ends_at_its_limit) {
    fixture f(patient());
    client c = f.connect();
    c.send(get_wait);
    BOOST_TEST_REQUIRE(f.keeps(1));
    const auto begin = std::chrono::steady_clock::now();
    const drainer d(f, 200ms);
    BOOST_TEST(d.is_done());
    BOOST_TEST(elapsed(begin) >= 200ms);
    BOOST_TEST(c.is_closed());
    f.answer_kept(0); // To no effect.
    BOOST_TEST(d.calls.load() == 1);
}

BOOST_AUTO_TEST_CASE(drain_waits_little_for_unfinished_requests_and_unread_answers) {
    server_options o = patient();
    o.drain_grace = 200ms;
    const auto body = shared_bytes::copy_of(std::string(16 << 20, 'x'));
    std::deque<exchange> waiting;
    fixture f(o, [&](exchange x) {
        if (x.request().target == "/wait") {
            waiting.push_back(std::move(x));
        } else {
            x.respond({.body = body});
        }
    });
    client head = f.connect();
    head.send(get_root.substr(0, 10));
    client upload = f.connect();
    upload.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    client unread(f.port(), 4096);
    unread.send(get_root);
    client asking = f.connect();
    asking.send(get_wait);
    BOOST_TEST(f.eventually(
        [&] { return f.connection_count() == 4 && f.run([&] { return waiting.size() == 1; }); }));
    const drainer d(f, 30s);
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 1; }));
    BOOST_TEST(head.is_closed());
    BOOST_TEST(upload.is_closed());
    std::this_thread::sleep_for(400ms); // A request that waits for its answer has its time.
    f.run([&] {
        waiting.front().respond({});
        waiting.clear();
    });
    BOOST_TEST(asking.receive().status == 200U);
    BOOST_TEST(d.is_done());
}

BOOST_AUTO_TEST_CASE(stop_ends_everything_and_a_drain) {
    fixture f(patient());
    client c = f.connect();
    c.send(get_wait);
    BOOST_TEST_REQUIRE(f.keeps(1));
    const drainer d(f, 30s);
    f.run([&] { f.of_thread().stop(); });
    BOOST_TEST(d.is_done());
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(a_handler_may_stop_its_server) {
    std::function<void()> stop;
    fixture f({}, [&](exchange x) {
        stop();
        x.respond({});
    });
    stop = [&] { f.of_thread().stop(); };
    client c = f.connect();
    c.send(get_root + get_root);
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(stop_accepting_keeps_what_is_open) {
    fixture f;
    client c = f.connect();
    c.send(get_root);
    BOOST_TEST(c.receive().status == 200U);
    f.run([&] { f.of_thread().stop_accepting(); });
    BOOST_CHECK_THROW(static_cast<void>(f.connect()), std::runtime_error);
    c.send(get_root);
    BOOST_TEST(c.receive().status == 200U);
}

BOOST_AUTO_TEST_SUITE_END()
