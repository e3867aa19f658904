// On whose behalf a request is made, as far as the front door knows.
// Flow:       1. what a connection or a program shows → identity → issuer
// In / Out:   a token, or a name that was proved otherwise
// Threads:    a plain value
#ifndef QUORATE_SERVER_IDENTITY_HPP
#define QUORATE_SERVER_IDENTITY_HPP

#include <string>
#include <utility>

namespace quorate {

/// Nobody, by default. While authentication is not enabled it makes no difference.
struct identity {
    std::string token; ///< As given for a password; looked up anew for each request.
    /// Without a token: a user whose name was proved otherwise, as by a client certificate, or by
    /// being the program that embeds the service.
    std::string user;

    [[nodiscard]] static identity of_token(std::string token) { return {std::move(token), {}}; }
    [[nodiscard]] static identity of_user(std::string user) { return {{}, std::move(user)}; }

    friend bool operator==(const identity&, const identity&) = default;
};

} // namespace quorate

#endif
