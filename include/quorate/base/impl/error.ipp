// Names, texts and conditions of the error codes.
#ifndef QUORATE_BASE_IMPL_ERROR_IPP
#define QUORATE_BASE_IMPL_ERROR_IPP

#include <quorate/base/error.hpp>

#include <array>
#include <string>

namespace quorate {
namespace detail {

/// One row per enumerator, in order: what a program compares, and what a person reads.
struct error_text {
    const char* name;
    const char* text;
};

inline constexpr std::array error_texts{
    error_text{"no_leader", "no leader is known"},
    error_text{"not_leader", "this member is not the leader"},
    error_text{"proposal_dropped", "proposal dropped"},
    error_text{"transfer_in_progress", "leadership is being transferred"},
    error_text{"uncommitted_limit", "too many uncommitted bytes"},
    error_text{"too_many_unapplied", "too many committed entries wait to be applied"},
    error_text{"request_too_large", "request is too large"},
    error_text{"leader_changed", "the leader changed before the request was committed"},
    error_text{"outcome_unknown", "timed out: the outcome is unknown"},
    error_text{"read_timed_out", "the read could not be confirmed in time"},
    error_text{"stopped", "the node is stopped"},
    error_text{"forwarding_disabled", "forwarding of proposals is disabled"},
    error_text{"change_pending", "an earlier membership change is not applied yet"},
    error_text{"already_joint", "the configuration is joint already"},
    error_text{"not_joint", "the configuration is not joint"},
    error_text{"removed_all_voters", "the change would remove all voters"},
    error_text{"more_than_one_voter_changed",
               "more than one voter changed without a joint configuration"},
    error_text{"zero_voter_config", "a configuration without voters cannot become joint"},
    error_text{"simple_change_while_joint",
               "a simple change is not possible while the configuration is joint"},
    error_text{"unknown_change_kind", "unknown kind of membership change"},
    error_text{"must_leave_joint", "the joint configuration must be left first"},
    error_text{"nothing_to_change", "the membership change is empty"},
    error_text{"invalid_membership", "the membership contradicts itself"},
    error_text{"member_unknown", "no such member"},
    error_text{"member_exists", "the member is part of the group already"},
    error_text{"member_removed", "this member was removed from the group"},
    error_text{"local_message", "a message that only a member may send to itself"},
    error_text{"peer_not_found", "a response from a member outside the group"},
    error_text{"message_invalid", "the message contradicts the protocol"},
    error_text{"log_conflict", "the message conflicts with committed entries"},
    error_text{"corrupt", "corrupt bytes"},
    error_text{"truncated", "the bytes end too early"},
    error_text{"unsupported_version", "unsupported format version"},
    error_text{"too_large", "a length is over its limit"},
    error_text{"wrong_cluster", "belongs to another cluster"},
    error_text{"wrong_member", "belongs to another member"},
    error_text{"directory_locked", "the data directory is in use by another process"},
    error_text{"poisoned", "storage failed earlier; restart to recover"},
    error_text{"no_space", "no space is left on the disk"},
    error_text{"index_compacted", "the entries are compacted away"},
    error_text{"index_unavailable", "the entries do not exist yet"},
    error_text{"revision_compacted", "the revision is compacted away"},
    error_text{"revision_in_future", "the revision does not exist yet"},
    error_text{"key_empty", "the key is empty"},
    error_text{"command_invalid", "the command cannot be decoded"},
    error_text{"invalid_option", "an option is invalid"},
    error_text{"key_not_found", "the key does not exist"},
    error_text{"value_provided", "a value is given, and the old one is to be kept"},
    error_text{"lease_provided", "a lease is given, and the old one is to be kept"},
    error_text{"too_many_operations", "the transaction has too many operations"},
    error_text{"duplicate_key", "the transaction changes a key twice"},
    error_text{"permission_denied", "the user has no permission for this"},
    error_text{"auth_old_revision", "users or permissions have changed meanwhile"},
    error_text{"user_empty", "the user name is empty"},
    error_text{"user_exists", "the user exists already"},
    error_text{"user_not_found", "the user does not exist"},
    error_text{"role_empty", "the role name is empty"},
    error_text{"role_exists", "the role exists already"},
    error_text{"role_not_found", "the role does not exist"},
    error_text{"role_not_granted", "the role is not granted to the user"},
    error_text{"permission_not_given", "no permission is given"},
    error_text{"permission_not_granted", "the permission is not granted to the role"},
    error_text{"root_user_not_found", "the user root does not exist"},
    error_text{"root_role_not_granted", "the user root does not have the role root"},
    error_text{"invalid_auth_management", "authentication cannot be managed like that"},
    error_text{"auth_not_enabled", "authentication is not enabled"},
    error_text{"auth_failed", "authentication failed: invalid user or password"},
    error_text{"password_invalid", "the password or its hash cannot be used"},
    error_text{"invalid_auth_token", "the token is invalid"},
    error_text{"watch_exists", "the stream has a watch of this id already"},
    error_text{"watch_span_empty", "the range of the watch is empty"},
    error_text{"lease_not_found", "no such lease"},
    error_text{"lease_exists", "the lease exists already"},
    error_text{"ttl_too_large", "the time to live is too large"},
    error_text{"lease_epoch_over", "another leader has taken the leases over"},
    error_text{"space_exceeded", "the store's quota is used up"},
    error_text{"cluster_corrupt", "the members disagree in their state"},
    error_text{"learner_unsupported", "a learner does not serve this"},
    error_text{"learner_required", "only a learner can be promoted"},
    error_text{"learner_not_ready", "the learner is not in sync with the leader yet"},
    error_text{"too_many_learners", "too many learners in the cluster"},
    error_text{"peer_url_exists", "another member has that peer URL"},
    error_text{"peer_url_invalid", "the peer URLs are missing or invalid"},
    error_text{"not_enough_started", "too few members have started for this change"},
    error_text{"cluster_unhealthy", "too few members can be reached for this change"},
    error_text{"transferee_invalid", "leadership cannot be transferred to that member"},
    error_text{"election_leaderless", "the election has no leader"},
    error_text{"feature_unavailable", "not available on this member"},
    error_text{"timed_out_leader_lost",
               "timed out, maybe as a leader failed: the outcome is unknown"},
    error_text{"timed_out_disconnected",
               "timed out, maybe as a connection was lost: the outcome is unknown"},
    error_text{"session_expired", "the session of the lock or the candidate expired"},
    error_text{"reply_too_large", "the reply would be too large: ask for less at a time"},
    error_text{"unsynced_limit", "too many bytes wait for the leader's disk"},
    error_text{"log_limit", "the leader's log is full until a snapshot is saved"},
};

static_assert(error_texts.size() == static_cast<std::size_t>(errc_last));

class error_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "quorate"; }
    std::string message(int value) const override {
        const bool known = value >= 1 && is_errc(static_cast<std::uint64_t>(value));
        return known ? error_texts[static_cast<std::size_t>(value) - 1].text : "unknown error";
    }
};

class condition_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "quorate.condition"; }
    std::string message(int value) const override {
        switch (static_cast<condition>(value)) {
        case condition::retry: return "nothing happened; try again";
        case condition::outcome_unknown: return "the outcome is unknown";
        case condition::rejected: return "the request was rejected";
        case condition::corrupt: return "the bytes cannot be trusted";
        case condition::stopped: return "nothing happened; ask another node";
        }
        return "unknown condition";
    }
    bool equivalent(const error_code& code, int value) const noexcept override;
};

/// Returns: the group that a code belongs to.
inline condition condition_of(errc code) noexcept {
    switch (code) {
    case errc::no_leader:
    case errc::not_leader:
    case errc::proposal_dropped:
    case errc::transfer_in_progress:
    case errc::uncommitted_limit:
    case errc::unsynced_limit:
    case errc::log_limit:
    case errc::too_many_unapplied:
    case errc::leader_changed:
    case errc::read_timed_out:
    case errc::change_pending:
    case errc::no_space:
    case errc::auth_old_revision:
    case errc::learner_not_ready:
    case errc::cluster_unhealthy: return condition::retry;
    case errc::stopped: return condition::stopped;
    case errc::outcome_unknown:
    case errc::timed_out_leader_lost:
    case errc::timed_out_disconnected: return condition::outcome_unknown;
    case errc::corrupt:
    case errc::truncated:
    case errc::unsupported_version:
    case errc::wrong_cluster:
    case errc::wrong_member:
    case errc::log_conflict:
    case errc::cluster_corrupt: return condition::corrupt;
    default: return condition::rejected;
    }
}

} // namespace detail

QUORATE_DECL const boost::system::error_category& quorate_category() noexcept {
    static const detail::error_category category;
    return category;
}

QUORATE_DECL const boost::system::error_category& condition_category() noexcept {
    static const detail::condition_category category;
    return category;
}

QUORATE_DECL const char* name_of(errc code) noexcept {
    const auto value = static_cast<std::size_t>(code);
    return is_errc(value) ? detail::error_texts[value - 1].name : "unknown";
}

inline bool detail::condition_category::equivalent(const error_code& code,
                                                   int value) const noexcept {
    return code.failed() && code.category() == quorate_category() &&
           condition_of(static_cast<errc>(code.value())) == static_cast<condition>(value);
}

} // namespace quorate

#endif
