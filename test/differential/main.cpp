// Applies requests to a kv_machine and prints its answers, so that another program can compare them
// with those of another store. One JSON object a line, on both sides; bytes are in hexadecimal.
//
// In:  {"put": {...}}, {"range": {...}}, {"delete_range": {...}}, {"txn": {...}},
//      {"compact": {...}}, {"lease_grant": {...}}, {"lease_revoke": {...}} with the fields of
//      command/request.hpp; {"lease_keys": {...}} reads what is tied to a lease;
//      the auth requests of command/auth_request.hpp; "by": "user" beside any of them is who asks;
//      {"restart": true} takes a snapshot and goes on with a machine that is restored from it.
// Out: {"revision": N, "reply": {...}} or {"revision": N, "error": "name"}.
#include <quorate/store/auth_machine.hpp>

#include <boost/json/src.hpp>

#include <charconv>
#include <cstdio>
#include <deque>
#include <iostream>
#include <string>

#include "auth.hpp"

namespace {

namespace json = boost::json;
using machine = quorate::auth_machine<>;

/// Makes requests of JSON. Lifetime: what it yields refers to it.
class parser {
public:
    static quorate::lease_id lease(const json::object& body, const char* name) {
        return quorate::lease_id(number(body, name));
    }
    quorate::issued_request request(const json::object& line, std::uint64_t auth_revision) {
        const auto& [name, fields] = *line.begin();
        const json::object& body = fields.as_object();
        quorate::issuer by;
        if (line.contains("by")) {
            by = {text(line, "by"), auth_revision};
        }
        const auto asked = differential::auth_request_of(
            name, body, [&](const char* field) { return text(body, field); },
            [&](const char* field) { return bytes(body, field); });
        return asked ? quorate::issued_request(*asked, by)
                     : quorate::issued_request(kv_request(name, body), by);
    }

private:
    quorate::request kv_request(std::string_view name, const json::object& body) {
        if (name == "put") {
            return put(body);
        }
        if (name == "range") {
            return range(body);
        }
        if (name == "delete_range") {
            return delete_range(body);
        }
        if (name == "txn") {
            return txn(body);
        }
        if (name == "lease_grant") {
            return quorate::lease_grant{lease(body, "id"), number(body, "ttl")};
        }
        if (name == "lease_revoke") {
            return quorate::lease_revoke{lease(body, "id")};
        }
        return quorate::compact{number(body, "revision"), flag(body, "physical")};
    }

    static std::uint64_t number(const json::object& body, const char* name) {
        const auto* found = body.if_contains(name);
        return found == nullptr ? 0 : found->to_number<std::uint64_t>();
    }
    template <class Enum>
    static Enum choice(const json::object& body, const char* name) {
        return static_cast<Enum>(number(body, name));
    }
    static bool flag(const json::object& body, const char* name) {
        const auto* found = body.if_contains(name);
        return found != nullptr && found->as_bool();
    }
    quorate::byte_view bytes(const json::object& body, const char* name) {
        const auto* found = body.if_contains(name);
        std::string& kept = kept_.emplace_back();
        if (found != nullptr) {
            const json::string& hex = found->as_string();
            for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
                unsigned value = 0;
                std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
                kept.push_back(static_cast<char>(value));
            }
        }
        return kept;
    }

    quorate::byte_view text(const json::object& body, const char* name) {
        const auto* found = body.if_contains(name);
        return kept_.emplace_back(found == nullptr ? "" : std::string(found->as_string()));
    }

    quorate::put put(const json::object& body) {
        return {.key = bytes(body, "key"),
                .value = bytes(body, "value"),
                .lease = quorate::lease_id(number(body, "lease")),
                .prev_kv = flag(body, "prev_kv"),
                .ignore_value = flag(body, "ignore_value"),
                .ignore_lease = flag(body, "ignore_lease")};
    }
    quorate::range range(const json::object& body) {
        return {.key = bytes(body, "key"),
                .range_end = bytes(body, "range_end"),
                .revision = number(body, "revision"),
                .limit = number(body, "limit"),
                .count_only = flag(body, "count_only"),
                .keys_only = flag(body, "keys_only"),
                .order = choice<quorate::sort_order>(body, "sort_order"),
                .target = choice<quorate::sort_target>(body, "sort_target"),
                .min_mod_revision = number(body, "min_mod_revision"),
                .max_mod_revision = number(body, "max_mod_revision"),
                .min_create_revision = number(body, "min_create_revision"),
                .max_create_revision = number(body, "max_create_revision")};
    }
    quorate::delete_range delete_range(const json::object& body) {
        return {.key = bytes(body, "key"),
                .range_end = bytes(body, "range_end"),
                .prev_kv = flag(body, "prev_kv")};
    }
    quorate::compare compare(const json::object& body) {
        quorate::compare made{.target = choice<quorate::compare_target>(body, "target"),
                              .result = choice<quorate::compare_result>(body, "result"),
                              .key = bytes(body, "key"),
                              .range_end = bytes(body, "range_end")};
        if (made.target == quorate::compare_target::value) {
            made.value = bytes(body, "value");
        } else if (const auto* operand = body.if_contains("number")) {
            made.number = operand->to_number<std::int64_t>();
        }
        return made;
    }
    quorate::txn txn(const json::object& body) {
        quorate::txn made;
        for (const json::value& one : body.at("compare").as_array()) {
            made.compares.push_back(compare(one.as_object()));
        }
        for (const auto& [name, branch] :
             {std::pair{"success", &made.success}, {"failure", &made.failure}}) {
            for (const json::value& one : body.at(name).as_array()) {
                branch->push_back(operation(one.as_object()));
            }
        }
        return made;
    }
    quorate::txn_op operation(const json::object& line) {
        if (line.empty()) {
            return {};
        }
        const auto& [name, fields] = *line.begin();
        const json::object& body = fields.as_object();
        if (name == "put") {
            return {put(body)};
        }
        if (name == "range") {
            return {range(body)};
        }
        if (name == "delete_range") {
            return {delete_range(body)};
        }
        return {txn(body)};
    }

    std::deque<std::string> kept_;
};

std::string hex(quorate::byte_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        char two[3];
        std::snprintf(two, sizeof(two), "%02x", static_cast<unsigned char>(byte));
        text += two;
    }
    return text;
}
json::object printed(const quorate::key_value& kv) {
    return {{"key", hex(kv.key.view())},
            {"value", hex(kv.value.view())},
            {"create_revision", kv.create_revision},
            {"mod_revision", kv.mod_revision},
            {"version", kv.version},
            {"lease", kv.lease.value()}};
}
json::array printed(const std::vector<quorate::key_value>& kvs) {
    json::array list;
    for (const quorate::key_value& kv : kvs) {
        list.push_back(printed(kv));
    }
    return list;
}

json::object printed(const quorate::put_reply& reply) {
    json::object text;
    if (reply.prev_kv) {
        text["prev_kv"] = printed(*reply.prev_kv);
    }
    return text;
}
json::object printed(const quorate::range_reply& reply) {
    return {{"kvs", printed(reply.kvs)}, {"more", reply.more}, {"count", reply.count}};
}
json::object printed(const quorate::delete_reply& reply) {
    return {{"deleted", reply.deleted}, {"prev_kvs", printed(reply.prev_kvs)}};
}
json::object printed(const quorate::txn_reply& reply) {
    json::array responses;
    for (const quorate::txn_op_reply& one : reply.responses) {
        responses.push_back(json::object{
            {"revision", one.header.revision},
            {"reply", std::visit([](const auto& body) { return printed(body); }, one.body)}});
    }
    return {{"succeeded", reply.succeeded}, {"responses", std::move(responses)}};
}
json::object printed(const quorate::lease_grant_reply& reply) {
    return {{"id", reply.id.value()}, {"ttl", reply.ttl}};
}
/// What no client of the other store asks for has nothing to be compared.
template <class Reply>
json::object printed(const Reply&) {
    return {};
}
json::object printed(const quorate::auth_reply& reply) {
    return differential::printed_auth(reply, hex);
}

json::object printed(const quorate::reply& reply) {
    json::object line{{"revision", reply.header.revision}};
    if (const auto* failed = std::get_if<quorate::error_reply>(&reply.body)) {
        line["error"] = quorate::name_of(failed->reason);
    } else {
        line["reply"] = std::visit([](const auto& body) { return printed(body); }, reply.body);
    }
    return line;
}

/// A lease as it is: its keys, or nothing when there is none.
json::object lease_keys(const machine& m, const json::object& asked) {
    const auto id = parser::lease(asked, "id");
    json::object reply;
    if (const auto known = m.store().leases().find(id)) {
        reply["ttl"] = known->ttl;
        json::array keys;
        for (const quorate::shared_bytes& key : m.store().keys_of(id)) {
            keys.push_back(json::string(hex(key.view())));
        }
        reply["keys"] = std::move(keys);
    }
    return {{"revision", m.store().current_revision()}, {"reply", std::move(reply)}};
}

/// What a front door and the log do: checked, encoded, applied.
quorate::reply ask(machine& m, quorate::log_index index, const quorate::issued_request& asked) {
    const auto* plain = std::get_if<quorate::request>(&asked.asked);
    // Auth requests are checked behind permissions, when they are applied.
    const quorate::error_code refused =
        plain == nullptr ? quorate::error_code() : quorate::validate(*plain);
    if (refused) {
        return {{m.store().current_revision()},
                quorate::error_reply{static_cast<quorate::errc>(refused.value())}};
    }
    quorate::shared_bytes command = machine::encode(asked).freeze();
    return m.apply(index, command.slice(quorate::command_header_bytes));
}

} // namespace

int main() {
    machine m;
    quorate::log_index index;
    for (std::string line; std::getline(std::cin, line);) {
        const json::value parsed = json::parse(line);
        const json::object& object = parsed.as_object();
        if (object.contains("restart")) {
            machine restored;
            if (restored.restore(m.snapshot())) {
                std::cout << R"({"error": "restore failed"})" << std::endl;
                return 1;
            }
            m = std::move(restored);
            std::cout << json::serialize(json::object{{"revision", m.store().current_revision()}})
                      << std::endl;
            continue;
        }
        if (const auto* asked = object.if_contains("lease_keys")) {
            std::cout << json::serialize(lease_keys(m, asked->as_object())) << std::endl;
            continue;
        }
        parser read;
        std::cout << json::serialize(
                         printed(ask(m, ++index, read.request(object, m.auth().revision()))))
                  << std::endl;
    }
}
