// Reads the command line of one subcommand.
#ifndef QUORATED_OPTIONS_HPP
#define QUORATED_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace quorated {

/// What `verify` and `dump` are told.
struct inspect_options {
    std::string directory;
    bool json = false;
    // dump only
    bool values = false;
    std::uint64_t limit = UINT64_MAX;
    std::uint64_t from = 0;
    std::uint64_t to = UINT64_MAX;
};

/// Effects: prints help where it was asked for, or what is wrong.
/// Returns: the options; an exit status in `ended` when there is nothing left to do.
inspect_options parse_inspect(const char* name, const char* about, bool dumps,
                              std::span<const char* const> arguments, std::optional<int>& ended);

} // namespace quorated

#endif
