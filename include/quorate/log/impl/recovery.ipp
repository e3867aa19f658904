// Replay and the rules about several segments.
#ifndef QUORATE_LOG_IMPL_RECOVERY_IPP
#define QUORATE_LOG_IMPL_RECOVERY_IPP

#include <quorate/log/recovery.hpp>

#include <algorithm>

namespace quorate {

QUORATE_DECL bool replayed_log::accept(entry e) {
    if (!e.index || !e.term || e.index > last().index.next()) {
        return false;
    }
    if (e.index <= base_.index) {
        // Segments before this one are compacted away, and with them the entry before this one.
        // So it becomes the base itself: it stands below the compacted index and is not needed.
        if (base_is_firm_) {
            return false;
        }
        base_ = e.id();
        entries_.clear();
        settled_ = 0;
        return true;
    }
    const auto keep = static_cast<std::size_t>(e.index - base_.index - 1);
    const term_id before = keep == 0 ? base_.term : entries_[keep - 1].term;
    if (e.term < before) {
        return false;
    }
    entries_.resize(keep);
    entries_.push_back(std::move(e));
    settled_ = std::min(settled_, keep);
    return true;
}

QUORATE_DECL slot_findings compare_slots(const found_slots& slots, std::uint64_t boot) noexcept {
    slot_findings found;
    for (const auto& place : slots) {
        unsigned valid = 0;
        for (const std::optional<segment_slot>& copy : place) {
            if (!copy) {
                ++found.invalid_copies;
                continue;
            }
            ++valid;
            if (!found.newest || copy->generation > found.newest->generation) {
                found.newest = copy;
            }
        }
        found.place_lost = found.place_lost || valid == 0;
    }
    found.same_boot = found.newest && is_same_boot(*found.newest, boot);
    return found;
}

QUORATE_DECL hard_state reconcile(hard_state hard, log_id base, log_id last) noexcept {
    if (hard.term < last.term) {
        hard.term = last.term;
        hard.vote = node_id();
    }
    hard.commit = std::clamp(hard.commit, base.index, last.index);
    return hard;
}

QUORATE_DECL hard_state fence(hard_state hard, log_id lost) noexcept {
    if (hard.term < lost.term) {
        hard.term = lost.term;
        hard.vote = node_id();
    }
    hard.lost.term = std::max(hard.lost.term, hard.term);
    // Even a log that is known to have been empty needs an index: zero means that nothing is lost.
    hard.lost.index = std::max({hard.lost.index, lost.index, log_index(1)});
    return hard;
}

} // namespace quorate

#endif
