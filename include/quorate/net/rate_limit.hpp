// So many bytes a tick, whatever the sizes of the parts are.
// Flow:       beside 8; slows snapshots down, nothing else
// Invariants: over any number of ticks no more than their bytes pass, and one part
// Threads:    none (owner's thread)
#ifndef QUORATE_NET_RATE_LIMIT_HPP
#define QUORATE_NET_RATE_LIMIT_HPP

#include <algorithm>
#include <cstdint>

namespace quorate {

/// What is not used in a tick is lost; what was used too much is owed.
class rate_limit {
public:
    /// Units: bytes in a second, milliseconds in a tick. Zero bytes: no limit.
    rate_limit(std::uint64_t bytes_per_second, std::uint32_t tick_ms) noexcept {
        constexpr std::uint64_t bytes_max = std::uint64_t{1} << 40;
        if (bytes_per_second != 0) {
            const std::uint64_t bytes = std::min(bytes_per_second, bytes_max) * tick_ms / 1000;
            per_tick_ = static_cast<std::int64_t>(std::max<std::uint64_t>(bytes, 1));
            credit_ = per_tick_;
        }
    }

    /// Returns: whether the next part may pass, however large it is.
    [[nodiscard]] bool ready() const noexcept { return per_tick_ == 0 || credit_ > 0; }
    void spend(std::uint32_t bytes) noexcept { credit_ -= per_tick_ == 0 ? 0 : bytes; }
    void on_tick() noexcept { credit_ = std::min(credit_ + per_tick_, per_tick_); }

private:
    std::int64_t per_tick_ = 0;
    std::int64_t credit_ = 0;
};

} // namespace quorate

#endif
