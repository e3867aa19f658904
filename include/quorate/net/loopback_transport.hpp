// The wire between members of one process: a queue that a test or an event loop empties.
// Flow:       8 and 9. messages → peer
// In / Out:   message → owned_message in a queue → on_message
// Invariants: deterministic: the order of calls alone decides what arrives when
// Source:     doc/concept/transport.md
// Threads:    none (owner's thread)
#ifndef QUORATE_NET_LOOPBACK_TRANSPORT_HPP
#define QUORATE_NET_LOOPBACK_TRANSPORT_HPP

#include <quorate/net/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

class loopback_transport;

/// What becomes of a message at the time of its delivery.
enum class loopback_fate : std::uint8_t {
    deliver,
    drop,      ///< Lost without a word, as by a network.
    delay,     ///< Kept aside until `release_delayed`.
    duplicate, ///< Delivered, and a copy kept aside until `release_delayed`.
};

/// Connects the transports of one process. Nothing arrives but by `deliver_one` and `deliver_all`.
/// Lifetime: outlives its transports.
class loopback_network {
public:
    using filter = std::function<loopback_fate(const message&)>;

    loopback_network() = default;
    loopback_network(const loopback_network&) = delete;
    loopback_network& operator=(const loopback_network&) = delete;

    /// Effects: asks `decide` about every message. An empty one delivers all.
    void set_filter(filter decide) { filter_ = std::move(decide); }
    /// Effects: calls `wake` whenever the queue becomes non-empty, so that an event loop can post
    /// a delivery. Must not deliver inside.
    void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

    /// Effects: neither of the two reaches the other any more.
    void cut(node_id a, node_id b) { cuts_.insert(std::minmax(a, b)); }
    /// Effects: undoes every cut.
    void heal() noexcept { cuts_.clear(); }

    /// Returns: false when nothing was queued.
    bool deliver_one();
    /// Effects: delivers until nothing is queued, or `limit` times.
    /// Returns: how many times it delivered; deliveries may queue more.
    std::size_t deliver_all(std::size_t limit = std::numeric_limits<std::size_t>::max());
    /// Effects: what was delayed is queued again, without asking the filter a second time.
    void release_delayed();

    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }

private:
    friend class loopback_transport;

    enum class event_kind : std::uint8_t {
        arrives,
        unreachable,
        snapshot_sent,
        removed,
        call,
        dropped,
        refused,
    };
    struct event {
        event_kind kind = event_kind::arrives;
        node_id to;              ///< Whose sink is called.
        node_id peer;            ///< The sender, or whom the notice is about.
        bool flag = false;       ///< snapshot_sent: delivered; arrives: the filter was asked.
        std::uint64_t bytes = 0; ///< What the message counts in its sender's queue.
        owned_message m;
        member_call asked{};
        std::string why{};                      ///< dropped: for the log.
        hello_status status = hello_status::ok; ///< refused: the reason.
        /// The start of member `to` that it is for: no later one hears of it. Zero: `to` was away.
        std::uint64_t life = 0;
        std::uint64_t sender_life = 0; ///< arrives, call: the start of `peer` that sent it.
    };

    void queue(event e);
    void notify(event_kind kind, node_id to, std::uint64_t life, node_id peer, bool flag = false);
    [[nodiscard]] std::uint64_t life_of(node_id id) const;
    [[nodiscard]] bool outlived(const event& e) const;
    void arrive_call(const event& e);
    void left_queue(const event& e);
    void arrive(event e);
    void lose(const event& e);
    [[nodiscard]] hello_status greet(loopback_transport* from, loopback_transport& to);
    [[nodiscard]] bool reaches(node_id from, const loopback_transport* to) const;
    [[nodiscard]] loopback_transport* find(node_id id) const;

    std::map<node_id, loopback_transport*> transports_;
    std::set<std::pair<node_id, node_id>> cuts_;
    std::deque<event> queue_;
    std::deque<event> delayed_;
    filter filter_;
    std::function<void()> wake_;
    std::uint64_t starts_ = 0;
};

/// One member's end of a loopback_network. URLs are not looked at: members find each other by id.
/// Models: transport.
class loopback_transport {
public:
    loopback_transport(loopback_network& network, const transport_options& options)
        : network_(network), options_(options) {}
    loopback_transport(const loopback_transport&) = delete;
    loopback_transport& operator=(const loopback_transport&) = delete;
    /// Effects: stop().
    ~loopback_transport() { stop(); }

    /// Requires: not started before. Errors: invalid_option (no self, or it is there already).
    [[nodiscard]] error_code start(transport_sink& sink);
    /// Effects: queues a copy that shares the payloads. Never calls a sink itself.
    void send(const message& m) noexcept;
    /// Effects: queues it; a filter does not see it. Returns: false for nobody known, and with a
    /// full queue. Requires: at most call_bytes_max bytes of data.
    [[nodiscard]] bool call(node_id to, const member_call& asked) noexcept;
    /// Errors: invalid_option for nobody.
    [[nodiscard]] error_code add_peer(node_id peer, const std::string& url);
    /// Effects: messages to the member are dropped; it is told that it was removed when it sends.
    void drop_peer(node_id peer);
    /// Effects: the pasts of both members are judged again before the next message.
    void recheck_peer(node_id peer);
    /// Effects: the sink is not called again. May be called inside the sink.
    void stop();
    [[nodiscard]] std::uint64_t frame_bytes_max() const noexcept {
        return options_.frame_bytes_max;
    }
    /// Returns: one for each peer, by ascending id. Nothing is counted; who is reached now has been
    /// for ever, as there is no clock here.
    [[nodiscard]] std::vector<peer_link> links() const;

private:
    friend class loopback_network;

    void drop(const message& m, const std::string& why);

    loopback_network& network_;
    transport_options options_;
    transport_sink* sink_ = nullptr;
    bool stopped_ = false;
    bool told_removed_ = false;
    std::uint64_t start_ = 0;                      ///< Number of this start in the network.
    std::map<node_id, std::uint64_t> greeted_;     ///< Starts whose past was accepted.
    std::map<node_id, hello_status> told_refused_; ///< By each peer, the last reason.
    std::set<node_id> removed_;
    std::map<node_id, std::uint64_t> queued_bytes_; ///< Of every peer.
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/loopback_transport.ipp>
#endif

#endif
