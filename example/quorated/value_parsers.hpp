// Turns the text of a flag into a checked value; what is wrong ends as a usage_error naming it.
#ifndef QUORATED_VALUE_PARSERS_HPP
#define QUORATED_VALUE_PARSERS_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorated {

/// One URL of the form http://HOST:PORT or https://HOST:PORT.
struct endpoint {
    bool tls = false;
    std::string host; ///< A name or an address; an IPv6 one without its brackets.
    std::uint16_t port = 0;
    bool literal = false; ///< `host` is an address.
    std::string text;     ///< As it was written.

    /// Returns: whether only this machine can reach it.
    [[nodiscard]] bool loopback() const;
    /// Returns: the numeric address to listen on; `localhost` is 127.0.0.1.
    [[nodiscard]] std::string listen_address() const;
};

/// Accepts what Go's programs take: 1 t T true TRUE True, 0 f F false FALSE False.
[[nodiscard]] bool parse_boolean(const std::string& flag, std::string_view text);
[[nodiscard]] std::int64_t parse_number(const std::string& flag, std::string_view text,
                                        std::int64_t least, std::int64_t most);
/// Accepts "1h30m", "1.5s", "250ms", "0" and the like; units ns us ms s m h.
[[nodiscard]] std::chrono::nanoseconds parse_duration(const std::string& flag,
                                                      std::string_view text);
/// Returns: the parts between commas, without blanks around them; none for an empty text.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);
[[nodiscard]] endpoint parse_endpoint(const std::string& flag, std::string_view text);
/// Returns: sorted by text, as etcd keeps them; at least one.
[[nodiscard]] std::vector<endpoint> parse_endpoints(const std::string& flag, std::string_view text);

} // namespace quorated

#endif
