// Limit for log lines of one kind, so that a peer cannot fill a disk with them.
// Flow:       none
// In / Out:   times at which there is something to log → whether to log it, and how much was left
// out Threads:    none (the owner's)
#ifndef QUORATE_SERVER_LINE_LIMIT_HPP
#define QUORATE_SERVER_LINE_LIMIT_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace quorate {

/// At most `lines` in each interval; an interval begins with its first line.
class line_limit {
public:
    using clock = std::chrono::steady_clock;

    line_limit(std::uint32_t lines, clock::duration interval) noexcept
        : lines_(lines), interval_(interval) {}

    /// Returns: whether a line may be logged at `now`; it is counted otherwise.
    [[nodiscard]] bool admit(clock::time_point now) noexcept {
        if (logged_ == 0 || now - began_ >= interval_) {
            began_ = now;
            logged_ = 0;
        }
        if (logged_ < lines_) {
            ++logged_;
            return true;
        }
        ++left_out_;
        return false;
    }
    /// Returns: an end for the line that was admitted: how many were left out before it, if any.
    /// Effects: begins to count anew.
    [[nodiscard]] std::string left_out() {
        const std::uint64_t count = std::exchange(left_out_, 0);
        return count == 0 ? std::string()
                          : "; " + std::to_string(count) + " more lines like this were left out";
    }

private:
    std::uint32_t lines_;
    clock::duration interval_;
    clock::time_point began_{};
    std::uint32_t logged_ = 0;
    std::uint64_t left_out_ = 0;
};

} // namespace quorate

#endif
