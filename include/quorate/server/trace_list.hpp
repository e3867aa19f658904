// The requests under way with a trace.
// Flow:       3 to 13, seen from outside
// In / Out:   what a node does and hears → steps of the traces that it concerns
// Invariants: empty unless somebody asked, and then nothing here costs more than a look at that
// Source:     doc/flow.md, "The path of one request"
// Threads:    none (the node's)
#ifndef QUORATE_SERVER_TRACE_LIST_HPP
#define QUORATE_SERVER_TRACE_LIST_HPP

#include <quorate/consensus/effects.hpp>
#include <quorate/server/request_trace.hpp>

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace quorate {

class trace_list {
public:
    using clock = request_trace::clock;
    /// More at a time are not followed.
    static constexpr std::size_t traced_max = 256;

    /// `now` reads the node's clock.
    trace_list(node_id self, std::function<clock::time_point()> now)
        : self_(self), now_(std::move(now)) {}

    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

    /// Effects: follows a request, from now on. `committed`: called once it is, and then it is not
    /// followed any more; may be empty.
    void add(request_id id, std::shared_ptr<request_trace> trace,
             std::function<void()> committed = {});
    void erase(request_id id);
    /// Returns: the trace of a request that is followed; null for others.
    [[nodiscard]] std::shared_ptr<request_trace> find(request_id id) const noexcept;
    /// Effects: forgets what was admitted before.
    void expire(clock::time_point before);

    /// The engine took these: proposed here, or forwarded to the leader.
    void on_proposed(std::span<const request_id> ids, node_id leader) {
        if (!empty()) {
            note_proposed(ids, leader);
        }
    }
    /// The engine wants this done: requests become entries, and are sent.
    void on_effects(const effects& batch) {
        if (!empty()) {
            note_entries(batch.append);
            note_sent(batch.send_now);
        }
    }
    void on_stable(const stable_mark& mark) {
        if (!empty()) {
            note_reached(trace_step::durable, self_, mark.last.index);
        }
    }
    void on_message(const message& m) {
        if (!empty() && m.kind == message_kind::append_response && !m.reject) {
            note_reached(trace_step::acknowledged, m.from, m.index);
        }
    }
    void on_commit(log_index commit) {
        if (!empty()) {
            note_committed(commit);
        }
    }
    void on_applied(request_id id, std::uint64_t revision) {
        if (!empty()) {
            note_applied(id, revision);
        }
    }

private:
    struct traced {
        request_id id;
        std::shared_ptr<request_trace> trace;
        std::function<void()> committed;
        clock::time_point since;
    };

    void note_proposed(std::span<const request_id> ids, node_id leader);
    void note_entries(std::span<const entry> entries);
    void note_sent(std::span<const message> sent);
    void note_reached(trace_step step, node_id member, log_index upto);
    void note_committed(log_index commit);
    void note_applied(request_id id, std::uint64_t revision);
    [[nodiscard]] traced* place_of(request_id id) noexcept;

    node_id self_;
    std::function<clock::time_point()> now_;
    std::vector<traced> all_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/trace_list.ipp>
#endif

#endif
