#include <quorate/server/storage_queue.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(storage_queue)

namespace {

using quorate::log_index;
using quorate::stable_mark;
using quorate::staged_batch;
using quorate::term_id;

staged_batch batch(std::uint64_t index, bool needs_sync) {
    return {.after_sync = {},
            .stable = stable_mark{term_id(1), {term_id(1), log_index(index)}, log_index()},
            .install = nullptr,
            .needs_sync = needs_sync};
}

std::uint64_t index_of(const staged_batch& staged) {
    return staged.stable->last.index.value();
}

quorate::snapshot_ptr snapshot_at(std::uint64_t index) {
    auto snap = std::make_shared<quorate::snapshot>();
    snap->last = {term_id(1), log_index(index)};
    return snap;
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_waits_in_a_new_one) {
    quorate::storage_queue queue;
    BOOST_TEST(queue.empty());
    BOOST_TEST(!queue.busy());
    BOOST_TEST(!queue.wants_sync());
    BOOST_TEST(!queue.take_free().has_value());
}

BOOST_AUTO_TEST_CASE(without_a_sync_before_it_a_free_batch_leaves_at_once) {
    quorate::storage_queue queue;
    queue.push(batch(1, false));
    queue.push(batch(2, false));
    queue.push(batch(3, true));
    queue.push(batch(4, false));
    BOOST_TEST(index_of(queue.take_free().value()) == 1u);
    BOOST_TEST(index_of(queue.take_free().value()) == 2u);
    BOOST_TEST(!queue.take_free().has_value());
    BOOST_TEST(queue.wants_sync());
}

BOOST_AUTO_TEST_CASE(one_sync_covers_all_that_wait) {
    quorate::storage_queue queue;
    queue.push(batch(1, true));
    queue.push(batch(2, false));
    queue.push(batch(3, true));
    BOOST_TEST(queue.begin() == nullptr);
    BOOST_TEST(queue.busy());
    queue.push(batch(4, false)); // behind those under way
    queue.push(batch(5, true));
    BOOST_TEST(!queue.wants_sync());
    BOOST_TEST(!queue.take_free().has_value());
    const auto done = queue.finish();
    BOOST_REQUIRE(done.size() == 3u);
    for (std::size_t i = 0; i < done.size(); ++i) {
        BOOST_TEST(index_of(done[i]) == i + 1);
    }
    BOOST_TEST(!queue.busy());
    BOOST_TEST(!queue.empty());
    BOOST_TEST(index_of(queue.take_free().value()) == 4u);
    queue.begin();
    BOOST_TEST(queue.finish().size() == 1u);
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(the_newest_snapshot_among_them_is_saved_first) {
    quorate::storage_queue queue;
    for (std::uint64_t index : {5U, 9U}) {
        staged_batch staged = batch(index, true);
        staged.install = snapshot_at(index);
        queue.push(std::move(staged));
    }
    queue.push(batch(10, true));
    const quorate::snapshot_ptr saved = queue.begin();
    BOOST_REQUIRE(saved != nullptr);
    BOOST_TEST(saved->last.index == log_index(9));
}

BOOST_AUTO_TEST_SUITE_END()
