// One incoming connection: its hello is judged, then its frames become messages.
// Flow:       9. frame → message
// In / Out:   bytes from a socket → on_message
// Invariants: nothing but a hello is read from a stranger; a wrong frame ends the connection
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_NET_TCP_INLET_HPP
#define QUORATE_NET_TCP_INLET_HPP

#include <quorate/net/framer.hpp>
#include <quorate/net/snapshot_assembly.hpp>
#include <quorate/net/tcp_hub.hpp>
#include <quorate/net/tcp_stream.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace quorate::detail {

class tcp_inlet : public std::enable_shared_from_this<tcp_inlet> {
public:
    tcp_inlet(std::shared_ptr<tcp_hub> hub, tcp_socket socket);

    /// Effects: awaits the hello, after a handshake where the connection is to be encrypted.
    /// Requires: not started yet; `encrypted` only with a layer in the options.
    void start(bool encrypted);
    /// Effects: closes; no further message of this connection is delivered.
    void close();
    /// Effects: enforces the deadlines of the hello and of unfinished frames.
    void on_tick();

    /// Returns: whose connection it is; nobody's before its hello was accepted.
    [[nodiscard]] node_id member() const noexcept { return member_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    /// Returns: where the connection comes from.
    [[nodiscard]] const boost::asio::ip::address& source() const noexcept { return source_; }

private:
    void on_encrypted(const error_code& failed);
    void read();
    void on_bytes(std::size_t size);
    void take_frames();
    void refuse_frame();
    void report_drop(const std::string& what);
    [[nodiscard]] bool account_unfinished();
    /// Returns: who counts for the member at the other end; null: nobody, as for strangers.
    [[nodiscard]] tcp_dialler* counterpart() const;
    /// Returns: whether the frame was right; the connection ends otherwise.
    [[nodiscard]] bool on_frame(const shared_bytes& frame);
    void on_hello(const hello& theirs);
    [[nodiscard]] admission judge_unknown(node_id id);
    void answer(node_id member, hello_status status);
    void on_held_tick();
    void on_newcomer();
    [[nodiscard]] bool is_proved(node_id member) const;
    void refuse_unproved(node_id member);
    void refuse_stranger(const std::string& why);
    [[nodiscard]] bool on_content(owned_message& m);
    [[nodiscard]] bool on_content(snapshot_start& start);
    [[nodiscard]] bool on_content(snapshot_chunk& chunk);
    [[nodiscard]] bool on_content(member_call& call);
    /// What only a listener says.
    template <class Other>
    [[nodiscard]] bool on_content(const Other&) {
        return false;
    }
    void work();
    void on_worked(const intake_outcome& done);
    void say(const shared_bytes& frame);
    void write();
    /// Returns: whether the message may come from the member at the other end.
    [[nodiscard]] bool plausible(const message& m) const noexcept;
    /// Returns: whether the other end is not known to be a member.
    [[nodiscard]] bool limited() const { return unconfirmed_ && !hub_->peers.contains(member_); }
    [[nodiscard]] bool heard(message_kind kind);

    std::shared_ptr<tcp_hub> hub_;
    tcp_stream stream_;
    boost::asio::ip::tcp::endpoint remote_;
    boost::asio::ip::address source_;
    framer framer_;
    snapshot_assembly assembly_;
    node_id member_;
    member_past past_; ///< As its hello states.
    node_id held_;     ///< An unknown id whose hello waits for an answer.
    std::uint64_t held_since_ = 0;
    std::uint64_t accepted_;        ///< Tick.
    std::uint64_t read_at_ = 0;     ///< Tick of the last bytes.
    std::uint64_t frame_since_ = 0; ///< Tick at which the unfinished frame began; zero: none.
    std::uint64_t accounted_ = 0;   ///< Its bytes in tcp_hub::unfinished_bytes.
    shared_bytes saying_;           ///< Being written; empty: nothing is.
    shared_bytes next_;             ///< Said after that; newer progress replaces it.
    bool answered_ = false;
    bool unconfirmed_ = false; ///< The owner did not know it; only leader's traffic is heard.
    bool closed_ = false;
};

} // namespace quorate::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_inlet.ipp>
#endif

#endif
