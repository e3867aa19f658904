#include <quorate/log/segment_writer.hpp>

#include "support.hpp"

// A disk that fails at every single operation in turn: nothing acknowledged is lost, nothing is
// tried again, and a fresh start finds a log that makes sense.

using namespace log_test;

BOOST_AUTO_TEST_SUITE(segment_writer_suite)

namespace {

using faulty_log = segmented_log<faulty_volume>;

/// What the log held when each job was done, in the order of the jobs.
struct expected_state {
    log_id base;
    log_index compacted;
    std::vector<entry> entries;
    hard_state hard;
};

/// Runs the same jobs on a disk with a plan, up to the first that fails.
class run_on_faulty_disk {
public:
    run_on_faulty_disk(const log_options& options, fault_plan plan)
        : options_(options), plan_(std::make_shared<fault_plan>(plan)) {}

    void run() {
        result<posix_volume> disk = posix_volume::open(options_.directory);
        BOOST_REQUIRE(disk.has_value());
        auto opened = faulty_log::open(options_, faulty_volume(std::move(*disk), plan_));
        if (!opened) {
            failed_ = true;
            BOOST_TEST((opened.error() == fault_plan::error()));
            return;
        }
        log_ = std::move(*opened);
        for (std::uint64_t group = 0; group < 4; ++group) {
            append(make_entries(1, 1 + group * 3, 3, 700));
            save({term_id(1), node_id(2), log_index(1 + group * 3)});
            sync();
        }
        append(make_entries(2, 11, 2, 50)); // instead of 11 and 12
        sync();
        save({term_id(3), node_id(1), log_index(9)});
        sync();
        queued_.compacted = log_index(9);
        log_->compact(log_index(9));
        sync();
        queued_ = {{term_id(3), log_index(40)}, {}, {}, {term_id(3), node_id(1), log_index(40)}};
        log_->save(queued_.hard);
        log_->restart(queued_.base);
        append(make_entries(3, 41, 2, 20));
        sync();
        append(make_entries(3, 43, 1, 20));
        sync();
    }

    void give_back() noexcept { give_back_ = true; }

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] int waits() const noexcept { return waits_; }
    [[nodiscard]] int operations() const noexcept { return plan_->operations; }
    [[nodiscard]] const expected_state& acknowledged() const noexcept { return acknowledged_; }
    [[nodiscard]] const expected_state& attempted() const noexcept { return attempted_; }

private:
    void append(const std::vector<entry>& entries) {
        queued_.entries.resize(static_cast<std::size_t>(entries.front().index.value() -
                                                        queued_.base.index.value() - 1));
        queued_.entries.insert(queued_.entries.end(), entries.begin(), entries.end());
        log_->append(entries);
    }
    void save(const hard_state& hard) {
        queued_.hard = hard;
        log_->save(hard);
    }
    void sync() {
        auto job = log_->begin_sync();
        error_code outcome = job.run();
        if (outcome == errc::no_space) {
            outcome = wait_for_space(job);
        }
        log_->finish_sync(std::move(job), outcome);
        if (failed_) {
            // Final: whatever the disk does later, this log writes no more.
            BOOST_TEST((outcome == errc::poisoned));
            return;
        }
        if (outcome) {
            failed_ = true;
            attempted_ = queued_;
            BOOST_TEST((outcome == fault_plan::error()));
            BOOST_TEST(log_->failure().find(options_.directory.string()) == 0U, log_->failure());
            BOOST_TEST(log_->failure().find(outcome.message()) != std::string::npos);
            plan_->fail_at = -1; // the disk recovers, the log must not
            return;
        }
        BOOST_TEST(log_->failure() == "");
        acknowledged_ = queued_;
        attempted_ = queued_;
    }

    /// Returns: what the same job, or one that holds the same, does once there is space again.
    error_code wait_for_space(faulty_log::sync_job& job) {
        ++waits_;
        BOOST_TEST((job.run() == errc::no_space));
        BOOST_TEST(log_->failure() == "");
        if (give_back_) {
            log_->finish_sync(std::move(job), errc::no_space);
            BOOST_TEST(log_->pending());
            job = log_->begin_sync();
        }
        plan_->full_at = -1;
        const error_code outcome = job.run();
        BOOST_TEST(!outcome, outcome.message());
        return outcome;
    }

    log_options options_;
    std::shared_ptr<fault_plan> plan_;
    std::unique_ptr<faulty_log> log_;
    bool failed_ = false;
    bool give_back_ = false;
    int waits_ = 0;
    expected_state queued_;
    expected_state acknowledged_;
    expected_state attempted_;
};

/// Returns: whether a log is this state with nothing but compacted entries missing.
bool is(const recovered_log& found, const expected_state& want) {
    const log_index highest = std::max(want.base.index, want.compacted);
    if (found.base.index < want.base.index || found.base.index > highest) {
        return false;
    }
    const auto skipped = static_cast<std::size_t>(found.base.index - want.base.index);
    return skipped <= want.entries.size() &&
           std::ranges::equal(found.entries, std::span(want.entries).subspan(skipped));
}

void check_every_failure(std::uint64_t segment_bytes, bool half_done) {
    int operations = 1;
    for (int at = 0; at < operations; ++at) {
        scratch_directory scratch;
        log_options options = options_for(scratch.path());
        options.segment_bytes = segment_bytes;
        run_on_faulty_disk run(options, {at, half_done, 0});
        run.run();
        BOOST_TEST(run.failed());
        // What the process wrote is still there: the operating system did not crash.
        const auto log = open_log(options);
        const recovered_log found = log->take_recovered();
        // A group that failed may be there in part: its sound frames from the front.
        expected_state partly = run.attempted();
        bool one_of_them = is(found, run.acknowledged());
        for (; !one_of_them && partly.entries.size() > 0; partly.entries.pop_back()) {
            one_of_them = is(found, partly);
        }
        one_of_them = one_of_them || is(found, partly);
        BOOST_TEST(one_of_them, "after operation " << at << " failed");
        BOOST_TEST((found.hard.term >= run.acknowledged().hard.term));
        append_and_sync(*log,
                        make_entries(5, found.base.index.value() + found.entries.size() + 1, 1));
        // How many there are is known once all but the last succeed.
        if (at + 1 == operations) {
            scratch_directory again;
            log_options other = options;
            other.directory = again.path();
            run_on_faulty_disk whole(other, {});
            whole.run();
            BOOST_TEST(!whole.failed());
            operations = whole.operations();
        }
    }
    BOOST_TEST(operations > 40);
}

} // namespace

BOOST_AUTO_TEST_CASE(every_operation_that_can_fail_is_final) {
    check_every_failure(24 << 10, false);
}

BOOST_AUTO_TEST_CASE(every_operation_that_can_fail_half_way_is_final) {
    check_every_failure(24 << 10, true);
}

BOOST_AUTO_TEST_CASE(the_same_while_every_group_opens_a_segment) {
    check_every_failure(1, true);
}

BOOST_AUTO_TEST_CASE(a_full_disk_stops_nothing_for_good) {
    int waits = 0;
    for (const std::uint64_t segment_bytes : {std::uint64_t{24} << 10, std::uint64_t{1}}) {
        for (int at = 4; at < 60; ++at) { // the operations before are those of opening
            scratch_directory scratch;
            log_options options = options_for(scratch.path());
            options.segment_bytes = segment_bytes;
            run_on_faulty_disk run(options, {-1, true, 0, at});
            if (at % 2 == 0) {
                run.give_back();
            }
            run.run();
            BOOST_TEST(!run.failed());
            waits += run.waits();
            const auto log = open_log(options);
            const recovered_log found = log->take_recovered();
            BOOST_TEST(is(found, run.acknowledged()), "no space from operation " << at);
            BOOST_TEST((found.hard == run.acknowledged().hard));
            BOOST_TEST(found.note == "");
        }
    }
    BOOST_TEST(waits > 60);
}

BOOST_AUTO_TEST_CASE(a_log_cannot_be_opened_without_space_and_says_so) {
    scratch_directory scratch;
    log_options options = options_for(scratch.path());
    append_and_sync(*open_log(options), make_entries(1, 1, 3));
    const std::vector<std::string> before = names_in(scratch.path());
    for (int at = 0; at < 3; ++at) {
        std::string failure;
        options.failure = &failure;
        result<posix_volume> disk = posix_volume::open(options.directory);
        BOOST_REQUIRE(disk.has_value());
        const auto plan = std::make_shared<fault_plan>(fault_plan{-1, true, 0, at});
        const auto opened = faulty_log::open(options, faulty_volume(std::move(*disk), plan));
        BOOST_TEST((opened.error() == errc::no_space));
        BOOST_TEST(failure.find("No space left") != std::string::npos, failure);
        BOOST_TEST(names_in(scratch.path()) == before, boost::test_tools::per_element());
    }
    BOOST_TEST(open_log(options)->take_recovered().entries.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_sync_that_fails_takes_back_what_its_slot_claimed) {
    scratch_directory scratch;
    const log_options options = options_for(scratch.path());
    const auto plan = std::make_shared<fault_plan>();
    {
        result<posix_volume> disk = posix_volume::open(options.directory);
        BOOST_REQUIRE(disk.has_value());
        auto opened = faulty_log::open(options, faulty_volume(std::move(*disk), plan));
        BOOST_REQUIRE(opened.has_value());
        append_and_sync(**opened, make_entries(1, 1, 3));
        (*opened)->append(make_entries(1, 4, 3));
        plan->fail_at = plan->operations + 2; // frames and slot are written, the sync fails
        plan->fails_once = true;
        BOOST_TEST((sync(**opened) == fault_plan::error()));
        (*opened)->save({term_id(1), {}, {}});
        BOOST_TEST((sync(**opened) == errc::poisoned));
    }
    // The system dropped the frames and kept the slot.
    const std::filesystem::path file = scratch.path() / names_in(scratch.path()).front();
    std::string bytes = read_file(file);
    std::fill(bytes.begin() + segment_head_bytes + 3 * (40 + 11), bytes.end(), '\0');
    write_file(file, bytes);
    const auto log = open_log(options);
    BOOST_TEST(log->take_recovered().entries.size() == 3U);
}

BOOST_AUTO_TEST_CASE(nothing_is_written_in_steady_state_but_frames_and_a_slot) {
    scratch_directory scratch;
    const log_options options = options_for(scratch.path());
    const auto plan = std::make_shared<fault_plan>();
    result<posix_volume> disk = posix_volume::open(options.directory);
    BOOST_REQUIRE(disk.has_value());
    auto opened = faulty_log::open(options, faulty_volume(std::move(*disk), plan));
    BOOST_REQUIRE(opened.has_value());
    const int before = plan->operations;
    append_and_sync(**opened, make_entries(1, 1, 20));
    BOOST_TEST(plan->operations - before == 3); // frames, slot, one sync
    (*opened)->save({term_id(2), {}, {}});
    BOOST_REQUIRE(!sync(**opened));
    BOOST_TEST(plan->operations - before <= 6);
    BOOST_REQUIRE(!sync(**opened)); // nothing to do
    BOOST_TEST(plan->operations - before <= 6);
}

BOOST_AUTO_TEST_SUITE_END()
