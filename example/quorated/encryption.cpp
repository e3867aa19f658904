#include "encryption.hpp"

#include <utility>

#if defined(QUORATED_WITH_TLS)

#include <quorate/tls/layer.hpp>

#include <openssl/evp.h>

namespace quorated {
namespace {

class sha256 final : public quorate::snapshot_digest {
public:
    sha256() : state_(EVP_MD_CTX_new()) {
        QUORATE_ASSERT(state_ != nullptr);
        EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr);
    }
    void add(quorate::byte_view bytes) override {
        EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size());
    }
    std::string finish() override {
        std::string sum(EVP_MAX_MD_SIZE, '\0');
        unsigned size = 0;
        EVP_DigestFinal_ex(state_.get(), reinterpret_cast<unsigned char*>(sum.data()), &size);
        sum.resize(size);
        return sum;
    }

private:
    struct freeing {
        void operator()(EVP_MD_CTX* state) const noexcept { EVP_MD_CTX_free(state); }
    };
    std::unique_ptr<EVP_MD_CTX, freeing> state_;
};

} // namespace

std::shared_ptr<quorate::secure_layer> open_encryption(const tls_settings& told, encryption_log log,
                                                       std::string& explanation) {
    quorate::tls::options options;
    options.certificate_file = told.cert_file;
    options.key_file = told.key_file;
    options.trusted_ca_file = told.trusted_ca_file;
    options.crl_file = told.crl_file;
    options.client_cert_auth = told.client_cert_auth;
    if (!told.allowed_hostname.empty()) {
        options.allowed_hostnames.push_back(told.allowed_hostname);
    }
    if (!told.allowed_common_name.empty()) {
        options.allowed_common_names.push_back(told.allowed_common_name);
    }
    options.dials = told.dials;
    if (told.only_1_3) {
        options.min_version = quorate::tls::version::tls_1_3;
    }
    options.cipher_suites = told.cipher_suites;
    auto made = std::make_shared<quorate::tls::layer>(std::move(options));
    made->on_warning(std::move(log.warned));
    if (const quorate::error_code failed = made->open()) {
        explanation =
            (told.dials ? "cannot speak TLS with other members: " : "cannot serve over TLS: ") +
            (made->failed_file().empty() ? "" : made->failed_file() + ": ") + failed.message();
        return nullptr;
    }
    made->on_reload(std::move(log.reloaded));
    return made;
}

std::unique_ptr<quorate::snapshot_digest> make_digest() {
    return std::make_unique<sha256>();
}

} // namespace quorated

#else

namespace quorated {

std::shared_ptr<quorate::secure_layer> open_encryption(const tls_settings&, encryption_log,
                                                       std::string& explanation) {
    explanation = "cannot serve over TLS: built without OpenSSL";
    return nullptr;
}

std::unique_ptr<quorate::snapshot_digest> make_digest() {
    return nullptr;
}

} // namespace quorated

#endif
