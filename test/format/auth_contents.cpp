#include <quorate/format/auth_contents.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(auth_contents)

using quorate::auth_user;
using quorate::bulk_reader;
using quorate::errc;
using quorate::permission_kind;
using quorate::shared_bytes;

namespace {

quorate::auth_contents sample() {
    quorate::auth_contents made;
    made.revision = 20;
    made.enabled_since = 7;
    made.users["root"] = auth_user{"hash", false, {"root"}, 2};
    made.users["u"] = auth_user{"", true, {"a", "b"}, 9};
    made.roles["a"] = {{permission_kind::read, "k", ""}, {permission_kind::readwrite, "k", "l"}};
    made.roles["b"] = {};
    return made;
}

bulk_reader reader_of(quorate::byte_view bytes) {
    return quorate::rope{shared_bytes::copy_of(bytes)};
}
quorate::error_code why_not(quorate::byte_view bytes) {
    bulk_reader from = reader_of(bytes);
    const auto found = take_auth_contents(from);
    return found ? quorate::error_code() : found.error();
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded) {
    for (const quorate::auth_contents& contents : {sample(), quorate::auth_contents()}) {
        const shared_bytes bytes = encode_auth_contents(contents);
        bulk_reader from = reader_of(std::string(bytes.view()) + "rest");
        BOOST_TEST(finds_auth_contents(from));
        const auto found = take_auth_contents(from);
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST((*found == contents));
        BOOST_TEST(from.remaining() == 4u);
        BOOST_TEST(from.take(4)->view() == "rest");
    }
}

// The bytes of doc/format.md; they may never change within a version.
// [auth_contents_example
BOOST_AUTO_TEST_CASE(the_bytes_are_the_documented_ones) {
    using namespace std::string_literals;
    quorate::auth_contents made;
    made.revision = 5;
    made.users["u"] = auth_user{"hash", false, {"r"}, 2};
    made.roles["r"] = {{permission_kind::write, "k", "l"}};
    BOOST_TEST(encode_auth_contents(made).view() ==
               "QRau\1\0\0\0\x4c\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
               "\1\0\0\0\1\0\0\0u\2\0\0\0\0\0\0\0\0\0\4\0\0\0hash\1\0\0\0\1\0\0\0r"
               "\1\0\0\0\1\0\0\0r\1\0\0\0\1\1\0\0\0k\1\0\0\0l"s);
}
// auth_contents_example]

BOOST_AUTO_TEST_CASE(other_bytes_are_not_taken_for_it) {
    BOOST_TEST(!finds_auth_contents(reader_of("")));
    BOOST_TEST(!finds_auth_contents(reader_of("QRa")));
    BOOST_TEST(!finds_auth_contents(reader_of("QRvS and so on")));
    BOOST_TEST(finds_auth_contents(reader_of("QRau")));
}

BOOST_AUTO_TEST_CASE(damage_is_found) {
    const std::string good(encode_auth_contents(sample()).view());
    BOOST_TEST(!why_not(good));
    for (std::size_t size = 0; size < good.size(); ++size) {
        BOOST_TEST(why_not(good.substr(0, size)) == make_error_code(errc::truncated));
    }
    const auto changed = [&](std::size_t at, char byte) {
        std::string bytes = good;
        bytes[at] = byte;
        return why_not(bytes);
    };
    BOOST_TEST(changed(0, 'q') == make_error_code(errc::corrupt));
    BOOST_TEST(changed(4, 2) == make_error_code(errc::unsupported_version));
    BOOST_TEST(changed(6, 1) == make_error_code(errc::corrupt));
    BOOST_TEST(changed(8, static_cast<char>(good[8] + 1)) == make_error_code(errc::truncated));
    BOOST_TEST(changed(8, static_cast<char>(good[8] - 1)) == make_error_code(errc::corrupt));
    BOOST_TEST(changed(32, 3) == make_error_code(errc::corrupt));      // one user too many
    BOOST_TEST(changed(32, 1) == make_error_code(errc::corrupt));      // one too few
    BOOST_TEST(changed(40, 'v') == make_error_code(errc::corrupt));    // names out of order
    BOOST_TEST(changed(52, 2) == make_error_code(errc::corrupt));      // an unknown flag
    BOOST_TEST(changed(35, '\x7f') == make_error_code(errc::corrupt)); // very many users
    BOOST_TEST(changed(good.size() - 9, 3) == make_error_code(errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()
