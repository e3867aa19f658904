#include <quorate/command/auth_request.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(auth_request)

using quorate::errc;
using quorate::error_code;
using quorate::permission;
using quorate::permission_kind;

namespace {

const std::string zero(1, '\0');

error_code grant(quorate::byte_view key, quorate::byte_view range_end) {
    return check(quorate::auth_request(
        quorate::role_grant_permission{"r", {permission_kind::read, key, range_end}}));
}
error_code asked(const quorate::auth_request& what) {
    return check(what);
}

} // namespace

BOOST_AUTO_TEST_CASE(new_ones_need_a_name) {
    BOOST_TEST(asked(quorate::user_add{"", "hash", false}) == make_error_code(errc::user_empty));
    BOOST_TEST(asked(quorate::user_add{"", "", true}) == make_error_code(errc::user_empty));
    BOOST_TEST(asked(quorate::role_add{}) == make_error_code(errc::role_empty));
    BOOST_TEST(!asked(quorate::role_add{"r"}));
    // These ask for what is there; nothing is there without a name.
    BOOST_TEST(!asked(quorate::user_delete{}));
    BOOST_TEST(!asked(quorate::role_delete{}));
    BOOST_TEST(!asked(quorate::user_grant_role{}));
}

BOOST_AUTO_TEST_CASE(a_user_has_a_hash_or_no_password) {
    const std::string longest(quorate::password_hash_bytes_max, 'h');
    BOOST_TEST(!asked(quorate::user_add{"u", longest, false}));
    BOOST_TEST(!asked(quorate::user_add{"u", "", true}));
    const error_code wrong = errc::password_invalid;
    BOOST_TEST(asked(quorate::user_add{"u", longest + "h", false}) == wrong);
    BOOST_TEST(asked(quorate::user_add{"u", "", false}) == wrong);
    BOOST_TEST(asked(quorate::user_add{"u", "hash", true}) == wrong);
    BOOST_TEST(asked(quorate::user_change_password{"u", ""}) == wrong);
    BOOST_TEST(asked(quorate::user_change_password{"u", longest + "h"}) == wrong);
    BOOST_TEST(!asked(quorate::user_change_password{"u", longest}));
}

BOOST_AUTO_TEST_CASE(a_permission_is_for_some_keys) {
    BOOST_TEST(!grant("a", ""));
    BOOST_TEST(!grant("a", "b"));
    BOOST_TEST(!grant("a", zero));
    BOOST_TEST(!grant(zero, zero));
    BOOST_TEST(!grant("\xff", "\xff\xff"));
    BOOST_TEST(grant("", "") == make_error_code(errc::permission_not_given));
    BOOST_TEST(grant("", zero) == make_error_code(errc::permission_not_given));
    BOOST_TEST(grant("b", "a") == make_error_code(errc::invalid_auth_management));
    BOOST_TEST(grant("a", "a") == make_error_code(errc::invalid_auth_management));
    BOOST_TEST(grant("\x80", "\x7f") == make_error_code(errc::invalid_auth_management));
}

BOOST_AUTO_TEST_CASE(bytes_are_counted_to_be_limited) {
    using quorate::auth_request;
    BOOST_TEST(payload_bytes(auth_request(quorate::auth_enable{})) == 0u);
    BOOST_TEST(payload_bytes(auth_request(quorate::user_add{"ab", "cde", false})) == 5u);
    BOOST_TEST(payload_bytes(auth_request(quorate::user_change_password{"ab", "c"})) == 3u);
    BOOST_TEST(payload_bytes(auth_request(quorate::user_grant_role{"ab", "c"})) == 3u);
    BOOST_TEST(payload_bytes(auth_request(quorate::user_revoke_role{"ab", "cd"})) == 4u);
    BOOST_TEST(payload_bytes(auth_request(quorate::role_get{"abc"})) == 3u);
    BOOST_TEST(payload_bytes(auth_request(quorate::role_grant_permission{
                   "r", {permission_kind::write, "key", "end!"}})) == 8u);
    BOOST_TEST(payload_bytes(auth_request(quorate::role_revoke_permission{"r", "k", "e"})) == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
