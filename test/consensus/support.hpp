// One raft member with a model disk and state machine, and short names for messages.
// Every event is followed by every invariant of a single member; a broken one throws.
#ifndef QUORATE_TEST_CONSENSUS_SUPPORT_HPP
#define QUORATE_TEST_CONSENSUS_SUPPORT_HPP

#include <quorate/consensus/invariants.hpp>
#include <quorate/consensus/raft.hpp>

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

/// FNV-1a over numbers, so that a state machine is one number and a run has a fingerprint.
class digest {
public:
    void add(std::uint64_t number) noexcept {
        for (unsigned shift = 0; shift < 64; shift += 8) {
            value_ = (value_ ^ ((number >> shift) & 0xff)) * 0x100000001b3;
        }
    }
    void add(byte_view bytes) noexcept {
        add(bytes.size());
        for (char c : bytes) {
            value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        }
    }
    void add(const entry& e) noexcept {
        add(e.term.value());
        add(e.index.value());
        add(static_cast<std::uint64_t>(e.kind));
        add(e.payload_checksum);
        add(e.payload.view());
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325;
};

/// Effects: adds every field of a batch, so that equal digests mean equal batches.
void add_batch(digest& to, const effects& batch);

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

/// What a crash leaves.
struct disk {
    hard_state hard{};
    snapshot_ptr base{};
    std::vector<entry> entries{};

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
        }
        if (job.append.empty()) {
            return;
        }
        const log_index first = job.append.front().index;
        if (first <= base_id().index || first > last_id().index.next()) {
            throw violation("a write leaves a gap in the log, or starts behind its base");
        }
        entries.resize(first - base_id().index - 1);
        entries.insert(entries.end(), job.append.begin(), job.append.end());
    }
    /// Effects: `snap`, made of what was applied here, becomes the base.
    void keep_snapshot(snapshot_ptr snap) {
        const std::uint64_t gone = snap->last.index - base_id().index;
        entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(gone));
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
    /// Effects: the `kept` oldest writes under way reach the disk, the others are lost.
    void crash(std::size_t kept) {
        for (std::size_t i = 0; i < kept && i < writes_.size(); ++i) {
            written_.write(writes_[i]);
            disk_ = written_;
        }
        engine_.reset();
        writes_.clear();
        applies_.clear();
        outbox.clear();
        reads.clear();
        refusals.clear();
    }

    /// Effects: the disk of a member that is down loses all but `kept` entries, and says so.
    void damage(std::size_t kept) {
        const log_index acknowledged = disk_.last_id().index;
        if (kept >= disk_.entries.size()) {
            return;
        }
        disk_.entries.resize(kept);
        disk_.hard.commit = std::min(disk_.hard.commit, disk_.last_id().index);
        disk_.hard.lost = {disk_.hard.term, std::max(acknowledged, disk_.hard.lost.index)};
    }
    /// Effects: the disk of a member that is down is replaced by that of a first start.
    void forget() { disk_ = {.hard = {}, .base = first_, .entries = {}}; }
    [[nodiscard]] bool fenced() const noexcept {
        const bool now = up() && status().hard.lost.index;
        return now || disk_.hard.lost.index;
    }

    [[nodiscard]] bool up() const noexcept { return engine_ != nullptr; }
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
        return run([&m](raft& r) { return r.step(m); });
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
    /// An installed snapshot replaces the state machine, so applies from before it come first.
    void write_one() {
        const write_job job = std::move(writes_.front());
        writes_.pop_front();
        while (job.install != nullptr && !applies_.empty()) {
            apply_one();
        }
        written_.write(job);
        if (job.synced || job.install != nullptr) {
            disk_ = written_;
        }
        if (job.install != nullptr) {
            machine_.load(*job.install);
        }
        complete(job);
    }
    void apply_one() {
        const apply_job job = std::move(applies_.front());
        applies_.pop_front();
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
        watch(before);
    }
    void watch(const raft_facts& before) const {
        if (watcher) {
            watcher(*this, before.hard.commit);
        }
    }

    raft_options options_;
    snapshot_ptr first_; // what it started from
    disk disk_;          // synced
    disk written_;       // disk_ and what was written since without a sync
    machine machine_;
    std::unique_ptr<raft> engine_;
    std::deque<write_job> writes_;
    std::deque<apply_job> applies_;
};

inline void add_members(digest& to, const membership& m) {
    for (const id_set* ids : {&m.voters, &m.outgoing, &m.learners, &m.learners_next}) {
        to.add(ids->size());
        for (node_id id : *ids) {
            to.add(id.value());
        }
    }
    to.add(m.auto_leave ? 1 : 0);
}
inline void add_snapshot(digest& to, const snapshot_ptr& snap) {
    to.add(snap == nullptr ? 0 : 1);
    if (snap != nullptr) {
        to.add(snap->last.term.value());
        to.add(snap->last.index.value());
        add_members(to, snap->members);
        to.add(snap->data.size());
        to.add(snap->data.hash());
    }
}
inline void add_entries(digest& to, std::span<const entry> entries) {
    to.add(entries.size());
    for (const entry& e : entries) {
        to.add(e);
    }
}
inline void add_message(digest& to, const message& m) {
    for (std::uint64_t number :
         {static_cast<std::uint64_t>(m.kind), std::uint64_t{m.reject}, std::uint64_t{m.transfer},
          std::uint64_t{m.lost}, m.to.value(), m.from.value(), m.term.value(), m.log_term.value(),
          m.index.value(), m.commit.value(), m.reject_hint.value(), m.context}) {
        to.add(number);
    }
    add_entries(to, m.entries);
    add_snapshot(to, m.snap);
}
inline void add_messages(digest& to, const std::vector<message>& messages) {
    to.add(messages.size());
    for (const message& m : messages) {
        add_message(to, m);
    }
}
inline void add_batch(digest& to, const effects& batch) {
    const soft_state soft = batch.soft.value_or(soft_state{});
    const hard_state hard = batch.hard.value_or(hard_state{});
    const stable_mark stable = batch.stable.value_or(stable_mark{});
    const applied_mark applied = batch.applied.value_or(applied_mark{});
    for (std::uint64_t number :
         {std::uint64_t{batch.soft.has_value()}, soft.leader.value(),
          static_cast<std::uint64_t>(soft.role), std::uint64_t{batch.hard.has_value()},
          hard.term.value(), hard.vote.value(), hard.commit.value(), hard.lost.term.value(),
          hard.lost.index.value(), std::uint64_t{batch.stable.has_value()}, stable.term.value(),
          stable.last.term.value(), stable.last.index.value(), stable.snapshot.value(),
          std::uint64_t{batch.applied.has_value()}, applied.last.value(), applied.bytes,
          std::uint64_t{batch.must_sync}}) {
        to.add(number);
    }
    to.add(batch.reads.size());
    for (const read_state& read : batch.reads) {
        to.add(read.index.value());
        to.add(read.context);
    }
    to.add(batch.refusals.size());
    for (const refusal& refused : batch.refusals) {
        to.add(static_cast<std::uint64_t>(refused.kind));
        to.add(refused.context);
        to.add(static_cast<std::uint64_t>(refused.reason));
    }
    add_messages(to, batch.send_now);
    add_snapshot(to, batch.install);
    add_entries(to, batch.append);
    add_messages(to, batch.send_after_sync);
    add_entries(to, batch.apply);
}

// Short names.

inline raft_options exact(std::uint64_t id) {
    return raft_options::exact(node_id(id));
}
/// The defaults, with timings that tests can count by hand.
inline raft_options usual(std::uint64_t id) {
    raft_options options;
    options.id = node_id(id);
    return options;
}
inline membership voters(std::initializer_list<std::uint64_t> ids,
                         std::initializer_list<std::uint64_t> learners = {}) {
    membership m;
    for (std::uint64_t id : ids) {
        m.voters.insert(node_id(id));
    }
    for (std::uint64_t id : learners) {
        m.learners.insert(node_id(id));
    }
    return m;
}
/// What a member starts from; by default before any entry.
inline snapshot_ptr start_of(membership members, log_id last = {}) {
    return std::make_shared<snapshot>(snapshot{last, std::move(members), {}});
}
inline log_id at(std::uint64_t term, std::uint64_t index) {
    return {term_id(term), log_index(index)};
}
/// Entries of the given terms, from `first` on.
inline std::vector<entry> run_of(std::uint64_t first, std::initializer_list<std::uint64_t> terms) {
    std::vector<entry> entries;
    for (std::uint64_t term : terms) {
        entries.push_back({.term = term_id(term), .index = log_index(first++)});
    }
    return entries;
}
inline disk disk_with(membership members, std::initializer_list<std::uint64_t> terms,
                      hard_state hard) {
    return {hard, start_of(std::move(members)), run_of(1, terms)};
}
inline hard_state hard_of(std::uint64_t term, std::uint64_t vote = 0, std::uint64_t commit = 0) {
    return {term_id(term), node_id(vote), log_index(commit)};
}
inline single_change one_change(change_kind kind, std::uint64_t id) {
    return {kind, node_id(id)};
}
inline membership_change change_of(std::initializer_list<single_change> changes,
                                   change_transition transition = change_transition::automatic) {
    membership_change change;
    change.transition = transition;
    change.changes.assign(changes.begin(), changes.end());
    return change;
}

inline message to_from(message_kind kind, std::uint64_t to, std::uint64_t from,
                       std::uint64_t term) {
    return {.kind = kind, .to = node_id(to), .from = node_id(from), .term = term_id(term)};
}
inline owned_message append_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                                 log_id prev, std::vector<entry> entries = {},
                                 std::uint64_t commit = 0) {
    message m = to_from(message_kind::append, to, from, term);
    m.log_term = prev.term;
    m.index = prev.index;
    m.commit = log_index(commit);
    return {m, std::move(entries)};
}
inline message ack_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                        std::uint64_t index) {
    message m = to_from(message_kind::append_response, to, from, term);
    m.index = log_index(index);
    return m;
}
inline message rejection_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                              std::uint64_t rejected, log_id hint) {
    message m = ack_from(from, to, term, rejected);
    m.reject = true;
    m.log_term = hint.term;
    m.reject_hint = hint.index;
    return m;
}
inline message vote_request(std::uint64_t from, std::uint64_t to, std::uint64_t term, log_id last,
                            message_kind kind = message_kind::vote) {
    message m = to_from(kind, to, from, term);
    m.log_term = last.term;
    m.index = last.index;
    return m;
}
inline message vote_answer(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                           bool reject = false, message_kind kind = message_kind::vote_response) {
    message m = to_from(kind, to, from, term);
    m.reject = reject;
    return m;
}
inline message heartbeat_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                              std::uint64_t commit = 0, std::uint64_t context = 0) {
    message m = to_from(message_kind::heartbeat, to, from, term);
    m.commit = log_index(commit);
    m.context = context;
    return m;
}

/// Returns: the messages of one kind.
inline std::vector<owned_message> only(const std::vector<owned_message>& all, message_kind kind) {
    std::vector<owned_message> some;
    for (const owned_message& m : all) {
        if (m->kind == kind) {
            some.push_back(m);
        }
    }
    return some;
}
inline std::size_t count_of(const std::vector<owned_message>& all, message_kind kind) {
    return only(all, kind).size();
}

/// Effects: campaigns, with every other member granting; its messages are thrown away.
inline void elect(member& m) {
    static_cast<void>(m.campaign());
    m.settle();
    for (int round = 0; round < 4 && m.role() != role_kind::leader; ++round) {
        for (const owned_message& asked : m.sent()) {
            const bool pre = asked->kind == message_kind::pre_vote;
            if (!pre && asked->kind != message_kind::vote) {
                continue;
            }
            static_cast<void>(m.step(
                vote_answer(asked->to.value(), m.id().value(), asked->term.value(), false,
                            pre ? message_kind::pre_vote_response : message_kind::vote_response)));
            m.settle();
        }
    }
    if (m.role() != role_kind::leader) {
        throw std::logic_error("it was not elected");
    }
    m.outbox.clear();
}
/// Effects: `from` acknowledges everything the leader holds.
inline void ack_all(member& leader, std::uint64_t from) {
    static_cast<void>(leader.step(
        ack_from(from, leader.id().value(), leader.term().value(), leader.last().value())));
    leader.settle();
}

} // namespace quorate::test

#endif
