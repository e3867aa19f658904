// Looking up header fields.
#ifndef QUORATE_HTTP_IMPL_REQUEST_IPP
#define QUORATE_HTTP_IMPL_REQUEST_IPP

#include <quorate/http/request.hpp>

#include <boost/beast/core/string.hpp>

namespace quorate::http {

QUORATE_DECL std::optional<std::string_view> request::field(std::string_view name) const noexcept {
    for (const request_field& each : fields) {
        if (boost::beast::iequals({each.name.data(), each.name.size()},
                                  {name.data(), name.size()})) {
            return each.value;
        }
    }
    return std::nullopt;
}

} // namespace quorate::http

#endif
