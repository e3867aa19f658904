// Constant-time comparison.
// Flow:    none; passwords and tokens
// Threads: any
#ifndef QUORATE_SERVER_SECRET_HPP
#define QUORATE_SERVER_SECRET_HPP

#include <quorate/base/bytes.hpp>

#include <cstddef>

namespace quorate {

/// Returns: whether both are the same, after a time that depends on their sizes only.
[[nodiscard]] inline bool same_secret(byte_view a, byte_view b) noexcept {
    if (a.size() != b.size()) {
        return false;
    }
    unsigned char differences = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        differences = static_cast<unsigned char>(differences | (a[i] ^ b[i]));
    }
    // Through a volatile, so that the loop cannot be left early.
    const volatile unsigned char all = differences;
    return all == 0;
}

} // namespace quorate

#endif
