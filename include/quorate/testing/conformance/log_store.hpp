// Conformance of a log_store: random use against the log that it should hold.
// Flow:       none
// In / Out:   a model type, options → a report
// Invariants: what a finished sync made durable is there after opening again; nothing else is
// Source:     doc/concept/log_store.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_LOG_STORE_HPP
#define QUORATE_TESTING_CONFORMANCE_LOG_STORE_HPP

#include <quorate/format/record.hpp>
#include <quorate/log/log_store.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

/// Returns: an entry with a valid checksum.
[[nodiscard]] inline entry make_test_entry(std::uint64_t term, std::uint64_t index,
                                           byte_view payload,
                                           entry_kind kind = entry_kind::normal) {
    return {term_id(term), log_index(index), kind, payload_checksum_of(payload),
            shared_bytes::copy_of(payload)};
}

/// One run. `options` name an empty directory, for models that use one. `durable` says whether
/// the model is to remember anything. Small segments make the run reach more.
template <log_store Log>
class log_store_suite {
public:
    log_store_suite(log_options options, bool durable, std::uint64_t seed)
        : options_(std::move(options)), durable_(durable), random_(seed) {}

    [[nodiscard]] conformance_report run(int steps) {
        if (!open()) {
            return report_;
        }
        check_empty_job();
        check_queue_beside_a_job();
        for (int step = 0; step < steps && log_ != nullptr; ++step) {
            take_step();
        }
        if (log_ != nullptr) {
            sync();
            reopen();
        }
        return report_;
    }

private:
    /// What the log should hold: of what is durable, or with what is queued.
    struct state {
        hard_state hard;
        log_id base;                // of the last restart
        log_index compact;          // entries up to here may be gone
        std::vector<entry> entries; // all since the last restart

        [[nodiscard]] log_id last() const { return entries.empty() ? base : entries.back().id(); }
    };

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    void take_step() {
        const std::uint64_t dice = below(100);
        if (dice < 55) {
            append();
        } else if (dice < 70) {
            save();
        } else if (dice < 74) {
            compact();
        } else if (dice < 76) {
            restart();
        } else if (dice < 93) {
            sync();
        } else if (dice < 96) {
            fall_idle();
        } else {
            reopen();
        }
    }

    bool open() {
        result<std::unique_ptr<Log>> opened = Log::open(options_);
        if (!report_.expect(opened.has_value(), "the log opens")) {
            return false;
        }
        log_ = std::move(*opened);
        report_.expect(!log_->pending(), "nothing waits in a log just opened");
        check_recovered(log_->take_recovered());
        return true;
    }

    void check_recovered(const recovered_log& found) {
        const state& want = synced_;
        const log_index last =
            found.entries.empty() ? found.base.index : found.entries.back().index;
        report_.expect(found.base.index >= want.base.index, "the base is not before the restart");
        report_.expect(found.base.index <= std::max(want.base.index, want.compact),
                       "no entry is gone that was not compacted");
        report_.expect(last == want.last().index, "the log ends where it was synced");
        report_.expect(found.hard.term == want.hard.term || want.hard.term < want.last().term,
                       "the term is remembered");
        report_.expect(found.hard.term >= want.hard.term, "the term does not fall");
        report_.expect(found.hard.vote == want.hard.vote || found.hard.term != want.hard.term,
                       "the vote is remembered");
        report_.expect(found.hard.commit <= last, "the commit index is within the log");
        report_.expect(found.hard.commit >= std::min(want.hard.commit, last),
                       "the commit index is remembered");
        if (found.base.index < want.base.index || last != want.last().index) {
            return;
        }
        const auto skipped = static_cast<std::size_t>(found.base.index - want.base.index);
        const log_id base = skipped == 0 ? want.base : want.entries[skipped - 1].id();
        report_.expect(found.base == base, "the base is the entry before the first");
        report_.expect(std::ranges::equal(found.entries, std::span(want.entries).subspan(skipped)),
                       "the entries are those that were synced");
        // A model may forget what is compacted, and then it stays forgotten.
        synced_.base = found.base;
        synced_.entries = found.entries;
        synced_.hard = found.hard;
    }

    void check_empty_job() {
        auto job = log_->begin_sync();
        const error_code outcome = job.run();
        report_.expect(!outcome, "a job with nothing to do succeeds");
        log_->finish_sync(std::move(job), outcome);
        report_.expect(!log_->pending(), "and leaves nothing behind");
    }

    void check_queue_beside_a_job() {
        append();
        report_.expect(log_->pending(), "appended entries wait");
        auto job = log_->begin_sync();
        report_.expect(!log_->pending(), "a job takes all that waits");
        const state taken = queued_;
        append();
        save();
        report_.expect(log_->pending(), "what is queued beside a job waits for the next one");
        const error_code outcome = job.run();
        report_.expect(!outcome, "the job succeeds");
        log_->finish_sync(std::move(job), outcome);
        if (durable_) {
            synced_ = taken;
        }
        report_.expect(log_->pending(), "and still waits when the job is done");
        sync();
        reopen();
    }

    /// Replaces some of the end now and then, but never what is committed.
    void append() {
        const log_index floor = std::max(queued_.base.index, queued_.hard.commit);
        const std::uint64_t uncommitted = queued_.last().index - floor;
        std::uint64_t next = queued_.last().index.value() + 1;
        std::uint64_t term = std::max(queued_.last().term.value(), std::uint64_t{1});
        if (below(6) == 0) {
            ++term;
            next -= below(uncommitted + 1);
        }
        std::vector<entry> more;
        for (std::uint64_t count = 1 + below(4); count > 0; --count, ++next) {
            const std::string payload(below(3) == 0 ? below(3000) : below(40),
                                      static_cast<char>('a' + next % 26));
            const auto kind = static_cast<entry_kind>(below(3));
            more.push_back(make_test_entry(term, next, payload, kind));
        }
        const auto keep =
            static_cast<std::size_t>(more.front().index.value() - queued_.base.index.value() - 1);
        queued_.entries.resize(keep);
        queued_.entries.insert(queued_.entries.end(), more.begin(), more.end());
        log_->append(more);
    }

    void save() {
        hard_state& hard = queued_.hard;
        if (below(2) == 0) {
            hard.term = std::max(hard.term, queued_.last().term) + below(2);
            hard.vote = node_id(below(4));
        }
        const log_index floor = std::max(hard.commit, queued_.base.index);
        hard.commit = floor + below(queued_.last().index - floor + 1);
        log_->save(hard);
    }

    void compact() {
        const log_index upto = std::max(queued_.hard.commit, queued_.base.index);
        queued_.compact = std::max(queued_.compact, upto);
        log_->compact(upto);
    }

    /// As after a snapshot from the leader: beyond everything here.
    void restart() {
        const log_id id{queued_.last().term + 1, queued_.last().index + (1 + below(20))};
        queued_.base = id;
        queued_.entries.clear();
        queued_.compact = log_index();
        queued_.hard.term = std::max(queued_.hard.term, id.term);
        queued_.hard.commit = id.index;
        log_->save(queued_.hard);
        log_->restart(id);
    }

    void sync() {
        auto job = log_->begin_sync();
        const error_code outcome = job.run();
        report_.expect(!outcome, "syncing succeeds");
        log_->finish_sync(std::move(job), outcome);
        report_.expect(!log_->pending(), "nothing waits after a sync");
        if (durable_) {
            synced_ = queued_;
        }
    }

    /// Changes nothing but what the log can vouch for, and comes to an end.
    void fall_idle() {
        sync();
        const bool wanted = log_->idle();
        report_.expect(wanted == log_->pending(), "idle says whether a job is wanted");
        sync();
        report_.expect(!log_->idle(), "and one such job is enough");
    }

    void reopen() {
        log_.reset();
        open();
        queued_ = synced_;
    }

    log_options options_;
    bool durable_;
    std::mt19937_64 random_;
    conformance_report report_;
    std::unique_ptr<Log> log_;
    state synced_;
    state queued_;
};

} // namespace quorate::testing

#endif
