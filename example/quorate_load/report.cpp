#include "report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <string>

namespace quorate_load {
namespace {

constexpr std::array<double, 8> percents = {10, 25, 50, 75, 90, 95, 99, 99.9};

template <class... Values>
std::string format(const char* pattern, Values... values) {
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), pattern, values...);
    return text.data();
}

double microseconds(std::chrono::nanoseconds time) {
    return static_cast<double>(time.count()) / 1e3;
}

// Three digits that matter, in the unit that suits.
std::string readable(double nanoseconds) {
    if (nanoseconds < 1e6) {
        return format("%.4g us", nanoseconds / 1e3);
    }
    return nanoseconds < 1e9 ? format("%.4g ms", nanoseconds / 1e6)
                             : format("%.4g s", nanoseconds / 1e9);
}

std::string readable(std::chrono::nanoseconds time) {
    return readable(static_cast<double>(time.count()));
}

std::string percent_name(double percent) {
    return format("%g", percent);
}

void print_latencies(std::ostream& out, const char* title, const histogram& latencies) {
    out << title << "  mean " << readable(latencies.mean()) << ", stddev "
        << readable(latencies.deviation()) << ", fastest " << readable(latencies.fastest())
        << ", slowest " << readable(latencies.slowest()) << '\n';
    for (const double percent : percents) {
        out << format("  %5g %%  ", percent) << readable(latencies.percentile(percent)) << '\n';
    }
}

void print_histogram(std::ostream& out, const histogram& latencies) {
    constexpr std::uint64_t bar_max = 50;
    const std::vector<histogram::row> rows = latencies.rows();
    std::uint64_t most = 1;
    for (const histogram::row& row : rows) {
        most = std::max(most, row.count);
    }
    out << "histogram\n";
    for (const histogram::row& row : rows) {
        const std::string bar(static_cast<std::size_t>(row.count * bar_max / most), '#');
        out << format("  below %9s  %10llu%s", readable(row.below).c_str(),
                      static_cast<unsigned long long>(row.count), bar.empty() ? "" : "  ")
            << bar << '\n';
    }
}

void print_counts(std::ostream& out, const char* title,
                  const std::map<std::string, std::uint64_t>& counts) {
    for (const auto& [name, count] : counts) {
        out << title << "  " << name << ": " << count << '\n';
    }
}

histogram both(const tally& counts) {
    histogram all = counts.puts;
    all.merge(counts.gets);
    return all;
}

double throughput(const tally& counts) {
    const double seconds = counts.seconds();
    return seconds > 0 ? static_cast<double>(counts.successes()) / seconds : 0;
}

void json_latencies(std::ostream& out, const char* name, const histogram& latencies) {
    out << ",\"" << name << "\":{\"count\":" << latencies.count()
        << format(",\"mean\":%.3f,\"stddev\":%.3f,\"fastest\":%.3f,\"slowest\":%.3f",
                  latencies.mean() / 1e3, latencies.deviation() / 1e3,
                  microseconds(latencies.fastest()), microseconds(latencies.slowest()))
        << ",\"percentiles\":{";
    const char* comma = "";
    for (const double percent : percents) {
        out << comma << '"' << percent_name(percent)
            << format("\":%.3f", microseconds(latencies.percentile(percent)));
        comma = ",";
    }
    out << "},\"histogram\":[";
    comma = "";
    for (const histogram::row& row : latencies.rows()) {
        out << comma << format("{\"below\":%.0f,\"count\":", microseconds(row.below)) << row.count
            << '}';
        comma = ",";
    }
    out << "]}";
}

void json_counts(std::ostream& out, const char* name,
                 const std::map<std::string, std::uint64_t>& counts) {
    out << ",\"" << name << "\":{";
    const char* comma = "";
    for (const auto& [kind, count] : counts) {
        out << comma << '"' << kind << "\":" << count;
        comma = ",";
    }
    out << '}';
}

} // namespace

void print_text(std::ostream& out, const options& chosen, const tally& counts) {
    out << (chosen.api == api::json ? "json" : "kvstore") << ", " << chosen.connections
        << " connections, " << chosen.clients << " clients, keys of " << chosen.key_size
        << " B, values of " << chosen.value_size << " B\n"
        << counts.successes() << " answered, " << counts.failures() << " failed, " << counts.wrong()
        << " wrong, " << format("%.3f s, %.1f requests/s\n", counts.seconds(), throughput(counts));
    const histogram all = both(counts);
    if (all.count() > 0) {
        print_latencies(out, "latency", all);
        if (counts.puts.count() > 0 && counts.gets.count() > 0) {
            print_latencies(out, "PUT", counts.puts);
            print_latencies(out, "GET", counts.gets);
        }
        print_histogram(out, all);
    }
    if (counts.absent > 0) {
        out << "GETs of keys that were not there: " << counts.absent << '\n';
    }
    print_counts(out, "failed", counts.errors);
    print_counts(out, "WRONG ", counts.violations);
}

void print_json(std::ostream& out, const options& chosen, const tally& counts) {
    out << "{\"api\":\"" << (chosen.api == api::json ? "json" : "kvstore")
        << "\",\"connections\":" << chosen.connections << ",\"clients\":" << chosen.clients
        << ",\"key_size\":" << chosen.key_size << ",\"value_size\":" << chosen.value_size
        << ",\"answered\":" << counts.successes() << ",\"failed\":" << counts.failures()
        << ",\"wrong\":" << counts.wrong() << ",\"absent\":" << counts.absent
        << format(",\"seconds\":%.6f,\"throughput\":%.1f", counts.seconds(), throughput(counts));
    json_latencies(out, "latency_us", both(counts));
    json_latencies(out, "put_us", counts.puts);
    json_latencies(out, "get_us", counts.gets);
    json_counts(out, "errors", counts.errors);
    json_counts(out, "violations", counts.violations);
    out << "}\n";
}

} // namespace quorate_load
