#include "histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace quorate_load {

// Below 2^precision_bits every value has a bucket of its own; above, the leading bits name it.
std::size_t histogram::bucket_of(std::uint64_t value) {
    value = std::min(value, (std::uint64_t{1} << value_bits) - 1);
    const auto width = static_cast<unsigned>(std::bit_width(value));
    if (width <= precision_bits) {
        return static_cast<std::size_t>(value);
    }
    const unsigned shift = width - precision_bits - 1;
    return (std::size_t{shift} << precision_bits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t histogram::last_of(std::size_t bucket) {
    constexpr std::size_t half = std::size_t{1} << precision_bits;
    if (bucket < 2 * half) {
        return bucket;
    }
    const std::size_t shift = (bucket >> precision_bits) - 1;
    const std::uint64_t lead = (bucket & (half - 1)) + half;
    return ((lead + 1) << shift) - 1;
}

void histogram::record(duration latency) {
    latency = std::max(latency, duration(0));
    ++counts_[bucket_of(static_cast<std::uint64_t>(latency.count()))];
    fastest_ = count_ == 0 ? latency : std::min(fastest_, latency);
    slowest_ = std::max(slowest_, latency);
    ++count_;
    const auto value = static_cast<double>(latency.count());
    const double from_mean = value - mean_;
    mean_ += from_mean / static_cast<double>(count_);
    squares_ += from_mean * (value - mean_);
}

void histogram::merge(const histogram& other) {
    if (other.count_ == 0) {
        return;
    }
    for (std::size_t i = 0; i < bucket_count; ++i) {
        counts_[i] += other.counts_[i];
    }
    fastest_ = count_ == 0 ? other.fastest_ : std::min(fastest_, other.fastest_);
    slowest_ = std::max(slowest_, other.slowest_);
    const auto left = static_cast<double>(count_);
    const auto right = static_cast<double>(other.count_);
    const double apart = other.mean_ - mean_;
    mean_ += apart * right / (left + right);
    squares_ += other.squares_ + apart * apart * left * right / (left + right);
    count_ += other.count_;
}

double histogram::mean() const {
    return mean_;
}

double histogram::deviation() const {
    return count_ == 0 ? 0 : std::sqrt(squares_ / static_cast<double>(count_));
}

histogram::duration histogram::percentile(double percent) const {
    const double share = std::clamp(percent, 0.0, 100.0) / 100;
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        seen += counts_[i];
        if (seen >= wanted && seen > 0) {
            return std::clamp(duration(static_cast<std::int64_t>(last_of(i))), fastest_, slowest_);
        }
    }
    return slowest_;
}

std::vector<histogram::row> histogram::rows() const {
    std::vector<row> all;
    std::size_t bucket = 0;
    for (std::uint64_t below = 1000; bucket < bucket_count; below *= 2) {
        std::uint64_t count = 0;
        while (bucket < bucket_count && last_of(bucket) < below) {
            count += counts_[bucket++];
        }
        all.push_back({duration(static_cast<std::int64_t>(below)), count});
    }
    const auto empty = [](const row& one) { return one.count == 0; };
    all.erase(std::find_if_not(all.rbegin(), all.rend(), empty).base(), all.end());
    all.erase(all.begin(), std::find_if_not(all.begin(), all.end(), empty));
    return all;
}

} // namespace quorate_load
