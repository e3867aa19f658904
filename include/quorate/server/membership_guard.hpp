// Which membership changes a cluster survives: asked before one is proposed.
// Flow:       1 to 3. a wish to add, remove or promote → admitted, or why not
// In / Out:   what is known of the members → error_code
// Invariants: a change that is let through leaves a quorum of members that are up
// Source:     etcd's strict reconfiguration check
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_MEMBERSHIP_GUARD_HPP
#define QUORATE_SERVER_MEMBERSHIP_GUARD_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
        // Nine tenths of the log, as the reference asks for: the rest comes within moments.
        if (!rising->connected || rising->match < last - last / 10) {
            return errc::learner_not_ready;
        }
        const std::size_t voters = count([](const member_health&) { return true; }) + 1;
        const std::size_t started = count([](const member_health& m) { return m.started; }) + 1;
        return strict && started < quorum(voters) ? make_error_code(errc::not_enough_started)
                                                  : error_code();
    }

private:
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
