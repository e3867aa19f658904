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

QUORATE_DECL error_code check_order(std::span<const segment_header> headers, log_damage& damage) {
    for (std::size_t i = 1; i < headers.size(); ++i) {
        if (headers[i].sequence - 1 != headers[i - 1].sequence) {
            damage = {errc::corrupt, segment_name(headers[i]), 0,
                      "the segment before this one is missing"};
            return damage.code;
        }
    }
    return {};
}

QUORATE_DECL hard_state reconcile(hard_state hard, log_id base, log_id last) noexcept {
    if (hard.term < last.term) {
        hard.term = last.term;
        hard.vote = node_id();
    }
    hard.commit = std::clamp(hard.commit, base.index, last.index);
    return hard;
}

} // namespace quorate

#endif
