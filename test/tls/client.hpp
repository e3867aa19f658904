// A blocking TLS client.
#ifndef QUORATE_TEST_TLS_CLIENT_HPP
#define QUORATE_TEST_TLS_CLIENT_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace quorate::tls::test {

struct client_options {
    std::string identity{}; ///< Path without .pem and .key; empty: no certificate.
    std::string ca_file{};  ///< To check the server with; empty: it is not checked.
    int max_version = TLS1_3_VERSION;
    int min_version = TLS1_VERSION;
    std::string ciphers{}; ///< Of TLS 1.2; empty: OpenSSL's choice.
    std::string alpn{};    ///< On the wire: each with its length before it.
};

class client {
public:
    /// Throws where no handshake is possible. With TLS 1.3 a server's refusal comes later, with
    /// the first read.
    explicit client(std::uint16_t port, const client_options& o = {})
        : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
          fd_(::socket(AF_INET, SOCK_STREAM, 0)),
          session_(nullptr, SSL_free) {
        std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to a socket as to a file.
        SSL_CTX_set_min_proto_version(context_.get(), o.min_version);
        SSL_CTX_set_max_proto_version(context_.get(), o.max_version);
        SSL_CTX_set_security_level(context_.get(), 0); // It is for the server to be strict.
        if (!o.ciphers.empty()) {
            SSL_CTX_set_cipher_list(context_.get(), o.ciphers.c_str());
        }
        if (!o.identity.empty()) {
            check(SSL_CTX_use_certificate_chain_file(context_.get(),
                                                     (o.identity + ".pem").c_str()) == 1);
            check(SSL_CTX_use_PrivateKey_file(context_.get(), (o.identity + ".key").c_str(),
                                              SSL_FILETYPE_PEM) == 1);
        }
        if (!o.ca_file.empty()) {
            check(SSL_CTX_load_verify_locations(context_.get(), o.ca_file.c_str(), nullptr) == 1);
            SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        }
        if (!o.alpn.empty()) {
            SSL_CTX_set_alpn_protos(context_.get(),
                                    reinterpret_cast<const unsigned char*>(o.alpn.data()),
                                    static_cast<unsigned>(o.alpn.size()));
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        const bool connected =
            ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
        session_.reset(SSL_new(context_.get()));
        SSL_set_fd(session_.get(), fd_);
        if (!connected || SSL_connect(session_.get()) != 1) {
            ERR_clear_error();
            ::close(fd_);
            throw std::runtime_error("no handshake");
        }
    }
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client() { ::close(fd_); }

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const int sent =
                SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size()));
            if (sent <= 0) {
                ERR_clear_error();
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    /// Returns: what comes until `end` was received, or until nothing more comes.
    std::string receive_until(std::string_view end) {
        std::string all;
        char bytes[16384];
        while (end.empty() || all.find(end) == std::string::npos) {
            const int size = SSL_read(session_.get(), bytes, sizeof(bytes));
            if (size <= 0) {
                last_ = SSL_get_error(session_.get(), size);
                ERR_clear_error();
                break;
            }
            all.append(bytes, static_cast<std::size_t>(size));
        }
        return all;
    }
    std::string receive_all() { return receive_until({}); }
    /// Returns: whether the server said that nothing follows; after receive_all.
    [[nodiscard]] bool heard_farewell() const { return last_ == SSL_ERROR_ZERO_RETURN; }
    void say_farewell() { SSL_shutdown(session_.get()); }
    /// Effects: sends bytes as they are, past the encryption.
    void send_raw(std::string_view bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

    [[nodiscard]] SSL* native() { return session_.get(); }
    [[nodiscard]] long server_serial() {
        const std::unique_ptr<X509, void (*)(X509*)> shown(SSL_get_peer_certificate(native()),
                                                           X509_free);
        return ASN1_INTEGER_get(X509_get_serialNumber(shown.get()));
    }

private:
    static void check(bool holds) {
        if (!holds) {
            throw std::logic_error("the test's own certificates are of no use");
        }
    }

    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
    int fd_;
    std::unique_ptr<SSL, void (*)(SSL*)> session_;
    int last_ = SSL_ERROR_NONE;
};

} // namespace quorate::tls::test

#endif
