// TLS for the HTTP server and for members: certificates in files, read again when they change.
// Flow:       0, 8 and 9
// Invariants: a client that should show a certificate and has no good one sends no request
//             files that cannot be used leave those before them in force
//             whoever is dialled shows a certificate for its host, or is sent nothing
//             no session is resumed, so every connection is checked against the files of its time
// Source:     RFC 8446, RFC 5246; OpenSSL 1.1.1 or later through Asio
// Threads:    the server's
#ifndef QUORATE_TLS_LAYER_HPP
#define QUORATE_TLS_LAYER_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/error.hpp>
#include <quorate/net/secure_channel.hpp>
#include <quorate/tls/options.hpp>

#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace quorate::tls {

/// Give it to http::server, or to a transport. `open` before the first use.
class layer final : public secure_layer {
public:
    explicit layer(options given);
    ~layer() override;

    /// Effects: reads the files. Requires: not called before.
    /// Errors: errc::invalid_option for no certificate, no key, or names of cipher suites unknown
    /// to OpenSSL, and for names to allow where no client is asked; what the system says of a file
    /// that cannot be read, what OpenSSL says of one that it cannot use. `failed_file` tells which.
    [[nodiscard]] error_code open();
    /// Returns: the file that the last failure was about; empty when it was about none.
    [[nodiscard]] const std::string& failed_file() const noexcept { return failed_file_; }

    /// Effects: `f` is called after each attempt to read changed files, with what came of it. The
    /// same failure is tried again, and told again, each time that a client connects and
    /// reload_interval has passed.
    void on_reload(std::function<void(error_code)> f) { on_reload_ = std::move(f); }

    /// Effects: `f` is called, also during `open`, with a sentence about each file that was read
    /// and is in use although it should be looked at: a list of revocations that has expired, or a
    /// key that every user of the system may read. Requires: not opened before.
    void on_warning(std::function<void(const std::string&)> f) { on_warning_ = std::move(f); }

    /// Effects: looks at the files first where it is time to.
    [[nodiscard]] std::shared_ptr<secure_channel> wrap(tcp_socket socket) override;
    /// The same. Returns: null where the options say that nobody is dialled.
    [[nodiscard]] std::shared_ptr<secure_channel> wrap_dialled(tcp_socket socket,
                                                               const std::string& host) override;

private:
    struct stamp {
        std::time_t seconds = 0;
        long nanoseconds = 0;
        std::uint64_t inode = 0;
        std::int64_t bytes = 0;
        bool operator==(const stamp&) const = default;
    };

    [[nodiscard]] bool asks_clients() const noexcept {
        return options_.client_cert_auth || !options_.trusted_ca_file.empty();
    }
    [[nodiscard]] std::vector<std::string> files() const;
    [[nodiscard]] error_code look(std::vector<stamp>& stamps);
    [[nodiscard]] error_code load();
    using context = boost::asio::ssl::context;
    [[nodiscard]] error_code fill(context& fresh, bool checks_others);
    [[nodiscard]] error_code load_certificate(boost::asio::ssl::context& fresh);
    [[nodiscard]] error_code load_authorities(boost::asio::ssl::context& fresh);
    [[nodiscard]] error_code load_revocations(boost::asio::ssl::context& fresh);
    void warn_of_files() const;
    [[nodiscard]] error_code choose_ciphers(boost::asio::ssl::context& fresh) const;
    void reload_if_changed();

    options options_;
    std::shared_ptr<boost::asio::ssl::context> accepting_; ///< Of new connections.
    std::shared_ptr<boost::asio::ssl::context> dialling_; ///< The same; null where none is dialled.
    std::vector<stamp> stamps_;                           ///< Of the files in force.
    std::chrono::steady_clock::time_point looked_{};
    std::function<void(error_code)> on_reload_;
    std::function<void(const std::string&)> on_warning_;
    bool has_expired_list_ = false;
    std::string failed_file_;
};

} // namespace quorate::tls

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/tls/impl/layer.ipp>
#endif

#endif
