// The estimate of a request's growth of the store, before it is carried out.
// Flow:       1 and 12. request → bytes, for the quota and for the alarm
// In / Out:   request → an upper estimate
// Invariants: depends on nothing but the request, so that every member decides alike
// Source:     etcd's quota; differs: operations of nested transactions count
// Threads:    none
#ifndef QUORATE_COMMAND_COST_HPP
#define QUORATE_COMMAND_COST_HPP

#include <quorate/command/request.hpp>

#include <algorithm>
#include <cstdint>
#include <variant>
#include <vector>

namespace quorate {

/// What a row and a lease cost beside their bytes. Units: bytes. Part of what clients see.
inline constexpr std::uint64_t row_cost = 256;
inline constexpr std::uint64_t lease_cost = 64;

namespace detail {

struct cost_counter {
    std::uint64_t operator()(const put& p) const noexcept {
        return row_cost + p.key.size() + p.value.size();
    }
    std::uint64_t operator()(const lease_grant&) const noexcept { return lease_cost; }
    std::uint64_t operator()(const txn& t) const noexcept {
        return std::max(sum(t.success), sum(t.failure));
    }
    /// What reads, and what takes away: a deletion must be possible when nothing else is.
    template <class Other>
    std::uint64_t operator()(const Other&) const noexcept {
        return 0;
    }

private:
    [[nodiscard]] std::uint64_t sum(const std::vector<txn_op>& branch) const noexcept {
        std::uint64_t cost = 0;
        for (const txn_op& op : branch) {
            cost += std::visit(*this, op.body);
        }
        return cost;
    }
};

} // namespace detail

/// Units: bytes. Returns: of a transaction the more expensive of its branches; zero for what does
/// not grow the store. Complexity: linear in the operations.
[[nodiscard]] inline std::uint64_t cost_of(const request& asked) noexcept {
    return std::visit(detail::cost_counter{}, asked);
}

} // namespace quorate

#endif
