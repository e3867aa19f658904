// Writing fields so that no value can break out of its line.
#ifndef QUORATE_SERVER_IMPL_LOG_LINE_IPP
#define QUORATE_SERVER_IMPL_LOG_LINE_IPP

#include <quorate/server/log_line.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <ctime>

namespace quorate {
namespace detail {

/// Returns: how many bytes of valid UTF-8 the text begins with as one character; zero for none.
[[nodiscard]] inline std::size_t character_size(std::string_view text) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned first = byte(0);
    const std::size_t size = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
    if (size > text.size()) {
        return 0;
    }
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xc0) != 0x80) {
            return 0;
        }
    }
    // Longer than need be, surrogates, and beyond the last character.
    const bool wrong =
        size > 2 && ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) ||
                     (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f));
    return wrong ? 0 : size;
}

/// Effects: appends the text; quotes, backslashes, control bytes and what is no UTF-8 escaped.
inline void append_escaped(std::string& out, std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text.front());
        const std::size_t size = character_size(text);
        if (size == 0) {
            out += "\\ufffd";
        } else if (byte == '"' || byte == '\\') {
            out += {'\\', text.front()};
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += {digits[byte >> 4], digits[byte & 15]};
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
}

} // namespace detail

QUORATE_DECL std::string_view name_of(log_level level) noexcept {
    switch (level) {
    case log_level::debug: return "debug";
    case log_level::info: return "info";
    case log_level::warn: return "warn";
    case log_level::error: break;
    }
    return "error";
}

QUORATE_DECL std::string format_time(std::chrono::system_clock::time_point at) {
    using namespace std::chrono;
    const auto micros = floor<microseconds>(at.time_since_epoch());
    const auto whole = floor<seconds>(micros);
    const auto clock = static_cast<std::time_t>(whole.count());
    std::tm parts{};
    ::gmtime_r(&clock, &parts);
    std::array<char, 40> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::string out(text.data(), size);
    const std::string fraction = std::to_string((micros - whole).count());
    return out.append(".").append(6 - fraction.size(), '0').append(fraction).append("Z");
}

QUORATE_DECL log_line::log_line(log_format format, log_level level, std::string_view message,
                                std::chrono::system_clock::time_point at)
    : format_(format) {
    if (format == log_format::json) {
        line_.append("{\"level\":\"").append(name_of(level)).append("\",\"ts\":\"");
        line_.append(format_time(at)).append("\",\"msg\":");
        put_json(message);
    } else {
        line_.append(format_time(at)).append(" ").append(name_of(level)).append(" ");
        detail::append_escaped(line_, message);
    }
}

QUORATE_DECL log_line& log_line::text(std::string_view name, std::string_view value) {
    begin(name);
    format_ == log_format::json ? put_json(value) : put_plain(value);
    return *this;
}

QUORATE_DECL log_line& log_line::number(std::string_view name, std::int64_t value) {
    begin(name);
    line_ += std::to_string(value);
    return *this;
}

QUORATE_DECL log_line& log_line::number(std::string_view name, std::uint64_t value) {
    begin(name);
    line_ += std::to_string(value);
    return *this;
}

QUORATE_DECL log_line& log_line::flag(std::string_view name, bool value) {
    begin(name);
    line_ += value ? "true" : "false";
    return *this;
}

QUORATE_DECL log_line& log_line::duration(std::string_view name, std::chrono::nanoseconds value) {
    std::array<char, 48> digits{};
    const double millis = static_cast<double>(value.count()) / 1e6;
    const int size = std::snprintf(digits.data(), digits.size(), "%.3fms", millis);
    return text(name, {digits.data(), static_cast<std::size_t>(size)});
}

QUORATE_DECL log_line& log_line::id(std::string_view name, std::uint64_t value) {
    std::array<char, 20> digits{};
    const auto wide = static_cast<unsigned long long>(value);
    const int size = std::snprintf(digits.data(), digits.size(), "%llx", wide);
    return text(name, {digits.data(), static_cast<std::size_t>(size)});
}

QUORATE_DECL std::string log_line::str() const {
    return line_ + (format_ == log_format::json ? "}\n" : "\n");
}

QUORATE_DECL void log_line::begin(std::string_view name) {
    if (format_ == log_format::json) {
        line_.append(",\"").append(name).append("\":");
    } else {
        line_.append(" ").append(name).append("=");
    }
}

QUORATE_DECL void log_line::put_json(std::string_view value) {
    line_ += '"';
    detail::append_escaped(line_, value);
    line_ += '"';
}

// Quoted where a reader could not tell where it ends.
QUORATE_DECL void log_line::put_plain(std::string_view value) {
    if (value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos) {
        put_json(value);
    } else {
        detail::append_escaped(line_, value);
    }
}

} // namespace quorate

#endif
