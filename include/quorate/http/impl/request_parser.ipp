// The checks around Beast's parser.
#ifndef QUORATE_HTTP_IMPL_REQUEST_PARSER_IPP
#define QUORATE_HTTP_IMPL_REQUEST_PARSER_IPP

#include <quorate/http/request_parser.hpp>
#include <quorate/http/request_target.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

namespace quorate::http::detail {

/// A line of a chunked body, or all its trailers, longer than this is refused.
inline constexpr std::size_t chunk_line_bytes_max = 4096;
/// No unfinished chunked body has fewer bytes to come than "0" CRLF CRLF. Beast's parser asserts so
/// about what it is given, which bytes that arrive one by one would disprove.
inline constexpr std::size_t chunk_tail_bytes_min = 5;

[[nodiscard]] constexpr bool is_decimal(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// Returns: whether a request line ends with a well-formed version, one that is not served.
[[nodiscard]] inline bool names_other_version(byte_view head) noexcept {
    const byte_view line = head.substr(0, head.find('\r'));
    const byte_view version = line.substr(line.find_last_of(' ') + 1);
    return version.size() == 8 && version.starts_with("HTTP/") && is_decimal(version[5]) &&
           version[6] == '.' && is_decimal(version[7]) && !version.starts_with("HTTP/1.1") &&
           !version.starts_with("HTTP/1.0");
}

QUORATE_DECL void parsed_head::clear() noexcept {
    method = target = {};
    fields.clear();
    content_length = 0;
    version = 11;
    is_chunked = keep_alive = expects_continue = false;
}

QUORATE_DECL request_parser::request_parser(parser_limits limits, parsed_head& head,
                                            boost::beast::flat_buffer& body)
    : limits_(limits), head_(head), body_(body) {
    head_.clear();
    header_limit(UINT32_MAX);
    body_limit(limits.body_bytes_max);
}

QUORATE_DECL unsigned request_parser::parse_head(byte_view bytes) {
    beast_error ec;
    const std::size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (ec) {
        return refusal_of(ec, bytes);
    }
    if (used != bytes.size() || !is_header_done()) {
        return 400;
    }
    head_.keep_alive = keep_alive();
    eager(true);
    return settle_target();
}

/// Effects: leaves path and query of the target. The host that an absolute form names stands in for
/// that of the field (RFC 9112 §3.2.2).
QUORATE_DECL unsigned request_parser::settle_target() {
    const request_target parts = split_target(head_.method, head_.target);
    if (parts.refusal != 0) {
        return parts.refusal;
    }
    if (parts.path_and_query.starts_with('/') || parts.path_and_query == "*") {
        head_.target = parts.path_and_query;
    } else {
        head_.rewritten_target.assign("/").append(parts.path_and_query);
        head_.target = head_.rewritten_target;
    }
    for (request_field& each : head_.fields) {
        if (!parts.authority.empty() && boost::beast::iequals(each.name, "Host")) {
            each.value = parts.authority;
        }
    }
    return 0;
}

QUORATE_DECL chunk_result request_parser::parse_chunks(byte_view bytes) {
    if (bytes.size() < chunk_tail_bytes_min) {
        return {};
    }
    beast_error ec;
    const std::size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (ec && ec != boost::beast::http::error::need_more) {
        return {.used = used, .refusal = refusal_of(ec, {})};
    }
    if (is_done()) {
        return {.used = used, .is_done = true};
    }
    const bool too_long = bytes.size() - used > chunk_line_bytes_max;
    return {.used = used, .refusal = too_long ? 400U : 0U};
}

QUORATE_DECL unsigned request_parser::refusal_of(beast_error ec, byte_view head) const {
    if (refusal_ != 0) {
        return refusal_;
    }
    if (ec == boost::beast::http::error::body_limit) {
        return 413;
    }
    const bool version = ec == boost::beast::http::error::bad_version;
    return version && names_other_version(head) ? 505 : 400;
}

QUORATE_DECL void request_parser::refuse(unsigned status, beast_error& ec) {
    refusal_ = status;
    ec = boost::beast::http::error::bad_value;
}

QUORATE_DECL void request_parser::on_request_impl(boost::beast::http::verb, beast_string method,
                                                  beast_string target, int version, beast_error&) {
    head_.method = method;
    head_.target = target;
    head_.version = static_cast<unsigned>(version);
}

QUORATE_DECL void request_parser::on_field_impl(boost::beast::http::field id, beast_string name,
                                                beast_string value, beast_error& ec) {
    using boost::beast::http::field;
    if (head_done_) {
        return; // A trailer; nothing here depends on one.
    }
    if (head_.fields.size() == limits_.fields_max) {
        return refuse(431, ec);
    }
    head_.fields.push_back({name, value});
    switch (id) {
    case field::host: return on_host(value, ec);
    case field::content_length: return on_content_length(value, ec);
    case field::transfer_encoding: return on_transfer_encoding(value, ec);
    case field::expect: return on_expect(value, ec);
    default: return;
    }
}

QUORATE_DECL void request_parser::on_content_length(std::string_view value, beast_error& ec) {
    // Digits only: from_chars reads an unsigned number without any sign.
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, head_.content_length);
    if (has_length_ || error != std::errc() || stop != end) {
        return refuse(400, ec);
    }
    has_length_ = true;
}

QUORATE_DECL void request_parser::on_transfer_encoding(std::string_view value, beast_error& ec) {
    if (head_.is_chunked || head_.version < 11) {
        return refuse(400, ec);
    }
    if (!boost::beast::iequals({value.data(), value.size()}, "chunked")) {
        return refuse(501, ec);
    }
    head_.is_chunked = true;
}

QUORATE_DECL void request_parser::on_host(std::string_view value, beast_error& ec) {
    if (has_host_ || !std::all_of(value.begin(), value.end(), is_host_byte)) {
        return refuse(400, ec);
    }
    has_host_ = true;
}

QUORATE_DECL void request_parser::on_expect(std::string_view value, beast_error& ec) {
    if (head_.version < 11) {
        return; // RFC 9110 §10.1.1: a server ignores it there.
    }
    if (!boost::beast::iequals({value.data(), value.size()}, "100-continue")) {
        return refuse(417, ec);
    }
    head_.expects_continue = true;
}

QUORATE_DECL void request_parser::on_header_impl(beast_error& ec) {
    head_done_ = true;
    // Whichever of the two comes second, Beast refuses it only in some orders.
    if ((has_length_ && head_.is_chunked) || (!has_host_ && head_.version >= 11)) {
        return refuse(400, ec);
    }
}

QUORATE_DECL std::size_t request_parser::on_chunk_body_impl(std::uint64_t, beast_string bytes,
                                                            beast_error& ec) {
    // Beast counts the sizes of the chunks against the limit; this holds whatever it counts.
    if (bytes.size() > limits_.body_bytes_max - body_.size()) {
        ec = boost::beast::http::error::body_limit;
        return 0;
    }
    const auto place = body_.prepare(bytes.size());
    std::memcpy(place.data(), bytes.data(), bytes.size());
    body_.commit(bytes.size());
    return bytes.size();
}

} // namespace quorate::http::detail

#endif
