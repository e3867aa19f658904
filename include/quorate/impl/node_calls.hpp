// basic_node: questions to other members and answers to theirs, beside the log.
#ifndef QUORATE_IMPL_NODE_CALLS_HPP
#define QUORATE_IMPL_NODE_CALLS_HPP

#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace quorate {

template <class Policies>
void basic_node<Policies>::call(node_id to, shared_bytes asked, std::chrono::milliseconds limit,
                                call_handler done) {
    error_code refused;
    if (!started_ || stopping_ || failed_) {
        refused = errc::stopped;
    } else if (asked.size() > call_bytes_max) {
        refused = errc::request_too_large;
    } else if (calls_.size() >= options_.calls_in_flight_max) {
        refused = errc::too_many_unapplied;
    }
    if (refused) {
        done(refused, {});
        return;
    }
    const std::uint64_t number = calls_.add(to, std::move(done), runtime_.now() + limit);
    if (!pass_on(to, {number, false, std::move(asked)})) {
        calls_.finish(number, errc::peer_not_found);
    }
}

// What this member asks itself takes the way of everything else, but for the wire.
template <class Policies>
bool basic_node<Policies>::pass_on(node_id to, const member_call& call) {
    if (to != options_.id) {
        return wire_->call(to, call);
    }
    runtime_.post(alive_.guard([this, call] {
        if (!stopping_) {
            on_call(options_.id, call);
        }
    }));
    return true;
}

// Through the same queues and the same thread as everything else that members say to one another:
// that, and not the bare wire, is what a write has to wait for.
template <class Policies>
void basic_node<Policies>::time_round_trips() {
    if (options_.metrics == nullptr || --ticks_to_round_trips_ > 0) {
        return;
    }
    ticks_to_round_trips_ = ticks_per_round_trip;
    const clock::time_point began = runtime_.now();
    for (const node_id to : engine_->members().all()) {
        if (to == options_.id) {
            continue;
        }
        const auto note = [this, began, to](error_code failed, const shared_bytes&) {
            if (!failed) {
                options_.metrics->round_trip(to).observe(runtime_.now() - began);
            }
        };
        const std::uint64_t number =
            calls_.add(to, note, began + ticks_per_round_trip * options_.tick_interval);
        if (!wire_->call(to, {number, false, {}, echo_topic})) {
            calls_.finish(number, errc::peer_not_found);
        }
    }
}

template <class Policies>
void basic_node<Policies>::on_call(node_id from, const member_call& call) {
    if (failed_ || stopping_) {
        return;
    }
    if (call.answers) {
        calls_.on_answer(from, call.number, call.data);
        return;
    }
    if (call.topic == echo_topic) {
        static_cast<void>(wire_->call(from, {call.number, true, {}, echo_topic}));
        return;
    }
    if (call.topic == members_topic) {
        if (shared_bytes table = on_newcomer(); !table.empty() && table.size() <= call_bytes_max) {
            static_cast<void>(
                wire_->call(from, {call.number, true, std::move(table), members_topic}));
        }
        return;
    }
    if (call.topic == address_topic) {
        on_announced(from, call.data.view());
        return;
    }
    if (call.topic == birth_topic) {
        on_birth(from, call.data.view());
        return;
    }
    if (call.topic == trace_topic) {
        trace_for(from, call);
        return;
    }
    if (call.topic != 0) {
        return; // of a later version
    }
    // A peer that asks without end is not answered without end; its own time runs out.
    if (static_cast<std::uint64_t>(answering_.use_count()) > options_.calls_in_flight_max) {
        return;
    }
    // Whoever answers late may find the node gone.
    observer_->on_call(
        from, call.data, [alive = answering_, from, number = call.number](shared_bytes answer) {
            basic_node* node = *alive;
            if (node != nullptr && answer.size() <= call_bytes_max) {
                static_cast<void>(node->pass_on(from, {number, true, std::move(answer)}));
            }
        });
}

} // namespace quorate

#endif
