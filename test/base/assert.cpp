#include <quorate/base/assert.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

using namespace quorate;

namespace {

struct caught {
    std::string expression;
    std::string file;
    unsigned line;
};

[[noreturn]] void throw_caught(const assertion_failure& failure) {
    throw caught{failure.expression, failure.where.file_name(),
                 static_cast<unsigned>(failure.where.line())};
}

struct throwing_handler {
    throwing_handler() : before(set_assertion_handler(&throw_caught)) {}
    ~throwing_handler() { set_assertion_handler(before); }

    assertion_handler before;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(asserts, throwing_handler)

BOOST_AUTO_TEST_CASE(true_does_nothing) {
    int evaluated = 0;
    QUORATE_ASSERT(++evaluated == 1);
    BOOST_TEST(evaluated == 1);
}

BOOST_AUTO_TEST_CASE(false_calls_the_handler_with_its_place) {
    const auto line = static_cast<unsigned>(__LINE__) + 2;
    try {
        QUORATE_ASSERT(1 + 1 == 3);
        BOOST_FAIL("the handler was not called");
    } catch (const caught& failure) {
        BOOST_TEST(failure.expression == "1 + 1 == 3");
        BOOST_TEST(failure.file == __FILE__);
        BOOST_TEST(failure.line == line);
    }
}

BOOST_AUTO_TEST_CASE(commas_belong_to_the_condition) {
    BOOST_CHECK_THROW(QUORATE_ASSERT(std::pair<int, int>(1, 2).first == 2), caught);
}

BOOST_AUTO_TEST_CASE(audits_are_on_in_tests) {
    BOOST_CHECK_THROW(QUORATE_AUDIT(false), caught);
}

BOOST_AUTO_TEST_CASE(debug_assertions_follow_the_build) {
    int evaluated = 0;
    QUORATE_DEBUG_ASSERT(++evaluated == 1);
#if defined(NDEBUG)
    BOOST_TEST(evaluated == 0);
    QUORATE_DEBUG_ASSERT(false);
#else
    BOOST_TEST(evaluated == 1);
    BOOST_CHECK_THROW(QUORATE_DEBUG_ASSERT(false), caught);
#endif
}

BOOST_AUTO_TEST_CASE(replacing_returns_the_one_before) {
    const assertion_handler other = [](const assertion_failure&) {};
    BOOST_TEST((set_assertion_handler(other) == &throw_caught));
    BOOST_TEST((set_assertion_handler(&throw_caught) == other));
}

BOOST_AUTO_TEST_SUITE_END()
