// The source of random bytes that cannot be guessed.
// Flow:    none; salts and tokens
// Threads: any
#ifndef QUORATE_SERVER_RANDOM_SOURCE_HPP
#define QUORATE_SERVER_RANDOM_SOURCE_HPP

#include <quorate/base/error.hpp>

#include <boost/system/error_category.hpp>

#include <sys/random.h>

#include <cerrno>
#include <functional>
#include <span>

namespace quorate {

/// Fills all of the bytes, or fails.
using random_source = std::function<error_code(std::span<char>)>;

/// The operating system's. Blocks only until it has been seeded once after booting.
/// Errors: of the operating system.
[[nodiscard]] inline error_code system_random(std::span<char> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno != EINTR) {
            return {errno, boost::system::system_category()};
        }
        bytes = bytes.subspan(got < 0 ? 0 : static_cast<std::size_t>(got));
    }
    return {};
}

} // namespace quorate

#endif
