#include <quorate/http/head_writer.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace quorate;
using namespace quorate::http;

namespace {

std::string head_of(const response& r, http::detail::head_style style = {}) {
    std::string out = "before ";
    http::detail::append_head(out, r, style);
    BOOST_TEST(out.starts_with("before "));
    return out.substr(7);
}

} // namespace

BOOST_AUTO_TEST_SUITE(head_writing)

BOOST_AUTO_TEST_CASE(plain_response) {
    const response r{.content_type = "text/plain", .body = shared_bytes::copy_of("hello")};
    BOOST_TEST(head_of(r) ==
               "HTTP/1.1 200 OK\r\nServer: quorate\r\nContent-Type: text/plain\r\n"
               "Content-Length: 5\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(no_content_has_no_length) {
    const response r{.status = 204, .content_type = "text/plain"};
    BOOST_TEST(head_of(r) == "HTTP/1.1 204 No Content\r\nServer: quorate\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(fields_and_persistence) {
    const response r{.status = 405, .fields = {{"Allow", "GET, PUT"}, {"Retry-After", "1"}}};
    BOOST_TEST(head_of(r, {.close = true, .version = 10}) ==
               "HTTP/1.1 405 Method Not Allowed\r\nServer: quorate\r\nContent-Length: 0\r\n"
               "Allow: GET, PUT\r\nRetry-After: 1\r\nConnection: close\r\n\r\n");
    BOOST_TEST(head_of({.status = 204}, {.date = "now"}) ==
               "HTTP/1.1 204 No Content\r\nServer: quorate\r\nDate: now\r\n\r\n");
    BOOST_TEST(head_of({.status = 204}, {.version = 10}) ==
               "HTTP/1.1 204 No Content\r\nServer: quorate\r\nConnection: keep-alive\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(dates_are_those_of_the_standard) {
    const auto text = [](std::int64_t seconds) {
        return http::detail::format_http_date(
            std::chrono::sys_seconds(std::chrono::seconds(seconds)));
    };
    BOOST_TEST(text(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"); // RFC 9110 §5.6.7
    BOOST_TEST(text(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    BOOST_TEST(text(1709251199) == "Thu, 29 Feb 2024 23:59:59 GMT");
    BOOST_TEST(text(4102444800) == "Fri, 01 Jan 2100 00:00:00 GMT");
}

BOOST_AUTO_TEST_CASE(streams_have_no_length) {
    using http::detail::framing;
    const response r{.content_type = "a/b"};
    BOOST_TEST(head_of(r, {.body = framing::chunked}) ==
               "HTTP/1.1 200 OK\r\nServer: quorate\r\nContent-Type: a/b\r\n"
               "Transfer-Encoding: chunked\r\n\r\n");
    BOOST_TEST(head_of(r, {.close = true, .version = 10, .body = framing::close}) ==
               "HTTP/1.1 200 OK\r\nServer: quorate\r\nContent-Type: a/b\r\n"
               "Connection: close\r\n\r\n");
    std::string out;
    http::detail::append_chunk_head(out, 0x1fa);
    BOOST_TEST(out == "1fa\r\n");
}

BOOST_AUTO_TEST_CASE(responses_cannot_be_split) {
    for (const char* bad : {"a\r\nSet-Cookie: x", "a\rb", "a\nb", "a\x7f", "\x01"}) {
        BOOST_TEST(!http::detail::is_sendable({.fields = {{"Location", bad}}}));
        BOOST_TEST(!http::detail::is_sendable({.content_type = bad}));
    }
    BOOST_TEST(!http::detail::is_sendable({.fields = {{"Location", std::string("a\0b", 3)}}}));
    BOOST_TEST(http::detail::is_sendable({.fields = {{"Location", "\xc3\xa4\t b"}}}));
}

BOOST_AUTO_TEST_CASE(names_are_the_programmers) {
    struct thrown {};
    const auto before = set_assertion_handler([](const assertion_failure&) { throw thrown{}; });
    for (const char* bad : {"", "a b", "a:", "a\r\n", "content-length", "Connection", "Server",
                            "date", "Transfer-Encoding", "Content-Type"}) {
        const response r{.fields = {{bad, "x"}}};
        BOOST_CHECK_THROW(static_cast<void>(http::detail::is_sendable(r)), thrown);
    }
    set_assertion_handler(before);
}

BOOST_AUTO_TEST_SUITE_END()
