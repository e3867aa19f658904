// basic_node: the path of a request, for clients that ask, and the lost time of slow ones.
#ifndef QUORATE_IMPL_NODE_TRACE_HPP
#define QUORATE_IMPL_NODE_TRACE_HPP

#include <quorate/node.hpp>

#include <memory>
#include <string>
#include <utility>

namespace quorate {

template <class Policies>
typename basic_node<Policies>::reply_handler basic_node<Policies>::follow(
    request_id id, std::shared_ptr<request_trace> trace, reply_handler done) {
    trace->begin(options_.id, runtime_.now());
    traces_.add(id, trace);
    return [this, id, trace = std::move(trace), done = std::move(done)](error_code failed,
                                                                        reply_type reply) {
        traces_.erase(id);
        trace->note(trace_step::answered, options_.id, runtime_.now());
        done(failed, std::move(reply));
    };
}

template <class Policies>
void basic_node<Policies>::trace_proposed(const std::vector<request_id>& ids) {
    if (traces_.empty()) {
        return;
    }
    traces_.on_proposed(ids, soft_.leader);
    if (soft_.leader && soft_.leader != options_.id) {
        for (request_id id : ids) {
            ask_leader_for_trace(id);
        }
    }
}

// Over the connection that the proposal takes, and before it: the leader knows in time.
template <class Policies>
void basic_node<Policies>::ask_leader_for_trace(request_id id) {
    const std::shared_ptr<request_trace> trace = traces_.find(id);
    if (trace == nullptr || calls_.size() >= options_.calls_in_flight_max) {
        return;
    }
    const auto merge = [trace, self = options_.id](error_code failed, const shared_bytes& seen) {
        if (!failed && !trace->has(trace_step::answered, self)) {
            trace->merge(seen.view());
        }
    };
    const node_id leader = soft_.leader;
    const std::uint64_t number =
        calls_.add(leader, merge, runtime_.now() + options_.request_timeout);
    draft asked(request_id_bytes);
    store_request_id(asked.data(), id);
    if (!wire_->call(leader, {number, false, std::move(asked).freeze(), trace_topic})) {
        calls_.finish(number, errc::peer_not_found);
    }
}

template <class Policies>
void basic_node<Policies>::trace_for(node_id asker, const member_call& call) {
    if (call.data.size() != request_id_bytes || asker == options_.id) {
        return;
    }
    const auto trace = std::make_shared<request_trace>();
    trace->begin(options_.id, runtime_.now());
    traces_.add(load_request_id(call.data.data()), trace,
                [this, trace, asker, number = call.number] {
                    const shared_bytes seen = shared_bytes::copy_of(trace->encode());
                    static_cast<void>(wire_->call(asker, {number, true, seen, trace_topic}));
                });
}

// Before anything of the batch is sent: what another member wants to know of its request reaches it
// ahead of the word that it is committed, and so before its answer.
template <class Policies>
void basic_node<Policies>::trace_effects(const effects& batch) {
    if (!traces_.empty()) {
        traces_.on_effects(batch);
        traces_.on_commit(engine_->status().hard.commit);
    }
}

template <class Policies>
void basic_node<Policies>::say_slow(const request_timing& took) {
    const clock::time_point now = runtime_.now();
    if (now - slow_said_at_ < std::chrono::seconds(1)) {
        ++slow_unsaid_; // when all are slow, a line for each makes it worse
        return;
    }
    const auto text = [](clock::duration time) {
        const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(time);
        return std::to_string(whole.count()) + " ms";
    };
    std::string line = "slow request: " + text(took.total) + ", of which " + text(took.queued) +
                       " until it was proposed and " + text(took.total - took.queued) +
                       " until it was applied here";
    if (took.failed) {
        line += " or given up: " + took.failed.message();
    }
    if (const std::uint64_t others = std::exchange(slow_unsaid_, 0)) {
        line += "; and " + std::to_string(others) + " others since the last such line";
    }
    slow_said_at_ = now;
    say(severity::warning, line);
}

} // namespace quorate

#endif
