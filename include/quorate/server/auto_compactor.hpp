// The time of automatic compaction: by age, or by the number of revisions.
// Flow:       beside 3 to 13. time and the current revision → a revision to compact
// In / Out:   time_point, revision → revision
// Invariants: nothing is compacted that is younger than asked, or among the newest asked for
// Source:     etcd's periodic and revision compactors: same pace, same first wait
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_AUTO_COMPACTOR_HPP
#define QUORATE_SERVER_AUTO_COMPACTOR_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace quorate {

/// One of both kinds may be asked for; zero: never.
struct auto_compaction {
    std::chrono::milliseconds keep_time{0}; ///< Keep what was readable so long ago.
    std::uint64_t keep_revisions = 0;       ///< Keep so many of the newest revisions.
    std::chrono::milliseconds revision_interval{
        300'000}; ///< How often `keep_revisions` is seen to.
};

/// One for each leader: made anew when leadership begins, so it never acts on another one's clock.
class auto_compactor {
public:
    using time_point = std::chrono::steady_clock::time_point;

    auto_compactor(const auto_compaction& options, time_point now) noexcept
        : options_(options), sampled_(now), compacted_(now), looked_(now) {}

    /// To be called now and then: at least ten times in `keep_time`. `current`: the store's
    /// revision; `compacted`: the one up to which it is compacted.
    /// Returns: what to compact up to; nothing when it is not due. The same again, as long as the
    /// store is not compacted so far: what is proposed may be lost.
    [[nodiscard]] std::optional<std::uint64_t> due(time_point now, std::uint64_t current,
                                                   std::uint64_t compacted) {
        const std::optional<std::uint64_t> aged = by_age(now, current);
        const std::optional<std::uint64_t> fresh = aged ? aged : by_count(now, current);
        if (fresh) {
            wanted_ = std::max(wanted_, *fresh);
        } else if (now - proposed_ < retry) {
            return std::nullopt;
        }
        if (wanted_ <= compacted) {
            return std::nullopt;
        }
        proposed_ = now;
        return wanted_;
    }

private:
    static constexpr std::chrono::milliseconds retry{3000};

    // Samples are taken ten times in an interval, of an hour at most, so that what is compacted is
    // at most a tenth older than it need be.
    [[nodiscard]] std::chrono::milliseconds interval() const noexcept {
        return std::min(options_.keep_time, std::chrono::milliseconds(std::chrono::hours(1)));
    }

    [[nodiscard]] std::optional<std::uint64_t> by_age(time_point now, std::uint64_t current) {
        if (options_.keep_time.count() == 0) {
            return std::nullopt;
        }
        if (samples_.empty() || now - sampled_ >= interval() / 10) {
            samples_.push_back({now, current});
            sampled_ = now;
        }
        if (now - compacted_ < interval()) {
            return std::nullopt;
        }
        std::optional<std::uint64_t> oldest;
        while (!samples_.empty() && now - samples_.front().at >= options_.keep_time) {
            oldest = samples_.front().revision;
            samples_.pop_front();
        }
        if (oldest) {
            compacted_ = now;
        }
        return oldest;
    }

    [[nodiscard]] std::optional<std::uint64_t> by_count(time_point now, std::uint64_t current) {
        if (options_.keep_revisions == 0 || now - looked_ < options_.revision_interval) {
            return std::nullopt;
        }
        looked_ = now;
        return current > options_.keep_revisions ? std::optional(current - options_.keep_revisions)
                                                 : std::nullopt;
    }

    struct sample {
        time_point at;
        std::uint64_t revision;
    };

    auto_compaction options_;
    std::deque<sample> samples_;
    time_point sampled_;
    time_point compacted_;
    time_point looked_;
    std::uint64_t wanted_ = 0; // zero: nothing yet
    time_point proposed_{};
};

} // namespace quorate

#endif
