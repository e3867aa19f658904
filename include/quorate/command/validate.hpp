// Checks of a request by itself, before the store is looked at.
// Flow:       1. HTTP bytes → request, checked once, here
// In / Out:   request → error_code
// Invariants: `check` depends on nothing but the request, so that every member applies alike; the
//             limits of `validate` may differ between members and are looked at in admission only
// Source:     etcd's checks, in their order
// Threads:    none
#ifndef QUORATE_COMMAND_VALIDATE_HPP
#define QUORATE_COMMAND_VALIDATE_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/error.hpp>
#include <quorate/command/request.hpp>

#include <cstddef>
#include <cstdint>
#include <variant>

namespace quorate {

struct command_limits {
    /// Most bytes that keys and values of one request may have together. The default is etcd's.
    std::uint64_t request_bytes_max = 1536 * 1024;
    /// Most conditions, and most operations in either list, of a transaction; all that are nested
    /// in it share what is left of it. The default is etcd's.
    std::size_t txn_ops_max = 128;
};

/// How deep transactions may be nested; the outermost has depth one. Part of the format.
inline constexpr std::size_t txn_depth_max = 128;
/// Most conditions and operations of a transaction and all that are nested in it. Part of what
/// every member decides alike.
inline constexpr std::size_t txn_size_max = 65536;

/// Units: bytes of keys and values, and `reply_row_bytes` for each row. Most that one reply may
/// hold; part of what every member decides alike.
inline constexpr std::uint64_t reply_bytes_max = 64 << 20;
inline constexpr std::uint64_t reply_row_bytes = 64;

/// Errors: key_empty; value_provided or lease_provided with the flag that excludes it.
[[nodiscard]] inline error_code check(const put& asked) noexcept {
    if (asked.key.empty()) {
        return errc::key_empty;
    }
    if (asked.ignore_value && !asked.value.empty()) {
        return errc::value_provided;
    }
    return asked.ignore_lease && asked.lease ? make_error_code(errc::lease_provided) : error_code();
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
/// Errors: lease_not_found without an id; ttl_too_large.
[[nodiscard]] inline error_code check(const lease_grant& asked) noexcept {
    if (!asked.id) {
        return errc::lease_not_found;
    }
    return asked.ttl > lease_ttl_max ? make_error_code(errc::ttl_too_large) : error_code();
}
/// Errors: none. Whether there is such a lease only the store can say.
[[nodiscard]] inline error_code check(const lease_revoke&) noexcept {
    return {};
}
/// Errors: lease_epoch_over without an epoch; too_many_operations over checkpoint_leases_max.
[[nodiscard]] inline error_code check(const lease_checkpoint& asked) noexcept {
    if (asked.epoch == 0) {
        return errc::lease_epoch_over;
    }
    return asked.leases.size() > checkpoint_leases_max ? make_error_code(errc::too_many_operations)
                                                       : error_code();
}
/// Errors: lease_epoch_over without an epoch.
[[nodiscard]] inline error_code check(const lease_takeover& asked) noexcept {
    return asked.epoch == 0 ? make_error_code(errc::lease_epoch_over) : error_code();
}
/// Errors: none. Whether there is such a member the front door can say.
[[nodiscard]] inline error_code check(const alarm_change&) noexcept {
    return {};
}
/// Errors: those of its operations; key_empty for a condition; key_not_found for an operation
/// without a request; too_many_operations over the bounds above; duplicate_key when one branch puts
/// a key twice, or puts one that it deletes. The branches of a nested transaction exclude each
/// other, so both may put a key.
/// Two overlaps are let through, as in etcd: a deletion that goes to the last key, and the deletion
/// of a key that an earlier nested transaction puts.
/// Complexity: n log n in its operations, times the depth of the nesting.
[[nodiscard]] QUORATE_DECL error_code check(const txn& asked);

[[nodiscard]] inline error_code check(const request& asked) {
    return std::visit([](const auto& one) { return quorate::check(one); }, asked);
}

/// Returns: the bytes of keys and values in a request.
[[nodiscard]] QUORATE_DECL std::uint64_t payload_bytes(const request& asked) noexcept;

/// What a front door asks before it proposes.
/// Errors: those of `check`; too_many_operations and request_too_large over the limits.
[[nodiscard]] QUORATE_DECL error_code validate(const request& asked,
                                               const command_limits& limits = {});

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/command/impl/validate.ipp>
#endif

#endif
