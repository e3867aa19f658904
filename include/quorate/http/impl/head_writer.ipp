// The text of a response's head.
#ifndef QUORATE_HTTP_IMPL_HEAD_WRITER_IPP
#define QUORATE_HTTP_IMPL_HEAD_WRITER_IPP

#include <quorate/http/head_scanner.hpp>
#include <quorate/http/head_writer.hpp>
#include <quorate/http/status.hpp>

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace quorate::http::detail {

[[nodiscard]] inline bool is_field_value(std::string_view value) noexcept {
    return std::none_of(value.begin(), value.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
    });
}

[[nodiscard]] inline bool is_field_name(std::string_view name) noexcept {
    return !name.empty() && std::all_of(name.begin(), name.end(), is_token_byte);
}

[[nodiscard]] inline bool is_own_field(const std::string& name) noexcept {
    using boost::beast::iequals;
    return iequals(name, "Server") || iequals(name, "Content-Type") ||
           iequals(name, "Content-Length") || iequals(name, "Connection") ||
           iequals(name, "Transfer-Encoding") || iequals(name, "Date");
}

inline void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
    out.append(digits, end);
}

inline void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

inline void append_framing(std::string& out, const response& r, head_style style) {
    if (style.body == framing::length) {
        out.append("Content-Length: ");
        append_number(out, r.body.size());
        out.append("\r\n");
    } else if (style.body == framing::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    }
}

QUORATE_DECL bool is_sendable(const response& r) {
    for (const response_field& each : r.fields) {
        QUORATE_ASSERT(is_field_name(each.name));
        QUORATE_ASSERT(!is_own_field(each.name));
        if (!is_field_value(each.value)) {
            return false;
        }
    }
    return is_field_value(r.content_type);
}

QUORATE_DECL void append_head(std::string& out, const response& r, head_style style) {
    out.append("HTTP/1.1 ");
    append_number(out, r.status);
    out.append(" ").append(reason_of(r.status)).append("\r\nServer: quorate\r\n");
    if (!style.date.empty()) {
        append_field(out, "Date", style.date);
    }
    if (!is_bodiless(r.status)) {
        if (!r.content_type.empty()) {
            append_field(out, "Content-Type", r.content_type);
        }
        append_framing(out, r, style);
    }
    for (const response_field& each : r.fields) {
        append_field(out, each.name, each.value);
    }
    if (style.close) {
        out.append("Connection: close\r\n");
    } else if (style.version < 11) {
        out.append("Connection: keep-alive\r\n");
    }
    out.append("\r\n");
}

QUORATE_DECL std::string format_http_date(std::chrono::sys_seconds at) {
    static constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed",
                                                              "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12> months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(at - day);
    const auto two = [](std::int64_t number) {
        return std::string{static_cast<char>('0' + number / 10 % 10),
                           static_cast<char>('0' + number % 10)};
    };
    const int year = static_cast<int>(date.year());
    std::string text(weekdays[std::chrono::weekday(day).c_encoding()]);
    text.append(", ").append(two(unsigned(date.day()))).append(" ");
    text.append(months[unsigned(date.month()) - 1]).append(" ");
    text.append(two(year / 100)).append(two(year)).append(" ");
    text.append(two(time.hours().count())).append(":").append(two(time.minutes().count()));
    return text.append(":").append(two(time.seconds().count())).append(" GMT");
}

QUORATE_DECL void append_chunk_head(std::string& out, std::size_t size) {
    QUORATE_ASSERT(size > 0);
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof(digits), size, 16).ptr;
    out.append(digits, end).append("\r\n");
}

} // namespace quorate::http::detail

#endif
