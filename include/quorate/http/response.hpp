// A handler's response.
// Flow:    13. reply → HTTP bytes
// Threads: a plain value
#ifndef QUORATE_HTTP_RESPONSE_HPP
#define QUORATE_HTTP_RESPONSE_HPP

#include <quorate/base/bytes.hpp>

#include <string>
#include <vector>

namespace quorate::http {

/// A header field beyond those the server writes itself (Server, Date, Content-Type, Content-Length
/// and Connection).
struct response_field {
    std::string name;  ///< A token; a programmer's constant.
    std::string value; ///< May hold what a client sent: control bytes turn the response into a 500.
};

/// One whole response. A body that is not small goes to the socket from where it is, uncopied.
struct response {
    unsigned status = 200;      ///< 200 to 599.
    std::string content_type{}; ///< Empty: no Content-Type field.
    shared_bytes body{};        ///< Never sent with 204, 304 or to a HEAD request.
    std::vector<response_field> fields{};
    bool close = false; ///< Whether the connection ends after this response.
};

} // namespace quorate::http

#endif
