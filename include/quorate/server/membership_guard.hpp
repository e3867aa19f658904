// The membership changes that a cluster survives: a check before one is proposed.
// Flow:       1 to 3. a wish to add, remove or promote → admitted, or why not
// In / Out:   what is known of the members → error_code
// Invariants: a change that is let through leaves a quorum of members that are up
// Source:     etcd's strict reconfiguration check
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_MEMBERSHIP_GUARD_HPP
#define QUORATE_SERVER_MEMBERSHIP_GUARD_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/consensus/membership_change.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quorate {

/// What a leader knows of one member; the leader's own has both flags set.
struct member_health {
    node_id id{};
    bool learner = false;
    bool started = false;    ///< It has said who it is.
    bool connected = false;  ///< It was heard of within an election timeout.
    std::uint64_t match = 0; ///< Up to where its log is known to agree.
};

class membership_guard {
public:
    explicit membership_guard(std::vector<member_health> members) : members_(std::move(members)) {}

    /// Errors: too_many_learners; not_enough_started; cluster_unhealthy.
    [[nodiscard]] error_code add(bool learner, std::size_t learners_max, bool strict) const {
        if (learner && count_learners() >= learners_max) {
            return errc::too_many_learners;
        }
        if (!strict) {
            return {};
        }
        const std::size_t voters = count([](const member_health&) { return true; });
        const std::size_t started = count([](const member_health& m) { return m.started; });
        // One of two that is up may still get another: that is how lost quorums are mended.
        const bool mends = started == 1 && voters == 1;
        if (!learner && !mends && started < quorum(voters + 1)) {
            return errc::not_enough_started;
        }
        const std::size_t connected = count([](const member_health& m) { return m.connected; });
        return connected == voters ? error_code() : make_error_code(errc::cluster_unhealthy);
    }

    /// Errors: member_unknown; not_enough_started; cluster_unhealthy.
    [[nodiscard]] error_code remove(node_id id, bool strict) const {
        const member_health* leaving = find(id);
        if (leaving == nullptr) {
            return errc::member_unknown;
        }
        if (leaving->learner) {
            return {};
        }
        const auto stays = [id](const member_health& m) { return m.id != id; };
        const std::size_t left = count(stays);
        const std::size_t started =
            count([&](const member_health& m) { return stays(m) && m.started; });
        if (left == 0 || (strict && started < quorum(left))) {
            return errc::not_enough_started;
        }
        if (!strict || !leaving->connected) {
            return {}; // one that is down is no part of the quorum that is up
        }
        const std::size_t up =
            count([&](const member_health& m) { return stays(m) && m.connected; });
        return up >= quorum(left) ? error_code() : make_error_code(errc::cluster_unhealthy);
    }

    /// `last`: the leader's last entry. Errors: member_unknown, learner_required,
    /// learner_not_ready; not_enough_started.
    [[nodiscard]] error_code promote(node_id id, std::uint64_t last, bool strict) const {
        const member_health* rising = find(id);
        if (rising == nullptr) {
            return errc::member_unknown;
        }
        if (!rising->learner) {
            return errc::learner_required;
        }
        if (!is_ready(*rising, last)) {
            return errc::learner_not_ready;
        }
        const std::size_t voters = count([](const member_health&) { return true; }) + 1;
        const std::size_t started = count([](const member_health& m) { return m.started; }) + 1;
        return strict && started < quorum(voters) ? make_error_code(errc::not_enough_started)
                                                  : error_code();
    }

    /// What a leader checks last, with what it knows at the moment of the proposal. `last`: its
    /// last entry. A group of one may grow to two although the second is not there yet, as in etcd.
    /// Errors: learner_not_ready; not_enough_started: with the members that never started, and
    /// cluster_unhealthy: with those that are not connected, fewer than a quorum is left.
    [[nodiscard]] error_code admit(std::span<const single_change> changes,
                                   std::uint64_t last) const {
        membership_guard after(members_);
        for (const single_change& one : changes) {
            if (const error_code refused = after.make(one, last)) {
                return refused;
            }
        }
        const std::size_t voters = after.count([](const member_health&) { return true; });
        const bool first_growth =
            count([](const member_health&) { return true; }) == 1 && voters == 2;
        if (voters == 0 || first_growth || after.voter_ids() == voter_ids()) {
            return {}; // removed_all_voters is the engine's to answer
        }
        if (after.count([](const member_health& m) { return m.started; }) < quorum(voters)) {
            return errc::not_enough_started;
        }
        const std::size_t up = after.count([](const member_health& m) { return m.connected; });
        return up < quorum(voters) ? make_error_code(errc::cluster_unhealthy) : error_code();
    }

private:
    /// Effects: makes a change that is to be judged; a member that it adds is not there yet.
    error_code make(const single_change& change, std::uint64_t last) {
        const auto found = std::find_if(members_.begin(), members_.end(),
                                        [&](const auto& m) { return m.id == change.node; });
        if (!change.node || change.kind == change_kind::update) {
            return {};
        }
        if (change.kind == change_kind::remove) {
            if (found != members_.end()) {
                members_.erase(found);
            }
            return {};
        }
        const bool learns = change.kind == change_kind::add_learner;
        if (found == members_.end()) {
            members_.push_back({.id = change.node, .learner = learns});
            return {};
        }
        if (found->learner && !learns && !is_ready(*found, last)) {
            return errc::learner_not_ready;
        }
        found->learner = learns;
        return {};
    }
    /// Nine tenths of the log, as the reference asks for: the rest comes within moments.
    [[nodiscard]] static bool is_ready(const member_health& learner, std::uint64_t last) noexcept {
        return learner.connected && learner.match >= last - last / 10;
    }
    [[nodiscard]] id_set voter_ids() const {
        id_set ids;
        for (const member_health& m : members_) {
            if (!m.learner) {
                ids.insert(m.id);
            }
        }
        return ids;
    }
    [[nodiscard]] static std::size_t quorum(std::size_t voters) noexcept { return voters / 2 + 1; }
    /// Returns: how many voters `wanted` holds for.
    template <class Wanted>
    [[nodiscard]] std::size_t count(Wanted&& wanted) const {
        return static_cast<std::size_t>(
            std::count_if(members_.begin(), members_.end(),
                          [&](const member_health& m) { return !m.learner && wanted(m); }));
    }
    [[nodiscard]] std::size_t count_learners() const {
        return static_cast<std::size_t>(std::count_if(
            members_.begin(), members_.end(), [](const member_health& m) { return m.learner; }));
    }
    [[nodiscard]] const member_health* find(node_id id) const noexcept {
        const auto found = std::find_if(members_.begin(), members_.end(),
                                        [id](const member_health& m) { return m.id == id; });
        return found == members_.end() ? nullptr : &*found;
    }

    std::vector<member_health> members_;
};

} // namespace quorate

#endif
