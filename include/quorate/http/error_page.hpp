// Short text responses, for errors above all.
// Flow:    13. reply → HTTP bytes
// Threads: any
#ifndef QUORATE_HTTP_ERROR_PAGE_HPP
#define QUORATE_HTTP_ERROR_PAGE_HPP

#include <quorate/base/config.hpp>
#include <quorate/http/response.hpp>

#include <string_view>

namespace quorate::http {

inline constexpr std::string_view text_plain = "text/plain; charset=utf-8";

/// Returns: a response whose body is `text`, or the status' reason phrase where that is empty,
/// and a newline.
[[nodiscard]] response error_page(unsigned status, std::string_view text = {});

} // namespace quorate::http

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/error_page.ipp>
#endif

#endif
