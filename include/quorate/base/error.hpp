// Every operating error and protocol outcome, with one category and the conditions that group them.
// Flow:    none
// Source:  conditions follow what a client may do next; see doc/errors.md
#ifndef QUORATE_BASE_ERROR_HPP
#define QUORATE_BASE_ERROR_HPP

#include <quorate/base/config.hpp>

#include <boost/system/error_code.hpp>

#include <cstdint>
#include <string>

namespace quorate {

using error_code = boost::system::error_code;

/// What went wrong, or what the protocol decided. Values are stable; new ones go at the end, where
/// `errc_last` follows.
enum class errc {
    // Proposals and reads. None of these was applied, unless the condition is outcome_unknown.
    no_leader = 1,    ///< No leader is known; nothing was proposed. Try again.
    not_leader,       ///< Only a leader can do this, and this member is not one.
    proposal_dropped, ///< The engine refused the proposal for a reason without a code of its own.
    transfer_in_progress, ///< Leadership is being handed over; proposals wait. Try again.
    uncommitted_limit,    ///< Too many bytes wait to be applied. Try again later.
    too_many_unapplied,   ///< The committed log runs too far ahead of the applied state.
    request_too_large,    ///< The encoded request is over the limit.
    leader_changed,       ///< The leader changed before this was committed; it never will be.
    outcome_unknown,      ///< The time ran out; the write may or may not be applied, now or later.
    read_timed_out,       ///< A linearizable read could not be confirmed in time. Nothing changed.
    stopped,              ///< The node is stopping or has stopped.
    forwarding_disabled,  ///< This member is configured not to forward proposals.

    // Membership changes (thesis §4).
    change_pending,              ///< An earlier membership change is not applied yet.
    already_joint,               ///< The configuration is joint already.
    not_joint,                   ///< Cannot leave a joint configuration that is not there.
    removed_all_voters,          ///< The change would leave no voter.
    more_than_one_voter_changed, ///< More than one voter changed without a joint configuration.
    zero_voter_config,           ///< A configuration without voters cannot become joint.
    simple_change_while_joint,   ///< Only leaving is allowed while the configuration is joint.
    unknown_change_kind,         ///< The change names an operation that does not exist.
    must_leave_joint,            ///< The configuration is joint; propose to leave it first.
    nothing_to_change,           ///< An empty change outside a joint configuration.
    invalid_membership,          ///< A membership breaks its own rules; see invariants.hpp.
    member_unknown,              ///< No such member.
    member_exists,               ///< The member is part of the group already.
    member_removed,              ///< This member was removed from the group.

    // What peers send. Dropped, never obeyed.
    local_message,   ///< A message kind that only a member may send to itself.
    peer_not_found,  ///< A response from a member that is not part of the group.
    message_invalid, ///< A message whose fields contradict each other or the protocol.
    log_conflict,    ///< Conflicts with committed entries: a peer or this disk lost data.

    // Files and frames.
    corrupt,             ///< Bytes fail their checksum or contradict each other.
    truncated,           ///< Bytes end before the value does.
    unsupported_version, ///< Written by a newer format version.
    too_large,           ///< A declared length is over its limit.
    wrong_cluster,       ///< Belongs to another cluster.
    wrong_member,        ///< Belongs to another member.
    directory_locked,    ///< Another process uses the data directory.
    poisoned,            ///< An earlier write or sync failed; only a fresh start recovers.
    no_space,            ///< The disk is full; nothing was written. Writes go on once it is not.
    index_compacted,     ///< The entries asked for are compacted away.
    index_unavailable,   ///< The entries asked for do not exist yet.

    // The store.
    revision_compacted, ///< The revision asked for is compacted away.
    revision_in_future, ///< The revision asked for does not exist yet.
    key_empty,          ///< A key must have at least one byte.
    command_invalid,    ///< A command that cannot be decoded.

    // Configuration.
    invalid_option, ///< An option is out of range or contradicts another.

    // Requests to the store that make no sense by themselves, or none on the state they meet.
    key_not_found,       ///< The key must exist for this; or an operation without a request.
    value_provided,      ///< A value together with the wish to keep the one that is there.
    lease_provided,      ///< A lease together with the wish to keep the one that is there.
    too_many_operations, ///< A transaction has too many operations or is nested too deeply.
    duplicate_key,       ///< A transaction changes one key twice.

    // Authentication and permissions.
    permission_denied, ///< The user may not do this.
    auth_old_revision, ///< Users, roles or permissions changed after this was admitted. Try again.
    user_empty,        ///< No user is named: authenticate first; or a user without a name.
    user_exists,       ///< The user exists already.
    user_not_found,    ///< No such user.
    role_empty,        ///< A role without a name.
    role_exists,       ///< The role exists already.
    role_not_found,    ///< No such role.
    role_not_granted,  ///< The user does not have this role.
    permission_not_given,    ///< A permission without a key.
    permission_not_granted,  ///< The role has no permission for exactly these keys.
    root_user_not_found,     ///< Authentication needs a user called root.
    root_role_not_granted,   ///< Authentication needs the role root at the user root.
    invalid_auth_management, ///< A permission for no keys; or root would lose what it must have.
    auth_not_enabled,        ///< Authentication is not enabled.
    auth_failed,             ///< The user or the password is wrong.
    password_invalid,        ///< A password that is too long or has a zero byte; or a wrong hash.
    invalid_auth_token,      ///< The token is unknown, expired or revoked. Authenticate again.

    // Watches.
    watch_exists,     ///< The stream has a watch of this id already.
    watch_span_empty, ///< A watch of no keys: its range ends where it begins, or before.

    // Leases.
    lease_not_found,  ///< No such lease, or it is over.
    lease_exists,     ///< A lease with that id is there already.
    ttl_too_large,    ///< The time to live is over its limit.
    lease_epoch_over, ///< Another leader has taken the leases over since that was proposed.

    // Alarms.
    space_exceeded,  ///< The quota is used up: nothing that grows the store, until disarmed.
    cluster_corrupt, ///< Members disagree in their state: no requests until that is disarmed.

    // Cluster and maintenance.
    learner_unsupported, ///< A learner does not serve this; ask another member.
    learner_required,    ///< Only a learner can be promoted.
    learner_not_ready,   ///< The learner's log is still too far behind the leader's.
    too_many_learners,   ///< The cluster has as many learners as it may have.
    peer_url_exists,     ///< Another member has that peer URL, perhaps spelled otherwise.
    peer_url_invalid,    ///< No peer URLs, or one that is none.
    not_enough_started,  ///< The change would leave too few members that have started.
    cluster_unhealthy,   ///< The change would leave too few members that the leader reaches.
    transferee_invalid,  ///< Leadership cannot go to that member.
    election_leaderless, ///< The election has no leader.
    feature_unavailable, ///< This member was built or started without that.

    // As outcome_unknown, where the reason can be guessed.
    timed_out_leader_lost,  ///< The leader that the write was given to may have failed.
    timed_out_disconnected, ///< The leader, or a quorum of the leader's, could not be reached.

    session_expired, ///< The key or the lease of a wait for a lock ended before the wait did.
    reply_too_large, ///< The reply would be over its limit; nothing was changed. Ask for less.

    // As uncommitted_limit.
    unsynced_limit, ///< Too many bytes wait for the leader's disk. Try again later.
    log_limit,      ///< The leader's log is full until a snapshot is saved. Try again later.
};

/// The last enumerator of errc.
inline constexpr errc errc_last = errc::log_limit;

/// Returns: whether the number is that of an enumerator, as it has to be before a number that a
/// peer sent becomes an errc.
[[nodiscard]] constexpr bool is_errc(std::uint64_t value) noexcept {
    return value >= 1 && value <= static_cast<std::uint64_t>(errc_last);
}

/// What the caller may do next. Compare an error_code with these.
enum class condition {
    retry = 1,       ///< Nothing happened; the same request may be sent again.
    outcome_unknown, ///< The request may have happened or may yet happen.
    rejected,        ///< The request itself is wrong or forbidden now; sending it again is no use.
    corrupt,         ///< Stored or received bytes cannot be trusted.
    stopped,         ///< Nothing happened, and this node takes no more requests; ask another one.
};

/// Returns: the category of `errc`, named "quorate".
[[nodiscard]] const boost::system::error_category& quorate_category() noexcept;
/// Returns: the category of `condition`.
[[nodiscard]] const boost::system::error_category& condition_category() noexcept;

/// Returns: the enumerator's name, such as "no_leader". Used by logs and by scenario scripts.
[[nodiscard]] const char* name_of(errc code) noexcept;

[[nodiscard]] inline error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), quorate_category()};
}
[[nodiscard]] inline boost::system::error_condition make_error_condition(condition c) noexcept {
    return {static_cast<int>(c), condition_category()};
}

} // namespace quorate

template <>
struct boost::system::is_error_code_enum<quorate::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<quorate::condition> : std::true_type {};

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/base/impl/error.ipp>
#endif

#endif
