#include <quorate/http/request_parser.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace quorate;
using namespace quorate::http::detail;

namespace {

struct parse {
    explicit parse(std::string bytes,
                   parser_limits limits = {.body_bytes_max = 100, .fields_max = 8})
        : head(std::move(bytes)), parser(limits, out, body), refusal(parser.parse_head(head)) {}

    std::string head;
    parsed_head out;
    boost::beast::flat_buffer body;
    request_parser parser;
    unsigned refusal;
};

unsigned refusal_of(const std::string& lines) {
    return parse("PUT /k HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n").refusal;
}

unsigned refusal_of_line(const std::string& line) {
    return parse(line + "\r\nHost: a\r\n\r\n").refusal;
}

/// Feeds a chunked body in pieces that end at `cut` and at the end, as a connection would.
struct chunks {
    explicit chunks(const std::string& bytes, std::size_t step, std::uint64_t limit = 100)
        : head("PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
               {.body_bytes_max = limit, .fields_max = 8}) {
        BOOST_TEST_REQUIRE(head.refusal == 0U);
        BOOST_TEST_REQUIRE(head.out.is_chunked);
        std::size_t begin = 0;
        for (std::size_t end = step; refusal == 0 && !is_done; end += step) {
            end = std::min(end, bytes.size());
            const chunk_result r =
                head.parser.parse_chunks(byte_view(bytes).substr(begin, end - begin));
            begin += r.used;
            refusal = r.refusal;
            is_done = r.is_done;
            if (end == bytes.size()) {
                break;
            }
        }
        rest = bytes.substr(begin);
        body = {static_cast<const char*>(head.body.data().data()), head.body.size()};
    }
    parse head;
    std::string body;
    std::string rest;
    unsigned refusal = 0;
    bool is_done = false;
};

} // namespace

BOOST_AUTO_TEST_SUITE(request_parsing)

BOOST_AUTO_TEST_CASE(reads_a_head) {
    const parse p(
        "PUT /a//b?c=%20 HTTP/1.1\r\nHost: x:1\r\nX-One: \t two words \r\n"
        "content-length: 7\r\nExpect: 100-Continue\r\n\r\n");
    BOOST_TEST_REQUIRE(p.refusal == 0U);
    BOOST_TEST(p.out.method == "PUT");
    BOOST_TEST(p.out.target == "/a//b?c=%20");
    BOOST_TEST(p.out.version == 11U);
    BOOST_TEST(p.out.fields.size() == 4U);
    BOOST_TEST(p.out.fields[1].name == "X-One");
    BOOST_TEST(p.out.fields[1].value == "two words");
    BOOST_TEST(p.out.content_length == 7U);
    BOOST_TEST(p.out.expects_continue);
    BOOST_TEST(p.out.keep_alive);
    BOOST_TEST(!p.out.is_chunked);
}

BOOST_AUTO_TEST_CASE(target_takes_all_but_controls_and_space) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const std::string target = std::string("/x") + static_cast<char>(byte) + "y";
        const parse p("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
        const bool allowed = byte > 0x20 && byte != 0x7f;
        BOOST_TEST(p.refusal == (allowed ? 0U : 400U), "byte " << byte);
        BOOST_TEST((!allowed || p.out.target == target), "byte " << byte);
    }
    BOOST_TEST(refusal_of_line("GET  HTTP/1.1") == 400U);
    BOOST_TEST(refusal_of_line("CONNECT a:1 HTTP/1.1") == 501U);
    BOOST_TEST(refusal_of_line("OPTIONS * HTTP/1.1") == 0U);
}

BOOST_AUTO_TEST_CASE(versions) {
    BOOST_TEST(refusal_of_line("GET / HTTP/1.0") == 0U);
    for (const char* other : {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"}) {
        BOOST_TEST(refusal_of_line(std::string("GET / ") + other) == 505U, other);
    }
    for (const char* bad : {"HTTP/1.1 ", "HTTP/11", "http/1.1", "HTTP/1.10", "HTTP/1", "H", ""}) {
        BOOST_TEST(refusal_of_line(std::string("GET / ") + bad) == 400U, bad);
    }
    BOOST_TEST(refusal_of_line("GET /") == 400U);
    BOOST_TEST(refusal_of_line("GET /a b HTTP/1.1") == 400U);
    BOOST_TEST(parse("PRI * HTTP/2.0\r\n\r\n").refusal == 505U);
}

BOOST_AUTO_TEST_CASE(methods) {
    BOOST_TEST(refusal_of_line("BREW / HTTP/1.1") == 0U);
    BOOST_TEST(refusal_of_line("G(T / HTTP/1.1") == 400U);
    BOOST_TEST(refusal_of_line("G\xc3T / HTTP/1.1") == 400U);
}

BOOST_AUTO_TEST_CASE(host_is_needed_once) {
    BOOST_TEST(parse("GET / HTTP/1.1\r\n\r\n").refusal == 400U);
    BOOST_TEST(parse("GET / HTTP/1.0\r\n\r\n").refusal == 0U);
    BOOST_TEST(parse("GET / HTTP/1.1\r\nHost:\r\n\r\n").refusal == 0U);
    BOOST_TEST(parse("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").refusal == 0U);
    BOOST_TEST(refusal_of("Host: a\r\n") == 400U);
    BOOST_TEST(parse("GET / HTTP/1.1\r\nHost: a b\r\n\r\n").refusal == 400U);
    BOOST_TEST(parse("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n").refusal == 400U);
    BOOST_TEST(parse("GET / HTTP/1.1\r\nHost: \xff\r\n\r\n").refusal == 400U);
}

BOOST_AUTO_TEST_CASE(content_length_is_one_number) {
    BOOST_TEST(refusal_of("Content-Length: 0\r\n") == 0U);
    BOOST_TEST(refusal_of("Content-Length: 00100\r\n") == 0U);
    for (const char* bad : {"", "+1", "-1", "1 1", "1,1", "1, 1", "0x1", "1.0", "a", ",1", "1,"}) {
        BOOST_TEST(refusal_of(std::string("Content-Length: ") + bad + "\r\n") == 400U, bad);
    }
    BOOST_TEST(refusal_of("Content-Length: 1\r\nContent-Length: 1\r\n") == 400U);
    BOOST_TEST(refusal_of("Content-Length: 1\r\nContent-Length: 2\r\n") == 400U);
    BOOST_TEST(refusal_of("Content-Length: 99999999999999999999\r\n") == 400U);
    BOOST_TEST(refusal_of("Content-Length: 18446744073709551616\r\n") == 400U);
    BOOST_TEST(refusal_of("Content-Length: 18446744073709551615\r\n") == 413U);
}

BOOST_AUTO_TEST_CASE(body_limit_holds_for_content_length) {
    BOOST_TEST(refusal_of("Content-Length: 100\r\n") == 0U);
    BOOST_TEST(refusal_of("Content-Length: 101\r\n") == 413U);
}

BOOST_AUTO_TEST_CASE(transfer_encoding_is_exactly_chunked) {
    BOOST_TEST(refusal_of("Transfer-Encoding: chunked\r\n") == 0U);
    BOOST_TEST(refusal_of("Transfer-Encoding: CHUNKED\r\n") == 0U);
    for (const char* other : {"gzip", "gzip, chunked", "chunked, gzip", "identity", "chunked,",
                              ", chunked", "xchunked", "chunked;q=1", "\"chunked\"", ""}) {
        BOOST_TEST(refusal_of(std::string("Transfer-Encoding: ") + other + "\r\n") != 0U, other);
    }
    BOOST_TEST(refusal_of("Transfer-Encoding: gzip, chunked\r\n") == 501U);
    BOOST_TEST(refusal_of("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400U);
    BOOST_TEST(refusal_of("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n") != 0U);
    BOOST_TEST(refusal_of("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n") == 400U);
    BOOST_TEST(refusal_of("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") == 400U);
    BOOST_TEST(refusal_of("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") == 400U);
    BOOST_TEST(parse("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").refusal == 400U);
}

BOOST_AUTO_TEST_CASE(fields_are_strict) {
    BOOST_TEST(refusal_of("A: \xff\x80\r\n") == 0U);
    BOOST_TEST(refusal_of("A: b\tc\r\n") == 0U);
    BOOST_TEST(refusal_of("A:\r\n") == 0U);
    for (const char* bad : {"A : b", "A\t: b", ": b", "A", "A b: c", "A: b\x01", "A: b\x7f",
                            "A: b\rc", "\xc3: b", "A(: b"}) {
        BOOST_TEST(refusal_of(std::string(bad) + "\r\n") == 400U, bad);
    }
    BOOST_TEST(refusal_of(std::string("A: b\0c\r\n", 8)) == 400U);
    BOOST_TEST(refusal_of("Transfer-Encoding : chunked\r\n") == 400U);
}

BOOST_AUTO_TEST_CASE(fields_are_counted) {
    const auto head = [](int count) {
        std::string lines = "Host: a\r\n";
        for (int i = 1; i < count; ++i) {
            lines += "A: b\r\n";
        }
        return "GET / HTTP/1.1\r\n" + lines + "\r\n";
    };
    BOOST_TEST(parse(head(8)).refusal == 0U);
    BOOST_TEST(parse(head(9)).refusal == 431U);
}

BOOST_AUTO_TEST_CASE(expectations) {
    BOOST_TEST(refusal_of("Expect: 200-ok\r\n") == 417U);
    const parse old("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    BOOST_TEST(old.refusal == 0U);
    BOOST_TEST(!old.out.expects_continue);
}

BOOST_AUTO_TEST_CASE(persistence) {
    const auto keeps = [](const std::string& version, const std::string& lines) {
        const parse p("GET / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n");
        BOOST_TEST(p.refusal == 0U);
        return p.out.keep_alive;
    };
    BOOST_TEST(keeps("1.1", ""));
    BOOST_TEST(!keeps("1.1", "Connection: close\r\n"));
    BOOST_TEST(!keeps("1.1", "Connection: foo, CLOSE\r\n"));
    BOOST_TEST(!keeps("1.0", ""));
    BOOST_TEST(keeps("1.0", "Connection: keep-alive\r\n"));
}

BOOST_AUTO_TEST_CASE(joins_chunks_however_they_arrive) {
    const std::string bytes =
        "5\r\nhello\r\n1;ext=\"a b\"\r\n \r\nA\r\nworld\r\n\r\n!\r\n0\r\n"
        "Trailer: x\r\nHost: b\r\n\r\nrest";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        const chunks c(bytes, step);
        BOOST_TEST(c.is_done, "step " << step);
        BOOST_TEST(c.refusal == 0U, "step " << step);
        BOOST_TEST(c.body == "hello world\r\n\r\n!", "step " << step);
        BOOST_TEST(c.rest.ends_with("t"), "step " << step);
        BOOST_TEST(c.head.out.fields.size() == 2U);
    }
    const chunks all(bytes, bytes.size());
    BOOST_TEST(all.rest == "rest");
}

BOOST_AUTO_TEST_CASE(an_empty_chunked_body_may_arrive_byte_by_byte) {
    for (std::size_t step = 1; step <= 5; ++step) {
        const chunks c("0\r\n\r\n", step);
        BOOST_TEST(c.is_done);
        BOOST_TEST(c.body.empty());
    }
}

BOOST_AUTO_TEST_CASE(body_limit_holds_for_chunks) {
    const std::string half = "32\r\n" + std::string(50, 'x') + "\r\n";
    for (const std::size_t step : {1U, 7U, 1000U}) {
        BOOST_TEST(chunks(half + half + "0\r\n\r\n", step).is_done);
        BOOST_TEST(chunks(half + half + "1\r\nx\r\n0\r\n\r\n", step).refusal == 413U);
        BOOST_TEST(chunks("65\r\n..", step).refusal == 413U);
        BOOST_TEST(chunks("ffffffffffffffff\r\n..", step).refusal == 413U);
    }
}

BOOST_AUTO_TEST_CASE(malformed_chunks_are_refused) {
    for (const char* bad :
         {"x\r\nabcde", "\r\n\r\n\r\n", "-1\r\nabcde", "+1\r\nabcde", "0x1\r\na\r\n0\r\n\r\n",
          "1\r\nab\r\n0\r\n\r\n", "10000000000000000\r\n", "5\rhello", "1 1\r\na\r\n0\r\n\r\n",
          "0\r\nA : b\r\n\r\n", "0\r\nContent-Length: 5\r\n\r\n", "5\n\nhello\r\n0\r\n\r\n",
          "0\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        for (const std::size_t step : {1U, 3U, 1000U}) {
            const chunks c(bad, step);
            BOOST_TEST(c.refusal == 400U, bad << " step " << step);
            BOOST_TEST(!c.is_done);
        }
    }
}

BOOST_AUTO_TEST_CASE(long_chunk_lines_are_refused) {
    const std::string extension = "1;" + std::string(5000, 'e');
    BOOST_TEST(chunks(extension, 100).refusal == 400U);
    BOOST_TEST(chunks("0\r\nA: " + std::string(5000, 't'), 100).refusal == 400U);
    BOOST_TEST(chunks("1;" + std::string(4000, 'e') + "\r\na\r\n0\r\n\r\n", 100).is_done);
}

BOOST_AUTO_TEST_CASE(no_bytes_trip_an_assertion) {
    const std::string sample = "5;a=\"b\"\r\nhello\r\n0\r\nT: u\r\n\r\n";
    std::uint32_t state = 1;
    const auto draw = [&](std::uint32_t below) {
        state = state * 1664525U + 1013904223U;
        return (state >> 8) % below;
    };
    const byte_view alphabet = "\r\n\r\n\r\n 0159aF;=\"\\:T\t\x80";
    std::size_t done = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string bytes = sample;
        for (std::uint32_t change = draw(4); change > 0; --change) {
            const auto size = static_cast<std::uint32_t>(bytes.size());
            const char byte = alphabet[draw(static_cast<std::uint32_t>(alphabet.size()))];
            switch (draw(3)) {
            case 0: bytes[draw(size)] = byte; break;
            case 1: bytes.insert(bytes.begin() + draw(size), byte); break;
            default: bytes.erase(draw(size), 1); break;
            }
        }
        const chunks c(bytes, 1 + draw(12));
        BOOST_TEST_REQUIRE(c.body.size() <= 100U);
        done += c.is_done ? 1 : 0;
    }
    BOOST_TEST(done > 5000U); // Every fourth round changes nothing.
    BOOST_TEST(done < 20000U);
}

BOOST_AUTO_TEST_SUITE_END()
