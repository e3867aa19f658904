// Decides what the files of a log mean after a crash: sound, torn, or damaged.
// Flow:       7, backwards: bytes found → log
// In / Out:   what was found → a verdict; the files are read elsewhere
// Invariants: nothing that was acknowledged is ever cut; what is cut never was, or stood beyond
//             the newest watermark
// Source:     Alagappan et al., "Protocol-Aware Recovery", FAST'18, on telling torn from damaged
// Threads:    none
#ifndef QUORATE_LOG_RECOVERY_HPP
#define QUORATE_LOG_RECOVERY_HPP

#include <quorate/log/segment.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// Why reading a segment's frames ended.
enum class frames_end : std::uint8_t {
    limit,   ///< At the place where reading was to end, or at the end of the file.
    zeros,   ///< At bytes that were reserved and never written.
    invalid, ///< At bytes that are no frame which continues the chain.
};

/// What was found in one segment, compared with its mark: where the next segment's header says
/// that this one ends (a closed segment), or the newest slot's watermark (the last one).
struct segment_findings {
    bool closed = false;                ///< There is a next segment.
    bool mark_reached = false;          ///< Sound frames lead to exactly the mark's offset.
    bool mark_agrees = false;           ///< Chain, last entry and truncations are the mark's there.
    frames_end end = frames_end::limit; ///< Beyond the mark; of no meaning when closed.
};

enum class segment_verdict : std::uint8_t {
    sound,
    torn,    ///< The last write did not complete; it was never acknowledged: cut it off.
    damaged, ///< Acknowledged entries are missing or changed: refuse to start.
};

/// | closed | mark reached | mark agrees | end     | verdict |                               |
/// |--------|--------------|-------------|---------|---------|-------------------------------|
/// | any    | no           | any         | any     | damaged | acknowledged frames are gone  |
/// | any    | yes          | no          | any     | damaged | they are not the acknowledged |
/// | yes    | yes          | yes         | any     | sound   | what follows means nothing    |
/// | no     | yes          | yes         | limit   | sound   |                               |
/// | no     | yes          | yes         | zeros   | sound   |                               |
/// | no     | yes          | yes         | invalid | torn    | nobody was told of it         |
[[nodiscard]] constexpr segment_verdict judge(const segment_findings& found) noexcept {
    if (!found.mark_reached || !found.mark_agrees) {
        return segment_verdict::damaged;
    }
    const bool cut = !found.closed && found.end == frames_end::invalid;
    return cut ? segment_verdict::torn : segment_verdict::sound;
}

/// Returns: the newer of two slots; nothing when there is none.
[[nodiscard]] inline std::optional<segment_slot> newest_slot(
    const std::optional<segment_slot>& a, const std::optional<segment_slot>& b) noexcept {
    if (!a || !b) {
        return a ? a : b;
    }
    return a->generation > b->generation ? a : b;
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
    error_code code = errc::corrupt;
    std::string file; ///< Its name; may be one that is missing.
    std::uint64_t offset = 0;
    std::string what;
};

/// Errors: corrupt, and fills `damage`, when a segment among these is missing.
/// Requires: headers in the order of their sequences, from the first that counts to the newest.
[[nodiscard]] error_code check_order(std::span<const segment_header> headers, log_damage& damage);

/// Returns: the hard state to start from. A commit index beyond the log is drawn back: it reached
/// the disk before its entries did. A term below the last entry's is raised, without a vote: the
/// entries reached the disk before the term did, so nobody was told of a vote in it.
[[nodiscard]] hard_state reconcile(hard_state hard, log_id base, log_id last) noexcept;

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/recovery.ipp>
#endif

#endif
