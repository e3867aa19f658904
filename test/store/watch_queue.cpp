#include <quorate/store/watch_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(watch_queue_tests)

using namespace quorate;

namespace {

/// Of 100 bytes, as the queue counts.
shared_event event(std::uint64_t write) {
    watch_event made;
    made.kv.key = shared_bytes::copy_of("key4");
    made.kv.value = shared_bytes::copy_of(std::string(64, 'v'));
    made.kv.mod_revision = write;
    return std::make_shared<const watch_event>(std::move(made));
}
std::vector<std::uint64_t> writes_of(const std::vector<shared_event>& events) {
    std::vector<std::uint64_t> writes;
    for (const shared_event& one : events) {
        writes.push_back(one->kv.mod_revision);
    }
    return writes;
}
using writes = std::vector<std::uint64_t>;

struct fixture {
    watch_queue queue;

    void fill(const writes& wanted) {
        for (const std::uint64_t write : wanted) {
            BOOST_REQUIRE(queue.push(event(write), 100000));
        }
    }
    writes take(std::size_t bytes_max, bool fragment, bool part) {
        std::vector<shared_event> into;
        BOOST_TEST(queue.take(into, bytes_max, fragment) == part);
        return writes_of(into);
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(events_are_counted, fixture) {
    BOOST_TEST(event(2)->bytes() == 100u);
    watch_event with_previous = *event(2);
    with_previous.prev_kv = with_previous.kv;
    BOOST_TEST(with_previous.bytes() == 200u);
    fill({2, 3});
    BOOST_TEST(queue.bytes() == 200u);
    BOOST_TEST(queue.front_revision() == 2u);
    BOOST_TEST((take(100, false, false) == writes{2}));
    BOOST_TEST(queue.bytes() == 100u);
    BOOST_TEST((take(100, false, false) == writes{3}));
    BOOST_TEST(queue.empty());
    BOOST_TEST(queue.bytes() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_batch_takes_whole_writes_up_to_its_size, fixture) {
    fill({2, 3, 3, 3, 4, 5});
    BOOST_TEST((take(399, false, false) == writes{2}));
    BOOST_TEST((take(400, false, false) == writes{3, 3, 3, 4}));
    BOOST_TEST((take(1, false, false) == writes{5}));
}

BOOST_FIXTURE_TEST_CASE(a_write_that_is_too_large_goes_whole, fixture) {
    fill({2, 2, 2, 3});
    BOOST_TEST((take(150, false, false) == writes{2, 2, 2}));
    BOOST_TEST((take(150, false, false) == writes{3}));
}

BOOST_FIXTURE_TEST_CASE(or_in_parts_where_that_is_allowed, fixture) {
    fill({2, 2, 2, 2, 2, 3, 4});
    BOOST_TEST((take(200, true, true) == writes{2, 2}));
    BOOST_TEST((take(50, true, true) == writes{2}));
    BOOST_TEST(queue.front_revision() == 2u);
    BOOST_TEST((take(300, true, false) == writes{2, 2, 3}));
    BOOST_TEST((take(300, true, false) == writes{4}));
}

BOOST_FIXTURE_TEST_CASE(whole_writes_go_before_the_parts_of_one, fixture) {
    fill({2, 3, 3, 3});
    BOOST_TEST((take(200, true, false) == writes{2}));
    BOOST_TEST((take(200, true, true) == writes{3, 3}));
    BOOST_TEST((take(200, true, false) == writes{3}));
}

BOOST_FIXTURE_TEST_CASE(what_does_not_fit_is_refused_with_all_of_its_write, fixture) {
    BOOST_TEST(queue.push(event(2), 350));
    BOOST_TEST(queue.push(event(3), 350));
    BOOST_TEST(queue.push(event(3), 350));
    BOOST_TEST(!queue.push(event(3), 350));
    BOOST_TEST(queue.bytes() == 100u);
    BOOST_TEST((take(1000, false, false) == writes{2}));
}

BOOST_FIXTURE_TEST_CASE(one_write_alone_is_taken_whatever_its_size, fixture) {
    BOOST_TEST(queue.push(event(2), 150));
    BOOST_TEST(queue.push(event(2), 150));
    BOOST_TEST(!queue.push(event(3), 150));
    BOOST_TEST((take(1000, false, false) == writes{2, 2}));
    BOOST_TEST(queue.push(event(3), 50));
}

BOOST_FIXTURE_TEST_CASE(many_go_through_a_queue_that_is_never_empty, fixture) {
    fill({2, 3, 4});
    for (std::uint64_t write = 5; write < 1000; ++write) {
        fill({write});
        BOOST_REQUIRE((take(100, false, false) == writes{write - 3}));
        BOOST_REQUIRE(queue.bytes() == 300u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
