// Accepting, ticking and draining.
#ifndef QUORATE_HTTP_IMPL_LISTENER_IPP
#define QUORATE_HTTP_IMPL_LISTENER_IPP

#include <quorate/http/listener.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::http::detail {

/// What a client hears for whom there is no room. It is written before its request is read.
inline constexpr std::string_view full_house =
    "HTTP/1.1 503 Service Unavailable\r\nServer: quorate\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n"
    "Retry-After: 1\r\nConnection: close\r\n\r\ntoo many connections\n";

/// Returns: how many connections leave a quarter of the process' descriptors to others. A client
/// could else keep the log from opening its next file.
[[nodiscard]] inline std::size_t affordable_connections(std::size_t wanted) noexcept {
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY) {
        return wanted;
    }
    const auto share = static_cast<std::size_t>(descriptors.rlim_cur / 4 * 3);
    return std::min(wanted, std::max<std::size_t>(share, 1));
}

[[nodiscard]] inline peer_identity identity_of(const tcp_socket& socket) {
    error_code ec;
    const auto endpoint = socket.remote_endpoint(ec);
    if (ec) {
        return {};
    }
    const std::string address = endpoint.address().to_string();
    const std::string port = ':' + std::to_string(endpoint.port());
    return {.address = endpoint.address().is_v6() ? '[' + address + ']' + port : address + port};
}

QUORATE_DECL listener::listener(boost::asio::io_context& context, server_options given,
                                std::function<void(exchange)> on_request,
                                std::shared_ptr<secure_layer> security)
    : executor_(context.get_executor()),
      security_(std::move(security)),
      acceptor_(executor_),
      accept_timer_(executor_),
      tick_timer_(executor_),
      drain_timer_(executor_) {
    options = std::move(given);
    handler = std::move(on_request);
    const auto shortest =
        std::min({options.head_timeout, options.body_timeout, options.idle_timeout,
                  options.handshake_timeout, options.write_timeout, options.linger_timeout});
    tick_period_ =
        std::clamp(shortest / 4, std::chrono::milliseconds(10), std::chrono::milliseconds(1000));
}

QUORATE_DECL error_code listener::start() {
    QUORATE_ASSERT(!acceptor_.is_open());
    error_code ec = options.check();
    if (ec) {
        return ec;
    }
    const auto address = boost::asio::ip::make_address(options.address, ec);
    if (ec) {
        return ec;
    }
    const boost::asio::ip::tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) {
        acceptor_.set_option(boost::asio::socket_base::reuse_address(true), ec);
    }
    if (!ec) {
        acceptor_.bind(endpoint, ec);
    }
    if (!ec) {
        acceptor_.listen(boost::asio::socket_base::max_listen_connections, ec);
    }
    if (!ec) {
        port_ = acceptor_.local_endpoint(ec).port();
    }
    if (ec) {
        stop_accepting();
        return ec;
    }
    connections_max_ = affordable_connections(options.connections_max);
    accept();
    return {};
}

QUORATE_DECL void listener::stop_accepting() noexcept {
    error_code ignored;
    acceptor_.close(ignored);
    accept_timer_.cancel();
}

// ---- Accepting ----------------------------------------------------------------------------------

QUORATE_DECL void listener::accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code ec, tcp_socket socket) {
        self->on_accept(ec, std::move(socket));
    });
}

QUORATE_DECL void listener::on_accept(error_code ec, tcp_socket socket) {
    if (!acceptor_.is_open()) {
        return;
    }
    if (!ec) {
        admit(std::move(socket));
        return accept();
    }
    if (ec == boost::asio::error::connection_aborted || ec == boost::asio::error::interrupted) {
        return accept();
    }
    if (ec == boost::asio::error::no_descriptors && make_room()) {
        return accept();
    }
    // Out of descriptors or memory. The client stays in the queue, and accepting at once would
    // fail at once; those that close meanwhile make room.
    accept_timer_.expires_after(options.accept_retry_delay);
    accept_timer_.async_wait([self = shared_from_this()](error_code aborted) {
        if (!aborted && self->acceptor_.is_open()) {
            self->accept();
        }
    });
}

QUORATE_DECL void listener::admit(tcp_socket socket) {
    error_code ec;
    if (connections_.size() >= connections_max_ && !make_room()) {
        if (security_ != nullptr) {
            return; // It could not read why.
        }
        socket.non_blocking(true, ec);
        socket.write_some(boost::asio::buffer(full_house), ec);
        socket.shutdown(tcp_socket::shutdown_send, ec);
        return;
    }
    peer_identity client = identity_of(socket);
    socket.set_option(boost::asio::ip::tcp::no_delay(true), ec);
    socket.set_option(boost::asio::socket_base::keep_alive(true), ec);
    boost::intrusive_ptr<connection> fresh;
    if (security_ == nullptr) {
        fresh.reset(new connection(std::move(socket), std::move(client), *this));
    } else if (auto channel = security_->wrap(std::move(socket))) {
        fresh.reset(new connection(executor_, std::move(channel), std::move(client), *this));
    } else {
        return;
    }
    connections_.push_back(*fresh);
    fresh->start();
    run_ticks();
}

/// Effects: closes the connection that idled longest, so that idle clients cannot keep out busy
/// ones; those that never asked for anything go first. One that idled for less than two ticks may
/// be just about to send.
/// Returns: whether there was one. Complexity: linear in the number of connections.
QUORATE_DECL bool listener::make_room() {
    const auto rank = [](const connection& c) { return std::pair(c.has_asked(), c.idle_since()); };
    connection* longest = nullptr;
    for (connection& each : connections_) {
        if (each.is_idle() && each.idle_since() + 2 <= tick &&
            (longest == nullptr || rank(each) < rank(*longest))) {
            longest = &each;
        }
    }
    if (longest == nullptr) {
        return false;
    }
    longest->close();
    return true;
}

// Posted, for a connection that just got an answer to write may be the one that has to go.
QUORATE_DECL void listener::on_unsent() {
    if (!std::exchange(is_shedding_, true)) {
        boost::asio::post(executor_, [self = shared_from_this()] {
            self->is_shedding_ = false;
            self->shed_unsent();
        });
    }
}

/// Effects: closes whoever has most waiting, until what waits is within its bound. One answer that
/// is larger than the bound is sent, as long as nobody else waits for any.
QUORATE_DECL void listener::shed_unsent() {
    while (options.unsent_bytes_max != 0 && load->unsent_bytes > options.unsent_bytes_max) {
        const auto less = [](const connection& a, const connection& b) {
            return a.unsent_bytes() < b.unsent_bytes();
        };
        const auto most = std::max_element(connections_.begin(), connections_.end(), less);
        if (most == connections_.end() || most->unsent_bytes() == load->unsent_bytes) {
            return;
        }
        most->close();
    }
}

// ---- Time ---------------------------------------------------------------------------------------

QUORATE_DECL std::uint64_t listener::tick_after(std::chrono::milliseconds limit) const {
    const auto periods = (limit + tick_period_ - std::chrono::milliseconds(1)) / tick_period_;
    return tick + 1 + static_cast<std::uint64_t>(periods);
}

QUORATE_DECL void listener::run_ticks() {
    if (std::exchange(is_ticking_, true)) {
        return;
    }
    tick_timer_.expires_after(tick_period_);
    tick_timer_.async_wait([self = shared_from_this()](error_code aborted) {
        self->is_ticking_ = false;
        if (!aborted) {
            self->on_tick();
        }
    });
}

QUORATE_DECL void listener::on_tick() {
    ++tick;
    for (auto next = connections_.begin(); next != connections_.end();) {
        connection& each = *next++; // It may close, which takes it off the list.
        each.on_tick();
    }
    if (!connections_.empty()) {
        run_ticks();
    }
}

// ---- The end ------------------------------------------------------------------------------------

QUORATE_DECL void listener::drain(std::chrono::milliseconds at_most, std::function<void()> done) {
    QUORATE_ASSERT(!is_draining);
    QUORATE_ASSERT(done != nullptr);
    is_draining = true;
    drained_ = std::move(done);
    stop_accepting();
    for (auto next = connections_.begin(); next != connections_.end();) {
        connection& each = *next++;
        each.on_drain();
    }
    if (connections_.empty()) {
        return check_drained();
    }
    drain_timer_.expires_after(at_most);
    drain_timer_.async_wait([self = shared_from_this()](error_code aborted) {
        if (!aborted) {
            self->close_all();
        }
    });
}

QUORATE_DECL void listener::on_closed(connection& closed) noexcept {
    connections_.erase(connections_.iterator_to(closed));
    check_drained();
}

QUORATE_DECL void listener::check_drained() noexcept {
    if (drained_ && connections_.empty()) {
        drain_timer_.cancel();
        // Posted, for this may be called from within a connection or a handler.
        boost::asio::post(executor_, std::exchange(drained_, nullptr));
    }
}

QUORATE_DECL void listener::close_all() noexcept {
    while (!connections_.empty()) {
        connections_.front().close();
    }
}

QUORATE_DECL void listener::stop() noexcept {
    stop_accepting();
    close_all();
    tick_timer_.cancel();
    drain_timer_.cancel();
    check_drained();
}

QUORATE_DECL void listener::abandon() noexcept {
    drained_ = nullptr;
    stop();
}

} // namespace quorate::http::detail

#endif
