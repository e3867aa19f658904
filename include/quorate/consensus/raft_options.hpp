// The options of a raft engine: limits, timing in ticks, optional rules.
// Flow:    none
// Source:  etcd-io/raft's options, under standard terms; pacing beyond it is marked so
#ifndef QUORATE_CONSENSUS_RAFT_OPTIONS_HPP
#define QUORATE_CONSENSUS_RAFT_OPTIONS_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>

#include <cstdint>

namespace quorate {

/// How a linearizable read is confirmed (thesis §6.4).
enum class read_mode : std::uint8_t {
    safe, ///< By a round of heartbeats to a quorum.
    /// By the leader's lease (§6.4.1), or as `safe` while the leader has none. Needs check_quorum,
    /// a driver that gives the time (raft::set_time), and clocks whose rates differ by less than a
    /// tenth. All members use it. A member that leaves this mode, or shortens its election timeout,
    /// stays down for one election timeout first: it forgets its promises.
    lease_based,
};

inline constexpr std::uint64_t unlimited = UINT64_MAX;

struct raft_options {
    node_id id{};                      ///< Own id; never zero.
    std::uint32_t election_ticks = 10; ///< A timeout is drawn from [n, 2n) ticks (§5.2).
    std::uint32_t heartbeat_ticks = 1;
    /// Units of raft::set_time that pass in one tick; a node fills it in.
    std::uint64_t tick_units = 1000;

    /// Entries of one append message, in encoded bytes; at least one entry is always sent.
    std::uint64_t append_bytes_max = 1 << 20;
    /// Entries handed out for applying and not yet applied, in encoded bytes; zero: as above.
    std::uint64_t apply_bytes_max = 0;
    /// Payload bytes of a leader's proposals that it has not applied yet; zero: unlimited. More are
    /// refused. (The reference counts so too, whatever the name says.)
    std::uint64_t uncommitted_bytes_max = 256 << 20;
    /// Bytes of memory of entries that are not durable here, of a leader and of a follower; zero:
    /// unlimited. A leader refuses more; a follower holds back, and its leader sends them again.
    /// What comes while nothing waits for the disk is always taken. At least append_bytes_max, or
    /// no two appends could be on their way to the disk.
    std::uint64_t unstable_bytes_max = 256 << 20;
    /// Bytes of memory of the entries behind the newest snapshot, soft by one batch; zero:
    /// unlimited. Only a leader refuses more, and it still takes changes of the members: a follower
    /// that took no entries could keep a group from committing what was accepted.
    std::uint64_t log_bytes_max = std::uint64_t{4} << 30;
    /// Append messages in flight per follower.
    std::uint32_t inflight_messages_max = 256;
    /// Payload bytes in flight per follower; zero: unlimited; soft by one message.
    std::uint64_t inflight_bytes_max = 256 << 20;

    bool check_quorum = true; ///< A leader that hears from no quorum steps down (thesis §6.2).
    bool pre_vote = true;     ///< Two-phase elections (thesis §9.6).
    read_mode reads = read_mode::safe;
    bool forward_proposals = true;    ///< A follower passes proposals on to the leader.
    bool validate_changes = true;     ///< The leader refuses membership changes that cannot apply.
    bool step_down_on_removal = true; ///< A leader that applies its own removal follows (§4.2.2).
    /// Entries are applied only once they are durable here, so that writes to the disk and applies
    /// may complete out of step. False: a batch's entries may be applied together with it, by a
    /// driver that makes each batch durable before it applies (see raft::advance).
    bool async_storage = true;

    /// Beyond the reference: appends are built when effects are taken, so that many proposals
    /// share one message and a new commit index travels with the next append.
    bool coalesce_appends = true;
    /// Beyond the reference: answers to refused forwards; forwards are void in another term.
    bool answer_refusals = true;
    /// Beyond the reference: a message that only a leader sends is refused when this member knows
    /// another leader of the same term, which cannot be.
    bool check_leader = true;
    /// Beyond the reference: a member takes a snapshot that does not name it. It was made before
    /// the member was added; the log behind it adds it. One that refuses is sent it for ever.
    bool join_from_any_snapshot = true;
    /// Beyond the reference: a member whose disk lost what it acknowledged says so, and the leader
    /// sends it again. The reference's follower ends its process.
    bool repair_lost_logs = true;
    /// Beyond the reference: a lease lasts as long as voters promise, counted from the sending of
    /// the heartbeat that they answer. There a leader trusts its lease until it steps down.
    bool strict_leases = true;
    /// Beyond the reference: a transfer has a timer of its own. There each request restarts the
    /// timer of check_quorum, so that requests keep a leader that reaches no quorum.
    bool transfer_timer = true;
    /// Beyond the reference: a candidate asks for votes once its term and its log are durable.
    /// Votes of others could elect it sooner; after a crash it would not know that term, and could
    /// be elected in it once more, with another log than the voters compared with theirs.
    bool durable_candidacy = true;

    /// Errors: invalid_option.
    [[nodiscard]] error_code check() const noexcept {
        const bool valid = id && heartbeat_ticks > 0 && election_ticks > heartbeat_ticks &&
                           tick_units > 0 && tick_units <= UINT64_MAX / 4 / election_ticks &&
                           inflight_messages_max > 0 &&
                           (unstable_bytes_max == 0 || unstable_bytes_max >= append_bytes_max) &&
                           (inflight_bytes_max == 0 || inflight_bytes_max >= append_bytes_max) &&
                           (reads == read_mode::safe || check_quorum);
        return valid ? error_code() : error_code(errc::invalid_option);
    }

    /// Returns: the reference's own behaviour, message by message, as scripts pin it.
    [[nodiscard]] static raft_options exact(node_id id) noexcept {
        raft_options options;
        options.id = id;
        options.append_bytes_max = unlimited;
        options.uncommitted_bytes_max = 0;
        options.unstable_bytes_max = 0;
        options.log_bytes_max = 0;
        options.inflight_bytes_max = 0;
        options.check_quorum = false;
        options.pre_vote = false;
        options.step_down_on_removal = false;
        options.async_storage = false;
        options.coalesce_appends = false;
        options.answer_refusals = false;
        options.check_leader = false;
        options.join_from_any_snapshot = false;
        options.repair_lost_logs = false;
        options.strict_leases = false;
        options.transfer_timer = false;
        options.durable_candidacy = false;
        return options;
    }
};

} // namespace quorate

#endif
