// What the connections of one TCP transport share, and how they tell their owner anything.
// Flow:       8 and 9
// In / Out:   events of connections → calls of the sink
// Invariants: the sink is never called inside a call of the transport, nor after stop
// Threads:    the io_context's one thread
#ifndef QUORATE_NET_TCP_HUB_HPP
#define QUORATE_NET_TCP_HUB_HPP

#include <quorate/format/frame.hpp>
#include <quorate/net/handshake.hpp>
#include <quorate/net/transport.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

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
};

namespace detail {

using tcp_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// Deadlines are counted in ticks of the transport's one timer, so that no connection re-arms one.
inline constexpr std::uint32_t tcp_tick_ms = 100;
inline constexpr std::uint64_t tcp_connect_ticks_max = 50;
inline constexpr std::uint64_t tcp_hello_ticks_max = 50;
inline constexpr std::uint64_t tcp_stall_ticks_max = 50;
inline constexpr std::uint64_t tcp_linger_ticks_max = 10;

class tcp_dialler;
class tcp_inlet;

/// Held by the transport and by every pending handler. `sink` is null once stopped.
struct tcp_hub : std::enable_shared_from_this<tcp_hub> {
    tcp_hub(boost::asio::io_context& context, const transport_options& settings)
        : io(context), options(settings), identity{settings.cluster, settings.self} {}

    boost::asio::io_context& io;
    transport_options options;
    local_identity identity;
    transport_sink* sink = nullptr;
    bool stopped = false;
    tcp_statistics statistics;
    std::uint64_t ticks = 0;
    bool told_removed = false;
    std::set<node_id> removed; ///< Dropped by the owner and not added again.
    std::map<node_id, std::shared_ptr<tcp_dialler>> diallers;
    std::vector<std::shared_ptr<tcp_dialler>> leaving; ///< Of dropped peers, sending their last.
    std::vector<std::shared_ptr<tcp_inlet>> inlets;

    /// Effects: calls `call(sink)` from the event loop, unless stopped by then.
    template <class Call>
    void tell(Call call) {
        boost::asio::post(io, [self = shared_from_this(), call = std::move(call)] {
            if (self->sink != nullptr) {
                call(*self->sink);
            }
        });
    }
    void tell_unreachable(node_id peer) {
        tell([peer](transport_sink& s) { s.on_unreachable(peer); });
    }
    void tell_snapshot_sent(node_id peer, bool delivered) {
        tell([peer, delivered](transport_sink& s) { s.on_snapshot_sent(peer, delivered); });
    }
    void tell_removed() {
        if (!std::exchange(told_removed, true)) {
            tell([](transport_sink& s) { s.on_removed(); });
        }
    }
};

/// Effects: no delay for small writes, and a peer that vanished is noticed within seconds. Failures
/// are ignored: the connection works without.
void tune_socket(tcp_socket& socket) noexcept;

/// Effects: says goodbye and closes; what is written already still arrives.
void close_gracefully(tcp_socket& socket) noexcept;

} // namespace detail
} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_hub.ipp>
#endif

#endif
