// An HTTP/1.1 server: whole requests in, whole responses or streams out.
// Flow:       0 and 13. HTTP bytes → exchange → handler → response → HTTP bytes
// Invariants: a client can neither exceed the options' bounds nor hold up another client
// Source:     RFC 9110, RFC 9112
// Threads:    the io_context's: one thread runs it, and every call here is made from that thread or
//             while it does not run
#ifndef QUORATE_HTTP_SERVER_HPP
#define QUORATE_HTTP_SERVER_HPP

#include <quorate/base/error.hpp>
#include <quorate/http/exchange.hpp>
#include <quorate/http/server_options.hpp>
#include <quorate/http/traffic.hpp>
#include <quorate/runtime/asio_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace quorate {
class secure_layer;
}

namespace quorate::http {

namespace detail {
class listener;
}

/// Keep-alive, pipelining, chunked request bodies, Expect: 100-continue and HTTP/1.0 are handled
/// here; what is malformed or over a limit is refused here. Every other request, whatever its
/// method and target, reaches the handler.
class server {
public:
    /// `handler` takes every request; it answers at once or keeps the exchange and answers later.
    /// With `security`, such as a tls::layer, every connection is encrypted. Servers with the same
    /// `shared` traffic keep to their limits together, and count together; null: alone.
    /// Requires: the handler is not empty, does not throw and does not destroy the server.
    /// Lifetime: `context` outlives the server and all exchanges.
    server(const asio_context& context, server_options options,
           std::function<void(exchange)> handler, std::shared_ptr<secure_layer> security = nullptr,
           std::shared_ptr<traffic> shared = nullptr);
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    /// Effects: as stop, but a drain's callback is dropped.
    ~server();

    /// Effects: listens. Requires: not listening already.
    /// Errors: errc::invalid_option; what the system says of the address and port.
    [[nodiscard]] error_code start();

    /// Returns: the port that `start` bound, zero before.
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] std::size_t connection_count() const noexcept;
    /// Returns: the requests that the handler has not answered, whether or not their clients wait.
    [[nodiscard]] std::size_t request_count() const noexcept;
    [[nodiscard]] std::size_t stream_count() const noexcept;
    /// Returns: of all connections so far, without what encryption adds.
    [[nodiscard]] std::uint64_t bytes_received() const noexcept;
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept;

    /// Effects: refuses new connections; those open go on.
    void stop_accepting() noexcept;

    /// Effects: stops accepting, closes idle connections at once and others after the requests they
    /// have begun are answered; streams are told to end. Requests that do not become whole, and
    /// answers that are not taken, have the options' grace. After `at_most` it closes what is left.
    /// Then calls `done`, once, from the io_context. Requires: not called before.
    void drain(std::chrono::milliseconds at_most, std::function<void()> done);

    /// Effects: stops accepting and closes every connection at once. Exchanges may still be
    /// answered, to no effect.
    void stop() noexcept;

private:
    std::shared_ptr<detail::listener> listener_;
};

} // namespace quorate::http

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/server.ipp>
#endif

#endif
