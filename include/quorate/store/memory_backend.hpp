// Rows in memory: appended in the order of their revisions, thinned out by compaction.
// Flow:       12. command → revision
// In / Out:   revision → row
// Invariants: segments and the rows in them ascend; an erased row has an empty key and holds no
//             bytes; no segment has more erased rows than others
// Source:     models value_backend. Revisions only grow, so that sorted segments beat a tree
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_MEMORY_BACKEND_HPP
#define QUORATE_STORE_MEMORY_BACKEND_HPP

#include <quorate/base/assert.hpp>
#include <quorate/command/cost.hpp>
#include <quorate/store/value_backend.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace quorate {

/// Complexity: `put` and `erase` constant, amortised (`erase` after a search); `find` logarithmic,
/// nearly constant among rows that compaction has not reached.
class memory_backend {
public:
    /// Const functions may run on several threads at once.
    static constexpr bool concurrent_reads = true;

    void put(revision at, row entered) {
        QUORATE_ASSERT(!entered.key.empty());
        QUORATE_ASSERT(at > last_);
        if (segments_.empty() || segments_.back().slots.size() >= segment_rows) {
            open_segment(at);
        }
        segment& home = segments_.back();
        bytes_ += bytes_of(entered);
        home.slots.push_back({at, std::move(entered)});
        ++home.live;
        ++size_;
        last_ = at;
    }

    [[nodiscard]] std::optional<row> find(revision at) const {
        const slot* found = locate(at);
        return found == nullptr ? std::nullopt : std::optional(found->content);
    }

    bool erase(revision at) {
        const slot* found = locate(at);
        if (found == nullptr) {
            return false;
        }
        const std::size_t home = home_of(at);
        const auto offset = static_cast<std::size_t>(found - segments_[home].slots.data());
        bytes_ -= bytes_of(found->content);
        segments_[home].slots[offset].content = row{};
        --segments_[home].live;
        --size_;
        thin_out(home);
        return true;
    }

    template <class Visit>
    void scan(revision from, revision upto, Visit&& visit) const {
        if (segments_.empty()) {
            return;
        }
        for (std::size_t home = home_of(from); home < segments_.size(); ++home) {
            const auto& slots = segments_[home].slots;
            for (auto one = lower_bound(slots, from); one != slots.end(); ++one) {
                if (one->at > upto) {
                    return;
                }
                if (!one->erased() && !visit(one->at, one->content)) {
                    return;
                }
            }
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Units: about how many bytes the rows take, each with its place in memory and in the index.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    [[nodiscard]] static std::uint64_t bytes_of(const row& one) noexcept {
        return row_cost + one.key.size() + one.value.size();
    }

    /// About 45 KiB: large against the directory, small against a pause.
    static constexpr std::size_t segment_rows = 512;

    struct slot {
        revision at;
        row content;

        [[nodiscard]] bool erased() const noexcept { return content.key.empty(); }
    };
    struct segment {
        revision first; ///< Where the search begins; its row may be erased.
        std::vector<slot> slots;
        std::size_t live = 0;
    };

    static std::vector<slot>::const_iterator lower_bound(const std::vector<slot>& slots,
                                                         revision at) noexcept {
        const auto earlier = [](const slot& s, revision r) noexcept { return s.at < r; };
        return std::lower_bound(slots.begin(), slots.end(), at, earlier);
    }

    /// Only the first segment grows step by step, so that a small store stays small.
    void open_segment(revision at) {
        const bool full_size = !segments_.empty();
        segments_.push_back({at, {}, 0});
        if (full_size) {
            segments_.back().slots.reserve(segment_rows);
        }
    }

    /// Returns: the last segment that begins at or before `at`, or the first one.
    /// Requires: there are segments.
    [[nodiscard]] std::size_t home_of(revision at) const noexcept {
        if (segments_.back().first <= at) {
            return segments_.size() - 1;
        }
        const auto later = [](revision r, const segment& s) noexcept { return r < s.first; };
        const auto after = std::upper_bound(segments_.begin(), segments_.end(), at, later);
        const auto count = static_cast<std::size_t>(after - segments_.begin());
        return count == 0 ? 0 : count - 1;
    }

    [[nodiscard]] const slot* locate(revision at) const noexcept {
        if (segments_.empty()) {
            return nullptr;
        }
        const segment& home = segments_[home_of(at)];
        // Without holes, and with one change a write, a row lies exactly here.
        const std::uint64_t distance = at.main - home.first.main;
        if (distance < home.slots.size() && home.slots[distance].at == at) {
            const slot& guess = home.slots[distance];
            return guess.erased() ? nullptr : &guess;
        }
        const auto found = lower_bound(home.slots, at);
        const bool there = found != home.slots.end() && found->at == at && !found->erased();
        return there ? &*found : nullptr;
    }

    /// Returns: whether `live` is right.
    [[nodiscard]] static bool counts_its_rows(const segment& s) noexcept {
        const auto counts = [](const slot& one) noexcept { return !one.erased(); };
        return static_cast<std::size_t>(std::count_if(s.slots.begin(), s.slots.end(), counts)) ==
               s.live;
    }

    /// Drops the erased rows of a segment once they are the larger half; each of them then paid
    /// for moving one that lives. Segments that became small are joined in one pass over the
    /// directory, after so many of them that the pass costs each a constant.
    void thin_out(std::size_t home) {
        segment& thinned = segments_[home];
        QUORATE_AUDIT(counts_its_rows(thinned));
        if (thinned.live * 2 >= thinned.slots.size()) {
            return;
        }
        std::erase_if(thinned.slots, [](const slot& s) noexcept { return s.erased(); });
        if (home + 1 != segments_.size()) {
            thinned.slots.shrink_to_fit(); // The last one goes on growing.
        }
        ++thinned_;
        if (thinned_ * 2 > segments_.size()) {
            join_segments();
        }
    }

    void join_segments() {
        std::vector<segment> joined;
        for (segment& next : segments_) {
            if (next.slots.empty()) {
                continue;
            }
            const bool fits =
                !joined.empty() && joined.back().slots.size() + next.slots.size() <= segment_rows;
            if (!fits) {
                joined.push_back(std::move(next));
                continue;
            }
            segment& into = joined.back();
            into.slots.insert(into.slots.end(), std::move_iterator(next.slots.begin()),
                              std::move_iterator(next.slots.end()));
            into.live += next.live;
        }
        segments_ = std::move(joined);
        thinned_ = 0;
    }

    std::vector<segment> segments_;
    revision last_; ///< The greatest revision ever put.
    std::size_t size_ = 0;
    std::uint64_t bytes_ = 0;
    std::size_t thinned_ = 0; ///< Segments thinned out since the last join.
};

static_assert(value_backend<memory_backend>);

} // namespace quorate

#endif
