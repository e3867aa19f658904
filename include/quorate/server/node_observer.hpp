// The events of a node for the code that builds on it, beside the answers to its requests.
// Flow:       11. applied commands → watches, leases, metrics
// In / Out:   events of a node → calls of its observer
// Invariants: a command is observed after it was applied and before its request is answered
// Source:     doc/architecture.md
// Threads:    the node's
#ifndef QUORATE_SERVER_NODE_OBSERVER_HPP
#define QUORATE_SERVER_NODE_OBSERVER_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/consensus/entry.hpp>

#include <functional>

namespace quorate {

/// Every function does nothing unless it is overridden. All are called on the node's thread, never
/// inside a call of the node, but for those of `stop`; they may call any function of the node.
/// `Reply` is what the node's state machine answers.
/// Lifetime: outlives the node.
template <class Reply>
class node_observer {
public:
    /// A command was applied, whichever member it was proposed at. `node.machine()` shows it.
    virtual void on_applied(log_index, const Reply&) {}
    /// A snapshot from another member replaced the whole state.
    virtual void on_restored() {}
    /// The leader, or what this member is, changed; in this term.
    virtual void on_role(const soft_state&, term_id) {}
    /// The member table or the configuration changed.
    virtual void on_members() {}
    /// A member asks this one; see basic_node::call. `answer` may be called later, once and on the
    /// node's thread; without it the other member's time runs out. Nothing of `asked` is checked,
    /// and up to `call_bytes_max` bytes are answered.
    virtual void on_call(node_id from, shared_bytes asked,
                         std::function<void(shared_bytes)> answer) {
        static_cast<void>(from);
        static_cast<void>(asked);
        static_cast<void>(answer);
    }

protected:
    ~node_observer() = default;
};

} // namespace quorate

#endif
