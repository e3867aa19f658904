// Whether a request makes sense by itself, before anybody looks at the store.
// Flow:       1. HTTP bytes → request, checked once, here
// In / Out:   request → error_code
// Invariants: `check` depends on nothing but the request, so that every member applies alike; the
//             limits of `validate` may differ between members and are looked at in admission only
// Threads:    none
#ifndef QUORATE_COMMAND_VALIDATE_HPP
#define QUORATE_COMMAND_VALIDATE_HPP

#include <quorate/base/error.hpp>
#include <quorate/command/request.hpp>

#include <cstdint>
#include <variant>

namespace quorate {

struct command_limits {
    /// Most bytes that keys and values of one request may have together. The default is etcd's.
    std::uint64_t request_bytes_max = 1536 * 1024;
};

/// Errors: key_empty.
[[nodiscard]] inline error_code check(const put& asked) noexcept {
    return asked.key.empty() ? make_error_code(errc::key_empty) : error_code();
}
/// Errors: key_empty.
[[nodiscard]] inline error_code check(const range& asked) noexcept {
    return asked.key.empty() ? make_error_code(errc::key_empty) : error_code();
}
/// Errors: key_empty.
[[nodiscard]] inline error_code check(const delete_range& asked) noexcept {
    return asked.key.empty() ? make_error_code(errc::key_empty) : error_code();
}
/// Errors: none. What a revision is worth only the store can say.
[[nodiscard]] inline error_code check(const compact&) noexcept {
    return {};
}
[[nodiscard]] inline error_code check(const request& asked) noexcept {
    return std::visit([](const auto& one) noexcept { return check(one); }, asked);
}

/// Returns: the bytes of keys and values in a request.
[[nodiscard]] inline std::uint64_t payload_bytes(const request& asked) noexcept {
    struct counter {
        std::uint64_t operator()(const put& p) const noexcept {
            return std::uint64_t{p.key.size()} + p.value.size();
        }
        std::uint64_t operator()(const range& r) const noexcept {
            return std::uint64_t{r.key.size()} + r.range_end.size();
        }
        std::uint64_t operator()(const delete_range& d) const noexcept {
            return std::uint64_t{d.key.size()} + d.range_end.size();
        }
        std::uint64_t operator()(const compact&) const noexcept { return 0; }
    };
    return std::visit(counter{}, asked);
}

/// What a front door asks before it proposes.
/// Errors: those of `check`; request_too_large over the limit.
[[nodiscard]] inline error_code validate(const request& asked,
                                         const command_limits& limits = {}) noexcept {
    if (payload_bytes(asked) > limits.request_bytes_max) {
        return errc::request_too_large;
    }
    return check(asked);
}

} // namespace quorate

#endif
