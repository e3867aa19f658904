// What one thread asks next, and what it makes of the answers.
#ifndef QUORATE_LOAD_WORKLOAD_HPP
#define QUORATE_LOAD_WORKLOAD_HPP

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "key_history.hpp"
#include "options.hpp"
#include "protocol.hpp"
#include "tally.hpp"

namespace quorate_load {

/// One stretch of a run; what ends it is whichever limit is reached first. 0 is no limit.
struct phase {
    double put_share = 1;
    bool sequential = false;
    std::uint64_t total = 0;
    std::chrono::nanoseconds duration{0};
    double rate = 0;
};

/// One request, from the moment it is chosen.
struct operation {
    request_kind kind = request_kind::put;
    std::uint64_t key = 0;
    key_history::write write;
    key_history::read read;
    steady::time_point sent;
};

/// What other threads may look at while a phase runs.
struct progress {
    std::atomic<std::uint64_t> answered{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> wrong{0};
};

/// Has the keys whose number modulo the number of threads is `index`, so that no two threads share
/// a key's history.
class workload {
public:
    enum class step { ready, later, finished };

    workload(const options& chosen, std::uint64_t index, std::uint64_t run);

    /// Effects: begins a phase; counts go to `counts` until the next one begins.
    void begin(const phase& next, tally& counts);
    /// Effects: when ready, fills `out` and takes it off the phase's total.
    [[nodiscard]] step next(steady::time_point now, operation& out);
    /// Returns: whether the phase has no more requests.
    [[nodiscard]] bool finished(steady::time_point now) const;
    /// Effects: ends the phase; no more requests.
    void stop() { deadline_ = steady::time_point::min(); }
    /// Returns: when the rate allows the next request.
    [[nodiscard]] steady::time_point due() const { return due_; }
    /// Returns: how many of the keys are this thread's.
    [[nodiscard]] std::uint64_t keys() const { return histories_.size(); }

    /// Effects: appends the bytes of the request to `out`.
    void write_request(const operation& asked, std::string& out) const;
    /// Returns: false when the answer cannot be understood.
    bool on_answer(const operation& asked, unsigned status, std::string_view body,
                   steady::time_point now);
    /// The outcome of the request is not known.
    void on_failure(const char* why, steady::time_point now);
    /// There was no connection to send the next request over; it counts as one that failed.
    void on_unconnected(steady::time_point now);

    progress seen;

private:
    void judge(const operation& asked, bool found, std::string_view value);
    void blame(const char* what, const operation& asked, std::uint64_t number);
    void count_error(const std::string& name, steady::time_point now);
    key_history& history(std::uint64_t key) { return histories_[key / threads_]; }

    const options& options_;
    std::uint64_t index_;
    std::uint64_t threads_;
    std::uint64_t run_;
    request_maker requests_;
    std::vector<key_history> histories_;
    std::mt19937_64 random_;
    phase phase_;
    tally* counts_ = nullptr;
    std::uint64_t issued_ = 0;
    std::uint64_t in_order_ = 0;
    steady::time_point deadline_;
    steady::time_point due_;
    std::chrono::nanoseconds interval_{0};
    std::string storage_;
};

} // namespace quorate_load

#endif
