// Strict parsing of peer URLs.
#ifndef QUORATE_NET_IMPL_PEER_ADDRESS_IPP
#define QUORATE_NET_IMPL_PEER_ADDRESS_IPP

#include <quorate/net/peer_address.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace quorate {
namespace detail {

inline constexpr std::string_view peer_scheme = "http://";
inline constexpr std::string_view secure_peer_scheme = "https://";
inline constexpr std::size_t host_name_bytes_max = 253; // RFC 1035 §2.3.4, as text

[[nodiscard]] inline bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

[[nodiscard]] inline bool is_name_char(char c) noexcept {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || is_digit(c) || c == '-' || c == '.' || c == '_';
}

/// `prefix`: in small letters.
[[nodiscard]] inline bool starts_with_any_case(std::string_view text, std::string_view prefix) {
    const auto small = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(),
                      [small](char a, char b) { return a == small(b); });
}

[[nodiscard]] inline std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    const bool digits = !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit);
    unsigned port = 0;
    if (!digits ||
        std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc()) {
        return std::nullopt;
    }
    return port <= UINT16_MAX ? std::optional(static_cast<std::uint16_t>(port)) : std::nullopt;
}

[[nodiscard]] inline bool is_literal(int family, const std::string& host) noexcept {
    in6_addr address{};
    return host.find('\0') == std::string::npos && ::inet_pton(family, host.c_str(), &address) == 1;
}

[[nodiscard]] inline bool is_host_name(std::string_view host) noexcept {
    const bool sized = !host.empty() && host.size() <= host_name_bytes_max;
    const bool ends = sized && host.front() != '-' && host.front() != '.';
    // Digits and dots alone are an address with a mistake in it, not a name to look up.
    const bool numeric = std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; });
    return ends && !numeric && std::ranges::all_of(host, is_name_char);
}

} // namespace detail

QUORATE_DECL result<peer_address> parse_peer_url(std::string_view url) {
    const bool secure = detail::starts_with_any_case(url, detail::secure_peer_scheme);
    if (!secure && !detail::starts_with_any_case(url, detail::peer_scheme)) {
        return errc::invalid_option;
    }
    url.remove_prefix(secure ? detail::secure_peer_scheme.size() : detail::peer_scheme.size());
    const bool bracketed = url.starts_with('[');
    const std::size_t host_end = bracketed ? url.find(']') : url.find(':');
    const std::size_t colon = host_end + (bracketed ? 1 : 0);
    if (host_end == std::string_view::npos || colon >= url.size() || url[colon] != ':') {
        return errc::invalid_option;
    }
    const auto port = detail::parse_port(url.substr(colon + 1));
    if (!port) {
        return errc::invalid_option;
    }
    peer_address address;
    address.host = bracketed ? url.substr(1, host_end - 1) : url.substr(0, host_end);
    address.port = *port;
    address.secure = secure;
    address.literal = detail::is_literal(bracketed ? AF_INET6 : AF_INET, address.host);
    if (!address.literal && (bracketed || !detail::is_host_name(address.host))) {
        return errc::invalid_option;
    }
    return address;
}

QUORATE_DECL result<std::vector<peer_address>> parse_peer_urls(std::string_view urls) {
    std::vector<peer_address> addresses;
    for (std::size_t end = 0; end != std::string_view::npos; urls.remove_prefix(end + 1)) {
        end = urls.find(',');
        auto address = parse_peer_url(urls.substr(0, end));
        if (!address) {
            return address.error();
        }
        addresses.push_back(std::move(*address));
        if (end == std::string_view::npos) {
            break;
        }
    }
    return addresses;
}

QUORATE_DECL std::string with_small_scheme(std::string_view url) {
    const auto address = parse_peer_url(url);
    if (!address) {
        return std::string(url);
    }
    const std::string_view scheme =
        address->secure ? detail::secure_peer_scheme : detail::peer_scheme;
    return std::string(scheme).append(url.substr(scheme.size()));
}

QUORATE_DECL std::string canonical_peer_url(std::string_view url) {
    const auto address = parse_peer_url(url);
    if (!address) {
        return std::string(url);
    }
    std::string host = address->host;
    in6_addr six{};
    if (address->literal && ::inet_pton(AF_INET6, host.c_str(), &six) == 1) {
        char text[INET6_ADDRSTRLEN];
        host = "[" + std::string(::inet_ntop(AF_INET6, &six, text, sizeof(text))) + "]";
    } else {
        for (char& c : host) {
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        host.resize(host.size() - (host.ends_with('.') ? 1 : 0));
        host = host == "localhost" ? "127.0.0.1" : host;
    }
    return host + ":" + std::to_string(address->port);
}

} // namespace quorate

#endif
