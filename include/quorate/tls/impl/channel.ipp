// The operations of a TLS connection.
#ifndef QUORATE_TLS_IMPL_CHANNEL_IPP
#define QUORATE_TLS_IMPL_CHANNEL_IPP

// Programs that compile the bodies once need OpenSSL only when they say so.
#if defined(QUORATE_HEADER_ONLY) || defined(QUORATE_WITH_TLS)

#include <quorate/tls/channel.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

namespace quorate::tls::detail {

struct certificate_deleter {
    void operator()(X509* owned) const noexcept { X509_free(owned); }
};
using certificate = std::unique_ptr<X509, certificate_deleter>;

/// Returns: what the client showed, null where it showed none or none that was verified.
[[nodiscard]] inline certificate verified_certificate(SSL* session) {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    certificate shown(SSL_get1_peer_certificate(session));
#else
    certificate shown(SSL_get_peer_certificate(session));
#endif
    if (shown != nullptr && SSL_get_verify_result(session) != X509_V_OK) {
        shown.reset();
    }
    return shown;
}

/// Returns: the last common name, as etcd does; empty where there is none, or one that holds a zero
/// byte and so could pass for a shorter one.
[[nodiscard]] inline std::string common_name_of(X509* shown) {
    const X509_NAME* subject = X509_get_subject_name(shown);
    int last = -1;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
        last = at;
    }
    if (last < 0) {
        return {};
    }
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    if (size < 0) {
        return {};
    }
    std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
    return name.find('\0') == std::string::npos ? name : std::string();
}

QUORATE_DECL channel::channel(http::tcp_socket socket,
                              std::shared_ptr<boost::asio::ssl::context> context,
                              admission admitted)
    : context_(std::move(context)),
      stream_(std::move(socket), *context_),
      admitted_(std::move(admitted)) {}

QUORATE_DECL void channel::handshake(done f) {
    stream_.async_handshake(boost::asio::ssl::stream_base::server,
                            [self = shared_from_this(), f = std::move(f)](error_code ec) {
                                if (!ec && !self->is_admitted()) {
                                    ec = boost::asio::error::access_denied;
                                }
                                f(ec);
                            });
}

QUORATE_DECL bool channel::is_admitted() const {
    if (admitted_.common_names.empty() && admitted_.hostnames.empty()) {
        return true;
    }
    const certificate shown =
        verified_certificate(const_cast<channel*>(this)->stream_.native_handle());
    if (shown == nullptr) {
        return false;
    }
    const auto& names = admitted_.common_names;
    if (!names.empty() &&
        std::find(names.begin(), names.end(), common_name_of(shown.get())) == names.end()) {
        return false;
    }
    const auto& hosts = admitted_.hostnames;
    return hosts.empty() || std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
               return X509_check_host(shown.get(), host.data(), host.size(), 0, nullptr) == 1;
           });
}

QUORATE_DECL std::string channel::common_name() const {
    const certificate shown =
        verified_certificate(const_cast<channel*>(this)->stream_.native_handle());
    return shown == nullptr ? std::string() : common_name_of(shown.get());
}

QUORATE_DECL void channel::read_some(boost::asio::mutable_buffer place, moved f) {
    stream_.async_read_some(
        place, [self = shared_from_this(), f = std::move(f)](error_code ec, std::size_t bytes) {
            // Requests frame themselves, so that an end without a farewell hides nothing.
            const bool is_end = ec == boost::asio::ssl::error::stream_truncated;
            f(is_end ? error_code(boost::asio::error::eof) : ec, bytes);
        });
}

QUORATE_DECL void channel::write_some(std::span<const boost::asio::const_buffer> bytes, moved f) {
    stream_.async_write_some(bytes, [self = shared_from_this(), f = std::move(f)](
                                        error_code ec, std::size_t written) { f(ec, written); });
}

QUORATE_DECL void channel::shutdown(done f) {
    stream_.async_shutdown([self = shared_from_this(), f = std::move(f)](error_code ec) mutable {
        if (!ec || ec == boost::asio::error::eof || !self->stream_.next_layer().is_open()) {
            return f(ec);
        }
        // The client goes on sending. To close now would reset the connection, and the client could
        // lose the response that says why.
        error_code ignored;
        self->stream_.next_layer().shutdown(http::tcp_socket::shutdown_send, ignored);
        self->drain(std::move(f));
    });
}

QUORATE_DECL void channel::drain(done f) {
    stream_.next_layer().async_read_some(
        boost::asio::buffer(scratch_),
        [self = shared_from_this(), f = std::move(f)](error_code ec, std::size_t) mutable {
            ec ? f(ec) : self->drain(std::move(f));
        });
}

QUORATE_DECL void channel::close() noexcept {
    error_code ignored;
    stream_.next_layer().close(ignored);
}

} // namespace quorate::tls::detail

#endif

#endif
