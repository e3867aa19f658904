// json_api: small things that its parts share.
#ifndef QUORATE_IMPL_JSON_PARTS_HPP
#define QUORATE_IMPL_JSON_PARTS_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/gateway/api_error.hpp>
#include <quorate/gateway/encode.hpp>
#include <quorate/http/request.hpp>
#include <quorate/http/response.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace quorate::detail {

[[nodiscard]] inline http::response page(unsigned status, std::string_view type,
                                         std::string_view body) {
    return {
        .status = status, .content_type = std::string(type), .body = shared_bytes::copy_of(body)};
}

/// Returns: the path of a target, percent-decoded where it has to be, which then is in `storage`;
/// none where what follows a '%' is not hexadecimal. Lifetime: of both.
[[nodiscard]] inline std::optional<std::string_view> decoded_path(std::string_view target,
                                                                  std::string& storage) {
    const std::string_view path = target.substr(0, target.find('?'));
    if (path.find('%') == std::string_view::npos) {
        return path;
    }
    storage.clear();
    for (std::size_t at = 0; at < path.size(); ++at) {
        unsigned byte = static_cast<unsigned char>(path[at]);
        if (path[at] == '%') {
            const std::string_view digits = path.substr(at + 1, 2);
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
            if (digits.size() < 2 || error != std::errc() || end != digits.data() + 2) {
                return std::nullopt;
            }
            at += 2;
        }
        storage.push_back(static_cast<char>(byte));
    }
    return storage;
}

/// Returns: whether a query has `name=value`, or `name` alone where no value is asked for. Values
/// of these pages need no decoding.
[[nodiscard]] inline bool query_has(std::string_view query, std::string_view name,
                                    std::string_view value = {}) noexcept {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view one = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const std::size_t equal = std::min(one.find('='), one.size());
        const bool same = one.substr(0, equal) == name;
        if (same && (value.empty() || (equal < one.size() && one.substr(equal + 1) == value))) {
            return true;
        }
    }
    return false;
}

/// The checks of `/livez` and `/readyz`, in the order in which they are listed.
struct health_check {
    std::string_view name;
    bool for_life; ///< Whether a member that fails it should be started anew.
};
inline constexpr std::array<health_check, 5> health_checks{{
    {"data_corruption", false},
    {"writable_disk", false},
    {"serializable_read", true},
    {"linearizable_read", false},
    {"non_learner", false},
}};

/// Returns: whether a path is that of metrics or of a health check, which each door serves.
[[nodiscard]] inline bool is_check_path(std::string_view path) noexcept {
    return path == "/metrics" || path == "/health" || path == "/livez" || path == "/readyz" ||
           path.starts_with("/livez/") || path.starts_with("/readyz/");
}

/// Returns: the token that a request shows. The older dialect takes the field as it is. etcd's
/// gateway also passes both names on as metadata, where "token" goes first.
[[nodiscard]] inline std::string token_of(const http::request& asked,
                                          gateway::error_dialect dialect) {
    std::string_view token;
    for (const std::string_view name :
         {"Grpc-Metadata-Token", "Authorization", "Grpc-Metadata-Authorization"}) {
        if (const auto shown = asked.field(name)) {
            token = *shown;
            break;
        }
    }
    if (dialect == gateway::error_dialect::etcd_3_6 && token.starts_with("Bearer ")) {
        token.remove_prefix(7);
    }
    return std::string(token);
}

[[nodiscard]] inline std::vector<std::string> owned(const std::vector<byte_view>& views) {
    return {views.begin(), views.end()};
}

/// Returns: an encoder of replies that share one signature.
template <class Reply>
[[nodiscard]] std::string encoded(const gateway::response_header& header, const Reply& told) {
    std::string body;
    gateway::encode(body, header, told);
    return body;
}

/// No more is taken for a client while so much of what it was sent waits.
inline constexpr std::size_t stream_backlog_max = 256 << 10;
/// The parts that a snapshot is sent in.
inline constexpr std::size_t snapshot_blob_bytes = 32 << 10;

} // namespace quorate::detail

#endif
