// One TLS connection, accepted or dialled.
// Flow:       0, 8, 9 and 13. bytes of a client or a peer → the same, readable, and back
// Invariants: the stream and the context it was made of live until the last operation has ended
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_TLS_CHANNEL_HPP
#define QUORATE_TLS_CHANNEL_HPP

#include <quorate/base/config.hpp>
#include <quorate/net/secure_channel.hpp>
#include <quorate/tls/options.hpp>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace quorate::tls::detail {

/// Which verified certificates a channel accepts; empty lists accept all.
struct admission {
    std::vector<std::string> common_names;
    std::vector<std::string> hostnames;
};

/// The most bytes that one record of TLS holds, RFC 8446 §5.1.
inline constexpr std::size_t record_bytes_max = 16 << 10;

class channel final : public secure_channel, public std::enable_shared_from_this<channel> {
public:
    /// `host` is whom it dialled; empty: it was dialled itself.
    channel(tcp_socket socket, std::shared_ptr<boost::asio::ssl::context> context,
            admission admitted, std::string host);

    /// Errors: boost::asio::error::access_denied for somebody who is not admitted.
    void handshake(done f) override;
    void read_some(boost::asio::mutable_buffer place, moved f) override;
    void write_some(std::span<const boost::asio::const_buffer> bytes, moved f) override;
    void shutdown(done f) override;
    void close() noexcept override;
    [[nodiscard]] std::string common_name() const override;
    [[nodiscard]] bool is_for_host(const std::string& host) const override;
    [[nodiscard]] std::string complaint() const override;

private:
    [[nodiscard]] SSL* session() const noexcept;
    [[nodiscard]] bool expect_host();
    [[nodiscard]] bool is_admitted() const;
    void drain(done f);

    std::shared_ptr<boost::asio::ssl::context> context_;
    boost::asio::ssl::stream<tcp_socket> stream_;
    admission admitted_;
    std::string host_;
    bool refused_ = false;             ///< For a name that is not admitted.
    std::array<char, 1024> scratch_{}; ///< For what nobody will read.
};

} // namespace quorate::tls::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/tls/impl/channel.ipp>
#endif

#endif
