// A node's snapshot: the member table in front, the state machine's bytes behind it.
// Flow:       beside 11; what a new or late member starts from
// Invariants: deterministic: the same table and state give the same bytes
// Source:     doc/format.md, "Members"
#ifndef QUORATE_SERVER_NODE_SNAPSHOT_HPP
#define QUORATE_SERVER_NODE_SNAPSHOT_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/bulk_join.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/server/member_table.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

namespace quorate {

/// Returns: the bytes of both, the machine's shared.
[[nodiscard]] inline rope join_snapshot(const member_table& members, rope machine) {
    const shared_bytes table = members.encode();
    draft size(4);
    store_little(size.data(), static_cast<std::uint32_t>(table.size()));
    rope whole{std::move(size).freeze(), table};
    whole.insert(whole.end(), std::make_move_iterator(machine.begin()),
                 std::make_move_iterator(machine.end()));
    return whole;
}

/// The same for a machine whose bytes are not in memory.
[[nodiscard]] inline bulk_bytes stream_snapshot(const member_table& members, bulk_bytes machine) {
    const shared_bytes table = members.encode();
    draft head(4 + table.size());
    byte_writer(head.data(), head.size())
        .u32(static_cast<std::uint32_t>(table.size()))
        .bytes(table.view());
    return join_bulk(std::move(head).freeze(), std::move(machine));
}

/// Effects: takes the member table from the front; what remains are the machine's bytes.
/// Errors: corrupt for bytes that join_snapshot did not make; or of the reader.
[[nodiscard]] inline result<member_table> take_members(bulk_reader& whole) {
    constexpr std::uint32_t table_bytes_max = 16 << 20;
    char size[4];
    if (whole.remaining() < sizeof(size)) {
        return errc::corrupt;
    }
    if (const error_code failed = whole.read(size, sizeof(size))) {
        return failed;
    }
    const auto table_bytes = load_little<std::uint32_t>(size);
    if (table_bytes > table_bytes_max || table_bytes > whole.remaining()) {
        return errc::corrupt;
    }
    const result<shared_bytes> bytes = whole.take(table_bytes);
    if (!bytes) {
        return bytes.error();
    }
    std::optional<member_table> members = member_table::decode(bytes->view());
    return members.has_value() ? result<member_table>(std::move(*members)) : errc::corrupt;
}

} // namespace quorate

#endif
