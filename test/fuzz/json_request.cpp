// Arbitrary bytes as bodies of the JSON API: decoding ends, reads nothing beyond the text, and what
// it makes refers to the arena alone.
#include <quorate/command/validate.hpp>
#include <quorate/gateway/decode.hpp>
#include <quorate/gateway/json_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

namespace {

using namespace quorate;
using namespace quorate::gateway;

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// Effects: decodes the text from a copy that is gone before the message is looked at.
template <class Message>
api_error decode_copy(std::string_view text, request_arena& arena, Message& into) {
    const std::string copy(text);
    json_limits limits;
    limits.values_max = 4096;
    api_error failed = decode(copy, arena, into, limits);
    demand(static_cast<bool>(failed) == !failed.message.empty());
    return failed;
}

template <class Message>
void decode_only(std::string_view text) {
    request_arena arena;
    Message made;
    static_cast<void>(decode_copy(text, arena, made));
}

void decode_put(std::string_view text) {
    request_arena arena;
    put made;
    if (decode_copy(text, arena, made)) {
        return;
    }
    // What was understood is said again, and understood as the same.
    std::string again;
    {
        json_object fields(again);
        fields.bytes("key", made.key);
        fields.bytes("value", made.value);
        fields.number("lease", static_cast<std::int64_t>(made.lease.value()));
        fields.flag("prev_kv", made.prev_kv);
        fields.flag("ignore_value", made.ignore_value);
        fields.flag("ignore_lease", made.ignore_lease);
    }
    put second;
    demand(!decode_copy(again, arena, second));
    demand(made == second);
}

void decode_txn(std::string_view text) {
    request_arena arena;
    txn_call made;
    if (!decode_copy(text, arena, made)) {
        static_cast<void>(validate(request(made.request)));
    }
}

void decode_user(std::string_view text) {
    request_arena arena;
    user_add_call made;
    if (decode_copy(text, arena, made)) {
        return;
    }
    std::string again;
    {
        json_object fields(again);
        fields.text("name", made.name);
    }
    user_add_call second;
    demand(!decode_copy(again, arena, second));
    demand(made.name == second.name);
}

void decode_stream(std::string_view text) {
    request_arena arena;
    while (!at_stream_end(text)) {
        const std::size_t before = text.size();
        watch_call made;
        if (decode_next(text, arena, made)) {
            break;
        }
        demand(text.size() < before);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 8) {
    case 0: decode_put(text); break;
    case 1: decode_txn(text); break;
    case 2: decode_user(text); break;
    case 3: decode_stream(text); break;
    case 4: decode_only<range_call>(text); break;
    case 5: decode_only<member_add_call>(text); break;
    case 6: decode_only<role_grant_permission>(text); break;
    default: decode_only<proclaim_call>(text); break;
    }
    return 0;
}
