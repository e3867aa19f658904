// JSON straight into a string, as etcd's gateway writes protobuf messages.
// Flow:       13. reply → JSON text
// In / Out:   fields → text
// Invariants: fields that have their default value are left out; 64-bit numbers are strings; bytes
//             are base64
// Source:     Go's jsonpb with the original names; strings are escaped as encoding/json does
// Threads:    none
#ifndef QUORATE_GATEWAY_JSON_WRITER_HPP
#define QUORATE_GATEWAY_JSON_WRITER_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/gateway/base64.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace quorate::gateway {

/// Effects: appends text between quotes. What is not valid UTF-8 becomes U+FFFD; '<', '>' and '&'
/// are escaped, too.
QUORATE_DECL void append_json_string(std::string& out, std::string_view text);

/// Effects: appends bytes as base64 between quotes.
inline void append_json_bytes(std::string& out, byte_view bytes) {
    out += '"';
    append_base64(out, bytes);
    out += '"';
}

/// Effects: appends decimal digits, without quotes.
template <std::integral Number>
void append_decimal(std::string& out, Number number) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

/// Writes one object, field by field. Closes it when it ends, so that a nested one must end before
/// its parent goes on.
class json_object {
public:
    explicit json_object(std::string& out) : out_(out) { out_ += '{'; }
    json_object(const json_object&) = delete;
    json_object& operator=(const json_object&) = delete;
    ~json_object() { out_ += '}'; }

    /// Effects: appends the name of a field, whose value the caller appends to the returned text.
    /// Requires: a name that needs no escaping.
    std::string& field(std::string_view name) {
        if (!first_) {
            out_ += ',';
        }
        first_ = false;
        out_ += '"';
        out_ += name;
        out_ += "\":";
        return out_;
    }
    void flag(std::string_view name, bool value) {
        if (value) {
            field(name) += "true";
        }
    }
    /// A 64-bit number.
    template <std::integral Number>
    void number(std::string_view name, Number value) {
        if (value != 0) {
            field(name) += '"';
            append_decimal(out_, value);
            out_ += '"';
        }
    }
    void text(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            append_json_string(field(name), value);
        }
    }
    void bytes(std::string_view name, byte_view value) {
        if (!value.empty()) {
            append_json_bytes(field(name), value);
        }
    }
    /// `write_one(out, element)` appends one element. An empty list is left out.
    template <class List, class WriteOne>
    void list(std::string_view name, const List& elements, const WriteOne& write_one) {
        bool first = true;
        for (const auto& element : elements) {
            if (first) {
                field(name) += '[';
            } else {
                out_ += ',';
            }
            first = false;
            write_one(out_, element);
        }
        if (!first) {
            out_ += ']';
        }
    }

private:
    std::string& out_;
    bool first_ = true;
};

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/json_writer.ipp>
#endif

#endif
