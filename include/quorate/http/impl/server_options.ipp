// The check of the options.
#ifndef QUORATE_HTTP_IMPL_SERVER_OPTIONS_IPP
#define QUORATE_HTTP_IMPL_SERVER_OPTIONS_IPP

#include <quorate/http/server_options.hpp>

namespace quorate::http {

QUORATE_DECL error_code server_options::check() const noexcept {
    const auto sane = [](std::chrono::milliseconds limit) {
        return limit.count() > 0 && limit <= std::chrono::hours(24 * 365);
    };
    const bool sizes = body_bytes_max <= (std::uint64_t{1} << 30) && head_bytes_max >= 64 &&
                       head_bytes_max <= (16 << 20) && fields_max >= 1 && fields_max <= 65536;
    const bool counts = connections_max >= 1 && pipeline_max >= 1 && pipeline_max <= 1024;
    const auto never_or_sane = [&](std::chrono::milliseconds limit) {
        return limit.count() == 0 || sane(limit);
    };
    const bool times = sane(handshake_timeout) && sane(head_timeout) && sane(body_timeout) &&
                       never_or_sane(idle_timeout) && never_or_sane(write_timeout) &&
                       sane(linger_timeout) && sane(accept_retry_delay) && sane(drain_grace);
    return sizes && counts && times ? error_code() : make_error_code(errc::invalid_option);
}

} // namespace quorate::http

#endif
