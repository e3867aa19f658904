#include <quorate/service.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(watch)

using namespace service_test;

/// Takes whatever there is, whenever it is woken.
struct listener {
    explicit listener(service& owner) : at(owner), stream(owner.open_watches([this] { take(); })) {}
    ~listener() { at.close_watches(stream); }
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    void take() {
        while (const auto batch = at.take_watched(stream, 1 << 20)) {
            for (const shared_event& event : batch->events) {
                told.push_back(std::string(event->deleted ? "-" : "+") +
                               std::string(event->kv.key.view()));
            }
            if (batch->canceled) {
                told.emplace_back("canceled");
            }
        }
    }

    service& at;
    std::vector<std::string> told;
    watch_stream_id stream;
};

BOOST_AUTO_TEST_CASE(every_member_tells_of_every_write) {
    cluster c(3);
    c.start_all();
    listener one(c.at(1));
    listener two(c.at(2));
    for (listener* l : {&one, &two}) {
        BOOST_TEST(l->at.watch(l->stream, {.key = "k", .range_end = "l"}, {}).has_value());
    }
    c.submit(c.leading(), put{.key = "k1"}).as<put_reply>();
    c.submit(c.leading(), put{.key = "z"}).as<put_reply>();
    c.submit(c.leading(), delete_range{.key = "k1"}).as<delete_reply>();
    const std::vector<std::string> expected{"+k1", "-k1"};
    for (listener* l : {&one, &two}) {
        BOOST_TEST(c.run_until([&] { return l->told.size() == 2; }));
        BOOST_TEST(l->told == expected, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(a_watch_knows_of_a_write_before_its_answer) {
    cluster c;
    c.start_all();
    listener l(c.at(1));
    BOOST_REQUIRE(l.at.watch(l.stream, {.key = "k"}, {}).has_value());
    bool known = false;
    c.wait([&](auto done) {
        c.at(1).submit(put{.key = "k"}, {}, [&, done](error_code failed, const reply& made) {
            known = c.at(1).take_watched(l.stream, 1000).has_value();
            done(failed, made);
        });
    });
    BOOST_TEST(known);
}

BOOST_AUTO_TEST_CASE(the_past_is_told_in_steps) {
    cluster c;
    c.start_all();
    for (int i = 0; i < 2500; ++i) {
        c.submit(c.at(1), put{.key = "k"}).as<put_reply>();
    }
    listener l(c.at(1));
    BOOST_REQUIRE(l.at.watch(l.stream, {.key = "k", .start_revision = 2}, {}).has_value());
    BOOST_TEST(c.run_until([&] { return l.told.size() == 2500; }));
    c.submit(c.at(1), compact{.revision = 100}).as<compact_reply>();
    listener late(c.at(1));
    BOOST_REQUIRE(late.at.watch(late.stream, {.key = "k", .start_revision = 2}, {}).has_value());
    BOOST_TEST(c.run_until([&] { return late.told == std::vector<std::string>{"canceled"}; }));
}

// A watch reads no further ahead than its queue has room. What makes room is that the consumer
// takes, so that has to be enough to go on, also when nothing is written any more.
BOOST_AUTO_TEST_CASE(a_long_past_is_told_without_another_write) {
    cluster c;
    c.start_all();
    const std::string large(100'000, 'v');
    for (int i = 0; i < 30; ++i) {
        c.submit(c.at(1), put{.key = "k", .value = large}).as<put_reply>();
    }
    listener l(c.at(1));
    BOOST_REQUIRE(l.at.watch(l.stream, {.key = "k", .start_revision = 2}, {}).has_value());
    BOOST_TEST(c.run_until([&] { return l.told.size() == 30; }));
}

BOOST_AUTO_TEST_SUITE_END()
