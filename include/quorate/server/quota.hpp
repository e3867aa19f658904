// The quota of the store: admission of requests, and the time of the alarm.
// Flow:       1 to 3. request → admitted, or refused and the alarm proposed
// In / Out:   the store's size and a request → error_code
// Invariants: what would not fit is not proposed, so that a refused request is never applied
// Source:     etcd's backend quota; differs: there the write that crosses the line is applied and
//             then refused
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_QUOTA_HPP
#define QUORATE_SERVER_QUOTA_HPP

#include <quorate/base/error.hpp>
#include <quorate/command/alarm_request.hpp>
#include <quorate/command/cost.hpp>
#include <quorate/command/request.hpp>
#include <quorate/store/alarm_set.hpp>

#include <cstdint>

namespace quorate {

/// The default, as etcd's. Units: bytes.
inline constexpr std::uint64_t quota_default = std::uint64_t{2} << 30;

class quota {
public:
    /// `configured`: bytes; zero: the default; less: no limit.
    explicit quota(std::int64_t configured = 0) noexcept
        : limit_(configured == 0  ? quota_default
                 : configured < 0 ? UINT64_MAX
                                  : static_cast<std::uint64_t>(configured)) {}

    /// Units: bytes. Returns: the largest number when there is no limit.
    [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
    /// Returns: whether what costs so much may be added to a store of `used` bytes.
    [[nodiscard]] bool fits(std::uint64_t used, std::uint64_t cost) const noexcept {
        return cost == 0 || limit_ == UINT64_MAX || (used < limit_ && cost < limit_ - used);
    }

    /// What a front door asks before it proposes; `used`: bytes of the store, as this member counts
    /// them. On space_exceeded the owner proposes alarm(), unless it is raised already: then other
    /// members refuse too, and what is on its way is refused when it is applied.
    /// Errors: space_exceeded, and those of the alarms that are raised.
    [[nodiscard]] error_code admit(const request& asked, std::uint64_t used,
                                   const alarm_set& alarms) const noexcept {
        if (const error_code refused = alarms.admit(asked)) {
            return refused;
        }
        return fits(used, cost_of(asked)) ? error_code() : make_error_code(errc::space_exceeded);
    }
    /// Returns: the request that raises a member's alarm.
    [[nodiscard]] static alarm_change alarm(node_id member) noexcept {
        return {{member, alarm_kind::no_space}, true};
    }

private:
    std::uint64_t limit_;
};

} // namespace quorate

#endif
