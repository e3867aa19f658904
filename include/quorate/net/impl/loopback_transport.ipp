// Queueing and delivery inside one process.
#ifndef QUORATE_NET_IMPL_LOOPBACK_TRANSPORT_IPP
#define QUORATE_NET_IMPL_LOOPBACK_TRANSPORT_IPP

#include <quorate/format/frame.hpp>
#include <quorate/net/handshake.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/net/outbox.hpp>

#include <algorithm>

namespace quorate {
namespace detail {

/// Returns: the bytes that a message counts in a queue; those of its frame, and of its snapshot.
[[nodiscard]] inline std::uint64_t queue_bytes(const message& m) noexcept {
    return frame_size(m) + (m.snap == nullptr ? 0 : m.snap->data.size());
}

} // namespace detail

QUORATE_DECL loopback_transport* loopback_network::find(node_id id) const {
    const auto found = transports_.find(id);
    return found == transports_.end() ? nullptr : found->second;
}

QUORATE_DECL void loopback_network::queue(event e) {
    e.life = e.life == 0 ? life_of(e.to) : e.life;
    queue_.push_back(std::move(e));
    if (queue_.size() == 1 && wake_) {
        wake_();
    }
}

QUORATE_DECL std::uint64_t loopback_network::life_of(node_id id) const {
    const loopback_transport* member = find(id);
    return member == nullptr ? 0 : member->start_;
}

QUORATE_DECL void loopback_network::notify(event_kind kind, node_id to, std::uint64_t life,
                                           node_id peer, bool flag) {
    event notice{kind, to, peer, flag, 0, {}, {}, {}};
    notice.life = life;
    queue(std::move(notice));
}

// A connection ends with either process, and takes along what was on its way.
/// Returns: whether the sender or the addressee has started anew since the message was sent.
QUORATE_DECL bool loopback_network::outlived(const event& e) const {
    const std::uint64_t to = life_of(e.to);
    const std::uint64_t sender = life_of(e.peer);
    return (e.life != 0 && to != 0 && to != e.life) || (sender != 0 && sender != e.sender_life);
}

// Stands for the hellos of a connection: judged once for each start of either member, and after
// recheck_peer(). A member that is refused hears why once.
/// Returns: ok, or why `to` does not hear `from`.
QUORATE_DECL hello_status loopback_network::greet(loopback_transport* from,
                                                  loopback_transport& to) {
    if (from == nullptr) {
        return hello_status::ok; // it greeted before it was gone
    }
    const node_id sender = from->options_.self;
    const node_id self = to.options_.self;
    if (const auto known = to.greeted_.find(sender);
        known != to.greeted_.end() && known->second == from->start_) {
        return hello_status::ok;
    }
    const hello_status there = to.sink_->judge_past(sender, from->sink_->past());
    const hello_status here = from->sink_->judge_past(self, to.sink_->past());
    hello_status& told = from->told_refused_[self];
    if (std::exchange(told, there) != there && there != hello_status::ok) {
        event refused{event_kind::refused, sender, self, false, 0, {}, {}, {}};
        refused.status = there;
        queue(std::move(refused));
    }
    if (there == hello_status::ok && here == hello_status::ok) {
        to.greeted_[sender] = from->start_;
    }
    return there != hello_status::ok ? there : here;
}

QUORATE_DECL bool loopback_network::deliver_one() {
    if (queue_.empty()) {
        return false;
    }
    event e = std::move(queue_.front());
    queue_.pop_front();
    if (e.kind == event_kind::arrives) {
        arrive(std::move(e));
        return true;
    }
    if (e.kind == event_kind::call) {
        arrive_call(e);
        return true;
    }
    const loopback_transport* to = find(e.to);
    if (to == nullptr || to->start_ != e.life) {
        return true;
    }
    switch (e.kind) {
    case event_kind::unreachable: to->sink_->on_unreachable(e.peer); break;
    case event_kind::snapshot_sent: to->sink_->on_snapshot_sent(e.peer, e.flag); break;
    case event_kind::removed: to->sink_->on_removed(); break;
    case event_kind::dropped: to->sink_->on_dropped(e.why); break;
    case event_kind::refused: to->sink_->on_refused(e.peer, e.status); break;
    case event_kind::arrives:
    case event_kind::call: break;
    }
    return true;
}

QUORATE_DECL std::size_t loopback_network::deliver_all(std::size_t limit) {
    std::size_t count = 0;
    while (count < limit && deliver_one()) {
        ++count;
    }
    return count;
}

QUORATE_DECL bool loopback_network::reaches(node_id from, const loopback_transport* to) const {
    const loopback_transport* sender = find(from);
    // The sender may be gone by now, as it may be while a packet is on its way.
    return to != nullptr && !cuts_.contains(std::minmax(from, to->options_.self)) &&
           (sender == nullptr || same_cluster(sender->options_.cluster, to->options_.cluster));
}

QUORATE_DECL void loopback_network::left_queue(const event& e) {
    loopback_transport* sender = find(e.peer);
    if (sender == nullptr || sender->start_ != e.sender_life) {
        return;
    }
    const auto found = sender->queued_bytes_.find(e.to);
    if (found != sender->queued_bytes_.end()) {
        // Less is counted than was sent when the peer was added again meanwhile.
        found->second -= std::min(found->second, e.bytes);
    }
}

QUORATE_DECL void loopback_network::arrive(event e) {
    if (!e.flag && filter_) {
        const loopback_fate fate = filter_(e.m.get());
        if (fate == loopback_fate::delay) {
            e.flag = true;
            delayed_.push_back(std::move(e));
            return;
        }
        if (fate == loopback_fate::duplicate && e.m->kind != message_kind::install_snapshot) {
            event copy = e;
            copy.flag = true;
            copy.bytes = 0;
            delayed_.push_back(std::move(copy));
        }
        if (fate == loopback_fate::drop) {
            left_queue(e);
            if (e.m->kind == message_kind::install_snapshot) {
                // A transfer always ends, one way or the other; its sender waits for the word.
                notify(event_kind::snapshot_sent, e.peer, e.sender_life, e.to, false);
            }
            return;
        }
    }
    left_queue(e);
    loopback_transport* sender = find(e.peer);
    loopback_transport* to = find(e.to);
    if (!reaches(e.peer, to) || outlived(e)) {
        lose(e);
        return;
    }
    const hello_status greeted = greet(sender, *to);
    const bool removed = to->removed_.contains(e.peer) && greeted != hello_status::other_group;
    if (greeted != hello_status::ok && !removed) {
        lose(e);
        return;
    }
    if (removed) {
        if (sender != nullptr && !std::exchange(sender->told_removed_, true)) {
            notify(event_kind::removed, e.peer, e.sender_life, e.to);
        }
        lose(e);
        return;
    }
    if (e.m->kind == message_kind::install_snapshot) {
        notify(event_kind::snapshot_sent, e.peer, e.sender_life, e.to, true);
    }
    to->sink_->on_message(e.m.get());
}

QUORATE_DECL void loopback_network::arrive_call(const event& e) {
    left_queue(e);
    loopback_transport* to = find(e.to);
    if (reaches(e.peer, to) && !outlived(e) && !to->removed_.contains(e.peer) &&
        greet(find(e.peer), *to) == hello_status::ok) {
        to->sink_->on_call(e.peer, e.asked);
    }
}

QUORATE_DECL void loopback_network::lose(const event& e) {
    if (e.m->kind == message_kind::install_snapshot) {
        notify(event_kind::snapshot_sent, e.peer, e.sender_life, e.to, false);
    }
    notify(event_kind::unreachable, e.peer, e.sender_life, e.to);
}

QUORATE_DECL void loopback_network::release_delayed() {
    std::deque<event> again;
    again.swap(delayed_);
    for (event& e : again) {
        queue(std::move(e));
    }
}

QUORATE_DECL error_code loopback_transport::start(transport_sink& sink) {
    QUORATE_ASSERT(sink_ == nullptr);
    if (!options_.self || !network_.transports_.emplace(options_.self, this).second) {
        return errc::invalid_option;
    }
    sink_ = &sink;
    start_ = ++network_.starts_;
    return {};
}

QUORATE_DECL void loopback_transport::send(const message& m) noexcept {
    const auto found = queued_bytes_.find(m.to);
    if (sink_ == nullptr || found == queued_bytes_.end()) {
        return;
    }
    const outbox_limits limits{options_.queue_bytes_max, options_.frame_bytes_max,
                               options_.snapshot_bytes_max};
    if (const std::string why = limits.size_problem(m); !why.empty()) {
        drop(m, why);
        return;
    }
    const std::uint64_t bytes = detail::queue_bytes(m);
    const bool control = m.entries.empty() && m.snap == nullptr;
    const std::uint64_t limit =
        options_.queue_bytes_max + (control ? outbox::control_bytes_max : 0);
    if (found->second != 0 && found->second + bytes > limit) {
        drop(m, {});
        return;
    }
    found->second += bytes;
    loopback_network::event sent{loopback_network::event_kind::arrives,
                                 m.to,
                                 options_.self,
                                 false,
                                 bytes,
                                 owned_message(m),
                                 {},
                                 {}};
    sent.sender_life = start_;
    network_.queue(std::move(sent));
}

QUORATE_DECL void loopback_transport::drop(const message& m, const std::string& why) {
    if (!why.empty()) {
        network_.queue({loopback_network::event_kind::dropped,
                        options_.self,
                        m.to,
                        false,
                        0,
                        {},
                        {},
                        "not sent to member " + std::to_string(m.to.value()) + ": " + why});
    }
    if (m.snap != nullptr) {
        network_.notify(loopback_network::event_kind::snapshot_sent, options_.self, start_, m.to);
    }
    network_.notify(loopback_network::event_kind::unreachable, options_.self, start_, m.to);
}

QUORATE_DECL bool loopback_transport::call(node_id to, const member_call& asked) noexcept {
    const auto found = queued_bytes_.find(to);
    const std::uint64_t bytes = frame_size(asked);
    if (sink_ == nullptr || found == queued_bytes_.end() ||
        found->second + bytes > options_.queue_bytes_max) {
        return false;
    }
    found->second += bytes;
    loopback_network::event sent{
        loopback_network::event_kind::call, to, options_.self, false, bytes, {}, asked, {}};
    sent.sender_life = start_;
    network_.queue(std::move(sent));
    return true;
}

QUORATE_DECL error_code loopback_transport::add_peer(node_id peer, const std::string&) {
    if (!peer) {
        return errc::invalid_option;
    }
    removed_.erase(peer);
    if (peer != options_.self) {
        queued_bytes_.emplace(peer, 0);
    }
    return {};
}

QUORATE_DECL void loopback_transport::drop_peer(node_id peer) {
    if (!peer || peer == options_.self) {
        return;
    }
    removed_.insert(peer);
    queued_bytes_.erase(peer);
}

QUORATE_DECL void loopback_transport::recheck_peer(node_id peer) {
    greeted_.erase(peer);
    if (loopback_transport* const other = network_.find(peer)) {
        other->greeted_.erase(options_.self);
    }
}

QUORATE_DECL std::vector<peer_link> loopback_transport::links() const {
    std::vector<peer_link> all;
    for (const auto& queued : queued_bytes_) {
        peer_link& one = all.emplace_back();
        one.peer = queued.first;
        if (network_.reaches(options_.self, network_.find(one.peer))) {
            one.connected_for = std::chrono::milliseconds::max();
        }
    }
    return all;
}

QUORATE_DECL void loopback_transport::stop() {
    if (sink_ != nullptr && !stopped_) {
        network_.transports_.erase(options_.self);
    }
    stopped_ = true;
    sink_ = nullptr;
}

} // namespace quorate

#endif
