// The flags of `quorated serve`: their names, defaults and what becomes of them.
#ifndef QUORATED_FLAG_TABLE_HPP
#define QUORATED_FLAG_TABLE_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quorated {

enum class flag_group : std::uint8_t {
    member,
    clustering,
    security,
    auth,
    monitoring,
    logging,
    experimental,
    unsafe,
    own,
    retired,
};

/// How a value is written. Only what the readers of words and files must know.
enum class flag_kind : std::uint8_t {
    text,
    boolean,  ///< Alone it means true; a value follows after `=` only.
    duration, ///< "1h30m"; in a file also a whole number of nanoseconds.
};

enum class flag_effect : std::uint8_t {
    honoured,
    ignored, ///< Another value than the default is taken with a warning.
    refused, ///< Another value than the default ends the program.
};

struct flag_rule {
    const char* name;
    flag_group group;
    flag_kind kind;
    flag_effect effect;
    const char* otherwise; ///< The default, as it would be written.
    const char* about;     ///< For the help; for ignored and refused ones the reason.
};

/// Returns: all flags, by group.
[[nodiscard]] std::span<const flag_rule> all_flags() noexcept;
/// Takes the names of etcd 3.4, and those that lost their "experimental-" since.
/// Returns: null when there is no such flag.
[[nodiscard]] const flag_rule* find_flag(std::string_view name) noexcept;
/// Returns: what heads the group in the help.
[[nodiscard]] const char* title_of(flag_group group) noexcept;
/// Returns: the help of all flags, by group.
[[nodiscard]] std::string describe_flags();

} // namespace quorated

#endif
