// Requests between their arrival and their answer: handlers, times, and progress.
// Flow:       3 and 13. command bytes → proposal; reply → whoever asked
// Invariants: each request is answered exactly once; "not applied" is only said when it is certain;
//             requests are proposed in the order of their arrival, again too
// Source:     thesis §6.2 to §6.3 for outcomes; the argument stands at on_term_applied
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_REQUEST_TABLE_HPP
#define QUORATE_SERVER_REQUEST_TABLE_HPP

#include <quorate/base/error.hpp>
#include <quorate/consensus/engine.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

/// How long a request took, for whoever watches.
struct request_timing {
    std::chrono::steady_clock::duration queued{}; ///< Until the engine took it last; or all of it.
    std::chrono::steady_clock::duration total{};
    error_code failed;
};

/// A request is *queued* until the engine takes it, then *proposed* until it is applied or its
/// fate is known. `Reply` is what the state machine answers.
template <class Reply>
class request_table {
public:
    using time_point = std::chrono::steady_clock::time_point;
    /// Without an error the reply is the state machine's.
    using handler = std::function<void(error_code, Reply)>;

    /// `first_batch`: a number that no earlier life of this member gave to a batch, or a late
    /// refusal of one of those could be taken for one of these.
    explicit request_table(std::uint64_t first_batch = 0) noexcept : batches_(first_batch) {}

    /// Effects: tells of every request that took at least `limit`, right before it is answered.
    /// No limit: of none.
    void watch_slow(std::chrono::steady_clock::duration limit,
                    std::function<void(const request_timing&)> tell) {
        slow_limit_ = limit;
        slow_ = std::move(tell);
    }
    /// Effects: `why` tells, of the time a request was admitted, as which code of outcome_unknown
    /// it ends that was proposed and timed out.
    void explain_timeouts(std::function<errc(time_point)> why) { why_ = std::move(why); }
    /// Effects: what happens from now on happens at `now`.
    void on_clock(time_point now) noexcept { now_ = now; }

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
    /// Returns: the payload bytes of all requests that wait.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool has_queued() const noexcept { return !queue_.empty(); }

    /// Effects: queues a request. `deadline`: when its outcome is given up; `leader_deadline`: when
    /// it is given up while it is queued. Requires: neither is earlier than the last one's.
    void add(request_id id, proposed proposal, handler done, time_point deadline,
             time_point leader_deadline) {
        const place at{++arrivals_, id};
        bytes_ += proposal.payload.size();
        waiting_.emplace(id, waiter{std::move(proposal), std::move(done), leader_deadline, now_,
                                    time_point{}, at.arrival, term_id{}, 0});
        queue_.push_back(at);
        deadlines_.push_back({deadline, id});
    }

    /// Requests that the engine is given together, and refuses or takes together.
    struct batch {
        std::uint64_t number = 0;
        std::vector<request_id> ids;
        std::vector<proposed> proposals;
    };
    /// Effects: moves queued requests of up to `bytes_max` payload bytes into one batch for the
    /// engine; at least one if any is queued. A membership change goes alone, so that its refusal
    /// concerns nobody else.
    batch& take_batch(std::uint64_t bytes_max) {
        batch_.number = ++batches_;
        batch_.ids.clear();
        batch_.proposals.clear();
        std::uint64_t bytes = 0;
        while (!queue_.empty()) {
            const auto found = waiting_.find(queue_.front().id);
            if (found == waiting_.end()) {
                queue_.pop_front(); // answered meanwhile
                continue;
            }
            const proposed& next = found->second.proposal;
            const bool change = next.kind != entry_kind::normal;
            bytes += next.payload.size();
            if (!batch_.ids.empty() && (change || bytes > bytes_max)) {
                break;
            }
            batch_.ids.push_back(queue_.front().id);
            batch_.proposals.push_back(next);
            queue_.pop_front();
            if (change) {
                break;
            }
        }
        return batch_;
    }
    /// Effects: the engine took the batch, in `term`.
    void on_proposed(const batch& taken, term_id term) {
        for (request_id id : taken.ids) {
            if (const auto found = waiting_.find(id); found != waiting_.end()) {
                found->second.term = term;
                found->second.batch = taken.number;
                found->second.proposed_at = now_;
            }
        }
    }
    /// Effects: the engine refused the batch: queues it again or answers `reason`.
    /// Returns: whether it is queued again, and no use to propose before something changed.
    bool on_refused(const batch& refused, errc reason) {
        const std::vector<request_id> ids = refused.ids; // a handler may lead to the next batch
        return refuse(ids, reason);
    }
    /// Effects: the leader that a batch was forwarded to refused it; another number than that of
    /// a batch whose fate is open is ignored. Returns: as above.
    bool on_refused(std::uint64_t number, errc reason) {
        std::vector<request_id> ids;
        for (const auto& [id, w] : waiting_) {
            if (w.term && w.batch == number) {
                ids.push_back(id);
            }
        }
        return refuse(ids, reason);
    }

    /// Effects: answers a request. A request that nobody here waits for is ignored.
    void finish(request_id id, error_code failed, Reply reply) {
        const auto found = waiting_.find(id);
        if (found == waiting_.end()) {
            return;
        }
        handler done = std::move(found->second.done);
        bytes_ -= found->second.proposal.payload.size();
        request_timing took;
        took.total = now_ - found->second.admitted_at;
        const bool slow = slow_ && slow_limit_.count() > 0 && took.total >= slow_limit_;
        if (slow) {
            const bool proposed = found->second.proposed_at != time_point{};
            took.queued =
                proposed ? found->second.proposed_at - found->second.admitted_at : took.total;
            took.failed = failed;
        }
        waiting_.erase(found);
        if (slow) {
            slow_(took);
        }
        done(failed, std::move(reply));
    }

    /// Effects: an entry of `term` was applied. A request proposed in an earlier term that is not
    /// applied by now never will be: its leader stamped it with that term, terms never decrease
    /// along a log, and a committed prefix never changes. So it may be proposed again.
    void on_term_applied(term_id term) {
        if (term <= newest_applied_) {
            return;
        }
        newest_applied_ = term;
        std::vector<request_id> ids;
        for (const auto& [id, w] : waiting_) {
            if (w.term && w.term < term) {
                ids.push_back(id);
            }
        }
        queue_again(ids);
    }

    /// Effects: the state was replaced by a snapshot. Whether it holds what was proposed before
    /// cannot be seen, and proposing that again might apply it twice.
    void on_snapshot_installed(term_id term) {
        newest_applied_ = std::max(newest_applied_, term);
        finish_all([](const waiter& w) {
            return w.term ? std::optional(errc::outcome_unknown) : std::nullopt;
        });
    }

    /// Effects: answers everything whose time is up. Complexity: amortised constant per request.
    void on_tick(time_point now) {
        on_clock(now);
        // Deadlines of what is answered go as soon as they are in front: long before their time.
        while (!deadlines_.empty()) {
            const auto [deadline, id] = deadlines_.front();
            if (deadline > now && waiting_.contains(id)) {
                break;
            }
            deadlines_.pop_front();
            expire(id);
        }
        while (!queue_.empty()) {
            const request_id id = queue_.front().id;
            const auto found = waiting_.find(id);
            if (found != waiting_.end() && found->second.leader_deadline > now) {
                break;
            }
            queue_.pop_front();
            expire(id);
        }
    }

    /// Effects: answers everything: `stopped` where nothing was proposed, else outcome_unknown.
    void stop() {
        finish_all([](const waiter& w) {
            return std::optional(w.term ? errc::outcome_unknown : errc::stopped);
        });
    }

private:
    struct waiter {
        proposed proposal;
        handler done;
        time_point leader_deadline;
        time_point admitted_at;
        time_point proposed_at; // the epoch: never
        std::uint64_t arrival = 0;
        term_id term{};          // zero: not proposed
        std::uint64_t batch = 0; // zero: not proposed
    };
    struct place {
        std::uint64_t arrival = 0;
        request_id id{};

        friend auto operator<=>(const place&, const place&) noexcept = default;
    };

    // Answers whatever `fate` gives a code for. Collected first: a handler may add requests.
    template <class Fate>
    void finish_all(Fate fate) {
        std::vector<std::pair<request_id, errc>> fates;
        for (const auto& [id, w] : waiting_) {
            if (const std::optional<errc> code = fate(w)) {
                fates.emplace_back(id, *code);
            }
        }
        for (const auto& [id, code] : fates) {
            finish(id, code, Reply{});
        }
    }
    static bool worth_another_try(errc reason) noexcept {
        return reason == errc::no_leader || reason == errc::not_leader ||
               reason == errc::leader_changed || reason == errc::transfer_in_progress;
    }
    bool refuse(const std::vector<request_id>& ids, errc reason) {
        if (worth_another_try(reason)) {
            return queue_again(ids);
        }
        for (request_id id : ids) {
            finish(id, reason, Reply{});
        }
        return false;
    }
    // Requires: none of them is queued now.
    bool queue_again(const std::vector<request_id>& ids) {
        std::vector<place> again;
        for (request_id id : ids) {
            if (const auto found = waiting_.find(id); found != waiting_.end()) {
                found->second.term = term_id{};
                found->second.batch = 0;
                again.push_back({found->second.arrival, id});
            }
        }
        std::sort(again.begin(), again.end());
        const auto between = queue_.insert(queue_.begin(), again.begin(), again.end()) +
                             static_cast<std::ptrdiff_t>(again.size());
        std::inplace_merge(queue_.begin(), between, queue_.end());
        return !again.empty();
    }
    void expire(request_id id) {
        const auto found = waiting_.find(id);
        if (found != waiting_.end()) {
            errc code = errc::no_leader;
            if (found->second.term) {
                code = why_ ? why_(found->second.admitted_at) : errc::outcome_unknown;
            }
            finish(id, code, Reply{});
        }
    }

    boost::unordered_flat_map<request_id, waiter, std::hash<request_id>> waiting_;
    std::deque<place> queue_;                                 // in the order of arrival
    std::deque<std::pair<time_point, request_id>> deadlines_; // one timeout for all: ascending
    batch batch_;
    time_point now_{};
    std::chrono::steady_clock::duration slow_limit_{};
    std::function<void(const request_timing&)> slow_;
    std::function<errc(time_point)> why_;
    std::uint64_t arrivals_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t batches_;
    term_id newest_applied_{};
};

} // namespace quorate

#endif
