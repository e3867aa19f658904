// The verdict on the files of a log after a crash: sound, torn, or damaged.
// Flow:       7, backwards: bytes found → log
// In / Out:   what was found → a verdict; the files are read elsewhere
// Invariants: nothing that was acknowledged is ever cut silently; what is cut was never
//             acknowledged, or its loss is reported
// Source:     Alagappan et al., "Protocol-Aware Recovery", FAST'18, on telling torn from damaged
// Threads:    none
#ifndef QUORATE_LOG_RECOVERY_HPP
#define QUORATE_LOG_RECOVERY_HPP

#include <quorate/log/segment.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate {

/// Why reading a segment's frames ended.
enum class frames_end : std::uint8_t {
    limit,   ///< At the place where reading was to end, or at the end of the file.
    zeros,   ///< At bytes that were reserved and never written.
    invalid, ///< At bytes that are no frame which continues the chain.
};

/// Where sound frames lead, compared with a mark.
enum class mark_check : std::uint8_t {
    met,     ///< To it, with the same chain value, last entry and truncations.
    missed,  ///< Not to its offset.
    differs, ///< To its offset, but not to what it names.
};

/// Returns: how a place that sound frames lead to compares with the mark.
[[nodiscard]] constexpr mark_check compare_marks(const log_position& reached,
                                                 const log_position& mark) noexcept {
    if (reached.offset != mark.offset) {
        return mark_check::missed;
    }
    return reached == mark ? mark_check::met : mark_check::differs;
}

/// What was found in one segment. The acknowledged mark is where the next segment's header says
/// that this one ends (a closed segment), or that of the newest slot (the newest one); the written
/// mark is the slot's.
struct segment_findings {
    bool closed = false;    ///< There is a next segment; all but `acknowledged` has no meaning.
    bool same_boot = false; ///< The machine ran on since the slot was written.
    mark_check acknowledged = mark_check::missed;
    mark_check written = mark_check::missed;
    frames_end end = frames_end::limit; ///< Beyond both marks.
};

enum class segment_verdict : std::uint8_t {
    sound,
    torn,    ///< The last write did not complete; it was never acknowledged: cut it off.
    damaged, ///< Acknowledged entries are missing or changed: refuse, or fence the member.
};

// [segment_verdicts
/// | closed | boot  | acknowledged | written | end     | verdict |                                |
/// |--------|-------|--------------|---------|---------|---------|--------------------------------|
/// | any    | any   | missed       | any     | any     | damaged | acknowledged frames are gone   |
/// | any    | any   | differs      | any     | any     | damaged | they are others                |
/// | yes    | any   | met          | any     | any     | sound   | what follows means nothing     |
/// | no     | same  | met          | missed  | any     | damaged | no crash of a process does it  |
/// | no     | same  | met          | differs | any     | damaged | the same                       |
/// | no     | other | met          | missed  | any     | torn    | its sync had not returned      |
/// | no     | other | met          | differs | any     | torn    | the same                       |
/// | no     | any   | met          | met     | limit   | sound   |                                |
/// | no     | any   | met          | met     | zeros   | sound   |                                |
/// | no     | any   | met          | met     | invalid | torn    | a write that was under way     |
// segment_verdicts]
[[nodiscard]] constexpr segment_verdict judge(const segment_findings& found) noexcept {
    if (found.acknowledged != mark_check::met) {
        return segment_verdict::damaged;
    }
    if (found.closed) {
        return segment_verdict::sound;
    }
    if (found.written != mark_check::met) {
        return found.same_boot ? segment_verdict::damaged : segment_verdict::torn;
    }
    return found.end == frames_end::invalid ? segment_verdict::torn : segment_verdict::sound;
}

/// The copies of slots found in a segment's two places.
using found_slots = std::array<std::array<std::optional<segment_slot>, slot_copies>, 2>;

/// What the slots of the newest segment say.
struct slot_findings {
    std::optional<segment_slot> newest; ///< Of the valid copies.
    unsigned invalid_copies = 0;
    bool place_lost = false; ///< No copy in one of the places is valid.
    bool same_boot = false;  ///< The machine ran on since the newest one was written.
};

enum class slot_verdict : std::uint8_t {
    sound,
    torn,    ///< The newest write did not complete: the slot before it counts.
    damaged, ///< Whom this member voted for is not known any more: it cannot go on under its id.
};

// [slot_verdicts
/// | newest | a place without a valid copy | boot  | verdict |                                    |
/// |--------|------------------------------|-------|---------|------------------------------------|
/// | none   | any                          | any   | damaged |                                    |
/// | some   | no                           | any   | sound   | one copy is enough                 |
/// | some   | yes                          | other | torn    | it was being written               |
/// | some   | yes                          | same  | damaged | a crash of a process spares a copy |
// slot_verdicts]
[[nodiscard]] constexpr slot_verdict judge(const slot_findings& found) noexcept {
    if (!found.newest) {
        return slot_verdict::damaged;
    }
    if (!found.place_lost) {
        return slot_verdict::sound;
    }
    return found.same_boot ? slot_verdict::damaged : slot_verdict::torn;
}

/// Returns: what the slots say, `boot` being the volume's now.
[[nodiscard]] slot_findings compare_slots(const found_slots& slots, std::uint64_t boot) noexcept;

/// Returns: whether a slot was written in this very run of the machine, for certain.
[[nodiscard]] constexpr bool is_same_boot(const segment_slot& slot, std::uint64_t boot) noexcept {
    return slot.boot != 0 && slot.boot == boot;
}

/// The log that frames build when they are replayed in order.
class replayed_log {
public:
    replayed_log() = default;
    /// `first` is the header of the first segment that counts.
    explicit replayed_log(const segment_header& first)
        : base_(first.base), base_is_firm_(first.fresh) {}

    [[nodiscard]] log_id base() const noexcept { return base_; }
    [[nodiscard]] log_id last() const noexcept {
        return entries_.empty() ? base_ : entries_.back().id();
    }
    [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }
    [[nodiscard]] std::vector<entry> take_entries() noexcept { return std::move(entries_); }

    /// Effects: what is there now stands before the mark and is acknowledged.
    void settle() noexcept { settled_ = entries_.size(); }
    /// Returns: the entries that are not, or that replaced some which were.
    [[nodiscard]] std::span<const entry> unsettled() const noexcept {
        return std::span(entries_).subspan(settled_);
    }

    /// Effects: adds the entry, instead of those from its index on.
    /// Returns: false, and changes nothing, when it contradicts the log: a gap, or a falling term.
    [[nodiscard]] bool accept(entry e);

private:
    log_id base_;
    bool base_is_firm_ = true;
    std::vector<entry> entries_;
    std::size_t settled_ = 0;
};

/// What is wrong, and where, for the operator.
struct log_damage {
    error_code code;  ///< None: nothing is wrong.
    std::string file; ///< Its name; may be one that is missing.
    std::uint64_t offset = 0;
    std::string what;
};

/// What an operator is told when the newest term and vote are gone.
inline constexpr std::string_view promises_lost_text =
    "what this member promised last is lost, so remove it from its group and add it again under a "
    "new id";

/// Returns: the hard state to start from. A commit index beyond the log is drawn back: it reached
/// the disk before its entries did. A term below the last entry's is raised, without a vote: the
/// entries reached the disk before the term did, so nobody was told of a vote in it.
[[nodiscard]] hard_state reconcile(hard_state hard, log_id base, log_id last) noexcept;

/// Returns: the same, fenced until everything up to `lost` is back. A loss that was recorded
/// before and is not repaired yet counts on.
[[nodiscard]] hard_state fence(hard_state hard, log_id lost) noexcept;

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/recovery.ipp>
#endif

#endif
