#include "tally.hpp"

#include <algorithm>

namespace quorate_load {
namespace {

std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
    std::uint64_t all = 0;
    for (const auto& [name, count] : counts) {
        all += count;
    }
    return all;
}

} // namespace

void tally::merge(const tally& other) {
    puts.merge(other.puts);
    gets.merge(other.gets);
    absent += other.absent;
    for (const auto& [name, count] : other.errors) {
        errors[name] += count;
    }
    first = std::min(first, other.first);
    last = std::max(last, other.last);
    merge_violations(other);
}

void tally::merge_violations(const tally& other) {
    for (const auto& [name, count] : other.violations) {
        violations[name] += count;
    }
    for (const std::string& one : other.descriptions) {
        if (descriptions.size() < descriptions_max) {
            descriptions.push_back(one);
        }
    }
}

std::uint64_t tally::failures() const {
    return sum(errors);
}

std::uint64_t tally::wrong() const {
    return sum(violations);
}

double tally::seconds() const {
    return first < last ? std::chrono::duration<double>(last - first).count() : 0;
}

} // namespace quorate_load
