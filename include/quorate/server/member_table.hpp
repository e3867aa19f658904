// The members and their addresses, and the group's birth mark, replicated beside the application's
// state.
// Flow:       11; changes with applied membership changes and with snapshots
// Invariants: the same on every member at the same applied index; who was removed never returns
#ifndef QUORATE_SERVER_MEMBER_TABLE_HPP
#define QUORATE_SERVER_MEMBER_TABLE_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/base/limits.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/net/peer_address.hpp>
#include <quorate/server/member_info.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// Members in ascending order of their ids; few, so a sorted vector. Beside them the ids of those
/// that were removed.
class member_table {
public:
    using const_iterator = std::vector<member_info>::const_iterator;

    /// More removed members than this are not remembered: the smallest ids go.
    static constexpr std::size_t removed_max = 10'000;

    member_table() = default;
    explicit member_table(std::vector<member_info> members) : members_(std::move(members)) {
        std::sort(members_.begin(), members_.end(),
                  [](const auto& a, const auto& b) { return a.id < b.id; });
    }

    [[nodiscard]] const member_info* find(node_id id) const noexcept {
        const auto place = lower_bound(id);
        return place != members_.end() && place->id == id ? &*place : nullptr;
    }
    /// Returns: the first other member that has one of `candidate`'s peer URLs, in any spelling;
    /// null without one. Complexity: the product of both numbers of URLs.
    [[nodiscard]] const member_info* find_rival(const member_info& candidate) const {
        std::vector<std::string> wanted;
        for (const std::string& url : candidate.peer_urls) {
            wanted.push_back(canonical_peer_url(url));
        }
        const auto taken = [&wanted](const std::string& url) {
            return std::find(wanted.begin(), wanted.end(), canonical_peer_url(url)) != wanted.end();
        };
        const auto rival = std::find_if(begin(), end(), [&](const member_info& m) {
            return m.id != candidate.id &&
                   std::any_of(m.peer_urls.begin(), m.peer_urls.end(), taken);
        });
        return rival == end() ? nullptr : &*rival;
    }
    /// Effects: adds a member, or replaces what is known of it.
    void put(member_info member) {
        const auto place = members_.begin() + (lower_bound(member.id) - members_.begin());
        if (place != members_.end() && place->id == member.id) {
            *place = std::move(member);
        } else {
            members_.insert(place, std::move(member));
        }
    }
    /// Effects: adds a member, or changes what is told of one that is known.
    void put(const member_update& told) {
        const member_info* known = find(told.info.id);
        member_info merged = told.info;
        if (known != nullptr && !told.peer_urls) {
            merged.peer_urls = known->peer_urls;
        }
        if (known != nullptr && !told.attributes) {
            merged.name = known->name;
            merged.client_urls = known->client_urls;
        }
        put(std::move(merged));
        if (told.birth && (!birth_ || told.new_group)) {
            birth_ = told.birth;
        }
    }
    /// Returns: the mark of the group; zero until the first update with one was applied.
    [[nodiscard]] birth_mark birth() const noexcept { return birth_; }
    /// Effects: removes the member for good.
    void erase(node_id id) {
        const auto place = std::lower_bound(removed_.begin(), removed_.end(), id);
        if (std::erase_if(members_, [id](const member_info& m) { return m.id == id; }) == 0 ||
            was_removed(id)) {
            return;
        }
        removed_.insert(place, id);
        if (removed_.size() > removed_max) {
            removed_.erase(removed_.begin());
        }
    }
    /// Returns: whether it was a member once and must not become one again.
    [[nodiscard]] bool was_removed(node_id id) const noexcept {
        return std::binary_search(removed_.begin(), removed_.end(), id);
    }

    /// Returns: ids of removed members, ascending.
    [[nodiscard]] const std::vector<node_id>& removed() const noexcept { return removed_; }

    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
    [[nodiscard]] const_iterator begin() const noexcept { return members_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return members_.end(); }

    /// Returns: whether all members together are short enough for a snapshot and for the answer to
    /// a joining member. Complexity: linear.
    [[nodiscard]] bool within_limits() const {
        std::string bytes;
        byte_writer out(bytes);
        for (const member_info& m : members_) {
            encode_member(m, out);
            if (bytes.size() > member_table_bytes_limit) {
                return false;
            }
        }
        return true;
    }
    /// Returns: the same bytes for the same table. Requires: each member is within_limits.
    [[nodiscard]] shared_bytes encode() const {
        std::string bytes;
        byte_writer out(bytes);
        out.u32(version).u32(static_cast<std::uint32_t>(members_.size()));
        for (const member_info& m : members_) {
            encode_member(m, out);
        }
        out.u32(static_cast<std::uint32_t>(removed_.size()));
        for (node_id id : removed_) {
            out.u64(id.value());
        }
        out.u64(birth_.value());
        return shared_bytes::copy_of(bytes);
    }
    /// Returns: a table, or none for bytes that are not one.
    [[nodiscard]] static std::optional<member_table> decode(byte_view bytes) {
        byte_reader in(bytes);
        member_table table;
        const std::uint32_t written_as = in.u32();
        if (written_as != version && written_as != version_without_birth) {
            return std::nullopt;
        }
        for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
            member_info member = read_member(in);
            if (table.size() > 0 && member.id <= table.members_.back().id) {
                in.fail(); // not what encode writes, and slow to sort
            }
            table.members_.push_back(std::move(member));
        }
        std::uint32_t left = in.u32();
        if (left > removed_max) {
            in.fail();
        }
        for (; left > 0 && !in.failed(); --left) {
            const node_id id(in.u64());
            if (!id || (!table.removed_.empty() && id <= table.removed_.back())) {
                in.fail();
            }
            table.removed_.push_back(id);
        }
        if (written_as == version) {
            table.birth_ = birth_mark(in.u64());
        }
        return in.finished() ? std::optional(std::move(table)) : std::nullopt;
    }

    friend bool operator==(const member_table&, const member_table&) noexcept = default;

private:
    static constexpr std::uint32_t version = 2;
    static constexpr std::uint32_t version_without_birth = 1;

    [[nodiscard]] const_iterator lower_bound(node_id id) const noexcept {
        return std::lower_bound(members_.begin(), members_.end(), id,
                                [](const member_info& m, node_id key) { return m.id < key; });
    }

    std::vector<member_info> members_;
    std::vector<node_id> removed_; // ascending
    birth_mark birth_;
};

} // namespace quorate

#endif
