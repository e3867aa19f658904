// Requests of clients to the key-value store, as plain values.
// Flow:       1 and 2. HTTP bytes → request → command bytes; and 11, command bytes → request
// In / Out:   the client's fields, unchanged
// Invariants: a request owns no bytes of keys and values: the value of a put is copied once, from
//             where the client's bytes lie into the command (format/command.hpp)
// Source:     etcd's KV service; field by field the same meaning
// Threads:    none
#ifndef QUORATE_COMMAND_REQUEST_HPP
#define QUORATE_COMMAND_REQUEST_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/command/alarm_request.hpp>
#include <quorate/command/lease_request.hpp>

#include <algorithm>
#include <cstdint>
#include <variant>
#include <vector>

namespace quorate {

// Lifetime of all requests: the views must outlive the request. `encode` reads them at once;
// `decode` yields views of the command that it was given.

/// Sets one key. Makes one revision.
struct put {
    byte_view key{};
    byte_view value{};         ///< May be empty; must be with `ignore_value`.
    lease_id lease{};          ///< Must be none with `ignore_lease`.
    bool prev_kv = false;      ///< Whether the reply carries what was there before.
    bool ignore_value = false; ///< Keep the value that is there. The key must exist.
    bool ignore_lease = false; ///< Keep the lease that is there. The key must exist.

    friend bool operator==(const put&, const put&) noexcept = default;
};

/// Values are part of the format.
enum class sort_order : std::uint8_t { none = 0, ascend = 1, descend = 2 };

/// What rows are sorted by; rows that tie stay in the order of their keys. Values are part of the
/// format.
enum class sort_target : std::uint8_t { key = 0, version = 1, create = 2, mod = 3, value = 4 };

/// Reads keys as they were at one revision. Changes nothing.
///
/// Filters leave rows out of the reply, not out of its count. Rows are filtered, then sorted, then
/// cut at the limit; but, as in etcd, a target other than the key without an order and without
/// filters sorts only the first `limit + 1` rows, ascending.
struct range {
    byte_view key{};
    byte_view range_end{}; ///< See span_of().
    /// Zero: the current one. What is negative as a signed number is compacted; but -1 is the
    /// current one before the first compaction.
    std::uint64_t revision = 0;
    std::uint64_t limit = 0; ///< How many rows at most. Zero: all.
    bool count_only = false; ///< Return the count and no rows.
    bool keys_only = false;  ///< Leave the values out of the rows.
    sort_order order = sort_order::none;
    sort_target target = sort_target::key;
    std::uint64_t min_mod_revision = 0;    ///< Leave out rows last put before it. Zero: none.
    std::uint64_t max_mod_revision = 0;    ///< Leave out rows last put after it. Zero: none.
    std::uint64_t min_create_revision = 0; ///< Leave out rows created before it. Zero: none.
    std::uint64_t max_create_revision = 0; ///< Leave out rows created after it. Zero: none.

    /// Returns: whether any filter is set.
    [[nodiscard]] bool filtered() const noexcept {
        return (min_mod_revision | max_mod_revision | min_create_revision | max_create_revision) !=
               0;
    }
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
    /// Whether to answer only when the memory is freed. Without it that goes on in small steps
    /// beside later requests; what can be read is the same either way.
    bool physical = false;

    friend bool operator==(const compact&, const compact&) noexcept = default;
};

/// What of a key is compared. Values are part of the format.
enum class compare_target : std::uint8_t { version = 0, create = 1, mod = 2, value = 3, lease = 4 };

/// How it must compare with the operand. Values are part of the format.
enum class compare_result : std::uint8_t { equal = 0, greater = 1, less = 2, not_equal = 3 };

/// A condition of a transaction. It must hold for every key of the span. Where there is no key it
/// compares zero; but a value that is not there compares with nothing, not even as unequal.
struct compare {
    compare_target target = compare_target::version;
    compare_result result = compare_result::equal;
    byte_view key{};
    byte_view range_end{};   ///< See span_of().
    std::int64_t number = 0; ///< The operand of every target but the value; else zero.
    byte_view value{};       ///< The operand of the target value; else empty.

    friend bool operator==(const compare&, const compare&) noexcept = default;
};

struct txn_op;

/// Does one list of operations or the other, as if at one moment. Makes one revision for all that
/// they change; none when they change nothing. All conditions, those of nested transactions too,
/// are decided on the state before; operations see what those before them did.
struct txn {
    std::vector<compare> compares;
    std::vector<txn_op> success; ///< When all conditions hold.
    std::vector<txn_op> failure;
};

/// One operation of a transaction. Holding nothing it is invalid, but can be said.
struct txn_op {
    std::variant<std::monostate, put, range, delete_range, txn> body{};

    friend bool operator==(const txn_op&, const txn_op&) noexcept = default;
};

[[nodiscard]] inline bool operator==(const txn& a, const txn& b) noexcept {
    return a.compares == b.compares && a.success == b.success && a.failure == b.failure;
}

/// Returns: whether a transaction only reads, whichever branches it takes, however deep; it need
/// not go through the log then. Complexity: linear in its operations.
[[nodiscard]] inline bool is_read_only(const txn& asked) noexcept {
    const auto reads = [](const txn_op& op) {
        const auto* nested = std::get_if<txn>(&op.body);
        return nested != nullptr ? is_read_only(*nested) : std::holds_alternative<range>(op.body);
    };
    return std::all_of(asked.success.begin(), asked.success.end(), reads) &&
           std::all_of(asked.failure.begin(), asked.failure.end(), reads);
}

/// Any of them. The order of the alternatives is no part of the format.
using request = std::variant<put, range, delete_range, compact, txn, lease_grant, lease_revoke,
                             lease_checkpoint, lease_takeover, alarm_change>;

} // namespace quorate

#endif
