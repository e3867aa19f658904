// How much of the disk's bandwidth large groups get. test/bench/log_fio.sh compares with fio too.
#include "log_support.hpp"

namespace {

using namespace log_bench;

constexpr std::size_t entry_bytes = 64 << 10;
constexpr std::size_t group_entries = 64;
constexpr std::size_t group_bytes = entry_bytes * group_entries;
constexpr std::size_t round_groups = 16; // as much as a segment holds
constexpr int rounds = 7;

/// Of one round.
double megabytes_a_second(double seconds) {
    return static_cast<double>(group_bytes * round_groups) / 1e6 / seconds;
}

void compare(const char* where, const std::filesystem::path& directory, double target) {
    measured_log log(directory / "log");
    timings by_growing;
    timings by_reserved;
    timings by_log;
    // Each round of each way writes a file of its own, and is removed when it is over: memory that
    // was the page cache of a file before is cheaper than memory that was never used.
    const auto bare = [&](std::uint64_t reserved, timings& by) {
        by.add(bare_file(directory / "bare", reserved).measure(round_groups, group_bytes));
        std::filesystem::remove_all(directory / "bare");
    };
    const auto by_the_log = [&] {
        by_log.add(log.measure(round_groups, group_entries, entry_bytes));
        log.compact();
    };
    take_turns(rounds, {[&] { bare(0, by_growing); },
                        [&] { bare(round_groups * group_bytes, by_reserved); }, by_the_log});
    std::printf("%s: %zu MiB at a time, each with a sync\n", where, group_bytes >> 20);
    std::printf("write and sync, file grows    %9.0f MB/s\n",
                megabytes_a_second(by_growing.median()));
    std::printf("the same into reserved space  %9.0f MB/s\n",
                megabytes_a_second(by_reserved.median()));
    std::printf("log, entries of %zu KiB        %9.0f MB/s", entry_bytes >> 10,
                megabytes_a_second(by_log.median()));
    if (target > 0) {
        print_ratio(by_growing.ratio_to(by_log), target, true);
    } else {
        std::printf("   ratio %.2f\n", by_growing.ratio_to(by_log));
    }
}

} // namespace

int main(int count, char** arguments) {
    const scratch_directory scratch(place(count, arguments));
    compare("disk", scratch.path(), 0.85);
    const scratch_directory memory("/dev/shm");
    compare("memory", memory.path(), 0);
    return 0;
}
