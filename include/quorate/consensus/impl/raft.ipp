// The part that all roles share: construction, terms, votes, sending, taking effects.
#ifndef QUORATE_CONSENSUS_IMPL_RAFT_IPP
#define QUORATE_CONSENSUS_IMPL_RAFT_IPP

#include <quorate/consensus/raft.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace quorate {
namespace detail {

inline log_id base_of(const engine_state& state) noexcept {
    return state.base == nullptr ? log_id{} : state.base->last;
}

inline std::uint64_t apply_budget(const raft_options& options) noexcept {
    const std::uint64_t budget =
        options.apply_bytes_max != 0 ? options.apply_bytes_max : options.append_bytes_max;
    return std::max<std::uint64_t>(budget, 1); // zero would never let anything be applied
}

// Leaves only once what it promises is durable (Raft figure 2: "respond after updating storage").
constexpr bool is_promise(message_kind kind) noexcept {
    return kind == message_kind::append_response || kind == message_kind::vote_response ||
           kind == message_kind::pre_vote_response;
}

constexpr bool is_vote_traffic(message_kind kind) noexcept {
    return kind == message_kind::vote || kind == message_kind::vote_response ||
           kind == message_kind::pre_vote || kind == message_kind::pre_vote_response;
}

constexpr bool is_leader_traffic(message_kind kind) noexcept {
    return kind == message_kind::append || kind == message_kind::heartbeat ||
           kind == message_kind::install_snapshot;
}

// Proposals and read requests are asked of whoever leads, in whatever term; and that they were
// refused is true in whatever term the asker is by then.
constexpr bool is_termless(message_kind kind) noexcept {
    return kind == message_kind::proposal || kind == message_kind::read_index ||
           kind == message_kind::proposal_refused || kind == message_kind::read_refused;
}

// These come from members only. What leads or campaigns may come from one that is not known yet.
constexpr bool is_of_members(message_kind kind) noexcept {
    return is_response(kind) || kind == message_kind::proposal ||
           kind == message_kind::read_index || kind == message_kind::transfer_leader ||
           kind == message_kind::timeout_now;
}

inline bool entries_follow(const message& m) noexcept {
    log_id before{m.log_term, m.index};
    for (const entry& e : m.entries) {
        if (e.index.value() == 0 || e.index != before.index.next() || e.term < before.term ||
            e.term > m.term || e.kind > entry_kind::joint_change) {
            return false;
        }
        before = e.id();
    }
    return true;
}

inline bool snapshot_sound(const message& m) noexcept {
    return m.snap != nullptr && m.snap->last.index && m.snap->last.index.value() <= number_max &&
           m.snap->last.term <= m.term && !m.snap->members.voters.empty() &&
           !check(m.snap->members);
}

// A crash may leave entries without the commit index that was written beside them. A member that
// took two membership changes for uncommitted would count the quorum of a configuration that is two
// changes old, which need not overlap with that in force.
inline raft_log log_at_start(const raft_options& options, engine_state& state) {
    const log_index proven = options.validate_changes ? proven_commit(state.entries) : log_index{};
    const log_id base = base_of(state);
    return {base, std::move(state.entries), std::max({state.hard.commit, base.index, proven}),
            state.applied, apply_budget(options)};
}

} // namespace detail

QUORATE_DECL raft::raft(const raft_options& options, engine_state state, std::uint32_t jitter)
    : options_(options),
      members_(state.base == nullptr ? membership{} : state.base->members),
      log_(detail::log_at_start(options, state)),
      offered_(state.base),
      jitter_(jitter) {
    QUORATE_ASSERT(!options_.check());
    term_ = state.hard.term;
    vote_ = state.hard.vote;
    lost_ = state.hard.lost;
    forgotten_ = term_;
    start_number_ = std::uint64_t{jitter} + 1;
    become_follower(term_, node_id{});
    told_soft_ = soft();
    told_hard_ = hard();
}

QUORATE_DECL bool raft::promotable() const noexcept {
    return members_.is_voter(options_.id) && log_.pending_snapshot() == nullptr && !fenced() &&
           writable_;
}

// While a member hears from its leader it helps nobody else to power (thesis §6.4.1, §4.2.3).
QUORATE_DECL bool raft::in_lease() const noexcept {
    return options_.check_quorum && leader_ && election_elapsed_ < options_.election_ticks;
}

QUORATE_DECL void raft::tick(std::uint32_t jitter) {
    jitter_ = jitter;
    if (is_leader()) {
        tick_leader();
        return;
    }
    ++election_elapsed_;
    if (promotable() && !promised() && election_elapsed_ >= timeout_) {
        election_elapsed_ = 0;
        static_cast<void>(campaign());
    }
}

QUORATE_DECL void raft::reset(term_id term) {
    QUORATE_ASSERT(term >= term_);
    pin_outgoing();
    if (term_ != term) {
        term_ = term;
        vote_ = node_id{};
    }
    leader_ = node_id{};
    matched_ = log_index();
    election_elapsed_ = 0;
    heartbeat_elapsed_ = 0;
    timeout_ = options_.election_ticks + jitter_ % options_.election_ticks;
}

QUORATE_DECL void raft::become_follower(term_id term, node_id leader) {
    if (is_leader()) {
        refuse_reads(errc::leader_changed);
    }
    reset(term);
    leader_ = leader;
    data_.emplace<follower_role>();
}

QUORATE_DECL void raft::send(message&& m) {
    if (!m.from) {
        m.from = options_.id;
    }
    if (!detail::is_vote_traffic(m.kind) && !detail::is_termless(m.kind)) {
        m.term = term_;
    }
    mark_stale(m);
    const bool waits =
        detail::is_promise(m.kind) || (m.kind == message_kind::vote && options_.durable_candidacy);
    if (!waits) {
        QUORATE_ASSERT(m.to != options_.id);
        now_.push_back(std::move(m));
        return;
    }
    // One acknowledgement for all appends of a batch: the last index says it all.
    if (options_.coalesce_appends && m.kind == message_kind::append_response && !m.reject &&
        !after_sync_.empty()) {
        message& before = after_sync_.back();
        if (before.kind == m.kind && !before.reject && before.to == m.to && before.term == m.term &&
            before.lost == m.lost) {
            before.index = std::max(before.index, m.index);
            return;
        }
    }
    after_sync_.push_back(std::move(m));
}

QUORATE_DECL void raft::send_entries(message&& m, log_index first, std::size_t count) {
    if (count > 0) {
        refs_.push_back({now_.size(), first, count, {}});
    }
    send(std::move(m));
}

QUORATE_DECL void raft::send_owned(message&& m, std::vector<entry> entries) {
    const std::size_t count = entries.size();
    refs_.push_back({now_.size(), log_index{}, count, std::move(entries)});
    send(std::move(m));
}

// Queued appends view the log; before it may lose those entries they get copies of their own.
QUORATE_DECL void raft::pin_outgoing() {
    for (entry_ref& ref : refs_) {
        if (ref.first) {
            const std::span<const entry> run = log_.range(ref.first, ref.count);
            ref.owned.assign(run.begin(), run.end());
            ref.first = log_index{};
        }
    }
}

// What only heartbeats used since the last batch was freed stays free: an idle group is small.
QUORATE_DECL void raft::release_spares() noexcept {
    const bool idle =
        batch_refs_.empty() && batch_.send_after_sync.empty() && batch_.reads.empty() &&
        batch_.refusals.empty() &&
        std::all_of(batch_.send_now.begin(), batch_.send_now.end(), [](const message& m) {
            return m.context == 0 && (m.kind == message_kind::heartbeat ||
                                      m.kind == message_kind::heartbeat_response);
        });
    const auto free_memory = [](auto& queue) { std::decay_t<decltype(queue)>().swap(queue); };
    if (idle) {
        free_memory(now_);
        free_memory(after_sync_);
        free_memory(refs_);
        free_memory(reads_);
        free_memory(refusals_);
    }
}

QUORATE_DECL error_code raft::check_message(const message& m) const noexcept {
    if (static_cast<std::uint8_t>(m.kind) > message_kind_max || !m.from || m.to != options_.id) {
        return errc::message_invalid;
    }
    if (detail::is_of_members(m.kind) && !members_.contains(m.from)) {
        return errc::peer_not_found;
    }
    const bool jumps = m.term > term_ && m.term.value() - term_.value() > term_jump_max;
    if (detail::is_termless(m.kind) == static_cast<bool>(m.term) || m.term.value() > number_max ||
        jumps) {
        return errc::message_invalid;
    }
    const bool sound = m.kind == message_kind::append             ? detail::entries_follow(m)
                       : m.kind == message_kind::install_snapshot ? detail::snapshot_sound(m)
                                                                  : true;
    return sound ? error_code() : error_code(errc::message_invalid);
}

QUORATE_DECL error_code raft::step(const message& m) {
    if (const error_code failed = check_message(m)) {
        return failed;
    }
    if (m.term && m.term < term_) {
        if (writable_) { // else the answer would wait for the disk
            step_older_term(m);
        }
        return {};
    }
    if (m.kind == message_kind::heartbeat && m.commit > log_.last() && !options_.repair_lost_logs) {
        return errc::log_conflict; // the reference ends its process
    }
    if (contradicts_committed(m)) {
        return errc::log_conflict;
    }
    const bool asks_for_vote = m.kind == message_kind::vote || m.kind == message_kind::pre_vote;
    // A promise also binds in a newer term that this member learned of meanwhile.
    if (asks_for_vote && !writable_) {
        return {}; // the answer would wait for the disk, and the candidate would not
    }
    if (asks_for_vote && !m.transfer && (promised() || (m.term > term_ && in_lease()))) {
        return {};
    }
    if (m.term > term_) {
        step_newer_term(m);
    }
    if (asks_for_vote) {
        step_vote(m);
        return {};
    }
    return step_role(m);
}

// Every leader of this group has what is committed here. A leader without it belongs to another
// group, or lost data: an acknowledgement would let it count on entries that are not here.
QUORATE_DECL bool raft::contradicts_committed(const message& m) const noexcept {
    const auto differs = [this](log_id id) {
        return id.index <= log_.committed() && log_.knows(id.index) && !log_.matches(id);
    };
    if (m.kind == message_kind::install_snapshot) {
        return differs(m.snap->last);
    }
    // Two entries with one index and term are one entry in one group (Raft §5.3).
    const auto other_payload = [this](const entry& e) {
        return e.index <= log_.committed() && e.index >= log_.first() && log_.matches(e.id()) &&
               log_.range(e.index, 1).front().payload_checksum != e.payload_checksum;
    };
    return m.kind == message_kind::append &&
           (differs({m.log_term, m.index}) ||
            std::any_of(m.entries.begin(), m.entries.end(),
                        [&](const entry& e) { return differs(e.id()) || other_payload(e); }));
}

QUORATE_DECL void raft::step_newer_term(const message& m) {
    // A pre-vote asks about a term that has not begun, and so does a granted answer (§9.6).
    const bool hypothetical = m.kind == message_kind::pre_vote ||
                              (m.kind == message_kind::pre_vote_response && !m.reject);
    if (!hypothetical) {
        become_follower(m.term, detail::is_leader_traffic(m.kind) ? m.from : node_id{});
    }
}

QUORATE_DECL void raft::step_older_term(const message& m) {
    const bool from_deposed = m.kind == message_kind::heartbeat || m.kind == message_kind::append;
    const bool cannot_win =
        options_.check_quorum || options_.pre_vote || (options_.repair_lost_logs && fenced());
    if (from_deposed && cannot_win) {
        // With leases a member in a newer term could neither join nor win, nor can one that is
        // fenced; the answer's term makes the old leader step down.
        send({.kind = message_kind::append_response, .to = m.from});
    } else if (m.kind == message_kind::pre_vote) {
        send(
            {.kind = message_kind::pre_vote_response, .reject = true, .to = m.from, .term = term_});
    }
}

QUORATE_DECL void raft::step_vote(const message& m) {
    const bool pre = m.kind == message_kind::pre_vote;
    const bool free = vote_ == m.from || (!vote_ && !leader_) || (pre && m.term > term_);
    message answer{.kind = pre ? message_kind::pre_vote_response : message_kind::vote_response,
                   .to = m.from};
    if (free && may_vote(m)) {
        answer.term = m.term; // of a pre-vote: the term asked about, or the candidate drops it
        if (!pre) {
            election_elapsed_ = 0;
            vote_ = m.from;
        }
    } else {
        answer.term = term_;
        answer.reject = true;
    }
    send(std::move(answer));
}

QUORATE_DECL error_code raft::step_role(const message& m) {
    if (m.kind == message_kind::proposal_refused || m.kind == message_kind::read_refused) {
        const std::uint64_t hint = m.reject_hint.value();
        const auto reason = is_errc(hint) ? static_cast<errc>(hint) : errc::proposal_dropped;
        const bool read = m.kind == message_kind::read_refused;
        refusals_.push_back(
            {read ? refusal::what::read : refusal::what::proposal, m.context, reason});
        return {};
    }
    switch (role()) {
    case role_kind::follower: return step_follower(m);
    case role_kind::candidate:
    case role_kind::pre_candidate: return step_candidate(m);
    case role_kind::leader: return step_leader(m);
    }
    return errc::message_invalid;
}

QUORATE_DECL error_code raft::propose(std::span<proposed> proposals, std::uint64_t context) {
    QUORATE_ASSERT(!proposals.empty());
    if (is_leader()) {
        return accept(proposals);
    }
    return forward_proposal(proposals, context);
}

QUORATE_DECL error_code raft::propose_change(const membership_change& change, entry_kind kind,
                                             std::uint64_t context) {
    proposed proposal{.kind = kind, .payload_checksum = 0, .payload = encode(change, kind)};
    return propose({&proposal, 1}, context);
}

QUORATE_DECL error_code raft::forget_leader() {
    if (options_.reads == read_mode::lease_based) {
        return errc::invalid_option; // would let a second leader in while the lease is trusted
    }
    if (role() == role_kind::follower) {
        leader_ = node_id{};
    }
    return {};
}

QUORATE_DECL void raft::on_stable(const stable_mark& mark) {
    // A mark from an older term may name entries that were replaced since and hold the same
    // index again: only the snapshot part can still be trusted.
    if (mark.last.index && mark.term == term_) {
        log_.on_stable(mark.last);
    }
    if (mark.snapshot) {
        log_.on_snapshot_stable(mark.snapshot);
        maybe_leave_joint();
    }
    maybe_unfence();
}

// What waits to be applied takes memory as well as what waits to be committed, and a state machine
// may be slow or busy with a snapshot.
QUORATE_DECL void raft::on_applied(const applied_mark& mark) {
    const log_index before = log_.applied();
    if (auto* leads = std::get_if<leader_role>(&data_); leads != nullptr && mark.last > before) {
        const std::uint64_t freed = payload_size(log_.range(before.next(), mark.last - before));
        leads->unapplied_bytes -= std::min(leads->unapplied_bytes, freed);
    }
    log_.on_applied(mark.last, mark.bytes);
    maybe_leave_joint();
}

QUORATE_DECL error_code raft::compact(log_index upto) {
    if (offered_ == nullptr || upto > offered_->last.index) {
        return errc::index_unavailable; // a lagging follower could never catch up
    }
    pin_outgoing();
    return log_.compact(upto);
}

QUORATE_DECL void raft::advance(const effects& batch) {
    for (const message& m : batch.send_after_sync) {
        if (m.to == options_.id) {
            static_cast<void>(step(m));
        }
    }
    if (batch.stable) {
        on_stable(*batch.stable);
    }
    if (batch.applied) {
        on_applied(*batch.applied);
    }
}

QUORATE_DECL bool raft::has_effects() const noexcept {
    const leader_role* leads = std::get_if<leader_role>(&data_);
    const bool due = leads != nullptr && (leads->replication_due || leads->read_round_due);
    return due || !now_.empty() || !after_sync_.empty() || !reads_.empty() || !refusals_.empty() ||
           log_.has_not_handed_out() || log_.snapshot_not_handed_out() || soft() != told_soft_ ||
           hard() != told_hard_ || !log_.to_apply(!options_.async_storage).empty();
}

QUORATE_DECL effects& raft::take_effects() {
    flush_replication();
    const auto take = [](auto& into, auto& from) {
        into.clear();
        into.swap(from);
    };
    take(batch_.send_now, now_);
    take(batch_.send_after_sync, after_sync_);
    take(batch_.reads, reads_);
    take(batch_.refusals, refusals_);
    take(batch_refs_, refs_);
    for (const entry_ref& ref : batch_refs_) {
        batch_.send_now[ref.message].entries =
            ref.first ? log_.range(ref.first, ref.count) : std::span<const entry>(ref.owned);
    }
    const bool soft_changed = soft() != told_soft_;
    const bool hard_changed = hard() != told_hard_;
    batch_.soft = soft_changed ? std::optional(soft()) : std::nullopt;
    batch_.hard = hard_changed ? std::optional(hard()) : std::nullopt;
    batch_.install = log_.snapshot_not_handed_out() ? log_.pending_snapshot() : nullptr;
    batch_.append = log_.not_handed_out();
    batch_.must_sync = !batch_.append.empty() || term_ != told_hard_.term ||
                       vote_ != told_hard_.vote || lost_ != told_hard_.lost;
    batch_.stable.reset();
    if ((log_.has_unstable() || batch_.install != nullptr) &&
        (batch_.persists() || !batch_.send_after_sync.empty())) {
        batch_.stable =
            stable_mark{term_, log_.has_unstable() ? log_.last_id() : log_id{},
                        batch_.install != nullptr ? batch_.install->last.index : log_index{}};
    }
    batch_.apply = log_.to_apply(!options_.async_storage);
    batch_.applied.reset();
    if (!batch_.apply.empty()) {
        batch_.applied = applied_mark{batch_.apply.back().index, encoded_size(batch_.apply)};
    }
    log_.accept_handed_out();
    log_.accept_applying(batch_.apply, !options_.async_storage);
    told_soft_ = soft();
    told_hard_ = hard();
    if (!batch_.persists() && batch_.apply.empty()) {
        release_spares();
    }
    return batch_;
}

QUORATE_DECL engine_status raft::status() const noexcept {
    const leader_role* leads = std::get_if<leader_role>(&data_);
    const bool pending = leads != nullptr && leads->pending_change > log_.applied();
    return {options_.id,  hard(),      soft(),  log_.applied(),
            log_.first(), log_.last(), pending, log_.bytes_behind_snapshot()};
}

QUORATE_DECL std::span<const peer_progress> raft::progress() const noexcept {
    const leader_role* leads = std::get_if<leader_role>(&data_);
    return leads == nullptr ? std::span<const peer_progress>() : leads->peers;
}

} // namespace quorate

#endif
