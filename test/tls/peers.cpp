// Members that speak TLS with one another.
#include <quorate/net/tcp_discovery.hpp>
#include <quorate/net/tcp_listener.hpp>
#include <quorate/net/tcp_transport.hpp>
#include <quorate/tls/layer.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "../net/tcp_support.hpp"
#include "client.hpp"
#include "world.hpp"

using namespace quorate;
using namespace quorate_test;
using quorate::testing::recording_sink;
using quorate::tls::test::opened;
using tls_client = tls::test::client;
using namespace std::chrono_literals;

namespace {

/// Makes certificates for members at 127.0.0.1.
struct peer_world : tls::test::world {
    /// Returns: options of a member with the certificate and the key at `path`.
    [[nodiscard]] tls::options member(const std::string& path) const {
        tls::options o = mutual();
        o.certificate_file = path + ".pem";
        o.key_file = path + ".key";
        o.dials = true;
        return o;
    }
    [[nodiscard]] tls::options good() {
        return member(issued("good", {.common_name = "member", .address = "127.0.0.1"}));
    }
    std::string issued(const std::string& name, const tls::test::wish& w) {
        ca.issue(at(name), w);
        return at(name);
    }
};

/// What the conformance suite makes: every member has the same good certificate.
struct secure_fixture : tcp_fixture {
    secure_fixture() {
        scheme = "https";
        options.security = opened(files.good());
    }
    peer_world files;
};

/// Two members; the second one's certificate is up to the case.
struct pair : tcp_fixture {
    pair() { scheme = "https"; }

    void open_one(const tls::options& o) {
        options.security = opened(o);
        BOOST_REQUIRE(!open(one, cluster, a));
    }
    void open_two(const tls::options& o) {
        options.security = opened(o);
        BOOST_REQUIRE(!open(two, cluster, b));
    }
    void meet() {
        BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
        BOOST_REQUIRE(!wire(two).add_peer(one, url(one)));
    }
    bool connected() {
        return run_until([&] {
            return wire(one).statistics().connections_opened == 1 &&
                   wire(two).statistics().connections_opened == 1;
        });
    }
    /// Returns: whether `told` was told of a refusal with `words` in it.
    bool hears(const recording_sink& told, const std::string& words) {
        const bool heard = run_until([&] {
            return std::ranges::any_of(told.refused, [&](const std::string& why) {
                return why.find(words) != std::string::npos;
            });
        });
        for (const std::string& why : told.refused) {
            BOOST_TEST_MESSAGE(why);
        }
        return heard;
    }
    bool strangers() {
        return wire(one).statistics().connections_accepted == 0 &&
               wire(one).statistics().connections_opened == 0 &&
               wire(two).statistics().connections_accepted == 0 &&
               wire(two).statistics().connections_opened == 0;
    }
    /// Returns: what came back for a hello in the name of `from`; empty when nothing did.
    std::string greet_one(node_id from, const tls::test::client_options& o) {
        const shared_bytes hello =
            encode_hello({protocol_version, hello_status::ok, cluster, from, one});
        const std::uint16_t where = port(one);
        auto asking = std::async(std::launch::async, [&, where] {
            try {
                tls_client c(where, o);
                c.send(hello.view());
                return c.receive_until(std::string_view("\x00", 1));
            } catch (const std::runtime_error&) {
                return std::string();
            }
        });
        BOOST_TEST(run_until([&] { return asking.wait_for(0s) == std::future_status::ready; }));
        return asking.get();
    }

    peer_world files;
    recording_sink a;
    recording_sink b;
};

} // namespace

BOOST_AUTO_TEST_SUITE(peers)

BOOST_DATA_TEST_CASE(conformance, boost::unit_test::data::make(
                                      quorate::testing::transport_conformance<secure_fixture>())) {
    BOOST_TEST(sample.run() == "");
}

BOOST_FIXTURE_TEST_CASE(members_meet_and_nobody_reads_along, pair) {
    open_one(files.good());
    open_two(files.good());
    meet();
    BOOST_REQUIRE(connected());
    const sample_append many(one, two, 10, 200, 5000);
    wire(one).send(many.m);
    BOOST_TEST(run_until([&] { return !b.messages.empty(); }));
    BOOST_REQUIRE(b.messages.size() == 1U);
    BOOST_TEST(b.messages.front()->entries.size() == 200U);
    BOOST_TEST(b.messages.front()->entries.back().payload.view() ==
               many.entries.back().payload.view());
    BOOST_TEST(a.refused.empty());
    BOOST_TEST(b.refused.empty());
}

BOOST_FIXTURE_TEST_CASE(a_transport_is_given_its_certificates, peer_world) {
    issued("a", {.common_name = "member", .address = "127.0.0.1"});
    // [secure_example
    tls::options shown;
    shown.certificate_file = at("a.pem");
    shown.key_file = at("a.key");
    shown.trusted_ca_file = at("ca.pem"); // whoever connects has to show a certificate, too
    shown.dials = true;
    const auto certificates = std::make_shared<tls::layer>(shown);
    BOOST_REQUIRE(!certificates->open()); // else failed_file() says which file it was

    transport_options options; // or node_options::peer_security
    options.security = certificates;
    options.listen_url = "https://127.0.0.1:0";
    // secure_example]
    options.self = one;
    boost::asio::io_context io;
    tcp_transport wire(io, options);
    recording_sink sink;
    BOOST_TEST(!wire.start(sink));
    BOOST_TEST(wire.listen_port() != 0U);
}

// ---- Refusals -----------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(another_authority_is_refused, pair) {
    tls::test::authority other("the authority"); // By name only.
    other.issue(files.at("other"), {.common_name = "member", .address = "127.0.0.1"});
    open_one(files.good());
    open_two(files.member(files.at("other")));
    meet();
    BOOST_TEST(hears(a, "its certificate is refused"));
    BOOST_TEST(hears(a, "refused a peer that connected from 127.0.0.1"));
    BOOST_TEST(wire(one).statistics().handshakes_failed > 0U);
    BOOST_TEST(strangers());
}

BOOST_FIXTURE_TEST_CASE(an_expired_certificate_is_refused, pair) {
    open_one(files.good());
    const std::string old =
        files.issued("old", {.common_name = "member", .valid_for = -60, .address = "127.0.0.1"});
    open_two(files.member(old));
    meet();
    BOOST_TEST(hears(a, "its certificate is refused: certificate has expired"));
    BOOST_TEST(hears(b, "no connection to member 1"));
    BOOST_TEST(strangers());
}

BOOST_FIXTURE_TEST_CASE(a_revoked_certificate_is_refused, pair) {
    const long serial =
        files.ca.issue(files.at("bad"), {.common_name = "member", .address = "127.0.0.1"});
    files.ca.save_revocation(files.at("crl.pem"), serial);
    tls::options o = files.good();
    o.crl_file = files.at("crl.pem");
    open_one(o);
    open_two(files.member(files.at("bad")));
    meet();
    BOOST_TEST(hears(a, "its certificate is refused: certificate revoked"));
    BOOST_TEST(strangers());
}

BOOST_FIXTURE_TEST_CASE(a_list_that_expired_is_refused, pair) {
    files.ca.save_revocation(files.at("crl.pem"), 999'999, -60);
    tls::options o = files.good();
    o.crl_file = files.at("crl.pem");
    open_one(o);
    open_two(files.good());
    meet();
    BOOST_TEST(hears(a, "its certificate is refused: CRL has expired"));
    BOOST_TEST(strangers());
}

BOOST_FIXTURE_TEST_CASE(whoever_shows_no_certificate_is_refused, pair) {
    open_one(files.good());
    BOOST_TEST(greet_one(two, {}).empty());
    BOOST_TEST(hears(a, "refused a peer"));
    const tls::test::client_options good{
        .identity = files.issued("peer", {.common_name = "member", .address = "127.0.0.1"})};
    BOOST_TEST(!greet_one(two, good).empty());
    BOOST_TEST(wire(one).statistics().connections_accepted == 1U);
}

BOOST_FIXTURE_TEST_CASE(plaintext_is_refused, pair) {
    open_one(files.good());
    raw_client plain(*this, one);
    plain.send(encode_hello({protocol_version, hello_status::ok, cluster, two, one}));
    BOOST_TEST(plain.hung_up());
    BOOST_TEST(wire(one).statistics().handshakes_failed == 1U);
    BOOST_TEST(hears(a, "refused a peer"));
}

BOOST_FIXTURE_TEST_CASE(peer_that_leaves_in_its_handshake_is_lost_not_refused, pair) {
    open_one(files.good());
    const std::string part_of_a_hello("\x16\x03\x01\x02\x00\x01", 6);
    raw_client leaves(*this, one);
    leaves.send(part_of_a_hello);
    leaves.close();
    BOOST_TEST(hears(a, "lost a peer that connected from 127.0.0.1"));
    BOOST_TEST(a.refused.size() == 1U);
    BOOST_TEST(wire(one).statistics().handshakes_failed == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_answers_in_plaintext_is_refused, pair) {
    scheme = "http";
    open_two(files.good());
    scheme = "https";
    open_one(files.good());
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_TEST(hears(a, "no connection to member 2 at 127.0.0.1"));
    BOOST_TEST(strangers());
}

BOOST_FIXTURE_TEST_CASE(whoever_is_dialled_has_to_be_the_host_of_its_url, pair) {
    open_one(files.good());
    open_two(files.member(
        files.issued("elsewhere", {.common_name = "127.0.0.1", .hostname = "a.example.com"})));
    meet();
    BOOST_TEST(hears(a, "no connection to member 2 at 127.0.0.1"));
    BOOST_TEST(hears(a, "mismatch"));
    BOOST_TEST(wire(one).statistics().connections_opened == 0U);
    // As a client it has to show no host.
    BOOST_TEST(run_until([&] { return wire(two).statistics().connections_opened == 1; }));
}

BOOST_FIXTURE_TEST_CASE(a_name_is_checked_where_the_url_has_one, pair) {
    const std::string named =
        files.issued("named", {.common_name = "member", .hostname = "localhost"});
    open_one(files.member(named));
    open_two(files.member(named));
    BOOST_REQUIRE(!wire(one).add_peer(two, "https://localhost:" + std::to_string(port(two))));
    BOOST_TEST(run_until([&] { return wire(one).statistics().connections_opened == 1; }));
    BOOST_REQUIRE(!wire(two).add_peer(one, url(one)));
    BOOST_TEST(hears(b, "mismatch"));
}

BOOST_FIXTURE_TEST_CASE(names_can_be_limited, pair) {
    tls::options o = files.good();
    o.allowed_common_names = {"member"};
    open_one(o);
    open_two(
        files.member(files.issued("client", {.common_name = "client", .address = "127.0.0.1"})));
    meet();
    BOOST_TEST(hears(a, "no connection to member 2"));
    BOOST_TEST(hears(a, "refused a peer"));
    BOOST_TEST(hears(a, "is not for a name that is allowed"));
    BOOST_TEST(strangers());
}

BOOST_FIXTURE_TEST_CASE(hostnames_can_be_limited, pair) {
    const auto wish = [](const std::string& host) {
        return tls::test::wish{.common_name = "member", .hostname = host, .address = "127.0.0.1"};
    };
    tls::options o = files.member(files.issued("m1", wish("m1.example.com")));
    o.allowed_hostnames = {"m2.example.com"};
    open_one(o);
    open_two(files.member(files.issued("m2", wish("m2.example.com"))));
    meet();
    BOOST_TEST(connected());
    const tls::test::client_options stranger{.identity =
                                                 files.issued("m3", wish("m3.example.com"))};
    BOOST_TEST(greet_one(three, stranger).empty());
    BOOST_TEST(hears(a, "is not for a name that is allowed"));
}

BOOST_FIXTURE_TEST_CASE(a_certificate_can_have_to_name_the_member, pair) {
    options.certificates_name_members = true;
    open_one(files.good());
    BOOST_REQUIRE(!wire(one).add_peer(two, "https://127.0.0.1:" + std::to_string(port(two))));
    const tls::test::client_options other{
        .identity = files.issued(
            "other",
            {.common_name = "127.0.0.1", .hostname = "other.example.com", .address = "127.0.0.2"})};
    BOOST_TEST(greet_one(two, other).empty());
    BOOST_TEST(hears(a, "is for no host of member 2"));
    BOOST_TEST(wire(one).statistics().hellos_refused == 1U);
    BOOST_TEST(!greet_one(three, other).empty()); // Nothing is known of it yet.
    const tls::test::client_options itself{
        .identity = files.issued("itself", {.common_name = "x", .address = "127.0.0.1"})};
    BOOST_TEST(!greet_one(two, itself).empty());
}

BOOST_FIXTURE_TEST_CASE(without_certificates_there_is_no_https, pair) {
    BOOST_TEST(open(one, cluster, a) == error_code(errc::invalid_option));
    close(one);
    scheme = "http";
    BOOST_REQUIRE(!open(one, cluster, a));
    open_two(files.good());
    BOOST_REQUIRE(!wire(one).add_peer(two, "https://127.0.0.1:" + std::to_string(port(two))));
    BOOST_TEST(hears(a, "this member was given no certificates"));
}

// ---- Who is no member yet ----------------------------------------------------------------------

namespace {

struct telling_sink : recording_sink {
    shared_bytes on_newcomer() override { return shared_bytes::copy_of(std::string(70'000, 'm')); }
};

/// A member, and somebody on another thread who asks it who the members are.
struct asked_member : pair {
    asked_member() {
        options.security = opened(files.good());
        BOOST_REQUIRE(!open(one, cluster, sink));
    }
    result<discovered_group> ask(const std::string& where, const tls::options* own,
                                 std::chrono::milliseconds limit = 20s) {
        const auto security = own != nullptr ? opened(*own) : nullptr;
        auto asking = std::async(std::launch::async, [&] {
            return discover_members(*parse_peer_url(where), limit, security.get());
        });
        BOOST_TEST(
            run_until([&] { return asking.wait_for(0s) == std::future_status::ready; }, 30s));
        return asking.get();
    }
    telling_sink sink;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_newcomer_asks_over_tls, asked_member) {
    const tls::options good = files.good();
    const auto answer = ask(url(one), &good);
    BOOST_REQUIRE(answer.has_value());
    BOOST_TEST((answer->cluster == cluster));
    BOOST_TEST(answer->members.size() == 70'000U);
    const std::string plain = "http" + url(one).substr(5);
    BOOST_TEST(!ask(plain, &good).has_value());
    BOOST_TEST(ask(url(one), nullptr).error() == error_code(errc::invalid_option));
    BOOST_TEST(wire(one).statistics().newcomers_told == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_newcomer_without_a_good_certificate_is_told_nothing, asked_member) {
    tls::test::authority other("the authority");
    other.issue(files.at("other"), {.common_name = "member", .address = "127.0.0.1"});
    const tls::options bad = files.member(files.at("other"));
    BOOST_TEST(!ask(url(one), &bad).has_value());
    // And it asks only the host that it wants to ask.
    const tls::options good = files.good();
    BOOST_TEST(!ask("https://localhost:" + std::to_string(port(one)), &good).has_value());
    BOOST_TEST(wire(one).statistics().newcomers_told == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_newcomer_gives_up_on_a_handshake_in_time, asked_member) {
    tcp::acceptor silent(io, {boost::asio::ip::address_v4::loopback(), port(two)});
    const tls::options good = files.good();
    BOOST_TEST(ask(url(two), &good, 50ms).error() == error_code(errc::read_timed_out));
}

// ---- The rest goes on ---------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(refusals_are_told_once_a_second_and_hold_up_nobody, pair) {
    open_one(files.good());
    open_two(files.good());
    meet();
    BOOST_REQUIRE(connected());
    const std::uint64_t begin = wire(one).statistics().ticks;
    for (int i = 0; i < 60; ++i) {
        raw_client plain(*this, one);
        plain.send("GET / HTTP/1.1\r\n\r\n");
        BOOST_REQUIRE(plain.hung_up());
        wire(two).send(heartbeat(two, one, 100));
    }
    BOOST_TEST(wire(one).statistics().handshakes_failed == 60U);
    BOOST_TEST(run_until([&] { return a.count(100) == 60; }));
    const std::uint64_t seconds = (wire(one).statistics().ticks - begin) / 10;
    BOOST_TEST(!a.refused.empty());
    BOOST_TEST(a.refused.size() <= seconds + 1);
}

BOOST_FIXTURE_TEST_CASE(who_never_finishes_a_handshake_is_let_go, pair) {
    open_one(files.good());
    raw_client mute(*this, one);
    tcp::acceptor silent(io, {boost::asio::ip::address_v4::loopback(), port(two)});
    BOOST_REQUIRE(!wire(one).add_peer(two, url(two)));
    BOOST_TEST(mute.hung_up(30s));
    BOOST_TEST(run_until([&] { return !a.refused.empty(); }, 30s));
    BOOST_TEST(hears(a, "did not finish the handshake"));
}

BOOST_FIXTURE_TEST_CASE(unfinished_handshakes_keep_no_member_out, pair) {
    open_one(files.good());
    std::vector<std::unique_ptr<raw_client>> mute;
    for (std::size_t i = 0; i < detail::tcp_listener::strangers_of_source_max + 6; ++i) {
        mute.push_back(std::make_unique<raw_client>(*this, one));
        mute.back()->send("\x16\x03\x01"); // A hello of TLS begins like this.
    }
    BOOST_TEST(run_until([&] { return wire(one).statistics().strangers_evicted == 6; }));
    open_two(files.good());
    BOOST_REQUIRE(!wire(two).add_peer(one, url(one)));
    BOOST_TEST(run_until([&] { return wire(two).statistics().connections_opened == 1; }));
    wire(two).send(heartbeat(two, one, 5));
    BOOST_TEST(run_until([&] { return a.count(5) == 1; }));
}

BOOST_FIXTURE_TEST_CASE(changed_files_are_used_without_a_new_start, pair) {
    open_one(files.good());
    const std::string path =
        files.issued("second", {.common_name = "member", .valid_for = -60, .address = "127.0.0.1"});
    open_two(files.member(path));
    meet();
    BOOST_REQUIRE(hears(a, "has expired"));
    BOOST_REQUIRE(strangers());
    files.issued("second", {.common_name = "member", .address = "127.0.0.1"});
    BOOST_TEST(connected());
    wire(two).send(heartbeat(two, one, 5));
    BOOST_TEST(run_until([&] { return a.count(5) == 1; }));
}

BOOST_FIXTURE_TEST_CASE(a_member_can_listen_to_both_kinds, pair) {
    options.security = opened(files.good());
    const std::uint16_t plain = free_port();
    transport_options mine = options;
    mine.cluster = cluster;
    mine.self = one;
    mine.listen_url = url(one) + ",http://127.0.0.1:" + std::to_string(plain);
    wires[one] = std::make_unique<tcp_transport>(io, mine);
    BOOST_REQUIRE(!wires[one]->start(a));
    BOOST_TEST(wire(one).listen_port() == port(one));
    open_two(files.good());
    BOOST_REQUIRE(!wire(two).add_peer(one, "http://127.0.0.1:" + std::to_string(plain)));
    BOOST_TEST(run_until([&] { return wire(two).statistics().connections_opened == 1; }));
    BOOST_REQUIRE(!wire(two).add_peer(one, url(one)));
    BOOST_TEST(run_until([&] { return wire(two).statistics().connections_opened == 2; }));
}

BOOST_AUTO_TEST_SUITE_END()
