// The target of a request: its form, of four, and the part that counts.
// Flow:       0. HTTP bytes → http::request
// In / Out:   method and raw target → path and query, and the authority that an absolute form names
// Source:     RFC 9112 §3.2
// Threads:    any
#ifndef QUORATE_HTTP_REQUEST_TARGET_HPP
#define QUORATE_HTTP_REQUEST_TARGET_HPP

#include <quorate/base/config.hpp>

#include <string_view>

namespace quorate::http::detail {

/// Returns: whether `c` may be part of uri-host and port (RFC 3986 §3.2).
[[nodiscard]] constexpr bool is_host_byte(char c) noexcept {
    return c > ' ' && c < '\x7f' &&
           std::string_view("\"#/<>?@\\^`{|}").find(c) == std::string_view::npos;
}

/// Lifetime: views of the raw target.
struct request_target {
    std::string_view path_and_query{}; ///< Empty, or begins with '?', where the path is "/".
    std::string_view authority{};      ///< Host and port of an absolute form; else empty.
    unsigned refusal = 0;              ///< Not zero: the status to refuse with, 400 or 501.
};

/// Returns: the parts of an origin form ("/a?b"), an absolute form ("http://host/a?b") or, for
/// OPTIONS, of "*". CONNECT is refused with 501: this is no proxy. Any other target is malformed,
/// and two parsers may not agree on where its request ends.
[[nodiscard]] request_target split_target(std::string_view method,
                                          std::string_view target) noexcept;

} // namespace quorate::http::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/request_target.ipp>
#endif

#endif
