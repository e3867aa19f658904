#include "workload.hpp"

#include <algorithm>
#include <limits>

namespace quorate_load {

workload::workload(const options& chosen, std::uint64_t index, std::uint64_t run)
    : options_(chosen),
      index_(index),
      threads_(chosen.threads),
      run_(run),
      requests_(chosen),
      histories_((chosen.key_space - index + threads_ - 1) / threads_),
      random_(chosen.seed * 1'000'003 + index) {}

void workload::begin(const phase& next, tally& counts) {
    phase_ = next;
    counts_ = &counts;
    issued_ = 0;
    const steady::time_point now = steady::now();
    deadline_ = next.duration.count() > 0 ? now + next.duration : steady::time_point::max();
    due_ = now;
    interval_ = std::chrono::nanoseconds(next.rate > 0 ? static_cast<std::int64_t>(1e9 / next.rate)
                                                       : std::int64_t{0});
}

bool workload::finished(steady::time_point now) const {
    return (phase_.total > 0 && issued_ >= phase_.total) || now >= deadline_;
}

workload::step workload::next(steady::time_point now, operation& out) {
    if (finished(now)) {
        return step::finished;
    }
    if (interval_.count() > 0) {
        if (now < due_) {
            return step::later;
        }
        // A stall is made up for, but not for longer than this.
        due_ = std::max(due_, now - std::chrono::milliseconds(100)) + interval_;
    }
    ++issued_;
    const std::uint64_t place =
        phase_.sequential ? in_order_++ % keys() : random_() % histories_.size();
    out.key = place * threads_ + index_;
    const double dice = static_cast<double>(random_() >> 11) * 0x1p-53;
    out.kind = dice < phase_.put_share ? request_kind::put : request_kind::get;
    if (out.kind == request_kind::put) {
        out.write = history(out.key).begin_write();
    } else {
        out.read = history(out.key).begin_read();
    }
    out.sent = now;
    counts_->first = std::min(counts_->first, now);
    return step::ready;
}

void workload::write_request(const operation& asked, std::string& out) const {
    if (asked.kind == request_kind::put) {
        requests_.append_put(asked.key, {run_, asked.key, asked.write.number}, out);
    } else {
        requests_.append_get(asked.key, out);
    }
}

bool workload::on_answer(const operation& asked, unsigned status, std::string_view body,
                         steady::time_point now) {
    std::string_view value;
    const answer_kind answer = read_answer(options_.api, asked.kind, status, body, storage_, value);
    if (answer == answer_kind::malformed) {
        return false;
    }
    if (answer == answer_kind::refused) {
        count_error("status " + std::to_string(status), now);
        return true;
    }
    counts_->last = std::max(counts_->last, now);
    if (asked.kind == request_kind::put) {
        history(asked.key).acknowledge(asked.write);
        counts_->puts.record(now - asked.sent);
    } else {
        counts_->gets.record(now - asked.sent);
        counts_->absent += answer == answer_kind::absent ? 1U : 0U;
        judge(asked, answer == answer_kind::found, value);
    }
    seen.answered.fetch_add(1, std::memory_order_relaxed);
    return true;
}

// What another run has written counts as what was there before this one: write 0.
void workload::judge(const operation& asked, bool found, std::string_view value) {
    std::uint64_t number = 0;
    if (found) {
        const std::optional<stamp> its = read_stamp(value);
        if (!its.has_value()) {
            blame("damaged", asked, number);
            return;
        }
        if (its->key != asked.key) {
            blame("of another key", asked, its->number);
            return;
        }
        number = its->run == run_ ? its->number : 0;
    }
    const key_history& known = history(asked.key);
    if (!known.written(number)) {
        blame("never written", asked, number);
    } else if (!options_.serializable && !known.possible(asked.read, number)) {
        blame(found ? "stale" : "lost", asked, number);
    }
}

void workload::blame(const char* what, const operation& asked, std::uint64_t number) {
    ++counts_->violations[what];
    seen.wrong.fetch_add(1, std::memory_order_relaxed);
    if (counts_->descriptions.size() < tally::descriptions_max) {
        counts_->descriptions.push_back(requests_.key_text(asked.key) + ": " + what +
                                        "; the answer was write " + std::to_string(number) +
                                        ", begun when the GET was sent were " +
                                        std::to_string(asked.read.newest));
    }
}

void workload::on_failure(const char* why, steady::time_point now) {
    count_error(why, now);
}

void workload::on_unconnected(steady::time_point now) {
    if (!finished(now)) {
        ++issued_;
        counts_->first = std::min(counts_->first, now);
        count_error("no connection", now);
    }
}

void workload::count_error(const std::string& name, steady::time_point now) {
    ++counts_->errors[name];
    counts_->last = std::max(counts_->last, now);
    seen.failed.fetch_add(1, std::memory_order_relaxed);
}

} // namespace quorate_load
