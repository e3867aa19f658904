// The parts of unsynced writes that a power loss leaves on a simulated disk.
// Flow:       none
// In / Out:   how many parts there are → the tears worth trying
// Source:     doc/concept/volume.md
// Threads:    any
#ifndef QUORATE_TESTING_TEAR_HPP
#define QUORATE_TESTING_TEAR_HPP

#include <quorate/base/config.hpp>

#include <cstdint>
#include <iosfwd>
#include <vector>

namespace quorate::testing {

/// Which of some parts, counted from zero in the order in which they were written.
struct part_choice {
    enum kind : std::uint8_t { none, all, first, all_but, only, even, odd, random };
    kind which = none;
    std::uint64_t number = 0; ///< How many come first; which one; the seed.

    [[nodiscard]] bool operator()(std::uint64_t part) const noexcept;
    friend bool operator==(const part_choice&, const part_choice&) noexcept = default;
};

/// What stands where a part was to be written that was not chosen.
enum class torn_bytes : std::uint8_t { old, zeros, garbage };

/// How long a file is that has grown or was cut.
enum class torn_size : std::uint8_t {
    follow, ///< It reaches as far as the chosen parts.
    grown,  ///< All changes of size are there, with zeros where no bytes are.
    old,    ///< None is, and bytes beyond the end are gone.
};

/// What a power loss leaves of everything that was not synced.
struct tear {
    part_choice bytes; ///< Of the sectors of writes, and of changes of size.
    torn_bytes rest = torn_bytes::old;
    torn_size size = torn_size::follow;
    part_choice names; ///< A renaming has two parts: the new name, and the end of the old one.

    friend bool operator==(const tear&, const tear&) noexcept = default;
};

/// Of how many parts a tear can choose.
struct tear_size {
    std::uint64_t bytes = 0;
    std::uint64_t names = 0;
};

/// Returns: tears that differ: nothing, all, each prefix, all but each one, each one alone, every
/// other one, at random; with the old bytes, zeros or garbage elsewhere; with each kind of size;
/// with every such choice of names. Of many parts not every one is left out or left alone: about
/// twelve are, and beyond 64 not every prefix is tried.
[[nodiscard]] std::vector<tear> all_tears(const tear_size& parts);

/// Returns: a handful of the most different ones.
[[nodiscard]] std::vector<tear> few_tears(const tear_size& parts);

/// One line, for messages.
std::ostream& operator<<(std::ostream& out, const tear& torn);

} // namespace quorate::testing

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/testing/impl/tear.ipp>
#endif

#endif
