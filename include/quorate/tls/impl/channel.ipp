// The operations of a TLS connection.
#ifndef QUORATE_TLS_IMPL_CHANNEL_IPP
#define QUORATE_TLS_IMPL_CHANNEL_IPP

// Programs that compile the bodies once need OpenSSL only when they say so.
#if defined(QUORATE_HEADER_ONLY) || defined(QUORATE_WITH_TLS)

#include <quorate/tls/channel.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
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

/// Returns: what the other end showed, null where it showed none or none that was verified.
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

[[nodiscard]] inline bool is_literal_address(const std::string& host) {
    error_code ec;
    static_cast<void>(boost::asio::ip::make_address(host, ec));
    return !ec;
}

/// Only names made for the purpose count, not the common name, as RFC 6125 §6.4.4 has it.
inline constexpr unsigned host_flags =
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

[[nodiscard]] inline bool fits_host(X509* shown, const std::string& host) {
    return is_literal_address(host)
               ? X509_check_ip_asc(shown, host.c_str(), 0) == 1
               : X509_check_host(shown, host.data(), host.size(), host_flags, nullptr) == 1;
}

QUORATE_DECL channel::channel(tcp_socket socket, std::shared_ptr<boost::asio::ssl::context> context,
                              admission admitted, std::string host)
    : context_(std::move(context)),
      stream_(std::move(socket), *context_),
      admitted_(std::move(admitted)),
      host_(std::move(host)) {}

QUORATE_DECL SSL* channel::session() const noexcept {
    return const_cast<channel*>(this)->stream_.native_handle();
}

/// Returns: whether OpenSSL will check that the other end is `host_`.
QUORATE_DECL bool channel::expect_host() {
    if (is_literal_address(host_)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session()), host_.c_str()) == 1;
    }
    SSL_set_hostflags(session(), host_flags);
    return SSL_set1_host(session(), host_.c_str()) == 1 &&
           SSL_ctrl(session(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    host_.data()) == 1;
}

QUORATE_DECL void channel::handshake(done f) {
    auto finish = [self = shared_from_this(), f = std::move(f)](error_code ec) {
        if (!ec && !self->is_admitted()) {
            self->refused_ = true;
            ec = boost::asio::error::access_denied;
        }
        f(ec == boost::asio::ssl::error::stream_truncated ? boost::asio::error::eof : ec);
    };
    if (host_.empty()) {
        stream_.async_handshake(boost::asio::ssl::stream_base::server, std::move(finish));
    } else if (expect_host()) {
        stream_.async_handshake(boost::asio::ssl::stream_base::client, std::move(finish));
    } else {
        boost::asio::post(stream_.get_executor(), [finish = std::move(finish)] {
            finish(boost::asio::error::invalid_argument);
        });
    }
}

QUORATE_DECL bool channel::is_admitted() const {
    if (admitted_.common_names.empty() && admitted_.hostnames.empty()) {
        return true;
    }
    const certificate shown = verified_certificate(session());
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
               return fits_host(shown.get(), host);
           });
}

QUORATE_DECL bool channel::is_for_host(const std::string& host) const {
    const certificate shown = verified_certificate(session());
    return shown != nullptr && fits_host(shown.get(), host);
}

QUORATE_DECL std::string channel::complaint() const {
    if (refused_) {
        return "its certificate is not for a name that is allowed";
    }
    const long verified = SSL_get_verify_result(session());
    if (verified == X509_V_OK) {
        return {};
    }
    return std::string("its certificate is refused: ") + X509_verify_cert_error_string(verified);
}

QUORATE_DECL std::string channel::common_name() const {
    const certificate shown = verified_certificate(session());
    return shown == nullptr ? std::string() : common_name_of(shown.get());
}

QUORATE_DECL void channel::read_some(boost::asio::mutable_buffer place, moved f) {
    stream_.async_read_some(
        place, [self = shared_from_this(), f = std::move(f)](error_code ec, std::size_t bytes) {
            // Requests and frames say how long they are, so that an end without a farewell hides
            // nothing.
            const bool is_end = ec == boost::asio::ssl::error::stream_truncated;
            f(is_end ? error_code(boost::asio::error::eof) : ec, bytes);
        });
}

QUORATE_DECL void channel::write_some(std::span<const boost::asio::const_buffer> bytes, moved f) {
    // Small pieces share a record. The copy is kept as long as the stream may look at it, which can
    // be after whoever wrote gave up and let the bytes go.
    const std::size_t size = std::min(boost::asio::buffer_size(bytes), record_bytes_max);
    const std::shared_ptr<char[]> record(new char[size]);
    boost::asio::buffer_copy(boost::asio::buffer(record.get(), size), bytes);
    stream_.async_write_some(boost::asio::const_buffer(record.get(), size),
                             [self = shared_from_this(), record, f = std::move(f)](
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
        self->stream_.next_layer().shutdown(tcp_socket::shutdown_send, ignored);
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
    stream_.next_layer().shutdown(tcp_socket::shutdown_send, ignored);
    stream_.next_layer().close(ignored);
}

} // namespace quorate::tls::detail

#endif

#endif
