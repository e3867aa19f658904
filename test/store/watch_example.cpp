#include <quorate/store/kv_machine.hpp>
#include <quorate/store/watch_hub.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

// How a program tells one consumer of one machine's changes; quoted by doc/watch.md.
BOOST_AUTO_TEST_SUITE(watch_example)

namespace {

// [example
using machine_type = quorate::kv_machine<>;

struct watched_store {
    machine_type machine;
    quorate::watch_hub<machine_type::store_type> hub{machine.store()};
    bool woken = false; // A server would post a call of `send` here.
    quorate::watch_stream_id stream = hub.open([this] { woken = true; });
    std::vector<std::string> sent;

    /// After every command that was applied, and while somebody is behind.
    void applied() {
        hub.publish();
        while (hub.behind()) { // A server would post one step at a time.
            hub.step(1000);
        }
    }
    /// When the consumer was woken, and can take more.
    void send() {
        while (const auto batch = hub.take(stream, 64 << 10)) {
            for (const quorate::shared_event& event : batch->events) {
                sent.push_back((event->deleted ? "gone: " : "now: ") +
                               std::string(event->kv.key.view()));
            }
            if (batch->canceled) {
                sent.push_back("read all again at " + std::to_string(batch->compact_revision));
            }
        }
        woken = false;
    }
};
// example]

void apply(watched_store& store, const quorate::request& asked) {
    store.machine.apply(quorate::log_index(1),
                        machine_type::encode(asked).freeze().slice(quorate::command_header_bytes));
    store.applied();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_consumer_is_sent_what_happens) {
    watched_store store;
    apply(store, quorate::put{.key = "fruit/apple"});
    const quorate::watch_request all{.key = "fruit/", .range_end = "fruit0", .start_revision = 2};
    BOOST_TEST(store.hub.create(store.stream, all).has_value());
    store.applied();
    BOOST_TEST(store.woken);
    store.send();
    apply(store, quorate::delete_range{.key = "fruit/apple"});
    store.send();
    const std::vector<std::string> wanted{"now: fruit/apple", "gone: fruit/apple"};
    BOOST_TEST(store.sent == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
