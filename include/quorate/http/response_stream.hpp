// A response that goes on: pieces of a body, written whenever there is something to say.
// Flow:       13. reply → HTTP bytes
// Invariants: pieces leave in order; what is not whole never looks whole to the client
//             functions given to a stream are called from the io_context only, never from within a
//             call to it, and not once the handle is gone
// Source:     RFC 9112 §7.1 (chunked); etcd's gateway, which takes a client that stops sending for
//             one that left
// Threads:    the server's, from creation to destruction
#ifndef QUORATE_HTTP_RESPONSE_STREAM_HPP
#define QUORATE_HTTP_RESPONSE_STREAM_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/http/exchange_owner.hpp>

#include <cstddef>
#include <functional>
#include <utility>

namespace quorate::http {

/// Move-only; `exchange::stream` makes it. Chunks for HTTP/1.1; for HTTP/1.0 the end of the
/// connection ends the body. Nothing else is answered on its connection until it ends. It never
/// times out for having nothing to write; a client that takes nothing for write_timeout loses its
/// connection. Must be gone before the io_context of its server is.
class [[nodiscard]] response_stream {
public:
    /// Not open.
    response_stream() noexcept = default;
    explicit response_stream(boost::intrusive_ptr<detail::stream_state> state) noexcept
        : state_(std::move(state)) {}
    response_stream(response_stream&& other) noexcept = default;
    response_stream& operator=(response_stream&& other) noexcept {
        response_stream taken(std::move(other));
        state_.swap(taken.state_);
        return *this;
    }
    response_stream(const response_stream&) = delete;
    response_stream& operator=(const response_stream&) = delete;
    /// Effects: where `end` was not called, closes the connection in a way that the client can tell
    /// from the end of the body. Unsent bytes are lost.
    ~response_stream() {
        if (state_ == nullptr) {
            return;
        }
        state_->on_room = nullptr;
        state_->on_closed = nullptr;
        if (is_open()) {
            state_->owner->cut(*state_);
        }
    }

    /// Returns: whether what is written now could reach the client.
    [[nodiscard]] bool is_open() const noexcept {
        return state_ != nullptr && state_->slot != nullptr;
    }

    /// Effects: sends a piece of the body as soon as the client takes it. None when not open.
    /// `shared_bytes` that are not small are sent from where they are, others are copied.
    void write(shared_bytes piece) {
        if (is_open()) {
            state_->owner->write(*state_, std::move(piece));
        }
    }
    void write(byte_view piece) {
        if (is_open()) {
            state_->owner->write(*state_, piece);
        }
    }

    /// Effects: the body is whole. Further requests of the connection are served; nothing more can
    /// be written, and no function is called again. None when not open.
    void end() {
        if (state_ != nullptr) {
            state_->on_room = nullptr;
            state_->on_closed = nullptr;
        }
        if (is_open()) {
            state_->owner->end(*state_);
        }
    }

    /// Returns: how many bytes were written that the system has not taken yet; with those of
    /// earlier responses on the connection. Zero when not open. It is for whoever writes to keep
    /// this in bounds.
    [[nodiscard]] std::size_t waiting_bytes() const noexcept {
        return is_open() ? state_->owner->waiting_bytes(*state_) : 0;
    }

    /// Effects: `f` is called each time that waiting_bytes falls to server_options::stream_room or
    /// below after it was above. It may do anything to the stream, and drop it.
    void on_room(std::function<void()> f) {
        if (is_open()) {
            state_->on_room = std::move(f);
        }
    }

    /// Effects: `f` is called once, when the stream is to end or has ended for another reason than
    /// `end`: the client left or closed its side, the server drains or was stopped, or there was no
    /// room for the stream. While `is_open` in there, last words can be written; when `f` returns,
    /// the body ends. `f` may drop the stream, which cuts it off; so does having no function.
    void on_closed(std::function<void()> f) {
        if (state_ == nullptr) {
            return;
        }
        state_->on_closed = std::move(f);
        if (!is_open()) {
            state_->owner->tell(*state_); // It may have happened before anybody asked.
        }
    }

private:
    boost::intrusive_ptr<detail::stream_state> state_;
};

} // namespace quorate::http

#endif
