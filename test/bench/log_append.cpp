// What the log adds to the cost of the disk, and what an entry costs in a large group.
#include "log_support.hpp"

namespace {

using namespace log_bench;

constexpr std::size_t payload_bytes = 100;
constexpr std::size_t round_syncs = 60;
constexpr int rounds = 15;

/// Small appends, one sync each: on this disk by hand in two ways, and by the log.
void compare_lone_writer(const std::filesystem::path& scratch) {
    bare_file growing(scratch / "growing");
    bare_file reserved(scratch / "reserved", 64 << 20);
    measured_log log(scratch / "log");
    timings by_growing;
    timings by_reserved;
    timings by_log;
    take_turns(rounds, {[&] { by_growing.add(growing.measure(round_syncs, payload_bytes)); },
                        [&] { by_reserved.add(reserved.measure(round_syncs, payload_bytes)); },
                        [&] { by_log.add(log.measure(round_syncs, 1, payload_bytes)); }});
    constexpr double microseconds = 1e6 / round_syncs;
    std::printf("append and sync of %zu B, file grows      %9.1f us\n", payload_bytes,
                by_growing.median() * microseconds);
    std::printf("the same into reserved space             %9.1f us\n",
                by_reserved.median() * microseconds);
    std::printf("group commit of one entry                %9.1f us",
                by_log.median() * microseconds);
    print_ratio(by_log.ratio_to(by_growing), 1.15);
    std::printf("  against reserved space                             ratio %.2f\n",
                by_log.ratio_to(by_reserved));
}

/// Groups of a hundred, against one write of as many bytes. Where a sync costs nothing, the rest is
/// the work of the log itself.
void measure_groups(const char* name, const std::filesystem::path& directory, double target) {
    constexpr std::size_t size = 100;
    bare_file bare(directory / "bare", 64 << 20); // as long as a segment
    measured_log log(directory / "log");
    timings by_hand;
    timings by_log;
    constexpr std::size_t group_bytes = size * (payload_bytes + frame_prefix_bytes);
    take_turns(rounds, {[&] { by_hand.add(bare.measure(round_syncs, group_bytes)); },
                        [&] { by_log.add(log.measure(round_syncs, size, payload_bytes)); }});
    constexpr double nanoseconds = 1e9 / (size * round_syncs);
    const bool waits = target == 0; // for the disk; else only for other programs
    const double cost = (waits ? by_log.median() : by_log.least()) * nanoseconds;
    const double hand = (waits ? by_hand.median() : by_hand.least()) * nanoseconds;
    std::printf("groups of %zu x %zu B, %-18s %7.0f ns/entry", size, payload_bytes, name, cost);
    std::printf("   by hand %.0f ns", hand);
    if (target > 0) {
        std::printf("   (target: at most %.0f, %s)", target, cost <= target ? "kept" : "missed");
    }
    std::printf("\n");
}

} // namespace

int main(int count, char** arguments) {
    const scratch_directory scratch(place(count, arguments));
    compare_lone_writer(scratch.path());
    measure_groups("syncs included", scratch.path() / "groups", 0);
    const scratch_directory memory("/dev/shm");
    measure_groups("in memory", memory.path(), 1300);
    return 0;
}
