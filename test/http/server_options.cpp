#include <quorate/http/server_options.hpp>

#include <boost/test/unit_test.hpp>

using namespace quorate;
using http::server_options;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(defaults_are_valid) {
    BOOST_TEST(!server_options{}.check());
}

BOOST_AUTO_TEST_CASE(absurd_limits_are_not) {
    const auto check = [](auto change) {
        server_options o;
        change(o);
        return o.check();
    };
    const error_code invalid = errc::invalid_option;
    BOOST_TEST(check([](auto& o) { o.head_bytes_max = 63; }) == invalid);
    BOOST_TEST(!check([](auto& o) { o.head_bytes_max = 64; }));
    BOOST_TEST(check([](auto& o) { o.head_bytes_max = (16 << 20) + 1; }) == invalid);
    BOOST_TEST(check([](auto& o) { o.body_bytes_max = (1ULL << 30) + 1; }) == invalid);
    BOOST_TEST(!check([](auto& o) { o.body_bytes_max = 0; }));
    BOOST_TEST(check([](auto& o) { o.fields_max = 0; }) == invalid);
    BOOST_TEST(check([](auto& o) { o.connections_max = 0; }) == invalid);
    BOOST_TEST(check([](auto& o) { o.pipeline_max = 0; }) == invalid);
    BOOST_TEST(check([](auto& o) { o.pipeline_max = 1025; }) == invalid);
    BOOST_TEST(!check([](auto& o) { o.idle_timeout = o.write_timeout = milliseconds(0); }));
    BOOST_TEST(check([](auto& o) { o.idle_timeout = milliseconds(-1); }) == invalid);
    BOOST_TEST(check([](auto& o) { o.drain_grace = milliseconds(0); }) == invalid);
    BOOST_TEST(check([](auto& o) { o.handshake_timeout = milliseconds(0); }) == invalid);
    BOOST_TEST(!check([](auto& o) { o.requests_max = o.streams_max = o.stream_room = 0; }));
    BOOST_TEST(check([](auto& o) { o.write_timeout = milliseconds(-1); }) == invalid);
    BOOST_TEST(check([](auto& o) { o.head_timeout = milliseconds::max(); }) == invalid);
}

BOOST_AUTO_TEST_SUITE_END()
