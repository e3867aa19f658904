// The counters of the TCP transport.
// Flow:       8 and 9
// Invariants: none
// Source:     doc/concept/transport.md
// Threads:    the transport's
#ifndef QUORATE_NET_TCP_STATISTICS_HPP
#define QUORATE_NET_TCP_STATISTICS_HPP

#include <cstdint>

namespace quorate {

/// Counted since the start; for metrics and tests.
struct tcp_statistics {
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t writes = 0; ///< Calls of the system.
    std::uint64_t frames_received = 0;
    std::uint64_t frames_refused = 0;       ///< Each ended its connection.
    std::uint64_t messages_dropped = 0;     ///< Not queued, or unqueued, for a limit.
    std::uint64_t connections_opened = 0;   ///< Dialled, and the hello answered.
    std::uint64_t connections_accepted = 0; ///< Of which the hello was accepted.
    std::uint64_t hellos_refused = 0;       ///< By this member or by the other end.
    std::uint64_t messages_refused = 0;     ///< Of unconfirmed ids: not heard.
    std::uint64_t strangers_evicted = 0;    ///< Connections without an accepted hello, for room.
    std::uint64_t newcomers_told = 0;       ///< Who the members are.
    std::uint64_t handshakes_failed = 0;    ///< Of encryption, this member's part in it.
    std::uint64_t snapshots_begun = 0;      ///< Transfers announced to peers.
    std::uint64_t snapshot_bytes_sent = 0;  ///< Data in chunks that were queued.
    std::uint64_t snapshot_bytes_taken = 0; ///< Data in chunks that were kept.
    std::uint64_t ticks = 0;                ///< Of 100 ms.
};

} // namespace quorate

#endif
