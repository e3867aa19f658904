// See field_reader.hpp.
#ifndef QUORATE_GATEWAY_IMPL_FIELD_READER_IPP
#define QUORATE_GATEWAY_IMPL_FIELD_READER_IPP

#include <quorate/gateway/base64.hpp>
#include <quorate/gateway/field_reader.hpp>
#include <quorate/gateway/go_text.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>

namespace quorate::gateway {

namespace detail {

[[nodiscard]] inline std::string_view kind_name(json_kind kind) noexcept {
    switch (kind) {
    case json_kind::null: return "null";
    case json_kind::boolean: return "bool";
    case json_kind::number: return "number";
    case json_kind::string: return "string";
    case json_kind::array: return "array";
    case json_kind::object: return "object";
    }
    return "value";
}

/// Longest part of a client's number that an error repeats.
inline constexpr std::size_t shown_number_bytes_max = 1024;

inline void wrong_kind(reading& state, const json_value& found, std::string_view type) {
    state.fail("json: cannot unmarshal " + std::string(kind_name(found.kind())) +
               " into Go value of type " + std::string(type));
}
inline void wrong_number(reading& state, std::string_view literal, std::string_view type) {
    state.fail("json: cannot unmarshal number " +
               std::string(literal.substr(0, shown_number_bytes_max)) + " into Go value of type " +
               std::string(type));
}

/// Returns: whether the field called `name` may be called `key`, too: with capitals in place of
/// underscores.
[[nodiscard]] inline bool is_camel_case_of(std::string_view name, std::string_view key) noexcept {
    std::size_t k = 0;
    for (std::size_t n = 0; n < name.size(); ++n, ++k) {
        char wanted = name[n];
        if (wanted == '_' && n + 1 < name.size()) {
            ++n;
            const bool lower = name[n] >= 'a' && name[n] <= 'z';
            wanted = lower ? static_cast<char>(name[n] - 'a' + 'A') : name[n];
        }
        if (k == key.size() || key[k] != wanted) {
            return false;
        }
    }
    return k == key.size();
}

template <std::integral Number>
[[nodiscard]] bool parse_whole(std::string_view text, Number& into) noexcept {
    const char* end = text.data() + text.size();
    Number value{};
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
        return false;
    }
    into = value;
    return true;
}

template <std::integral Number>
void read_number(const json_value& found, std::string_view type, reading& state, Number& into) {
    if (found.kind() == json_kind::number) {
        if (!parse_whole(found.text(), into)) {
            wrong_number(state, found.text(), type);
        }
    } else if (!found.is_null()) {
        wrong_kind(state, found, type);
    }
}

/// The quotes around a number are dropped, and what is between them is JSON again.
template <std::integral Number>
void read_quoted_number(const json_value& found, std::string_view type, reading& state,
                        Number& into) {
    const json_parsed inner =
        parse_json(found.text(), state.arena.resource(), json_extent::whole_text);
    if (inner.empty) {
        state.fail("unexpected end of JSON input");
    } else if (!inner.problem.empty()) {
        state.fail(inner.problem);
    } else {
        read_number(inner.root, type, state, into);
    }
}

template <std::integral Number>
void read_64(const json_value& found, std::string_view type, reading& state, Number& into) {
    if (found.kind() == json_kind::string) {
        read_quoted_number(found, type, state, into);
    } else {
        read_number(found, type, state, into);
    }
}

inline void read_enumerator(const json_value& found, const enum_names& names, reading& state,
                            std::int32_t& into) {
    if (found.kind() != json_kind::string) {
        read_number(found, names.type, state, into);
        return;
    }
    const auto named = std::find(names.names.begin(), names.names.end(), found.text());
    if (named == names.names.end()) {
        state.fail("unknown value " + quoted_text(found.text()) + " for enum " +
                   std::string(names.type));
        return;
    }
    into = static_cast<std::int32_t>(named - names.names.begin());
}

inline void read_text(const json_value& found, reading& state, byte_view& into) {
    if (found.kind() != json_kind::string) {
        if (!found.is_null()) {
            wrong_kind(state, found, "string");
        }
        return;
    }
    const std::string_view text = unescape_json(found, state.arena.resource());
    if (text.empty()) {
        into = {};
        return;
    }
    // A copy, as what needs no escaping still lies in the client's text.
    char* kept = state.arena.take(text.size());
    std::copy(text.begin(), text.end(), kept);
    into = {kept, text.size()};
}

inline void read_base64(const json_value& found, reading& state, byte_view& into) {
    const std::string_view text =
        found.is_escaped() ? unescape_json(found, state.arena.resource()) : found.text();
    if (text.empty()) {
        into = {};
        return;
    }
    char* kept = state.arena.take(base64_bytes_max(text.size()));
    const base64_decoded made = decode_base64(text, kept);
    if (!made.valid) {
        state.fail("illegal base64 data at input byte " + std::to_string(made.bad_offset));
        return;
    }
    into = {kept, made.size};
}

inline void read_byte_array(const json_value& found, reading& state, byte_view& into) {
    const std::span<const json_value> items = found.items();
    if (items.empty()) {
        into = {};
        return;
    }
    char* kept = state.arena.take(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        std::uint8_t byte = 0;
        read_number(items[i], "uint8", state, byte);
        kept[i] = static_cast<char>(byte);
    }
    into = {kept, items.size()};
}

} // namespace detail

QUORATE_DECL field_reader::field_reader(const json_value& value, reading& state) : state_(state) {
    if (value.kind() == json_kind::object) {
        members_ = value.items();
    } else if (!value.is_null()) {
        detail::wrong_kind(state, value, "map[string]json.RawMessage");
    }
}

/// Of fields that are there twice the last counts, and of two names the one in camel case.
QUORATE_DECL const json_value* field_reader::find(std::string_view name) const noexcept {
    if (state_.error) {
        return nullptr;
    }
    const bool two_names = name.find('_') != std::string_view::npos;
    const json_value* original = nullptr;
    for (std::size_t i = members_.size(); i >= 2; i -= 2) {
        const std::string_view key = members_[i - 2].text();
        const json_value* value = &members_[i - 1];
        if (two_names && detail::is_camel_case_of(name, key)) {
            return value;
        }
        if (original == nullptr && key == name) {
            original = value;
            if (!two_names) {
                break;
            }
        }
    }
    return original;
}

QUORATE_DECL void field_reader::flag(std::string_view name, bool& into) {
    const json_value* found = find(name);
    if (found == nullptr || found->is_null()) {
        return;
    }
    if (found->kind() != json_kind::boolean) {
        detail::wrong_kind(state_, *found, "bool");
        return;
    }
    into = found->flag();
}

QUORATE_DECL void field_reader::number(std::string_view name, std::int64_t& into) {
    if (const json_value* found = find(name)) {
        detail::read_64(*found, "int64", state_, into);
    }
}

QUORATE_DECL void field_reader::number(std::string_view name, std::uint64_t& into) {
    if (const json_value* found = find(name)) {
        detail::read_64(*found, "uint64", state_, into);
    }
}

QUORATE_DECL void field_reader::text(std::string_view name, byte_view& into) {
    if (const json_value* found = find(name)) {
        detail::read_text(*found, state_, into);
    }
}

QUORATE_DECL void field_reader::bytes(std::string_view name, byte_view& into) {
    const json_value* found = find(name);
    if (found == nullptr || found->is_null()) {
        return;
    }
    if (found->kind() == json_kind::string) {
        detail::read_base64(*found, state_, into);
    } else if (found->kind() == json_kind::array) {
        detail::read_byte_array(*found, state_, into);
    } else {
        detail::wrong_kind(state_, *found, "[]uint8");
    }
}

QUORATE_DECL void field_reader::enumerator(std::string_view name, const enum_names& names,
                                           std::int32_t& into) {
    if (const json_value* found = find(name)) {
        detail::read_enumerator(*found, names, state_, into);
    }
}

QUORATE_DECL const json_value* field_reader::message(std::string_view name) {
    const json_value* found = find(name);
    return found == nullptr || found->is_null() ? nullptr : found;
}

QUORATE_DECL std::span<const json_value> field_reader::messages(std::string_view name) {
    const json_value* found = message(name);
    if (found == nullptr) {
        return {};
    }
    if (found->kind() != json_kind::array) {
        detail::wrong_kind(state_, *found, "[]json.RawMessage");
        return {};
    }
    return found->items();
}

QUORATE_DECL void field_reader::enumerators(std::string_view name, const enum_names& names,
                                            std::vector<std::int32_t>& into) {
    for (const json_value& value : messages(name)) {
        detail::read_enumerator(value, names, state_, into.emplace_back());
    }
}

QUORATE_DECL void field_reader::texts(std::string_view name, std::vector<byte_view>& into) {
    for (const json_value& value : messages(name)) {
        detail::read_text(value, state_, into.emplace_back());
    }
}

} // namespace quorate::gateway

#endif
