#include <quorate/http/exchange.hpp>

#include <boost/test/unit_test.hpp>

#include <type_traits>
#include <vector>

using namespace quorate;
using namespace quorate::http;

namespace {

struct recorder final : http::detail::exchange_owner {
    void answer(http::detail::exchange_slot&, response&& r) override {
        got.push_back(std::move(r));
    }
    bool is_open() const noexcept override { return open; }
    std::vector<response> got;
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
    owner->open = false;
    BOOST_TEST(!x.is_open());
    x.respond({.status = 204});
    BOOST_TEST(x.is_answered());
    BOOST_TEST(!x.is_open());
    BOOST_TEST(owner->got.size() == 1U);
    BOOST_TEST(owner->got[0].status == 204U);
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

BOOST_AUTO_TEST_CASE(second_answer_and_odd_status_are_programmer_errors) {
    const auto before = set_assertion_handler([](const assertion_failure&) { throw thrown{}; });
    const boost::intrusive_ptr<recorder> owner(new recorder);
    http::detail::exchange_slot slot;
    exchange x(owner, slot);
    BOOST_CHECK_THROW(x.respond({.status = 199}), thrown);
    BOOST_CHECK_THROW(x.respond({.status = 600}), thrown);
    x.respond({.status = 599});
    BOOST_CHECK_THROW(x.respond({}), thrown);
    set_assertion_handler(before);
    BOOST_TEST(owner->got.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
