// See json_value.hpp.
#ifndef QUORATE_GATEWAY_IMPL_JSON_VALUE_IPP
#define QUORATE_GATEWAY_IMPL_JSON_VALUE_IPP

#include <quorate/gateway/go_text.hpp>
#include <quorate/gateway/json_value.hpp>

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace quorate::gateway {

namespace detail {

[[nodiscard]] inline bool is_json_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
[[nodiscard]] inline bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
/// Returns: what the digit stands for; 16 when it is none.
[[nodiscard]] inline std::uint32_t hex_value(char c) noexcept {
    if (is_digit(c)) {
        return static_cast<std::uint32_t>(c - '0');
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? static_cast<std::uint32_t>(lower - 'a' + 10) : 16;
}

/// Returns: whether any byte is a control character. Eight at a time: most text is one long value.
[[nodiscard]] inline bool has_control(std::string_view text) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    std::uint64_t found = 0;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + i, 8);
        // The high bit of a byte below 0x20, or of one behind such a byte.
        found |= (word - ones * 0x20) & ~word & ones * 0x80;
    }
    for (; i < text.size(); ++i) {
        found |= static_cast<unsigned char>(text[i]) < 0x20 ? 1U : 0U;
    }
    return found != 0;
}

/// One pass over a text. Open arrays and objects lie on a stack of values, each in front of what it
/// holds so far; the size of an open one is where on the stack the one around it lies.
class json_parser {
public:
    json_parser(std::string_view text, std::pmr::memory_resource& arena, json_extent extent,
                const json_limits& limits)
        : text_(text), arena_(arena), extent_(extent), limits_(limits) {}

    [[nodiscard]] json_parsed run() {
        json_parsed made;
        skip_blanks();
        if (at_end()) {
            made.empty = true;
            made.consumed = text_.size();
            return made;
        }
        const bool read = read_value() && read_containers() && check_end();
        made.problem = std::move(problem_);
        made.consumed = position_;
        if (read) {
            made.root = stack_.front();
        }
        return made;
    }

private:
    [[nodiscard]] bool at_end() const noexcept { return position_ == text_.size(); }
    [[nodiscard]] char peek() const noexcept { return text_[position_]; }
    void skip_blanks() noexcept {
        while (!at_end() && is_json_blank(peek())) {
            ++position_;
        }
    }
    [[nodiscard]] bool fail(std::string problem) {
        problem_ = std::move(problem);
        return false;
    }
    /// The next character is not what `where` allows, or there is none.
    [[nodiscard]] bool fail_at(std::string_view where) {
        if (at_end()) {
            return fail(extent_ == json_extent::first_value ? "unexpected EOF"
                                                            : "unexpected end of JSON input");
        }
        return fail("invalid character " + quoted_character(peek()) + ' ' + std::string(where));
    }

    /// The same inside a literal, a number or an escape sequence. At the end of a whole text Go
    /// tries a blank, which is not allowed here either.
    [[nodiscard]] bool fail_inside(std::string_view where) {
        if (at_end() && extent_ == json_extent::whole_text) {
            return fail("invalid character ' ' " + std::string(where));
        }
        return fail_at(where);
    }

    [[nodiscard]] bool push(const json_value& value) {
        if (++count_ > limits_.values_max) {
            return fail("too many JSON values in one request");
        }
        stack_.push_back(value);
        return true;
    }

    [[nodiscard]] bool read_value() {
        skip_blanks();
        if (at_end()) {
            return fail_at({});
        }
        switch (peek()) {
        case '{': return open(json_kind::object);
        case '[': return open(json_kind::array);
        case '"': return read_string(false);
        case 't': return read_literal("true", json_value::of_flag(true));
        case 'f': return read_literal("false", json_value::of_flag(false));
        case 'n': return read_literal("null", json_value());
        default: break;
        }
        if (peek() == '-' || is_digit(peek())) {
            return read_number();
        }
        return fail_at("looking for beginning of value");
    }

    [[nodiscard]] bool open(json_kind kind) {
        if (depth_ == limits_.depth_max) {
            return fail_at("exceeded max depth");
        }
        ++position_;
        const std::size_t place = stack_.size();
        if (!push(json_value::of_items(kind, nullptr, open_))) {
            return false;
        }
        ++depth_;
        open_ = place;
        return true;
    }

    /// Effects: moves the items of the open container to the arena.
    void close() {
        ++position_;
        const json_value opened = stack_[open_];
        const std::size_t around = opened.size();
        const std::size_t count = stack_.size() - open_ - 1;
        json_value* items = nullptr;
        if (count > 0) {
            void* place = arena_.allocate(count * sizeof(json_value), alignof(json_value));
            items = static_cast<json_value*>(place);
            std::uninitialized_copy_n(stack_.data() + open_ + 1, count, items);
        }
        stack_.resize(open_ + 1);
        stack_[open_] = json_value::of_items(opened.kind(), items, count);
        open_ = around;
        --depth_;
    }

    /// Reads on until no array and no object is open.
    [[nodiscard]] bool read_containers() {
        while (depth_ > 0) {
            const bool object = stack_[open_].kind() == json_kind::object;
            const bool first = stack_.size() == open_ + 1;
            skip_blanks();
            if (!at_end() && peek() == (object ? '}' : ']')) {
                close();
                continue;
            }
            if (!first && !read_comma(object)) {
                return false;
            }
            if ((object && !read_key()) || !read_value()) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] bool read_comma(bool object) {
        if (at_end() || peek() != ',') {
            return fail_at(object ? "after object key:value pair" : "after array element");
        }
        ++position_;
        return true;
    }

    [[nodiscard]] bool read_key() {
        skip_blanks();
        if (at_end() || peek() != '"') {
            return fail_at("looking for beginning of object key string");
        }
        if (!read_string(true)) {
            return false;
        }
        skip_blanks();
        if (at_end() || peek() != ':') {
            return fail_at("after object key");
        }
        ++position_;
        return true;
    }

    [[nodiscard]] bool read_literal(std::string_view word, const json_value& value) {
        ++position_;
        for (std::size_t i = 1; i < word.size(); ++i, ++position_) {
            if (at_end() || peek() != word[i]) {
                return fail_inside("in literal " + std::string(word) + " (expecting '" + word[i] +
                                   "')");
            }
        }
        return push(value);
    }

    [[nodiscard]] bool read_digits(std::string_view where) {
        if (at_end() || !is_digit(peek())) {
            return fail_inside(where);
        }
        while (!at_end() && is_digit(peek())) {
            ++position_;
        }
        return true;
    }

    [[nodiscard]] bool read_number() {
        const std::size_t begin = position_;
        if (peek() == '-') {
            ++position_;
        }
        if (!at_end() && peek() == '0') {
            ++position_;
        } else if (!read_digits("in numeric literal")) {
            return false;
        }
        if (!at_end() && peek() == '.') {
            ++position_;
            if (!read_digits("after decimal point in numeric literal")) {
                return false;
            }
        }
        if (!at_end() && (peek() | 0x20) == 'e') {
            ++position_;
            if (!at_end() && (peek() == '+' || peek() == '-')) {
                ++position_;
            }
            if (!read_digits("in exponent of numeric literal")) {
                return false;
            }
        }
        return push(json_value::of_text(json_kind::number, text_.substr(begin, position_ - begin)));
    }

    /// Strings without escape sequences are found by their closing quote alone.
    [[nodiscard]] bool read_string(bool key) {
        const std::size_t begin = ++position_;
        const std::size_t quote = text_.find('"', begin);
        const std::string_view plain = text_.substr(begin, quote - begin);
        if (quote != std::string_view::npos && plain.find('\\') == std::string_view::npos &&
            !has_control(plain)) {
            position_ = quote + 1;
            return push(json_value::of_text(json_kind::string, plain));
        }
        if (!skip_escaped()) {
            return false;
        }
        const json_value found =
            json_value::of_text(json_kind::string, text_.substr(begin, position_ - begin), true);
        ++position_;
        return push(key ? json_value::of_text(json_kind::string, unescape_json(found, arena_))
                        : found);
    }

    /// Effects: goes on to the closing quote.
    [[nodiscard]] bool skip_escaped() {
        while (!at_end() && peek() != '"') {
            if (static_cast<unsigned char>(peek()) < 0x20) {
                return fail_at("in string literal");
            }
            if (peek() != '\\') {
                ++position_;
                continue;
            }
            ++position_;
            constexpr std::string_view escapes = "\"\\/bfnrtu";
            if (at_end() || escapes.find(peek()) == std::string_view::npos) {
                return fail_inside("in string escape code");
            }
            const bool unicode = text_[position_++] == 'u';
            for (int digit = 0; unicode && digit < 4; ++digit, ++position_) {
                if (at_end() || hex_value(peek()) > 15) {
                    return fail_inside("in \\u hexadecimal character escape");
                }
            }
        }
        return !at_end() || fail_at({});
    }

    [[nodiscard]] bool check_end() {
        if (extent_ == json_extent::first_value) {
            return true;
        }
        skip_blanks();
        return at_end() || fail_at("after top-level value");
    }

    std::string_view text_;
    std::pmr::memory_resource& arena_;
    json_extent extent_;
    const json_limits& limits_;
    boost::container::small_vector<json_value, 32> stack_;
    std::size_t position_ = 0;
    std::size_t open_ = 0;  // where on the stack the innermost open container lies
    std::size_t depth_ = 0; // how many are open
    std::size_t count_ = 0;
    std::string problem_;
};

/// Reads four hexadecimal digits, which are known to be there.
[[nodiscard]] inline std::uint32_t four_digits(std::string_view text) noexcept {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        code = code << 4 | hex_value(text[i]);
    }
    return code;
}

inline constexpr std::uint32_t replacement_character = 0xfffd;

/// Effects: takes one escape sequence, or a pair of surrogates, from the front of `text`.
[[nodiscard]] inline std::uint32_t take_escape(std::string_view& text) noexcept {
    constexpr std::string_view letters = "bfnrt";
    constexpr std::string_view meanings = "\b\f\n\r\t";
    const char kind = text[1];
    if (kind != 'u') {
        text.remove_prefix(2);
        const std::size_t known = letters.find(kind);
        return static_cast<unsigned char>(known == std::string_view::npos ? kind : meanings[known]);
    }
    const std::uint32_t code = four_digits(text.substr(2));
    text.remove_prefix(6);
    if (code < 0xd800 || code >= 0xe000) {
        return code;
    }
    if (code < 0xdc00 && text.size() >= 6 && text[0] == '\\' && text[1] == 'u') {
        const std::uint32_t second = four_digits(text.substr(2));
        if (second >= 0xdc00 && second < 0xe000) {
            text.remove_prefix(6);
            return 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
        }
    }
    return replacement_character;
}

[[nodiscard]] inline bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

} // namespace detail

QUORATE_DECL json_parsed parse_json(std::string_view text, std::pmr::memory_resource& arena,
                                    json_extent extent, const json_limits& limits) {
    if (text.size() > UINT32_MAX) {
        json_parsed refused;
        refused.consumed = text.size();
        refused.problem = "the request is too long";
        return refused;
    }
    return detail::json_parser(text, arena, extent, limits).run();
}

QUORATE_DECL std::string_view unescape_json(const json_value& value,
                                            std::pmr::memory_resource& arena) {
    std::string_view rest = value.text();
    if (!value.is_escaped() && detail::is_ascii(rest)) {
        return rest;
    }
    std::string made;
    made.reserve(rest.size());
    while (!rest.empty()) {
        if (rest.front() == '\\' && value.is_escaped()) {
            append_utf8(made, detail::take_escape(rest));
            continue;
        }
        const utf8_character next = first_utf8(rest);
        append_utf8(made, next.size == 0 ? detail::replacement_character : next.code);
        rest.remove_prefix(next.size == 0 ? 1 : next.size);
    }
    if (made.empty()) {
        return {};
    }
    char* kept = static_cast<char*>(arena.allocate(made.size(), 1));
    std::memcpy(kept, made.data(), made.size());
    return {kept, made.size()};
}

} // namespace quorate::gateway

#endif
