// The alarms that are raised, and which requests they stop.
// Flow:       12. looked at before a command is carried out
// In / Out:   alarm changes → whether a request may go on
// Invariants: ascending, none twice; the same on every member at the same applied index
// Source:     etcd's alarm store and its capped and corrupt appliers; differs: what nested
//             transactions put counts too
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_ALARM_SET_HPP
#define QUORATE_STORE_ALARM_SET_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/alarm_request.hpp>
#include <quorate/command/cost.hpp>
#include <quorate/command/request.hpp>
#include <quorate/format/machine_state.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

namespace quorate {

class alarm_set {
public:
    /// Effects: raises or clears. Returns: what was asked for, when it is raised now or was cleared
    /// by this; nothing when there was nothing to clear.
    /// Errors: too_large over alarms_max.
    result<std::vector<raised_alarm>> change(const alarm_change& asked) {
        const auto place = std::lower_bound(raised_.begin(), raised_.end(), asked.alarm);
        const bool there = place != raised_.end() && *place == asked.alarm;
        if (!asked.raise && !there) {
            return std::vector<raised_alarm>{};
        }
        if (!asked.raise) {
            raised_.erase(place);
        } else if (!there && raised_.size() >= alarms_max) {
            return errc::too_large;
        } else if (!there) {
            raised_.insert(place, asked.alarm);
        }
        return std::vector<raised_alarm>{asked.alarm};
    }

    /// Effects: becomes what a snapshot holds. Returns: false, and does nothing, unless they
    /// ascend.
    bool restore(std::vector<raised_alarm> alarms) {
        if (std::adjacent_find(alarms.begin(), alarms.end(), std::greater_equal<>()) !=
            alarms.end()) {
            return false;
        }
        raised_ = std::move(alarms);
        return true;
    }

    /// Returns: what is raised, ascending by member.
    [[nodiscard]] const std::vector<raised_alarm>& all() const noexcept { return raised_; }
    [[nodiscard]] bool raised(alarm_kind kind) const noexcept {
        return std::any_of(raised_.begin(), raised_.end(),
                           [kind](const raised_alarm& one) { return one.kind == kind; });
    }

    /// Returns: whether a request may be carried out. Alarms, and what the leases' owner notes,
    /// always may. Errors: cluster_corrupt; space_exceeded for what grows the store.
    /// Complexity: constant without alarms.
    [[nodiscard]] error_code admit(const request& asked) const noexcept {
        if (raised_.empty() || std::holds_alternative<alarm_change>(asked) ||
            std::holds_alternative<lease_checkpoint>(asked) ||
            std::holds_alternative<lease_takeover>(asked)) {
            return {};
        }
        if (raised(alarm_kind::corrupt)) {
            return errc::cluster_corrupt;
        }
        return cost_of(asked) > 0 ? make_error_code(errc::space_exceeded) : error_code();
    }

    friend bool operator==(const alarm_set&, const alarm_set&) noexcept = default;

private:
    std::vector<raised_alarm> raised_;
};

} // namespace quorate

#endif
