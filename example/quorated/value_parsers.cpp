#include "value_parsers.hpp"

#include <quorate/net/peer_address.hpp>

#include <boost/algorithm/string/trim.hpp>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "flag_values.hpp"

namespace quorated {
namespace {

[[noreturn]] void complain(const std::string& flag, std::string_view text, const std::string& why) {
    throw usage_error("--" + flag + ": '" + std::string(text) + "' " + why);
}

struct unit {
    std::string_view name;
    double nanoseconds;
};

// Longer names first, so that "ms" is not read as "m".
constexpr unit units[] = {{"ns", 1},  {"us", 1e3}, {"\u00b5s", 1e3}, {"ms", 1e6},
                          {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};

/// Effects: takes a unit off the front. Returns: its nanoseconds; zero when there is none.
double take_unit(std::string_view& text) {
    for (const unit& one : units) {
        if (text.starts_with(one.name)) {
            text.remove_prefix(one.name.size());
            return one.nanoseconds;
        }
    }
    return 0;
}

} // namespace

bool endpoint::loopback() const {
    if (!literal) {
        return host == "localhost";
    }
    boost::system::error_code ec;
    return boost::asio::ip::make_address(host, ec).is_loopback() && !ec;
}

std::string endpoint::listen_address() const {
    return host == "localhost" ? "127.0.0.1" : host;
}

bool parse_boolean(const std::string& flag, std::string_view text) {
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
        if (text == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
        if (text == no) {
            return false;
        }
    }
    complain(flag, text, "is neither true nor false");
}

std::int64_t parse_number(const std::string& flag, std::string_view text, std::int64_t least,
                          std::int64_t most) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, value);
    if (failed != std::errc() || stop != end || value < least || value > most) {
        complain(flag, text,
                 "is not a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value;
}

std::chrono::nanoseconds parse_duration(const std::string& flag, std::string_view text) {
    constexpr const char* why = "is not a duration such as 1h30m, 5s or 100ms";
    constexpr double most = 9e18; // Nanoseconds in 64 bits: some 285 years.
    if (text == "0" || text.empty()) {
        return std::chrono::nanoseconds(0);
    }
    std::string_view rest = text;
    double sum = 0;
    while (!rest.empty()) {
        double count = 0;
        const auto [stop, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), count,
                                                    std::chars_format::fixed);
        // It reads "inf", "nan" and signs too.
        const bool digits = rest.front() == '.' || (rest.front() >= '0' && rest.front() <= '9');
        if (failed != std::errc() || !digits) {
            complain(flag, text, why);
        }
        rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
        const double scale = take_unit(rest);
        sum += count * scale;
        if (scale == 0 || sum > most) {
            complain(flag, text, why);
        }
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(sum + 0.5));
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        parts.push_back(boost::algorithm::trim_copy(std::string(text.substr(0, comma))));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return parts;
}

endpoint parse_endpoint(const std::string& flag, std::string_view text) {
    if (text.starts_with("unix://") || text.starts_with("unixs://")) {
        complain(flag, text, "is a Unix socket; only http:// and https:// are served");
    }
    endpoint out;
    const auto parsed = quorate::parse_peer_url(text);
    if (!parsed) {
        complain(flag, text, "is not a URL of the form http://HOST:PORT or https://HOST:PORT");
    }
    out.tls = parsed->secure;
    out.host = parsed->host;
    out.port = parsed->port;
    out.literal = parsed->literal;
    out.text = quorate::with_small_scheme(text);
    return out;
}

std::vector<endpoint> parse_endpoints(const std::string& flag, std::string_view text) {
    std::vector<endpoint> out;
    for (const std::string& one : split_list(text)) {
        out.push_back(parse_endpoint(flag, one));
    }
    if (out.empty()) {
        throw usage_error("--" + flag + ": at least one URL is needed");
    }
    std::sort(out.begin(), out.end(),
              [](const endpoint& a, const endpoint& b) { return a.text < b.text; });
    return out;
}

} // namespace quorated
