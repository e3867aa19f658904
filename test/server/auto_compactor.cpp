#include <quorate/server/auto_compactor.hpp>

#include <boost/test/unit_test.hpp>

#include <optional>

BOOST_AUTO_TEST_SUITE(auto_compactor)

using namespace quorate;
using namespace std::chrono_literals;
using time_point = quorate::auto_compactor::time_point;

BOOST_AUTO_TEST_CASE(nothing_is_due_unless_it_is_asked_for) {
    quorate::auto_compactor never({}, time_point());
    for (int hour = 0; hour < 100; ++hour) {
        BOOST_TEST(!never.due(time_point() + std::chrono::hours(hour), 1000u, 0).has_value());
    }
}

BOOST_AUTO_TEST_CASE(what_was_readable_so_long_ago_is_kept) {
    quorate::auto_compactor aged({.keep_time = 10min}, time_point());
    // One revision a second.
    std::uint64_t compacted = 0;
    for (int second = 0; second <= 3600; ++second) {
        const auto upto = aged.due(time_point() + std::chrono::seconds(second),
                                   static_cast<std::uint64_t>(second + 1), compacted);
        if (upto) {
            BOOST_TEST(*upto > compacted);
            BOOST_TEST(*upto + 599 <= static_cast<std::uint64_t>(second));
            BOOST_TEST(*upto + 600 + 61 >= static_cast<std::uint64_t>(second));
            compacted = *upto;
        }
        BOOST_TEST((second >= 600 || !upto.has_value()));
    }
    BOOST_TEST(compacted >= 2400u);
}

BOOST_AUTO_TEST_CASE(long_times_are_seen_to_every_hour) {
    quorate::auto_compactor aged({.keep_time = 24h}, time_point());
    int compactions = 0;
    std::uint64_t compacted = 0;
    for (int minute = 0; minute <= 48 * 60; ++minute) {
        const auto upto = aged.due(time_point() + std::chrono::minutes(minute),
                                   static_cast<std::uint64_t>(minute + 1), compacted);
        compactions += upto ? 1 : 0;
        compacted = upto.value_or(compacted);
        BOOST_TEST((minute >= 24 * 60 || !upto.has_value()));
    }
    BOOST_TEST(compactions >= 23);
    BOOST_TEST(compactions <= 25);
}

BOOST_AUTO_TEST_CASE(the_newest_revisions_are_kept) {
    quorate::auto_compactor counted({.keep_revisions = 100, .revision_interval = 5min},
                                    time_point());
    BOOST_TEST(!counted.due(time_point() + 4min, 1000u, 0).has_value());
    BOOST_TEST(counted.due(time_point() + 5min, 1000u, 0).value() == 900u);
    BOOST_TEST(!counted.due(time_point() + 6min, 2000u, 900u).has_value());
    BOOST_TEST(counted.due(time_point() + 11min, 1001u, 900u).value() == 901u);

    quorate::auto_compactor small({.keep_revisions = 100, .revision_interval = 5min}, time_point());
    BOOST_TEST(!small.due(time_point() + 11min, 100u, 0).has_value());
    BOOST_TEST(small.due(time_point() + 16min, 101u, 0).value() == 1u);
}

BOOST_AUTO_TEST_CASE(a_lost_compaction_is_due_again) {
    for (const auto_compaction& asked :
         {auto_compaction{.keep_revisions = 100, .revision_interval = 5min},
          auto_compaction{.keep_time = 5min}}) {
        quorate::auto_compactor one(asked, time_point());
        BOOST_TEST(!one.due(time_point(), 900u, 0).has_value());
        BOOST_TEST(one.due(time_point() + 5min, 1000u, 0).value() == 900u);
        BOOST_TEST(!one.due(time_point() + 5min + 2s, 1000u, 0).has_value());
        BOOST_TEST(one.due(time_point() + 5min + 3s, 1000u, 0).value() == 900u);
        BOOST_TEST(!one.due(time_point() + 5min + 6s, 1000u, 900u).has_value());
        BOOST_TEST(!one.due(time_point() + 5min + 9s, 1000u, 900u).has_value());
    }
}

BOOST_AUTO_TEST_SUITE_END()
