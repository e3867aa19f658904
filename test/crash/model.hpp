// What a member was told is durable, and whether what a disk gives back agrees with it.
// Flow:    none
#ifndef QUORATE_TEST_CRASH_MODEL_HPP
#define QUORATE_TEST_CRASH_MODEL_HPP

#include <optional>

#include "support.hpp"

namespace crash_test {

/// What one sync job makes durable.
struct job_content {
    std::optional<log_id> restart;
    std::vector<entry> entries;
    std::optional<hard_state> hard;
    log_index compact;
};

/// What a log holds when all it was told is done. Compacted entries are remembered too.
struct log_content {
    log_id base; // of the last restart
    std::vector<entry> entries;
    hard_state hard;
    log_index compacted;

    [[nodiscard]] log_id last() const { return entries.empty() ? base : entries.back().id(); }
    [[nodiscard]] bool holds(log_index index) const {
        return index > base.index && index <= last().index;
    }
    [[nodiscard]] const entry& at(log_index index) const {
        return entries.at(static_cast<std::size_t>(index.value() - base.index.value() - 1));
    }
    void add(const entry& e) {
        entries.resize(static_cast<std::size_t>(e.index.value() - base.index.value() - 1));
        entries.push_back(e);
    }
    /// Effects: does `count` of the entries of the job, and the rest of it only with `whole`.
    void apply(const job_content& job, std::size_t count, bool whole) {
        if (job.restart) {
            base = *job.restart;
            entries.clear();
        }
        for (std::size_t i = 0; i < count; ++i) {
            add(job.entries[i]);
        }
        if (whole) {
            hard = job.hard.value_or(hard);
            compacted = std::max(compacted, job.compact);
        }
    }
};

/// All that must be, or may be, on the disk at one moment.
struct expectation {
    log_content log;                       // acknowledged
    std::optional<job_content> job;        // running
    std::optional<snapshot> snap;          // acknowledged
    std::optional<snapshot> snap_underway; // being saved
};

/// Returns: what is wrong with the entries, when exactly these are to be there; else nothing.
[[nodiscard]] inline std::string compare_entries(const recovered_log& found,
                                                 const log_content& wanted, log_index compacted) {
    if (found.base.index < wanted.base.index) {
        return "the base is before the restart";
    }
    if (found.base.index > std::max(compacted, wanted.base.index)) {
        return "entries that are not compacted are before the base";
    }
    const log_id base =
        wanted.holds(found.base.index) ? wanted.at(found.base.index).id() : wanted.base;
    if (found.base != base) {
        return "the base is another entry";
    }
    const std::uint64_t count = wanted.last().index.value() - found.base.index.value();
    if (found.base.index > wanted.last().index || found.entries.size() != count) {
        return "there are " + std::to_string(found.entries.size()) + " entries after " +
               std::to_string(found.base.index.value()) + ", not up to " +
               std::to_string(wanted.last().index.value());
    }
    for (const entry& e : found.entries) {
        if (!(e == wanted.at(e.index))) {
            return "entry " + std::to_string(e.index.value()) + " is another one";
        }
    }
    return {};
}

/// Returns: what is wrong with the hard state; else nothing.
[[nodiscard]] inline std::string compare_hard(const recovered_log& found, const expectation& e) {
    const hard_state& old = e.log.hard;
    const hard_state next = e.job && e.job->hard ? *e.job->hard : old;
    const log_id last = found.entries.empty() ? found.base : found.entries.back().id();
    const auto is = [&found](const hard_state& h) {
        return found.hard.term == h.term && found.hard.vote == h.vote;
    };
    const bool raised =
        found.hard.term == last.term && last.term > old.term && found.hard.vote == node_id();
    if (!is(old) && !is(next) && !raised) {
        return "term " + std::to_string(found.hard.term.value()) + " and vote " +
               std::to_string(found.hard.vote.value()) + " were never saved";
    }
    if (found.hard.commit < old.commit || found.hard.commit > last.index ||
        found.hard.commit > std::max({old.commit, next.commit, found.base.index})) {
        return "commit index " + std::to_string(found.hard.commit.value());
    }
    return found.hard.lost == lost_log() ? "" : "something is said to be lost";
}

/// Returns: what is wrong with what was recovered; else nothing. Acknowledged is there, and of the
/// running job a prefix.
[[nodiscard]] inline std::string compare(const recovered_log& found, const expectation& e) {
    const log_index compacted = e.job ? std::max(e.log.compacted, e.job->compact) : e.log.compacted;
    std::string wrong = compare_entries(found, e.log, compacted);
    for (std::size_t i = 0; !wrong.empty() && e.job && i <= e.job->entries.size(); ++i) {
        log_content more = e.log;
        more.apply(*e.job, i, false);
        if (compare_entries(found, more, compacted).empty()) {
            wrong.clear();
        }
    }
    return wrong.empty() ? compare_hard(found, e) : wrong;
}

[[nodiscard]] inline bool same(const snapshot& one, const snapshot& two) {
    return one.last == two.last && one.members == two.members && bytes_of(one) == bytes_of(two);
}

/// Returns: what is wrong with the newest snapshot; else nothing.
[[nodiscard]] inline std::string compare(const snapshot_ptr& found, const expectation& e) {
    if (found == nullptr) {
        return e.snap ? "the snapshot is gone" : "";
    }
    const bool old = e.snap && same(*found, *e.snap);
    const bool next = e.snap_underway && same(*found, *e.snap_underway);
    return old || next ? "" : "the snapshot is another one";
}

} // namespace crash_test

#endif
