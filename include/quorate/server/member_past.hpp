// The verdict on another member's statement about its past, and the memory of its starts.
// Flow:       8 and 9; before the first message of a connection
// In / Out:   two statements, this member's log → status of the hello; starts ↔ bytes
// Invariants: two statements of one group never give other_group
// Source:     doc/recovery.md, "Two groups with one cluster id" and "Starts that peers remember"
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_MEMBER_PAST_HPP
#define QUORATE_SERVER_MEMBER_PAST_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/format/frame.hpp>
#include <quorate/format/primitives.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace quorate {

/// What a log knows of one index.
struct past_entry {
    bool known = false; ///< Else the other fields say nothing.
    bool held = false;  ///< Else the entry is compacted, and the checksum unknown.
    term_id term{};
    std::uint32_t checksum = 0; ///< Of the payload.
};

/// Returns: whether both logs are, or may become, one: ok, other_group, or unproven. `found` is
/// what this member's log knows of index `theirs.last.index`.
///
/// Two entries with one index and term are the same entry in one group (Raft §5.3), so a different
/// payload proves two groups. Two applied marks prove it as well. A member that has entries and no
/// mark is one of this group if this log holds its last entry; if it is ahead of this log, nothing
/// can be compared yet.
[[nodiscard]] hello_status judge_history(const member_past& ours, const member_past& theirs,
                                         const past_entry& found) noexcept;

/// Returns: the mark as 16 hexadecimal digits; "none yet" for zero.
[[nodiscard]] std::string described(birth_mark birth);

/// Returns: the least number of starts of a directory that is new, or whose loss is known: more
/// than any earlier directory of the member can have, as long as it starts less than 65,536 times
/// in a second. A peer that was away and remembers such a directory takes this one for the newer.
[[nodiscard]] inline std::uint64_t start_number_at(std::chrono::system_clock::time_point now) {
    const auto since = now.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)) << 16;
}

/// The newest start of each member that this member has heard of. Bounded by the owner, which notes
/// members of its group only.
class member_lives {
public:
    static constexpr std::size_t members_max = 1000;

    /// Returns: whether the start may be the newest one: it has a higher number than the last one
    /// that was noted, or is that very one.
    [[nodiscard]] bool admits(node_id member, std::uint64_t starts, std::uint64_t life) const {
        const auto known = lives_.find(member);
        return known == lives_.end() || starts > known->second.starts ||
               known->second == start{starts, life};
    }
    /// Effects: replaces what was noted of the member. Returns: whether that changed anything.
    bool note(node_id member, std::uint64_t starts, std::uint64_t life) {
        if (lives_.size() >= members_max && !lives_.contains(member)) {
            return false;
        }
        const start noted{starts, life};
        const auto [place, added] = lives_.try_emplace(member, noted);
        const bool changed = added || place->second != noted;
        place->second = noted;
        return changed;
    }
    void forget(node_id member) { lives_.erase(member); }
    /// Effects: forgets the members for which `known(id)` is false.
    template <class Known>
    void keep_only(Known known) {
        std::erase_if(lives_, [&known](const auto& one) { return !known(one.first); });
    }
    [[nodiscard]] std::size_t size() const noexcept { return lives_.size(); }

    /// Returns: bytes with a checksum.
    [[nodiscard]] std::string encode() const;
    /// Returns: what was encoded; absent for other bytes.
    [[nodiscard]] static std::optional<member_lives> decode(byte_view bytes);

    friend bool operator==(const member_lives&, const member_lives&) noexcept = default;

private:
    struct start {
        std::uint64_t starts = 0;
        std::uint64_t life = 0;

        friend bool operator==(const start&, const start&) noexcept = default;
    };

    std::map<node_id, start> lives_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/member_past.ipp>
#endif

#endif
