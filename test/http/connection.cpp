#include <quorate/http/connection.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

#include "support.hpp"

using namespace quorate;
using namespace quorate::http;
using namespace quorate::http::test;

namespace {

std::string get(const std::string& target, const std::string& fields = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string put(const std::string& target, const std::string& body) {
    return "PUT " + target +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// Sends and expects a refusal: its status, Connection: close, a short text, then the end.
void check_refused(fixture& f, const std::string& bytes, unsigned status) {
    client c = f.connect();
    c.send(bytes);
    const seen r = c.receive();
    BOOST_TEST(r.status == status, bytes.substr(0, 60));
    BOOST_TEST(r.closes());
    BOOST_TEST(r.field("content-type") == "text/plain; charset=utf-8");
    BOOST_TEST(r.body.ends_with("\n"));
    c.finish_sending();
    BOOST_TEST(c.is_closed());
}

} // namespace

BOOST_AUTO_TEST_SUITE(connections)

BOOST_AUTO_TEST_CASE(keeps_alive) {
    fixture f;
    client c = f.connect();
    for (int i = 0; i < 3; ++i) {
        c.send(put("/k?a=%20//", "value"));
        const seen r = c.receive();
        BOOST_TEST(r.status == 200U);
        BOOST_TEST(r.body == "PUT /k?a=%20// 11 [value]");
        BOOST_TEST(r.field("server") == "quorate");
        BOOST_TEST(r.field("connection").empty());
        BOOST_TEST(r.head.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    BOOST_TEST(f.connection_count() == 1U);
}

BOOST_AUTO_TEST_CASE(bytes_are_counted) {
    fixture f;
    std::size_t received = 0;
    std::size_t sent = 0;
    for (int i = 0; i < 2; ++i) {
        client c = f.connect();
        const std::string asked = put("/k", std::string(100'000, 'x'));
        c.send(asked);
        received += asked.size();
        const seen r = c.receive();
        sent += r.head.size() + r.body.size();
        BOOST_TEST(f.run([&] { return f.of_thread().bytes_received(); }) == received);
        BOOST_TEST(f.eventually(
            [&] { return f.run([&] { return f.of_thread().bytes_sent(); }) == sent; }));
    }
}

BOOST_AUTO_TEST_CASE(closes_when_asked) {
    fixture f;
    client c = f.connect();
    c.send(get("/", "Connection: close\r\n"));
    BOOST_TEST(c.receive().closes());
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(speaks_http_1_0) {
    fixture f;
    client once = f.connect();
    once.send("GET / HTTP/1.0\r\n\r\n");
    const seen r = once.receive();
    BOOST_TEST(r.body == "GET / 10 []");
    BOOST_TEST(r.closes());
    BOOST_TEST(once.is_closed());

    client keeps = f.connect();
    for (int i = 0; i < 2; ++i) {
        keeps.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        BOOST_TEST(keeps.receive().field("connection") == "keep-alive");
    }
}

BOOST_AUTO_TEST_CASE(head_is_answered_without_a_body) {
    fixture f;
    client c = f.connect();
    c.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + get("/y"));
    const seen r = c.receive(false);
    BOOST_TEST(r.field("content-length") == "13");
    BOOST_TEST(c.receive().body == "GET /y 11 []");
}

BOOST_AUTO_TEST_CASE(no_content_has_no_length_and_no_body) {
    fixture f({}, [](exchange x) {
        x.respond({.status = 204, .body = shared_bytes::copy_of("never sent")});
    });
    client c = f.connect();
    c.send(get("/") + get("/"));
    for (int i = 0; i < 2; ++i) {
        const seen r = c.receive();
        BOOST_TEST(r.status == 204U);
        BOOST_TEST(r.field("content-length").empty());
    }
    BOOST_TEST(c.is_silent(20ms));
}

BOOST_AUTO_TEST_CASE(unknown_methods_and_raw_targets_reach_the_handler) {
    fixture f;
    client c = f.connect();
    const std::string target = "/*?\"<>#|\\^`{}%zz\x80\xff//..";
    c.send("BREW " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(c.receive().body == "BREW " + target + " 11 []");
}

BOOST_AUTO_TEST_CASE(absolute_target_is_served_as_its_path_and_host) {
    fixture f({}, [](exchange x) {
        const std::string host(x.request().field("Host").value_or("none"));
        x.respond({.body = shared_bytes::copy_of(std::string(x.request().target) + " " + host)});
    });
    client c = f.connect();
    c.send("GET http://b:1/c?d HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(c.receive().body == "/c?d b:1");
    c.send("GET http://b?d HTTP/1.1\r\nhost: a\r\n\r\n");
    BOOST_TEST(c.receive().body == "/?d b");
    c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(c.receive().body == "/ a");
}

BOOST_AUTO_TEST_CASE(request_in_the_body_of_a_malformed_target_is_never_read) {
    int served = 0;
    fixture f({}, [&](exchange x) {
        ++served;
        x.respond({});
    });
    const std::string inner = "PUT /hidden HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    for (const char* target : {"v3/kv/put", "a:80", "*", "?", "http:/a", "http://", "http:///a",
                               "ftp://a/b", "http://u@a/b"}) {
        client c = f.connect();
        c.send(std::string("POST ") + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: " +
               std::to_string(inner.size()) + "\r\n\r\n" + inner);
        const seen r = c.receive();
        BOOST_TEST(r.status == 400U, target);
        BOOST_TEST(r.closes());
        c.finish_sending();
        BOOST_TEST(c.is_closed());
    }
    BOOST_TEST(served == 0);
}

BOOST_AUTO_TEST_CASE(responses_have_a_date) {
    fixture f;
    client c = f.connect();
    c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string date = c.receive().field("date");
    BOOST_TEST(date.size() == 29U);
    BOOST_TEST(date.ends_with(" GMT"));
}

BOOST_AUTO_TEST_CASE(own_refusals_have_the_form_that_is_asked_for) {
    server_options o = patient();
    o.body_bytes_max = 4;
    o.refusal = [](const request& asked, unsigned status, std::string_view) {
        return response{.status = status,
                        .content_type = "application/json",
                        .body = shared_bytes::copy_of("\"" + std::string(asked.target) + "\"")};
    };
    fixture f(o);
    for (const char* framing :
         {"Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\n"}) {
        client c = f.connect();
        c.send(std::string("PUT /v3/a HTTP/1.1\r\nHost: a\r\n") + framing + "hello");
        const seen r = c.receive();
        BOOST_TEST(r.status == 413U);
        BOOST_TEST(r.body == "\"/v3/a\"");
        BOOST_TEST(r.closes());
    }
}

BOOST_AUTO_TEST_CASE(bytes_may_arrive_one_by_one) {
    fixture f;
    client c = f.connect();
    c.send_one_by_one("\r\n" + put("/k", "v") + get("/g") +
                      "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n0\r\n\r\n"
                      "PUT /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    BOOST_TEST(c.receive().body == "PUT /k 11 [v]");
    BOOST_TEST(c.receive().body == "GET /g 11 []");
    BOOST_TEST(c.receive().body == "PUT /c 11 [abc]");
    BOOST_TEST(c.receive().body == "PUT /e 11 []");
}

BOOST_AUTO_TEST_CASE(one_empty_line_is_forgiven) {
    fixture f;
    client c = f.connect();
    c.send("\r\n" + get("/a") + "\r\n" + get("/b"));
    BOOST_TEST(c.receive().body == "GET /a 11 []");
    BOOST_TEST(c.receive().body == "GET /b 11 []");
    check_refused(f, "\r\n\r\n" + get("/"), 400);
    check_refused(f, "\rX", 400);
}

// ---- Pipelining ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
    fixture f;
    client c = f.connect();
    c.send(get("/wait1") + get("/wait2") + get("/three") + get("/wait4") + get("/five"));
    BOOST_TEST_REQUIRE(f.keeps(3));
    BOOST_TEST(c.is_silent(20ms));
    f.answer_kept(2);
    f.answer_kept(1);
    BOOST_TEST(c.is_silent(20ms));
    f.answer_kept(0);
    for (const char* expected : {"GET /wait1 11 []", "GET /wait2 11 []", "GET /three 11 []",
                                 "GET /wait4 11 []", "GET /five 11 []"}) {
        BOOST_TEST(c.receive().body == expected);
    }
}

// RFC 9112 §9.3.2: only requests that change nothing may be under way together.
BOOST_AUTO_TEST_CASE(pipelined_changes_neither_overtake_nor_are_overtaken) {
    fixture f;
    client c = f.connect();
    c.send(get("/wait1") + get("/wait2") + put("/wait3", "3") + get("/wait4") + get("/wait5"));
    BOOST_TEST_REQUIRE(f.keeps(2));
    std::this_thread::sleep_for(20ms);
    BOOST_TEST(f.kept_count() == 2U); // the PUT waits for both
    f.answer_kept(1);
    f.answer_kept(0);
    BOOST_TEST_REQUIRE(f.keeps(1));
    std::this_thread::sleep_for(20ms);
    BOOST_TEST(f.kept_count() == 1U); // what follows waits for the PUT
    f.answer_kept(0);
    BOOST_TEST_REQUIRE(f.keeps(2));
    f.answer_kept(0);
    f.answer_kept(0);
    for (const char* expected : {"GET /wait1 11 []", "GET /wait2 11 []", "PUT /wait3 11 [3]",
                                 "GET /wait4 11 []", "GET /wait5 11 []"}) {
        BOOST_TEST(c.receive().body == expected);
    }
}

BOOST_AUTO_TEST_CASE(many_pipelined_requests) {
    fixture f;
    client c = f.connect();
    std::string all;
    for (int i = 0; i < 2000; ++i) {
        const std::string number = std::to_string(i);
        std::string target("/");
        std::string value("value ");
        all += put(target += number, value += number);
    }
    c.send(all);
    for (int i = 0; i < 2000; ++i) {
        const std::string number = std::to_string(i);
        BOOST_TEST(c.receive().body == "PUT /" + number + " 11 [value " + number + "]");
    }
}

BOOST_AUTO_TEST_CASE(unanswered_requests_are_bounded) {
    fixture f({.pipeline_max = 3});
    client c = f.connect();
    std::string all;
    for (int i = 0; i < 8; ++i) {
        all += get("/wait" + std::to_string(i));
    }
    c.send(all);
    BOOST_TEST_REQUIRE(f.keeps(3));
    std::this_thread::sleep_for(30ms);
    BOOST_TEST(f.kept_count() == 3U);
    for (int i = 0; i < 8; ++i) {
        BOOST_TEST_REQUIRE(f.eventually([&] { return f.kept_count() > 0; }));
        f.answer_kept(0);
        BOOST_TEST(c.receive().body == "GET /wait" + std::to_string(i) + " 11 []");
    }
}

BOOST_AUTO_TEST_CASE(unanswered_bytes_are_bounded) {
    fixture f;
    client c = f.connect();
    const std::string body(http::detail::backlog_bytes_max, 'x');
    c.send(put("/wait1", body));
    BOOST_TEST_REQUIRE(f.keeps(1)); // Its head takes it over the bound.
    c.send(get("/wait2"));
    std::this_thread::sleep_for(30ms);
    BOOST_TEST(f.kept_count() == 1U);
    f.answer_kept(0);
    BOOST_TEST_REQUIRE(f.keeps(1));
    f.answer_kept(0);
    BOOST_TEST(c.receive().body.size() > body.size());
    BOOST_TEST(c.receive().body == "GET /wait2 11 []");
}

BOOST_AUTO_TEST_CASE(refusals_wait_for_their_turn) {
    fixture f;
    client c = f.connect();
    c.send(get("/wait") + "BAD\r\n\r\n" + get("/never"));
    BOOST_TEST_REQUIRE(f.keeps(1));
    BOOST_TEST(c.is_silent(20ms));
    f.answer_kept(0);
    BOOST_TEST(c.receive().status == 200U);
    const seen r = c.receive();
    BOOST_TEST(r.status == 400U);
    BOOST_TEST(r.closes());
    c.finish_sending();
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(nothing_follows_a_response_that_closes) {
    std::deque<exchange> all;
    fixture f({}, [&](exchange x) { all.push_back(std::move(x)); });
    client c = f.connect();
    c.send(get("/1") + get("/2") + get("/3"));
    BOOST_TEST_REQUIRE(f.eventually([&] { return f.run([&] { return all.size(); }) == 3; }));
    f.run([&] {
        all[2].respond({.status = 203});
        all[0].respond({.status = 201});
        all[1].respond({.status = 202, .close = true});
    });
    BOOST_TEST(c.receive().status == 201U);
    const seen last = c.receive();
    BOOST_TEST(last.status == 202U);
    BOOST_TEST(last.closes());
    c.finish_sending();
    BOOST_TEST(c.is_closed());
}

// ---- Bodies -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(large_bodies_go_both_ways) {
    fixture f;
    client c = f.connect();
    std::string body(1500000, '\0');
    for (std::size_t i = 0; i < body.size(); ++i) {
        body[i] = static_cast<char>(i * 31 + i / 251);
    }
    for (int i = 0; i < 2; ++i) {
        c.send(put("/big", body));
        BOOST_TEST((c.receive().body == "PUT /big 11 [" + body + "]"));
    }
    c.send("PUT /big HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n16e360\r\n" + body +
           "\r\n0\r\n\r\n");
    BOOST_TEST((c.receive().body == "PUT /big 11 [" + body + "]"));
}

BOOST_AUTO_TEST_CASE(body_limit) {
    fixture f({.body_bytes_max = 1000});
    client c = f.connect();
    c.send(put("/", std::string(1000, 'x')));
    BOOST_TEST(c.receive().status == 200U);
    const std::string chunked =
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" +
        std::string(1000, 'x') + "\r\n";
    c.send(chunked + "0\r\n\r\n");
    BOOST_TEST(c.receive().status == 200U);
    check_refused(f, put("/", std::string(1001, 'x')), 413);
    check_refused(f, chunked + "1\r\nx\r\n0\r\n\r\n", 413);
}

BOOST_AUTO_TEST_CASE(a_refused_upload_can_read_why) {
    fixture f({.body_bytes_max = 1000});
    client c = f.connect();
    c.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    const std::string piece(100000, 'x');
    for (int i = 0; i < 100; ++i) {
        BOOST_TEST(c.send(piece)); // The client does not look before it has sent all.
    }
    BOOST_TEST(c.receive().status == 413U);
    c.finish_sending();
    BOOST_TEST(c.is_closed());
}

BOOST_AUTO_TEST_CASE(continues_when_the_head_is_accepted) {
    fixture f({.body_bytes_max = 1000});
    client c = f.connect();
    const std::string head = "PUT /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    c.send(head + "Content-Length: 5\r\n\r\n");
    BOOST_TEST(c.receive().head == "HTTP/1.1 100 Continue\r\n\r\n");
    c.send("hello");
    BOOST_TEST(c.receive().body == "PUT /k 11 [hello]");

    c.send(head + "Transfer-Encoding: chunked\r\n\r\n");
    BOOST_TEST(c.receive().status == 100U);
    c.send("1\r\nx\r\n0\r\n\r\n");
    BOOST_TEST(c.receive().body == "PUT /k 11 [x]");

    // A client that does not wait, and one without a body, get no interim response.
    c.send(head + "Content-Length: 5\r\n\r\nhello");
    BOOST_TEST(c.receive().status == 200U);
    c.send(head + "Content-Length: 0\r\n\r\n");
    BOOST_TEST(c.receive().status == 200U);

    check_refused(f, head + "Content-Length: 1001\r\n\r\n", 413);
    check_refused(f, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: else\r\n\r\n", 417);
}

BOOST_AUTO_TEST_CASE(continue_waits_for_its_turn) {
    fixture f;
    client c = f.connect();
    c.send(get("/wait") +
           "PUT /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    BOOST_TEST_REQUIRE(f.keeps(1));
    BOOST_TEST(c.is_silent(20ms));
    f.answer_kept(0);
    BOOST_TEST(c.receive().body == "GET /wait 11 []");
    BOOST_TEST(c.receive().status == 100U);
    c.send("x");
    BOOST_TEST(c.receive().body == "PUT /k 11 [x]");
}

// ---- Refusals -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(malformed_requests_are_refused_and_closed) {
    fixture f;
    const std::string line = "GET / HTTP/1.1\r\n";
    check_refused(f, line + "\r\n", 400);
    check_refused(f, line + "Host: a\r\nHost: a\r\n\r\n", 400);
    check_refused(f, line + "Host : a\r\n\r\n", 400);
    check_refused(f, line + "Host: a\r\nA: b\r\n c\r\n\r\n", 400);
    check_refused(f, line + "Host: a\n\n", 400);
    check_refused(f, "GET / HTTP/1.1\nHost: a\n\n", 400);
    check_refused(f, get("/", "Content-Length: 1\r\nContent-Length: 1\r\n") + "x", 400);
    check_refused(f, get("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400);
    check_refused(f, get("/", "Transfer-Encoding: gzip, chunked\r\n"), 501);
    check_refused(f, get("/", "Transfer-Encoding: chunked\r\n") + "zzzzz\r\n", 400);
    check_refused(f, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
    check_refused(f, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    check_refused(f, "\x16\x03\x01\x02", 400);
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
}

BOOST_AUTO_TEST_CASE(head_limit) {
    fixture f({.head_bytes_max = 1000});
    const auto head = [](std::size_t size) {
        const std::string rest = get("/", "A: \r\n");
        return get("/", "A: " + std::string(size - rest.size(), 'x') + "\r\n");
    };
    client c = f.connect();
    c.send(head(1000));
    BOOST_TEST(c.receive().status == 200U);
    check_refused(f, head(1001), 431);
    check_refused(f, "GET /" + std::string(2000, 'x'), 414);
}

BOOST_AUTO_TEST_CASE(default_head_limit_allows_large_fields) {
    fixture f;
    client c = f.connect();
    c.send(get("/", "A: " + std::string(60000, 'x') + "\r\n") + get("/b"));
    BOOST_TEST(c.receive().status == 200U);
    BOOST_TEST(c.receive().body == "GET /b 11 []");
    check_refused(f, get("/", "A: " + std::string(66000, 'x') + "\r\n"), 431);
}

BOOST_AUTO_TEST_CASE(field_count_limit) {
    fixture f({.fields_max = 3});
    client c = f.connect();
    c.send(get("/", "A: b\r\nA: b\r\n"));
    BOOST_TEST(c.receive().status == 200U);
    check_refused(f, get("/", "A: b\r\nA: b\r\nA: b\r\n"), 431);
}

// ---- Answers ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_dropped_exchange_answers_500) {
    fixture f({}, [](exchange) {});
    client c = f.connect();
    c.send(get("/") + get("/"));
    BOOST_TEST(c.receive().status == 500U);
    BOOST_TEST(c.receive().body == "Internal Server Error\n");
}

BOOST_AUTO_TEST_CASE(a_response_with_control_bytes_becomes_500) {
    fixture f({}, [](exchange x) {
        x.respond({.status = 307, .fields = {{"Location", "/a\r\nSet-Cookie: x"}}});
    });
    client c = f.connect();
    c.send(get("/"));
    const seen r = c.receive();
    BOOST_TEST(r.status == 500U);
    BOOST_TEST(r.field("set-cookie").empty());
}

BOOST_AUTO_TEST_CASE(answers_to_dead_connections_vanish) {
    fixture f;
    client c = f.connect();
    c.send(get("/wait"));
    BOOST_TEST_REQUIRE(f.keeps(1));
    BOOST_TEST(f.run([&] { return f.kept[0].is_open(); }));
    c.reset();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    BOOST_TEST(!f.run([&] { return f.kept[0].is_open(); }));
    BOOST_TEST(f.run([&] { return f.kept[0].request().target == "/wait"; }));
    f.answer_kept(0);
    client other = f.connect();
    other.send(get("/"));
    BOOST_TEST(other.receive().status == 200U);
}

BOOST_AUTO_TEST_CASE(half_closed_clients_are_answered) {
    fixture f;
    client c = f.connect();
    c.send(get("/wait") + get("/b") + "GET /part");
    c.finish_sending();
    BOOST_TEST_REQUIRE(f.keeps(1));
    std::this_thread::sleep_for(20ms);
    f.answer_kept(0);
    BOOST_TEST(c.receive().body == "GET /wait 11 []");
    BOOST_TEST(c.receive().body == "GET /b 11 []");
    BOOST_TEST(c.is_closed());
    client silent = f.connect();
    silent.finish_sending();
    BOOST_TEST(silent.is_closed());
    client partial = f.connect();
    partial.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    partial.finish_sending();
    BOOST_TEST(partial.is_closed());
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_holds_up_nobody) {
    const auto body = shared_bytes::copy_of(std::string(4 << 20, 'x'));
    int served = 0;
    fixture f({}, [&](exchange x) {
        ++served;
        const bool big = x.request().target == "/big";
        x.respond({.body = big ? body : shared_bytes::copy_of("small")});
    });
    client stalled = f.connect();
    std::string all;
    for (int i = 0; i < 100; ++i) {
        all += get("/big");
    }
    stalled.send(all);
    client c = f.connect();
    for (int i = 0; i < 100; ++i) {
        c.send(get("/"));
        BOOST_TEST(c.receive().body == "small");
    }
    // Unsent responses hold back the next requests of their connection.
    BOOST_TEST(f.run([&] { return served; }) < 100 + 10);
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST((stalled.receive().body == body.view()));
    }
}

BOOST_AUTO_TEST_SUITE_END()
