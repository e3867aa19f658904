// Linearizable reads, many to one confirmation: the round and the index that each waits for.
// Flow:       beside 3 to 13: a read passes no log
// Invariants: a read joins only a round that starts after it arrived; it is served only once the
//             round's index is applied
// Source:     thesis §6.4; batching and retry with a new number as etcd does since its #20418
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_READ_ROUNDS_HPP
#define QUORATE_SERVER_READ_ROUNDS_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

class read_rounds {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using handler = std::function<void(error_code)>;

    /// `first`: a number that no earlier life of this member gave to a round.
    explicit read_rounds(std::uint64_t first) noexcept : newest_(first) {}

    [[nodiscard]] std::size_t size() const noexcept {
        return arrived_.size() + round_.size() + confirmed_.size();
    }

    void add(handler done, time_point deadline, time_point leader_deadline) {
        arrived_.push_back({std::move(done), deadline, leader_deadline});
    }

    /// Returns: the number of a round to ask the engine for; none while one is under way or
    /// nobody waits.
    [[nodiscard]] std::optional<std::uint64_t> begin_round(time_point now) {
        if (asked_ || (round_.empty() && arrived_.empty())) {
            return std::nullopt;
        }
        for (reader& r : arrived_) {
            round_.push_back(std::move(r));
        }
        arrived_.clear();
        asked_ = true;
        asked_at_ = now;
        return ++newest_;
    }
    /// Effects: the round under way is given up: the engine could not take it, or the leader that
    /// was asked is none any more. Its reads go into the next one.
    void abandon_round() noexcept { asked_ = false; }

    /// Effects: the round is confirmed: its reads wait for `index` now. Answers to other rounds
    /// are ignored: a late one says nothing of a later read.
    void on_confirmed(std::uint64_t number, log_index index) {
        if (!asked_ || number != newest_) {
            return;
        }
        asked_ = false;
        for (reader& r : round_) {
            confirmed_.push_back({std::move(r), index});
        }
        round_.clear();
    }
    void on_refused(std::uint64_t number) noexcept {
        if (number == newest_) {
            asked_ = false;
        }
    }

    /// Effects: answers the reads that `applied` is enough for.
    void on_applied(log_index applied) {
        while (!confirmed_.empty() && confirmed_.front().index <= applied) {
            const handler done = std::move(confirmed_.front().who.done);
            confirmed_.pop_front();
            done({});
        }
    }

    /// Effects: answers reads whose time is up; gives a round that got no answer for `retry` up,
    /// so that the next one is asked under a new number. `leader_known`: whether the short
    /// deadline applies. Returns: whether a round was given up.
    bool on_tick(time_point now, std::chrono::milliseconds retry, bool leader_known) {
        const bool slow = asked_ && now - asked_at_ >= retry;
        asked_ = asked_ && !slow;
        std::vector<std::pair<handler, errc>> late;
        const auto sweep = [&](std::vector<reader>& readers) {
            std::erase_if(readers, [&](reader& r) {
                const bool leaderless = !leader_known && r.leader_deadline <= now;
                if (r.deadline > now && !leaderless) {
                    return false;
                }
                late.emplace_back(std::move(r.done),
                                  leaderless ? errc::no_leader : errc::read_timed_out);
                return true;
            });
        };
        sweep(arrived_);
        sweep(round_);
        while (!confirmed_.empty() && confirmed_.front().who.deadline <= now) {
            late.emplace_back(std::move(confirmed_.front().who.done), errc::read_timed_out);
            confirmed_.pop_front();
        }
        for (auto& [done, reason] : late) {
            done(reason);
        }
        return slow;
    }

    void stop() {
        std::vector<handler> all;
        for (reader& r : arrived_) {
            all.push_back(std::move(r.done));
        }
        for (reader& r : round_) {
            all.push_back(std::move(r.done));
        }
        for (confirmed_reader& r : confirmed_) {
            all.push_back(std::move(r.who.done));
        }
        arrived_.clear();
        round_.clear();
        confirmed_.clear();
        for (const handler& done : all) {
            done(errc::stopped);
        }
    }

private:
    struct reader {
        handler done;
        time_point deadline;
        time_point leader_deadline;
    };
    struct confirmed_reader {
        reader who;
        log_index index;
    };

    std::vector<reader> arrived_;            // wait for the next round
    std::vector<reader> round_;              // of the round under way
    std::deque<confirmed_reader> confirmed_; // indices ascend: rounds are one after another
    std::uint64_t newest_;
    bool asked_ = false;
    time_point asked_at_{};
};

} // namespace quorate

#endif
