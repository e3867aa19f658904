#include <quorate/http/response_stream.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>

#include "support.hpp"

using namespace quorate;
using namespace quorate::http;
using namespace quorate::http::test;

namespace {

std::string ask(const std::string& target, const std::string& fields = {},
                const std::string& method = "GET") {
    return method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

/// A server whose streams are kept by target, and where what happened to them is noted.
/// "/later..." is kept as an exchange; "/now" is answered at once; others become streams.
struct streaming : fixture {
    struct kept_stream {
        response_stream stream;
        int closed = 0;
        int room = 0;
        bool was_open = false; ///< When on_closed was called.
    };

    explicit streaming(server_options options = patient())
        : fixture(options, [this](exchange x) { take(std::move(x)); }) {}
    ~streaming() {
        run([this] { streams.clear(); });
    }

    void take(exchange x) {
        if (x.request().target == "/now") {
            return x.respond(describe(x.request()));
        }
        if (x.request().target.starts_with("/later")) {
            kept.push_back(std::move(x));
            return;
        }
        begin(std::move(x));
    }
    void begin(exchange x) {
        const std::string name(x.request().target);
        kept_stream& k = streams[name];
        k.stream = x.stream({.content_type = "a/b"});
        k.stream.on_closed([&k] {
            ++k.closed;
            k.was_open = k.stream.is_open();
            k.stream.write("last words");
        });
        k.stream.on_room([&k] { ++k.room; });
    }
    void begin_kept() {
        run([this] {
            exchange x = std::move(kept.front());
            kept.pop_front();
            begin(std::move(x));
        });
    }
    template <class Action>
    auto with(const std::string& name, Action action) {
        return run([&] { return action(streams.at(name)); });
    }
    void write(const std::string& name, const std::string& text) {
        with(name, [&](kept_stream& k) { k.stream.write(text); });
    }
    void end(const std::string& name) {
        with(name, [](kept_stream& k) { k.stream.end(); });
    }
    bool has(const std::string& name) {
        return eventually([&] { return run([&] { return streams.count(name) == 1; }); });
    }
    int closed(const std::string& name) {
        return with(name, [](kept_stream& k) { return k.closed; });
    }
    bool closes(const std::string& name) {
        return eventually([&] { return closed(name) == 1; }) &&
               !with(name, [](kept_stream& k) { return k.stream.is_open(); });
    }
    std::size_t stream_count() {
        return run([this] { return of_thread().stream_count(); });
    }

    std::map<std::string, kept_stream> streams; ///< Touched on the server's thread only.
};

} // namespace

BOOST_AUTO_TEST_SUITE(response_streams)

BOOST_AUTO_TEST_CASE(pieces_become_chunks) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a"));
    const seen head = c.receive();
    BOOST_TEST(head.status == 200U);
    BOOST_TEST(head.field("transfer-encoding") == "chunked");
    BOOST_TEST(head.field("content-length").empty());
    BOOST_TEST(head.field("content-type") == "a/b");
    BOOST_TEST(c.is_silent(20ms));
    BOOST_TEST(f.stream_count() == 1U);
    f.write("/a", "one");
    BOOST_TEST(c.chunk() == "one");
    f.write("/a", ""); // Would be the last chunk.
    f.with("/a", [](auto& k) { k.stream.write(shared_bytes()); });
    BOOST_TEST(c.is_silent(20ms));
    const std::string large(5000, 'x');
    f.with("/a", [&](auto& k) {
        k.stream.write("two");
        k.stream.write(shared_bytes::copy_of(large));
        k.stream.write(shared_bytes::copy_of("three"));
    });
    BOOST_TEST(c.chunk() == "two");
    BOOST_TEST(c.chunk() == large);
    BOOST_TEST(c.chunk() == "three");
    f.end("/a");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(f.stream_count() == 0U);
    BOOST_TEST(f.closed("/a") == 0);
    f.write("/a", "never sent");
    c.send(ask("/now")); // The connection goes on.
    BOOST_TEST(c.receive().body == "GET /now 11 []");
}

BOOST_AUTO_TEST_CASE(the_body_of_the_head_is_the_first_piece) {
    fixture f({}, [](exchange x) {
        response_stream s = x.stream({.body = shared_bytes::copy_of("first")});
        s.write("second");
        s.end();
    });
    client c = f.connect();
    c.send(ask("/"));
    BOOST_TEST(c.receive(false).status == 200U);
    BOOST_TEST(c.chunk() == "first");
    BOOST_TEST(c.chunk() == "second");
    BOOST_TEST(c.chunk().empty());
}

BOOST_AUTO_TEST_CASE(the_end_of_the_connection_ends_the_body_for_1_0) {
    streaming f;
    client c = f.connect();
    c.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const seen head = c.receive();
    BOOST_TEST(head.closes());
    BOOST_TEST(head.field("transfer-encoding").empty());
    f.write("/a", "one");
    f.with("/a", [](auto& k) { k.stream.write(shared_bytes::copy_of("two")); });
    BOOST_TEST(c.bytes(6) == "onetwo");
    f.end("/a");
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(connection_close_is_kept) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a", "Connection: close\r\n"));
    BOOST_TEST(c.receive().closes());
    f.write("/a", "one");
    f.end("/a");
    BOOST_TEST(c.chunk() == "one");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(head_requests_get_the_head_alone) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a", {}, "HEAD") + ask("/now"));
    BOOST_TEST(c.receive(false).field("transfer-encoding") == "chunked");
    BOOST_TEST(c.receive().body == "GET /now 11 []");
    BOOST_TEST(f.closes("/a"));
    BOOST_TEST(!f.with("/a", [](auto& k) { return k.was_open; }));
}

BOOST_AUTO_TEST_CASE(heads_that_cannot_be_sent_become_500) {
    int open = 0;
    fixture f({}, [&](exchange x) {
        response_stream s = x.stream({.fields = {{"Location", "a\r\nb: c"}}});
        open += s.is_open() ? 1 : 0;
        s.write("x");
    });
    client c = f.connect();
    c.send(ask("/") + ask("/"));
    BOOST_TEST(c.receive().status == 500U);
    BOOST_TEST(c.receive().status == 500U);
    BOOST_TEST(f.run([&] { return open; }) == 0);
}

BOOST_AUTO_TEST_CASE(requests_wait_for_the_end_of_a_stream) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a", {}, "POST") + ask("/now") + ask("/b"));
    BOOST_TEST(c.receive().status == 200U);
    f.write("/a", "x");
    BOOST_TEST(c.chunk() == "x");
    c.send(ask("/now"));
    BOOST_TEST(c.is_silent(30ms));
    f.end("/a");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(c.receive().body == "GET /now 11 []");
    BOOST_TEST(c.receive().field("transfer-encoding") == "chunked");
    BOOST_TEST(c.is_silent(30ms));
    f.end("/b");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(c.receive().body == "GET /now 11 []");
}

BOOST_AUTO_TEST_CASE(requests_begun_before_a_stream_wait_too) {
    streaming f;
    client c = f.connect();
    c.send(ask("/later") + "GET /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
    BOOST_TEST_REQUIRE(f.keeps(1));
    f.begin_kept();
    BOOST_TEST(c.receive().status == 200U);
    c.send("c");
    f.write("/later", "x");
    BOOST_TEST(c.chunk() == "x");
    BOOST_TEST(c.is_silent(30ms));
    f.end("/later");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(c.receive().body == "GET /now 11 [abc]");
}

BOOST_AUTO_TEST_CASE(streams_wait_for_their_turn) {
    streaming f;
    client c = f.connect();
    c.send(ask("/later") + ask("/a"));
    BOOST_TEST_REQUIRE(f.has("/a"));
    f.write("/a", "one");
    f.with("/a", [](auto& k) { k.stream.write(shared_bytes::copy_of("two")); });
    BOOST_TEST(f.with("/a", [](auto& k) { return k.stream.waiting_bytes(); }) == 6U);
    BOOST_TEST(c.is_silent(20ms));
    f.answer_kept(0);
    BOOST_TEST(c.receive().body == "GET /later 11 []");
    BOOST_TEST(c.receive(false).field("transfer-encoding") == "chunked");
    BOOST_TEST(c.chunk() == "one");
    BOOST_TEST(c.chunk() == "two");

    c.send(ask("/now"));
    f.end("/a");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(c.receive().status == 200U);
    c.send(ask("/later") + ask("/b"));
    BOOST_TEST_REQUIRE(f.has("/b"));
    f.write("/b", "whole");
    f.end("/b"); // Before its head was sent.
    f.answer_kept(0);
    BOOST_TEST(c.receive().status == 200U);
    BOOST_TEST(c.receive(false).status == 200U);
    BOOST_TEST(c.chunk() == "whole");
    BOOST_TEST(c.chunk().empty());
}

BOOST_AUTO_TEST_CASE(streams_behind_the_last_response_end) {
    streaming f;
    client c = f.connect();
    c.send(ask("/later") + ask("/a"));
    BOOST_TEST_REQUIRE(f.has("/a"));
    f.run([&] {
        exchange x = std::move(f.kept.front());
        f.kept.pop_front();
        x.respond({.close = true});
    });
    BOOST_TEST(c.receive().closes());
    BOOST_TEST(f.closes("/a"));
    BOOST_TEST(f.stream_count() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_dropped_does_not_look_whole) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a"));
    BOOST_TEST(c.receive().status == 200U);
    f.write("/a", "part");
    BOOST_TEST(c.chunk() == "part");
    f.run([&] { f.streams.erase("/a"); });
    BOOST_TEST(c.is_closed()); // Without the last chunk.

    client old = f.connect();
    old.send("GET /b HTTP/1.0\r\n\r\n");
    BOOST_TEST(old.receive().status == 200U);
    f.run([&] { f.streams.erase("/b"); });
    BOOST_TEST(old.is_reset());

    client early = f.connect();
    early.send(ask("/later") + ask("/c"));
    BOOST_TEST_REQUIRE(f.has("/c"));
    f.write("/c", "part");
    f.run([&] { f.streams.erase("/c"); });
    f.answer_kept(0);
    BOOST_TEST(early.receive().status == 200U);
    BOOST_TEST(early.receive().status == 500U);
}

// ---- Clients that leave -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_client_that_leaves_is_noticed) {
    streaming f;
    for (const char* fields : {"", "Connection: close\r\n"}) {
        for (const bool resets : {false, true}) {
            f.run([&] { f.streams.clear(); });
            {
                client c = f.connect();
                c.send(ask("/a", fields));
                BOOST_TEST(c.receive().status == 200U);
                BOOST_TEST(f.closed("/a") == 0);
                if (resets) {
                    c.reset();
                }
            }
            BOOST_TEST(f.closes("/a"));
            BOOST_TEST(f.stream_count() == 0U);
            BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
        }
    }
    client old = f.connect();
    old.send("GET /old HTTP/1.0\r\n\r\n");
    BOOST_TEST(old.receive().status == 200U);
    old.reset();
    BOOST_TEST(f.closes("/old"));
}

BOOST_AUTO_TEST_CASE(a_client_that_stops_sending_hears_last_words) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a"));
    BOOST_TEST(c.receive().status == 200U);
    c.finish_sending();
    BOOST_TEST(c.chunk() == "last words");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(c.is_closed());
    BOOST_TEST(f.closes("/a"));
    BOOST_TEST(f.with("/a", [](auto& k) { return k.was_open; }));
    // The same when it stopped before the stream began.
    client early = f.connect();
    early.send(ask("/later"));
    early.finish_sending();
    BOOST_TEST_REQUIRE(f.keeps(1));
    std::this_thread::sleep_for(20ms);
    f.begin_kept();
    BOOST_TEST(early.receive().status == 200U);
    BOOST_TEST(early.chunk() == "last words");
    BOOST_TEST(early.chunk().empty());
    BOOST_TEST(early.is_closed());
}

BOOST_AUTO_TEST_CASE(a_stream_on_a_dead_connection_tells) {
    streaming f;
    client c = f.connect();
    c.send(ask("/later"));
    BOOST_TEST_REQUIRE(f.keeps(1));
    c.reset();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    f.begin_kept();
    BOOST_TEST(f.closes("/later"));
    BOOST_TEST(f.stream_count() == 0U);
    BOOST_TEST(f.run([&] { return f.of_thread().request_count(); }) == 0U);
}

BOOST_AUTO_TEST_CASE(pipelined_rubbish_does_not_hide_the_stream) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a", "Connection: close\r\n") + std::string(20000, 'x'));
    BOOST_TEST(c.receive().status == 200U);
    for (int i = 0; i < 50; ++i) {
        BOOST_TEST(c.send(std::string(100000, 'y'))); // Dropped, not kept.
    }
    f.write("/a", "x");
    BOOST_TEST(c.chunk() == "x");
    BOOST_TEST(f.closed("/a") == 0);
    c.reset();
    BOOST_TEST(f.closes("/a"));

    client d = f.connect();
    d.send(ask("/d") + "BAD\r\n\r\n");
    BOOST_TEST(d.receive().status == 200U);
    f.write("/d", "x");
    BOOST_TEST(d.chunk() == "x");
    f.end("/d");
    BOOST_TEST(d.chunk().empty());
    BOOST_TEST(d.receive().status == 400U);
}

BOOST_AUTO_TEST_CASE(a_stream_is_never_idle) {
    server_options o = patient();
    o.idle_timeout = o.head_timeout = o.body_timeout = o.write_timeout = 100ms;
    streaming f(o);
    client c = f.connect();
    c.send(ask("/a"));
    BOOST_TEST(c.receive().status == 200U);
    BOOST_TEST(c.is_silent(500ms));
    f.write("/a", "x");
    BOOST_TEST(c.chunk() == "x");
    f.end("/a");
    BOOST_TEST(c.chunk().empty());
    BOOST_TEST(c.is_closed()); // Now it is.
}

BOOST_AUTO_TEST_CASE(a_client_that_takes_nothing_is_closed) {
    server_options o = patient();
    o.write_timeout = 200ms;
    streaming f(o);
    client c(f.port(), 4096);
    c.send(ask("/a"));
    BOOST_TEST_REQUIRE(f.has("/a"));
    f.write("/a", std::string(16 << 20, 'x'));
    BOOST_TEST(f.closes("/a"));
    BOOST_TEST(!f.with("/a", [](auto& k) { return k.was_open; }));
    BOOST_TEST(f.connection_count() == 0U);
}

BOOST_AUTO_TEST_CASE(room_is_told_each_time) {
    server_options o = patient();
    o.stream_room = 1000;
    streaming f(o);
    client c(f.port(), 4096);
    c.send(ask("/a"));
    BOOST_TEST(c.receive().status == 200U);
    f.write("/a", "small");
    BOOST_TEST(c.chunk() == "small");
    const std::string large(16 << 20, 'x');
    for (int i = 1; i <= 2; ++i) {
        f.write("/a", large);
        BOOST_TEST(f.with("/a", [](auto& k) { return k.stream.waiting_bytes(); }) > 1000U);
        BOOST_TEST(f.with("/a", [](auto& k) { return k.room; }) == i - 1);
        BOOST_TEST((c.chunk() == large));
        BOOST_TEST(f.eventually([&] { return f.with("/a", [](auto& k) { return k.room; }) == i; }));
        BOOST_TEST(f.with("/a", [](auto& k) { return k.stream.waiting_bytes(); }) == 0U);
    }
    BOOST_TEST(f.with("/a", [](auto& k) { return k.room; }) == 2);
}

BOOST_AUTO_TEST_CASE(functions_may_drop_their_stream) {
    server_options o = patient();
    o.stream_room = 0;
    std::optional<response_stream> stream;
    int calls = 0;
    fixture f(o, [&](exchange x) {
        stream.emplace(x.stream({}));
        stream->on_room([&] {
            ++calls;
            stream.reset();
        });
        stream->on_closed([&] {
            ++calls;
            stream.reset();
        });
    });
    client c = f.connect();
    c.send(ask("/"));
    BOOST_TEST(c.receive().status == 200U);
    f.run([&] { stream->write("x"); });
    BOOST_TEST(c.chunk() == "x");
    BOOST_TEST(c.is_closed());
    BOOST_TEST(f.run([&] { return calls; }) == 1);
    client d = f.connect();
    d.send(ask("/"));
    BOOST_TEST(d.receive().status == 200U);
    d.finish_sending();
    BOOST_TEST(d.is_closed());
    BOOST_TEST(f.run([&] { return calls; }) == 2);
}

// ---- Bounds and the end -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(streams_beyond_the_limit_get_503) {
    server_options o = patient();
    o.streams_max = 2;
    o.requests_max = 1; // An open stream is no request under way.
    streaming f(o);
    client a = f.connect();
    client b = f.connect();
    client c = f.connect();
    a.send(ask("/a"));
    BOOST_TEST(a.receive().status == 200U);
    b.send(ask("/b"));
    BOOST_TEST(b.receive().status == 200U);
    c.send(ask("/c"));
    const seen r = c.receive();
    BOOST_TEST(r.status == 503U);
    BOOST_TEST(r.body == "too many streams\n");
    BOOST_TEST(r.field("retry-after") == "1");
    BOOST_TEST(f.closes("/c"));
    f.end("/a");
    BOOST_TEST(a.chunk().empty());
    c.send(ask("/d"));
    BOOST_TEST(c.receive().status == 200U);
    b.reset();
    BOOST_TEST(f.closes("/b"));
    a.send(ask("/e"));
    BOOST_TEST(a.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(drain_tells_streams) {
    streaming f;
    client a = f.connect();
    client b = f.connect();
    a.send(ask("/a"));
    b.send(ask("/later"));
    BOOST_TEST(a.receive().status == 200U);
    BOOST_TEST_REQUIRE(f.keeps(1));
    std::atomic<int> drained{0};
    f.run([&] { f.of_thread().drain(10s, [&] { ++drained; }); });
    BOOST_TEST(a.chunk() == "last words");
    BOOST_TEST(a.chunk().empty());
    a.finish_sending();
    BOOST_TEST(a.is_closed());
    BOOST_TEST(f.closes("/a"));
    f.begin_kept(); // One that begins now ends at once.
    BOOST_TEST(b.receive().closes());
    BOOST_TEST(b.chunk() == "last words");
    BOOST_TEST(b.chunk().empty());
    b.finish_sending();
    BOOST_TEST(b.is_closed());
    BOOST_TEST(f.eventually([&] { return drained.load() == 1; }));
}

BOOST_AUTO_TEST_CASE(drain_cuts_a_stream_that_asked_for_no_warning) {
    std::optional<response_stream> stream;
    fixture f({}, [&](exchange x) { stream.emplace(x.stream({})); });
    client c = f.connect();
    c.send(ask("/"));
    BOOST_TEST(c.receive().status == 200U);
    f.run([&] {
        stream->write("part");
        f.of_thread().drain(10s, [] {});
    });
    BOOST_TEST(c.chunk() == "part");
    BOOST_TEST(c.is_closed());
    f.run([&] { stream.reset(); });
}

BOOST_AUTO_TEST_CASE(stop_ends_streams) {
    streaming f;
    client c = f.connect();
    c.send(ask("/a"));
    BOOST_TEST(c.receive().status == 200U);
    f.run([&] { f.of_thread().stop(); });
    BOOST_TEST(c.is_closed());
    BOOST_TEST(f.closes("/a"));
    BOOST_TEST(!f.with("/a", [](auto& k) { return k.was_open; }));
    f.write("/a", "x");
}

BOOST_AUTO_TEST_CASE(functions_are_not_called_once_the_handle_is_gone) {
    boost::asio::io_context io;
    std::optional<response_stream> stream;
    bool called = false;
    {
        server s(io, {}, [&](exchange x) {
            stream.emplace(x.stream({}));
            stream->on_closed([&] { called = true; });
        });
        BOOST_TEST_REQUIRE(!s.start());
        client c(s.port());
        c.send(ask("/"));
        while (!stream) {
            io.run_one();
        }
        s.stop();
        BOOST_TEST(!stream->is_open());
        BOOST_TEST(!called); // Only from the io_context.
        stream.reset();
        io.run();
    }
    BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(the_peer_has_an_address) {
    std::string address;
    bool is_plain = false;
    fixture f({}, [&](exchange x) {
        address = x.peer().address;
        is_plain = x.peer().common_name.empty() && !x.peer().is_secure;
        x.respond({});
    });
    client c = f.connect();
    c.send(ask("/"));
    BOOST_TEST(c.receive().status == 200U);
    BOOST_TEST(f.run([&] { return address; }).starts_with("127.0.0.1:"));
    BOOST_TEST(f.run([&] { return is_plain; }));
}

BOOST_AUTO_TEST_SUITE_END()
