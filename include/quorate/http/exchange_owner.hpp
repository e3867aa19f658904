// The owner of an exchange and a stream: the place of one request, and the sender of its response.
// Flow:       13. reply → HTTP bytes
// Invariants: functions of a stream or an exchange are called from the io_context only, never from
//             within a call to it, and not once its handle is gone or it is answered
// Threads:    the server's
#ifndef QUORATE_HTTP_EXCHANGE_OWNER_HPP
#define QUORATE_HTTP_EXCHANGE_OWNER_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/http/peer.hpp>
#include <quorate/http/request.hpp>
#include <quorate/http/response.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <cstddef>
#include <functional>

namespace quorate::http::detail {

/// The owner's place for one request; an exchange returns to it with the response.
struct exchange_slot {
    http::request request;
    std::function<void()> on_left{}; ///< Empty: nobody waits for it.
    bool is_held = false;            ///< It has a place among the streams.
};

class exchange_owner;

/// What a stream's handle and its connection know of each other.
struct stream_state
    : public boost::intrusive_ref_counter<stream_state, boost::thread_unsafe_counter> {
    boost::intrusive_ptr<exchange_owner> owner;
    exchange_slot* slot = nullptr; ///< Null once the stream has ended, whoever ended it.
    std::function<void()> on_room;
    std::function<void()> on_closed;
};

/// Where responses go: a connection, or a test's recorder.
class exchange_owner
    : public boost::intrusive_ref_counter<exchange_owner, boost::thread_unsafe_counter> {
public:
    exchange_owner() = default;
    exchange_owner(const exchange_owner&) = delete;
    exchange_owner& operator=(const exchange_owner&) = delete;
    virtual ~exchange_owner() = default;

    /// Effects: takes the slot back; its request is invalid from now on.
    virtual void answer(exchange_slot& slot, response&& r) = 0;
    /// Returns: whether a response could still reach the client.
    [[nodiscard]] virtual bool is_open() const noexcept = 0;
    /// Lifetime: the owner's.
    [[nodiscard]] virtual const peer_identity& peer() const noexcept = 0;
    /// Effects: from now on notices the client's end, and calls the slot's on_left then; soon,
    /// where the client has left already.
    virtual void watch(exchange_slot& slot) = 0;

    /// Effects: gives the slot a place among the streams. Returns: whether there was one.
    [[nodiscard]] virtual bool hold(exchange_slot&) { return true; }

    /// Effects: sends the head; the slot stays taken until the stream ends. Its request is invalid
    /// from now on. Returns: never null; one without a slot where nothing can be streamed.
    [[nodiscard]] virtual boost::intrusive_ptr<stream_state> begin_stream(exchange_slot& slot,
                                                                          response&& head) = 0;
    /// Requires of the next four: the state has a slot.
    virtual void write(stream_state& stream, shared_bytes&& piece) = 0;
    virtual void write(stream_state& stream, byte_view piece) = 0;
    virtual void end(stream_state& stream) = 0;
    /// Effects: ends so that the client can tell that something is missing.
    virtual void cut(stream_state& stream) noexcept = 0;
    [[nodiscard]] virtual std::size_t waiting_bytes(const stream_state& stream) const noexcept = 0;
    /// Effects: calls on_closed from the io_context, and ends the stream after that; cuts it where
    /// there is no function to call.
    virtual void tell(stream_state& stream) = 0;
};

} // namespace quorate::http::detail

#endif
