// A clock that also runs while the machine sleeps, for promises that others rely on.
// Flow:    none
// Source:  clock_gettime(2), CLOCK_BOOTTIME; steady_clock stands still during a suspend
// Threads: any
#ifndef QUORATE_RUNTIME_BOOT_CLOCK_HPP
#define QUORATE_RUNTIME_BOOT_CLOCK_HPP

#include <chrono>
#include <cstdint>
#include <ctime>

namespace quorate {

/// Returns: microseconds since the machine started; never zero, never less than before.
[[nodiscard]] inline std::uint64_t boot_time() noexcept {
    std::timespec at{};
    if (::clock_gettime(CLOCK_BOOTTIME, &at) == 0) {
        return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000 +
               static_cast<std::uint64_t>(at.tv_nsec) / 1000 + 1;
    }
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
               std::chrono::duration_cast<std::chrono::microseconds>(since).count()) +
           1;
}

} // namespace quorate

#endif
