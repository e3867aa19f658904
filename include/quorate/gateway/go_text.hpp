// Characters and strings as Go quotes them in its error messages.
// Flow:       1. what is wrong with a client's text → words
// Source:     Go's strconv.Quote, and quoteChar of its encoding/json
// Threads:    any
#ifndef QUORATE_GATEWAY_GO_TEXT_HPP
#define QUORATE_GATEWAY_GO_TEXT_HPP

#include <quorate/base/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::gateway {

/// A code point of UTF-8 text and how many bytes it takes there.
struct utf8_character {
    std::uint32_t code = 0;
    std::uint32_t size = 0; ///< Zero: the text does not begin with a valid one.
};

/// Returns: the first character of `text`: no overlong forms, no surrogates. Requires: not empty.
[[nodiscard]] QUORATE_DECL utf8_character first_utf8(std::string_view text) noexcept;

/// Effects: appends the UTF-8 bytes of a code point. Requires: one that exists.
QUORATE_DECL void append_utf8(std::string& out, std::uint32_t code);

/// Returns: one byte between single quotes, such as 'x' or '\n'.
[[nodiscard]] QUORATE_DECL std::string quoted_character(char c);

/// Returns: text between double quotes; what cannot be printed as an escape sequence. Of long text
/// only the first part, since it is a client's and goes back to it.
[[nodiscard]] QUORATE_DECL std::string quoted_text(std::string_view text);

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/go_text.ipp>
#endif

#endif
