// The members of the group: voters, learners, and both halves of a joint configuration.
// Flow:       10; quorums are counted over it
// Invariants: R12 (a membership never contradicts itself; see check())
// Source:     thesis §4.3 (joint consensus), §4.2.1 (learners)
#ifndef QUORATE_CONSENSUS_MEMBERSHIP_HPP
#define QUORATE_CONSENSUS_MEMBERSHIP_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <initializer_list>

namespace quorate {

/// A small sorted set of members; up to seven live inline.
class id_set {
public:
    using storage = boost::container::small_vector<node_id, 5>;
    using const_iterator = storage::const_iterator;

    id_set() = default;
    id_set(std::initializer_list<node_id> ids) {
        for (node_id id : ids) {
            insert(id);
        }
    }

    [[nodiscard]] bool contains(node_id id) const noexcept {
        return std::binary_search(ids_.begin(), ids_.end(), id);
    }
    /// Returns: whether the set changed. Complexity: linear.
    bool insert(node_id id) {
        const auto place = std::lower_bound(ids_.begin(), ids_.end(), id);
        if (place != ids_.end() && *place == id) {
            return false;
        }
        ids_.insert(place, id);
        return true;
    }
    /// Returns: whether the set changed. Complexity: linear.
    bool erase(node_id id) {
        const auto place = std::lower_bound(ids_.begin(), ids_.end(), id);
        if (place == ids_.end() || *place != id) {
            return false;
        }
        ids_.erase(place);
        return true;
    }
    void clear() noexcept { ids_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return ids_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
    [[nodiscard]] const_iterator begin() const noexcept { return ids_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return ids_.end(); }

    friend bool operator==(const id_set& a, const id_set& b) noexcept { return a.ids_ == b.ids_; }

private:
    storage ids_;
};

/// The configuration in force. `outgoing` is non-empty exactly while it is joint.
struct membership {
    id_set voters;           ///< The incoming half; the only one unless joint.
    id_set outgoing;         ///< The half that is being left.
    id_set learners;         ///< Receive entries, do not count.
    id_set learners_next;    ///< Voters of `outgoing` that become learners once it is left.
    bool auto_leave = false; ///< The leader leaves the joint configuration by itself.

    [[nodiscard]] bool joint() const noexcept { return !outgoing.empty(); }
    [[nodiscard]] bool is_voter(node_id id) const noexcept {
        return voters.contains(id) || outgoing.contains(id);
    }
    [[nodiscard]] bool contains(node_id id) const noexcept {
        return is_voter(id) || learners.contains(id);
    }
    [[nodiscard]] bool empty() const noexcept { return voters.empty() && learners.empty(); }

    /// Returns: every member, ascending. Complexity: linear.
    [[nodiscard]] id_set all() const {
        id_set ids = voters;
        for (node_id id : outgoing) {
            ids.insert(id);
        }
        for (node_id id : learners) {
            ids.insert(id);
        }
        return ids;
    }
    /// Returns: voters of both halves, ascending.
    [[nodiscard]] id_set all_voters() const {
        id_set ids = voters;
        for (node_id id : outgoing) {
            ids.insert(id);
        }
        return ids;
    }

    friend bool operator==(const membership&, const membership&) noexcept = default;
};

/// Errors: invalid_membership where learners overlap voters, or joint-only parts stand in a
/// configuration that is not joint.
[[nodiscard]] inline error_code check(const membership& m) noexcept {
    for (node_id id : m.learners) {
        if (m.is_voter(id)) {
            return errc::invalid_membership;
        }
    }
    for (node_id id : m.learners_next) {
        if (!m.outgoing.contains(id) || m.learners.contains(id)) {
            return errc::invalid_membership;
        }
    }
    const bool joint_parts = !m.learners_next.empty() || m.auto_leave;
    return !m.joint() && joint_parts ? error_code(errc::invalid_membership) : error_code();
}

} // namespace quorate

#endif
