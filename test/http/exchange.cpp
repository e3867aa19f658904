#include <quorate/http/exchange.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace quorate;
using namespace quorate::http;

namespace {

struct recorder final : http::detail::exchange_owner {
    void answer(http::detail::exchange_slot&, response&& r) override {
        got.push_back(std::move(r));
    }
    bool is_open() const noexcept override { return open; }
    void watch(http::detail::exchange_slot&) override { text.append("<watch>"); }
    const peer_identity& peer() const noexcept override { return client; }
    boost::intrusive_ptr<http::detail::stream_state> begin_stream(http::detail::exchange_slot& slot,
                                                                  response&& head) override {
        got.push_back(std::move(head));
        boost::intrusive_ptr<http::detail::stream_state> state(new http::detail::stream_state);
        if (open) {
            state->owner = this;
            state->slot = &slot;
        }
        return state;
    }
    void write(http::detail::stream_state&, shared_bytes&& piece) override {
        text.append(piece.view());
    }
    void write(http::detail::stream_state&, byte_view piece) override { text.append(piece); }
    void end(http::detail::stream_state& stream) override {
        stream.slot = nullptr;
        text.append("<end>");
    }
    void cut(http::detail::stream_state& stream) noexcept override {
        stream.slot = nullptr;
        text.append("<cut>");
    }
    std::size_t waiting_bytes(const http::detail::stream_state&) const noexcept override {
        return text.size();
    }
    void tell(http::detail::stream_state&) override { text.append("<tell>"); }

    peer_identity client{.address = "192.0.2.1:7"};
    std::vector<response> got;
    std::string text;
    bool open = true;
};

struct thrown {};

} // namespace

BOOST_AUTO_TEST_SUITE(exchanges)

BOOST_AUTO_TEST_CASE(carries_request_and_response) {
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot slot{.request = {.method = "GET", .target = "/a"}};
    exchange x(owner, slot);
    BOOST_TEST(x.request().target == "/a");
    BOOST_TEST(x.is_open());
    BOOST_TEST(x.peer().address == "192.0.2.1:7");
    owner->open = false;
    BOOST_TEST(!x.is_open());
    x.respond({.status = 204});
    BOOST_TEST(x.is_answered());
    BOOST_TEST(!x.is_open());
    BOOST_TEST(owner->got.size() == 1U);
    BOOST_TEST(owner->got[0].status == 204U);
}

BOOST_AUTO_TEST_CASE(asks_its_owner_to_watch) {
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot slot;
    exchange x(owner, slot);
    x.on_left({});
    BOOST_TEST(owner->text.empty());
    int left = 0;
    x.on_left([&] { ++left; });
    BOOST_TEST(owner->text == "<watch>");
    slot.on_left();
    BOOST_TEST(left == 1);
    x.respond({});
}

BOOST_AUTO_TEST_CASE(dropped_answers_500) {
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot slot;
    { const exchange x(owner, slot); }
    BOOST_TEST(owner->got.size() == 1U);
    BOOST_TEST(owner->got[0].status == 500U);
    BOOST_TEST(owner->got[0].body.view() == "Internal Server Error\n");
}

BOOST_AUTO_TEST_CASE(moves_and_answers_once) {
    static_assert(!std::is_copy_constructible_v<exchange>);
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot first;
    http::detail::exchange_slot second;
    {
        exchange a(owner, first);
        exchange b(owner, second);
        a = std::move(b);
        BOOST_TEST(owner->got.size() == 1U); // What was assigned over is dropped.
        BOOST_TEST(b.is_answered());
        a.respond({.status = 201});
    }
    BOOST_TEST(owner->got.size() == 2U);
    BOOST_TEST(owner->got[1].status == 201U);
}

BOOST_AUTO_TEST_CASE(a_stream_forwards_until_it_ends) {
    static_assert(!std::is_copy_constructible_v<response_stream>);
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot slot;
    exchange x(owner, slot);
    response_stream s = x.stream({.status = 201});
    BOOST_TEST(x.is_answered());
    BOOST_TEST(owner->got[0].status == 201U);
    s.write("a");
    s.write(std::string("b"));
    s.write(shared_bytes::copy_of("c"));
    BOOST_TEST(s.waiting_bytes() == 3U);
    response_stream moved = std::move(s);
    BOOST_TEST(!s.is_open());
    BOOST_TEST(moved.is_open());
    moved.end();
    BOOST_TEST(!moved.is_open());
    BOOST_TEST(moved.waiting_bytes() == 0U);
    moved.write("never");
    moved.end();
    BOOST_TEST(owner->text == "abc<end>");
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_dropped_is_cut) {
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot first;
    http::detail::exchange_slot second;
    {
        response_stream s = exchange(owner, first).stream({});
        s = exchange(owner, second).stream({});
        BOOST_TEST(owner->text == "<cut>"); // What was assigned over is dropped.
        s = response_stream();
    }
    BOOST_TEST(owner->text == "<cut><cut>");
}

BOOST_AUTO_TEST_CASE(a_stream_of_nobody_takes_everything_and_tells) {
    const boost::intrusive_ptr<recorder> owner(new recorder);
    owner->open = false;
    http::detail::exchange_slot slot;
    response_stream s = exchange(owner, slot).stream({});
    BOOST_TEST(!s.is_open());
    s.write("a");
    s.on_room([] {});
    s.end();
    BOOST_TEST(owner->text.empty());
    response_stream none;
    none.write("a");
    none.on_closed([] {});
    none.end();
    BOOST_TEST(!none.is_open());
}

BOOST_AUTO_TEST_CASE(second_answer_and_odd_status_are_programmer_errors) {
    const auto before = set_assertion_handler([](const assertion_failure&) { throw thrown{}; });
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot slot;
    exchange x(owner, slot);
    BOOST_CHECK_THROW(x.respond({.status = 199}), thrown);
    BOOST_CHECK_THROW(x.respond({.status = 600}), thrown);
    x.respond({.status = 599});
    BOOST_CHECK_THROW(x.respond({}), thrown);
    BOOST_CHECK_THROW(static_cast<void>(x.stream({})), thrown);
    exchange y(owner, slot);
    BOOST_CHECK_THROW(static_cast<void>(y.stream({.status = 204})), thrown);
    BOOST_CHECK_THROW(static_cast<void>(y.stream({.status = 100})), thrown);
    y.respond({});
    set_assertion_handler(before);
    BOOST_TEST(owner->got.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
