// An HTTP connection and its socket: waits, reads, writes, the end.
#ifndef QUORATE_HTTP_IMPL_CONNECTION_SOCKET_IPP
#define QUORATE_HTTP_IMPL_CONNECTION_SOCKET_IPP

#include <quorate/http/connection.hpp>
#include <quorate/http/impl/connection.ipp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace quorate::http::detail {

/// The most of a body of known length that is read at once.
inline constexpr std::size_t body_read_bytes_max = 128 << 10;

/// Effects: after all steps: decides what to wait for, or that this is the end.
QUORATE_DECL void connection::settle() {
    weigh_requests();
    const bool is_sent = outbox_.is_empty() && !writing_;
    if (closing_) {
        return is_sent && phase_ != phase::lingering ? finish_sending() : void();
    }
    const bool is_between = phase_ == phase::head && !has_partial_head_;
    if (count_ == 0 && is_sent &&
        (phase_ == phase::finished || (is_between && host_->is_draining))) {
        return channel_ != nullptr ? finish_sending() : close();
    }
    if (phase_ == phase::finished || phase_ == phase::held) {
        expect(wait::nothing);
    } else if (phase_ != phase::head) {
        expect(wait::body);
    } else if (has_partial_head_) {
        expect(wait::head);
    } else {
        expect(count_ == 0 && is_sent ? wait::idle : wait::nothing);
    }
    if (!reading_ && wants_to_read()) {
        read();
    }
}

QUORATE_DECL bool connection::wants_to_read() {
    const bool is_between = phase_ == phase::head && !has_partial_head_;
    if (!is_between && phase_ != phase::finished && phase_ != phase::held) {
        return true;
    }
    const bool watches = count_ > 0 && (streams_ > 0 || watching_);
    if (phase_ == phase::finished && watches && received_.size() > 0) {
        unread_ = true; // Nobody will; and it would keep a stream from seeing its client leave.
        received_.clear();
    }
    // What is received but not begun waits for room; a read now would lock it in its buffer.
    if (received_.size() > 0) {
        return false;
    }
    // While a stream is open or a request takes long, only a read tells that the client has left.
    return watches ? !end_of_input_ : is_between && may_begin();
}

QUORATE_DECL void connection::finish_sending() {
    if (channel_ != nullptr) {
        // Without a farewell the client could take the end for one that somebody else made.
        closing_ = true;
        phase_ = phase::lingering;
        expect(wait::linger);
        return channel_->shutdown(
            [self = boost::intrusive_ptr<connection>(this)](error_code) { self->close(); });
    }
    if (end_of_input_ || !unread_) {
        return close();
    }
    // Closing while unread bytes arrive resets the connection, and the client may lose the very
    // response that says why (RFC 9112 §9.6).
    error_code ec;
    socket_->shutdown(tcp_socket::shutdown_send, ec);
    if (ec) {
        return close();
    }
    phase_ = phase::lingering;
    expect(wait::linger);
    if (!reading_) {
        read();
    }
}

/// Returns: the tick at which a limit ends; one of zero never does.
QUORATE_DECL std::uint64_t connection::deadline_after(std::chrono::milliseconds limit) const {
    return limit.count() == 0 ? UINT64_MAX : host_->tick_after(limit);
}

QUORATE_DECL void connection::expect(wait what) {
    if (what == waiting_ && what != wait::idle) {
        return; // The limit runs from the first time.
    }
    waiting_ = what;
    waits_since_ = host_->tick;
    const server_options& limits = host_->options;
    switch (what) {
    case wait::nothing: return;
    case wait::handshake: read_deadline_ = host_->tick_after(limits.handshake_timeout); return;
    case wait::idle: read_deadline_ = deadline_after(limits.idle_timeout); return;
    case wait::head: read_deadline_ = host_->tick_after(limits.head_timeout); return;
    case wait::body: read_deadline_ = host_->tick_after(limits.body_timeout); return;
    case wait::linger: read_deadline_ = host_->tick_after(limits.linger_timeout); return;
    }
}

QUORATE_DECL void connection::read() {
    boost::asio::mutable_buffer place;
    if (phase_ == phase::sized_body) {
        const auto size = std::min<std::uint64_t>(body_missing_, body_read_bytes_max);
        place = current_slot().body.prepare(static_cast<std::size_t>(size));
    } else {
        if (received_.size() == 0) {
            clear_buffer(received_);
        }
        place = received_.prepare(read_bytes_max);
    }
    reading_ = true;
    auto done = [self = boost::intrusive_ptr<connection>(this)](error_code ec, std::size_t bytes) {
        self->on_read(ec, bytes);
    };
    if (socket_) {
        return socket_->async_read_some(place, std::move(done));
    }
    channel_->read_some(place, std::move(done));
}

QUORATE_DECL void connection::on_read(error_code ec, std::size_t bytes) {
    reading_ = false;
    load_->bytes_received += bytes;
    if (!is_open()) {
        return;
    }
    if (ec && ec != boost::asio::error::eof) {
        return close();
    }
    end_of_input_ = ec.failed();
    if (phase_ == phase::lingering) {
        return end_of_input_ ? close() : read();
    }
    if (end_of_input_) {
        tell_streams();
        tell_left();
    }
    if (phase_ == phase::held) {
        received_.commit(bytes);
    } else if (phase_ == phase::finished) {
        unread_ = true; // What came is dropped; the last response is still under way.
    } else if (end_of_input_) {
        phase_ = phase::finished; // Half-closed: what was asked before is answered still.
    } else if (phase_ == phase::sized_body) {
        current_slot().body.commit(bytes);
        body_missing_ -= bytes;
    } else {
        received_.commit(bytes);
    }
    advance();
}

QUORATE_DECL void connection::flush() {
    weigh();
    if (!writing_ && outbox_.waiting_bytes() > 0) {
        outbox_.launch();
        write();
    }
}

QUORATE_DECL void connection::write() {
    writing_ = true;
    written_at_ = host_->tick;
    write_deadline_ = deadline_after(host_->options.write_timeout);
    auto done = [self = boost::intrusive_ptr<connection>(this)](error_code ec, std::size_t bytes) {
        self->on_write(ec, bytes);
    };
    if (socket_) {
        return socket_->async_write_some(outbox_.flight(), std::move(done));
    }
    channel_->write_some(outbox_.flight(), std::move(done));
}

QUORATE_DECL void connection::on_write(error_code ec, std::size_t bytes) {
    writing_ = false;
    load_->bytes_sent += bytes;
    if (!is_open()) {
        return;
    }
    if (ec) {
        return close();
    }
    outbox_.consume(bytes);
    weigh();
    check_room();
    if (outbox_.in_flight()) {
        return write();
    }
    advance();
}

} // namespace quorate::http::detail

#endif
