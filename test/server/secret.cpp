#include <quorate/server/secret.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(secret)

using quorate::same_secret;

BOOST_AUTO_TEST_CASE(only_the_same_is_the_same) {
    const std::string one = "a secret of some length";
    BOOST_TEST(same_secret(one, std::string(one)));
    BOOST_TEST(same_secret("", ""));
    for (std::size_t at = 0; at < one.size(); ++at) {
        std::string other = one;
        other[at] = static_cast<char>(other[at] ^ '\x80');
        BOOST_TEST(!same_secret(one, other));
        BOOST_TEST(!same_secret(one, one.substr(0, at)));
        BOOST_TEST(!same_secret(one.substr(0, at), one));
    }
}

BOOST_AUTO_TEST_SUITE_END()
