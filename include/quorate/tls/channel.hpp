// One TLS connection of a server.
// Flow:       0 and 13. HTTP bytes → http::request, and back
// Invariants: the stream and the context it was made of live until the last operation has ended
// Threads:    the io_context's, one at a time
#ifndef QUORATE_TLS_CHANNEL_HPP
#define QUORATE_TLS_CHANNEL_HPP

#include <quorate/base/config.hpp>
#include <quorate/http/secure_channel.hpp>
#include <quorate/tls/options.hpp>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace quorate::tls::detail {

/// Which verified clients a channel lets in; empty lists let in all.
struct admission {
    std::vector<std::string> common_names;
    std::vector<std::string> hostnames;
};

class channel final : public http::secure_channel, public std::enable_shared_from_this<channel> {
public:
    channel(http::tcp_socket socket, std::shared_ptr<boost::asio::ssl::context> context,
            admission admitted);

    /// Errors: boost::asio::error::access_denied for a client that is not admitted.
    void handshake(done f) override;
    void read_some(boost::asio::mutable_buffer place, moved f) override;
    void write_some(std::span<const boost::asio::const_buffer> bytes, moved f) override;
    void shutdown(done f) override;
    void close() noexcept override;
    [[nodiscard]] std::string common_name() const override;

private:
    [[nodiscard]] bool is_admitted() const;
    void drain(done f);

    std::shared_ptr<boost::asio::ssl::context> context_;
    boost::asio::ssl::stream<http::tcp_socket> stream_;
    admission admitted_;
    std::array<char, 1024> scratch_{}; ///< For what nobody will read.
};

} // namespace quorate::tls::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/tls/impl/channel.ipp>
#endif

#endif
