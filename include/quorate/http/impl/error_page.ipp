// Short text responses.
#ifndef QUORATE_HTTP_IMPL_ERROR_PAGE_IPP
#define QUORATE_HTTP_IMPL_ERROR_PAGE_IPP

#include <quorate/http/error_page.hpp>
#include <quorate/http/status.hpp>

#include <cstring>

namespace quorate::http {

QUORATE_DECL response error_page(unsigned status, std::string_view text) {
    const std::string_view line = text.empty() ? reason_of(status) : text;
    draft body(line.size() + 1);
    std::memcpy(body.data(), line.data(), line.size());
    body.data()[line.size()] = '\n';
    return {.status = status,
            .content_type = std::string(text_plain),
            .body = std::move(body).freeze()};
}

} // namespace quorate::http

#endif
