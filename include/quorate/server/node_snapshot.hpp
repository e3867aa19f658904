// A node's snapshot: the member table in front, the state machine's bytes behind it.
// Flow:       beside 11; what a new or late member starts from
// Invariants: deterministic: the same table and state give the same bytes
// Source:     doc/format.md, "Snapshot data"
#ifndef QUORATE_SERVER_NODE_SNAPSHOT_HPP
#define QUORATE_SERVER_NODE_SNAPSHOT_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/server/member_table.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace quorate {

struct node_snapshot {
    member_table members;
    rope machine;
};

namespace detail {

/// Takes bytes from the front of a rope that may be cut anywhere.
class rope_cursor {
public:
    explicit rope_cursor(const rope& pieces) noexcept : pieces_(pieces) {}

    /// Returns: the next `size` bytes in one string; none when there are fewer.
    [[nodiscard]] std::optional<std::string> take(std::uint64_t size) {
        std::string bytes;
        while (bytes.size() < size && piece_ < pieces_.size()) {
            const byte_view rest = pieces_[piece_].view().substr(offset_);
            const auto part = std::min<std::uint64_t>(rest.size(), size - bytes.size());
            bytes.append(rest.substr(0, static_cast<std::size_t>(part)));
            offset_ += static_cast<std::size_t>(part);
            if (offset_ == pieces_[piece_].size()) {
                ++piece_;
                offset_ = 0;
            }
        }
        return bytes.size() == size ? std::optional(std::move(bytes)) : std::nullopt;
    }
    /// Returns: everything not taken yet, shared.
    [[nodiscard]] rope rest() const {
        rope left;
        for (std::size_t i = piece_; i < pieces_.size(); ++i) {
            left.push_back(i == piece_ ? pieces_[i].slice(offset_) : pieces_[i]);
        }
        return left;
    }

private:
    const rope& pieces_;
    std::size_t piece_ = 0;
    std::size_t offset_ = 0;
};

} // namespace detail

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

/// Returns: the parts, or none for bytes that join_snapshot did not make.
[[nodiscard]] inline std::optional<node_snapshot> split_snapshot(const rope& whole) {
    constexpr std::uint32_t table_bytes_max = 16 << 20;
    detail::rope_cursor cursor(whole);
    const std::optional<std::string> size = cursor.take(4);
    if (!size.has_value()) {
        return std::nullopt;
    }
    const auto table_bytes = load_little<std::uint32_t>(size->data());
    if (table_bytes > table_bytes_max) {
        return std::nullopt;
    }
    const std::optional<std::string> bytes = cursor.take(table_bytes);
    std::optional<member_table> members =
        bytes.has_value() ? member_table::decode(*bytes) : std::nullopt;
    if (!members.has_value()) {
        return std::nullopt;
    }
    return node_snapshot{std::move(*members), cursor.rest()};
}

} // namespace quorate

#endif
