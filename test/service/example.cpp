#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(example)

using namespace service_test;

BOOST_AUTO_TEST_CASE(a_program_calls_what_clients_call) {
    cluster c;
    c.start_all();
    service& store = c.leading();
    std::vector<std::string> told;
    bool done = false;
    // [calls
    // A watch: woken on the io_context when there is something to take.
    watch_stream_id stream;
    stream = store.open_watches([&] {
        while (const auto batch = store.take_watched(stream, 64 << 10)) {
            for (const shared_event& event : batch->events) {
                told.emplace_back(event->kv.value.view());
            }
        }
    });
    const auto watched = store.watch(stream, {.key = "greeting"}, {});
    BOOST_REQUIRE(watched.has_value());

    // A lease, a key that is tied to it, and a read that sees it on any member.
    store.grant(lease_id(7), 60, {}, [&](error_code failed, const reply&) {
        BOOST_REQUIRE(!failed);
        const put greeting{.key = "greeting", .value = "hello", .lease = lease_id(7)};
        store.submit(greeting, {}, [&](error_code refused, const reply& made) {
            BOOST_REQUIRE(!refused);
            BOOST_TEST(made.header.revision == 2u);
            store.range({.key = "greeting"}, false, {}, [&](error_code unread, const reply& found) {
                BOOST_REQUIRE(!unread);
                BOOST_TEST(std::get<range_reply>(found.body).count == 1u);
                done = true;
            });
        });
    });
    // calls]
    BOOST_TEST(c.run_until([&] { return done && !told.empty(); }));
    BOOST_TEST(told == std::vector<std::string>{"hello"}, boost::test_tools::per_element());
    store.close_watches(stream);
}

BOOST_AUTO_TEST_SUITE_END()
