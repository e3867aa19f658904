// Auth requests from JSON, their replies to JSON, and who asks; see main.cpp.
#ifndef QUORATE_TEST_DIFFERENTIAL_AUTH_HPP
#define QUORATE_TEST_DIFFERENTIAL_AUTH_HPP

#include <quorate/command/auth_reply.hpp>
#include <quorate/command/auth_request.hpp>
#include <quorate/command/issuer.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace differential {

namespace json = boost::json;

/// `text(name)` yields a member that is plain text, `bytes(name)` one in hexadecimal.
/// Returns: nothing when the name is that of no auth request.
template <class Text, class Bytes>
std::optional<quorate::auth_request> auth_request_of(std::string_view name,
                                                     const json::object& body, Text text,
                                                     Bytes bytes) {
    using made = quorate::auth_request;
    const auto kind = [&] {
        const auto* found = body.if_contains("kind");
        return static_cast<quorate::permission_kind>(
            found == nullptr ? 0 : found->to_number<std::uint8_t>());
    };
    const auto no_password = [&] {
        const auto* found = body.if_contains("no_password");
        return found != nullptr && found->as_bool();
    };
    const std::map<std::string_view, std::function<made()>> makers{
        {"auth_enable", [] { return made(quorate::auth_enable{}); }},
        {"auth_disable", [] { return made(quorate::auth_disable{}); }},
        {"auth_status", [] { return made(quorate::auth_status{}); }},
        {"user_add",
         [&] {
             return made(quorate::user_add{text("name"), text("password_hash"), no_password()});
         }},
        {"user_delete", [&] { return made(quorate::user_delete{text("name")}); }},
        {"user_change_password",
         [&] {
             return made(quorate::user_change_password{text("name"), text("password_hash")});
         }},
        {"user_grant_role",
         [&] {
             return made(quorate::user_grant_role{text("name"), text("role")});
         }},
        {"user_revoke_role",
         [&] {
             return made(quorate::user_revoke_role{text("name"), text("role")});
         }},
        {"user_get", [&] { return made(quorate::user_get{text("name")}); }},
        {"user_list", [] { return made(quorate::user_list{}); }},
        {"role_add", [&] { return made(quorate::role_add{text("name")}); }},
        {"role_delete", [&] { return made(quorate::role_delete{text("name")}); }},
        {"role_get", [&] { return made(quorate::role_get{text("name")}); }},
        {"role_list", [] { return made(quorate::role_list{}); }},
        {"role_grant_permission",
         [&] {
             return made(quorate::role_grant_permission{
                 text("name"), {kind(), bytes("key"), bytes("range_end")}});
         }},
        {"role_revoke_permission",
         [&] {
             return made(
                 quorate::role_revoke_permission{text("name"), bytes("key"), bytes("range_end")});
         }},
    };
    const auto found = makers.find(name);
    return found == makers.end() ? std::nullopt : std::optional(found->second());
}

/// `hex` makes text of bytes.
template <class Hex>
json::object printed_auth(const quorate::auth_reply& reply, Hex hex) {
    json::object text;
    if (const auto* names = std::get_if<quorate::auth_names>(&reply.body)) {
        json::array list;
        for (const std::string& name : names->names) {
            list.emplace_back(name);
        }
        text["names"] = std::move(list);
    } else if (const auto* role = std::get_if<quorate::auth_permissions>(&reply.body)) {
        json::array list;
        for (const quorate::role_permission& one : role->permissions) {
            list.push_back(json::object{{"kind", static_cast<int>(one.kind)},
                                        {"key", hex(one.key)},
                                        {"range_end", hex(one.range_end)}});
        }
        text["permissions"] = std::move(list);
    } else if (const auto* state = std::get_if<quorate::auth_state>(&reply.body)) {
        text["enabled"] = state->enabled;
        text["auth_revision"] = state->auth_revision;
    }
    return text;
}

} // namespace differential

#endif
