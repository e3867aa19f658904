// The outgoing connection to one peer: dial, greet, send, and again.
// Flow:       8. message → frame → peer
// In / Out:   messages → bytes on a socket
// Invariants: one attempt or connection at a time; a handler of an earlier one does nothing
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_NET_TCP_DIALLER_HPP
#define QUORATE_NET_TCP_DIALLER_HPP

#include <quorate/net/framer.hpp>
#include <quorate/net/outbox.hpp>
#include <quorate/net/peer_address.hpp>
#include <quorate/net/tcp_hub.hpp>
#include <quorate/net/tcp_stream.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace quorate::detail {

class tcp_dialler : public std::enable_shared_from_this<tcp_dialler> {
public:
    /// Requires: at least one address. Those of a peer are replaced by move_to.
    tcp_dialler(std::shared_ptr<tcp_hub> hub, node_id peer, std::vector<peer_address> addresses);

    /// Effects: dials at once. Requires: not started yet.
    void start();
    void send(const message& m);
    /// Returns: whether it was queued; not without a connection.
    [[nodiscard]] bool call(const member_call& asked);
    /// Effects: new addresses end the connection and it dials anew; the same ones change nothing.
    void move_to(std::vector<peer_address> addresses);
    /// Effects: dials the announced addresses, too, once the others have failed; replaces those
    /// that were announced before. New addresses of move_to end that.
    void also_at(std::vector<peer_address> announced);
    /// Effects: ends the connection and dials anew, so that the hellos are judged again. Does
    /// nothing before the hello of an attempt.
    void redial();
    /// Effects: sends what waits, for a limited time, then closes.
    void leave();
    /// Effects: closes for good, without a word to the sink.
    void close();
    /// Effects: enforces the deadlines.
    void on_tick();
    /// Effects: writes what waits, with everything else that this turn of the loop still sends.
    void flush_soon();

    [[nodiscard]] node_id peer() const noexcept { return peer_; }
    /// Returns: how the peer is connected, and what was counted.
    [[nodiscard]] peer_link link() const;
    /// Effects: counts what came from the peer, over whichever connection.
    void count_received(std::size_t bytes) noexcept { link_.bytes_received += bytes; }
    void count_receive_failure() noexcept { ++link_.receive_failures; }
    [[nodiscard]] const std::vector<peer_address>& addresses() const noexcept { return addresses_; }
    /// Returns: whether the peer was added at that address, by name or literally.
    [[nodiscard]] bool is_at(const boost::asio::ip::address& source) const;
    [[nodiscard]] bool closed() const noexcept { return state_ == state::closed; }

private:
    enum class state : std::uint8_t {
        waiting,    ///< For the next attempt.
        connecting, ///< Resolving the name or connecting.
        securing,   ///< Agreeing on keys, where the connection is encrypted.
        greeting,   ///< The hello is sent, its answer is awaited.
        open,       ///< Messages flow.
        closed,
    };

    using timer =
        boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                          boost::asio::wait_traits<std::chrono::steady_clock>,
                                          asio_context::executor_type>;
    using resolver =
        boost::asio::ip::basic_resolver<boost::asio::ip::tcp, asio_context::executor_type>;
    using tcp_endpoint = boost::asio::ip::tcp::endpoint;
    static constexpr std::size_t views_max = tcp_stream::buffers_max;

    /// Returns: a handler that calls `step` only if the attempt that it belongs to still runs.
    template <class Step>
    auto guarded(Step step);

    [[nodiscard]] const peer_address& target() const noexcept {
        return address_ < addresses_.size() ? addresses_[address_]
                                            : announced_[address_ - addresses_.size()];
    }
    void dial();
    void connect_next();
    void on_error(const error_code& ec);
    void on_connected();
    void secure();
    void complain(const std::string& why);
    void greet();
    void read_answer();
    void on_answer_bytes(std::size_t size);
    void on_answer(const shared_bytes& frame);
    [[nodiscard]] bool refuse_past(const hello& answer, hello_status& status);
    void on_open();
    void watch();
    void on_words(std::size_t size);
    [[nodiscard]] bool on_word(const shared_bytes& frame);
    void feed_snapshot();
    void on_chunk_read(const chunk_request& wanted, const result<rope>& block);
    void end_snapshot();
    void tell_snapshot_ended(bool delivered);
    void flush();
    void on_written(std::size_t size);
    void fail();
    void begin_anew();
    void hang_up();
    void wait_and_dial();

    std::shared_ptr<tcp_hub> hub_;
    node_id peer_;
    std::vector<peer_address> addresses_;
    std::vector<peer_address> announced_; ///< By the peer; tried after the others.
    std::size_t address_ = 0; ///< Of both lists; another one's turn after an attempt that failed.
    std::vector<boost::asio::ip::address> resolved_; ///< Of the names among them, seen last.
    state state_ = state::waiting;
    std::uint64_t attempt_ = 0; ///< Zero: not started.
    std::uint64_t since_ = 0;   ///< Tick at which the state, or the current write, began.
    std::uint64_t opened_ = 0;
    std::uint64_t leave_by_ = 0; ///< Non-zero: leaving, until this tick.
    std::uint32_t backoff_ms_ = 0;
    std::minstd_rand jitter_;

    std::vector<tcp_endpoint> endpoints_; ///< Not tried yet.
    tcp_stream stream_;
    resolver resolver_;
    timer retry_;
    outbox outbox_;
    peer_link link_; ///< Of which link() tells the rest.
    bool writing_ = false;
    bool flush_posted_ = false;
    bool told_unreachable_ = false;
    hello_status told_refused_ = hello_status::ok; ///< The reason that was told last.
    shared_bytes greeting_;
    /// Null while open, until the peer says something. Reads hold it, too.
    std::shared_ptr<framer> answers_;
    char watched_ = 0;
    bool sending_snapshot_ = false; ///< Counted in the hub.
    std::uint64_t snapshot_moved_ = 0;
    std::array<boost::asio::const_buffer, views_max> buffers_;
};

} // namespace quorate::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_dialler.ipp>
#endif

#endif
