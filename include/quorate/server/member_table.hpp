// Where each member is reached, replicated beside the application's state.
// Flow:       11; changes with applied membership changes and with snapshots
// Invariants: the same on every member at the same applied index
#ifndef QUORATE_SERVER_MEMBER_TABLE_HPP
#define QUORATE_SERVER_MEMBER_TABLE_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/server/node_options.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace quorate {

/// Members in ascending order of their ids; small, so a sorted vector.
class member_table {
public:
    using const_iterator = std::vector<member_address>::const_iterator;

    member_table() = default;
    explicit member_table(std::vector<member_address> members) : members_(std::move(members)) {
        std::sort(members_.begin(), members_.end(),
                  [](const auto& a, const auto& b) { return a.id < b.id; });
    }

    [[nodiscard]] const member_address* find(node_id id) const noexcept {
        const auto place = lower_bound(id);
        return place != members_.end() && place->id == id ? &*place : nullptr;
    }
    void put(node_id id, std::string peer_url) {
        const auto place = members_.begin() + (lower_bound(id) - members_.begin());
        if (place != members_.end() && place->id == id) {
            place->peer_url = std::move(peer_url);
        } else {
            members_.insert(place, {id, std::move(peer_url)});
        }
    }
    void erase(node_id id) {
        std::erase_if(members_, [id](const member_address& m) { return m.id == id; });
    }

    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
    [[nodiscard]] const_iterator begin() const noexcept { return members_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return members_.end(); }

    /// Returns: the same bytes for the same table.
    [[nodiscard]] shared_bytes encode() const {
        std::string bytes;
        byte_writer out(bytes);
        out.u32(static_cast<std::uint32_t>(members_.size()));
        for (const member_address& m : members_) {
            out.u64(m.id.value());
            out.u32(static_cast<std::uint32_t>(m.peer_url.size())).bytes(m.peer_url);
        }
        return shared_bytes::copy_of(bytes);
    }
    /// Returns: a table, or none for bytes that are not one.
    [[nodiscard]] static std::optional<member_table> decode(byte_view bytes) {
        byte_reader in(bytes);
        member_table table;
        for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
            const node_id id(in.u64());
            if (!id || (table.size() > 0 && id <= table.members_.back().id)) {
                return std::nullopt; // not what encode writes, and slow to sort
            }
            table.members_.push_back({id, std::string(in.bytes(in.u32()))});
        }
        return in.finished() ? std::optional(std::move(table)) : std::nullopt;
    }

    friend bool operator==(const member_table&, const member_table&) noexcept = default;

private:
    [[nodiscard]] const_iterator lower_bound(node_id id) const noexcept {
        return std::lower_bound(members_.begin(), members_.end(), id,
                                [](const member_address& m, node_id key) { return m.id < key; });
    }

    std::vector<member_address> members_;
};

} // namespace quorate

#endif
