#include <quorate/consensus/entry.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(entries)

using namespace quorate;
using namespace quorate::test;

// Two bytes for the kind, then a tag and a varint for each of term, index and payload length.
BOOST_AUTO_TEST_CASE(the_encoded_size_is_that_of_the_reference) {
    entry e{.term = term_id(1), .index = log_index(1)};
    BOOST_TEST(encoded_size(e) == 6U);
    e.term = term_id(127);
    BOOST_TEST(encoded_size(e) == 6U);
    e.term = term_id(128);
    BOOST_TEST(encoded_size(e) == 7U);
    e.index = log_index(UINT64_MAX);
    BOOST_TEST(encoded_size(e) == 16U);
    e.payload = shared_bytes::copy_of(std::string(200, 'x'));
    BOOST_TEST(encoded_size(e) == 16U + 1 + 2 + 200);
    const std::vector<entry> two = {e, e};
    BOOST_TEST(encoded_size(two) == 2 * encoded_size(e));
    BOOST_TEST(payload_size(two) == 400U);
}

BOOST_AUTO_TEST_CASE(a_hard_state_of_nothing_is_empty) {
    BOOST_TEST(hard_state{}.empty());
    BOOST_TEST(!hard_of(1).empty());
    BOOST_TEST(!hard_of(0, 0, 1).empty());
}

BOOST_AUTO_TEST_CASE(an_owned_message_keeps_its_entries) {
    std::vector<entry> entries = run_of(1, {1, 1});
    message m = to_from(message_kind::append, 2, 1, 1);
    m.entries = entries;
    const owned_message kept(m);
    entries.clear();
    owned_message copy(kept);
    owned_message moved(std::move(copy));
    owned_message assigned;
    assigned = moved;
    for (const owned_message* each : {&kept, &std::as_const(moved), &std::as_const(assigned)}) {
        BOOST_REQUIRE(each->get().entries.size() == 2U);
        BOOST_TEST((*each)->entries[1].index == log_index(2));
    }
}

BOOST_AUTO_TEST_CASE(what_answers_is_a_response) {
    unsigned responses = 0;
    for (unsigned kind = 0; kind <= message_kind_max; ++kind) {
        responses += is_response(static_cast<message_kind>(kind)) ? 1U : 0U;
    }
    BOOST_TEST(responses == 7U);
    BOOST_TEST(!is_response(message_kind::append));
}

BOOST_AUTO_TEST_CASE(a_state_that_contradicts_itself_is_corrupt) {
    const engine_state sound{.hard = hard_of(2, 0, 2),
                             .base = start_of(voters({1}), at(1, 1)),
                             .entries = run_of(2, {1, 2}),
                             .applied = log_index(1)};
    BOOST_TEST(!check(sound));
    const auto corrupt = [&sound](auto&& change) {
        engine_state state = sound;
        change(state);
        return check(state) == errc::corrupt;
    };
    BOOST_TEST(corrupt([](engine_state& s) { s.entries = run_of(3, {2}); }));
    BOOST_TEST(corrupt([](engine_state& s) { s.entries = run_of(2, {2, 1}); }));
    BOOST_TEST(corrupt([](engine_state& s) { s.entries = run_of(2, {0}); }));
    BOOST_TEST(corrupt([](engine_state& s) { s.hard.commit = log_index(4); }));
    BOOST_TEST(corrupt([](engine_state& s) { s.applied = log_index(3); }));
    BOOST_TEST(corrupt([](engine_state& s) { s.applied = log_index(0); }));
    BOOST_TEST(corrupt([](engine_state& s) { s.hard.term = term_id(1); }));
    BOOST_TEST(corrupt([](engine_state& s) { s.base = start_of(voters({1}, {1}), at(1, 1)); }));
}

BOOST_AUTO_TEST_SUITE_END()
