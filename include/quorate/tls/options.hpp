// The certificates of this side, and the trusted ones of others.
// Flow:    0, 8 and 9
// Source:  etcd's flags of the same meaning (cert-file, client-cert-auth and the like)
// Threads: a plain value
#ifndef QUORATE_TLS_OPTIONS_HPP
#define QUORATE_TLS_OPTIONS_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace quorate::tls {

enum class version : std::uint8_t { tls_1_2, tls_1_3 };

/// All files are PEM.
struct options {
    /// Its own, which whoever dials it is shown, followed by those between it and its authority.
    std::string certificate_file{};
    std::string key_file{};        ///< Of the first certificate; without a passphrase.
    std::string trusted_ca_file{}; ///< The authorities of others; empty: those of the system.
    /// Lists of revoked certificates of others; empty: none is checked. With it each certificate
    /// of a chain is checked, so that each authority in it has to have a list here. A list that has
    /// expired is worth as much as a missing one: what its authority signed is refused.
    std::string crl_file{};

    /// Whether a client has to show a certificate that an authority signed. As in etcd, it has to
    /// where trusted_ca_file is set, too.
    bool client_cert_auth = false;
    std::vector<std::string> allowed_common_names{}; ///< Of others; empty: any.
    std::vector<std::string> allowed_hostnames{}; ///< One must match the certificate; empty: any.

    /// Whether it dials others, too, as members of a cluster do: whoever is dialled has to show a
    /// certificate for its host, and is held to the allowed names as well. It is shown this one.
    bool dials = false;

    version min_version = version::tls_1_2;
    /// For TLS 1.2, names by IANA or by OpenSSL; empty: OpenSSL's own choice. Those of TLS 1.3 are
    /// all good and not for choice.
    std::vector<std::string> cipher_suites{};

    /// The files are looked at no more often than this, when a connection begins; where they have
    /// changed, those that begin from then on get the new ones.
    std::chrono::milliseconds reload_interval{1'000};
};

} // namespace quorate::tls

#endif
