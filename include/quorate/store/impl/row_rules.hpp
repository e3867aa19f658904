// The possible numbers of a row, from any source.
// Flow:       none
// Threads:    any
#ifndef QUORATE_STORE_IMPL_ROW_RULES_HPP
#define QUORATE_STORE_IMPL_ROW_RULES_HPP

#include <quorate/store/revision.hpp>

#include <cstdint>

namespace quorate {
namespace detail {

/// Far below where a counter could overflow, far above what any store reaches.
inline constexpr std::uint64_t revision_main_max = std::uint64_t{1} << 62;

/// Returns: whether the numbers of a row can be those of a change at that revision.
template <class Row>
[[nodiscard]] bool sound_row(revision at, const Row& one, bool has_value) noexcept {
    if (at.main <= first_revision) {
        return false;
    }
    if (one.version == 0) {
        return one.create_revision == 0 && !one.lease && !has_value;
    }
    // A life of so many changes is at least as many writes old.
    return one.create_revision > first_revision && one.create_revision <= at.main &&
           one.version - 1 <= at.main - one.create_revision &&
           (one.version == 1) == (one.create_revision == at.main);
}

} // namespace detail

} // namespace quorate

#endif
