// The backend that the store's tests run with; test/lmdb runs them again with its own.
// Flow:    none
#ifndef QUORATE_TEST_STORE_TESTED_BACKEND_HPP
#define QUORATE_TEST_STORE_TESTED_BACKEND_HPP

#include <quorate/store/memory_backend.hpp>

#include <type_traits>

#if !defined(QUORATE_TESTED_BACKEND)
#define QUORATE_TESTED_BACKEND quorate::memory_backend
#endif

namespace quorate_test {

using tested_backend = QUORATE_TESTED_BACKEND;

/// Whether rows are shared from the command on, so that tests can look at addresses.
inline constexpr bool rows_stay_in_memory = std::is_same_v<tested_backend, quorate::memory_backend>;

} // namespace quorate_test

#endif
