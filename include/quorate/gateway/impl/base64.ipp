// See base64.hpp.
#ifndef QUORATE_GATEWAY_IMPL_BASE64_IPP
#define QUORATE_GATEWAY_IMPL_BASE64_IPP

#include <quorate/gateway/base64.hpp>

#include <array>
#include <cstdint>

namespace quorate::gateway {

namespace detail {

inline constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::uint8_t base64_none = 0xff;

/// Character → its six bits, or base64_none.
inline constexpr std::array<std::uint8_t, 256> base64_values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(base64_none);
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
        values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}();

[[nodiscard]] inline std::uint32_t base64_value(char c) noexcept {
    return base64_values[static_cast<unsigned char>(c)];
}

/// Reads up to four characters after all whole groups without line ends or padding.
class base64_tail {
public:
    base64_tail(std::string_view text, std::size_t position) noexcept
        : text_(text), position_(position) {}

    [[nodiscard]] bool at_end() const noexcept { return position_ == text_.size(); }
    [[nodiscard]] std::size_t position() const noexcept { return position_; }

    /// Effects: appends the bytes of the next group to `made`. Returns: whether it is valid.
    [[nodiscard]] bool next_group(char* out, base64_decoded& made) noexcept {
        std::uint32_t bits = 0;
        std::size_t count = 0;
        while (count < 4) {
            if (at_end()) {
                return count == 0 || fail(made, position_ - count);
            }
            const char c = text_[position_++];
            const std::uint32_t value = base64_value(c);
            if (value != base64_none) {
                bits = bits << 6 | value;
                ++count;
            } else if (c != '\n' && c != '\r') {
                if (c != '=') {
                    return fail(made, position_ - 1);
                }
                return finish_padding(count, made) && write(bits, count, out, made);
            }
        }
        return write(bits, count, out, made);
    }

private:
    void skip_line_ends() noexcept {
        while (!at_end() && (text_[position_] == '\n' || text_[position_] == '\r')) {
            ++position_;
        }
    }

    /// One '=' is consumed after `count` characters; nothing but what completes it may follow.
    [[nodiscard]] bool finish_padding(std::size_t count, base64_decoded& made) noexcept {
        if (count < 2) {
            return fail(made, position_ - 1);
        }
        if (count == 2) {
            skip_line_ends();
            if (at_end()) {
                return fail(made, text_.size());
            }
            if (text_[position_] != '=') {
                return fail(made, position_ - 1);
            }
            ++position_;
        }
        skip_line_ends();
        return at_end() || fail(made, position_);
    }

    [[nodiscard]] static bool write(std::uint32_t bits, std::size_t count, char* out,
                                    base64_decoded& made) noexcept {
        bits <<= 6 * (4 - count);
        for (std::size_t i = 0; i + 1 < count; ++i) {
            out[made.size++] = static_cast<char>(bits >> (16 - 8 * i) & 0xff);
        }
        return true;
    }
    [[nodiscard]] static bool fail(base64_decoded& made, std::size_t offset) noexcept {
        made.bad_offset = offset;
        return false;
    }

    std::string_view text_;
    std::size_t position_;
};

} // namespace detail

QUORATE_DECL void append_base64(std::string& out, byte_view bytes) {
    const std::size_t begin = out.size();
    out.resize(begin + base64_text_size(bytes.size()), '=');
    char* to = out.data() + begin;
    const auto at = [&bytes](std::size_t i) -> std::uint32_t {
        return static_cast<unsigned char>(bytes[i]);
    };
    std::size_t from = 0;
    for (; from + 3 <= bytes.size(); from += 3) {
        const std::uint32_t bits = at(from) << 16 | at(from + 1) << 8 | at(from + 2);
        *to++ = detail::base64_alphabet[bits >> 18];
        *to++ = detail::base64_alphabet[bits >> 12 & 63];
        *to++ = detail::base64_alphabet[bits >> 6 & 63];
        *to++ = detail::base64_alphabet[bits & 63];
    }
    if (from == bytes.size()) {
        return;
    }
    const bool two = bytes.size() - from == 2;
    const std::uint32_t bits = at(from) << 16 | (two ? at(from + 1) << 8 : 0);
    *to++ = detail::base64_alphabet[bits >> 18];
    *to++ = detail::base64_alphabet[bits >> 12 & 63];
    if (two) {
        *to++ = detail::base64_alphabet[bits >> 6 & 63];
    }
}

QUORATE_DECL base64_decoded decode_base64(std::string_view text, char* out) noexcept {
    base64_decoded made;
    std::size_t from = 0;
    for (; from + 4 <= text.size(); from += 4) {
        const std::uint32_t a = detail::base64_value(text[from]);
        const std::uint32_t b = detail::base64_value(text[from + 1]);
        const std::uint32_t c = detail::base64_value(text[from + 2]);
        const std::uint32_t d = detail::base64_value(text[from + 3]);
        if ((a | b | c | d) == detail::base64_none) {
            break; // A line end, padding or an error: seen to below, character by character.
        }
        const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        out[made.size++] = static_cast<char>(bits >> 16);
        out[made.size++] = static_cast<char>(bits >> 8 & 0xff);
        out[made.size++] = static_cast<char>(bits & 0xff);
    }
    detail::base64_tail tail(text, from);
    while (!tail.at_end()) {
        if (!tail.next_group(out, made)) {
            return made;
        }
    }
    made.valid = true;
    return made;
}

} // namespace quorate::gateway

#endif
