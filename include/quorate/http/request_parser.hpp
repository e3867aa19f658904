// Beast's parser behind checks of our own: a whole head → the facts that a request needs.
// Flow:       0. HTTP bytes → http::request
// In / Out:   a head that the scanner found complete → request line, fields, framing, or a refusal
// Invariants: the framing of an accepted request is unambiguous: at most one Content-Length made of
//             digits only, or one Transfer-Encoding that is exactly "chunked", never both
// Source:     RFC 9112 §3, §6, §7; Boost.Beast 1.81, whose parser alone accepts equal duplicates
//             and lists of Content-Length, codings before "chunked", chunked HTTP/1.0 and no Host
// Threads:    the owner's
#ifndef QUORATE_HTTP_REQUEST_PARSER_HPP
#define QUORATE_HTTP_REQUEST_PARSER_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/http/request.hpp>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::http::detail {

struct parser_limits {
    std::uint64_t body_bytes_max = 0;
    std::uint32_t fields_max = 0;
};

/// What a head says. Lifetime: views of the bytes given to the parser, and of itself.
struct parsed_head {
    std::string_view method;
    std::string_view target;           ///< Path and query, or "*".
    std::string rewritten_target;      ///< Behind `target`, where the head holds no such bytes.
    std::vector<request_field> fields; ///< Reused from request to request.
    std::uint64_t content_length = 0;
    unsigned version = 11;
    bool is_chunked = false;
    bool keep_alive = false;
    bool expects_continue = false; ///< The client waits for 100 before it sends the body.

    void clear() noexcept;
};

struct chunk_result {
    std::size_t used = 0; ///< Bytes that were consumed.
    bool is_done = false; ///< The body is complete.
    unsigned refusal = 0; ///< Not zero: the status to refuse with.
};

/// For one request: first `parse_head`, then `parse_chunks` if the head says so. Not reusable.
class request_parser final : public boost::beast::http::basic_parser<true> {
public:
    /// Lifetime: `head` and `body` outlive the parser.
    request_parser(parser_limits limits, parsed_head& head, boost::beast::flat_buffer& body);

    /// Requires: `bytes` is one whole head by `head_scanner`, which outlives `head`.
    /// Returns: zero, or the status to refuse with: 400, 413, 417, 431, 501 or 505.
    [[nodiscard]] unsigned parse_head(byte_view bytes);

    /// Effects: appends the content of the chunks in `bytes` to the body.
    /// Requires: `bytes` starts where the last call stopped consuming.
    [[nodiscard]] chunk_result parse_chunks(byte_view bytes);

private:
    using beast_error = boost::beast::error_code;
    using beast_string = boost::beast::string_view;

    [[nodiscard]] unsigned settle_target();
    void refuse(unsigned status, beast_error& ec);
    void on_content_length(std::string_view value, beast_error& ec);
    void on_transfer_encoding(std::string_view value, beast_error& ec);
    void on_host(std::string_view value, beast_error& ec);
    void on_expect(std::string_view value, beast_error& ec);
    [[nodiscard]] unsigned refusal_of(beast_error ec, byte_view head) const;

    void on_request_impl(boost::beast::http::verb, beast_string method, beast_string target,
                         int version, beast_error&) override;
    void on_response_impl(int, beast_string, int, beast_error&) override {}
    void on_field_impl(boost::beast::http::field id, beast_string name, beast_string value,
                       beast_error& ec) override;
    void on_header_impl(beast_error& ec) override;
    void on_body_init_impl(const boost::optional<std::uint64_t>&, beast_error&) override {}
    std::size_t on_body_impl(beast_string bytes, beast_error&) override { return bytes.size(); }
    void on_chunk_header_impl(std::uint64_t, beast_string, beast_error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast_string bytes, beast_error& ec) override;
    void on_finish_impl(beast_error&) override {}

    parser_limits limits_;
    parsed_head& head_;
    boost::beast::flat_buffer& body_;
    unsigned refusal_ = 0;
    bool head_done_ = false;
    bool has_host_ = false;
    bool has_length_ = false;
};

} // namespace quorate::http::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/request_parser.ipp>
#endif

#endif
