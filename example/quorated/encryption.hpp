// What OpenSSL does for a member, where it was built with it: TLS, and checksums.
#ifndef QUORATED_ENCRYPTION_HPP
#define QUORATED_ENCRYPTION_HPP

#include <quorate/base/error.hpp>
#include <quorate/json_api.hpp>
#include <quorate/net/secure_channel.hpp>

#include <functional>
#include <memory>
#include <string>

#include "serve_options.hpp"

namespace quorated {

struct encryption_log {
    std::function<void(quorate::error_code)> reloaded{}; ///< Each attempt to read changed files.
    std::function<void(const std::string&)> warned{};    ///< Files to look at, as a sentence.
};

/// Returns: what encrypts connections, of clients or of members. Errors, as a sentence in
/// `explanation`: null is returned then, and without TLS.
[[nodiscard]] std::shared_ptr<quorate::secure_layer> open_encryption(const tls_settings& told,
                                                                     encryption_log log,
                                                                     std::string& explanation);

/// Returns: SHA-256; null where it was built without OpenSSL.
[[nodiscard]] std::unique_ptr<quorate::snapshot_digest> make_digest();

} // namespace quorated

#endif
