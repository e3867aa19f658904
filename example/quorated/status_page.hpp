// The page that a browser is shown at `/` of a client URL.
#ifndef QUORATED_STATUS_PAGE_HPP
#define QUORATED_STATUS_PAGE_HPP

#include <string_view>

namespace quorated {

/// Returns: HTML that needs nothing from elsewhere: it asks this member's /metrics and JSON API.
[[nodiscard]] std::string_view status_page() noexcept;

} // namespace quorated

#endif
