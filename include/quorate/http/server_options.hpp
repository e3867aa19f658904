// The addresses of a server, and the bounds that it holds every client to.
// Flow:    0. HTTP bytes → http::request
// Threads: a plain value
#ifndef QUORATE_HTTP_SERVER_OPTIONS_HPP
#define QUORATE_HTTP_SERVER_OPTIONS_HPP

#include <quorate/base/error.hpp>
#include <quorate/http/request.hpp>
#include <quorate/http/response.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace quorate::http {

/// Limits hold for all servers that share their traffic together, except those of one request or
/// connection. Time limits are coarse: a limit ends between its value and one and a half times
/// that, at the latest two seconds after it.
struct server_options {
    std::string address = "127.0.0.1"; ///< A numeric IPv4 or IPv6 address; names are not resolved.
    std::uint16_t port = 0;            ///< Zero: any free one, see `server::port`.

    std::uint64_t body_bytes_max = (1536 + 64) << 10; ///< Of one request, joined; else 413.
    std::uint32_t head_bytes_max = 64 << 10; ///< Request line and fields; else 431, or 414.
    std::uint32_t fields_max = 128;          ///< Fields of one request; else 431.

    /// Beyond: one that is idle or never completed a request makes way, or 503. The share of
    /// clients in the process' descriptors is the bound where that is less
    /// (server/descriptors.hpp).
    std::uint32_t connections_max = 16384;
    /// Places beyond connections_max, where only vital requests are served; at most an eighth of
    /// all.
    std::uint32_t reserved_connections = 32;
    std::uint32_t pipeline_max = 16;    ///< Unanswered requests of one connection.
    std::uint32_t requests_max = 16384; ///< Of all connections, in the handler; else 503. 0: any.
    /// Streams open at once and requests that wait long; else 503. 0: any number. Never more than
    /// seven eighths of the connections, so that some are left for requests.
    std::uint32_t streams_max = 0;
    /// Memory of requests that are being received or not answered. Beyond: the oldest connection
    /// with an unfinished request closes, or 503. 0: any number.
    std::uint64_t held_bytes_max = 256 << 20;
    /// Answers of all connections that clients have not taken yet. Beyond: whoever has most of it
    /// waiting loses the connection, but never the only one that has. 0: any number.
    std::uint64_t unsent_bytes_max = 256 << 20;
    std::uint32_t stream_room = 64 << 10; ///< Bytes waiting at which a stream has room again.

    std::chrono::milliseconds handshake_timeout{10'000}; ///< Where connections are encrypted.
    std::chrono::milliseconds head_timeout{10'000}; ///< From its first byte to its last; else 408.
    std::chrono::milliseconds body_timeout{30'000}; ///< From the head's end to the last byte.
    std::chrono::milliseconds idle_timeout{0};      ///< Between requests; it closes. 0: never.
    std::chrono::milliseconds write_timeout{0}; ///< Without any progress; it is reset. 0: never.
    std::chrono::milliseconds linger_timeout{2'000};   ///< For a refused client to read why.
    std::chrono::milliseconds accept_retry_delay{100}; ///< After running out of descriptors.
    /// Of a drain: for unfinished requests, and for answers that their clients have not taken.
    std::chrono::milliseconds drain_grace{2'000};

    /// Returns: whether a request is served at any limit, such as a check of health. Empty: no
    /// request is.
    std::function<bool(const request&)> is_vital{};
    /// Makes the response to a request that the server itself refuses, for a status and a reason;
    /// the server ends the connection where it has to. Empty: plain text.
    std::function<response(const request&, unsigned, std::string_view)> refusal{};
    /// Logs that a limit is reached, at most once in ten seconds for each. Empty: no log.
    std::function<void(const std::string&)> log{};

    /// Errors: errc::invalid_option where a limit is zero or absurd.
    [[nodiscard]] error_code check() const noexcept;
};

} // namespace quorate::http

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/server_options.ipp>
#endif

#endif
