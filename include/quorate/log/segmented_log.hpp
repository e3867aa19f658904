// The durable log: chained frames in segment files, one sync for each group of entries.
// Flow:       7. record → durable
// In / Out:   entries, hard state → durable; a directory → recovered log
// Invariants: R7 (nothing is acknowledged before it is durable); what was acknowledged is there
//             after a crash, or its loss is reported
// Source:     doc/concept/log_store.md, doc/format.md; LogCabin's sync job, etcd's append-only log
// Threads:    the owner's, but for sync_job::run, which may run on one other thread
#ifndef QUORATE_LOG_SEGMENTED_LOG_HPP
#define QUORATE_LOG_SEGMENTED_LOG_HPP

#include <quorate/log/log_batch.hpp>
#include <quorate/log/log_store.hpp>
#include <quorate/log/posix_volume.hpp>
#include <quorate/log/segment_writer.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace quorate {

/// Models log_store on any volume.
///
/// A group commit is one gathering write of all entries, one small write of a slot and one sync,
/// whatever the number of entries. The slot vouches for the group as long as the machine runs, and
/// for what was durable before it after a loss of power; `idle` makes the two the same.
///
/// Saving a hard state costs a sync too. One in which only the commit index changed may wait in
/// the queue for the next entries, at no risk.
template <volume V = posix_volume>
class segmented_log {
public:
    static constexpr bool blocking = true;

    /// Owns what it writes. It may be run after the log is gone, and then still works.
    class sync_job {
    public:
        /// Effects: makes the batch durable. Call once, and again after no_space.
        /// Errors: no_space; those of the operating system at the first failure, poisoned after it.
        [[nodiscard]] error_code run() {
            return batch_.empty() ? error_code() : writer_->execute(batch_);
        }
        /// Returns: which step of the last run failed, and why. Requires: it is not running.
        [[nodiscard]] const std::string& failure() const noexcept { return writer_->failure(); }

    private:
        friend class segmented_log;
        std::shared_ptr<segment_writer<V>> writer_;
        log_batch batch_;
    };

    /// Errors: corrupt, unsupported_version, wrong_cluster, wrong_member, no_space, or those of the
    /// operating system. `options.failure`, when given, then names file, offset and reason.
    /// A damaged log is salvaged when `options` say so and the newest segment's head is sound.
    [[nodiscard]] static result<std::unique_ptr<segmented_log>> open(const log_options& options);
    /// The same in a directory that is open already.
    [[nodiscard]] static result<std::unique_ptr<segmented_log>> open(const log_options& options,
                                                                     V disk);

    /// Returns: what was there when it was opened. Call once.
    [[nodiscard]] recovered_log take_recovered() { return std::exchange(recovered_, {}); }

    /// Requires: dense, above the base, and no gap after what is there or queued.
    void append(std::span<const entry> entries) {
        if (entries.empty()) {
            return;
        }
        QUORATE_ASSERT(entries.front().index > base_);
        QUORATE_ASSERT(entries.front().index <= last_.next());
        queue_.append(entries);
        last_ = entries.back().index;
    }
    void save(const hard_state& hard) { queue_.hard = hard; }
    /// All entries are void; the next one follows `id`.
    void restart(log_id id) {
        queue_.restart_at(id);
        base_ = id.index;
        last_ = id.index;
    }
    /// Entries up to `upto` are no longer needed; whole files of them are removed.
    void compact(log_index upto) { queue_.compact_to(upto); }

    /// Effects: nothing, unless the log is quiet and its newest slot does not vouch for its end.
    /// Returns: whether a job is wanted.
    bool idle() noexcept {
        if (!syncing_ && failure_.empty() && !writer_->vouched()) {
            queue_.seal = true;
        }
        return pending();
    }

    [[nodiscard]] bool pending() const noexcept { return !queue_.empty(); }

    /// Requires: the job before was given back. An empty one does nothing and succeeds.
    [[nodiscard]] sync_job begin_sync() {
        QUORATE_ASSERT(!syncing_);
        syncing_ = true;
        sync_job job;
        job.writer_ = writer_;
        std::swap(job.batch_, queue_);
        std::swap(queue_, spare_);
        return job;
    }
    /// Requires: a job of this log that has run, and what it returned last. After no_space, what
    /// the job held waits again, before all that was queued meanwhile.
    void finish_sync(sync_job job, error_code outcome) {
        QUORATE_ASSERT(syncing_);
        syncing_ = false;
        note_ = writer_->take_note();
        if (outcome == errc::no_space) {
            job.batch_.follow(std::move(queue_));
            std::swap(queue_, job.batch_);
        } else if (outcome && failure_.empty()) {
            failure_ = writer_->failure();
        }
        spare_ = std::move(job.batch_);
        spare_.clear();
    }

    /// Returns: what the operator should know of the last job; empty: nothing. Call once.
    [[nodiscard]] std::string take_note() noexcept { return std::exchange(note_, {}); }

    /// Returns: why the log is poisoned, naming the file; empty while it is not.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

private:
    segmented_log(std::shared_ptr<segment_writer<V>> writer, recovered_log recovered)
        : writer_(std::move(writer)), recovered_(std::move(recovered)) {
        base_ = recovered_.base.index;
        last_ = recovered_.entries.empty() ? base_ : recovered_.entries.back().index;
    }

    std::shared_ptr<segment_writer<V>> writer_;
    recovered_log recovered_;
    log_index base_;
    log_index last_; // with what is queued
    log_batch queue_;
    log_batch spare_; // keeps what the last job's vectors had allocated
    bool syncing_ = false;
    std::string failure_;
    std::string note_;
};

template <volume V>
result<std::unique_ptr<segmented_log<V>>> segmented_log<V>::open(const log_options& options) {
    result<V> disk = V::open(options.directory);
    if (!disk) {
        if (options.failure != nullptr) {
            *options.failure = options.directory.string() + ": " + disk.error().message();
        }
        return disk.error();
    }
    return open(options, std::move(*disk));
}

template <volume V>
result<std::unique_ptr<segmented_log<V>>> segmented_log<V>::open(const log_options& options,
                                                                 V disk) {
    const auto refuse = [&options](error_code code, std::string text) {
        if (options.failure != nullptr) {
            *options.failure = std::move(text);
        }
        return code;
    };
    auto writer = std::make_shared<segment_writer<V>>(std::move(disk), options);
    log_reader<V> reader(writer->disk(), options);
    const error_code damaged = reader.read();
    found_log& found = reader.found();
    const bool may_salvage = options.accept_data_loss || options.if_damaged == on_damage::salvage;
    if (damaged && !(found.salvageable && may_salvage)) {
        return refuse(damaged, describe(reader.damage(), writer->disk()));
    }
    if (found.newest == 0 && options.must_exist && !options.accept_data_loss) {
        return refuse(errc::corrupt, writer->disk().path("") + ": the log is missing; " +
                                         std::string(promises_lost_text));
    }
    if (const error_code refused =
            options.examine ? options.examine(found.log.entries()) : error_code()) {
        return refused;
    }
    recovered_log recovered;
    recovered.base = found.log.base();
    recovered.hard = reconcile(found.hard, found.log.base(), found.log.last());
    if (damaged) {
        recovered.hard = fence(recovered.hard, found.lost);
        recovered.damage = describe(reader.damage(), writer->disk()) + "; entries up to " +
                           std::to_string(found.log.last().index.value()) + " are left of " +
                           std::to_string(found.lost.index.value());
        found.add_note(recovered.damage);
    }
    if (options.accept_data_loss) {
        recovered.hard.lost = {};
    }
    if (const error_code failed = writer->open(found, recovered.hard)) {
        return refuse(failed, writer->failure());
    }
    if (const std::string note = writer->take_note(); !note.empty()) {
        found.add_note(note);
    }
    recovered.entries = found.log.take_entries();
    recovered.note = std::move(found.note);
    return std::unique_ptr<segmented_log>(
        new segmented_log(std::move(writer), std::move(recovered)));
}

static_assert(log_store<segmented_log<>>);

} // namespace quorate

#endif
