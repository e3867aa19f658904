// Shared server state, kept alive by connections and pending operations.
// Flow:       0. HTTP bytes → http::request
// Invariants: at most connections_max connections are open and a few in reserved places, and no
// more
//             than leave descriptors to the rest of the process; full places never stop accepting
//             running out of descriptors waits, and never spins
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_HTTP_LISTENER_HPP
#define QUORATE_HTTP_LISTENER_HPP

#include <quorate/http/connection.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::http::detail {

class listener final : public connection_host, public std::enable_shared_from_this<listener> {
public:
    listener(const asio_context& context, server_options given,
             std::function<void(exchange)> on_request, std::shared_ptr<secure_layer> security,
             std::shared_ptr<traffic> shared);

    [[nodiscard]] error_code start();
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::size_t connection_count() const noexcept { return connections_.size(); }
    [[nodiscard]] const traffic& now() const noexcept { return *load; }
    void stop_accepting() noexcept;
    void drain(std::chrono::milliseconds at_most, std::function<void()> done);
    void stop() noexcept;
    /// Effects: stop, and forget whoever waits for a drain.
    void abandon() noexcept;

    [[nodiscard]] std::uint64_t tick_after(std::chrono::milliseconds limit) const override;
    void on_overload() override;
    void note_limit(limit_kind which) override;
    [[nodiscard]] std::string_view date() override;
    void on_closed(connection& closed) noexcept override;

private:
    using executor = asio_context::executor_type;
    using steady = std::chrono::steady_clock;
    using timer =
        boost::asio::basic_waitable_timer<steady, boost::asio::wait_traits<steady>, executor>;

    void accept();
    void on_accept(error_code ec, tcp_socket socket);
    void admit(tcp_socket socket);
    void turn_away(tcp_socket socket);
    void share_out();
    [[nodiscard]] bool make_room();
    [[nodiscard]] bool make_reserved_room();
    template <class Fits>
    [[nodiscard]] connection* first_to_go(Fits fits) const;
    void shed_unsent();
    void shed_held();
    void run_ticks();
    void on_tick();
    void close_all() noexcept;
    void watch_grace();
    void on_grace();
    void check_drained() noexcept;

    executor executor_;
    std::shared_ptr<secure_layer> security_; ///< Null: connections are plain.
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, executor> acceptor_;
    timer accept_timer_;
    timer tick_timer_;
    timer drain_timer_;
    timer grace_timer_; ///< Of a drain.
    std::chrono::milliseconds tick_period_{1000};
    boost::intrusive::list<connection> connections_;
    std::function<void()> drained_;
    std::size_t reserved_max_ = 0;
    std::chrono::sys_seconds date_at_{};
    std::string date_;
    std::uint16_t port_ = 0;
    bool is_ticking_ = false;
    bool is_shedding_ = false;
};

} // namespace quorate::http::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/listener.ipp>
#endif

#endif
