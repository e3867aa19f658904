// The start of a connection's encryption, and its end.
#ifndef QUORATE_NET_IMPL_TCP_STREAM_IPP
#define QUORATE_NET_IMPL_TCP_STREAM_IPP

#include <quorate/net/tcp_stream.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <string>
#include <utility>

namespace quorate::detail {

QUORATE_DECL void tcp_stream::accept_over(secure_layer& layer, secure_channel::done f) {
    shake_hands(layer.wrap(std::move(socket_)), std::move(f));
}

QUORATE_DECL void tcp_stream::dial_over(secure_layer& layer, const std::string& host,
                                        secure_channel::done f) {
    shake_hands(layer.wrap_dialled(std::move(socket_), host), std::move(f));
}

QUORATE_DECL void tcp_stream::shake_hands(std::shared_ptr<secure_channel> channel,
                                          secure_channel::done f) {
    channel_ = std::move(channel);
    if (channel_ == nullptr) {
        boost::asio::post(get_executor(),
                          [f = std::move(f)] { f(boost::asio::error::not_connected); });
        return;
    }
    channel_->handshake(std::move(f));
}

QUORATE_DECL void tcp_stream::close() noexcept {
    if (channel_ != nullptr) {
        std::exchange(channel_, nullptr)->close();
        return;
    }
    error_code ignored;
    socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
    socket_.close(ignored);
}

} // namespace quorate::detail

#endif
