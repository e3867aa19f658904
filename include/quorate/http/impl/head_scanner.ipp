// The scan for the end of a head.
#ifndef QUORATE_HTTP_IMPL_HEAD_SCANNER_IPP
#define QUORATE_HTTP_IMPL_HEAD_SCANNER_IPP

#include <quorate/http/head_scanner.hpp>

#include <string_view>

namespace quorate::http::detail {

/// Returns: whether `c` may be part of a token (RFC 9110 §5.6.2).
[[nodiscard]] constexpr bool is_token_byte(char c) noexcept {
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
        return true;
    }
    return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

QUORATE_DECL scan_result head_scanner::scan(byte_view bytes) noexcept {
    // Only the first bytes of a connection that speaks something else look like this; a TLS client
    // would otherwise wait for its own timeout.
    if (!bytes.empty() && !is_token_byte(bytes[0])) {
        return {.refusal = 400};
    }
    const byte_view window = bytes.substr(0, limit_);
    for (;;) {
        if (line_begin_ > 0 && line_begin_ < window.size() &&
            (window[line_begin_] == ' ' || window[line_begin_] == '\t')) {
            return {.refusal = 400};
        }
        const std::size_t end = window.find('\n', position_);
        if (end == byte_view::npos) {
            break;
        }
        if (end == 0 || window[end - 1] != '\r') {
            return {.refusal = 400};
        }
        const bool empty_line = end - line_begin_ == 1;
        position_ = line_begin_ = end + 1;
        if (empty_line) {
            return {.head_bytes = position_};
        }
    }
    position_ = window.size();
    if (bytes.size() < limit_) {
        return {};
    }
    return {.refusal = line_begin_ == 0 ? 414U : 431U};
}

} // namespace quorate::http::detail

#endif
