// The choices to try, and their description.
#ifndef QUORATE_TESTING_IMPL_TEAR_IPP
#define QUORATE_TESTING_IMPL_TEAR_IPP

#include <quorate/testing/tear.hpp>

#include <algorithm>
#include <ostream>
#include <string_view>

namespace quorate::testing {

QUORATE_DECL bool part_choice::operator()(std::uint64_t part) const noexcept {
    switch (which) {
    case none: return false;
    case all: return true;
    case first: return part < number;
    case all_but: return part != number;
    case only: return part == number;
    case even: return part % 2 == 0;
    case odd: return part % 2 == 1;
    case random: break;
    }
    // The finaliser of splitmix64: one bit of it for each part.
    std::uint64_t mixed = number * 0x9e3779b97f4a7c15 + part + 1;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return ((mixed >> 31) & 1) != 0;
}

namespace detail {

/// Returns: choices of which no two pick the same, but for the random ones.
inline std::vector<part_choice> choices(std::uint64_t parts) {
    if (parts == 0) {
        return {{part_choice::none, 0}};
    }
    std::vector<part_choice> chosen{{part_choice::none, 0}, {part_choice::all, 0}};
    for (std::uint64_t i = 1; i < parts; i += 1 + parts / 64) {
        chosen.push_back({part_choice::first, i});
    }
    const std::uint64_t step = 1 + parts / 12;
    for (std::uint64_t i = 0; parts > 2 && i < parts; i += step) {
        if (i + 1 != parts) {
            chosen.push_back({part_choice::all_but, i});
        }
        if (i != 0) {
            chosen.push_back({part_choice::only, i});
        }
    }
    if (parts == 2) {
        chosen.push_back({part_choice::only, 1});
    }
    if (parts > 3) {
        chosen.push_back({part_choice::even, 0});
        chosen.push_back({part_choice::odd, 0});
        chosen.push_back({part_choice::random, 1});
        chosen.push_back({part_choice::random, 2});
    }
    return chosen;
}

/// Adds one choice of bytes with everything that may stand elsewhere, and each kind of size.
inline void add_bytes(std::vector<tear>& tears, part_choice bytes, part_choice names) {
    if (bytes.which == part_choice::all) {
        tears.push_back({bytes, torn_bytes::old, torn_size::follow, names});
        tears.push_back({bytes, torn_bytes::old, torn_size::old, names});
        return;
    }
    for (const torn_bytes rest : {torn_bytes::old, torn_bytes::zeros, torn_bytes::garbage}) {
        tears.push_back({bytes, rest, torn_size::follow, names});
    }
    tears.push_back({bytes, torn_bytes::old, torn_size::grown, names});
}

} // namespace detail

QUORATE_DECL std::vector<tear> all_tears(const tear_size& parts) {
    std::vector<tear> tears;
    const part_choice none{part_choice::none, 0};
    const part_choice all{part_choice::all, 0};
    for (const part_choice names : detail::choices(parts.names)) {
        const bool every = names == none || names == all;
        for (const part_choice bytes : detail::choices(parts.bytes)) {
            const bool extreme = bytes == none || bytes == all;
            if (parts.bytes == 0) {
                tears.push_back({bytes, torn_bytes::old, torn_size::follow, names});
            } else if (every || extreme) {
                detail::add_bytes(tears, bytes, names);
            }
        }
    }
    return tears;
}

QUORATE_DECL std::vector<tear> few_tears(const tear_size& parts) {
    const part_choice none{part_choice::none, 0};
    const part_choice all{part_choice::all, 0};
    std::vector<tear> tears{{none, torn_bytes::old, torn_size::follow, none}};
    if (parts.bytes > 0) {
        const part_choice half{part_choice::first, parts.bytes / 2};
        tears.push_back({all, torn_bytes::old, torn_size::follow, none});
        tears.push_back({half, torn_bytes::garbage, torn_size::follow, all});
        tears.push_back({{part_choice::random, 3}, torn_bytes::old, torn_size::grown, none});
    }
    if (parts.names > 0) {
        tears.push_back({none, torn_bytes::old, torn_size::follow, all});
        tears.push_back({all, torn_bytes::old, torn_size::follow, {part_choice::first, 1}});
    }
    return tears;
}

namespace detail {

inline std::ostream& print(std::ostream& out, const part_choice& choice) {
    constexpr std::string_view names[] = {"none", "all",  "first", "all but",
                                          "only", "even", "odd",   "random"};
    out << names[choice.which];
    const bool counts = choice.which == part_choice::first ||
                        choice.which == part_choice::all_but || choice.which == part_choice::only ||
                        choice.which == part_choice::random;
    return counts ? out << ' ' << choice.number : out;
}

} // namespace detail

QUORATE_DECL std::ostream& operator<<(std::ostream& out, const tear& torn) {
    constexpr std::string_view rests[] = {"old bytes", "zeros", "garbage"};
    constexpr std::string_view sizes[] = {"following", "grown", "old"};
    detail::print(out << "bytes: ", torn.bytes);
    out << ", elsewhere " << rests[static_cast<int>(torn.rest)];
    out << ", size " << sizes[static_cast<int>(torn.size)];
    return detail::print(out << ", names: ", torn.names);
}

} // namespace quorate::testing

#endif
