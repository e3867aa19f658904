#include <quorate/server/request_trace.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(request_trace)

using quorate::node_id;
using quorate::trace_event;
using quorate::trace_step;
using std::chrono::microseconds;

namespace {

const quorate::request_trace::clock::time_point start{};

quorate::request_trace begun(std::uint64_t self = 1) {
    quorate::request_trace trace;
    trace.begin(node_id(self), start);
    return trace;
}

} // namespace

BOOST_AUTO_TEST_CASE(steps_are_a_line_of_text) {
    quorate::request_trace trace = begun();
    trace.note(trace_step::proposed, node_id(1), start + microseconds(31));
    trace.set_entry({quorate::term_id(2), quorate::log_index(7)});
    trace.note(trace_step::appended, node_id(1), start + microseconds(58));
    trace.note(trace_step::sent, node_id(3), start + microseconds(60));
    trace.note(trace_step::acknowledged, node_id(3), start + microseconds(400));
    trace.set_revision(5);
    trace.note(trace_step::applied, node_id(1), start + microseconds(410));
    BOOST_TEST(trace.text() ==
               "0us admitted by 1; 31us proposed by 1; 58us appended by 1 as entry 7 of term 2; "
               "60us sent to 3; 400us acknowledged by 3; 410us applied by 1 at revision 5");
}

BOOST_AUTO_TEST_CASE(every_step_has_a_name) {
    for (std::uint8_t step = 0; step <= quorate::trace_step_max; ++step) {
        BOOST_TEST(std::string(name_of(static_cast<trace_step>(step))) != "unknown");
    }
}

BOOST_AUTO_TEST_CASE(a_step_is_known_by_its_member) {
    quorate::request_trace trace = begun();
    trace.note(trace_step::sent, node_id(2), start);
    BOOST_TEST(trace.has(trace_step::sent, node_id(2)));
    BOOST_TEST(!trace.has(trace_step::sent, node_id(3)));
    BOOST_TEST(!trace.has(trace_step::durable, node_id(2)));
}

BOOST_AUTO_TEST_CASE(there_is_an_end_to_what_is_kept) {
    quorate::request_trace trace = begun();
    for (int i = 0; i < 1000; ++i) {
        trace.note(trace_step::proposed, node_id(1), start + microseconds(i));
    }
    BOOST_TEST(trace.events().size() == quorate::request_trace::events_max);
    trace.begin(node_id(4), start);
    BOOST_TEST(trace.events().size() == 1u);
    BOOST_TEST(trace.self() == node_id(4));
}

BOOST_AUTO_TEST_CASE(what_the_leader_saw_is_put_in_its_place) {
    quorate::request_trace own = begun(2);
    own.note(trace_step::forwarded, node_id(1), start + microseconds(10));
    own.note(trace_step::appended, node_id(2), start + microseconds(200));
    quorate::request_trace leader = begun(1);
    leader.note(trace_step::appended, node_id(1), start + microseconds(5));
    leader.note(trace_step::sent, node_id(2), start + microseconds(6));
    leader.note(trace_step::acknowledged, node_id(2), start + microseconds(900));
    own.merge(leader.encode());
    BOOST_TEST(own.text() ==
               "0us admitted by 2; 10us forwarded to 1; 10us admitted by 1; 15us appended by 1; "
               "16us sent to 2; 200us appended by 2; 910us acknowledged by 2");
}

BOOST_AUTO_TEST_CASE(what_another_member_tells_is_not_trusted) {
    quorate::request_trace leader = begun(1);
    leader.note(trace_step::sent, node_id(2), start);
    const std::string whole = leader.encode();
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        quorate::request_trace own = begun(2);
        own.merge(whole.substr(0, cut));
        BOOST_TEST(own.events().size() <= 2u);
    }
    // A step that does not exist, one that only this member can have seen, and a time without end.
    quorate::request_trace own = begun(2);
    std::string bad = whole;
    bad[8] = 99;
    own.merge(bad);
    BOOST_TEST(own.events().size() == 2u);
    quorate::request_trace forged = begun(1);
    forged.note(trace_step::answered, node_id(2), start);
    own.merge(forged.encode());
    BOOST_TEST(!own.has(trace_step::answered, node_id(2)));
    std::string late = whole;
    late.replace(late.size() - 8, 8, 8, '\xff');
    own.merge(late);
    BOOST_TEST(own.events().back().at <= std::uint64_t{1} << 41);
    for (int i = 0; i < 1000; ++i) {
        own.merge(whole);
    }
    BOOST_TEST(own.events().size() == quorate::request_trace::events_max);
}

BOOST_AUTO_TEST_SUITE_END()
