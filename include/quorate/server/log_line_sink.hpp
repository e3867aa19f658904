// The outputs of log lines: the standard streams and files, above a level.
// Flow:       none; a line → descriptors
// In / Out:   log_line → one write each
// Invariants: a line is one write, so that lines of several processes do not mix; a place that
//             cannot be written to costs the line there and nothing else
// Source:     --log-level and --log-outputs of etcd
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_LOG_LINE_SINK_HPP
#define QUORATE_SERVER_LOG_LINE_SINK_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/error.hpp>
#include <quorate/server/log_line.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate {

struct log_settings {
    log_level least = log_level::info; ///< Lines below are dropped.
    log_format format = log_format::json;
    std::vector<std::string> outputs{"stderr"}; ///< "stderr", "stdout" or paths of files.
};

class log_line_sink {
public:
    explicit log_line_sink(log_settings settings) : settings_(std::move(settings)) {}
    log_line_sink(const log_line_sink&) = delete;
    log_line_sink& operator=(const log_line_sink&) = delete;
    QUORATE_DECL ~log_line_sink();

    /// Effects: opens all outputs anew, files for appending; a symbolic link is not followed,
    /// except /dev/stdout and /dev/stderr. To be called once first, and again when files were moved
    /// away. Errors: of
    /// the operating system; `failed`, when given, is then told which; what was open stays so.
    [[nodiscard]] QUORATE_DECL error_code open(std::string* failed = nullptr);

    [[nodiscard]] bool wants(log_level level) const noexcept { return level >= settings_.least; }
    /// Returns: a line to add fields to, with the time of now.
    [[nodiscard]] log_line line(log_level level, std::string_view message) const {
        return {settings_.format, level, message, std::chrono::system_clock::now()};
    }
    QUORATE_DECL void write(log_level level, const log_line& line);
    /// A line without fields.
    void say(log_level level, std::string_view message) {
        if (wants(level)) {
            write(level, line(level, message));
        }
    }
    /// Returns: lines that some output did not take.
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

private:
    struct output {
        int descriptor;
        bool owned;
    };
    static void close(std::vector<output>& outputs) noexcept;

    log_settings settings_;
    std::vector<output> outputs_;
    std::uint64_t lost_ = 0;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/log_line_sink.ipp>
#endif

#endif
