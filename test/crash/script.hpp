// A member's life as one that uses a log and a snapshot store sees it, and a look at each moment.
// Flow:    none
#ifndef QUORATE_TEST_CRASH_SCRIPT_HPP
#define QUORATE_TEST_CRASH_SCRIPT_HPP

#include <quorate/consensus/membership_change.hpp>

#include <algorithm>
#include <functional>

#include "model.hpp"

namespace crash_test {

/// Plays a member: bootstrap, puts of several sizes, membership changes one at a time, replaced
/// suffixes, votes, rotations, snapshots, compactions, two restarts of the process, one of the log
/// behind a leader's snapshot. `expected` is true at every moment.
class script {
public:
    script(std::shared_ptr<simulated_disk> disk, const log_options& options)
        : disk_(std::move(disk)), options_(options) {}

    /// Effects: everything, `puts` of them. Returns: the first error, with the step in `where`.
    [[nodiscard]] error_code run(std::uint64_t puts);

    [[nodiscard]] const expectation& expected() const noexcept { return expected_; }
    /// Returns: a number that changes with it, from 1.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
    [[nodiscard]] const std::string& where() const noexcept { return where_; }
    /// Returns: every entry that was ever appended.
    [[nodiscard]] const std::vector<entry>& history() const noexcept { return history_; }
    [[nodiscard]] simulated_log& log() noexcept { return *log_; }
    [[nodiscard]] bool opened() const noexcept { return log_ != nullptr; }
    /// Returns: how one more job ends, after one that failed.
    [[nodiscard]] error_code again() {
        log_->save(expected_.log.hard);
        return sync(*log_);
    }

    /// Whether puts change the membership too, one change at a time.
    bool changes_members = false;
    /// Called when the disk is full: whether to try the very same again.
    std::function<bool()> when_full = [] { return false; };

private:
    [[nodiscard]] error_code open();
    [[nodiscard]] error_code job(job_content content);
    [[nodiscard]] error_code put(std::uint64_t number);
    [[nodiscard]] error_code take_snapshot(log_id last);
    [[nodiscard]] std::vector<entry> make_entries(std::uint64_t first, std::uint64_t number) const;
    void maybe_change_members(job_content& content, std::uint64_t number) const;
    error_code at(std::string step, error_code outcome) {
        if (outcome && where_.empty()) {
            where_ = std::move(step);
        }
        return outcome;
    }

    std::shared_ptr<simulated_disk> disk_;
    log_options options_;
    std::unique_ptr<simulated_log> log_;
    std::unique_ptr<simulated_snapshots> snapshots_;
    expectation expected_;
    std::uint64_t version_ = 1;
    std::uint64_t term_ = 1;
    std::string where_;
    std::vector<entry> history_;
};

inline error_code script::open() {
    log_.reset();
    snapshots_.reset();
    std::string failure;
    snapshots_ = open_snapshots(disk_, failure);
    if (snapshots_ == nullptr) {
        return at("snapshots: " + failure, errc::corrupt);
    }
    auto log = open_log(disk_, options_, failure);
    while (!log && log.error() == errc::no_space && when_full()) {
        log = open_log(disk_, options_, failure);
    }
    if (!log) {
        return at("log: " + failure, log.error());
    }
    log_ = std::move(*log);
    return {};
}

inline error_code script::job(job_content content) {
    if (content.restart) {
        log_->restart(*content.restart);
    }
    if (!content.entries.empty()) {
        log_->append(content.entries);
    }
    if (content.hard) {
        log_->save(*content.hard);
    }
    if (content.compact) {
        log_->compact(content.compact);
    }
    history_.insert(history_.end(), content.entries.begin(), content.entries.end());
    expected_.job = std::move(content);
    ++version_;
    auto running = log_->begin_sync();
    error_code outcome = running.run();
    while (outcome == errc::no_space && when_full()) {
        outcome = running.run();
    }
    log_->finish_sync(std::move(running), outcome);
    if (outcome) {
        return at("log: " + log_->failure(), outcome);
    }
    expected_.log.apply(*expected_.job, expected_.job->entries.size(), true);
    expected_.job.reset();
    ++version_;
    return {};
}

inline std::vector<entry> script::make_entries(std::uint64_t first, std::uint64_t number) const {
    static constexpr std::size_t sizes[] = {11, 0, 300, 472, 64, 900, 1, 1600};
    std::vector<entry> entries;
    for (std::uint64_t i = 0; i < 1 + number % 3; ++i) {
        const std::size_t size = sizes[(number + i * 3) % 8];
        entries.push_back(make_test_entry(
            term_, first + i, std::string(size, static_cast<char>('a' + (first + number) % 26))));
    }
    return entries;
}

// A leader makes the next change once the one before it is committed, and what is committed travels
// with the entry.
inline void script::maybe_change_members(job_content& content, std::uint64_t number) const {
    const log_index first = content.entries.front().index;
    const log_index commit = content.hard.value_or(expected_.log.hard).commit;
    const auto pending = [&](const entry& e) {
        return e.kind != entry_kind::normal && e.index > commit && e.index < first;
    };
    const std::vector<entry>& before = expected_.log.entries;
    if (std::none_of(before.begin(), before.end(), pending)) {
        membership_change change;
        change.changes.push_back({change_kind::add_learner, node_id(100 + number)});
        entry& made = content.entries.back();
        made.kind = entry_kind::change;
        made.payload = encode(change, made.kind);
        made.payload_checksum = payload_checksum_of(made.payload.view());
    }
}

inline error_code script::put(std::uint64_t number) {
    job_content content;
    std::uint64_t first = expected_.log.last().index.value() + 1;
    if (number % 7 == 6) {
        ++term_; // another leader replaces what was not committed
        first = std::max(first - 2, expected_.log.hard.commit.value() + 1);
        content.hard = hard_state{term_id(term_), node_id(number % 3), expected_.log.hard.commit};
    } else if (number % 3 == 0) {
        const std::uint64_t commit = std::max(first - 2, expected_.log.hard.commit.value());
        content.hard = hard_state{term_id(term_), expected_.log.hard.vote, log_index(commit)};
    }
    if (number % 5 == 4) {
        // A vote alone, in a term whose leader never writes.
        const hard_state vote{term_id(++term_), node_id(2), expected_.log.hard.commit};
        if (const error_code failed = job({{}, {}, vote, {}})) {
            return failed;
        }
        if (content.hard) {
            content.hard->term = term_id(term_);
        }
    }
    content.entries = make_entries(first, number);
    if (changes_members) {
        maybe_change_members(content, number);
    }
    return job(std::move(content));
}

inline error_code script::take_snapshot(log_id last) {
    const snapshot taken = make_snapshot(last, 700);
    expected_.snap_underway = taken;
    ++version_;
    error_code outcome = snapshots_->save(taken);
    while (outcome && is_out_of_space(outcome) && when_full()) {
        outcome = snapshots_->save(taken);
    }
    if (outcome) {
        return at("snapshots: " + outcome.message(), outcome);
    }
    expected_.snap = std::exchange(expected_.snap_underway, {});
    ++version_;
    return {};
}

inline error_code script::run(std::uint64_t puts) {
    error_code failed = open();
    if (!failed) {
        failed = job({{},
                      {make_test_entry(1, 1, "bootstrap")},
                      hard_state{term_id(1), {}, log_index(1)},
                      {}});
    }
    for (std::uint64_t number = 1; !failed && number <= puts; ++number) {
        failed = put(number);
        const log_index commit = expected_.log.hard.commit;
        if (!failed && number % 16 == 15) {
            failed = take_snapshot(expected_.log.at(commit).id());
            if (!failed) {
                failed = job({{}, {}, {}, log_index(commit.value() - 4)});
            }
        }
        if (!failed && number % 20 == 13) {
            failed = open(); // the process ended and starts again
        }
        if (!failed && number == puts - 10) {
            const log_id far{term_id(term_), log_index(expected_.log.last().index.value() + 40)};
            failed = take_snapshot(far);
            const hard_state hard{term_id(term_), {}, far.index};
            failed = failed ? failed : job({far, {}, hard, {}});
        }
        if (number % 4 == 0) {
            disk_->write_back();
        }
    }
    return failed;
}

} // namespace crash_test

#endif
