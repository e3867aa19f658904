// A connection as its reader and its writer see it, encrypted or not.
// Flow:       8 and 9. bytes → socket → bytes
// Invariants: a plain one hands its buffers to the system as they are
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_NET_TCP_STREAM_HPP
#define QUORATE_NET_TCP_STREAM_HPP

#include <quorate/net/secure_channel.hpp>
#include <quorate/runtime/asio_context.hpp>

#include <boost/asio/buffer.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace quorate::detail {

/// Models Asio's AsyncReadStream and AsyncWriteStream, for handlers that can be copied. Buffers
/// that are read into have to live until the handler is called, closed or not.
class tcp_stream {
public:
    using executor_type = asio_context::executor_type;
    /// As many buffers as Asio hands to the system at once; of more, the rest waits.
    static constexpr std::size_t buffers_max = 64;

    explicit tcp_stream(const executor_type& executor) : socket_(executor) {}
    explicit tcp_stream(tcp_socket socket) : socket_(std::move(socket)) {}

    [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }
    /// Returns: the socket. Requires: not encrypted.
    [[nodiscard]] tcp_socket& socket() noexcept { return socket_; }
    /// Returns: what encrypts; null when nothing does.
    [[nodiscard]] const std::shared_ptr<secure_channel>& channel() const noexcept {
        return channel_;
    }

    /// Effects: accepts over `layer`; nothing may be read or written until `f` has no error.
    /// Requires: plain and connected. Errors: those of the handshake; not_connected where the layer
    /// cannot encrypt.
    void accept_over(secure_layer& layer, secure_channel::done f);
    /// Effects: the same for a connection that was dialled; the other end has to be `host`.
    void dial_over(secure_layer& layer, const std::string& host, secure_channel::done f);

    /// Effects: ends reads and writes, and says goodbye; what is written already still arrives.
    /// It can be connected anew.
    void close() noexcept;

    template <class Handler>
    void async_read_some(const boost::asio::mutable_buffer& place, Handler&& handler) {
        if (channel_ == nullptr) {
            socket_.async_read_some(place, std::forward<Handler>(handler));
        } else {
            channel_->read_some(place, std::forward<Handler>(handler));
        }
    }
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& bytes, Handler&& handler) {
        if (channel_ == nullptr) {
            socket_.async_write_some(bytes, std::forward<Handler>(handler));
            return;
        }
        std::array<boost::asio::const_buffer, buffers_max> listed;
        std::size_t count = 0;
        const auto end = boost::asio::buffer_sequence_end(bytes);
        for (auto one = boost::asio::buffer_sequence_begin(bytes); one != end; ++one) {
            if (count == listed.size()) {
                break;
            }
            listed[count++] = *one;
        }
        channel_->write_some({listed.data(), count}, std::forward<Handler>(handler));
    }

private:
    void shake_hands(std::shared_ptr<secure_channel> channel, secure_channel::done f);

    tcp_socket socket_; ///< Closed while there is a channel.
    std::shared_ptr<secure_channel> channel_;
};

} // namespace quorate::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_stream.ipp>
#endif

#endif
