// The path of one request: steps, times and members.
// Flow:       3 to 13, seen from outside
// In / Out:   steps and times → a timeline, as values, text or bytes
// Invariants: bounded; steps stand in the order of their times
// Source:     doc/flow.md, "The path of one request"
// Threads:    none (the node's, until the request is answered)
#ifndef QUORATE_SERVER_REQUEST_TRACE_HPP
#define QUORATE_SERVER_REQUEST_TRACE_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/ids.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quorate {

/// Values are part of what members tell one another.
enum class trace_step : std::uint8_t {
    admitted = 0,     ///< `member` took it in.
    proposed = 1,     ///< The engine of `member`, the leader, took it.
    forwarded = 2,    ///< Passed on to `member`, the leader.
    appended = 3,     ///< Stands in the log of `member`, not durable yet.
    sent = 4,         ///< On its way to `member`.
    durable = 5,      ///< On the disk of `member`.
    acknowledged = 6, ///< `member` said that it is durable there.
    committed = 7,    ///< `member` knows that a quorum has it.
    applied = 8,      ///< The state of `member` shows it.
    answered = 9,     ///< `member` answers.
};

inline constexpr std::uint8_t trace_step_max = 9;

/// Returns: the enumerator's name.
[[nodiscard]] const char* name_of(trace_step step) noexcept;

struct trace_event {
    trace_step step = trace_step::admitted;
    node_id member{};
    std::uint64_t at = 0; ///< Units: microseconds since the request was admitted.

    friend bool operator==(const trace_event&, const trace_event&) noexcept = default;
};

/// Made by whoever asks, filled by the node until the answer.
class request_trace {
public:
    using clock = std::chrono::steady_clock;
    /// More events than this are left out.
    static constexpr std::size_t events_max = 128;

    /// Effects: forgets everything; the request is admitted by `self` now.
    void begin(node_id self, clock::time_point now);
    /// Requires: begun.
    void note(trace_step step, node_id member, clock::time_point now);
    /// Effects: it became this entry.
    void set_entry(const log_id& entry) noexcept { entry_ = entry; }
    /// Effects: applying it led to this revision of the store.
    void set_revision(std::uint64_t revision) noexcept { revision_ = revision; }
    /// Effects: adds what the leader saw of a request that was forwarded to it; its times count
    /// from when it was forwarded, so that the way there is left out. What `bytes` are not from
    /// `encode` is ignored.
    void merge(byte_view bytes);

    [[nodiscard]] std::span<const trace_event> events() const noexcept { return events_; }
    /// Returns: whether that step was seen, at that member.
    [[nodiscard]] bool has(trace_step step, node_id member) const noexcept;
    [[nodiscard]] node_id self() const noexcept { return self_; }
    /// Returns: zeros until it is known.
    [[nodiscard]] log_id entry() const noexcept { return entry_; }
    [[nodiscard]] std::uint64_t revision() const noexcept { return revision_; }

    /// Returns: one line, such as "0us admitted by 1; 31us proposed by 1; 58us appended by 1 as
    /// entry 7 of term 2; ...". Only printable characters.
    [[nodiscard]] std::string text() const;
    /// Returns: the events, for another member.
    [[nodiscard]] std::string encode() const;

private:
    void insert(const trace_event& event);

    node_id self_{};
    clock::time_point start_{};
    std::vector<trace_event> events_;
    log_id entry_{};
    std::uint64_t revision_ = 0;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/request_trace.ipp>
#endif

#endif
