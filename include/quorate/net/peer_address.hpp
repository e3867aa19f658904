// The listening address of a member, taken from its URL.
// Flow:       none; read once per peer
// In / Out:   http://host:port or https://host:port → host and port
// Threads:    any
#ifndef QUORATE_NET_PEER_ADDRESS_HPP
#define QUORATE_NET_PEER_ADDRESS_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate {

struct peer_address {
    std::string host; ///< A name or a literal address; an IPv6 one without its brackets.
    std::uint16_t port = 0;
    bool literal = false; ///< `host` is an address and need not be resolved.
    bool secure = false;  ///< https: what is said there is encrypted.

    friend bool operator==(const peer_address&, const peer_address&) = default;
};

/// Accepts `http://HOST:PORT`, or the same with https, and nothing more: no user, path, query or
/// other scheme. The scheme may have capital letters (RFC 3986 §3.1). HOST is a name, an IPv4
/// address or an IPv6 address in brackets; PORT is decimal, 0 to 65535 (a listener takes any free
/// port for 0). Errors: invalid_option.
[[nodiscard]] result<peer_address> parse_peer_url(std::string_view url);

/// Accepts one such URL, or several with commas between them. Errors: invalid_option.
[[nodiscard]] result<std::vector<peer_address>> parse_peer_urls(std::string_view urls);

/// Returns: the URL with its scheme in small letters, as members are known by it; an invalid URL
/// stays as it is.
[[nodiscard]] std::string with_small_scheme(std::string_view url);

/// Returns: HOST:PORT, the same text for each spelling of one place to listen. The scheme, letter
/// case, a final dot of a name, leading zeros of a port and the spelling of an IPv6 address make
/// no difference; `localhost` is 127.0.0.1. Names are not resolved. An invalid URL stays as it is.
[[nodiscard]] std::string canonical_peer_url(std::string_view url);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/peer_address.ipp>
#endif

#endif
