// A proposed change of the membership, its bytes inside an entry, and the rules that apply it.
// Flow:       4, 11; a change is an entry like any other and takes effect when it is applied
// Invariants: R12; quorums of consecutive configurations overlap
// Source:     thesis §4.1 (one at a time), §4.3 (joint); rules and their order as in etcd-io/raft
#ifndef QUORATE_CONSENSUS_MEMBERSHIP_CHANGE_HPP
#define QUORATE_CONSENSUS_MEMBERSHIP_CHANGE_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/result.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/consensus/membership.hpp>

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <span>

namespace quorate {

/// Values are part of the entry format.
enum class change_kind : std::uint8_t { add_voter = 0, remove = 1, update = 2, add_learner = 3 };

enum class change_transition : std::uint8_t {
    automatic = 0,      ///< Simple for one change, joint with auto-leave for several.
    joint_implicit = 1, ///< Always joint; the leader leaves by itself.
    joint_explicit = 2, ///< Always joint; somebody proposes to leave.
};

struct single_change {
    change_kind kind = change_kind::add_voter;
    node_id node{}; ///< Zero: cancelled, ignored when applied.

    friend bool operator==(const single_change&, const single_change&) noexcept = default;
};

/// A list of changes made together. Empty with an automatic transition: leave the joint config.
struct membership_change {
    change_transition transition = change_transition::automatic;
    boost::container::small_vector<single_change, 4> changes{};
    shared_bytes context{}; ///< For the application, such as the new member's address.

    [[nodiscard]] bool leaves_joint() const noexcept {
        return transition == change_transition::automatic && changes.empty();
    }
    [[nodiscard]] bool enters_joint() const noexcept {
        return transition != change_transition::automatic || changes.size() > 1;
    }
    [[nodiscard]] bool auto_leave() const noexcept {
        return transition != change_transition::joint_explicit;
    }
};

/// Returns: the payload of an entry of `kind`. An empty change encodes to no bytes at all.
/// Requires: kind is change (exactly one single change) or joint_change.
[[nodiscard]] shared_bytes encode(const membership_change& change, entry_kind kind);

/// Errors: truncated, unknown_change_kind. Trusts nothing: the bytes may come from a peer.
[[nodiscard]] result<membership_change> decode_change(entry_kind kind, byte_view bytes);

/// Returns: the configuration after `changes`, which may change at most one voter.
/// Errors: simple_change_while_joint, removed_all_voters, more_than_one_voter_changed,
/// invalid_membership.
[[nodiscard]] result<membership> apply_simple(const membership& now,
                                              std::span<const single_change> changes);

/// Errors: already_joint, zero_voter_config, removed_all_voters, invalid_membership.
[[nodiscard]] result<membership> enter_joint(const membership& now,
                                             std::span<const single_change> changes,
                                             bool auto_leave);

/// Errors: not_joint, invalid_membership.
[[nodiscard]] result<membership> leave_joint(const membership& now);

/// Returns: the configuration after `change`, by whichever of the three rules fits it.
[[nodiscard]] result<membership> apply(const membership& now, const membership_change& change);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/consensus/impl/membership_change.ipp>
#endif

#endif
