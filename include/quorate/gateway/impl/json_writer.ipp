// See json_writer.hpp.
#ifndef QUORATE_GATEWAY_IMPL_JSON_WRITER_IPP
#define QUORATE_GATEWAY_IMPL_JSON_WRITER_IPP

#include <quorate/gateway/go_text.hpp>
#include <quorate/gateway/json_writer.hpp>

#include <cstddef>
#include <cstdint>

namespace quorate::gateway {

namespace detail {

[[nodiscard]] inline bool needs_escape(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte >= 0x80 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&';
}

/// Effects: appends one ASCII character that cannot stand for itself.
inline void append_escaped(std::string& out, char c) {
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    constexpr std::string_view hex = "0123456789abcdef";
    out += "\\u00";
    out += hex[static_cast<unsigned char>(c) >> 4];
    out += hex[static_cast<unsigned char>(c) & 15];
}

} // namespace detail

QUORATE_DECL void append_json_string(std::string& out, std::string_view text) {
    constexpr std::uint32_t line_separator = 0x2028;
    constexpr std::uint32_t paragraph_separator = 0x2029;
    out += '"';
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && !detail::needs_escape(text[plain])) {
            ++plain;
        }
        out.append(text.data(), plain);
        text.remove_prefix(plain);
        if (text.empty()) {
            break;
        }
        if (static_cast<unsigned char>(text.front()) < 0x80) {
            detail::append_escaped(out, text.front());
            text.remove_prefix(1);
            continue;
        }
        const utf8_character next = first_utf8(text);
        if (next.size == 0) {
            out += "\\ufffd";
        } else if (next.code == line_separator || next.code == paragraph_separator) {
            out += next.code == line_separator ? "\\u2028" : "\\u2029";
        } else {
            out.append(text.data(), next.size);
        }
        text.remove_prefix(next.size == 0 ? 1 : next.size);
    }
    out += '"';
}

} // namespace quorate::gateway

#endif
