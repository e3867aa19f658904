#include <quorate/server/node_options.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>

BOOST_AUTO_TEST_SUITE(node_options)

using quorate::errc;
using quorate::node_id;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_CASE(the_defaults_need_only_an_id) {
    quorate::node_options options;
    BOOST_TEST(options.check() == make_error_code(errc::invalid_option));
    options.id = node_id(1);
    BOOST_TEST(!options.check());
    options.engine.id = options.id;
    BOOST_TEST(!options.engine.check());
}

BOOST_AUTO_TEST_CASE(each_number_that_must_be_positive_is_checked) {
    using change = std::function<void(quorate::node_options&)>;
    const change wrong[] = {
        [](auto& o) { o.tick_interval = milliseconds(0); },
        [](auto& o) { o.request_timeout = milliseconds(0); },
        [](auto& o) { o.leader_wait = milliseconds(-1); },
        [](auto& o) { o.read_retry = milliseconds(0); },
        [](auto& o) { o.snapshot_entries = 0; },
        [](auto& o) { o.request_bytes_max = 0; },
        [](auto& o) { o.unapplied_entries_max = 0; },
        [](auto& o) { o.requests_in_flight_max = 0; },
        [](auto& o) { o.calls_in_flight_max = 0; },
        [](auto& o) { o.snapshot_bytes_max = 0; },
    };
    for (const change& make : wrong) {
        quorate::node_options options;
        options.id = node_id(1);
        make(options);
        BOOST_TEST(options.check() == make_error_code(errc::invalid_option));
    }
}

BOOST_AUTO_TEST_CASE(zero_is_a_choice_where_it_means_something) {
    quorate::node_options options;
    options.id = node_id(1);
    options.leader_wait = milliseconds(0);
    options.catch_up_entries = 0;
    BOOST_TEST(!options.check());
}

BOOST_AUTO_TEST_SUITE_END()
