// The fields of one JSON object, asked for by name and type.
// Flow:       1. JSON values → fields of a request
// In / Out:   an object and a name → a value of the type that the field has
// Invariants: the first thing that is wrong is what is reported; after it nothing is read
// Source:     Go's jsonpb and encoding/json, their words included
// Threads:    none
#ifndef QUORATE_GATEWAY_FIELD_READER_HPP
#define QUORATE_GATEWAY_FIELD_READER_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/gateway/api_error.hpp>
#include <quorate/gateway/json_value.hpp>
#include <quorate/gateway/request_arena.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::gateway {

/// An enumeration of the API: its values' names, from zero on.
struct enum_names {
    std::string_view type;
    std::span<const std::string_view> names;
};

/// What is shared by the readers of one message and of those inside it.
struct reading {
    request_arena& arena;
    api_error error{};
    std::size_t operations = 0; ///< Conditions and operations of transactions so far.

    /// Effects: keeps the first problem.
    void fail(std::string problem) {
        if (!error) {
            error = {grpc_code::invalid_argument, std::move(problem)};
        }
    }
};

/// Reads fields in the order in which they are asked for: callers ask in the order of the fields'
/// numbers, as the first error depends on it. Fields that are missing or null leave `into` alone.
class field_reader {
public:
    /// `value`: an object, or null for a message without fields; anything else is an error.
    QUORATE_DECL field_reader(const json_value& value, reading& state);

    QUORATE_DECL void flag(std::string_view name, bool& into);
    QUORATE_DECL void number(std::string_view name, std::int64_t& into);
    QUORATE_DECL void number(std::string_view name, std::uint64_t& into);
    /// Names and other text: valid UTF-8 afterwards.
    QUORATE_DECL void text(std::string_view name, byte_view& into);
    /// Base64, or an array of numbers.
    QUORATE_DECL void bytes(std::string_view name, byte_view& into);
    /// Numbers that stand for nothing pass, too.
    QUORATE_DECL void enumerator(std::string_view name, const enum_names& names,
                                 std::int32_t& into);
    QUORATE_DECL void enumerators(std::string_view name, const enum_names& names,
                                  std::vector<std::int32_t>& into);
    QUORATE_DECL void texts(std::string_view name, std::vector<byte_view>& into);
    /// Returns: the value of a message's field; nothing when it is missing or null, or after an
    /// error.
    [[nodiscard]] QUORATE_DECL const json_value* message(std::string_view name);
    /// Returns: the values of a repeated message.
    [[nodiscard]] QUORATE_DECL std::span<const json_value> messages(std::string_view name);

    /// An identity that is a number on the wire: signed ones keep their bits.
    template <class Tag>
    void id(std::string_view name, tagged_id<Tag>& into) {
        std::uint64_t value = into.value();
        number(name, value);
        into = tagged_id<Tag>(value);
    }
    template <class Tag>
    void signed_id(std::string_view name, tagged_id<Tag>& into) {
        auto value = static_cast<std::int64_t>(into.value());
        number(name, value);
        into = tagged_id<Tag>(static_cast<std::uint64_t>(value));
    }
    /// A number that means the same as zero when it is negative.
    void count(std::string_view name, std::uint64_t& into) {
        std::int64_t value = 0;
        number(name, value);
        into = value > 0 ? static_cast<std::uint64_t>(value) : 0;
    }

private:
    [[nodiscard]] const json_value* find(std::string_view name) const noexcept;

    std::span<const json_value> members_{}; // key and value in turn
    reading& state_;
};

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/field_reader.ipp>
#endif

#endif
