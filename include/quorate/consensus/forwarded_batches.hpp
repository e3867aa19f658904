// Numbers of the forwarded batches that this member has decided on, for each sender.
// Flow:       4. forwarded proposal → entry, once
// Invariants: a number that was added is never new again; memory is bounded for any sequence of
//             numbers: when it runs short, numbers that were never added count as added
// Source:     net/transport.hpp: a transport may duplicate, reorder and delay
// Threads:    none (the owner's)
#ifndef QUORATE_CONSENSUS_FORWARDED_BATCHES_HPP
#define QUORATE_CONSENSUS_FORWARDED_BATCHES_HPP

#include <quorate/base/ids.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

namespace quorate {

/// A sender numbers its batches one after another, so its numbers form few runs: one for each of
/// its lives, and one more for each gap that a lost batch leaves.
class forwarded_batches {
public:
    static constexpr std::size_t runs_max = 1024; ///< Of one sender; 16 KiB.
    static constexpr std::size_t senders_max = 256;

    /// Effects: remembers the number. Returns: whether it is new; false also for a number that may
    /// have been added before. Complexity: logarithmic in the runs, or linear for a number out of
    /// order.
    bool add(node_id sender, std::uint64_t number) {
        if (senders_.size() >= senders_max && !senders_.contains(sender)) {
            return false;
        }
        std::vector<run>& runs = senders_[sender];
        const auto next = std::upper_bound(
            runs.begin(), runs.end(), number,
            [](std::uint64_t value, const run& r) noexcept { return value < r.first; });
        if (next != runs.begin() && std::prev(next)->last >= number) {
            return false;
        }
        const bool extends = next != runs.begin() && std::prev(next)->last + 1 == number;
        const bool precedes = next != runs.end() && number + 1 == next->first;
        if (extends && precedes) {
            std::prev(next)->last = next->last;
            runs.erase(next);
        } else if (extends) {
            std::prev(next)->last = number;
        } else if (precedes) {
            next->first = number;
        } else {
            runs.insert(next, {number, number});
            close_smallest_gap(runs);
        }
        return true;
    }
    void clear() noexcept { senders_.clear(); }

private:
    struct run {
        std::uint64_t first; // inclusive, like `last`
        std::uint64_t last;
    };

    static void close_smallest_gap(std::vector<run>& runs) {
        if (runs.size() <= runs_max) {
            return;
        }
        std::size_t best = 1;
        for (std::size_t i = 2; i < runs.size(); ++i) {
            const std::uint64_t gap = runs[i].first - runs[i - 1].last;
            best = gap < runs[best].first - runs[best - 1].last ? i : best;
        }
        runs[best - 1].last = runs[best].last;
        runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(best));
    }

    std::map<node_id, std::vector<run>> senders_; // runs ascend and do not touch
};

} // namespace quorate

#endif
