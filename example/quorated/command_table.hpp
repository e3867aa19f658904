// The subcommands of quorated: each has a name, a line about itself and a function that runs it.
#ifndef QUORATED_COMMAND_TABLE_HPP
#define QUORATED_COMMAND_TABLE_HPP

#include <span>

namespace quorated {

/// Exit statuses that all subcommands share.
inline constexpr int exit_well = 0;
inline constexpr int exit_damaged = 1; ///< Something is wrong with what was looked at.
inline constexpr int exit_usage = 2;   ///< The command line is wrong, or there is nothing to do.

struct subcommand {
    const char* name;
    const char* summary; ///< One line for the list.
    /// Given what follows the name. Returns: the exit status.
    int (*run)(std::span<const char* const> arguments);
};

int serve(std::span<const char* const> arguments);
/// Returns: whether an environment variable gives a flag of `serve`.
bool environment_has_flags();
int verify(std::span<const char* const> arguments);
int dump(std::span<const char* const> arguments);
int snapshot(std::span<const char* const> arguments);

} // namespace quorated

#endif
