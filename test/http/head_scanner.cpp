#include <quorate/http/head_scanner.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace quorate;
using http::detail::head_scanner;
using http::detail::scan_result;

namespace {

scan_result scan(byte_view bytes, std::size_t limit = 1000) {
    return head_scanner(limit).scan(bytes);
}

} // namespace

BOOST_AUTO_TEST_SUITE(head_scanning)

BOOST_AUTO_TEST_CASE(finds_the_empty_line) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    BOOST_TEST(scan(head + "body\r\n\r\n").head_bytes == head.size());
    BOOST_TEST(scan("GET / HTTP/1.1\r\n\r\n").head_bytes == 18U);
}

BOOST_AUTO_TEST_CASE(remembers_where_it_was) {
    const std::string head = "PUT /k HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
    head_scanner scanner(1000);
    for (int round = 0; round < 2; ++round) {
        for (std::size_t size = 0; size < head.size(); ++size) {
            const scan_result r = scanner.scan(byte_view(head).substr(0, size));
            BOOST_TEST(r.head_bytes == 0U);
            BOOST_TEST(r.refusal == 0U);
        }
        BOOST_TEST(scanner.scan(head).head_bytes == head.size());
        scanner.reset();
    }
}

BOOST_AUTO_TEST_CASE(refuses_line_tricks) {
    BOOST_TEST(scan("GET / HTTP/1.1\n").refusal == 400U);
    BOOST_TEST(scan("GET / HTTP/1.1\r\nHost: a\n\n").refusal == 400U);
    BOOST_TEST(scan("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n").refusal == 400U);
    BOOST_TEST(scan("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n").refusal == 400U);
    BOOST_TEST(scan("\r\n").refusal == 400U);
    BOOST_TEST(scan("\n").refusal == 400U);
    BOOST_TEST(scan(" GET").refusal == 400U);
    BOOST_TEST(scan("\x16\x03\x01").refusal == 400U); // TLS
    BOOST_TEST(scan(byte_view("\0", 1)).refusal == 400U);
}

BOOST_AUTO_TEST_CASE(refuses_a_fold_that_arrives_late) {
    head_scanner scanner(1000);
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n ";
    BOOST_TEST(scanner.scan(byte_view(head).substr(0, head.size() - 1)).refusal == 0U);
    BOOST_TEST(scanner.scan(head).refusal == 400U);
}

BOOST_AUTO_TEST_CASE(holds_the_limit) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    BOOST_TEST(scan(head, head.size()).head_bytes == head.size());
    BOOST_TEST(scan(head, head.size() - 1).refusal == 431U);
    BOOST_TEST(scan(head.substr(0, 20), 21).refusal == 0U);
    BOOST_TEST(scan(head.substr(0, 20), 20).refusal == 431U);
    BOOST_TEST(scan("GET /aaaaaaaaaaaaaaaa", 20).refusal == 414U);
}

BOOST_AUTO_TEST_SUITE_END()
