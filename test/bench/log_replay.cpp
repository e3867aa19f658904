// How long a log of a million entries takes to open, and how much memory beyond the entries.
#include <fstream>

#include "log_support.hpp"

namespace {

using namespace log_bench;

constexpr std::size_t entries = 1'000'000;
constexpr std::size_t payload_bytes = 256;
constexpr std::size_t group_entries = 5000;

/// Returns: a size in /proc/self/status, in bytes; zero where there is none.
double memory(std::string_view name) {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.starts_with(name)) {
            return 1024 * std::strtod(line.c_str() + name.size() + 1, nullptr);
        }
    }
    return 0;
}

/// Forgets the greatest size so far.
void reset_peak() {
    std::ofstream("/proc/self/clear_refs") << 5;
}

} // namespace

int main(int count, char** arguments) {
    const scratch_directory scratch(place(count, arguments));
    static_cast<void>(measured_log(scratch.path())
                          .measure(entries / group_entries, group_entries, payload_bytes));
    reset_peak();
    const double before = memory("VmRSS");
    const auto begin = steady::now();
    auto opened = segmented_log<>::open(options_for(scratch.path()));
    const double seconds = seconds_since(begin);
    if (!opened) {
        give_up("log", opened.error().message());
    }
    const double after = memory("VmRSS");
    const double peak = memory("VmHWM");
    const recovered_log recovered = (*opened)->take_recovered();
    if (recovered.entries.size() != entries) {
        give_up("log", std::to_string(recovered.entries.size()) + " entries came back");
    }
    std::printf("replay of %zu x %zu B   %.2f s   %.0f MB/s   (target: at most 1.50 s, %s)\n",
                entries, payload_bytes, seconds,
                static_cast<double>(entries * payload_bytes) / 1e6 / seconds,
                seconds <= 1.5 ? "kept" : "missed");
    std::printf("memory: %.0f MB of payloads, %.0f MB held by the entries, %.0f MB at most\n",
                static_cast<double>(entries * payload_bytes) / 1e6, (after - before) / 1e6,
                (peak - before) / 1e6);
    return 0;
}
