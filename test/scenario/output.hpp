// The text that a directive prints.
// Flow:       none
// Invariants: nothing is printed at level none
// Source:     the reference's log levels; the lower ones only hid log lines, which do not exist
// here
#ifndef QUORATE_TEST_SCENARIO_OUTPUT_HPP
#define QUORATE_TEST_SCENARIO_OUTPUT_HPP

#include <string>
#include <string_view>
#include <utility>

namespace quorate::scenario {

/// Ascending; a script names them in upper or lower case.
enum class print_level { debug, info, warn, error, fatal, none };

class output {
public:
    [[nodiscard]] bool quiet() const noexcept { return level_ == print_level::none; }
    [[nodiscard]] print_level level() const noexcept { return level_; }
    void set_level(print_level level) noexcept { level_ = level; }

    void write(std::string_view text) {
        if (!quiet()) {
            text_ += text;
        }
    }
    void line(std::string_view text) {
        write(text);
        write("\n");
    }
    /// Effects: runs `action`; two blanks precede each line that it prints.
    template <class Action>
    void indented(Action action) {
        std::string outer = std::exchange(text_, {});
        const auto restore = [&] {
            const std::string inner = std::exchange(text_, std::move(outer));
            indent(inner);
        };
        try {
            action();
        } catch (...) {
            restore();
            throw;
        }
        restore();
    }

    /// Returns: the text so far, and forgets it.
    [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

private:
    void indent(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            write("  ");
            line(text.substr(0, end));
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
    }

    std::string text_;
    print_level level_ = print_level::debug;
};

} // namespace quorate::scenario

#endif
