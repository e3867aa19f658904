// What a client asks of the key-value store, as plain values.
// Flow:       1 and 2. HTTP bytes → request → command bytes; and 11, command bytes → request
// In / Out:   the client's fields, unchanged
// Invariants: a request owns no bytes: the value of a put is copied once, from where the client's
//             bytes lie into the command (format/command.hpp)
// Source:     etcd's KV service; field by field the same meaning
// Threads:    none
#ifndef QUORATE_COMMAND_REQUEST_HPP
#define QUORATE_COMMAND_REQUEST_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>

#include <cstdint>
#include <variant>

namespace quorate {

/// Ties keys to the life of a client. Zero: none.
using lease_id = tagged_id<struct lease_tag>;

// Lifetime of all requests: the views must outlive the request. `encode` reads them at once;
// `decode` yields views of the command that it was given.

/// Sets one key. Makes one revision.
struct put {
    byte_view key{};
    byte_view value{}; ///< May be empty.
    lease_id lease{};
    bool prev_kv = false; ///< Whether the reply carries what was there before.

    friend bool operator==(const put&, const put&) noexcept = default;
};

/// Reads keys as they were at one revision. Changes nothing.
struct range {
    byte_view key{};
    byte_view range_end{};      ///< See span_of().
    std::uint64_t revision = 0; ///< Zero: the current one.
    std::uint64_t limit = 0;    ///< How many rows at most. Zero: all.
    bool count_only = false;    ///< Return the count and no rows.
    bool keys_only = false;     ///< Leave the values out of the rows.

    friend bool operator==(const range&, const range&) noexcept = default;
};

/// Deletes the keys of a span. Makes one revision for all of them; none when none was there.
struct delete_range {
    byte_view key{};
    byte_view range_end{}; ///< See span_of().
    bool prev_kv = false;  ///< Whether the reply carries what was deleted.

    friend bool operator==(const delete_range&, const delete_range&) noexcept = default;
};

/// Forgets what can only be seen at revisions below this one. Makes no revision.
struct compact {
    std::uint64_t revision = 0;

    friend bool operator==(const compact&, const compact&) noexcept = default;
};

/// Any of them. The order of the alternatives is no part of the format.
using request = std::variant<put, range, delete_range, compact>;

} // namespace quorate

#endif
