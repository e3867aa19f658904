// See go_text.hpp.
#ifndef QUORATE_GATEWAY_IMPL_GO_TEXT_IPP
#define QUORATE_GATEWAY_IMPL_GO_TEXT_IPP

#include <quorate/gateway/go_text.hpp>

#include <cstddef>

namespace quorate::gateway {

namespace detail {

inline constexpr std::size_t quoted_bytes_max = 1024;

inline void append_hex(std::string& out, std::uint32_t value, int digits) {
    constexpr std::string_view hex = "0123456789abcdef";
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        out += hex[value >> shift & 15];
    }
}

/// Effects: appends a code point as it is, or as an escape sequence; `quote` gets a backslash.
inline void append_quoted(std::string& out, std::uint32_t code, char quote) {
    constexpr std::string_view named = "\a\b\t\n\v\f\r"; // 7 to 13
    constexpr std::string_view letters = "abtnvfr";
    if (code == static_cast<unsigned char>(quote) || code == '\\') {
        out += '\\';
        out += static_cast<char>(code);
    } else if (code >= 7 && code < 7 + named.size()) {
        out += '\\';
        out += letters[code - 7];
    } else if (code < 0x20 || code == 0x7f) {
        out += "\\x";
        append_hex(out, code, 2);
    } else if ((code >= 0x80 && code <= 0xa0) || code == 0xad) {
        out += "\\u";
        append_hex(out, code, 4);
    } else {
        append_utf8(out, code);
    }
}

} // namespace detail

QUORATE_DECL utf8_character first_utf8(std::string_view text) noexcept {
    const auto byte = [&text](std::size_t i) -> std::uint32_t {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    const auto follows = [&byte](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1};
    }
    if (lead >= 0xc2 && lead < 0xe0 && follows(1)) {
        return {(lead & 0x1f) << 6 | (byte(1) & 0x3f), 2};
    }
    if (lead >= 0xe0 && lead < 0xf0 && follows(1) && follows(2)) {
        const std::uint32_t code = (lead & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
        const bool surrogate = code >= 0xd800 && code < 0xe000;
        return code < 0x800 || surrogate ? utf8_character{} : utf8_character{code, 3};
    }
    if (lead >= 0xf0 && lead < 0xf5 && follows(1) && follows(2) && follows(3)) {
        const std::uint32_t code =
            (lead & 7) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
        return code < 0x10000 || code > 0x10ffff ? utf8_character{} : utf8_character{code, 4};
    }
    return {};
}

QUORATE_DECL void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | code >> 6);
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

QUORATE_DECL std::string quoted_character(char c) {
    std::string made = "'";
    // A byte is taken for a code point of its own, as Go does.
    detail::append_quoted(made, static_cast<unsigned char>(c), '\'');
    return made + '\'';
}

QUORATE_DECL std::string quoted_text(std::string_view text) {
    text = text.substr(0, detail::quoted_bytes_max);
    std::string made = "\"";
    while (!text.empty()) {
        const utf8_character next = first_utf8(text);
        if (next.size == 0) {
            made += "\\x";
            detail::append_hex(made, static_cast<unsigned char>(text.front()), 2);
            text.remove_prefix(1);
        } else {
            detail::append_quoted(made, next.code, '"');
            text.remove_prefix(next.size);
        }
    }
    return made + '"';
}

} // namespace quorate::gateway

#endif
