// The forms of a target.
#ifndef QUORATE_HTTP_IMPL_REQUEST_TARGET_IPP
#define QUORATE_HTTP_IMPL_REQUEST_TARGET_IPP

#include <quorate/http/request_target.hpp>

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace quorate::http::detail {

/// Returns: the length of "http://" or "https://" where the target begins so, in any case.
[[nodiscard]] inline std::size_t scheme_bytes(std::string_view target) noexcept {
    for (const std::string_view scheme :
         {std::string_view("http://"), std::string_view("https://")}) {
        const std::string_view begin = target.substr(0, scheme.size());
        if (boost::beast::iequals({begin.data(), begin.size()}, {scheme.data(), scheme.size()})) {
            return scheme.size();
        }
    }
    return 0;
}

QUORATE_DECL request_target split_target(std::string_view method,
                                         std::string_view target) noexcept {
    if (method == "CONNECT") {
        return {.refusal = 501};
    }
    if (target.starts_with('/') || (target == "*" && method == "OPTIONS")) {
        return {.path_and_query = target};
    }
    const std::size_t scheme = scheme_bytes(target);
    if (scheme == 0) {
        return {.refusal = 400};
    }
    target.remove_prefix(scheme);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    const std::string_view authority = target.substr(0, end);
    // User information in front of the host is refused with it (RFC 9110 §4.2.4).
    if (authority.empty() || !std::all_of(authority.begin(), authority.end(), is_host_byte)) {
        return {.refusal = 400};
    }
    return {.path_and_query = target.substr(end), .authority = authority};
}

} // namespace quorate::http::detail

#endif
