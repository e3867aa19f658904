// See page_rules.hpp.
#ifndef QUORATE_HTTP_IMPL_PAGE_RULES_IPP
#define QUORATE_HTTP_IMPL_PAGE_RULES_IPP

#include <quorate/http/page_rules.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <cstddef>

namespace quorate::http {

QUORATE_DECL std::string_view host_of(std::string_view authority) noexcept {
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
    }
    return authority.substr(0, authority.find(':'));
}

QUORATE_DECL bool is_fixed_host(std::string_view host) {
    if (host.find('.') == std::string_view::npos && host.find(':') == std::string_view::npos) {
        return !host.empty();
    }
    boost::system::error_code failed;
    boost::asio::ip::make_address(std::string(host), failed);
    return !failed;
}

QUORATE_DECL bool lists_host(const std::vector<std::string>& names, std::string_view host) {
    return std::any_of(names.begin(), names.end(), [host](const std::string& name) {
        return name == "*" || boost::beast::iequals(name, host);
    });
}

QUORATE_DECL bool is_for_host(const request& asked, const std::vector<std::string>& names) {
    const std::string_view host = host_of(asked.field("Host").value_or(""));
    return host.empty() || is_fixed_host(host) || lists_host(names, host);
}

QUORATE_DECL bool is_of_foreign_page(const request& asked, const std::vector<std::string>& names) {
    const auto origin = asked.field("Origin");
    if (!origin.has_value()) {
        return false;
    }
    // "null" and other origins without a host match no Host field.
    const std::size_t scheme_end = origin->find("://");
    const std::string_view page =
        scheme_end == std::string_view::npos ? std::string_view() : origin->substr(scheme_end + 3);
    const std::string_view host = asked.field("Host").value_or("");
    return page.empty() || !boost::beast::iequals(page, host) || !is_for_host(asked, names);
}

QUORATE_DECL bool declares_json(const request& asked) noexcept {
    std::string_view type = asked.field("Content-Type").value_or("");
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) {
        type.remove_suffix(1);
    }
    return boost::beast::iequals(type, "application/json");
}

} // namespace quorate::http

#endif
