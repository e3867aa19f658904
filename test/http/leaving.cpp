#include <quorate/http/exchange.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <utility>

#include "support.hpp"

using namespace quorate;
using namespace quorate::http;
using namespace quorate::http::test;

namespace {

std::string post(const std::string& target, const std::string& fields = {}) {
    return "POST " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "Content-Length: 1\r\n\r\nx";
}

/// A server that counts the clients that leave while their exchange is kept. "/answer..." is
/// answered when its client leaves; "/plain..." is kept, and nobody asks whether its client is
/// there.
struct leaving : fixture {
    explicit leaving(server_options options = patient())
        : fixture(options, [this](exchange x) { take(std::move(x)); }) {}

    void take(exchange x) {
        const std::string_view target = x.request().target;
        if (target == "/now") {
            x.on_left([this] { ++left; });
            return x.respond(describe(x.request()));
        }
        const bool answers = target.starts_with("/answer");
        const bool plain = target.starts_with("/plain");
        kept.push_back(std::move(x));
        if (!plain) {
            kept.back().on_left([this, answers] { note(answers); });
        }
    }
    void note(bool answers) {
        ++left;
        if (answers) {
            exchange x = std::move(kept.front());
            kept.pop_front();
            x.respond({.status = 408});
        }
    }
    bool sees(int count) {
        return eventually([&] { return run([&] { return left; }) == count; });
    }

    int left = 0; ///< Touched on the server's thread only.
};

} // namespace

BOOST_AUTO_TEST_SUITE(clients_that_leave)

BOOST_AUTO_TEST_CASE(the_end_of_a_client_is_told_during_a_post) {
    leaving f;
    {
        client c = f.connect();
        c.send(post("/a"));
        BOOST_TEST(f.keeps(1));
        BOOST_TEST(f.sees(0));
    }
    BOOST_TEST(f.sees(1));
    f.answer_kept(0); // which reaches nobody
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    BOOST_TEST(f.sees(1));
}

BOOST_AUTO_TEST_CASE(a_reset_is_told_and_ends_the_connection) {
    leaving f;
    client c = f.connect();
    c.send(post("/a"));
    BOOST_TEST(f.keeps(1));
    c.reset();
    BOOST_TEST(f.sees(1));
    BOOST_TEST(f.connection_count() == 0U);
    BOOST_TEST(!f.run([&] { return f.kept.front().is_open(); }));
}

BOOST_AUTO_TEST_CASE(one_that_closes_its_half_may_be_answered_in_there) {
    for (const char* const fields : {"", "Connection: close\r\n"}) {
        leaving f;
        client c = f.connect();
        c.send(post("/answer", fields));
        BOOST_TEST(f.keeps(1));
        c.finish_sending();
        BOOST_TEST(c.receive().status == 408U);
        BOOST_TEST(c.is_closed());
        BOOST_TEST(f.sees(1));
    }
}

BOOST_AUTO_TEST_CASE(one_that_closed_its_half_before_is_told_of_too) {
    leaving f;
    client c = f.connect();
    c.send(post("/plain"));
    c.finish_sending();
    BOOST_TEST(f.keeps(1));
    BOOST_TEST(f.eventually([&] {
        return f.run([&] {
            f.kept.front().on_left([&f] { ++f.left; });
            return f.left > 0;
        });
    }));
    f.answer_kept(0);
    BOOST_TEST(c.receive().body == "POST /plain 11 [x]");
}

BOOST_AUTO_TEST_CASE(what_came_meanwhile_is_a_request_like_any_other) {
    leaving f;
    client c = f.connect();
    c.send(post("/a"));
    BOOST_TEST(f.keeps(1));
    c.send("GET /fir");
    c.send("st HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(c.is_silent(20ms));
    BOOST_TEST(f.kept_count() == 1U);
    f.answer_kept(0);
    BOOST_TEST(c.receive().body == "POST /a 11 [x]");
    BOOST_TEST(f.keeps(2));
    f.answer_kept(1);
    f.answer_kept(0);
    BOOST_TEST(c.receive().body == "GET /first 11 []");
    BOOST_TEST(c.receive().body == "GET /second 11 []");
    BOOST_TEST(f.sees(0));
}

BOOST_AUTO_TEST_CASE(nobody_is_told_once_the_answer_is_given) {
    leaving f;
    {
        client c = f.connect();
        c.send(post("/now"));
        BOOST_TEST(c.receive().status == 200U);
        c.send(post("/a"));
        BOOST_TEST(f.keeps(1));
        f.answer_kept(0);
        BOOST_TEST(c.receive().status == 200U);
    }
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    BOOST_TEST(f.sees(0));
}

BOOST_AUTO_TEST_CASE(the_client_of_a_slow_request_is_noticed_without_being_asked_for) {
    server_options options = patient();
    options.linger_timeout = 40ms; // which makes ticks of ten milliseconds
    leaving f(options);
    client c = f.connect();
    c.send(post("/plain"));
    BOOST_TEST(f.keeps(1));
    c.reset();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    BOOST_TEST(!f.run([&] { return f.kept.front().is_open(); }));
}

BOOST_AUTO_TEST_CASE(a_server_that_is_stopped_tells_too) {
    leaving f;
    client c = f.connect();
    c.send(post("/a"));
    BOOST_TEST(f.keeps(1));
    f.run([&] { f.of_thread().stop(); });
    BOOST_TEST(f.sees(1));
}

BOOST_AUTO_TEST_SUITE_END()
