// Web pages that may use a server, and the host names that it is known by.
// Flow:       0. http::request → served, or refused before a handler decides anything
// Invariants: a request of a browser for a foreign page is recognised by fields that no page can
//             change
// Source:     RFC 6454 (origins), RFC 9110 §7.2 (Host), the Fetch standard
// Threads:    any
#ifndef QUORATE_HTTP_PAGE_RULES_HPP
#define QUORATE_HTTP_PAGE_RULES_HPP

#include <quorate/base/config.hpp>
#include <quorate/http/request.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace quorate::http {

/// Returns: the host of `host:port`; the address of `[address]:port` without its brackets.
[[nodiscard]] QUORATE_DECL std::string_view host_of(std::string_view authority) noexcept;

/// Returns: whether the host is an IP address or a name without a dot, such as `localhost`. A web
/// page's author cannot decide where these lead, but may let a domain of the author's own lead to
/// any address, this server's too (DNS rebinding).
[[nodiscard]] QUORATE_DECL bool is_fixed_host(std::string_view host);

/// Returns: whether `names` holds the host, whatever its letter case, or `*`.
[[nodiscard]] QUORATE_DECL bool lists_host(const std::vector<std::string>& names,
                                           std::string_view host);

/// Returns: whether the Host field has a fixed host or one of `names`. True for a request without
/// a host, which no browser sends.
[[nodiscard]] QUORATE_DECL bool is_for_host(const request& asked,
                                            const std::vector<std::string>& names);

/// Returns: whether a browser sends the request for a page of another server: Origin is there and
/// does not name the server that Host does, or Host is neither fixed nor one of `names`, by which
/// this server is known.
[[nodiscard]] QUORATE_DECL bool is_of_foreign_page(const request& asked,
                                                   const std::vector<std::string>& names);

/// Returns: whether the body is declared as JSON. A page of another origin cannot declare that
/// before the server allowed it.
[[nodiscard]] QUORATE_DECL bool declares_json(const request& asked) noexcept;

} // namespace quorate::http

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/page_rules.ipp>
#endif

#endif
