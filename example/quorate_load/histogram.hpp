// Latencies counted in buckets whose width is below one percent of what they hold.
#ifndef QUORATE_LOAD_HISTOGRAM_HPP
#define QUORATE_LOAD_HISTOGRAM_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate_load {

/// Its size is fixed, whatever is recorded. What lasted over an hour counts in the last bucket.
class histogram {
public:
    using duration = std::chrono::nanoseconds;

    histogram() : counts_(bucket_count) {}

    /// Complexity: constant.
    void record(duration latency);
    /// Adds all that `other` has recorded.
    void merge(const histogram& other);

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] duration fastest() const { return fastest_; }
    [[nodiscard]] duration slowest() const { return slowest_; }
    /// Returns: nanoseconds; 0 when nothing was recorded.
    [[nodiscard]] double mean() const;
    /// Returns: the population's standard deviation in nanoseconds.
    [[nodiscard]] double deviation() const;
    /// Returns: what `percent` of the latencies do not exceed, at most 0.8 % too much.
    [[nodiscard]] duration percentile(double percent) const;

    struct row {
        duration below;
        std::uint64_t count;
    };
    /// Returns: one row per power of two of microseconds, from the first to the last with a count.
    [[nodiscard]] std::vector<row> rows() const;

private:
    static constexpr unsigned precision_bits = 7; ///< 128 buckets for each power of two
    static constexpr unsigned value_bits = 42;    ///< 2^42 ns are 73 minutes
    static constexpr std::size_t bucket_count = std::size_t{value_bits - precision_bits + 1}
                                                << precision_bits;

    static std::size_t bucket_of(std::uint64_t value);
    static std::uint64_t last_of(std::size_t bucket);

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    duration fastest_{0};
    duration slowest_{0};
    // Welford's running moments: a sum of squares would lose what matters.
    double mean_ = 0;
    double squares_ = 0;
};

} // namespace quorate_load

#endif
