// One raft member with a model disk and state machine.
// Every event is followed by every invariant of a single member; a broken one throws.
#ifndef QUORATE_TEST_CONSENSUS_MEMBER_HPP
#define QUORATE_TEST_CONSENSUS_MEMBER_HPP

#include <quorate/consensus/invariants.hpp>
#include <quorate/consensus/raft.hpp>
#include <quorate/log/recovery.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "digest.hpp"

namespace quorate::test {

/// What a broken invariant is reported by.
class violation : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

inline void require(const broken_invariant& broken, node_id member) {
    if (broken) {
        throw violation(std::string(broken.text) + " (member " + std::to_string(member.value()) +
                        ")");
    }
}

/// What goes to the disk in one piece, and what waits for it.
struct write_job {
    std::optional<hard_state> hard{};
    snapshot_ptr install{};
    std::vector<entry> append{};
    bool synced = false;
    std::vector<owned_message> promises{};
    std::optional<stable_mark> stable{};
};

struct apply_job {
    std::vector<entry> entries{};
    applied_mark mark{};
};

/// What a crash leaves of a group commit that was under way. Its entries reach a disk in their
/// order, and its hard state before or after any of them.
struct torn_group {
    std::size_t writes = 0;  ///< That share the group: the oldest ones of which nothing is durable.
    std::size_t entries = 0; ///< That are left of it.
    bool hard = false;       ///< Whether its hard state is left.
};

/// What a crash leaves.
struct disk {
    hard_state hard{};
    snapshot_ptr base{};
    std::vector<entry> entries{};
    std::vector<entry> former{}; ///< The entries before some were last replaced.

    [[nodiscard]] log_id base_id() const { return base == nullptr ? log_id{} : base->last; }
    [[nodiscard]] log_id last_id() const {
        return entries.empty() ? base_id() : entries.back().id();
    }
    /// Returns: the identity of the entry at `index`; none where the disk has none.
    [[nodiscard]] std::optional<log_id> id_at(log_index index) const {
        const log_id before = base_id();
        if (index == before.index) {
            return before;
        }
        if (index < before.index || index > last_id().index) {
            return std::nullopt;
        }
        return entries[index - before.index - 1].id();
    }
    void write(const write_job& job) {
        hard = job.hard.value_or(hard);
        if (job.install != nullptr) {
            base = job.install;
            entries.clear();
            former.clear();
        }
        if (job.append.empty()) {
            return;
        }
        const log_index first = job.append.front().index;
        if (first <= base_id().index || first > last_id().index.next()) {
            throw violation("a write leaves a gap in the log, or starts behind its base");
        }
        if (first <= last_id().index) {
            former = entries;
        }
        entries.resize(first - base_id().index - 1);
        entries.insert(entries.end(), job.append.begin(), job.append.end());
    }
    /// Effects: a crash leaves `torn` of the group that starts with `writes`, and recovery makes a
    /// log of that. `now`: the hard state as it was last written, perhaps without a sync.
    void tear(std::span<const write_job> writes, hard_state now, const torn_group& torn) {
        std::vector<entry> run;
        for (const write_job& job : writes.first(std::min(torn.writes, writes.size()))) {
            if (job.install != nullptr) {
                break; // begins a file of its own, which is there as a whole or not at all
            }
            now = job.hard.value_or(now);
            while (!job.append.empty() && !run.empty() &&
                   run.back().index >= job.append.front().index) {
                run.pop_back();
            }
            run.insert(run.end(), job.append.begin(), job.append.end());
        }
        const std::size_t left = std::min(torn.entries, run.size());
        for (std::size_t i = 0; i < left; ++i) {
            write({.append = {run[i]}});
        }
        if (torn.hard) {
            // Its commit index was meant for the whole group.
            const log_index commit = left == run.size() ? now.commit : hard.commit;
            hard = now;
            hard.commit = commit;
        }
        hard = reconcile(hard, base_id(), last_id());
    }
    /// Effects: `snap`, made of what was applied here, becomes the base.
    void keep_snapshot(snapshot_ptr snap) {
        const std::uint64_t gone = snap->last.index - base_id().index;
        entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(gone));
        if (gone <= former.size() && gone > 0 && former[gone - 1].id() == snap->last) {
            former.erase(former.begin(), former.begin() + static_cast<std::ptrdiff_t>(gone));
        } else if (gone > 0) {
            former.clear();
        }
        base = std::move(snap);
    }
};

/// The state machine: the digest of all that was applied, in order.
struct machine {
    log_id last{};
    digest content{};

    void apply(const entry& e) {
        if (e.index != last.index.next()) {
            throw violation("entries are applied in order, each once");
        }
        last = e.id();
        content.add(e);
    }
    [[nodiscard]] rope save() const {
        return {shared_bytes::copy_of({reinterpret_cast<const char*>(&content), sizeof(content)})};
    }
    void load(const snapshot& snap) {
        last = snap.last;
        content = digest();
        bulk_reader state(snap.data);
        if (state.remaining() > 0 &&
            state.read(reinterpret_cast<char*>(&content), sizeof(content))) {
            throw violation("a snapshot holds what was saved in it");
        }
    }
};

/// One member. Storage and applying are asynchronous: `take` queues what the engine wants, and
/// write_one and apply_one complete the oldest piece. `settle` does all of it.
class member {
public:
    member(const raft_options& options, snapshot_ptr base, std::uint32_t jitter = 0)
        : options_(options) {
        disk_.base = std::move(base);
        first_ = disk_.base;
        written_ = disk_;
        start(jitter);
    }
    /// A member that finds `found` on its disk.
    member(const raft_options& options, disk found, std::uint32_t jitter = 0)
        : options_(options), disk_(std::move(found)) {
        start(jitter);
    }

    void start(std::uint32_t jitter) {
        ++starts_;
        written_ = disk_;
        machine_ = machine();
        if (disk_.base != nullptr) {
            machine_.load(*disk_.base);
        }
        engine_state state{.hard = disk_.hard,
                           .base = disk_.base,
                           .entries = disk_.entries,
                           .applied = disk_.base_id().index};
        if (check(state)) {
            throw violation("what a crash leaves is a state to start from");
        }
        engine_ = std::make_unique<raft>(options_, std::move(state), jitter);
        require(check_state(*engine_, options_.validate_changes), options_.id);
    }
    /// Effects: the `kept` oldest writes under way reach the disk, and `torn` of those behind them;
    /// the others are lost.
    void crash(std::size_t kept, const torn_group& torn = {}) {
        kept = std::min(kept, writes_.size());
        for (std::size_t i = 0; i < kept; ++i) {
            written_.write(writes_[i]);
            disk_ = written_;
        }
        const std::vector<write_job> left(writes_.begin() + static_cast<std::ptrdiff_t>(kept),
                                          writes_.end());
        disk_.tear(left, written_.hard, torn);
        engine_.reset();
        writes_.clear();
        applies_.clear();
        outbox.clear();
        reads.clear();
        refusals.clear();
    }

    /// Effects: the disk of a member that is down loses all but `kept` entries, and says so.
    /// `replaced`: it also loses that some entries were replaced, so that earlier ones come back.
    void damage(std::size_t kept, bool replaced = false) {
        const log_index acknowledged = disk_.last_id().index;
        if (replaced && !disk_.former.empty()) {
            disk_.entries = std::exchange(disk_.former, {});
            disk_.hard.commit = disk_.base_id().index;
        } else if (kept >= disk_.entries.size()) {
            return;
        }
        disk_.entries.resize(std::min(kept, disk_.entries.size()));
        disk_.former.clear();
        disk_.hard.commit = std::min(disk_.hard.commit, disk_.last_id().index);
        disk_.hard.lost = {disk_.hard.term, std::max(acknowledged, disk_.hard.lost.index)};
    }
    /// Effects: the disk of a member that is down is replaced by that of a first start.
    void forget() { disk_ = {.hard = {}, .base = first_, .entries = {}}; }
    /// Effects: keeps a copy of the disk as it is now, as an operator's backup does.
    void save_copy() { copy_ = disk_; }
    /// Effects: the disk of a member that is down is replaced by its copy, or by that of a first
    /// start where there is no copy. `noticed`: the member finds out when it starts.
    void restore_copy(bool noticed = true) {
        disk_ = copy_.value_or(disk{.hard = {}, .base = first_, .entries = {}});
        disk_.hard.term = std::max(disk_.hard.term, disk_.last_id().term);
        disk_.hard.commit = std::max(disk_.hard.commit, disk_.base_id().index);
        if (noticed) {
            disk_.hard.lost = stale_copy;
        }
    }
    [[nodiscard]] bool fenced() const noexcept {
        const bool now = up() && status().hard.lost.index;
        return now || disk_.hard.lost.index;
    }

    [[nodiscard]] bool up() const noexcept { return engine_ != nullptr; }
    /// Returns: how many times it was started.
    [[nodiscard]] unsigned starts() const noexcept { return starts_; }
    [[nodiscard]] node_id id() const noexcept { return options_.id; }
    [[nodiscard]] const raft_options& options() const noexcept { return options_; }
    [[nodiscard]] const raft& engine() const noexcept { return *engine_; }
    [[nodiscard]] const disk& durable() const noexcept { return disk_; }
    [[nodiscard]] const machine& state_machine() const noexcept { return machine_; }
    [[nodiscard]] engine_status status() const noexcept { return engine_->status(); }
    [[nodiscard]] role_kind role() const noexcept { return status().soft.role; }
    [[nodiscard]] node_id leader() const noexcept { return status().soft.leader; }
    [[nodiscard]] term_id term() const noexcept { return status().hard.term; }
    [[nodiscard]] node_id vote() const noexcept { return status().hard.vote; }
    [[nodiscard]] log_index commit() const noexcept { return status().hard.commit; }
    [[nodiscard]] log_index last() const noexcept { return status().last; }
    [[nodiscard]] const peer_progress& peer(std::uint64_t id) const {
        for (const peer_progress& p : engine_->progress()) {
            if (p.id() == node_id(id)) {
                return p;
            }
        }
        throw std::logic_error("no progress of that member");
    }
    [[nodiscard]] std::size_t writes_waiting() const noexcept { return writes_.size(); }
    [[nodiscard]] std::size_t applies_waiting() const noexcept { return applies_.size(); }
    [[nodiscard]] const write_job& newest_write() const { return writes_.back(); }

    /// Effects: lets one event happen and checks the invariants around it.
    template <class Event>
    auto run(Event&& event) {
        const raft_facts before = facts_of(*engine_);
        if constexpr (std::is_void_v<decltype(event(*engine_))>) {
            event(*engine_);
            check_after(before);
        } else {
            auto outcome = event(*engine_);
            check_after(before);
            return outcome;
        }
    }
    error_code step(const message& m) {
        const engine_status before = status();
        const error_code outcome = run([&m](raft& r) { return r.step(m); });
        if (outcome && (status().hard != before.hard || status().soft != before.soft ||
                        status().last != before.last)) {
            throw violation("an error of step means that nothing changed");
        }
        return outcome;
    }
    error_code step(const owned_message& m) { return step(m.get()); }
    void tick(std::uint32_t jitter = 0) {
        run([jitter](raft& r) { r.tick(jitter); });
    }
    void ticks(unsigned count, std::uint32_t jitter = 0) {
        for (unsigned i = 0; i < count; ++i) {
            tick(jitter);
        }
    }
    error_code campaign() {
        return run([](raft& r) { return r.campaign(); });
    }
    error_code propose(byte_view payload, std::uint64_t context = 0) {
        proposed one{.payload = shared_bytes::copy_of(payload)};
        return run([&](raft& r) { return r.propose({&one, 1}, context); });
    }
    error_code propose_change(const membership_change& change,
                              entry_kind kind = entry_kind::joint_change) {
        return run([&](raft& r) { return r.propose_change(change, kind); });
    }
    error_code read_index(std::uint64_t context) {
        return run([&](raft& r) { return r.read_index(context); });
    }
    error_code transfer_to(std::uint64_t to) {
        return run([&](raft& r) { return r.transfer_leadership(node_id(to)); });
    }

    /// Returns: whether there was anything to take.
    bool take() {
        if (!engine_->has_effects()) {
            return false;
        }
        const raft_facts before = facts_of(*engine_);
        const effects& batch = engine_->take_effects();
        require(check_effects(*engine_, batch), id());
        add_batch(trace, batch);
        keep(batch);
        check_after(before);
        return true;
    }
    /// Effects: the oldest write is durable; what waited for it leaves.
    void write_one() {
        const write_job job = std::move(writes_.front());
        writes_.pop_front();
        written_.write(job);
        if (job.synced || job.install != nullptr) {
            disk_ = written_;
        }
        if (job.install != nullptr) {
            machine_.load(*job.install);
        }
        complete(job);
    }
    /// A snapshot that the engine accepted holds what waits here, and the engine's members are
    /// those of the snapshot.
    void apply_one() {
        const apply_job job = std::move(applies_.front());
        applies_.pop_front();
        if (job.mark.last < engine_->log().first()) {
            run([&](raft& r) { r.on_applied(job.mark); });
            return;
        }
        for (const entry& e : job.entries) {
            machine_.apply(e);
            if (e.kind != entry_kind::normal) {
                if (const auto change = decode_change(e.kind, e.payload.view())) {
                    run([&](raft& r) { static_cast<void>(r.apply_change(*change)); });
                }
            }
        }
        run([&](raft& r) { r.on_applied(job.mark); });
    }
    /// Effects: takes, writes and applies until nothing is left to do.
    void settle() {
        while (take() || !writes_.empty() || !applies_.empty()) {
            while (!writes_.empty()) {
                write_one();
            }
            while (!applies_.empty()) {
                apply_one();
            }
        }
    }
    /// Effects: the applied state becomes a snapshot; the log forgets all but `keep` entries of it.
    snapshot_ptr make_snapshot(std::uint64_t keep = 0) {
        auto snap = std::make_shared<snapshot>(
            snapshot{machine_.last, engine_->members(), machine_.save()});
        const bool news = snap->last.index > disk_.base_id().index;
        if (!news || disk_.id_at(snap->last.index) != snap->last ||
            engine_->log().pending_snapshot() != nullptr) {
            return nullptr; // nothing new, not durable, or about to be replaced
        }
        disk_.keep_snapshot(snap);
        written_.keep_snapshot(snap);
        run([&](raft& r) { r.offer_snapshot(snap); });
        if (snap->last.index.value() > keep) {
            run([&](raft& r) { static_cast<void>(r.compact(snap->last.index - keep)); });
        }
        return snap;
    }

    /// Returns: what was sent since the last call.
    std::vector<owned_message> sent() { return std::exchange(outbox, {}); }

    std::vector<owned_message> outbox;
    std::vector<read_state> reads;
    std::vector<refusal> refusals;
    digest trace; ///< Of every batch taken, restarts included.
    /// Told after every event, with the commit index before it.
    std::function<void(const member&, log_index)> watcher;

private:
    void keep(const effects& batch) {
        for (const message& m : batch.send_now) {
            outbox.emplace_back(m);
        }
        reads.insert(reads.end(), batch.reads.begin(), batch.reads.end());
        refusals.insert(refusals.end(), batch.refusals.begin(), batch.refusals.end());
        if (batch.persists() || !batch.send_after_sync.empty() || batch.stable) {
            write_job job{.hard = batch.hard,
                          .install = batch.install,
                          .append = {batch.append.begin(), batch.append.end()},
                          .synced = batch.must_sync,
                          .stable = batch.stable};
            for (const message& m : batch.send_after_sync) {
                job.promises.emplace_back(m);
            }
            writes_.push_back(std::move(job));
        }
        if (!batch.apply.empty()) {
            applies_.push_back({{batch.apply.begin(), batch.apply.end()}, *batch.applied});
        }
    }
    void complete(const write_job& job) {
        raft_facts before = facts_of(*engine_);
        for (const owned_message& m : job.promises) {
            if (m->to != id()) {
                outbox.push_back(m);
                continue;
            }
            static_cast<void>(engine_->step(m.get()));
            require(check_step(before, *engine_), id());
            watch(before);
            before = facts_of(*engine_);
        }
        if (job.stable) {
            engine_->on_stable(*job.stable);
        }
        check_after(before);
    }
    void check_after(const raft_facts& before) {
        require(check_step(before, *engine_), id());
        require(check_state(*engine_, options_.validate_changes), id());
        check_counts();
        watch(before);
    }
    // The log counts the bytes of its entries as they come and go; here they are counted anew.
    void check_counts() const {
        const raft_log& log = engine_->log();
        std::uint64_t behind_snapshot = 0;
        std::uint64_t unstable = 0;
        for (const entry& e : log.range(log.first(), log.last() - log.base().index)) {
            const std::uint64_t size = held_size(e.payload.size());
            behind_snapshot += e.index > disk_.base_id().index ? size : 0;
            unstable += e.index > log.stable() ? size : 0;
        }
        if (behind_snapshot != log.bytes_behind_snapshot()) {
            throw violation("the log counts the bytes behind its snapshot wrongly");
        }
        if (unstable != log.unstable_bytes()) {
            throw violation("the log counts the bytes that are not durable wrongly");
        }
    }
    void watch(const raft_facts& before) const {
        if (watcher) {
            watcher(*this, before.hard.commit);
        }
    }

    raft_options options_;
    snapshot_ptr first_; // what it started from
    disk disk_;          // synced
    std::optional<disk> copy_;
    disk written_; // disk_ and what was written since without a sync
    machine machine_;
    std::unique_ptr<raft> engine_;
    unsigned starts_ = 0;
    std::deque<write_job> writes_;
    std::deque<apply_job> applies_;
};

} // namespace quorate::test

#endif
