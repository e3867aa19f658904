// A value, or the error in its place.
// Flow:    none
// Source:  Boost.System 1.81; its result is not [[nodiscard]], so functions that return one are
#ifndef QUORATE_BASE_RESULT_HPP
#define QUORATE_BASE_RESULT_HPP

#include <quorate/base/error.hpp>

#include <boost/system/result.hpp>

namespace quorate {

template <class T>
using result = boost::system::result<T, error_code>;

} // namespace quorate

#endif
