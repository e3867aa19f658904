#include <quorate/consensus/invariants.hpp>
#include <quorate/server/start_state.hpp>

#include "explorer.hpp"
#include "script.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(log_crash)

namespace {

/// Opens what a crash left of a member and compares it with what was acknowledged.
class member_recovery {
public:
    /// Lifetime: refers to both.
    member_recovery(const log_options& options, const expectation& expected)
        : options_(options), expected_(expected) {}

    std::string operator()(const std::shared_ptr<simulated_disk>& disk) {
        ++count_;
        std::string wrong;
        const auto snapshots = open_snapshots(disk, wrong);
        if (snapshots == nullptr) {
            return "snapshots: " + wrong;
        }
        log_options options = options_;
        options.must_exist = snapshots->newest() != nullptr;
        auto log = open_log(disk, options, wrong);
        if (!log) {
            return wrong;
        }
        disk->observe(nullptr); // recovery is over
        const recovered_log found = (*log)->take_recovered();
        const snapshot_ptr newest = snapshots->newest();
        wrong = compare(newest, expected_);
        if (wrong.empty()) {
            wrong = compare(found, expected_);
        }
        if (found.base.index > (newest == nullptr ? log_index() : newest->last.index)) {
            wrong += " the log starts behind the newest snapshot";
        }
        if (wrong.empty()) {
            wrong = check_engine(newest, found);
        }
        if (wrong.empty() && count_ % 4 == 0) {
            wrong = check_firm(disk->clone(), found);
        }
        if (wrong.empty() && count_ % 16 == 0) {
            wrong = check_usable(disk, **log, found);
        }
        return wrong;
    }

private:
    /// An engine starts from it, and all that holds of a member holds of it.
    [[nodiscard]] std::string check_engine(const snapshot_ptr& newest,
                                           const recovered_log& found) const {
        result<start_state> start = make_start_state(newest, found);
        if (!start) {
            return "log and snapshot contradict each other";
        }
        raft_options options;
        options.id = options_.member;
        const term_id last = found.entries.empty() ? found.base.term : found.entries.back().term;
        if (start->engine.hard.term < last) {
            return "the member's term is older than its log";
        }
        return check_state(raft(options, std::move(start->engine), 0)).text;
    }
    /// What recovery gave out may be relied on: a power loss takes nothing of it.
    [[nodiscard]] std::string check_firm(const std::shared_ptr<simulated_disk>& disk,
                                         const recovered_log& found) const {
        disk->crash_now({});
        std::string failure;
        auto log = open_log(disk, options_, failure);
        if (!log) {
            return "power loss after recovery: " + failure;
        }
        const recovered_log again = (*log)->take_recovered();
        const bool same =
            again.entries == found.entries && again.hard == found.hard && again.base == found.base;
        return same ? "" : "a power loss after recovery changed what was recovered";
    }
    /// A recovered log goes on.
    [[nodiscard]] std::string check_usable(const std::shared_ptr<simulated_disk>& disk,
                                           simulated_log& log, const recovered_log& found) const {
        expectation more;
        more.log = {found.base, found.entries, found.hard, expected_.log.compacted};
        more.log.hard = {found.hard.term.next(), node_id(1), found.hard.commit};
        more.log.add(make_test_entry(found.hard.term.value() + 1, more.log.last().index.value() + 1,
                                     "goes on"));
        log.append({&more.log.entries.back(), 1});
        log.save(more.log.hard);
        if (sync(log)) {
            return "a recovered log does not go on: " + log.failure();
        }
        disk->crash_now({});
        std::string failure;
        auto again = open_log(disk, options_, failure);
        return again ? compare((*again)->take_recovered(), more) : "after going on: " + failure;
    }

    const log_options& options_;
    const expectation& expected_;
    std::uint64_t count_ = 0;
};

/// Plays the script on a disk and crashes it at every change.
void crash_everywhere(const std::string& what, const disk_options& kind, const log_options& options,
                      std::uint64_t puts, std::uint64_t stride) {
    const auto disk = std::make_shared<simulated_disk>(kind);
    script play(disk, options);
    play.changes_members = true;
    explorer crashes(stride, member_recovery(options, play.expected()));
    disk->observe([&](std::uint64_t) { crashes.explore(*disk, play.version()); });
    BOOST_TEST(!play.run(puts), play.where());
    crashes.explore(*disk);
    crashes.report(what);
    BOOST_TEST(play.expected().log.hard.commit.value() > puts);
    BOOST_TEST(disk->names(snap).size() == 2U);
}

} // namespace

BOOST_AUTO_TEST_CASE(every_crash_of_a_member) {
    crash_everywhere("50 puts", {}, options_of_log(), 50, 7);
}

BOOST_AUTO_TEST_CASE(every_crash_with_a_segment_for_each_group) {
    log_options options = options_of_log();
    options.segment_bytes = 0;
    crash_everywhere("20 puts, a segment each", {}, options, 20, 31);
}

BOOST_AUTO_TEST_CASE(every_crash_on_large_sectors) {
    disk_options kind;
    kind.sector_bytes = 4096;
    crash_everywhere("50 puts, sectors of 4096 bytes", kind, options_of_log(), 50, 31);
}

BOOST_AUTO_TEST_CASE(every_crash_of_a_disk_that_reserves_nothing_and_knows_no_boot) {
    disk_options kind;
    kind.reserves = false;
    kind.knows_boot = false;
    crash_everywhere("25 puts, neither reservation nor boot", kind, options_of_log(), 25, 31);
}

BOOST_AUTO_TEST_SUITE_END()
