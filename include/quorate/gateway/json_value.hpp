// JSON text as a tree of small values that point into the text and into an arena.
// Flow:       1. HTTP body → JSON values → request
// In / Out:   text of a client → values, or what is wrong with it and where it ends
// Invariants: bounded in depth and in number of values before memory is taken for them; no
//             recursion, so that no text can exhaust the stack
// Source:     RFC 8259; which texts are refused, with which words, and that a value may be followed
//             by another, are Go's encoding/json, which etcd's clients know
// Threads:    any
#ifndef QUORATE_GATEWAY_JSON_VALUE_HPP
#define QUORATE_GATEWAY_JSON_VALUE_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

namespace quorate::gateway {

enum class json_kind : std::uint8_t { null, boolean, number, string, array, object };

/// One value. Numbers and strings keep their spelling: only who asks for one knows what it must be.
/// Lifetime: refers to the text and the arena that it was parsed from.
class json_value {
public:
    constexpr json_value() noexcept : text_(nullptr) {}
    [[nodiscard]] static json_value of_flag(bool value) noexcept {
        json_value made;
        made.kind_ = json_kind::boolean;
        made.size_ = value ? 1 : 0;
        return made;
    }
    /// `escaped`: whether the text, without its quotes, still holds escape sequences.
    [[nodiscard]] static json_value of_text(json_kind kind, std::string_view text,
                                            bool escaped = false) noexcept {
        json_value made;
        made.kind_ = kind;
        made.escaped_ = escaped;
        made.size_ = static_cast<std::uint32_t>(text.size());
        made.text_ = text.data();
        return made;
    }
    [[nodiscard]] static json_value of_items(json_kind kind, const json_value* items,
                                             std::size_t count) noexcept {
        json_value made;
        made.kind_ = kind;
        made.size_ = static_cast<std::uint32_t>(count);
        made.items_ = items;
        return made;
    }

    [[nodiscard]] json_kind kind() const noexcept { return kind_; }
    [[nodiscard]] bool is_null() const noexcept { return kind_ == json_kind::null; }
    [[nodiscard]] bool flag() const noexcept {
        QUORATE_ASSERT(kind_ == json_kind::boolean);
        return size_ != 0;
    }
    /// Requires: a number or a string. Returns: it as spelled, without quotes.
    [[nodiscard]] std::string_view text() const noexcept {
        QUORATE_ASSERT(kind_ == json_kind::number || kind_ == json_kind::string);
        return {text_, size_};
    }
    [[nodiscard]] bool is_escaped() const noexcept { return escaped_; }
    /// Returns: how many characters or items.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Requires: an array or an object. Returns: the elements; of an object, key and value in turn,
    /// keys without escape sequences.
    [[nodiscard]] std::span<const json_value> items() const noexcept {
        QUORATE_ASSERT(kind_ == json_kind::array || kind_ == json_kind::object);
        return {items_, size_};
    }

private:
    json_kind kind_ = json_kind::null;
    bool escaped_ = false;
    std::uint32_t size_ = 0;
    union {
        const char* text_;
        const json_value* items_;
    };
};

struct json_limits {
    /// How deep arrays and objects may be nested. A transaction nested in another takes three
    /// levels; the default lets in what txn_depth_max allows.
    std::size_t depth_max = 400;
    /// How many values, keys included, one text may hold. Each takes 16 bytes of the arena.
    std::size_t values_max = 1 << 18;
};

/// What the text was read as.
struct json_parsed {
    json_value root{};
    /// Units: characters up to the end of the value; all of them when there was none.
    std::size_t consumed = 0;
    bool empty = false;    ///< There was nothing but blanks.
    std::string problem{}; ///< What is wrong, in Go's words; empty: nothing.
};

/// Whether the text must end after the value, or may go on with anything.
enum class json_extent : std::uint8_t { first_value, whole_text };

/// Effects: reads the first value of `text`. Complexity: linear in its length.
/// Lifetime: the root refers to the text, and to memory taken from `arena`.
[[nodiscard]] QUORATE_DECL json_parsed parse_json(std::string_view text,
                                                  std::pmr::memory_resource& arena,
                                                  json_extent extent = json_extent::first_value,
                                                  const json_limits& limits = {});

/// Returns: the text of a string value with its escape sequences resolved, as valid UTF-8: what is
/// not is replaced by U+FFFD. Lifetime: refers to the value's text or to `arena`.
[[nodiscard]] QUORATE_DECL std::string_view unescape_json(const json_value& value,
                                                          std::pmr::memory_resource& arena);

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/json_value.ipp>
#endif

#endif
