// Accepting, ticking and draining.
#ifndef QUORATE_HTTP_IMPL_LISTENER_IPP
#define QUORATE_HTTP_IMPL_LISTENER_IPP

#include <quorate/http/head_writer.hpp>
#include <quorate/http/listener.hpp>
#include <quorate/server/descriptors.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::http::detail {

/// The answer to a client for which there is no place. It is written before its request is read.
inline constexpr std::string_view full_house =
    "HTTP/1.1 503 Service Unavailable\r\nServer: quorate\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n"
    "Retry-After: 1\r\nConnection: close\r\n\r\ntoo many connections\n";

/// Of a drain's grace, the part after which connections are looked at again.
inline constexpr int grace_parts = 4;
/// Time without a word after which the system looks whether a client is still there. Units:
/// seconds.
inline constexpr int probe_idle_seconds = 30;

[[nodiscard]] inline std::string line_of(limit_kind which, const connection_host& host) {
    const server_options& limits = host.options;
    switch (which) {
    case limit_kind::connections:
        return "connections of clients: the limit of " + std::to_string(host.connections_max) +
               " is reached; idle and unfinished ones make way, else new ones are refused";
    case limit_kind::descriptors:
        return "file descriptors: the limit of the process is reached; clients wait";
    case limit_kind::streams:
        return "streams and waiting requests: the limit of " + std::to_string(host.streams_max) +
               " is reached; more are refused";
    case limit_kind::requests:
        return "requests under way: the limit of " + std::to_string(limits.requests_max) +
               " is reached; more are refused";
    case limit_kind::held:
        return "memory of requests: the limit of " + std::to_string(limits.held_bytes_max) +
               " bytes is reached; connections with the oldest unfinished requests are closed";
    case limit_kind::unsent: break;
    }
    return "memory of answers: the limit of " + std::to_string(limits.unsent_bytes_max) +
           " bytes is reached; connections of clients that take nothing are closed";
}

/// Effects: lets the system find out about clients that are gone without a word.
inline void probe_when_silent(tcp_socket& socket) {
    error_code ec;
    socket.set_option(boost::asio::socket_base::keep_alive(true), ec);
#if defined(TCP_KEEPIDLE) && defined(TCP_KEEPINTVL)
    for (const int name : {TCP_KEEPIDLE, TCP_KEEPINTVL}) {
        static_cast<void>(::setsockopt(socket.native_handle(), IPPROTO_TCP, name,
                                       &probe_idle_seconds, sizeof(probe_idle_seconds)));
    }
#endif
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

QUORATE_DECL listener::listener(const asio_context& context, server_options given,
                                std::function<void(exchange)> on_request,
                                std::shared_ptr<secure_layer> security,
                                std::shared_ptr<traffic> shared)
    : executor_(context.get_executor()),
      security_(std::move(security)),
      acceptor_(executor_),
      accept_timer_(executor_),
      tick_timer_(executor_),
      drain_timer_(executor_),
      grace_timer_(executor_) {
    load = shared != nullptr ? std::move(shared) : std::make_shared<traffic>();
    options = std::move(given);
    handler = std::move(on_request);
    auto shortest = std::min({options.head_timeout, options.body_timeout, options.handshake_timeout,
                              options.linger_timeout});
    for (const auto limit : {options.idle_timeout, options.write_timeout}) {
        shortest = limit.count() > 0 ? std::min(shortest, limit) : shortest;
    }
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
    share_out();
    load->doors.push_back(this);
    accept();
    return {};
}

/// Effects: sets the limits that descriptors and other limits bound: reserved places fit the share
/// of clients beside the others, and streams leave an eighth of the connections for requests.
QUORATE_DECL void listener::share_out() {
    const std::size_t share = client_descriptors(descriptor_limit());
    const std::size_t wanted = options.is_vital ? options.reserved_connections : 0;
    reserved_max_ = std::min(wanted, share / 8);
    connections_max = std::min<std::size_t>(options.connections_max, share - reserved_max_);
    streams_max = connections_max - connections_max / 8;
    if (options.streams_max != 0) {
        streams_max = std::min<std::size_t>(streams_max, options.streams_max);
    }
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
    if (ec == boost::asio::error::no_descriptors) {
        note_limit(limit_kind::descriptors);
        if (make_room()) {
            return accept();
        }
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

QUORATE_DECL void listener::turn_away(tcp_socket socket) {
    if (security_ != nullptr) {
        return; // The client could not read why.
    }
    error_code ec;
    socket.non_blocking(true, ec);
    socket.write_some(boost::asio::buffer(full_house), ec);
    socket.shutdown(tcp_socket::shutdown_send, ec);
}

QUORATE_DECL void listener::admit(tcp_socket socket) {
    bool is_full = load->connections - load->reserved >= connections_max;
    if (is_full) {
        note_limit(limit_kind::connections);
        is_full = !make_room();
    }
    if (is_full && !make_reserved_room()) {
        return turn_away(std::move(socket));
    }
    error_code ec;
    peer_identity client = identity_of(socket);
    socket.set_option(boost::asio::ip::tcp::no_delay(true), ec);
    probe_when_silent(socket);
    boost::intrusive_ptr<connection> fresh;
    if (security_ == nullptr) {
        fresh.reset(new connection(std::move(socket), std::move(client), *this));
    } else if (auto channel = security_->wrap(std::move(socket))) {
        fresh.reset(new connection(executor_, std::move(channel), std::move(client), *this));
    } else {
        return;
    }
    connections_.push_back(*fresh);
    ++load->connections;
    if (is_full) {
        fresh->take_reserved_place();
    }
    fresh->start();
    run_ticks();
}

/// Returns: the connection that fits and makes way first, of all servers that share the traffic;
/// null: none does. Complexity: linear in the number of connections.
template <class Fits>
connection* listener::first_to_go(Fits fits) const {
    connection* first = nullptr;
    std::pair<claim, std::uint64_t> best;
    for (listener* const door : load->doors) {
        for (connection& each : door->connections_) {
            if (!fits(each)) {
                continue;
            }
            const auto standing = each.standing();
            const bool sooner = standing.first < best.first ||
                                (standing.first == best.first && standing.second > best.second);
            if (standing.first != claim::kept && (first == nullptr || sooner)) {
                first = &each;
                best = standing;
            }
        }
    }
    return first;
}

/// Effects: closes a connection that is idle or never completed a request, so that such clients
/// cannot keep out others. Returns: whether there was one.
QUORATE_DECL bool listener::make_room() {
    connection* const first =
        first_to_go([](const connection& each) { return !each.is_reserved(); });
    if (first != nullptr) {
        first->close();
    }
    return first != nullptr;
}

/// Returns: whether a reserved place is free, or was made so.
QUORATE_DECL bool listener::make_reserved_room() {
    if (load->reserved < reserved_max_) {
        return true;
    }
    connection* const first =
        reserved_max_ == 0 ? nullptr
                           : first_to_go([](const connection& each) { return each.is_reserved(); });
    if (first != nullptr) {
        first->close();
    }
    return first != nullptr;
}

// Posted, for a connection that just got an answer to write may be the one that has to go.
QUORATE_DECL void listener::on_overload() {
    if (!std::exchange(is_shedding_, true)) {
        boost::asio::post(executor_, [self = shared_from_this()] {
            self->is_shedding_ = false;
            self->shed_unsent();
            self->shed_held();
        });
    }
}

/// Effects: closes the connection with most waiting, until what waits is within its bound. One
/// answer that is larger than the bound is sent, as long as no other waits.
QUORATE_DECL void listener::shed_unsent() {
    while (options.unsent_bytes_max != 0 && load->unsent_bytes > options.unsent_bytes_max) {
        connection* most = nullptr;
        for (listener* const door : load->doors) {
            for (connection& each : door->connections_) {
                if (most == nullptr || each.unsent_bytes() > most->unsent_bytes()) {
                    most = &each;
                }
            }
        }
        if (most == nullptr || most->unsent_bytes() == load->unsent_bytes) {
            return;
        }
        note_limit(limit_kind::unsent);
        most->close();
    }
}

/// Effects: closes the connection whose request has been unfinished for longest, until what is held
/// is within its bound. An upload that goes on as it should is a young one.
QUORATE_DECL void listener::shed_held() {
    while (options.held_bytes_max != 0 && load->held_bytes > options.held_bytes_max) {
        connection* oldest = nullptr;
        std::pair<std::uint64_t, std::size_t> most{0, 0};
        for (listener* const door : load->doors) {
            for (connection& each : door->connections_) {
                const std::pair age{each.receiving_ticks(), each.held_bytes()};
                if (each.is_receiving() && (oldest == nullptr || age > most)) {
                    oldest = &each;
                    most = age;
                }
            }
        }
        if (oldest == nullptr) {
            return;
        }
        note_limit(limit_kind::held);
        oldest->close();
    }
}

QUORATE_DECL void listener::note_limit(limit_kind which) {
    line_limit& lines = load->lines[static_cast<std::size_t>(which)];
    if (options.log && lines.admit(steady::now())) {
        options.log(line_of(which, *this) + lines.left_out());
    }
}

// ---- Time ---------------------------------------------------------------------------------------

QUORATE_DECL std::uint64_t listener::tick_after(std::chrono::milliseconds limit) const {
    const auto periods = (limit + tick_period_ - std::chrono::milliseconds(1)) / tick_period_;
    return tick + 1 + static_cast<std::uint64_t>(periods);
}

QUORATE_DECL std::string_view listener::date() {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (now != date_at_ || date_.empty()) {
        date_at_ = now;
        date_ = format_http_date(now);
    }
    return date_;
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
    watch_grace();
    drain_timer_.expires_after(at_most);
    drain_timer_.async_wait([self = shared_from_this()](error_code aborted) {
        if (!aborted) {
            self->close_all();
        }
    });
}

QUORATE_DECL void listener::watch_grace() {
    grace_timer_.expires_after(options.drain_grace / grace_parts + std::chrono::milliseconds(1));
    grace_timer_.async_wait([self = shared_from_this()](error_code aborted) {
        if (!aborted && !self->connections_.empty()) {
            self->on_grace();
            self->watch_grace();
        }
    });
}

/// Effects: closes connections that have had no request to be answered for the grace: the rest of a
/// request does not come, or the client takes no answer.
QUORATE_DECL void listener::on_grace() {
    for (auto next = connections_.begin(); next != connections_.end();) {
        connection& each = *next++;
        if (each.grace_parts_without_request() >= grace_parts) {
            each.close();
        }
    }
}

QUORATE_DECL void listener::on_closed(connection& closed) noexcept {
    connections_.erase(connections_.iterator_to(closed));
    --load->connections;
    load->reserved -= closed.is_reserved() ? 1U : 0U;
    check_drained();
}

QUORATE_DECL void listener::check_drained() noexcept {
    if (drained_ && connections_.empty()) {
        drain_timer_.cancel();
        grace_timer_.cancel();
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
    std::erase(load->doors, this);
    tick_timer_.cancel();
    drain_timer_.cancel();
    grace_timer_.cancel();
    check_drained();
}

QUORATE_DECL void listener::abandon() noexcept {
    drained_ = nullptr;
    stop();
}

} // namespace quorate::http::detail

#endif
