// The window and its cursors.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_LOG_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_LOG_IPP

#include <quorate/consensus/raft_log.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL raft_log::raft_log(log_id base, std::vector<entry> entries, log_index commit,
                                log_index applied, std::uint64_t apply_bytes_max)
    : entries_(std::move(entries)),
      base_(base),
      committed_(commit),
      applying_(applied),
      applied_(applied),
      stable_(base.index + entries_.size()),
      handed_out_(stable_),
      apply_bytes_max_(apply_bytes_max),
      saved_snapshot_(base.index),
      bytes_behind_snapshot_(held_size(entries_)) {
    QUORATE_ASSERT(base_.index <= committed_);
    QUORATE_ASSERT(committed_ <= last());
    QUORATE_ASSERT(base_.index <= applied_);
    QUORATE_ASSERT(applied_ <= committed_);
    QUORATE_ASSERT(entries_.empty() || entries_.front().index == first());
    QUORATE_ASSERT(apply_bytes_max_ > 0);
}

QUORATE_DECL std::span<const entry> raft_log::range(log_index from,
                                                    std::uint64_t count) const noexcept {
    QUORATE_ASSERT(from >= first());
    QUORATE_ASSERT(count <= last().next() - from);
    return {entries_.data() + dead_ + (from - first()), count};
}

namespace detail {

// The longest prefix within the budget, but never nothing: an entry over the budget must still go.
inline std::span<const entry> within_bytes(std::span<const entry> run,
                                           std::uint64_t bytes_max) noexcept {
    if (bytes_max == UINT64_MAX || run.empty()) {
        return run;
    }
    std::uint64_t bytes = encoded_size(run.front());
    std::size_t count = 1;
    while (count < run.size()) {
        bytes += encoded_size(run[count]);
        if (bytes > bytes_max) {
            break;
        }
        ++count;
    }
    return run.first(count);
}

} // namespace detail

QUORATE_DECL std::span<const entry> raft_log::from(log_index from,
                                                   std::uint64_t bytes_max) const noexcept {
    return detail::within_bytes(range(from, last().next() - from), bytes_max);
}

QUORATE_DECL log_id raft_log::conflict_hint(log_index index, term_id term) const noexcept {
    if (index < base_.index || index > last()) {
        return {term_id{}, index}; // unknown here: all that can be said is the index
    }
    // Terms never decrease, so the entries with a larger term are a suffix.
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(dead_);
    const auto end = begin + static_cast<std::ptrdiff_t>(index - base_.index);
    const auto larger = std::partition_point(
        begin, end, [term](const entry& e) noexcept { return e.term <= term; });
    if (larger != begin) {
        return std::prev(larger)->id();
    }
    if (base_.term <= term) {
        return base_;
    }
    return {term_id{}, base_.index ? base_.index.prev() : log_index{}};
}

QUORATE_DECL void raft_log::push(entry e) {
    QUORATE_ASSERT(e.index == last().next());
    QUORATE_ASSERT(e.term >= last_id().term);
    unstable_bytes_ += held_size(e.payload.size());
    bytes_behind_snapshot_ += held_size(e.payload.size());
    entries_.push_back(std::move(e));
}

QUORATE_DECL void raft_log::truncate_from(log_index index) {
    QUORATE_ASSERT(index > committed_);
    QUORATE_ASSERT(index >= first());
    const log_index unstable = std::max(index, stable_.next());
    if (unstable <= last()) {
        unstable_bytes_ -= held_size(range(unstable, last().next() - unstable));
    }
    // What a snapshot covers is committed, so none of it is replaced.
    bytes_behind_snapshot_ -= held_size(range(index, last().next() - index));
    entries_.resize(dead_ + (index - first()));
    stable_ = std::min(stable_, last());
    handed_out_ = std::min(handed_out_, last());
}

QUORATE_DECL std::optional<log_index> raft_log::append(log_id prev, std::span<const entry> entries,
                                                       error_code& failed) {
    if (!matches(prev)) {
        return std::nullopt;
    }
    const auto known = [this](const entry& e) { return matches(e.id()); };
    const auto fresh = std::find_if_not(entries.begin(), entries.end(), known);
    if (fresh != entries.end()) {
        if (fresh->index <= committed_) {
            failed = errc::log_conflict;
            return prev.index;
        }
        if (fresh->index <= last()) {
            truncate_from(fresh->index);
        }
        entries_.insert(entries_.end(), fresh, entries.end());
        unstable_bytes_ += held_size({fresh, entries.end()});
        bytes_behind_snapshot_ += held_size({fresh, entries.end()});
    }
    return prev.index + entries.size();
}

QUORATE_DECL void raft_log::restore(snapshot_ptr snap) {
    QUORATE_ASSERT(snap != nullptr);
    QUORATE_ASSERT(snap->last.index > committed_);
    entries_.clear();
    dead_ = 0;
    base_ = snap->last;
    committed_ = base_.index;
    stable_ = base_.index;
    unstable_bytes_ = 0;
    saved_snapshot_ = base_.index;
    bytes_behind_snapshot_ = 0;
    handed_out_ = base_.index;
    pending_ = std::move(snap);
    snapshot_handed_out_ = false;
}

QUORATE_DECL error_code raft_log::compact(log_index upto) {
    if (upto <= base_.index) {
        return errc::index_compacted;
    }
    if (upto > applied_ || upto > stable_) {
        return errc::index_unavailable;
    }
    on_snapshot_saved(upto);
    const log_id base{at(upto).term, upto};
    drop_front(upto - base_.index);
    base_ = base;
    return {};
}

QUORATE_DECL void raft_log::on_snapshot_saved(log_index index) noexcept {
    const log_index covered = std::min(index, committed_);
    if (covered > saved_snapshot_) {
        const auto entries = range(saved_snapshot_.next(), covered - saved_snapshot_);
        bytes_behind_snapshot_ -= held_size(entries);
        saved_snapshot_ = covered;
    }
}

QUORATE_DECL void raft_log::drop_front(std::uint64_t count) {
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(dead_);
    std::for_each(begin, begin + static_cast<std::ptrdiff_t>(count),
                  [](entry& e) { e.payload = shared_bytes(); });
    dead_ += count;
    // Moving the rest down costs no more than the entries dropped since the last time.
    if (dead_ * 2 >= entries_.size()) {
        entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(dead_));
        dead_ = 0;
    }
}

QUORATE_DECL void raft_log::commit_to(log_index index) noexcept {
    committed_ = std::max(committed_, std::min(index, last()));
}

QUORATE_DECL std::span<const entry> raft_log::not_handed_out() const noexcept {
    return range(handed_out_.next(), last() - handed_out_);
}

QUORATE_DECL void raft_log::accept_handed_out() noexcept {
    handed_out_ = last();
    snapshot_handed_out_ = pending_ != nullptr;
}

QUORATE_DECL void raft_log::on_stable(log_id id) noexcept {
    // An entry that was replaced while its write was under way has another term now.
    if (id.index <= stable_ || !matches(id)) {
        return;
    }
    unstable_bytes_ -= held_size(range(stable_.next(), id.index - stable_));
    stable_ = id.index;
    handed_out_ = std::max(handed_out_, stable_);
}

QUORATE_DECL void raft_log::on_snapshot_stable(log_index index) noexcept {
    if (pending_ == nullptr || pending_->last.index != index) {
        return; // a newer one replaced it
    }
    pending_.reset();
    snapshot_handed_out_ = false;
    applied_ = std::max(applied_, index);
    applying_ = std::max(applying_, index);
}

QUORATE_DECL log_index raft_log::apply_limit(bool allow_unstable) const noexcept {
    return allow_unstable ? committed_ : std::min(committed_, stable_);
}

QUORATE_DECL std::span<const entry> raft_log::to_apply(bool allow_unstable) const noexcept {
    const log_index limit = apply_limit(allow_unstable);
    if (apply_paused_ || pending_ != nullptr || limit <= applying_) {
        return {};
    }
    QUORATE_ASSERT(applying_ >= base_.index);
    return detail::within_bytes(range(applying_.next(), limit - applying_),
                                apply_bytes_max_ - apply_bytes_);
}

QUORATE_DECL void raft_log::accept_applying(std::span<const entry> entries,
                                            bool allow_unstable) noexcept {
    if (entries.empty()) {
        return;
    }
    QUORATE_ASSERT(entries.front().index == applying_.next());
    applying_ = entries.back().index;
    apply_bytes_ += encoded_size(entries);
    apply_paused_ = apply_bytes_ >= apply_bytes_max_ || applying_ < apply_limit(allow_unstable);
}

QUORATE_DECL void raft_log::on_applied(log_index index, std::uint64_t bytes) noexcept {
    QUORATE_ASSERT(index <= applying_);
    applied_ = std::max(applied_, index);
    apply_bytes_ -= std::min(apply_bytes_, bytes);
    apply_paused_ = apply_bytes_ >= apply_bytes_max_;
}

} // namespace quorate

#endif
