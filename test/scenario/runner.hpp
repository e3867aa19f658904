// Runs script files and compares what they print with what they expect.
// Flow:       none
// In / Out:   path → passed or what differs
#ifndef QUORATE_TEST_SCENARIO_RUNNER_HPP
#define QUORATE_TEST_SCENARIO_RUNNER_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "session.hpp"

namespace quorate::scenario {

struct run_options {
    bool rewrite = false; ///< Put what is printed in the place of what is expected.
    std::uint64_t seed = 1;
};

struct file_report {
    bool passed = false;
    std::size_t cases = 0; ///< That ran.
    std::string failure;   ///< For people: file, line, directive, expected, actual.
};

/// Returns: the files that the paths name, folders searched recursively and in order of names;
/// hidden files and editors' backups only where a path names them itself.
/// Errors: throws script_error for a path that cannot be read.
[[nodiscard]] std::vector<std::filesystem::path> find_scripts(
    const std::vector<std::filesystem::path>& paths);

/// Effects: runs the file up to its first difference; with `rewrite`, to its end, and writes it.
/// Errors: none are thrown; a wrong script, and an assertion of the engine, are failures.
[[nodiscard]] file_report run_file(const std::filesystem::path& path, const run_options& options);

/// Effects: from now on a failed assertion ends the script that made it fail, not the program.
void install_assertion_handler();

} // namespace quorate::scenario

#endif
