// basic_node: leadership, the progress of the others, and transfers.
#ifndef QUORATE_IMPL_NODE_LEADER_HPP
#define QUORATE_IMPL_NODE_LEADER_HPP

#include <quorate/node.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

template <class Policies>
void basic_node<Policies>::on_new_role() {
    observer_->on_role(soft_, engine_->status().hard.term);
    transfers_.on_leader(soft_.leader);
    causes_.on_leader(soft_.leader, runtime_.now());
    if (soft_.role == role_kind::leader) {
        maybe_publish(); // a new group gets its mark before its first write
    }
}

template <class Policies>
std::vector<peer_link> basic_node<Policies>::links() const {
    if constexpr (tells_links<transport_type>) {
        return wire_->links();
    } else {
        return {};
    }
}

template <class Policies>
errc basic_node<Policies>::why_timed_out(clock::time_point began) const {
    const std::vector<peer_link> all = links();
    const auto span = 2 * options_.tick_interval * options_.engine.election_ticks;
    return causes_.cause(
        began, runtime_.now(),
        {.self = options_.id, .members = engine_->members(), .links = all, .election_span = span});
}

template <class Policies>
void basic_node<Policies>::abandon_all() {
    requests_.stop();
    reads_.stop();
    transfers_.stop();
    calls_.stop();
    for (const std::function<void()>& answer : std::exchange(sweep_waiters_, {})) {
        answer();
    }
    for (const walk& waiting : std::exchange(walks_, {})) {
        waiting.done(errc::stopped);
    }
}

template <class Policies>
std::vector<member_progress> basic_node<Policies>::progress() const {
    std::vector<member_progress> all;
    if (engine_ != nullptr) {
        for (const peer_progress& peer : engine_->progress()) {
            all.push_back({peer.id(), peer.match(), peer.recently_active(), peer.learner()});
        }
    }
    return all;
}

// Returns: the voter with the longest log among those that were just heard and could lead; zero
// elsewhere, and without such a voter.
template <class Policies>
node_id basic_node<Policies>::successor(std::span<const node_id> besides) const {
    if (soft_.role != role_kind::leader || failed_) {
        return {};
    }
    const peer_progress* best = nullptr;
    for (const peer_progress& peer : engine_->progress()) {
        const bool asked = std::find(besides.begin(), besides.end(), peer.id()) != besides.end();
        const bool able = peer.id() != options_.id && !peer.learner() && peer.recently_active() &&
                          peer.able() && !asked;
        if (able && (best == nullptr || peer.match() > best->match())) {
            best = &peer;
        }
    }
    return best != nullptr ? best->id() : node_id();
}

// For a leader whose disk takes no writes. Each transfer that fails stops all writes for an
// election timeout. So the voters are asked in turn, with time to write between, and then with
// longer pauses.
template <class Policies>
void basic_node<Policies>::hand_over(clock::time_point now, const char* why) {
    if (soft_.role != role_kind::leader || now < next_hand_over_) {
        return;
    }
    const auto limit = options_.tick_interval * options_.engine.election_ticks;
    const node_id to = successor(handed_to_);
    if (!to) {
        next_hand_over_ = handed_to_.empty() ? now : now + 10 * limit;
        handed_to_.clear();
        return;
    }
    next_hand_over_ = now + 2 * limit;
    handed_to_.push_back(to);
    if (!engine_->transfer_leadership(to)) {
        say(severity::warning,
            "leadership is handed to member " + std::to_string(to.value()) + ": " + why);
    }
    schedule_pump();
}

template <class Policies>
void basic_node<Policies>::transfer_leadership() {
    if (const node_id to = successor()) {
        static_cast<void>(engine_->transfer_leadership(to));
        schedule_pump();
    }
}

template <class Policies>
void basic_node<Policies>::transfer_leadership(handler done) {
    const node_id to = successor();
    to ? transfer_leadership(to, std::move(done)) : done(errc::transferee_invalid);
}

template <class Policies>
void basic_node<Policies>::transfer_leadership(node_id to, handler done) {
    error_code refused;
    if (!started_ || stopping_ || failed_) {
        refused = errc::stopped;
    } else if (soft_.role != role_kind::leader) {
        refused = errc::not_leader;
    } else if (!engine_->members().is_voter(to)) {
        refused = errc::member_unknown;
    } else if (transfers_.size() >= options_.requests_in_flight_max) {
        refused = errc::too_many_unapplied;
    } else {
        const auto peers = engine_->progress();
        const bool unable = std::any_of(peers.begin(), peers.end(), [to](const peer_progress& p) {
            return p.id() == to && !p.able();
        });
        refused = unable ? error_code(errc::transferee_invalid) : error_code();
    }
    if (refused || to == options_.id) {
        done(refused);
        return;
    }
    const auto limit = options_.tick_interval * options_.engine.election_ticks;
    transfers_.add(options_.id, to, std::move(done), runtime_.now() + limit);
    // This may be inside a handler, where the engine must not be called.
    runtime_.post(alive_.guard([this, to] {
        if (!stopping_ && !failed_) {
            static_cast<void>(engine_->transfer_leadership(to));
            schedule_pump();
        }
    }));
}

} // namespace quorate

#endif
