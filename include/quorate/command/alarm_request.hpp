// Requests about alarms: conditions of a member that stop requests until a client clears them.
// Flow:       1 and 2. HTTP bytes, or a member's finding → request → command bytes; and 11
// In / Out:   the fields, unchanged
// Invariants: an alarm is raised and cleared through the log, so that all members refuse alike
// Source:     etcd's alarms
// Threads:    none
#ifndef QUORATE_COMMAND_ALARM_REQUEST_HPP
#define QUORATE_COMMAND_ALARM_REQUEST_HPP

#include <quorate/base/ids.hpp>

#include <compare>
#include <cstdint>

namespace quorate {

/// Values are part of the format.
enum class alarm_kind : std::uint8_t {
    no_space = 1, ///< The quota is used up: what grows the store is refused.
    corrupt = 2,  ///< The member's state differs from the others': all of the store is refused.
};

/// An alarm and whose it is.
struct raised_alarm {
    node_id member{}; ///< Zero: of nobody in particular, when no majority agrees.
    alarm_kind kind = alarm_kind::no_space;

    friend auto operator<=>(const raised_alarm&, const raised_alarm&) noexcept = default;
};

/// Raises or clears one alarm. What is so already stays so. Makes no revision.
struct alarm_change {
    raised_alarm alarm{};
    bool raise = false;

    friend bool operator==(const alarm_change&, const alarm_change&) noexcept = default;
};

} // namespace quorate

#endif
