// A counter of applied commands, and of changes of the leader.
// Flow:       12 and 13. a reply, before it is told → counters
// In / Out:   what a node's observer is told → server_metrics
// Invariants: what failed or only looked is counted by nobody as a write
// Source:     etcd's mvcc metrics: every operation of a transaction counts, and the transaction
//             itself when it did more than one
// Threads:    none (the node's)
#ifndef QUORATE_SERVER_ACTIVITY_COUNTER_HPP
#define QUORATE_SERVER_ACTIVITY_COUNTER_HPP

#include <quorate/base/ids.hpp>
#include <quorate/command/reply.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/server/server_metrics.hpp>

#include <cstdint>
#include <variant>

namespace quorate {

/// Lifetime: the metrics outlive it.
class activity_counter {
public:
    explicit activity_counter(server_metrics& into) : into_(into) {}

    /// A command was applied, whoever proposed it.
    void applied(const reply& done) { std::visit(*this, done.body); }
    /// As node_observer::on_role.
    void role(const soft_state& now) {
        if (now.leader && now.leader != leader_) {
            into_.leader_changes_seen.add();
        }
        leader_ = now.leader;
    }

    void operator()(const put_reply&) { into_.puts.add(); }
    void operator()(const range_reply&) { into_.ranges.add(); }
    void operator()(const delete_reply&) { into_.deletes.add(); }
    void operator()(const txn_reply& done) {
        const std::uint64_t operations = count(done);
        if (operations > 1) {
            into_.txns.add();
        }
    }
    void operator()(const lease_grant_reply& done) {
        into_.leases_granted.add();
        into_.lease_ttl.observe(static_cast<double>(done.ttl));
    }
    void operator()(const lease_revoke_reply&) { into_.leases_revoked.add(); }
    /// What has no counter, and errors.
    template <class Other>
    void operator()(const Other&) {}

private:
    std::uint64_t count(const txn_reply& done) {
        std::uint64_t operations = 0;
        for (const txn_op_reply& one : done.responses) {
            if (const auto* const nested = std::get_if<txn_reply>(&one.body)) {
                operations += count(*nested);
            } else {
                std::visit(*this, one.body);
                ++operations;
            }
        }
        return operations;
    }

    server_metrics& into_;
    node_id leader_{};
};

} // namespace quorate

#endif
