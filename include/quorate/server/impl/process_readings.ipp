// Reading /proc/self.
#ifndef QUORATE_SERVER_IMPL_PROCESS_READINGS_IPP
#define QUORATE_SERVER_IMPL_PROCESS_READINGS_IPP

#include <quorate/server/process_readings.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace quorate {
namespace detail {

/// Effects: virtual size, resident size and start time from the fields behind the program's name,
/// which may hold blanks and parentheses.
inline void read_proc_stat(process_readings& out) {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) {
        return;
    }
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 22; ++field) {
        fields >> skipped;
    }
    std::uint64_t started = 0;
    std::uint64_t pages = 0;
    fields >> started >> out.virtual_size >> pages;
    out.resident = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));

    std::ifstream uptime("/proc/stat");
    double booted = 0;
    for (std::string word; uptime >> word;) {
        if (word == "btime") {
            uptime >> booted;
            break;
        }
    }
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    out.started_at = booted + static_cast<double>(started) / ticks;
}

[[nodiscard]] inline std::uint64_t count_descriptors() {
    std::error_code ec;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", ec), end; !ec && at != end;
         at.increment(ec)) {
        ++count;
    }
    return count;
}

} // namespace detail

QUORATE_DECL process_readings read_process() {
    process_readings out;
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0) {
        out.cpu_seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                          static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        out.fds_limit = limit.rlim_cur;
    }
    if (::getrlimit(RLIMIT_AS, &limit) == 0) {
        out.virtual_limit = limit.rlim_cur;
    }
    out.fds_used = detail::count_descriptors();
    detail::read_proc_stat(out);
    return out;
}

} // namespace quorate

#endif
