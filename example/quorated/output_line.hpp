// One finding on one line: `event name=value ...` for people, or a JSON object.
#ifndef QUORATED_OUTPUT_LINE_HPP
#define QUORATED_OUTPUT_LINE_HPP

#include <cstdint>
#include <string>
#include <string_view>

namespace quorated {

class output_line {
public:
    output_line(std::string_view event, bool json) : json_(json) {
        if (json) {
            text("event", event);
        } else {
            line_ = event;
        }
    }

    /// A byte that is no printable ASCII becomes \xNN; in JSON the character of the same number, so
    /// that any bytes survive: read it as text, encode that as Latin-1.
    output_line& text(std::string_view name, std::string_view bytes) {
        return put(name, '"' + escaped(bytes) + '"');
    }
    output_line& number(std::string_view name, std::uint64_t value) {
        return put(name, std::to_string(value));
    }
    output_line& flag(std::string_view name, bool value) {
        return put(name, value ? "true" : "false");
    }
    [[nodiscard]] std::string str() const { return json_ ? line_ + '}' : line_; }

private:
    output_line& put(std::string_view name, std::string_view value) {
        if (json_) {
            line_.append(line_.empty() ? "{\"" : ",\"").append(name).append("\":");
        } else {
            line_.append(" ").append(name).append("=");
        }
        line_.append(value);
        return *this;
    }
    [[nodiscard]] std::string escaped(std::string_view bytes) const {
        constexpr char digits[] = "0123456789abcdef";
        std::string text;
        for (const char c : bytes) {
            const auto byte = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                text += {'\\', c};
            } else if (byte < 0x20 || byte >= 0x7f) {
                text += json_ ? "\\u00" : "\\x";
                text += {digits[byte >> 4], digits[byte & 15]};
            } else {
                text += c;
            }
        }
        return text;
    }

    const bool json_;
    std::string line_;
};

} // namespace quorated

#endif
