#include <quorate/consensus/solo.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(solo_engine)

using namespace quorate;
using namespace quorate::test;

namespace {

engine_state nothing() {
    return {.base = start_of(voters({1}))};
}
solo fresh() {
    return {usual(1), nothing(), 0};
}
error_code propose(solo& engine, byte_view payload) {
    proposed one{.payload = shared_bytes::copy_of(payload)};
    return engine.propose({&one, 1});
}

} // namespace

BOOST_AUTO_TEST_CASE(it_leads_from_the_first_batch_on) {
    solo engine = fresh();
    BOOST_TEST(engine.has_effects());
    const effects& batch = engine.take_effects();
    BOOST_REQUIRE(batch.soft.has_value());
    BOOST_TEST(batch.soft->leader == node_id(1));
    BOOST_REQUIRE(batch.hard.has_value());
    BOOST_TEST(batch.hard->term == term_id(1));
    BOOST_TEST(batch.must_sync);
    BOOST_TEST(!engine.has_effects());
}

BOOST_AUTO_TEST_CASE(r7_what_is_durable_is_committed_and_nothing_else) {
    solo engine = fresh();
    engine.take_effects();
    BOOST_TEST(!propose(engine, "a"));
    BOOST_TEST(!propose(engine, "b"));
    const effects& batch = engine.take_effects();
    BOOST_TEST(batch.append.size() == 2U);
    BOOST_TEST(batch.apply.empty());
    BOOST_REQUIRE(batch.stable.has_value());
    const stable_mark mark = *batch.stable;
    BOOST_TEST(engine.status().hard.commit == log_index(0));
    engine.on_stable(mark);
    BOOST_TEST(engine.status().hard.commit == log_index(2));
    const effects& next = engine.take_effects();
    BOOST_TEST(next.apply.size() == 2U);
    BOOST_TEST(next.apply[1].payload.view() == "b");
    engine.on_applied(*next.applied);
    BOOST_TEST(engine.status().applied == log_index(2));
}

BOOST_AUTO_TEST_CASE(it_goes_on_where_a_log_ends_in_a_newer_term) {
    solo engine(
        usual(1),
        {.hard = hard_of(3, 1, 1), .base = start_of(voters({1})), .entries = run_of(1, {1, 3})}, 0);
    BOOST_TEST(engine.status().hard.term == term_id(4));
    BOOST_TEST(engine.status().hard.commit == log_index(2));
    BOOST_TEST(engine.take_effects().apply.size() == 2U);
    BOOST_TEST(!propose(engine, "a"));
    const effects& batch = engine.take_effects();
    BOOST_REQUIRE(batch.append.size() == 1U);
    BOOST_TEST(batch.append[0].id() == at(4, 3));
}

BOOST_AUTO_TEST_CASE(a_read_sees_what_is_committed) {
    solo engine = fresh();
    BOOST_TEST(!engine.read_index(7));
    const effects& batch = engine.take_effects();
    BOOST_REQUIRE(batch.reads.size() == 1U);
    BOOST_CHECK((batch.reads[0] == read_state{log_index(0), 7}));
    BOOST_TEST(engine.take_effects().reads.empty());
}

BOOST_AUTO_TEST_CASE(it_listens_to_nobody_and_stays_alone) {
    solo engine = fresh();
    BOOST_CHECK(engine.step(heartbeat_from(2, 1, 9)) == errc::message_invalid);
    BOOST_TEST(!engine.transfer_leadership(node_id(1)));
    BOOST_CHECK(engine.transfer_leadership(node_id(2)) == errc::member_unknown);
    proposed change{entry_kind::change, 0,
                    encode(change_of({one_change(change_kind::add_voter, 2)}), entry_kind::change)};
    BOOST_CHECK(engine.propose({&change, 1}) == errc::invalid_membership);
    proposed garbage{entry_kind::change, 0, shared_bytes::copy_of("x")};
    BOOST_CHECK(engine.propose({&garbage, 1}) == errc::truncated);
    BOOST_CHECK(engine.apply_change(change_of({one_change(change_kind::add_voter, 2)})).error() ==
                errc::invalid_membership);
    BOOST_TEST(engine.apply_change(change_of({one_change(change_kind::add_learner, 2)}))
                   .value()
                   .learners.contains(node_id(2)));
}

BOOST_AUTO_TEST_CASE(it_compacts_what_is_applied) {
    solo engine = fresh();
    for (int i = 0; i < 4; ++i) {
        BOOST_TEST(!propose(engine, "x"));
    }
    engine.on_stable(*engine.take_effects().stable);
    BOOST_CHECK(engine.compact(log_index(2)) == errc::index_unavailable);
    engine.on_applied(*engine.take_effects().applied);
    BOOST_TEST(!engine.compact(log_index(2)));
    BOOST_TEST(engine.status().first == log_index(3));
}

BOOST_AUTO_TEST_SUITE_END()
