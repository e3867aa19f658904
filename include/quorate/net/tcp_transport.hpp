// The wire between members over TCP.
// Flow:       8 and 9. messages → frames → peer → messages
// In / Out:   message ↔ bytes on sockets
// Invariants: see tcp_hub.hpp, tcp_dialler.hpp and tcp_inlet.hpp
// Source:     doc/concept/transport.md; doc/format.md, "Frame"
// Threads:    those of the asio_context, one at a time, on which every function is called
#ifndef QUORATE_NET_TCP_TRANSPORT_HPP
#define QUORATE_NET_TCP_TRANSPORT_HPP

#include <quorate/net/peer_address.hpp>
#include <quorate/net/tcp_statistics.hpp>
#include <quorate/net/transport.hpp>
#include <quorate/runtime/asio_context.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace quorate {

namespace detail {

struct tcp_hub;
class tcp_listener;

} // namespace detail

/// One connection to each peer carries what this member sends; what the peers send comes in over
/// theirs. A connection that ends is dialled again after 50 ms, doubling to 1 s. A peer that does
/// not take what is written for 5 s loses its connection.
///
/// What a message needs is bounded per peer: the queue by queue_bytes_max (messages without entries
/// may use a little more); 64 messages or 1 MiB while there is no connection. Lost messages are
/// reported by on_unreachable, once until the queue was empty again.
///
/// Snapshots are read, and received ones written, block by block on a thread of the transport's
/// own, at most snapshot_window_bytes ahead of what the receiver took. One that was interrupted
/// goes on where it ended, as far as the receiver's store kept it.
///
/// Peers that were added may connect and send everything. What to hear of other ids the sink
/// decides, on_unknown. Peers are authenticated, and what they say is encrypted, where URLs are
/// https:// ones; see doc/concept/transport.md.
/// Models: transport. Lifetime: what runs the handlers outlives the transport.
class tcp_transport {
public:
    tcp_transport(const asio_context& context, const transport_options& options);
    tcp_transport(const tcp_transport&) = delete;
    tcp_transport& operator=(const tcp_transport&) = delete;
    /// Effects: stop().
    ~tcp_transport();

    /// Effects: listens, and dials the peers added so far. Everything is told to `sink` from then
    /// on. Requires: not started before.
    /// Errors: invalid_option (no self, a listen URL that is neither http://HOST:PORT nor several
    /// with commas between them, or an https:// one without security), and those of the system.
    /// Lifetime: `sink` lives until stop().
    [[nodiscard]] error_code start(transport_sink& sink);

    /// Effects: queues the message; its entries are shared. A message to nobody known is dropped.
    /// Never calls the sink itself. Running out of memory ends the process.
    void send(const message& m) noexcept;

    /// Effects: queues a call or an answer; its data is shared. It arrives at most once.
    /// Returns: false, and nothing is queued, for nobody known, without a connection and with a
    /// full queue. Requires: at most call_bytes_max bytes of data.
    [[nodiscard]] bool call(node_id to, const member_call& asked) noexcept;

    /// Effects: connects to a peer, or moves an existing one to another URL; the same URL changes
    /// nothing. Several URLs, with commas between them, are tried in turn. Nothing for this member
    /// itself. Errors: invalid_option.
    [[nodiscard]] error_code add_peer(node_id peer, const std::string& url);

    /// Effects: a peer is also dialled at the URLs that it announced, once those that it was added
    /// with have failed; until it is added with others, or announces others. An id that was not
    /// added is dialled there as long as it is connected here. Whoever is reached has to be `peer`,
    /// of this cluster. Errors: invalid_option for a malformed URL; for plaintext where the peer's
    /// URLs, or for an unknown id this member's own, are encrypted; for another host than the
    /// peer's where certificates name members; and for too many unknown ids.
    [[nodiscard]] error_code also_at(node_id peer, const std::string& url);

    /// Effects: sends what is queued for up to 1 s, then closes. From now on the member is told
    /// that it was removed, until it is added again.
    void drop_peer(node_id peer);

    /// Effects: ends the connections with the peer, in both directions, and dials it anew: the next
    /// hellos are judged by what both members know then.
    void recheck_peer(node_id peer);

    /// Effects: closes everything; the sink and its place for snapshots are not used again. Waits
    /// for a block of a snapshot that is being read or written. May be called inside the sink.
    void stop();

    /// Returns: the port that it listens on, of the first URL; zero when it does not.
    [[nodiscard]] std::uint16_t listen_port() const noexcept;
    /// Returns: its cluster; that of the first peer reached where the options named none.
    [[nodiscard]] cluster_id cluster() const noexcept;
    [[nodiscard]] std::uint64_t frame_bytes_max() const noexcept;
    /// Returns: one for each peer that was added, by ascending id.
    [[nodiscard]] std::vector<peer_link> links() const;
    [[nodiscard]] const tcp_statistics& statistics() const noexcept;

private:
    [[nodiscard]] bool may_be_at(node_id peer, const std::vector<peer_address>& announced) const;

    std::shared_ptr<detail::tcp_hub> hub_;
    std::shared_ptr<detail::tcp_listener> listener_;
    bool started_ = false;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_transport.ipp>
#endif

#endif
