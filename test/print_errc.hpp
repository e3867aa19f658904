// How a failed check shows an errc: by its name.
// Flow:    none
#ifndef QUORATE_TEST_PRINT_ERRC_HPP
#define QUORATE_TEST_PRINT_ERRC_HPP

#include <quorate/base/error.hpp>

#include <ostream>

namespace quorate {

inline std::ostream& boost_test_print_type(std::ostream& out, errc code) {
    return out << name_of(code);
}

} // namespace quorate

#endif
