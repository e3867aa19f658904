// The status codes of HTTP and their reason phrases.
// Flow:    13. reply → HTTP bytes
// Source:  RFC 9110 §15, RFC 6585
// Threads: any
#ifndef QUORATE_HTTP_STATUS_HPP
#define QUORATE_HTTP_STATUS_HPP

#include <string_view>

namespace quorate::http {

/// Returns: the reason phrase of `status`, such as "Not Found"; that of its class when the code
/// has no name of its own; "Unknown" outside 100 to 599.
[[nodiscard]] constexpr std::string_view reason_of(unsigned status) noexcept {
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: break;
    }
    switch (status / 100) {
    case 1: return "Informational";
    case 2: return "Success";
    case 3: return "Redirection";
    case 4: return "Client Error";
    case 5: return "Server Error";
    default: return "Unknown";
    }
}

/// Returns: whether a response with this status never has a body (RFC 9110 §6.4.1).
[[nodiscard]] constexpr bool is_bodiless(unsigned status) noexcept {
    return status / 100 == 1 || status == 204 || status == 304;
}

} // namespace quorate::http

#endif
