// Pending leadership-transfer requests.
// Flow:       none
// In / Out:   changes of the leader, time → outcomes
// Invariants: each request is answered exactly once
// Source:     thesis §3.10
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_LEADER_TRANSFERS_HPP
#define QUORATE_SERVER_LEADER_TRANSFERS_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>

#include <chrono>
#include <functional>
#include <utility>
#include <vector>

namespace quorate {

class leader_transfers {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using handler = std::function<void(error_code)>;

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

    /// Effects: `from` shall hand over to `to`, another one.
    void add(node_id from, node_id to, handler done, time_point deadline) {
        waiting_.push_back({from, to, std::move(done), deadline});
    }
    /// Effects: answers whatever a new leader decides. `leader`: zero while there is none.
    /// Errors: leader_changed where another one took over.
    void on_leader(node_id leader) {
        finish([leader](const transfer& t) -> std::pair<bool, error_code> {
            const bool decided = leader && leader != t.from;
            return {decided, leader == t.to ? error_code() : errc::leader_changed};
        });
    }
    /// Errors: read_timed_out where the old leader went on, no_leader where nobody leads.
    void on_tick(time_point now, node_id leader) {
        finish([now, leader](const transfer& t) -> std::pair<bool, error_code> {
            return {t.deadline <= now, leader ? errc::read_timed_out : errc::no_leader};
        });
    }
    void stop() {
        finish([](const transfer&) -> std::pair<bool, error_code> {
            return {true, errc::stopped};
        });
    }

private:
    struct transfer {
        node_id from;
        node_id to;
        handler done;
        time_point deadline;
    };

    // Taken out first: a handler may ask for the next transfer.
    template <class Fate>
    void finish(Fate fate) {
        std::vector<std::pair<handler, error_code>> ended;
        std::erase_if(waiting_, [&](transfer& t) {
            const auto [is_over, outcome] = fate(t);
            if (is_over) {
                ended.emplace_back(std::move(t.done), outcome);
            }
            return is_over;
        });
        for (const auto& [done, outcome] : ended) {
            done(outcome);
        }
    }

    std::vector<transfer> waiting_;
};

} // namespace quorate

#endif
