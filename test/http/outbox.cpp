#include <quorate/http/outbox.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace quorate;
using http::detail::outbox;

namespace {

/// Takes all that is in flight, at most `step` bytes at once.
std::string drain(outbox& box, std::size_t step) {
    std::string all;
    while (box.in_flight()) {
        const auto first = box.flight().front();
        const std::size_t size = std::min(step, first.size());
        all.append(static_cast<const char*>(first.data()), size);
        box.consume(size);
    }
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(outboxes)

BOOST_AUTO_TEST_CASE(keeps_the_order) {
    const auto small = shared_bytes::copy_of("small");
    const auto large = shared_bytes::copy_of(std::string(5000, 'x'));
    for (const std::size_t step : {1U, 7U, 5000U, 100000U}) {
        outbox box;
        BOOST_TEST(box.is_empty());
        box.text() += "one ";
        box.append(small);
        box.text() += " two ";
        box.append(large);
        box.append(large);
        box.text() += " three";
        BOOST_TEST(box.waiting_bytes() == 4U + 5 + 5 + 5000 + 5000 + 6);
        box.launch();
        BOOST_TEST(box.waiting_bytes() == 0U);
        BOOST_TEST(box.unsent_bytes() == 4U + 5 + 5 + 5000 + 5000 + 6);
        BOOST_TEST(!box.is_empty());
        box.consume(6);
        BOOST_TEST(box.unsent_bytes() == 4U + 5 + 5 + 5000 + 5000);
        box.text() += "next";
        BOOST_TEST(box.unsent_bytes() == 4U + 5 + 5 + 5000 + 5000 + 4);
        BOOST_TEST("one sm" + drain(box, step) ==
                   "one small two " + std::string(10000, 'x') + " three");
        box.launch();
        BOOST_TEST(drain(box, step) == "next");
        BOOST_TEST(box.is_empty());
    }
}

BOOST_AUTO_TEST_CASE(large_bodies_are_shared_and_let_go) {
    auto large = shared_bytes::copy_of(std::string(5000, 'x'));
    const char* place = large.data();
    outbox box;
    box.append(large);
    box.launch();
    BOOST_TEST_REQUIRE(box.flight().size() == 1U);
    BOOST_TEST(box.flight()[0].data() == static_cast<const void*>(place));
    box.consume(4000);
    BOOST_TEST(box.flight()[0].size() == 1000U);
    box.consume(1000);
    BOOST_TEST(box.is_empty());
}

BOOST_AUTO_TEST_CASE(consume_crosses_buffers) {
    outbox box;
    box.text() = "head";
    box.append(shared_bytes::copy_of(std::string(2000, 'b')));
    box.text() += "tail";
    box.launch();
    BOOST_TEST(box.flight().size() == 3U);
    box.consume(4 + 2000 + 1);
    BOOST_TEST_REQUIRE(box.flight().size() == 1U);
    BOOST_TEST(drain(box, 10) == "ail");
}

BOOST_AUTO_TEST_SUITE_END()
