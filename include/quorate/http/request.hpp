// A client's request, as views of the connection's own memory.
// Flow:       0. HTTP bytes → http::request
// Invariants: the head obeys RFC 9112 and all limits before a handler sees it; nothing is decoded
// Threads:    the connection's
#ifndef QUORATE_HTTP_REQUEST_HPP
#define QUORATE_HTTP_REQUEST_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace quorate::http {

struct request_field {
    std::string_view name;  ///< As received; compare without regard to case.
    std::string_view value; ///< Without the blanks around it; any byte but controls.
};

/// One whole request.
/// Lifetime: everything it points to is valid until the exchange that carries it is answered.
struct request {
    std::string_view method{}; ///< A token, as received: "GET" and "get" differ.
    /// Path and query, which begin with '/', or "*" for OPTIONS; the raw bytes, without decoding.
    /// The host of an absolute form stands in the Host field.
    std::string_view target{};
    byte_view body{};                        ///< Chunks are joined.
    std::span<const request_field> fields{}; ///< In the order received; trailers are dropped.
    unsigned version = 11;                   ///< 10 for HTTP/1.0, 11 for HTTP/1.1.

    /// Returns: the value of the first field called `name`, whatever its case.
    /// Complexity: linear in the number of fields.
    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept;
};

} // namespace quorate::http

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/request.ipp>
#endif

#endif
