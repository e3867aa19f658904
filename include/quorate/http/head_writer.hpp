// Writes the head of a response.
// Flow:       13. reply → HTTP bytes
// In / Out:   http::response → status line and fields as text
// Invariants: nothing in a response can end its head early (response splitting); every response
//             frames its body by Content-Length or chunks, or has none by its status
// Source:     RFC 9112 §4, §6; own code since Beast's serializer costs more than all of the parsing
// Threads:    any
#ifndef QUORATE_HTTP_HEAD_WRITER_HPP
#define QUORATE_HTTP_HEAD_WRITER_HPP

#include <quorate/base/config.hpp>
#include <quorate/http/response.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::http::detail {

/// How the client finds the end of a body.
enum class framing : std::uint8_t {
    length,  ///< By Content-Length.
    chunked, ///< By the last chunk.
    close,   ///< By the end of the connection.
};

/// How a response tells the client where it ends and what becomes of the connection.
struct head_style {
    bool close = false;    ///< Writes Connection: close.
    unsigned version = 11; ///< Of the request; an HTTP/1.0 client is told to keep alive.
    framing body = framing::length;
    std::string_view date{}; ///< As format_http_date makes it; empty: no Date field.
};

/// Returns: whether `r` may be written: no control bytes but tabs in field values and content type.
/// Requires: field names are tokens, and none is one that the server writes itself.
[[nodiscard]] bool is_sendable(const response& r);

/// Effects: appends the head of `r` with the empty line at its end.
/// Requires: is_sendable(r).
void append_head(std::string& out, const response& r, head_style style);

/// Returns: a time as "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
[[nodiscard]] std::string format_http_date(std::chrono::sys_seconds at);

/// Effects: appends what comes before the bytes of a chunk; CRLF comes behind them.
/// Requires: size > 0, or the body would end.
void append_chunk_head(std::string& out, std::size_t size);

inline constexpr std::string_view last_chunk = "0\r\n\r\n";

} // namespace quorate::http::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/head_writer.ipp>
#endif

#endif
