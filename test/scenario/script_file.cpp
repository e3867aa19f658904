// Reads and writes script files.
#include "script_file.hpp"

#include <quorate/base/assert.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace quorate::scenario {
namespace {

constexpr std::string_view separator = "----";
constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        lines.emplace_back(line);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

/// Reads the cases of a file one after the other.
class case_reader {
public:
    explicit case_reader(const std::vector<std::string>& lines) : lines_(lines) {}

    std::optional<script_case> next() {
        script_case read;
        if (!find_directive(read)) {
            return std::nullopt;
        }
        parse_directive(read.directive, read);
        read_input(read);
        read_expected(read);
        return read;
    }
    [[nodiscard]] std::size_t line() const noexcept { return std::min(at_ + 1, lines_.size()); }

private:
    [[nodiscard]] bool is_separator(std::size_t at) const {
        return at < lines_.size() && lines_[at] == separator;
    }

    bool find_directive(script_case& read) {
        for (; at_ < lines_.size(); ++at_) {
            const std::string_view line = trim(lines_[at_]);
            if (line.empty() || line.starts_with('#')) {
                continue;
            }
            read.line = at_ + 1;
            read.directive = line;
            while (read.directive.ends_with('\\') && at_ + 1 < lines_.size()) {
                read.directive.back() = ' ';
                read.directive += trim(lines_[++at_]);
            }
            ++at_;
            return true;
        }
        return false;
    }

    void read_input(script_case& read) {
        std::string input;
        while (at_ < lines_.size() && !is_separator(at_)) {
            input += lines_[at_++];
            input += '\n';
        }
        if (at_ == lines_.size()) {
            throw script_error("directive without a line of four dashes after it");
        }
        ++at_;
        read.input = trim(input);
    }

    void read_expected(script_case& read) {
        read.expected_begin = at_;
        if (is_separator(at_)) {
            read_between_separators(read);
        } else {
            while (at_ < lines_.size() && !trim(lines_[at_]).empty()) {
                read.expected += lines_[at_++];
                read.expected += '\n';
            }
        }
        read.expected_end = at_;
    }

    // Two separators before and after: for expectations that hold blank lines.
    void read_between_separators(script_case& read) {
        ++at_;
        while (!(is_separator(at_) && is_separator(at_ + 1))) {
            if (at_ == lines_.size()) {
                throw script_error("expectation without its two closing lines of four dashes");
            }
            read.expected += lines_[at_++];
            read.expected += '\n';
        }
        at_ += 2;
        if (at_ < lines_.size() && !trim(lines_[at_]).empty()) {
            throw script_error("a blank line must follow the closing lines of four dashes");
        }
    }

    const std::vector<std::string>& lines_;
    std::size_t at_ = 0;
};

/// Walks along a directive.
class cursor {
public:
    explicit cursor(std::string_view text) : rest_(text) {}

    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), size())); }
    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool at(char c) const noexcept { return rest_.starts_with(c); }
    bool take(char c) {
        const bool taken = at(c);
        rest_.remove_prefix(taken ? 1 : 0);
        return taken;
    }
    std::string until(std::string_view stops) {
        const std::string_view word = rest_.substr(0, rest_.find_first_of(stops));
        rest_.remove_prefix(word.size());
        return std::string(word);
    }

    /// Effects: reads `a, (b, c), d)` after its opening parenthesis as three values.
    std::vector<std::string> list() {
        std::vector<std::string> values(1);
        for (int depth = 1;;) {
            if (done()) {
                throw script_error("parenthesis without its closing one");
            }
            const char c = rest_.front();
            rest_.remove_prefix(1);
            depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
            if (depth == 0) {
                return values;
            }
            if (c == ',' && depth == 1) {
                values.emplace_back();
                skip_blanks();
            } else {
                values.back() += c;
            }
        }
    }

private:
    [[nodiscard]] std::size_t size() const noexcept { return rest_.size(); }

    std::string_view rest_;
};

std::string at_line(std::size_t line, const char* text) {
    return "line " + std::to_string(line) + ": " + text;
}

} // namespace

void parse_directive(std::string_view directive, script_case& into) {
    cursor at(directive);
    into.command = at.until(" \t");
    for (at.skip_blanks(); !at.done(); at.skip_blanks()) {
        argument& arg = into.arguments.emplace_back();
        arg.key = at.until(" \t=");
        if (!at.take('=')) {
            continue;
        }
        if (at.take('(')) {
            arg.values = at.list();
        } else {
            arg.values.push_back(at.until(" \t"));
        }
    }
}

script_file parse_script(std::string_view text) {
    script_file file;
    file.lines = split_lines(text);
    case_reader reader(file.lines);
    try {
        while (auto read = reader.next()) {
            file.cases.push_back(std::move(*read));
        }
    } catch (const script_error& error) {
        throw script_error(at_line(reader.line(), error.what()));
    }
    return file;
}

std::string rewrite_script(const script_file& file, const std::vector<std::string>& outputs) {
    QUORATE_ASSERT(outputs.size() == file.cases.size());
    std::string text;
    std::size_t at = 0;
    const auto copy_to = [&](std::size_t end) {
        for (; at < end; ++at) {
            text += file.lines[at];
            text += '\n';
        }
    };
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        copy_to(file.cases[i].expected_begin);
        const std::string& output = outputs[i];
        const bool blank_lines = output.starts_with('\n') || output.starts_with(separator) ||
                                 output.find("\n\n") != std::string::npos;
        if (blank_lines) {
            text.append("----\n").append(output).append("----\n----\n");
        } else {
            text += output;
        }
        at = file.cases[i].expected_end;
    }
    copy_to(file.lines.size());
    return text;
}

std::uint64_t to_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end) {
        throw script_error("not a number: '" + std::string(text) + "'");
    }
    return number;
}

std::uint32_t to_number_32(std::string_view text) {
    const std::uint64_t number = to_number(text);
    if (number > std::numeric_limits<std::uint32_t>::max()) {
        throw script_error("number too large: " + std::string(text));
    }
    return static_cast<std::uint32_t>(number);
}

bool to_bool(std::string_view text) {
    for (std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
        if (text == yes) {
            return true;
        }
    }
    for (std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
        if (text == no) {
            return false;
        }
    }
    throw script_error("neither true nor false: '" + std::string(text) + "'");
}

std::vector<std::string_view> split_words(std::string_view text) {
    std::vector<std::string_view> words;
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        if (text.empty()) {
            return words;
        }
        words.push_back(text.substr(0, text.find_first_of(blanks)));
        text.remove_prefix(words.back().size());
    }
}

} // namespace quorate::scenario
