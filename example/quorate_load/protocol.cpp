#include "protocol.hpp"

#include <quorate/gateway/base64.hpp>

#include <algorithm>
#include <charconv>

namespace quorate_load {
namespace {

// Returns: the text of a member whose value is a string without escapes, as base64 is.
std::string_view member(std::string_view json, std::string_view quoted_name) {
    const std::size_t name = json.find(quoted_name);
    const std::size_t colon =
        name == json.npos ? name : json.find_first_not_of(" \t\r\n", name + quoted_name.size());
    if (colon == json.npos || json[colon] != ':') {
        return {};
    }
    const std::size_t open = json.find_first_not_of(" \t\r\n", colon + 1);
    if (open == json.npos || json[open] != '"') {
        return {};
    }
    const std::size_t close = json.find('"', open + 1);
    return close == json.npos ? std::string_view() : json.substr(open + 1, close - open - 1);
}

answer_kind read_json(request_kind asked, std::string_view body, std::string& storage,
                      std::string_view& value) {
    if (body.find("\"header\"") == body.npos || body.find('}') == body.npos) {
        return answer_kind::malformed;
    }
    if (asked == request_kind::put) {
        return answer_kind::done;
    }
    if (body.find("\"kvs\"") == body.npos) {
        return answer_kind::absent;
    }
    const std::string_view text = member(body, "\"value\"");
    storage.resize(quorate::gateway::base64_bytes_max(text.size()));
    const auto decoded = quorate::gateway::decode_base64(text, storage.data());
    if (!decoded.valid) {
        return answer_kind::malformed;
    }
    value = std::string_view(storage).substr(0, decoded.size);
    return answer_kind::found;
}

} // namespace

request_maker::request_maker(const options& chosen)
    : api_(chosen.api), key_size_(chosen.key_size), values_(chosen.value_size, chosen.seed) {
    const std::string fields = " HTTP/1.1\r\nHost: " + chosen.host + "\r\n";
    if (api_ == api::kvstore) {
        prepare_kvstore(fields);
    } else {
        prepare_json(fields, chosen.serializable);
    }
}

void request_maker::prepare_kvstore(const std::string& fields) {
    get_ = {"GET ", fields + "\r\n", ""};
    put_ = {"PUT ",
            fields + "Content-Length: " + std::to_string(values_.size()) + "\r\n\r\n" +
                std::string(values_.filler()),
            ""};
}

void request_maker::prepare_json(const std::string& fields, bool serializable) {
    using quorate::gateway::append_base64;
    using quorate::gateway::base64_text_size;
    const auto with_head = [&](const char* path, parts body, std::size_t texts) {
        const std::size_t size = texts + body.head.size() + body.middle.size() + body.tail.size();
        body.head = std::string("POST /v3/kv/") + path + fields +
                    "Content-Type: application/json\r\nContent-Length: " + std::to_string(size) +
                    "\r\n\r\n" + body.head;
        return body;
    };
    const std::size_t key = base64_text_size(key_size_);
    get_ = with_head("range",
                     {"{\"key\":\"", serializable ? "\",\"serializable\":true}" : "\"}", ""}, key);
    // Base64 goes by threes, so up to two bytes of the filler are encoded with the stamp.
    const std::string_view filler = values_.filler();
    const std::size_t whole = filler.size() / 3 * 3;
    unaligned_ = filler.substr(whole);
    std::string middle = "\",\"value\":\"";
    append_base64(middle, filler.substr(0, whole));
    put_ = with_head("put", {"{\"key\":\"", middle, "\"}"},
                     key + base64_text_size(unaligned_.size() + value_maker::stamp_size));
}

std::string request_maker::key_text(std::uint64_t key) const {
    std::string text(key_size_, '0');
    text[0] = '/';
    char digits[20];
    const char* const end = std::to_chars(digits, digits + sizeof digits, key).ptr;
    std::copy_backward(static_cast<const char*>(digits), end, text.data() + text.size());
    return text;
}

void request_maker::append_key(std::uint64_t key, std::string& out) const {
    if (api_ == api::kvstore) {
        out += key_text(key);
    } else {
        quorate::gateway::append_base64(out, key_text(key));
    }
}

void request_maker::append_put(std::uint64_t key, const stamp& its, std::string& out) const {
    out += put_.head;
    append_key(key, out);
    out += put_.middle;
    const auto ending = values_.ending(its);
    if (api_ == api::kvstore) {
        out.append(ending.data(), ending.size());
    } else {
        std::string last = unaligned_;
        last.append(ending.data(), ending.size());
        quorate::gateway::append_base64(out, last);
    }
    out += put_.tail;
}

void request_maker::append_get(std::uint64_t key, std::string& out) const {
    out += get_.head;
    append_key(key, out);
    out += get_.middle;
}

answer_kind read_answer(api spoken, request_kind asked, unsigned status, std::string_view body,
                        std::string& storage, std::string_view& value) {
    if (spoken == api::json) {
        return status == 200 ? read_json(asked, body, storage, value) : answer_kind::refused;
    }
    if (asked == request_kind::put) {
        return status == 204 ? answer_kind::done : answer_kind::refused;
    }
    value = body;
    return status == 200   ? answer_kind::found
           : status == 404 ? answer_kind::absent
                           : answer_kind::refused;
}

} // namespace quorate_load
