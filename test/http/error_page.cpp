#include <quorate/http/error_page.hpp>

#include <boost/test/unit_test.hpp>

using namespace quorate::http;

BOOST_AUTO_TEST_SUITE(error_pages)

BOOST_AUTO_TEST_CASE(text_ends_with_one_newline) {
    const response r = error_page(404, "no such key");
    BOOST_TEST(r.status == 404U);
    BOOST_TEST(r.content_type == "text/plain; charset=utf-8");
    BOOST_TEST(r.body.view() == "no such key\n");
    BOOST_TEST(!r.close);
}

BOOST_AUTO_TEST_CASE(reason_stands_in_for_text) {
    BOOST_TEST(error_page(405).body.view() == "Method Not Allowed\n");
}

BOOST_AUTO_TEST_SUITE_END()
