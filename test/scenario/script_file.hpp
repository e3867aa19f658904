// A file of directives with expected outputs: reading, and writing new expectations back.
// Flow:       none
// In / Out:   text → cases
// Invariants: a file that is written back differs in its expected outputs only
// Source:     the "datadriven" layout of test files; doc/scenario.md
#ifndef QUORATE_TEST_SCENARIO_SCRIPT_FILE_HPP
#define QUORATE_TEST_SCENARIO_SCRIPT_FILE_HPP

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::scenario {

/// The script itself is wrong, so that nothing after this place can be trusted.
class script_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A directive cannot do what it says; the text is its output.
class command_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// `key`, `key=value` or `key=(value, value)`.
struct argument {
    std::string key;
    std::vector<std::string> values; ///< Empty: no `=` was given.

    [[nodiscard]] bool bare() const noexcept { return values.empty(); }
};

/// One directive with its input and what it must print.
struct script_case {
    std::size_t line = 0; ///< Of the directive; the first line of a file is 1.
    std::string directive;
    std::string command;
    std::vector<argument> arguments;
    std::string input;
    std::string expected;
    std::size_t expected_begin = 0; ///< Lines [begin, end) of the file, counted from zero.
    std::size_t expected_end = 0;
};

struct script_file {
    std::vector<std::string> lines; ///< Without line ends.
    std::vector<script_case> cases;
};

/// Errors: throws script_error, its text starting with the line.
[[nodiscard]] script_file parse_script(std::string_view text);

/// Effects: splits a directive into `command` and `arguments`. Errors: throws script_error.
void parse_directive(std::string_view directive, script_case& into);

/// Returns: the file's text with `outputs[i]` as the expectation of case i.
/// Requires: one output per case; each empty or ending in a line feed.
[[nodiscard]] std::string rewrite_script(const script_file& file,
                                         const std::vector<std::string>& outputs);

/// Errors: throws script_error for anything but a decimal number in range.
[[nodiscard]] std::uint64_t to_number(std::string_view text);
[[nodiscard]] std::uint32_t to_number_32(std::string_view text);
/// Takes 1, t, T, TRUE, true, True and their opposites. Errors: throws script_error.
[[nodiscard]] bool to_bool(std::string_view text);

/// Returns: the views between blanks and line feeds.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);

} // namespace quorate::scenario

#endif
