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

} // namespace

int main(int count, char** arguments) {
    const scratch_directory scratch(place(count, arguments));
    measured_log log(scratch.path() / "log");
    timings by_growing;
    timings by_reserved;
    timings by_log;
    // Each round of each way writes into blocks of its own, as the log does.
    for (int round = 0; round < rounds; ++round) {
        const std::string turn = std::to_string(round);
        bare_file growing(scratch.path() / ("growing" + turn));
        by_growing.add(growing.measure(round_groups, group_bytes));
        bare_file reserved(scratch.path() / ("reserved" + turn), round_groups * group_bytes);
        by_reserved.add(reserved.measure(round_groups, group_bytes));
        by_log.add(log.measure(round_groups, group_entries, entry_bytes));
    }
    std::printf("%zu MiB at a time, each with a sync\n", group_bytes >> 20);
    std::printf("write and sync, file grows    %9.0f MB/s\n",
                megabytes_a_second(by_growing.median()));
    std::printf("the same into reserved space  %9.0f MB/s\n",
                megabytes_a_second(by_reserved.median()));
    std::printf("log, entries of %zu KiB        %9.0f MB/s", entry_bytes >> 10,
                megabytes_a_second(by_log.median()));
    print_ratio(by_growing.ratio_to(by_log), 0.85, true);
    return 0;
}
