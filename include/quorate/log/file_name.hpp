// File names made of two numbers, so that a sorted listing shows the order of the files.
// Flow:       7; names of segments and snapshots
// In / Out:   two numbers ↔ 0123456789abcdef-0123456789abcdef.suffix
// Threads:    any
#ifndef QUORATE_LOG_FILE_NAME_HPP
#define QUORATE_LOG_FILE_NAME_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace quorate {

/// Returns: both numbers with sixteen hexadecimal digits each, a dash between them, the suffix.
[[nodiscard]] inline std::string numbered_name(std::uint64_t first, std::uint64_t second,
                                               std::string_view suffix) {
    constexpr char digits[] = "0123456789abcdef";
    std::string name(33, '-');
    for (std::size_t i = 0; i < 16; ++i) {
        name[15 - i] = digits[(first >> (4 * i)) & 0xf];
        name[32 - i] = digits[(second >> (4 * i)) & 0xf];
    }
    return name.append(suffix);
}

/// Returns: the numbers of a name that `numbered_name` made with this suffix; else nothing.
[[nodiscard]] inline std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_numbered_name(
    std::string_view name, std::string_view suffix) {
    if (name.size() != 33 + suffix.size() || !name.ends_with(suffix)) {
        return {};
    }
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    static_cast<void>(std::from_chars(name.data(), name.data() + 16, first, 16));
    static_cast<void>(std::from_chars(name.data() + 17, name.data() + 33, second, 16));
    // Making the name again refuses whatever is not in the one form: capitals, signs, other dashes.
    if (numbered_name(first, second, suffix) != name) {
        return {};
    }
    return std::pair(first, second);
}

} // namespace quorate

#endif
