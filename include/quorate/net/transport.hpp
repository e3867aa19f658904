// The contract of the wire between members.
// Flow:    8 and 9. messages → frames → peer → messages
// Source:  doc/concept/transport.md
#ifndef QUORATE_NET_TRANSPORT_HPP
#define QUORATE_NET_TRANSPORT_HPP

#include <quorate/base/error.hpp>
#include <quorate/consensus/message.hpp>
#include <quorate/consensus/snapshot_intake.hpp>
#include <quorate/format/frame.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quorate {

class secure_layer;

struct transport_options {
    cluster_id cluster;
    node_id self;
    /// Where peers reach this member, such as http://127.0.0.1:12380; https:// needs `security`.
    std::string listen_url;
    /// A longer message is not sent, a longer frame ends the connection; both are logged.
    std::uint64_t frame_bytes_max = frame_bytes_limit;
    std::uint64_t queue_bytes_max = 256 << 20;      ///< Per peer; appends beyond it are dropped.
    std::uint64_t snapshot_bytes_max = 64ULL << 30; ///< Of one snapshot, sent or received.
    std::uint64_t snapshot_bytes_per_second = 0;    ///< Of all that are sent; zero: no limit.
    std::uint32_t snapshots_at_once = 2; ///< To how many peers; others wait. Zero: no limit.
    /// Encrypts what comes to, and goes to, an https:// URL. Such as a tls::layer that dials.
    std::shared_ptr<secure_layer> security;
    /// Whether the certificate of a member has to be for the host of one of the URLs that it was
    /// added with. One that was not added is not held to that: it may be new.
    bool certificates_name_members = false;
    /// Peer URLs of this member, with commas between them; each peer that it reaches is told of
    /// them. Empty: none is.
    std::string announced_urls;
};

/// What a transport does with a connection from an id that was not added as a peer.
enum class admission : std::uint8_t {
    refuse,      ///< Answers hello_status::unknown_member.
    wait,        ///< Holds the hello for 2 s: heard once the id is added, refused otherwise.
    unconfirmed, ///< Hears what leaders and candidates send, and the announced URLs.
    full,        ///< Hears everything, as from a peer.
};

/// What is known of the wire to one peer, counted since the start.
struct peer_link {
    node_id peer{};
    /// For how long it has been connected, give or take 100 ms; absent: it is not.
    std::optional<std::chrono::milliseconds> connected_for{};
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t send_failures = 0;    ///< Messages dropped, and connections that broke.
    std::uint64_t receive_failures = 0; ///< Connections from it that broke or were refused.
};

/// What a transport tells its owner, always on the owner's executor.
class transport_sink {
public:
    /// Returns: what keeps the snapshots that arrive in parts; null: the transport does, in memory.
    /// Lifetime: until stop() of the transport. May be used on a thread of the transport.
    [[nodiscard]] virtual snapshot_intake* snapshots() noexcept { return nullptr; }
    /// A message whose frame was valid; its content is not checked any further.
    virtual void on_message(const message& m) = 0;
    /// Messages to `peer` were lost or cannot be delivered now.
    virtual void on_unreachable(node_id peer) = 0;
    /// `peer` has a snapshot entirely, or it was given up. The member there may still refuse one
    /// that was delivered; the leader notices that at its next append.
    virtual void on_snapshot_sent(node_id peer, bool delivered) = 0;
    /// Somebody was refused, or refuses this member, for want of encryption or of a certificate.
    /// At most once a second; `why` is for people.
    virtual void on_untrusted(const std::string& why) { static_cast<void>(why); }
    /// A message was dropped, or a frame or snapshot refused, because it is over a limit. At most
    /// once in ten seconds; `why` is for people.
    virtual void on_dropped(const std::string& why) { static_cast<void>(why); }
    /// The group says that this member was removed from it.
    virtual void on_removed() = 0;
    /// A call of `from`, or its answer to one; `from` is the member at the other end. Nothing else
    /// of it is checked: the number may be anything.
    virtual void on_call(node_id from, const member_call& call) {
        static_cast<void>(from);
        static_cast<void>(call);
    }

    /// `peer`, or whoever listens at its address, does not take this member's connection, and why;
    /// never ok or removed. Said again only after the reason changed.
    virtual void on_refused(node_id peer, hello_status why) {
        static_cast<void>(peer);
        static_cast<void>(why);
    }
    /// A connection from `id`, which was not added as a peer and not dropped, greets this member.
    /// Returns: what to hear of it.
    [[nodiscard]] virtual admission on_unknown(node_id id) {
        static_cast<void>(id);
        return admission::full;
    }
    /// Returns: what this member states of its data now, in a hello.
    [[nodiscard]] virtual member_past past() const { return {}; }
    /// `member` states that of its own data, before the first message in either direction.
    /// Returns: ok, or why no message is exchanged with it.
    [[nodiscard]] virtual hello_status judge_past(node_id member, const member_past& theirs) {
        static_cast<void>(member);
        static_cast<void>(theirs);
        return hello_status::ok;
    }
    /// Somebody who is no member yet asks who they are.
    /// Returns: what to answer; nothing to refuse. At most call_bytes_max bytes are passed on.
    [[nodiscard]] virtual shared_bytes on_newcomer() { return {}; }

protected:
    ~transport_sink() = default;
};

/// May lose, duplicate, reorder and delay; never corrupts or forges. Its queues are bounded.
// clang-format off
template <class T>
concept transport = requires(T wire, const message& m, node_id id, std::string url,
                             transport_sink& sink, const member_call& call) {
    { wire.start(sink) } -> std::same_as<error_code>;
    { wire.send(m) } noexcept -> std::same_as<void>;
    { wire.call(id, call) } noexcept -> std::same_as<bool>;
    { wire.add_peer(id, url) } -> std::same_as<error_code>;
    { wire.drop_peer(id) } -> std::same_as<void>;
    { wire.stop() } -> std::same_as<void>;
};
/// A transport whose frames have a limit. A node checks at its start that its entries fit.
template <class T>
concept limits_frames = requires(const T wire) {
    { wire.frame_bytes_max() } noexcept -> std::same_as<std::uint64_t>;
};
/// A transport that can tell how its peers are connected, by ascending id. Others need not.
template <class T>
concept tells_links = requires(const T wire) {
    { wire.links() } -> std::same_as<std::vector<peer_link>>;
};
/// A transport that can end its connections with a peer, so that the next hellos are judged anew.
template <class T>
concept rechecks_peers = requires(T wire, node_id id) {
    { wire.recheck_peer(id) } -> std::same_as<void>;
};
/// A transport that tries announced URLs of a peer beside those that it was added with.
template <class T>
concept follows_announcements = requires(T wire, node_id id, std::string url) {
    { wire.also_at(id, url) } -> std::same_as<error_code>;
};
// clang-format on

} // namespace quorate

#endif
