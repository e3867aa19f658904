#include <quorate/command/reply.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(reply)

BOOST_AUTO_TEST_CASE(only_an_error_reply_is_an_error) {
    quorate::reply answer{{7}, quorate::put_reply{}};
    BOOST_TEST(!answer.error());
    answer.body = quorate::error_reply{quorate::errc::revision_compacted};
    BOOST_TEST(answer.error() == make_error_code(quorate::errc::revision_compacted));
    BOOST_TEST(answer.header.revision == 7u);
}

BOOST_AUTO_TEST_CASE(replies_compare_by_the_bytes_they_share) {
    const auto made = [](quorate::byte_view value) {
        quorate::key_value kv{quorate::shared_bytes::copy_of("k"),
                              quorate::shared_bytes::copy_of(value),
                              2,
                              3,
                              2,
                              {}};
        return quorate::reply{{3}, quorate::range_reply{{kv}, false, 1}};
    };
    BOOST_TEST((made("v") == made("v")));
    BOOST_TEST(!(made("v") == made("w")));
}

BOOST_AUTO_TEST_SUITE_END()
