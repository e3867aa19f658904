// The other end of a connection.
// Flow:    0. HTTP bytes → http::request
// Threads: a plain value
#ifndef QUORATE_HTTP_PEER_HPP
#define QUORATE_HTTP_PEER_HPP

#include <string>

namespace quorate::http {

struct peer_identity {
    std::string address{}; ///< Its numeric IP address and port, "[::1]:4711" for IPv6.
    /// The common name of the certificate that the client proved to own and that the server's
    /// authority signed; empty without one.
    std::string common_name{};
    bool is_secure = false; ///< Whether what is sent is encrypted.
};

} // namespace quorate::http

#endif
