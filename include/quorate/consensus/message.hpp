// The messages between members, as flat values.
// Flow:    5, 8 and 9. effects → frame → step
// Source:  Raft figure 2 and 13; thesis §4.2.1, §6.4, §9.6; field use as in etcd-io/raft
#ifndef QUORATE_CONSENSUS_MESSAGE_HPP
#define QUORATE_CONSENSUS_MESSAGE_HPP

#include <quorate/consensus/entry.hpp>
#include <quorate/consensus/snapshot.hpp>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quorate {

/// Values are part of the frame format. Members exchange these and no others.
enum class message_kind : std::uint8_t {
    proposal = 0,        ///< Entries to propose; a follower sends its clients' to the leader.
    append = 1,          ///< Entries after (index, log_term), and the commit index (§5.3).
    append_response = 2, ///< Acknowledges up to index, or rejects with a hint.
    vote = 3,            ///< Asks for a vote (§5.2); index/log_term: the candidate's last entry.
    vote_response = 4,
    install_snapshot = 5, ///< §7.
    heartbeat = 6, ///< Liveness, commit index, read context (§6.4); `index`: the leader's clock.
    /// Repeats context and `index`; `reject_hint`: for how long the sender elects no other leader.
    /// `reject`: its disk takes no writes now; `lost`: it is recovering.
    heartbeat_response = 7,
    transfer_leader = 8, ///< `from` shall become leader; a follower passes it on (thesis §3.10).
    timeout_now = 9,     ///< Campaign at once.
    read_index = 10,     ///< A follower asks for a read index (thesis §6.4).
    read_index_response = 11,
    pre_vote = 12, ///< Would you vote for me in `term`? (thesis §9.6)
    pre_vote_response = 13,
    proposal_refused =
        14,            ///< Answers a forwarded proposal: `context` of it, reason in `reject_hint`.
    read_refused = 15, ///< Answers a forwarded read: `context` of it, reason in `reject_hint`.
};

inline constexpr std::uint8_t message_kind_max = 15;

/// Terms and indices stay below this: far more than any group reaches, and far from wrapping round,
/// whatever a peer claims.
inline constexpr std::uint64_t number_max = std::uint64_t{1} << 62;
/// A message whose term is further ahead than this is invalid. A group that holds an election each
/// second needs 136 years for so many terms, and a faulty peer 2^30 messages to reach number_max.
inline constexpr std::uint64_t term_jump_max = std::uint64_t{1} << 32;

/// Returns: whether the kind answers an earlier message and so must come from a known member.
[[nodiscard]] constexpr bool is_response(message_kind kind) noexcept {
    switch (kind) {
    case message_kind::append_response:
    case message_kind::vote_response:
    case message_kind::heartbeat_response:
    case message_kind::read_index_response:
    case message_kind::pre_vote_response:
    case message_kind::proposal_refused:
    case message_kind::read_refused: return true;
    default: return false;
    }
}

/// One message. Fields that a kind does not use are zero.
/// Lifetime: `entries` views the sender's log or the receiver's buffer: valid until the owner's
/// next change. Use owned_message to keep one for longer.
struct message {
    message_kind kind = message_kind::heartbeat;
    bool reject = false;
    /// vote and pre_vote: from one of two voters, which vouches that it holds all that is
    /// committed. append_response: rejected by a member that lost what it acknowledged. With a
    /// context: from a member that started from a stale copy, and so in heartbeat_response. append
    /// and install_snapshot: to such a member, with the context that it gave once it is confirmed.
    bool lost = false;
    bool transfer = false; ///< vote: campaigning on the leader's request, so the lease is waived.
    node_id to{};
    node_id from{};
    term_id term{};     ///< Zero for proposals, read requests and their refusals.
    term_id log_term{}; ///< Term of the entry at `index`; of `reject_hint` in a rejection; of
                        ///< `commit` in a heartbeat, zero there from the reference.
    log_index index{};  ///< See message_kind.
    log_index commit{};
    /// Largest index at which the logs may agree (thesis §3.5). To a confirmed stale member, or one
    /// that lost entries: the index up to which it has to hold the leader's log.
    log_index reject_hint{};
    std::uint64_t context = 0; ///< Opaque number that an answer repeats.
    std::span<const entry> entries{};
    snapshot_ptr snap{};
};

/// A message together with the entries it carries.
class owned_message {
public:
    owned_message() = default;
    explicit owned_message(const message& m)
        : message_(m), entries_(m.entries.begin(), m.entries.end()) {
        rebind();
    }
    owned_message(message m, std::vector<entry> entries)
        : message_(std::move(m)), entries_(std::move(entries)) {
        rebind();
    }
    owned_message(const owned_message& other) : message_(other.message_), entries_(other.entries_) {
        rebind();
    }
    owned_message(owned_message&& other) noexcept
        : message_(std::move(other.message_)), entries_(std::move(other.entries_)) {
        rebind();
        other.rebind();
    }
    owned_message& operator=(const owned_message& other) { return *this = owned_message(other); }
    owned_message& operator=(owned_message&& other) noexcept {
        message_ = std::move(other.message_);
        entries_ = std::move(other.entries_);
        rebind();
        other.rebind();
        return *this;
    }
    ~owned_message() = default;

    [[nodiscard]] const message& get() const noexcept { return message_; }
    [[nodiscard]] const message* operator->() const noexcept { return &message_; }

private:
    void rebind() noexcept { message_.entries = entries_; }

    message message_;
    std::vector<entry> entries_{};
};

} // namespace quorate

#endif
