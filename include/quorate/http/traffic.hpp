// The load of all servers of a process, which their limits are about.
// Flow:       0 and 13, beside them
// Invariants: a limit that holds for a server holds for all servers that share its traffic
// Threads:    the io_context's
#ifndef QUORATE_HTTP_TRAFFIC_HPP
#define QUORATE_HTTP_TRAFFIC_HPP

#include <quorate/server/line_limit.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::http {

namespace detail {
class listener;

/// The limits of a server, as far as reaching one is logged.
enum class limit_kind : std::uint8_t { connections, descriptors, streams, requests, held, unsent };
inline constexpr std::size_t limit_kinds = 6;
/// A limit that stays reached is logged once in this time.
inline constexpr std::chrono::seconds limit_line_interval{10};
} // namespace detail

/// Counts that outlive a server in what is still held of it.
struct traffic {
    std::size_t connections = 0;    ///< Open, those in reserved places included.
    std::size_t reserved = 0;       ///< Of them, those in reserved places.
    std::size_t requests = 0;       ///< Handed on and not answered, their connections gone or not.
    std::size_t streams = 0;        ///< Open.
    std::size_t waits = 0;          ///< Requests that may wait for long, see exchange::hold.
    std::uint64_t held_bytes = 0;   ///< Of requests that are being received or not answered.
    std::uint64_t unsent_bytes = 0; ///< Of answers, made and not written.
    std::uint64_t bytes_received = 0; ///< Without what encryption adds.
    std::uint64_t bytes_sent = 0;

    std::vector<detail::listener*> doors; ///< Those that accept or have connections.
    std::array<line_limit, detail::limit_kinds> lines{
        line_limit(1, detail::limit_line_interval), line_limit(1, detail::limit_line_interval),
        line_limit(1, detail::limit_line_interval), line_limit(1, detail::limit_line_interval),
        line_limit(1, detail::limit_line_interval), line_limit(1, detail::limit_line_interval)};
};

} // namespace quorate::http

#endif
