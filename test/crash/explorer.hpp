// Crashes a simulated disk at each moment in each way, and again while what is left is recovered.
// Flow:    none
#ifndef QUORATE_TEST_CRASH_EXPLORER_HPP
#define QUORATE_TEST_CRASH_EXPLORER_HPP

#include <functional>
#include <iostream>
#include <unordered_set>

#include "support.hpp"

namespace crash_test {

[[nodiscard]] inline std::string tell(const crash& how) {
    std::ostringstream out;
    if (how.kind == crash_kind::kill) {
        out << "kill";
        if (how.kept != UINT64_MAX) {
            out << " after " << how.kept << " bytes";
        }
    } else {
        out << "power loss: " << how.torn;
    }
    return out.str();
}

/// Returns: every crash that differs from the others now.
[[nodiscard]] inline std::vector<crash> all_crashes(const simulated_disk& disk) {
    std::vector<crash> crashes;
    for (const tear& torn : all_tears(disk.unsynced())) {
        crashes.push_back({crash_kind::power_loss, torn});
    }
    crashes.push_back({crash_kind::kill, {}});
    const std::uint64_t size = disk.newest_write();
    for (std::uint64_t kept = 0; kept < size; kept += std::max<std::uint64_t>(512, size / 16)) {
        crashes.push_back({crash_kind::kill, {}, kept});
    }
    if (size > 1) {
        crashes.push_back({crash_kind::kill, {}, size / 2 + 1});
        crashes.push_back({crash_kind::kill, {}, size - 1});
    }
    return crashes;
}

/// Returns: some of them.
[[nodiscard]] inline std::vector<crash> few_crashes(const simulated_disk& disk) {
    std::vector<crash> crashes{{crash_kind::kill, {}}};
    for (const tear& torn : few_tears(disk.unsynced())) {
        crashes.push_back({crash_kind::power_loss, torn});
    }
    if (const std::uint64_t size = disk.newest_write(); size > 0) {
        crashes.push_back({crash_kind::kill, {}, size / 2});
    }
    return crashes;
}

/// Recovers from what a crash left and says what is wrong with it; nothing when all is well.
using recovery = std::function<std::string(const std::shared_ptr<simulated_disk>&)>;

class explorer {
public:
    /// Of the different recoveries, each `stride`-th is itself crashed at each of its changes;
    /// fewer in a slow run.
    explorer(std::uint64_t stride, recovery recover)
        : stride_(full_run() ? 1 : stride * (slow_run ? 10 : 1)), recover_(std::move(recover)) {}

    /// Effects: all crashes that may come now. What is recovered from one must only depend on the
    /// disk and on what is expected; `version` numbers what that is, so that states of the disk
    /// that were left before are known again. Zero: not known.
    void explore(const simulated_disk& disk, std::uint64_t version = 0) {
        ++moments_;
        if (version == 0 || version != version_) {
            crashed_.clear();
            recovered_.clear();
            version_ = version;
        }
        for (const crash& how : all_crashes(disk)) {
            path_ = "change " + std::to_string(disk.changes()) + ", " + tell(how);
            const std::shared_ptr<simulated_disk> copy = disk.clone();
            copy->crash_now(how);
            ++crashes_;
            const std::uint64_t left = copy->digest();
            if (!crashed_.insert(left).second) {
                continue; // another crash left the very same
            }
            const bool twice = distinct_++ % stride_ == 0;
            if (twice) {
                copy->observe([this, &copy](std::uint64_t) { crash_again(*copy); });
            }
            if (recovered_.insert(left).second || twice) {
                recover(copy);
            }
        }
    }

    /// Effects: fails the test for each finding, and prints how much was tried.
    void report(const std::string& what) const {
        for (const std::string& finding : findings_) {
            BOOST_ERROR(what << ": " << finding);
        }
        std::cout << what << ": " << moments_ << " operations, " << crashes_ << " crashes, "
                  << distinct_ << " of them different, " << second_crashes_
                  << " more during recovery, " << recoveries_ << " recoveries\n";
    }
    [[nodiscard]] std::uint64_t recoveries() const noexcept { return recoveries_; }

private:
    static constexpr std::size_t findings_max = 10;

    void recover(const std::shared_ptr<simulated_disk>& disk) {
        if (findings_.size() >= findings_max) {
            return;
        }
        ++recoveries_;
        if (const std::string wrong = recover_(disk); !wrong.empty()) {
            findings_.push_back(path_ + ": " + wrong);
        }
    }
    /// A crash while recovery is under way, in a few ways, and another recovery.
    void crash_again(const simulated_disk& disk) {
        const std::string before = path_;
        for (const crash& how : full_run() ? all_crashes(disk) : few_crashes(disk)) {
            path_ = before + ", then change " + std::to_string(disk.changes()) + ", " + tell(how);
            const std::shared_ptr<simulated_disk> copy = disk.clone();
            copy->crash_now(how);
            ++second_crashes_;
            if (recovered_.insert(copy->digest()).second) {
                recover(copy);
            }
        }
        path_ = before;
    }

    std::uint64_t stride_;
    recovery recover_;
    std::uint64_t moments_ = 0;
    std::uint64_t crashes_ = 0;
    std::uint64_t distinct_ = 0;
    std::uint64_t version_ = 0;
    std::unordered_set<std::uint64_t> crashed_;   // digests of what first crashes left
    std::unordered_set<std::uint64_t> recovered_; // and of all that was recovered from
    std::uint64_t second_crashes_ = 0;
    std::uint64_t recoveries_ = 0;
    std::string path_; // what led to where we are
    std::vector<std::string> findings_;
};

} // namespace crash_test

#endif
