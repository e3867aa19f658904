// The counts of API calls and of their outcomes.
// Flow:       1 and 13. a call begins, a call ends with a code → counts
// In / Out:   calls by number → lines of /metrics
// Invariants: every call that began and is not under way any more has ended with one code
// Source:     the names and labels of etcd's gRPC metrics, which alerts are written for
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_CALL_METRICS_HPP
#define QUORATE_SERVER_CALL_METRICS_HPP

#include <quorate/base/config.hpp>
#include <quorate/server/metrics.hpp>
#include <quorate/server/metrics_writer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace quorate {

/// A call of the API, as gRPC names it.
struct call_name {
    std::string_view service; ///< Such as "etcdserverpb.KV".
    std::string_view method;  ///< Such as "Range"; no two services share one.
    std::string_view type;    ///< "unary", "server_stream" or "bidi_stream".
};

/// Returns: all calls; a call's number is its place here.
[[nodiscard]] QUORATE_DECL std::span<const call_name> all_calls() noexcept;
/// Returns: the number of the call. Complexity: linear; look it up once.
[[nodiscard]] QUORATE_DECL std::optional<std::size_t> find_call(std::string_view method) noexcept;
/// Returns: what gRPC calls its status code, such as "InvalidArgument"; "Unknown" for others.
[[nodiscard]] QUORATE_DECL std::string_view name_of_code(unsigned code) noexcept;

class call_metrics {
public:
    static constexpr std::size_t codes = 17;

    call_metrics() : calls_(all_calls().size()) {}

    /// A call of the number has begun.
    void began(std::size_t call) { at(call).started.add(); }
    /// It has ended with a gRPC status code, so long after.
    void ended(std::size_t call, unsigned code, std::chrono::nanoseconds took) {
        at(call).handled[code < codes ? code : 2].add();
        at(call).took.observe(took);
    }
    [[nodiscard]] std::uint64_t started(std::size_t call) const { return at(call).started.value(); }
    [[nodiscard]] std::uint64_t handled(std::size_t call, unsigned code) const {
        return at(call).handled.at(code).value();
    }

    /// `extensive`: also how long the calls took.
    QUORATE_DECL void write(metrics_writer& out, bool extensive) const;

private:
    struct one_call {
        counter started;
        std::array<counter, codes> handled;
        histogram took{buckets::of_calls()};
    };

    [[nodiscard]] one_call& at(std::size_t call) {
        QUORATE_ASSERT(call < calls_.size());
        return calls_[call];
    }
    [[nodiscard]] const one_call& at(std::size_t call) const {
        QUORATE_ASSERT(call < calls_.size());
        return calls_[call];
    }

    std::vector<one_call> calls_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/call_metrics.ipp>
#endif

#endif
