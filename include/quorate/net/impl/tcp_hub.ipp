// Socket options, and complaints.
#ifndef QUORATE_NET_IMPL_TCP_HUB_IPP
#define QUORATE_NET_IMPL_TCP_HUB_IPP

#include <quorate/net/tcp_hub.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace quorate::detail {

inline void set_tcp_option(tcp_socket& socket, int name, int value) noexcept {
    static_cast<void>(
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof(value)));
}

QUORATE_DECL void tune_socket(tcp_socket& socket) noexcept {
    error_code ignored;
    socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
#if defined(TCP_KEEPIDLE) && defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
    set_tcp_option(socket, TCP_KEEPIDLE, 10);
    set_tcp_option(socket, TCP_KEEPINTVL, 3);
    set_tcp_option(socket, TCP_KEEPCNT, 3);
#endif
#if defined(TCP_USER_TIMEOUT)
    // Small writes to a host that vanished succeed until the send buffer is full, so the time
    // without an acknowledgement counts as well.
    set_tcp_option(socket, TCP_USER_TIMEOUT, static_cast<int>(tcp_stall_ticks_max * tcp_tick_ms));
#endif
}

QUORATE_DECL std::string past_problem(hello_status verdict) {
    switch (verdict) {
    case hello_status::wiped: return "it holds nothing, though it has taken part in the group";
    case hello_status::unproven: return "nothing shows that its log is that of this group";
    case hello_status::outdated: return "its data directory counts fewer starts than were seen";
    default: return {};
    }
}

QUORATE_DECL void tcp_hub::complain(std::string text) {
    if (ticks < complain_from) {
        ++complaints_kept;
        return;
    }
    complain_from = ticks + 1000 / tcp_tick_ms;
    if (const std::uint64_t kept = std::exchange(complaints_kept, 0); kept != 0) {
        text += "; " + std::to_string(kept) + " more refusals like this since the last line";
    }
    tell([text = std::move(text)](transport_sink& s) { s.on_untrusted(text); });
}

QUORATE_DECL void tcp_hub::report_drop(std::string text) {
    if (ticks < drops_from) {
        ++drops_kept;
        return;
    }
    drops_from = ticks + 10'000 / tcp_tick_ms;
    if (const std::uint64_t kept = std::exchange(drops_kept, 0); kept != 0) {
        text += "; " + std::to_string(kept) + " more since the last such line";
    }
    tell([text = std::move(text)](transport_sink& s) { s.on_dropped(text); });
}

} // namespace quorate::detail

#endif
