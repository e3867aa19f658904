// The front of a snapshot of the key-value machine: alarms and leases, ahead of the rows.
// Flow:       beside 11 to 13; see format/state.hpp for what follows
// In / Out:   alarms and leases ↔ bytes
// Invariants: the same alarms and leases give the same bytes
// Source:     doc/format.md, "Machine state"
// Threads:    none
#ifndef QUORATE_FORMAT_MACHINE_STATE_HPP
#define QUORATE_FORMAT_MACHINE_STATE_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/alarm_request.hpp>
#include <quorate/command/lease_request.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate {

inline constexpr std::uint32_t machine_magic = 0x4d765251; // "QRvM" on disk
inline constexpr std::uint16_t machine_version = 1;
inline constexpr std::size_t machine_header_bytes = 40;
inline constexpr std::size_t machine_alarm_bytes = 16;
inline constexpr std::size_t machine_lease_bytes = 32;
/// Most alarms at a time: many more than members, so that a mistaken client does not fill memory.
inline constexpr std::size_t alarms_max = 1024;

/// One lease. Units: seconds.
struct lease_record {
    lease_id id{};
    std::uint64_t ttl = 0;
    std::uint64_t remaining = 0; ///< At the last checkpoint.
    std::uint64_t serial = 0;    ///< Which grant made it, from one.

    friend bool operator==(const lease_record&, const lease_record&) noexcept = default;
};

struct machine_state {
    std::vector<raised_alarm> alarms{}; ///< Ascending.
    std::vector<lease_record> leases{}; ///< By ascending id.
    std::uint64_t lease_epoch = 0;      ///< The term of the leader that took them over last.
    std::uint64_t grants = 0;           ///< How many leases there ever were.

    friend bool operator==(const machine_state&, const machine_state&) noexcept = default;
};

/// Complexity: one allocation.
[[nodiscard]] QUORATE_DECL shared_bytes encode_machine_state(const machine_state& state);
/// Effects: reads one, and no more. Whether it ascends, and what it means, the caller checks.
/// Allocates as bytes come, whatever they say.
/// Errors: truncated, corrupt, unsupported_version, too_large over alarms_max, or of the reader.
[[nodiscard]] QUORATE_DECL result<machine_state> take_machine_state(bulk_reader& bytes);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/machine_state.ipp>
#endif

#endif
