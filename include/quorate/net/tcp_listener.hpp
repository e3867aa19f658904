// Accepts incoming connections, and drives the deadlines of all.
// Flow:       9
// In / Out:   sockets → inlets
// Invariants: a bounded number of connections, of which strangers take none from peers; never spins
//             when the system cannot accept
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_NET_TCP_LISTENER_HPP
#define QUORATE_NET_TCP_LISTENER_HPP

#include <quorate/net/peer_address.hpp>
#include <quorate/net/tcp_hub.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace quorate::detail {

class tcp_listener : public std::enable_shared_from_this<tcp_listener> {
public:
    /// Strangers, connections whose hello was not accepted yet, at a time: from one address, from
    /// one address that a peer was added at, and from all addresses of no peer.
    static constexpr std::size_t strangers_of_source_max = 32;
    static constexpr std::size_t strangers_of_peer_max = 64;
    static constexpr std::size_t strangers_max = 128;

    explicit tcp_listener(std::shared_ptr<tcp_hub> hub);

    /// Effects: binds and listens at each; accepts and ticks from then on.
    /// Errors: those of the system; nothing is listened to then. A name is resolved here, blocking.
    [[nodiscard]] error_code start(const std::vector<peer_address>& addresses);
    void stop();

    /// Returns: that of the first address.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    using acceptor =
        boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, asio_context::executor_type>;
    using timer =
        boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                          boost::asio::wait_traits<std::chrono::steady_clock>,
                                          asio_context::executor_type>;

    /// One address that is listened to.
    struct door {
        door(const asio_context::executor_type& executor, bool encrypted)
            : accepting(executor), secure(encrypted) {}

        acceptor accepting;
        bool secure;
        bool accept_later = false;
    };

    [[nodiscard]] error_code open(door& one, const peer_address& address);
    [[nodiscard]] static error_code listen(acceptor& accepting,
                                           const boost::asio::ip::tcp::endpoint& endpoint);
    void accept(door& one);
    void on_accepted(const door& one, tcp_socket socket);
    void close_doors() noexcept;
    void make_room(const boost::asio::ip::address& source);
    [[nodiscard]] bool is_of_peer(const boost::asio::ip::address& source) const;
    void drop_unconfirmed();
    void wait_tick();
    void on_tick();
    void hang_up_on_removed();

    std::shared_ptr<tcp_hub> hub_;
    std::deque<door> doors_; ///< Referred to by what is pending.
    timer tick_;
    std::minstd_rand random_; ///< Chooses which stranger makes room.
    std::uint16_t port_ = 0;
    bool stopped_ = false;
};

} // namespace quorate::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_listener.ipp>
#endif

#endif
