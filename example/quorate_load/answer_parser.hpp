// Reads an HTTP response and keeps of it what the measurement needs: the status and the body.
#ifndef QUORATE_LOAD_ANSWER_PARSER_HPP
#define QUORATE_LOAD_ANSWER_PARSER_HPP

#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/optional/optional.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate_load {

/// For one response. The body replaces what is in the string; lifetime: the string outlives this.
class answer_parser : public boost::beast::http::basic_parser<false> {
public:
    static constexpr std::uint64_t body_bytes_max = 128 << 20;

    explicit answer_parser(std::string& body) : body_(body) {
        body_.clear();
        body_limit(body_bytes_max);
        eager(true);
    }

    [[nodiscard]] unsigned status() const { return status_; }

private:
    using error = boost::beast::error_code;
    using text = boost::beast::string_view;

    std::size_t keep(text part) {
        body_.append(part.data(), part.size());
        return part.size();
    }

    void on_request_impl(boost::beast::http::verb, text, text, int, error&) override {}
    void on_response_impl(int status, text, int, error&) override {
        status_ = static_cast<unsigned>(status);
    }
    void on_field_impl(boost::beast::http::field, text, text, error&) override {}
    void on_header_impl(error&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error&) override {}
    std::size_t on_body_impl(text part, error&) override { return keep(part); }
    void on_chunk_header_impl(std::uint64_t, text, error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, text part, error&) override { return keep(part); }
    void on_finish_impl(error&) override {}

    std::string& body_;
    unsigned status_ = 0;
};

} // namespace quorate_load

#endif
