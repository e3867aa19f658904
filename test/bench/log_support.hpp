// What the benchmarks of the log share: a scratch directory, plain files to compare with, a log.
// Flow:    none
#ifndef QUORATE_TEST_BENCH_LOG_SUPPORT_HPP
#define QUORATE_TEST_BENCH_LOG_SUPPORT_HPP

#include <quorate/log/segmented_log.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../scratch_directory.hpp"

namespace log_bench {

using namespace quorate;
using quorate_test::scratch_directory;
using steady = std::chrono::steady_clock;

[[nodiscard]] inline double seconds_since(steady::time_point begin) {
    return std::chrono::duration<double>(steady::now() - begin).count();
}

[[noreturn]] inline void give_up(const char* what, const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", what, why.c_str());
    std::exit(1);
}

/// What any log must do at least: one write and one sync for each group.
class bare_file {
public:
    /// `reserved`: bytes that are assigned before, so that no sync has to write the file's size.
    explicit bare_file(const std::filesystem::path& directory, std::uint64_t reserved = 0)
        : disk_(*posix_volume::open(directory)), made_(*disk_.create_temporary()) {
        if (made_.file.reserve(reserved) || made_.file.sync_data()) {
            give_up("bare file", made_.name);
        }
    }
    /// Returns: seconds for `count` times `size` bytes, each with a sync.
    double measure(std::size_t count, std::size_t size) {
        const std::string bytes(size, 'b');
        const byte_view piece = bytes;
        const auto begin = steady::now();
        for (std::size_t i = 0; i < count; ++i) {
            if (made_.file.write_at(offset_, {&piece, 1}) || made_.file.sync_data()) {
                give_up("bare file", "write or sync failed");
            }
            offset_ += size;
        }
        return seconds_since(begin);
    }

private:
    posix_volume disk_;
    temporary_file<posix_file> made_;
    std::uint64_t offset_ = 0;
};

[[nodiscard]] inline log_options options_for(const std::filesystem::path& directory) {
    log_options options;
    options.directory = directory;
    options.cluster = cluster_id(1);
    options.member = node_id(1);
    return options;
}

class measured_log {
public:
    explicit measured_log(const std::filesystem::path& directory) {
        auto opened = segmented_log<>::open(options_for(directory));
        if (!opened) {
            give_up("log", opened.error().message());
        }
        log_ = std::move(*opened);
    }
    /// Returns: seconds for `groups` times `size` entries of `bytes` bytes, each group with a sync.
    double measure(std::size_t groups, std::size_t size, std::size_t bytes) {
        const shared_bytes payload = shared_bytes::copy_of(std::string(bytes, 'l'));
        const std::uint32_t checksum = payload_checksum_of(payload.view());
        std::vector<entry> entries(size, {term_id(1), {}, entry_kind::normal, checksum, payload});
        const auto begin = steady::now();
        for (std::size_t group = 0; group < groups; ++group) {
            for (entry& e : entries) {
                e.index = ++last_;
            }
            log_->append(entries);
            sync();
        }
        return seconds_since(begin);
    }
    /// Removes the files that hold no newest entry, as a node does after a snapshot.
    void compact() {
        log_->compact(last_);
        sync();
    }

private:
    void sync() {
        auto job = log_->begin_sync();
        const error_code outcome = job.run();
        log_->finish_sync(std::move(job), outcome);
        if (outcome) {
            give_up("log", log_->failure());
        }
    }

    std::unique_ptr<segmented_log<>> log_;
    log_index last_;
};

/// Seconds that one way of doing something took, round by round. Ways that are compared take turns,
/// for a disk may be ten times slower for a while; and their medians are compared.
class timings {
public:
    void add(double seconds) { rounds_.push_back(seconds); }
    [[nodiscard]] double median() const { return middle(rounds_); }
    /// Returns: the round that was disturbed least: the cost of work that waits for no device.
    [[nodiscard]] double least() const { return *std::min_element(rounds_.begin(), rounds_.end()); }
    /// Returns: the median of the ratios of each round to the other way's same round.
    [[nodiscard]] double ratio_to(const timings& other) const {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < rounds_.size(); ++i) {
            ratios.push_back(rounds_[i] / other.rounds_[i]);
        }
        return middle(std::move(ratios));
    }

private:
    static double middle(std::vector<double> values) {
        const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), half, values.end());
        return *half;
    }

    std::vector<double> rounds_;
};

/// Runs each way once a round; another one begins each time, so that no way always comes behind
/// what another one left the disk to do.
inline void take_turns(int rounds, const std::vector<std::function<void()>>& ways) {
    for (std::size_t round = 0; round < static_cast<std::size_t>(rounds); ++round) {
        for (std::size_t way = 0; way < ways.size(); ++way) {
            ways[(round + way) % ways.size()]();
        }
    }
}

/// Prints a ratio and whether it keeps to its target: at most, or at least where that is asked.
inline void print_ratio(double ratio, double target, bool at_least = false) {
    const bool kept = at_least ? ratio >= target : ratio <= target;
    std::printf("   ratio %.2f (target: at %s %.2f, %s)\n", ratio, at_least ? "least" : "most",
                target, kept ? "kept" : "missed");
}

/// Returns: the directory to measure in: the first argument, or the one that is current.
[[nodiscard]] inline std::string place(int count, char** arguments) {
    const std::string_view given = count > 1 ? arguments[1] : ".";
    if (given.starts_with("-")) {
        std::printf("usage: %s [DIR]\nDIR is on the disk to measure\n", arguments[0]);
        std::exit(given == "--help" ? 0 : 2);
    }
    if (!std::filesystem::is_directory(given)) {
        give_up("no such directory", std::string(given));
    }
    return std::string(given);
}

} // namespace log_bench

#endif
