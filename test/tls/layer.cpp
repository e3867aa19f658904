#include <quorate/tls/layer.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../http/support.hpp"
#include "client.hpp"
#include "world.hpp"

using namespace quorate;
using namespace std::chrono_literals;
using quorate::http::test::fixture;
using tls::test::client_options;
using tls_client = tls::test::client;
using tls::test::opened;
using tls::test::world;

namespace {

const std::string get_root = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

http::server_options patient() {
    return http::test::patient(400ms);
}

/// A server that answers with the common name of its client.
struct secure_server : fixture {
    explicit secure_server(const tls::options& o, http::server_options h = patient())
        : secure_server(opened(o), h) {}
    explicit secure_server(std::shared_ptr<tls::layer> l, http::server_options h = patient())
        : fixture(
              h,
              [](http::exchange x) {
                  BOOST_TEST(x.peer().is_secure);
                  const std::string text = "<" + x.peer().common_name + ">";
                  x.respond({.body = shared_bytes::copy_of(text)});
              },
              l) {}

    /// Returns: the client's common name as the server saw it in <>; else why there is none.
    std::string ask(const client_options& o = {}) {
        try {
            tls_client c(port(), o);
            c.send(get_root);
            const std::string all = c.receive_until(">");
            return all.empty() ? "refused" : all.substr(all.find("\r\n\r\n") + 4);
        } catch (const std::runtime_error&) {
            return "no handshake";
        }
    }
    /// Returns: whether such a client is turned away, be it with TLS 1.2 or 1.3.
    bool refuses(client_options o) {
        const std::string now = ask(o);
        o.max_version = TLS1_2_VERSION;
        return now == "refused" && ask(o) == "no handshake";
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(layers)

BOOST_AUTO_TEST_CASE(requests_and_responses_pass) {
    world w;
    const std::string body(3000000, 'x');
    fixture f(
        patient(),
        [&](http::exchange x) {
            const bool is_big = x.request().target == "/big";
            BOOST_TEST((!is_big || x.request().body == std::string(1000000, 'y')));
            x.respond({.body = shared_bytes::copy_of(is_big ? body : "small")});
        },
        opened(w.plain()));
    tls_client c(f.port(), {.ca_file = w.at("ca.pem"), .alpn = "\x02h2\x08http/1.1"});
    for (int i = 0; i < 3; ++i) {
        c.send(get_root);
        BOOST_TEST(c.receive_until("small").ends_with("small"));
    }
    c.send("PUT /big HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
           std::string(1000000, 'y') + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const std::string all = c.receive_all();
    BOOST_TEST((all.find("\r\n\r\n" + body + "HTTP/1.1 200 OK") != std::string::npos));
    BOOST_TEST(all.ends_with("small"));
    BOOST_TEST(c.heard_farewell());
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(c.native(), &protocol, &size);
    BOOST_TEST(std::string(reinterpret_cast<const char*>(protocol), size) == "http/1.1");
    BOOST_TEST(SSL_version(c.native()) == TLS1_3_VERSION);
}

BOOST_AUTO_TEST_CASE(streams_pass) {
    world w;
    std::optional<http::response_stream> stream;
    std::atomic<bool> closed{false};
    fixture f(
        patient(),
        [&](http::exchange x) {
            stream.emplace(x.stream({}));
            stream->on_closed([&] { closed = true; });
            stream->write("one");
        },
        opened(w.plain()));
    tls_client c(f.port());
    c.send(get_root);
    BOOST_TEST(c.receive_until("one\r\n").ends_with("3\r\none\r\n"));
    f.run([&] { stream->write(std::string(100000, 'x') + "two"); });
    BOOST_TEST(c.receive_until("two").size() > 100000U);
    BOOST_TEST(!closed.load());
    c.say_farewell(); // The client sends no more: it is about to leave.
    BOOST_TEST(c.receive_all().ends_with("0\r\n\r\n"));
    BOOST_TEST(c.heard_farewell());
    BOOST_TEST(closed.load());
    f.run([&] { stream.reset(); });
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_is_noticed) {
    world w;
    std::atomic<int> left{0};
    std::list<http::exchange> kept;
    fixture f(
        patient(),
        [&](http::exchange x) {
            kept.push_back(std::move(x));
            kept.back().on_left([&] {
                ++left;
                kept.clear();
            });
        },
        opened(w.plain()));
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    tls_client polite(f.port());
    polite.send(post);
    BOOST_TEST(f.eventually([&] { return f.run([&] { return kept.size(); }) == 1; }));
    BOOST_TEST(left.load() == 0);
    polite.say_farewell();
    BOOST_TEST(polite.receive_until("\r\n").find("500") != std::string::npos); // it was dropped
    BOOST_TEST(left.load() == 1);
    {
        tls_client gone(f.port());
        gone.send(post);
        BOOST_TEST(f.eventually([&] { return f.run([&] { return kept.size(); }) == 1; }));
    }
    BOOST_TEST(f.eventually([&] { return left.load() == 2; }));
}

BOOST_AUTO_TEST_CASE(the_end_of_a_stream_says_farewell) {
    world w;
    std::optional<http::response_stream> stream;
    fixture f(
        patient(),
        [&](http::exchange x) {
            stream.emplace(x.stream({}));
            stream->write("whole");
        },
        opened(w.plain()));
    for (const char* request :
         {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}) {
        tls_client c(f.port());
        c.send(request);
        BOOST_TEST(c.receive_until("whole").find("whole") != std::string::npos);
        f.run([&] { stream->end(); });
        static_cast<void>(c.receive_all());
        BOOST_TEST(c.heard_farewell());
    }
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
}

BOOST_AUTO_TEST_CASE(what_is_cut_says_no_farewell) {
    world w;
    std::optional<http::response_stream> stream;
    fixture f(
        patient(),
        [&](http::exchange x) {
            stream.emplace(x.stream({}));
            stream->write("part");
        },
        opened(w.plain()));
    tls_client c(f.port());
    c.send("GET / HTTP/1.0\r\n\r\n");
    BOOST_TEST(c.receive_until("part").ends_with("part"));
    f.run([&] { stream.reset(); });
    BOOST_TEST(c.receive_all().empty());
    BOOST_TEST(!c.heard_farewell());
}

BOOST_AUTO_TEST_CASE(a_refused_upload_can_read_why) {
    world w;
    http::server_options o = patient();
    o.body_bytes_max = 1000;
    secure_server f(w.plain(), o);
    tls_client c(f.port());
    c.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    for (int i = 0; i < 5; ++i) {
        c.send(std::string(100000, 'x'));
    }
    BOOST_TEST(c.receive_all().starts_with("HTTP/1.1 413"));
}

// ---- Who may come in ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(clients_need_not_show_anything_by_default) {
    world w;
    secure_server f(w.plain());
    BOOST_TEST(f.ask() == "<>");
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "root"})}) == "<>"); // Not asked for.
}

BOOST_AUTO_TEST_CASE(only_good_certificates_come_in) {
    world w;
    secure_server f(w.mutual());
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "root"})}) == "<root>");
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "j\xc3\xb6rg"})}) == "<j\xc3\xb6rg>");
    BOOST_TEST(f.refuses({}));
    BOOST_TEST(f.refuses({.identity = w.client({.common_name = "old", .valid_for = -60})}));
    tls::test::authority other("the authority"); // By name only.
    other.issue(w.at("other"), {.common_name = "root"});
    BOOST_TEST(f.refuses({.identity = w.at("other")}));
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
}

BOOST_AUTO_TEST_CASE(an_authority_alone_asks_for_certificates_too) {
    world w;
    tls::options o = w.mutual();
    o.client_cert_auth = false;
    secure_server f(o);
    BOOST_TEST(f.refuses({}));
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "root"})}) == "<root>");
}

BOOST_AUTO_TEST_CASE(revoked_certificates_stay_out) {
    world w;
    const long serial = w.ca.issue(w.at("bad"), {.common_name = "bad"});
    w.ca.save_revocation(w.at("crl.pem"), serial);
    tls::options o = w.mutual();
    o.crl_file = w.at("crl.pem");
    secure_server f(o);
    BOOST_TEST(f.refuses({.identity = w.at("bad")}));
    const std::string good = w.client({.common_name = "good"});
    BOOST_TEST(f.ask({.identity = good}) == "<good>");
    // Revoked while the server runs.
    const long next = w.ca.issue(w.at("next"), {.common_name = "next"});
    BOOST_TEST(f.ask({.identity = w.at("next")}) == "<next>");
    w.ca.save_revocation(w.at("crl.pem"), next);
    BOOST_TEST(f.refuses({.identity = w.at("next")}));
}

namespace {

void append_file(const std::string& to, const std::string& from) {
    std::ofstream(to, std::ios::app) << std::ifstream(from).rdbuf();
}

/// A client whose certificate an intermediate authority signed, and lists of both authorities.
struct chained_world : world {
    chained_world() : between("the one between", ca) {
        between.issue(at("leaf"), {.common_name = "leaf"});
        between.save(at("between.pem"));
        append_file(at("leaf.pem"), at("between.pem"));
    }
    /// Effects: writes the lists, which revoke these serial numbers.
    tls::options with_lists(long by_root, long by_between, long root_valid_for = 3600) {
        ca.save_revocation(at("crl.pem"), by_root, root_valid_for);
        between.save_revocation(at("between.crl"), by_between);
        append_file(at("crl.pem"), at("between.crl"));
        tls::options o = mutual();
        o.crl_file = at("crl.pem");
        return o;
    }
    tls::test::authority between;
};

constexpr long unused_serial = 999'999;

} // namespace

BOOST_AUTO_TEST_CASE(revoked_intermediate_authority_keeps_its_certificates_out) {
    chained_world w;
    {
        secure_server f(w.with_lists(unused_serial, unused_serial));
        BOOST_TEST(f.ask({.identity = w.at("leaf")}) == "<leaf>");
    }
    secure_server f(w.with_lists(w.between.serial(), unused_serial));
    BOOST_TEST(f.refuses({.identity = w.at("leaf")}));
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "direct"})}) == "<direct>");
}

BOOST_AUTO_TEST_CASE(authority_without_a_list_keeps_its_certificates_out) {
    chained_world w;
    w.ca.save_revocation(w.at("crl.pem"), unused_serial);
    tls::options o = w.mutual();
    o.crl_file = w.at("crl.pem");
    secure_server f(o);
    BOOST_TEST(f.refuses({.identity = w.at("leaf")}));
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "direct"})}) == "<direct>");
}

BOOST_AUTO_TEST_CASE(expired_list_keeps_certificates_out_and_is_warned_of) {
    chained_world w;
    std::vector<std::string> warnings;
    const auto warned = [&](const tls::options& o) {
        auto made = std::make_shared<tls::layer>(o);
        std::filesystem::permissions(o.key_file, std::filesystem::perms(0600));
        made->on_warning([&](const std::string& text) { warnings.push_back(text); });
        BOOST_REQUIRE(!made->open());
        return made;
    };
    secure_server good(warned(w.with_lists(unused_serial, unused_serial)));
    BOOST_TEST(warnings.empty());
    secure_server f(warned(w.with_lists(unused_serial, unused_serial, -60)));
    BOOST_TEST(f.refuses({.identity = w.at("leaf")}));
    BOOST_TEST(f.refuses({.identity = w.client({.common_name = "direct"})}));
    BOOST_REQUIRE(warnings.size() == 1U);
    BOOST_TEST(warnings.front().find("has expired") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(key_that_everybody_may_read_is_warned_of) {
    world w;
    for (const auto& [mode, expected] :
         {std::pair(0600, 0U), std::pair(0640, 0U), std::pair(0644, 1U)}) {
        std::filesystem::permissions(w.at("server.key"), std::filesystem::perms(mode));
        std::size_t warnings = 0;
        tls::layer made(w.plain());
        made.on_warning([&](const std::string&) { ++warnings; });
        BOOST_REQUIRE(!made.open());
        BOOST_TEST(warnings == expected);
    }
}

BOOST_AUTO_TEST_CASE(common_names_can_be_limited) {
    world w;
    tls::options o = w.mutual();
    o.allowed_common_names = {"alice", "bob"};
    secure_server f(o);
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "bob"})}) == "<bob>");
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "eve"})}) == "refused");
    BOOST_TEST(f.ask({.identity = w.client({.common_name = "Bob"})}) == "refused");
    w.ca.issue(w.at("cut"), {.common_name = std::string("bob\0.evil", 9)});
    BOOST_TEST(f.ask({.identity = w.at("cut")}) == "refused");
}

BOOST_AUTO_TEST_CASE(hostnames_can_be_limited) {
    world w;
    tls::options o = w.mutual();
    o.allowed_hostnames = {"a.example.com", "b.example.com"};
    secure_server f(o);
    const auto named = [&](const std::string& name, const std::string& host) {
        return client_options{.identity = w.client({.common_name = name, .hostname = host})};
    };
    BOOST_TEST(f.ask(named("1", "b.example.com")) == "<1>");
    BOOST_TEST(f.ask(named("2", "*.example.com")) == "<2>");
    BOOST_TEST(f.ask(named("3", "c.example.com")) == "refused");
    BOOST_TEST(f.ask(named("a.example.com", "c.example.com")) == "refused");
    BOOST_TEST(f.ask(named("b.example.com", "")) == "refused"); // A common name is no host name.
}

BOOST_AUTO_TEST_CASE(a_name_with_a_zero_byte_is_none) {
    world w;
    secure_server f(w.mutual());
    w.ca.issue(w.at("cut"), {.common_name = std::string("root\0.evil", 10)});
    BOOST_TEST(f.ask({.identity = w.at("cut")}) == "<>");
}

// ---- Versions and ciphers -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(old_versions_are_refused) {
    world w;
    secure_server f(w.plain());
    BOOST_TEST(f.ask({.max_version = TLS1_1_VERSION}) == "no handshake");
    BOOST_TEST(f.ask({.max_version = TLS1_2_VERSION}) == "<>");
    tls::options o = w.plain();
    o.min_version = tls::version::tls_1_3;
    secure_server strict(o);
    BOOST_TEST(strict.ask({.max_version = TLS1_2_VERSION}) == "no handshake");
    BOOST_TEST(strict.ask() == "<>");
}

BOOST_AUTO_TEST_CASE(cipher_suites_can_be_chosen) {
    world w;
    const std::string chosen = "ECDHE-ECDSA-AES256-GCM-SHA384";
    for (const std::string name : {chosen.c_str(), "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}) {
        tls::options o = w.plain();
        o.cipher_suites = {name};
        secure_server f(o);
        const tls_client c(f.port(), {.max_version = TLS1_2_VERSION});
        BOOST_TEST(f.ask({.max_version = TLS1_2_VERSION, .ciphers = chosen}) == "<>");
        BOOST_TEST(f.ask({.max_version = TLS1_2_VERSION,
                          .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"}) == "no handshake");
    }
    for (const char* unknown : {"", "ALL", "aNULL", "HIGH:!MD5", "no such suite", "ECDHE+AESGCM",
                                "ECDHE-ECDSA-AES256-GCM-SHA384:AES128-SHA"}) {
        tls::options o = w.plain();
        o.cipher_suites = {unknown};
        BOOST_TEST(tls::layer(o).open() == make_error_code(errc::invalid_option), unknown);
    }
}

BOOST_AUTO_TEST_CASE(no_session_is_resumed) {
    world w;
    secure_server f(w.plain());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        tls_client first(f.port(), {.max_version = version});
        first.send(get_root);
        BOOST_TEST(first.receive_until(">").ends_with("<>"));
        BOOST_TEST(SSL_SESSION_is_resumable(SSL_get0_session(first.native())) == 0);
    }
}

// ---- Files --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(open_says_what_is_wrong) {
    world w;
    const auto failure = [&](auto change) {
        tls::options o = w.mutual();
        change(o);
        tls::layer l(o);
        const error_code ec = l.open();
        return std::pair(ec, l.failed_file());
    };
    const error_code invalid = errc::invalid_option;
    BOOST_TEST(!failure([](auto&) {}).first);
    BOOST_TEST(failure([](auto& o) { o.certificate_file.clear(); }).first == invalid);
    BOOST_TEST(failure([](auto& o) { o.key_file.clear(); }).first == invalid);
    BOOST_TEST(failure([](auto& o) {
                   o.client_cert_auth = false;
                   o.trusted_ca_file.clear();
                   o.allowed_common_names = {"a"};
               }).first == invalid);
    std::ofstream(w.at("rubbish")) << "rubbish\n";
    w.ca.issue(w.at("other"), {.common_name = "other"});
    tls::test::authority::save_key(w.at("locked.key"), tls::test::make_key().get(), "secret");
    for (const auto member : {&tls::options::certificate_file, &tls::options::key_file,
                              &tls::options::trusted_ca_file, &tls::options::crl_file}) {
        const auto missing = failure([&](auto& o) { o.*member = w.at("missing"); });
        BOOST_TEST(missing.first == boost::system::errc::no_such_file_or_directory);
        BOOST_TEST(missing.second == w.at("missing"));
        const auto rubbish = failure([&](auto& o) { o.*member = w.at("rubbish"); });
        BOOST_TEST(rubbish.first.failed());
        BOOST_TEST(rubbish.second == w.at("rubbish"));
    }
    BOOST_TEST(failure([&](auto& o) { o.key_file = w.at("other.key"); }).first.failed());
    BOOST_TEST(failure([&](auto& o) { o.key_file = w.at("locked.key"); }).first.failed());
}

BOOST_AUTO_TEST_CASE(changed_files_are_read_again) {
    world w;
    const auto layer = opened(w.plain());
    std::list<error_code> told;
    layer->on_reload([&](error_code ec) { told.push_back(ec); });
    secure_server f(layer);
    tls_client before(f.port());
    BOOST_TEST(before.server_serial() == w.serial);

    const long next = w.ca.issue(w.at("next"), {.common_name = "server"});
    // Between the two renames the files do not fit each other: those before stay in force.
    std::filesystem::rename(w.at("next.pem"), w.at("server.pem"));
    BOOST_TEST(tls_client(f.port()).server_serial() == w.serial);
    BOOST_TEST(f.run([&] { return told.size() == 1 && told.back().failed(); }));
    std::filesystem::rename(w.at("next.key"), w.at("server.key"));
    BOOST_TEST(tls_client(f.port()).server_serial() == next);
    BOOST_TEST(f.run([&] { return told.size() == 2 && !told.back().failed(); }));

    std::filesystem::remove(w.at("server.key"));
    BOOST_TEST(tls_client(f.port()).server_serial() == next);
    BOOST_TEST(f.run([&] { return told.size() == 3 && told.back().failed(); }));
    before.send(get_root); // Connections keep what they began with.
    BOOST_TEST(before.receive_until(">").ends_with("<>"));
}

BOOST_AUTO_TEST_CASE(files_are_not_looked_at_for_every_client) {
    world w;
    tls::options o = w.plain();
    o.reload_interval = 300ms;
    secure_server f(o);
    const long next = w.ca.issue(w.at("server"), {.common_name = "server"});
    BOOST_TEST(tls_client(f.port()).server_serial() == w.serial);
    std::this_thread::sleep_for(350ms);
    BOOST_TEST(tls_client(f.port()).server_serial() == next);
}

// ---- Clients that break the rules ---------------------------------------------------------------

BOOST_AUTO_TEST_CASE(handshakes_are_limited_in_time) {
    world w;
    http::server_options o = patient();
    o.handshake_timeout = 200ms;
    secure_server f(w.plain(), o);
    http::test::client mute = f.connect();
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(mute.is_closed());
    const auto took = std::chrono::steady_clock::now() - begin;
    BOOST_TEST((took >= 150ms && took < 1s));
    tls_client good(f.port());
    std::this_thread::sleep_for(400ms);
    good.send(get_root); // The limit is for the handshake only.
    BOOST_TEST(good.receive_until(">").ends_with("<>"));
}

BOOST_AUTO_TEST_CASE(who_speaks_something_else_is_closed) {
    world w;
    secure_server f(w.plain());
    http::test::client plain = f.connect();
    plain.send(get_root);
    static_cast<void>(plain.bytes(1 << 20)); // An alert, perhaps.
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    http::test::client rubbish = f.connect();
    rubbish.send("\x16\x03\x01\xff\xff" + std::string(70000, '\xff'));
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    tls_client late(f.port());
    late.send_raw(std::string(1000, 'x'));
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 0; }));
    BOOST_TEST(f.ask() == "<>");
}

BOOST_AUTO_TEST_CASE(unfinished_handshakes_make_way) {
    world w;
    http::server_options o = patient();
    o.connections_max = 2;
    secure_server f(w.plain(), o);
    http::test::client first = f.connect();
    http::test::client second = f.connect();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 2; }));
    std::this_thread::sleep_for(500ms);
    BOOST_TEST(f.ask() == "<>");
    BOOST_TEST(first.is_closed(100ms));
}

BOOST_AUTO_TEST_CASE(drain_and_stop_end_handshakes) {
    world w;
    secure_server f(w.plain());
    http::test::client mute = f.connect();
    BOOST_TEST(f.eventually([&] { return f.connection_count() == 1; }));
    tls_client good(f.port());
    std::atomic<bool> drained{false};
    f.run([&] { f.of_thread().drain(10s, [&] { drained = true; }); });
    BOOST_TEST(mute.is_closed());
    BOOST_TEST(f.eventually([&] { return drained.load(); }));
    secure_server g(w.plain());
    http::test::client other = g.connect();
    BOOST_TEST(g.eventually([&] { return g.connection_count() == 1; }));
    g.run([&] { g.of_thread().stop(); });
    BOOST_TEST(other.is_closed());
}

BOOST_AUTO_TEST_SUITE_END()
