// What several tests of the store need.
// Flow:    none
#ifndef QUORATE_TEST_STORE_SUPPORT_HPP
#define QUORATE_TEST_STORE_SUPPORT_HPP

#include <quorate/base/assert.hpp>

#include <stdexcept>
#include <string>

namespace quorate_test {

struct assertion_thrown : std::logic_error {
    using std::logic_error::logic_error;
};

/// While it lives, a failed assertion throws instead of ending the process.
class throwing_assertions {
public:
    throwing_assertions() : before_(quorate::set_assertion_handler(&raise)) {}
    throwing_assertions(const throwing_assertions&) = delete;
    throwing_assertions& operator=(const throwing_assertions&) = delete;
    ~throwing_assertions() { quorate::set_assertion_handler(before_); }

private:
    [[noreturn]] static void raise(const quorate::assertion_failure& failure) {
        throw assertion_thrown(failure.expression);
    }
    quorate::assertion_handler before_;
};

} // namespace quorate_test

#endif
