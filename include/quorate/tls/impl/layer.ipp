// Reading certificates, and reading them again.
#ifndef QUORATE_TLS_IMPL_LAYER_IPP
#define QUORATE_TLS_IMPL_LAYER_IPP

// Programs that compile the bodies once need OpenSSL only when they say so.
#if defined(QUORATE_HEADER_ONLY) || defined(QUORATE_WITH_TLS)

#include <quorate/base/assert.hpp>
#include <quorate/tls/channel.hpp>
#include <quorate/tls/layer.hpp>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace quorate::tls {

namespace detail {

/// Returns: what OpenSSL noted last; never success.
[[nodiscard]] inline error_code last_openssl_error() {
    const auto code = ::ERR_get_error();
    ::ERR_clear_error();
    return code == 0 ? make_error_code(errc::invalid_option)
                     : error_code(static_cast<int>(code), boost::asio::error::get_ssl_category());
}

/// Picks HTTP/1.1 from what a client offers; one that offers something else only hears nothing, as
/// one that offers nothing does.
inline int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                           const unsigned char* offered, unsigned int offered_bytes, void*) {
    static constexpr unsigned char http_1_1[] = "\x08http/1.1";
    unsigned char* match = nullptr;
    const int found = ::SSL_select_next_proto(&match, chosen_bytes, http_1_1, sizeof(http_1_1) - 1,
                                              offered, offered_bytes);
    *chosen = match;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// Returns: whether `name` is one cipher suite of TLS 1.2. OpenSSL itself takes names of whole
/// classes, too, some of which do not encrypt, and passes over what it does not know.
[[nodiscard]] inline bool is_cipher(SSL_CTX* native, const std::string& name) {
    if (::SSL_CTX_set_cipher_list(native, name.c_str()) != 1) {
        return false;
    }
    const STACK_OF(SSL_CIPHER)* chosen = ::SSL_CTX_get_ciphers(native);
    for (int i = 0; i < sk_SSL_CIPHER_num(chosen); ++i) {
        const SSL_CIPHER* each = sk_SSL_CIPHER_value(chosen, i);
        if (name == ::SSL_CIPHER_get_name(each)) {
            return true;
        }
    }
    return false;
}

struct revocation_list_deleter {
    void operator()(X509_CRL* owned) const noexcept { X509_CRL_free(owned); }
};
using revocation_list = std::unique_ptr<X509_CRL, revocation_list_deleter>;

[[nodiscard]] inline bool has_expired(const X509_CRL* list) {
    const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list);
    return next != nullptr && X509_cmp_time(next, nullptr) < 0;
}

inline void harden(SSL_CTX* native, version least) {
    ::SSL_CTX_set_min_proto_version(native,
                                    least == version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    ::SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
    ::SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_num_tickets(native, 0);
    ::SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
}

} // namespace detail

QUORATE_DECL layer::layer(options given) : options_(std::move(given)) {}
QUORATE_DECL layer::~layer() = default;

QUORATE_DECL std::vector<std::string> layer::files() const {
    std::vector<std::string> named;
    for (const std::string* each : {&options_.certificate_file, &options_.key_file,
                                    &options_.trusted_ca_file, &options_.crl_file}) {
        if (!each->empty()) {
            named.push_back(*each);
        }
    }
    return named;
}

QUORATE_DECL error_code layer::look(std::vector<stamp>& stamps) {
    for (const std::string& file : files()) {
        struct ::stat found {};
        if (::stat(file.c_str(), &found) != 0) {
            failed_file_ = file;
            return {errno, boost::system::system_category()};
        }
        stamps.push_back({.seconds = found.st_mtim.tv_sec,
                          .nanoseconds = found.st_mtim.tv_nsec,
                          .inode = found.st_ino,
                          .bytes = found.st_size});
    }
    return {};
}

QUORATE_DECL error_code layer::open() {
    QUORATE_ASSERT(accepting_ == nullptr);
    const bool names =
        !options_.allowed_common_names.empty() || !options_.allowed_hostnames.empty();
    if (options_.certificate_file.empty() || options_.key_file.empty() ||
        (names && !asks_clients())) {
        return errc::invalid_option;
    }
    looked_ = std::chrono::steady_clock::now();
    return load();
}

QUORATE_DECL error_code layer::load() {
    failed_file_.clear();
    // Before the files are read: what changes meanwhile is seen the next time.
    std::vector<stamp> stamps;
    if (const error_code ec = look(stamps)) {
        return ec;
    }
    ::ERR_clear_error();
    const auto accepting = std::make_shared<context>(context::tls_server);
    std::shared_ptr<context> dialling;
    error_code ec = fill(*accepting, asks_clients());
    if (!ec && options_.dials) {
        dialling = std::make_shared<context>(context::tls_client);
        ec = fill(*dialling, true);
    }
    if (!ec) {
        accepting_ = accepting;
        dialling_ = dialling;
        stamps_ = std::move(stamps);
        warn_of_files();
    }
    return ec;
}

QUORATE_DECL error_code layer::fill(context& fresh, bool checks_others) {
    detail::harden(fresh.native_handle(), options_.min_version);
    error_code ec = choose_ciphers(fresh);
    if (!ec) {
        ec = load_certificate(fresh);
    }
    return !ec && checks_others ? load_authorities(fresh) : ec;
}

QUORATE_DECL error_code layer::choose_ciphers(boost::asio::ssl::context& fresh) const {
    std::string list;
    for (const std::string& suite : options_.cipher_suites) {
        const std::string by_iana = ::OPENSSL_cipher_name(suite.c_str());
        const std::string& name = by_iana == "(NONE)" ? suite : by_iana;
        if (!detail::is_cipher(fresh.native_handle(), name)) {
            ::ERR_clear_error();
            return errc::invalid_option;
        }
        list.append(list.empty() ? "" : ":").append(name);
    }
    if (!list.empty() && ::SSL_CTX_set_cipher_list(fresh.native_handle(), list.c_str()) != 1) {
        return detail::last_openssl_error();
    }
    return {};
}

QUORATE_DECL error_code layer::load_certificate(boost::asio::ssl::context& fresh) {
    error_code ec;
    failed_file_ = options_.certificate_file;
    fresh.use_certificate_chain_file(options_.certificate_file, ec);
    if (ec) {
        return ec;
    }
    failed_file_ = options_.key_file;
    // A key with a passphrase would otherwise be asked for at the terminal.
    fresh.set_password_callback(
        [](std::size_t, boost::asio::ssl::context::password_purpose) { return std::string(); }, ec);
    if (!ec) {
        fresh.use_private_key_file(options_.key_file, boost::asio::ssl::context::pem, ec);
    }
    if (!ec && ::SSL_CTX_check_private_key(fresh.native_handle()) != 1) {
        ec = detail::last_openssl_error();
    }
    if (!ec) {
        failed_file_.clear();
    }
    return ec;
}

QUORATE_DECL error_code layer::load_authorities(boost::asio::ssl::context& fresh) {
    const std::string& ca = options_.trusted_ca_file;
    error_code ec;
    failed_file_ = ca;
    if (ca.empty()) {
        fresh.set_default_verify_paths(ec);
    } else {
        fresh.load_verify_file(ca, ec);
        ::SSL_CTX_set_client_CA_list(fresh.native_handle(), ::SSL_load_client_CA_file(ca.c_str()));
    }
    if (!ec && !options_.crl_file.empty()) {
        ec = load_revocations(fresh);
    }
    if (ec) {
        return ec;
    }
    failed_file_.clear();
    fresh.set_verify_mode(
        boost::asio::ssl::verify_peer | boost::asio::ssl::verify_fail_if_no_peer_cert, ec);
    return ec;
}

QUORATE_DECL error_code layer::load_revocations(boost::asio::ssl::context& fresh) {
    failed_file_ = options_.crl_file;
    X509_STORE* store = ::SSL_CTX_get_cert_store(fresh.native_handle());
    const std::unique_ptr<BIO, decltype(&::BIO_free_all)> file(
        ::BIO_new_file(options_.crl_file.c_str(), "r"), &::BIO_free_all);
    if (file == nullptr) {
        return detail::last_openssl_error();
    }
    has_expired_list_ = false;
    int count = 0;
    for (;;) {
        const detail::revocation_list list(
            ::PEM_read_bio_X509_CRL(file.get(), nullptr, nullptr, nullptr));
        if (list == nullptr) {
            break;
        }
        if (::X509_STORE_add_crl(store, list.get()) != 1) {
            return detail::last_openssl_error();
        }
        has_expired_list_ = has_expired_list_ || detail::has_expired(list.get());
        ++count;
    }
    // The end of the file is told as an error, too: no further start of a list.
    const bool at_end = count > 0 && ERR_GET_REASON(::ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!at_end) {
        return detail::last_openssl_error();
    }
    ::ERR_clear_error();
    // Of the whole chain: an intermediate authority that was revoked is worth no more than a
    // revoked member.
    return ::X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1
               ? error_code()
               : detail::last_openssl_error();
}

QUORATE_DECL void layer::warn_of_files() const {
    if (!on_warning_) {
        return;
    }
    if (has_expired_list_) {
        on_warning_(options_.crl_file +
                    " holds a list of revocations that has expired: every certificate of its "
                    "authority is refused until there is a newer one");
    }
    struct ::stat key {};
    if (::stat(options_.key_file.c_str(), &key) == 0 && (key.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        on_warning_(options_.key_file +
                    " holds a private key, and every user of this system may read or write it");
    }
}

QUORATE_DECL void layer::reload_if_changed() {
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_ < options_.reload_interval) {
        return;
    }
    looked_ = now;
    std::vector<stamp> stamps;
    error_code ec = look(stamps);
    if (!ec && stamps == stamps_) {
        return;
    }
    if (!ec) {
        ec = load();
    }
    if (on_reload_) {
        on_reload_(ec);
    }
}

QUORATE_DECL std::shared_ptr<secure_channel> layer::wrap(tcp_socket socket) {
    QUORATE_ASSERT(accepting_ != nullptr);
    reload_if_changed();
    return std::make_shared<detail::channel>(
        std::move(socket), accepting_,
        detail::admission{options_.allowed_common_names, options_.allowed_hostnames},
        std::string());
}

QUORATE_DECL std::shared_ptr<secure_channel> layer::wrap_dialled(tcp_socket socket,
                                                                 const std::string& host) {
    QUORATE_ASSERT(accepting_ != nullptr);
    reload_if_changed();
    if (dialling_ == nullptr || host.empty()) {
        return nullptr;
    }
    return std::make_shared<detail::channel>(
        std::move(socket), dialling_,
        detail::admission{options_.allowed_common_names, options_.allowed_hostnames}, host);
}

} // namespace quorate::tls

#endif

#endif
