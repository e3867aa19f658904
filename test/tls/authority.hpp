// Certificates made for a test, and the files they are kept in.
#ifndef QUORATE_TEST_TLS_AUTHORITY_HPP
#define QUORATE_TEST_TLS_AUTHORITY_HPP

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace quorate::tls::test {

inline void require(bool holds) {
    if (!holds) {
        throw std::runtime_error("OpenSSL could not make a certificate");
    }
}

template <class T, void (*Free)(T*)>
struct freer {
    void operator()(T* owned) const noexcept { Free(owned); }
};
using key = std::unique_ptr<EVP_PKEY, freer<EVP_PKEY, EVP_PKEY_free>>;
using certificate = std::unique_ptr<X509, freer<X509, X509_free>>;

inline key make_key() {
    const std::unique_ptr<EVP_PKEY_CTX, freer<EVP_PKEY_CTX, EVP_PKEY_CTX_free>> context(
        EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr));
    EVP_PKEY* made = nullptr;
    require(EVP_PKEY_keygen_init(context.get()) == 1);
    require(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context.get(), NID_X9_62_prime256v1) == 1);
    require(EVP_PKEY_keygen(context.get(), &made) == 1);
    return key(made);
}

inline void set_name(X509_NAME* name, const std::string& common_name) {
    require(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(common_name.data()),
                                       static_cast<int>(common_name.size()), -1, 0) == 1);
}

struct wish {
    std::string common_name;
    std::string hostname{}; ///< Empty: none.
    long valid_for = 3600;  ///< Seconds; negative: expired so long ago.
    std::string address{};  ///< An IP address that it is for, too; empty: none.
};

/// A certificate authority, which signs what it is asked to.
class authority {
public:
    explicit authority(const std::string& name) : key_(make_key()) {
        own_ = start({.common_name = name}, key_.get());
        require(X509_set_issuer_name(own_.get(), X509_get_subject_name(own_.get())) == 1);
        extend(own_.get(), NID_basic_constraints, "critical,CA:TRUE");
        require(X509_sign(own_.get(), key_.get(), EVP_sha256()) > 0);
    }

    certificate sign(const wish& w, EVP_PKEY* subject) {
        certificate made = start(w, subject);
        require(X509_set_issuer_name(made.get(), X509_get_subject_name(own_.get())) == 1);
        const std::string name = w.hostname.empty() ? "" : "DNS:" + w.hostname;
        const std::string address = w.address.empty() ? "" : "IP:" + w.address;
        if (!name.empty() || !address.empty()) {
            const std::string comma = name.empty() || address.empty() ? "" : ",";
            extend(made.get(), NID_subject_alt_name, name + comma + address);
        }
        require(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
        return made;
    }

    /// Effects: writes a fresh certificate and its key to `path`.pem and `path`.key.
    /// Returns: its serial number.
    long issue(const std::string& path, const wish& w) {
        const key fresh = make_key();
        const certificate made = sign(w, fresh.get());
        save_certificate(path + ".pem", made.get());
        save_key(path + ".key", fresh.get());
        return ASN1_INTEGER_get(X509_get_serialNumber(made.get()));
    }

    void save(const std::string& path) { save_certificate(path, own_.get()); }

    /// An intermediate authority: another one signed it.
    authority(const std::string& name, authority& above) : key_(make_key()) {
        own_ = start({.common_name = name}, key_.get());
        require(X509_set_issuer_name(own_.get(), X509_get_subject_name(above.own_.get())) == 1);
        extend(own_.get(), NID_basic_constraints, "critical,CA:TRUE");
        require(X509_sign(own_.get(), above.key_.get(), EVP_sha256()) > 0);
    }
    [[nodiscard]] long serial() const {
        return ASN1_INTEGER_get(X509_get_serialNumber(own_.get()));
    }

    /// Effects: writes a list that revokes the certificate with this serial number, and that is
    /// valid for so many seconds; negative: it expired so long ago.
    void save_revocation(const std::string& path, long serial, long valid_for = 3600) {
        const std::unique_ptr<X509_CRL, freer<X509_CRL, X509_CRL_free>> list(X509_CRL_new());
        require(X509_CRL_set_version(list.get(), 1) == 1);
        require(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(own_.get())) == 1);
        const std::unique_ptr<ASN1_TIME, freer<ASN1_TIME, ASN1_TIME_free>> time(
            X509_gmtime_adj(nullptr, -7200));
        require(X509_CRL_set1_lastUpdate(list.get(), time.get()) == 1);
        X509_REVOKED* revoked = X509_REVOKED_new();
        const std::unique_ptr<ASN1_INTEGER, freer<ASN1_INTEGER, ASN1_INTEGER_free>> number(
            ASN1_INTEGER_new());
        require(ASN1_INTEGER_set(number.get(), serial) == 1);
        require(X509_REVOKED_set_serialNumber(revoked, number.get()) == 1);
        require(X509_REVOKED_set_revocationDate(revoked, time.get()) == 1);
        require(X509_CRL_add0_revoked(list.get(), revoked) == 1);
        require(X509_gmtime_adj(time.get(), valid_for) != nullptr);
        require(X509_CRL_set1_nextUpdate(list.get(), time.get()) == 1);
        require(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
        write(path, [&](std::FILE* file) { return PEM_write_X509_CRL(file, list.get()); });
    }

    static void save_key(const std::string& path, EVP_PKEY* saved,
                         const char* passphrase = nullptr) {
        write(path, [&](std::FILE* file) {
            return PEM_write_PrivateKey(file, saved,
                                        passphrase == nullptr ? nullptr : EVP_aes_128_cbc(),
                                        nullptr, 0, nullptr, const_cast<char*>(passphrase));
        });
    }

private:
    certificate start(const wish& w, EVP_PKEY* subject) {
        certificate made(X509_new());
        require(made != nullptr && X509_set_version(made.get(), 2) == 1);
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
        X509_gmtime_adj(X509_getm_notAfter(made.get()), w.valid_for);
        set_name(X509_get_subject_name(made.get()), w.common_name);
        require(X509_set_pubkey(made.get(), subject) == 1);
        return made;
    }
    static void extend(X509* made, int id, const std::string& value) {
        const std::unique_ptr<X509_EXTENSION, freer<X509_EXTENSION, X509_EXTENSION_free>> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str()));
        require(extension != nullptr && X509_add_ext(made, extension.get(), -1) == 1);
    }
    static void save_certificate(const std::string& path, X509* saved) {
        write(path, [&](std::FILE* file) { return PEM_write_X509(file, saved); });
    }
    /// Effects: replaces the file at once, as a tool that renews certificates does.
    template <class Writer>
    static void write(const std::string& path, Writer writer) {
        const std::string fresh = path + ".new";
        std::FILE* file = std::fopen(fresh.c_str(), "w");
        require(file != nullptr);
        const bool written = writer(file) == 1;
        require(std::fclose(file) == 0 && written);
        require(std::rename(fresh.c_str(), path.c_str()) == 0);
    }

    static inline long serial_ = 0; ///< Of all authorities, so that no number is used twice.
    key key_;
    certificate own_;
};

} // namespace quorate::tls::test

#endif
