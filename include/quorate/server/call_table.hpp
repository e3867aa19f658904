// Questions to other members that wait for their answer.
// Flow:       none
// In / Out:   answers, time → outcomes
// Invariants: each question is answered exactly once; only who was asked can answer it
// Source:     doc/architecture.md
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_CALL_TABLE_HPP
#define QUORATE_SERVER_CALL_TABLE_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace quorate {

class call_table {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using handler = std::function<void(error_code, shared_bytes)>;

    /// `first`: a number that no earlier life of this member gave to a call.
    explicit call_table(std::uint64_t first) noexcept : newest_(first) {}

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

    /// Returns: the number under which `to` is to be asked.
    [[nodiscard]] std::uint64_t add(node_id to, handler done, time_point deadline) {
        waiting_.emplace(++newest_, waiter{to, std::move(done), deadline});
        return newest_;
    }
    /// Effects: ends a call. One that is not there is ignored.
    void finish(std::uint64_t number, error_code failed, shared_bytes answer = {}) {
        const auto found = waiting_.find(number);
        if (found == waiting_.end()) {
            return;
        }
        const handler done = std::move(found->second.done);
        waiting_.erase(found);
        done(failed, std::move(answer));
    }
    /// Effects: ends a call with its answer. Answers of others, late ones and those to no call of
    /// this life are ignored.
    void on_answer(node_id from, std::uint64_t number, shared_bytes answer) {
        const auto found = waiting_.find(number);
        if (found != waiting_.end() && found->second.to == from) {
            finish(number, {}, std::move(answer));
        }
    }
    /// Effects: ends what was asked of it. Errors: peer_not_found.
    void on_dropped(node_id peer) {
        finish_if([peer](const waiter& w) { return w.to == peer; }, errc::peer_not_found);
    }
    /// Errors: read_timed_out. Complexity: linear in the calls under way.
    void on_tick(time_point now) {
        finish_if([now](const waiter& w) { return w.deadline <= now; }, errc::read_timed_out);
    }
    void stop() {
        finish_if([](const waiter&) { return true; }, errc::stopped);
    }

private:
    struct waiter {
        node_id to;
        handler done;
        time_point deadline;
    };

    // Collected first: a handler may ask again.
    template <class Condition>
    void finish_if(Condition holds, errc reason) {
        std::vector<std::uint64_t> ended;
        for (const auto& [number, w] : waiting_) {
            if (holds(w)) {
                ended.push_back(number);
            }
        }
        for (std::uint64_t number : ended) {
            finish(number, reason);
        }
    }

    std::map<std::uint64_t, waiter> waiting_;
    std::uint64_t newest_;
};

} // namespace quorate

#endif
