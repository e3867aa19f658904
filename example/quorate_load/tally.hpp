// What a run has counted: latencies, failures and wrong answers.
#ifndef QUORATE_LOAD_TALLY_HPP
#define QUORATE_LOAD_TALLY_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "histogram.hpp"

namespace quorate_load {

using steady = std::chrono::steady_clock;

/// Bounded: the names of failures and wrong answers are few, and few wrong answers are described.
struct tally {
    static constexpr std::size_t descriptions_max = 5;

    histogram puts;
    histogram gets;
    std::uint64_t absent = 0; ///< GETs of keys that were not there, which may be right
    std::map<std::string, std::uint64_t> errors;
    std::map<std::string, std::uint64_t> violations;
    std::vector<std::string> descriptions; ///< of the first violations
    steady::time_point first = steady::time_point::max();
    steady::time_point last = steady::time_point::min();

    void merge(const tally& other);
    /// Adds only the wrong answers, for phases that are not measured.
    void merge_violations(const tally& other);

    [[nodiscard]] std::uint64_t successes() const { return puts.count() + gets.count(); }
    [[nodiscard]] std::uint64_t failures() const;
    [[nodiscard]] std::uint64_t wrong() const;
    /// Returns: seconds from the first request to the last answer.
    [[nodiscard]] double seconds() const;
};

} // namespace quorate_load

#endif
