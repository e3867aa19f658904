// How a connection speaks through encryption, whoever encrypts; plain sockets need none of this.
// Flow:    0 and 13. HTTP bytes → http::request, and back
// Threads: the io_context's, one at a time
#ifndef QUORATE_HTTP_SECURE_CHANNEL_HPP
#define QUORATE_HTTP_SECURE_CHANNEL_HPP

#include <quorate/base/error.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace quorate::http {

using tcp_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// One encrypted connection, over the socket it owns. At most one read and one write are under way.
/// Functions are called from the io_context, never from within a call; with an error after `close`.
class secure_channel {
public:
    using done = std::function<void(error_code)>;
    using moved = std::function<void(error_code, std::size_t)>;

    secure_channel() = default;
    secure_channel(const secure_channel&) = delete;
    secure_channel& operator=(const secure_channel&) = delete;
    virtual ~secure_channel() = default;

    /// Effects: agrees on keys, and checks the client where it has to show who it is.
    virtual void handshake(done f) = 0;
    /// Errors: boost::asio::error::eof when the client sends no more.
    virtual void read_some(boost::asio::mutable_buffer place, moved f) = 0;
    virtual void write_some(std::span<const boost::asio::const_buffer> bytes, moved f) = 0;
    /// Effects: tells the client that nothing follows, and waits until it says the same.
    virtual void shutdown(done f) = 0;
    /// Effects: gives up at once.
    virtual void close() noexcept = 0;

    /// Returns: of the certificate that the client proved to own and that was verified; else empty.
    /// Requires: the handshake succeeded.
    [[nodiscard]] virtual std::string common_name() const = 0;
};

/// What a server turns sockets into channels with.
class secure_layer {
public:
    secure_layer() = default;
    secure_layer(const secure_layer&) = delete;
    secure_layer& operator=(const secure_layer&) = delete;
    virtual ~secure_layer() = default;

    /// Returns: null where that is impossible; the socket is closed then.
    [[nodiscard]] virtual std::shared_ptr<secure_channel> wrap(tcp_socket socket) = 0;
};

} // namespace quorate::http

#endif
