// Numbers that a server counts about itself: counters, and histograms with fixed buckets.
// Flow:       beside 0 to 13. what happened → a number, read when somebody asks for it
// In / Out:   increments and observations → values
// Invariants: counting allocates nothing and cannot fail
// Source:     the kinds of Prometheus, and the buckets of etcd's histograms
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_METRICS_HPP
#define QUORATE_SERVER_METRICS_HPP

#include <quorate/base/assert.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace quorate {

/// Only grows.
class counter {
public:
    void add(std::uint64_t more = 1) noexcept { value_ += more; }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0;
};

/// Bounds of buckets, the least first; one more bucket holds what is above them all.
struct buckets {
    static constexpr std::size_t count_max = 24;

    std::array<double, count_max> bounds{};
    std::size_t count = 0;

    /// Returns: `count` bounds, each `factor` times the one before.
    [[nodiscard]] static constexpr buckets exponential(double first, double factor,
                                                       std::size_t count) {
        QUORATE_ASSERT(first > 0 && factor > 1 && count <= count_max);
        buckets out;
        for (out.count = 0; out.count < count; first *= factor) {
            out.bounds[out.count++] = first;
        }
        return out;
    }
    /// Units: seconds. Returns: 1 ms to 8.192 s, of syncs and commits.
    [[nodiscard]] static constexpr buckets of_disk() { return exponential(0.001, 2, 14); }
    /// Units: seconds. Returns: 5 ms to 10 s, of calls.
    [[nodiscard]] static constexpr buckets of_calls() {
        return {{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, 11};
    }
};

/// How often what was observed fell into which bucket.
class histogram {
public:
    constexpr explicit histogram(const buckets& within) : within_(within) {}

    /// Complexity: linear in the buckets below the value, of which there are few.
    void observe(double value) noexcept {
        std::size_t at = 0;
        while (at < within_.count && value > within_.bounds[at]) {
            ++at;
        }
        ++counts_[at];
        ++count_;
        sum_ += value;
    }
    void observe(std::chrono::nanoseconds took) noexcept {
        observe(std::chrono::duration<double>(took).count());
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] double sum() const noexcept { return sum_; }
    [[nodiscard]] std::span<const double> bounds() const noexcept {
        return {within_.bounds.data(), within_.count};
    }
    /// Returns: how many fell into each bucket alone; one more than there are bounds.
    [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept {
        return {counts_.data(), within_.count + 1};
    }

private:
    buckets within_;
    std::array<std::uint64_t, buckets::count_max + 1> counts_{};
    std::uint64_t count_ = 0;
    double sum_ = 0;
};

} // namespace quorate

#endif
