// Three levels of assertion and one replaceable handler.
// Flow:    none
// Threads: the handler may be called from any thread; replace it before the first node starts
#ifndef QUORATE_BASE_ASSERT_HPP
#define QUORATE_BASE_ASSERT_HPP

#include <quorate/base/config.hpp>

#include <boost/assert/source_location.hpp>

#include <cstdio>
#include <cstdlib>

namespace quorate {

/// What a failed assertion knows of itself.
struct assertion_failure {
    const char* expression;
    boost::source_location where; // the standard one is missing with clang 14
};

/// Required behaviour: does not return. Default: prints the expression and its place, then aborts.
using assertion_handler = void (*)(const assertion_failure&);

namespace detail {

[[noreturn]] inline void print_and_abort(const assertion_failure& failure) {
    std::fprintf(stderr, "quorate: assertion failed: %s (%s:%u, %s)\n", failure.expression,
                 failure.where.file_name(), static_cast<unsigned>(failure.where.line()),
                 failure.where.function_name());
    std::abort();
}

inline assertion_handler& current_assertion_handler() noexcept {
    static assertion_handler handler = &print_and_abort;
    return handler;
}

[[noreturn]] inline void assertion_failed(const char* expression,
                                          boost::source_location where = BOOST_CURRENT_LOCATION) {
    current_assertion_handler()({expression, where});
    std::abort();
}

} // namespace detail

/// Replaces the handler. Returns: the one before.
inline assertion_handler set_assertion_handler(assertion_handler handler) noexcept {
    assertion_handler before = detail::current_assertion_handler();
    detail::current_assertion_handler() = handler;
    return before;
}

} // namespace quorate

/// Always on, in release builds too: losing the process beats losing data. O(1) conditions only.
#define QUORATE_ASSERT(...) \
    (static_cast<bool>(__VA_ARGS__) ? void() : ::quorate::detail::assertion_failed(#__VA_ARGS__))

/// For hot container-level checks: on in debug builds only.
#if defined(NDEBUG)
#define QUORATE_DEBUG_ASSERT(...) static_cast<void>(0)
#else
#define QUORATE_DEBUG_ASSERT(...) QUORATE_ASSERT(__VA_ARGS__)
#endif

/// Whole-structure checks, O(n): on where QUORATE_AUDIT_ENABLED is defined (tests, simulation).
#if defined(QUORATE_AUDIT_ENABLED)
#define QUORATE_AUDIT(...) QUORATE_ASSERT(__VA_ARGS__)
#else
#define QUORATE_AUDIT(...) static_cast<void>(0)
#endif

#endif
