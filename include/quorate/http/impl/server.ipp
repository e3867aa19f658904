// The handle over a listener.
#ifndef QUORATE_HTTP_IMPL_SERVER_IPP
#define QUORATE_HTTP_IMPL_SERVER_IPP

#include <quorate/http/listener.hpp>
#include <quorate/http/server.hpp>

#include <utility>

namespace quorate::http {

QUORATE_DECL server::server(const asio_context& context, server_options options,
                            std::function<void(exchange)> handler,
                            std::shared_ptr<secure_layer> security,
                            std::shared_ptr<traffic> shared) {
    QUORATE_ASSERT(handler != nullptr);
    listener_ = std::make_shared<detail::listener>(context, std::move(options), std::move(handler),
                                                   std::move(security), std::move(shared));
}

QUORATE_DECL server::~server() {
    listener_->abandon();
}

QUORATE_DECL error_code server::start() {
    return listener_->start();
}

QUORATE_DECL std::uint16_t server::port() const noexcept {
    return listener_->port();
}

QUORATE_DECL std::size_t server::connection_count() const noexcept {
    return listener_->connection_count();
}

QUORATE_DECL std::size_t server::request_count() const noexcept {
    return listener_->now().requests;
}

QUORATE_DECL std::size_t server::stream_count() const noexcept {
    return listener_->now().streams;
}

QUORATE_DECL std::uint64_t server::bytes_received() const noexcept {
    return listener_->now().bytes_received;
}

QUORATE_DECL std::uint64_t server::bytes_sent() const noexcept {
    return listener_->now().bytes_sent;
}

QUORATE_DECL void server::stop_accepting() noexcept {
    listener_->stop_accepting();
}

QUORATE_DECL void server::drain(std::chrono::milliseconds at_most, std::function<void()> done) {
    listener_->drain(at_most, std::move(done));
}

QUORATE_DECL void server::stop() noexcept {
    listener_->stop();
}

} // namespace quorate::http

#endif
