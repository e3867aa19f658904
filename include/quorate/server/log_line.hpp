// One event on one line, as JSON or as text, with fields that programs can read.
// Flow:       none; what happened → a line for operators
// In / Out:   time, level, message and fields → bytes that end with a newline
// Invariants: a line has no control bytes but its last, and is valid UTF-8 JSON whatever the
//             fields hold; keys' values and secrets are never given to it
// Source:     the shape of etcd's structured logs (zap)
// Threads:    none (the caller's)
#ifndef QUORATE_SERVER_LOG_LINE_HPP
#define QUORATE_SERVER_LOG_LINE_HPP

#include <quorate/base/config.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate {

enum class log_level : std::uint8_t { debug, info, warn, error };
enum class log_format : std::uint8_t { json, text };

/// Returns: "debug", "info", "warn" or "error".
[[nodiscard]] QUORATE_DECL std::string_view name_of(log_level level) noexcept;

/// Returns: 2026-11-21T20:12:33.000123Z.
[[nodiscard]] QUORATE_DECL std::string format_time(std::chrono::system_clock::time_point at);

/// {"level":"info","ts":"...","msg":"...","field":value} or `... info message field=value`.
class log_line {
public:
    QUORATE_DECL log_line(log_format format, log_level level, std::string_view message,
                          std::chrono::system_clock::time_point at);

    /// Names are the program's own and are not escaped.
    QUORATE_DECL log_line& text(std::string_view name, std::string_view value);
    QUORATE_DECL log_line& number(std::string_view name, std::int64_t value);
    QUORATE_DECL log_line& number(std::string_view name, std::uint64_t value);
    QUORATE_DECL log_line& flag(std::string_view name, bool value);
    /// Units: written as milliseconds with three decimals: 12.345ms.
    QUORATE_DECL log_line& duration(std::string_view name, std::chrono::nanoseconds value);
    /// As a member's or cluster's id is shown: hexadecimal.
    QUORATE_DECL log_line& id(std::string_view name, std::uint64_t value);

    /// Returns: the line so far, with its newline.
    [[nodiscard]] QUORATE_DECL std::string str() const;

private:
    void begin(std::string_view name);
    void put_json(std::string_view value);
    void put_plain(std::string_view value);

    const log_format format_;
    std::string line_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/log_line.ipp>
#endif

#endif
