// The raft engine: one member's protocol state, driven by events, answering with effects.
// Flow:       4, 5, 9 and 10. proposal → entry → effects; acks → commit
// Invariants: see invariants.hpp
// Source:     Raft (extended version) §5 to §8; thesis §3.10, §4, §6, §9.6; etcd-io/raft, message
// by
//             message, in raft_options::exact
// Threads:    none (the owner's); no I/O, no clock, no randomness: the same calls in the same order
//             give the same effects
#ifndef QUORATE_CONSENSUS_RAFT_HPP
#define QUORATE_CONSENSUS_RAFT_HPP

#include <quorate/consensus/engine.hpp>
#include <quorate/consensus/forwarded_batches.hpp>
#include <quorate/consensus/progress.hpp>
#include <quorate/consensus/quorum.hpp>
#include <quorate/consensus/raft_log.hpp>
#include <quorate/consensus/raft_roles.hpp>

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

namespace quorate {

/// Models consensus_engine.
class raft {
public:
    /// Requires: options.check() and check(state) are fine. `jitter`: as in tick.
    raft(const raft_options& options, engine_state state, std::uint32_t jitter);

    // Events. Each may leave effects to take.

    /// Effects: it is `now`, counted in raft_options::tick_units; a time before the last one
    /// changes nothing. The clock also runs while the process or the machine sleeps. Leases need
    /// it: call it before every event, with a time that was read after the event came in. Without
    /// it, reads are confirmed by rounds.
    void set_time(std::uint64_t now) noexcept;
    /// Effects: lets one tick pass. `jitter` is a fresh random number; the next election timeout
    /// is drawn from the newest one, so that the engine itself needs no source of randomness.
    void tick(std::uint32_t jitter);
    /// Effects: the disk takes no writes for now, or does again. Meanwhile this member takes no
    /// entries and answers no vote, does not campaign, and says so in its answers.
    void set_writable(bool writable) noexcept { writable_ = writable; }
    /// Effects: takes a message from a peer, or a deferred one to itself once that is durable.
    /// Errors: message_invalid, peer_not_found, log_conflict, or why a forwarded proposal is
    /// refused: nothing changed, log it and drop it.
    error_code step(const message& m);
    /// Effects: starts an election, unless this member leads or may not.
    error_code campaign();
    /// Effects: appends at the leader, forwards elsewhere; moves the payloads out on success.
    /// `context` comes back in a refusal, should the leader that it is forwarded to refuse. The
    /// leader takes one copy of a batch that is forwarded under a context other than zero, so no
    /// life of this member uses such a context twice. If this member starts more than
    /// forwarded_batches::runs_max times in one term, the leader may ignore a batch as a copy.
    /// Errors: no_leader, transfer_in_progress, uncommitted_limit, unsynced_limit, log_limit,
    /// forwarding_disabled, request_too_large for a payload over entry_bytes_limit, or of a
    /// membership change (see membership_change.hpp); in exact mode always proposal_dropped.
    error_code propose(std::span<proposed> proposals, std::uint64_t context = 0);
    /// Effects: answers a forwarded proposal with `reason`, for a driver that cannot take it now;
    /// a copy of it that comes later is ignored.
    void refuse_forwarded(const message& forwarded, errc reason);
    /// Effects: proposes a membership change; `kind` says how it is encoded. Errors: as propose.
    error_code propose_change(const membership_change& change, entry_kind kind,
                              std::uint64_t context = 0);
    /// Effects: a read_state with `context` follows once the read is known to be linearizable.
    /// Errors: no_leader.
    error_code read_index(std::uint64_t context);
    /// Errors: no_leader, member_unknown, transferee_invalid (recovering, or its disk takes no
    /// writes). Best effort: watch soft_state for the result.
    error_code transfer_leadership(node_id to);
    /// Effects: a follower forgets its leader but keeps term and timer (lets it vote at once).
    /// Errors: invalid_option with lease-based reads.
    error_code forget_leader();
    /// Effects: makes a committed change take effect; call when its entry is applied. An entry that
    /// a snapshot replaced is not applied any more: the members are those of the snapshot.
    /// Errors: of membership_change.hpp; the configuration then stays as it is.
    result<membership> apply_change(const membership_change& change);
    /// Effects: everything up to the mark is durable. Call after the deferred messages to itself.
    void on_stable(const stable_mark& mark);
    /// Effects: everything up to the mark is applied.
    void on_applied(const applied_mark& mark);
    /// Effects: this member is known to run on an older copy of its data, or to have been wiped. It
    /// leads, campaigns and votes no more until a leader has confirmed it; answers that wait for
    /// the disk are dropped. Requires: this member is not the only voter, as far as its owner
    /// knows. Does nothing without repair_lost_logs, as no leader confirms then: a node refuses to
    /// start so.
    void on_stale_copy();
    void on_unreachable(node_id peer);
    void on_snapshot_sent(node_id peer, bool delivered);
    /// Effects: what a follower that fell behind is sent from now on. Null: nothing.
    /// It is saved, so that entries up to its index no longer count for log_bytes_max.
    void offer_snapshot(snapshot_ptr snap) noexcept {
        offered_ = std::move(snap);
        if (offered_ != nullptr) {
            log_.on_snapshot_saved(offered_->last.index);
        }
    }
    /// Effects: forgets entries up to and including `upto`. Errors: index_compacted,
    /// index_unavailable (not applied here, or newer than the offered snapshot).
    error_code compact(log_index upto);
    /// Effects: replaces the drawn timeout until the next role change. For tests and scripts.
    void set_election_timeout(std::uint32_t ticks) noexcept { timeout_ = ticks; }

    /// Effects: everything in `batch` is durable and applied: steps the deferred messages to
    /// itself, then on_stable, then on_applied. For drivers that work batch by batch.
    /// `batch` must be the newest one taken.
    void advance(const effects& batch);

    [[nodiscard]] bool has_effects() const noexcept;
    /// Returns: one batch; see effects for order and lifetime.
    effects& take_effects();

    [[nodiscard]] engine_status status() const noexcept;
    [[nodiscard]] const membership& members() const noexcept { return members_; }
    [[nodiscard]] const raft_log& log() const noexcept { return log_; }
    /// Returns: the leader's view of every member, ascending; empty elsewhere.
    [[nodiscard]] std::span<const peer_progress> progress() const noexcept;
    [[nodiscard]] flow_limits limits() const noexcept {
        return {options_.inflight_messages_max, options_.inflight_bytes_max};
    }

private:
    // Entries of a queued message, resolved when effects are taken: the log's vector may move.
    struct entry_ref {
        std::size_t message = 0; // position in send_now
        log_index first;         // in the log; zero: `owned` holds them
        std::size_t count = 0;
        std::vector<entry> owned;
    };

    [[nodiscard]] role_kind role() const noexcept {
        if (const candidate_role* candidate = std::get_if<candidate_role>(&data_)) {
            return candidate->pre ? role_kind::pre_candidate : role_kind::candidate;
        }
        return is_leader() ? role_kind::leader : role_kind::follower;
    }
    [[nodiscard]] bool is_leader() const noexcept {
        return std::holds_alternative<leader_role>(data_);
    }
    [[nodiscard]] leader_role& lead() noexcept { return *std::get_if<leader_role>(&data_); }
    [[nodiscard]] candidate_role& candidacy() noexcept {
        return *std::get_if<candidate_role>(&data_);
    }
    [[nodiscard]] error_code dropped(errc reason) const noexcept {
        return options_.answer_refusals ? reason : errc::proposal_dropped;
    }
    [[nodiscard]] hard_state hard() const noexcept {
        return {term_, vote_, log_.committed(), lost_};
    }
    [[nodiscard]] bool fenced() const noexcept { return static_cast<bool>(lost_.index); }
    [[nodiscard]] bool stale() const noexcept { return lost_ == stale_copy; }
    [[nodiscard]] soft_state soft() const noexcept { return {leader_, role()}; }
    [[nodiscard]] bool promotable() const noexcept;
    [[nodiscard]] bool in_lease() const noexcept;

    // raft_lease.ipp
    [[nodiscard]] bool uses_leases() const noexcept {
        return options_.strict_leases && options_.reads == read_mode::lease_based;
    }
    [[nodiscard]] std::uint64_t promise_units() const noexcept {
        return options_.election_ticks * options_.tick_units;
    }
    [[nodiscard]] bool promised() const noexcept { return time_ < promised_until_; }
    void add_promise(const message& heartbeat, message& answer) noexcept;
    [[nodiscard]] log_index lease_stamp() noexcept;
    void on_promise(peer_progress& peer, const message& m) noexcept;
    [[nodiscard]] bool has_lease();
    // raft.ipp: terms, votes, effects.
    void send(message&& m);
    void send_entries(message&& m, log_index first, std::size_t count);
    void send_owned(message&& m, std::vector<entry> entries);
    void pin_outgoing();
    void release_spares() noexcept;
    [[nodiscard]] error_code check_message(const message& m) const noexcept;
    [[nodiscard]] bool contradicts_committed(const message& m) const noexcept;
    void step_newer_term(const message& m);
    void step_older_term(const message& m);
    void step_vote(const message& m);
    [[nodiscard]] error_code step_role(const message& m);
    void reset(term_id term);
    void become_follower(term_id term, node_id leader);

    // raft_follower.ipp
    [[nodiscard]] error_code step_follower(const message& m);
    [[nodiscard]] error_code from_leader(const message& m);
    [[nodiscard]] error_code handle_append(const message& m);
    [[nodiscard]] bool holds_back(std::span<const entry> entries) const noexcept;
    void handle_heartbeat(const message& m);
    [[nodiscard]] error_code handle_snapshot(const message& m);
    [[nodiscard]] bool restore(const snapshot_ptr& snap);
    void send_rejection(node_id leader, log_index rejected, log_id hint);
    [[nodiscard]] bool decides(const message& forwarded);
    [[nodiscard]] error_code forward_proposal(std::span<proposed> proposals, std::uint64_t context);
    [[nodiscard]] error_code refuse_or_forward(const message& m);

    // raft_recovering.ipp
    [[nodiscard]] bool holds_all() const;
    [[nodiscard]] bool may_vote(const message& m) const noexcept;
    [[nodiscard]] bool repairs() const noexcept { return fenced() && options_.repair_lost_logs; }
    void fence() noexcept;
    void learn_match(log_index covered) noexcept;
    void report_held(const message& heartbeat);
    void learn_extent(const message& m, log_index covered) noexcept;
    void maybe_unfence() noexcept;
    [[nodiscard]] bool take_loss_report(peer_progress& peer, const message& m);
    void note_repaired(peer_progress& peer, log_index acked) noexcept;
    [[nodiscard]] log_index repair_extent(const peer_progress& peer) const noexcept {
        return peer.repairing() ? log_.last() : log_index{};
    }

    // raft_stale.ipp
    void mark_stale(message& m) const noexcept;
    void mark_confirmed(message& m, const peer_progress& peer) const noexcept;
    void learn_confirmation(const message& m) noexcept;
    void rejoin() noexcept;
    void note_stale(peer_progress& peer, const message& m);
    void start_confirmation(const pending_read& wanted);
    void confirm_stale(const pending_read& done);

    // raft_candidate.ipp
    enum class campaign_kind : std::uint8_t { pre_election, election, transfer };
    void start_election(campaign_kind kind);
    void run_campaign(campaign_kind kind);
    [[nodiscard]] bool has_change(log_index from, log_index to) const noexcept;
    [[nodiscard]] bool may_alter_members(log_index from, log_index to) const;
    [[nodiscard]] bool has_unapplied_change() const noexcept;
    [[nodiscard]] error_code step_candidate(const message& m);
    void on_vote_response(const message& m);
    void become_candidate();
    void become_pre_candidate();

    // raft_leader.ipp
    void become_leader();
    void tick_leader();
    void check_quorum();
    [[nodiscard]] error_code step_leader(const message& m);
    [[nodiscard]] error_code accept(std::span<proposed> proposals);
    [[nodiscard]] error_code admit_change(const membership_change& change, std::size_t offset);
    [[nodiscard]] error_code admit(std::span<proposed> proposals);
    [[nodiscard]] error_code admit_bytes(std::span<const proposed> proposals) const noexcept;
    void append_own(std::span<proposed> proposals);
    [[nodiscard]] error_code on_forwarded(const message& m);
    [[nodiscard]] error_code on_append_response(const message& m);
    void on_append_rejected(peer_progress& peer, const message& m);
    void on_append_acked(peer_progress& peer, const message& m);
    void on_heartbeat_response(peer_progress& peer, const message& m);
    void on_transfer_request(node_id to);
    void send_timeout_now(node_id to);
    void time_transfer() noexcept;
    bool maybe_commit();
    void on_commit_advanced();
    void broadcast_append();
    void broadcast_heartbeat();
    void replicate();
    void send_all(peer_progress& peer);
    bool send_append(peer_progress& peer, bool even_if_empty);
    bool send_snapshot(peer_progress& peer);
    void send_heartbeat(peer_progress& peer);
    void flush_replication();

    // raft_reads.ipp
    [[nodiscard]] error_code on_read_request(node_id from, std::uint64_t context);
    void start_read(const pending_read& read);
    void answer_read(const pending_read& read);
    void confirm_reads();
    void release_postponed_reads();
    void refuse_reads(errc reason);

    // raft_membership.ipp
    void switch_members(membership next);
    void reconcile_progress();
    void maybe_leave_joint();

    raft_options options_;
    term_id term_;
    node_id vote_;
    lost_log lost_;
    std::uint64_t start_number_ = 0; // distinguishes the starts of a stale member
    log_id confirmed_{};             // the leader's term, and what this stale member has to hold
    log_index matched_;              // while fenced: the log is the leader's up to here
    node_id leader_;
    std::variant<follower_role, candidate_role, leader_role> data_; // is the role
    membership members_;
    raft_log log_;
    snapshot_ptr offered_;

    term_id led_;                 // the last term that this member led since its start
    term_id forgotten_;           // forwards of terms up to this one may have been accepted
    forwarded_batches forwarded_; // of the term in `led_`

    std::uint32_t election_elapsed_ = 0;
    std::uint32_t heartbeat_elapsed_ = 0;
    std::uint32_t timeout_ = 0; // election_ticks plus jitter
    std::uint32_t jitter_ = 0;
    bool writable_ = true;
    std::uint64_t time_ = 0; // zero: the driver gives no time
    std::uint64_t promised_until_ = 0;

    effects batch_; // the one last taken; its vectors swap with the queues below
    std::vector<message> now_;
    std::vector<message> after_sync_;
    std::vector<entry_ref> refs_;
    std::vector<entry_ref> batch_refs_;
    std::vector<read_state> reads_;
    std::vector<refusal> refusals_;
    soft_state told_soft_;
    hard_state told_hard_;
};

static_assert(consensus_engine<raft>);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/consensus/impl/raft.ipp>
#include <quorate/consensus/impl/raft_candidate.ipp>
#include <quorate/consensus/impl/raft_follower.ipp>
#include <quorate/consensus/impl/raft_leader.ipp>
#include <quorate/consensus/impl/raft_lease.ipp>
#include <quorate/consensus/impl/raft_membership.ipp>
#include <quorate/consensus/impl/raft_reads.ipp>
#include <quorate/consensus/impl/raft_recovering.ipp>
#include <quorate/consensus/impl/raft_stale.ipp>
#endif

#endif
