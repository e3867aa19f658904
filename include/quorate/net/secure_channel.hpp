// An encrypted connection, for any library that encrypts; plain sockets need none of this.
// Flow:    0, 8, 9 and 13. bytes of a client or a peer → the same, readable, and back
// Threads: those of the asio_context, one at a time
#ifndef QUORATE_NET_SECURE_CHANNEL_HPP
#define QUORATE_NET_SECURE_CHANNEL_HPP

#include <quorate/base/error.hpp>
#include <quorate/runtime/asio_context.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace quorate {

using tcp_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, asio_context::executor_type>;

/// One encrypted connection, over the socket it owns. At most one read and one write are under way.
/// Functions are called from the context, never from within a call; with an error after `close`.
class secure_channel {
public:
    using done = std::function<void(error_code)>;
    using moved = std::function<void(error_code, std::size_t)>;

    secure_channel() = default;
    secure_channel(const secure_channel&) = delete;
    secure_channel& operator=(const secure_channel&) = delete;
    virtual ~secure_channel() = default;

    /// Effects: agrees on keys, and checks the other end where it has to show who it is.
    virtual void handshake(done f) = 0;
    /// Errors: boost::asio::error::eof when the other end sends no more. Lifetime: `place` until
    /// `f` is called, after `close`, too.
    virtual void read_some(boost::asio::mutable_buffer place, moved f) = 0;
    /// Effects: takes what fits of the bytes; they are copied before it returns.
    virtual void write_some(std::span<const boost::asio::const_buffer> bytes, moved f) = 0;
    /// Effects: tells the other end that nothing follows, and waits until it says the same.
    virtual void shutdown(done f) = 0;
    /// Effects: gives up at once; what is written already still arrives.
    virtual void close() noexcept = 0;

    /// Returns: of the certificate that the other end proved to own and that was verified; else
    /// empty. Requires: the handshake succeeded.
    [[nodiscard]] virtual std::string common_name() const = 0;
    /// Returns: whether that certificate is for `host`, a name or a literal address.
    /// Requires: the handshake succeeded.
    [[nodiscard]] virtual bool is_for_host(const std::string& host) const = 0;
    /// Returns: what was wrong with the certificate of the other end; empty where nothing was.
    [[nodiscard]] virtual std::string complaint() const = 0;
};

/// What turns sockets into channels.
class secure_layer {
public:
    secure_layer() = default;
    secure_layer(const secure_layer&) = delete;
    secure_layer& operator=(const secure_layer&) = delete;
    virtual ~secure_layer() = default;

    /// For a socket that was accepted. Returns: null where that is impossible; the socket is closed
    /// then.
    [[nodiscard]] virtual std::shared_ptr<secure_channel> wrap(tcp_socket socket) = 0;
    /// For a socket that was connected to `host`, a name or a literal address, which the other
    /// end's certificate has to be for. Returns: null where that is impossible.
    [[nodiscard]] virtual std::shared_ptr<secure_channel> wrap_dialled(tcp_socket socket,
                                                                       const std::string& host) = 0;
};

} // namespace quorate

#endif
