#include <quorate/format/auth_command.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(auth_command)

using quorate::auth_request;
using quorate::byte_view;
using quorate::errc;
using quorate::issued_request;
using quorate::issuer;
using quorate::permission_kind;

namespace {

const std::string zero(1, '\0');

/// One of every kind, so that none is forgotten.
std::vector<auth_request> samples() {
    std::vector<auth_request> all{
        quorate::auth_enable{},
        quorate::auth_disable{},
        quorate::auth_status{},
        quorate::user_add{"root", "$2b$hash", false},
        quorate::user_delete{"u"},
        quorate::user_change_password{"u", "hash"},
        quorate::user_grant_role{"u", "role"},
        quorate::user_revoke_role{"u", "role"},
        quorate::user_get{"u"},
        quorate::user_list{},
        quorate::role_add{"role"},
        quorate::role_delete{"role"},
        quorate::role_get{"role"},
        quorate::role_list{},
        quorate::role_grant_permission{"r", {permission_kind::read, "a", "b"}},
        quorate::role_revoke_permission{"r", "a", zero},
    };
    BOOST_TEST(all.size() == std::variant_size_v<auth_request>);
    for (std::size_t i = 0; i < all.size(); ++i) {
        BOOST_TEST(all[i].index() == i);
    }
    all.push_back(quorate::user_add{"nobody", "", true});
    all.push_back(quorate::user_get{});
    all.push_back(quorate::role_grant_permission{"r", {permission_kind::write, "a", ""}});
    all.push_back(quorate::role_grant_permission{"r", {permission_kind::readwrite, "", zero}});
    return all;
}

std::string bytes_of(const issued_request& asked) {
    return std::string(encode_command(asked, 0).view());
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded) {
    for (const auth_request& asked : samples()) {
        const std::string bytes = bytes_of(asked);
        BOOST_TEST(quorate::is_auth_command(bytes));
        BOOST_TEST(!quorate::decode_command(bytes).has_value());
        const auto found = quorate::decode_auth_command(bytes);
        BOOST_REQUIRE(found.has_value());
        BOOST_TEST((*found == asked));
    }
}

// The bytes of doc/format.md; they may never change within a version.
// [auth_command_example
BOOST_AUTO_TEST_CASE(the_bytes_are_the_documented_ones) {
    using namespace std::string_literals;
    const issuer root{"root", 6};
    BOOST_TEST(bytes_of({quorate::role_add{"r"}, root}) ==
               "\1\x20\0\0\6\0\0\0\0\0\0\0\4\0\0\0root"
               "\1\x2b\0\0\1\0\0\0r"s);
    BOOST_TEST(bytes_of({quorate::delete_range{.key = "a"}, issuer::cluster()}) ==
               "\1\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0"
               "\1\3\0\0\1\0\0\0\0\0\0\0a"s);
    BOOST_TEST(bytes_of(auth_request(quorate::user_add{"u", "hash", false})) ==
               "\1\x24\0\0\1\0\0\0\4\0\0\0uhash"s);
    BOOST_TEST(bytes_of(auth_request(
                   quorate::role_grant_permission{"r", {permission_kind::readwrite, "k", ""}})) ==
               "\1\x2f\3\0\1\0\0\0\1\0\0\0\0\0\0\0rk"s);
}
// auth_command_example]

BOOST_AUTO_TEST_CASE(nobody_has_no_envelope) {
    const quorate::request put = quorate::put{.key = "k", .value = "v"};
    BOOST_TEST(bytes_of(put) == std::string(quorate::encode_command(put, 0).view()));
    const auto opened = quorate::open_command(bytes_of(put));
    BOOST_REQUIRE(opened.has_value());
    BOOST_TEST(opened->by.is_nobody());
    BOOST_TEST(!opened->by.is_cluster);
    // What is no command at all is not for the envelope to refuse.
    for (const char* bytes : {"", "\1", "\2", "noise"}) {
        const auto same = quorate::open_command(bytes);
        BOOST_REQUIRE(same.has_value());
        BOOST_TEST(same->command == bytes);
    }
}

BOOST_AUTO_TEST_CASE(the_envelope_says_who_asks) {
    const quorate::request put = quorate::put{.key = "k", .value = "v"};
    for (const issuer& by : {issuer{"u", 0}, issuer{"u\0v", UINT64_MAX}, issuer::cluster()}) {
        const auto command = quorate::encode_command(issued_request(put, by), 8);
        BOOST_TEST(command.view().substr(0, 8) == std::string(8, '\0'));
        const auto opened = quorate::open_command(command.view().substr(8));
        BOOST_REQUIRE(opened.has_value());
        BOOST_TEST((opened->by == by));
        BOOST_TEST(opened->command == quorate::encode_command(put, 0).view());
    }
    for (const auth_request& asked : samples()) {
        const std::string bytes = bytes_of({asked, {"admin", 9}});
        const auto opened = quorate::open_command(bytes);
        BOOST_REQUIRE(opened.has_value());
        BOOST_TEST(opened->command == bytes_of(asked));
    }
}

BOOST_AUTO_TEST_CASE(envelopes_that_are_none_are_refused) {
    using namespace std::string_literals;
    const std::string good = bytes_of({quorate::role_add{"r"}, {"root", 6}});
    const std::size_t front = good.size() - bytes_of(auth_request(quorate::role_add{"r"})).size();
    const auto refused = [](const std::string& bytes) {
        return quorate::open_command(bytes).has_error();
    };
    for (std::size_t size = 2; size < front; ++size) {
        BOOST_TEST(refused(good.substr(0, size)));
    }
    BOOST_TEST(!refused(good.substr(0, front))); // the empty command in it is for others to refuse
    std::string flags = good;
    flags[2] = 2;
    BOOST_TEST(refused(flags));
    flags[2] = 1; // the cluster, with the name of a user
    BOOST_TEST(refused(flags));
    BOOST_TEST(refused("\1\x20\1\0\1\0\0\0\0\0\0\0\0\0\0\0"s)); // the cluster, with a revision
    BOOST_TEST(refused("\1\x20\0\0\6\0\0\0\0\0\0\0\0\0\0\0"s)); // nobody
    BOOST_TEST(refused(good.substr(0, front) + good));          // one in the other
    BOOST_TEST(refused("\1\x20\0\0\6\0\0\0\0\0\0\0\xff\xff\xff\xff"s));
}

BOOST_AUTO_TEST_CASE(too_few_or_too_many_bytes_are_refused) {
    for (const auth_request& asked : samples()) {
        const std::string bytes = bytes_of(asked);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            BOOST_TEST(quorate::decode_auth_command(byte_view(bytes).substr(0, size)).has_error());
        }
        BOOST_TEST(quorate::decode_auth_command(bytes + 'x').has_error());
    }
}

BOOST_AUTO_TEST_CASE(unknown_versions_kinds_and_flags_are_refused) {
    for (const auth_request& asked : samples()) {
        for (const auto& [at, byte] : {std::pair{0, 0},
                                       {0, 2},
                                       {1, 0},
                                       {1, 5},
                                       {1, 32},
                                       {1, 49},
                                       {1, 255},
                                       {2, 4},
                                       {3, 1}}) {
            std::string bytes = bytes_of(asked);
            bytes[static_cast<std::size_t>(at)] = static_cast<char>(byte);
            BOOST_TEST(quorate::decode_auth_command(bytes).error() ==
                       make_error_code(errc::command_invalid));
        }
    }
    // A permission that permits nothing.
    std::string none = bytes_of(
        auth_request(quorate::role_grant_permission{"r", {permission_kind::read, "a", "b"}}));
    none[2] = 0;
    BOOST_TEST(quorate::decode_auth_command(none).has_error());
}

// Whatever decodes has no second encoding.
BOOST_AUTO_TEST_CASE(random_bytes_decode_to_themselves_or_not_at_all) {
    std::mt19937 random(7);
    const std::vector<auth_request> all = samples();
    std::size_t decoded = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string bytes = bytes_of(
            {all[random() % all.size()], random() % 2 == 0 ? issuer{"me", 3} : issuer::nobody()});
        for (auto changes = random() % 3; changes > 0; --changes) {
            bytes[random() % bytes.size()] = static_cast<char>(random() % 64);
        }
        const auto opened = quorate::open_command(bytes);
        if (!opened || !quorate::is_auth_command(opened->command)) {
            continue;
        }
        const auto found = quorate::decode_auth_command(opened->command);
        if (found) {
            ++decoded;
            BOOST_REQUIRE(bytes_of({*found, opened->by}) == bytes);
        }
    }
    BOOST_TEST(decoded > 1000u);
}

BOOST_AUTO_TEST_SUITE_END()
