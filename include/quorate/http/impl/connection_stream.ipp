// The work of a connection for its streams.
#ifndef QUORATE_HTTP_IMPL_CONNECTION_STREAM_IPP
#define QUORATE_HTTP_IMPL_CONNECTION_STREAM_IPP

#include <quorate/http/connection.hpp>
#include <quorate/http/head_writer.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace quorate::http::detail {

QUORATE_DECL boost::intrusive_ptr<stream_state> connection::begin_stream(exchange_slot& which,
                                                                         response&& head) {
    --load_->requests;
    free_place(which);
    which.on_left = nullptr;
    const boost::intrusive_ptr<stream_state> state(new stream_state);
    state->owner = this; // Also where nothing can be streamed: it tells so.
    if (!is_open() || closing_) {
        return state;
    }
    auto& s = static_cast<slot&>(which);
    if (!is_sendable(head)) {
        answer_at_once(s, error_page(500));
        return state;
    }
    if (!has_stream_place()) {
        host_->note_limit(limit_kind::streams);
        answer_at_once(s, refusal_of(s.request, 503, "too many streams"));
        return state;
    }
    s.is_stream = true;
    if (s.is_head_request) {
        answer_at_once(s, std::move(head));
        return state;
    }
    state->slot = &s;
    s.stream = state;
    s.answer = std::move(head);
    ++streams_;
    ++load_->streams;
    // The request is not needed any more, and its bytes would stay for as long as the stream.
    unanswered_bytes_ -= std::exchange(s.bytes, 0);
    s.request = {};
    s.parsed.clear();
    std::string().swap(s.head);
    s.body.clear();
    s.body.shrink_to_fit();
    send_answered();
    advance();
    if (is_open() && (end_of_input_ || host_->is_draining)) {
        tell(*state);
    }
    return state;
}

QUORATE_DECL void connection::emit_stream_head(slot& s) {
    const bool can_chunk = s.version >= 11;
    s.is_begun = true;
    s.closes = s.answer->close || !s.keep_alive || !can_chunk || is_last();
    append_head(outbox_.text(), *s.answer,
                {.close = s.closes,
                 .version = s.version,
                 .body = can_chunk ? framing::chunked : framing::close,
                 .date = host_->date()});
    if (!s.is_head_request) {
        append_piece(s, std::move(s.answer->body));
    }
    for (shared_bytes& piece : s.early) {
        append_piece(s, std::move(piece));
    }
    s.early.clear();
    s.early_bytes = 0;
}

QUORATE_DECL void connection::append_piece(slot& s, shared_bytes&& piece) {
    if (piece.empty()) {
        return;
    }
    if (s.version < 11) {
        return outbox_.append(piece);
    }
    append_chunk_head(outbox_.text(), piece.size());
    outbox_.append(piece);
    outbox_.text().append("\r\n");
}

QUORATE_DECL void connection::append_last_chunk(slot& s) {
    if (s.version >= 11 && !s.is_head_request) {
        outbox_.text().append(last_chunk);
    }
}

QUORATE_DECL void connection::write(stream_state& stream, shared_bytes&& piece) {
    auto& s = static_cast<slot&>(*stream.slot);
    if (s.is_begun) {
        append_piece(s, std::move(piece));
    } else if (!piece.empty()) {
        s.early_bytes += piece.size();
        s.early.push_back(std::move(piece));
    }
    after_write(s);
}

QUORATE_DECL void connection::write(stream_state& stream, byte_view piece) {
    auto& s = static_cast<slot&>(*stream.slot);
    if (!s.is_begun) {
        return write(stream, shared_bytes::copy_of(piece));
    }
    if (piece.empty()) {
        return;
    }
    std::string& out = outbox_.text();
    if (s.version < 11) {
        out.append(piece);
    } else {
        append_chunk_head(out, piece.size());
        out.append(piece).append("\r\n");
    }
    after_write(s);
}

QUORATE_DECL void connection::after_write(slot& s) {
    s.is_full = s.is_full || waiting_bytes(*s.stream) > host_->options.stream_room;
    if (!advancing_) {
        flush();
    }
}

QUORATE_DECL std::size_t connection::waiting_bytes(const stream_state& stream) const noexcept {
    const auto& s = static_cast<const slot&>(*stream.slot);
    return s.early_bytes + outbox_.unsent_bytes();
}

/// Effects: the handle has no say any more.
QUORATE_DECL void connection::let_go(slot& s) {
    s.stream->slot = nullptr;
    s.stream.reset();
    --streams_;
    --load_->streams;
}

QUORATE_DECL void connection::end(stream_state& stream) {
    auto& s = static_cast<slot&>(*stream.slot);
    let_go(s);
    s.is_answered = true;
    send_answered();
    advance();
}

QUORATE_DECL void connection::cut(stream_state& stream) noexcept {
    auto& s = static_cast<slot&>(*stream.slot);
    if (!s.is_begun) {
        let_go(s); // Nothing was promised yet.
        s.is_stream = false;
        s.early.clear();
        s.early_bytes = 0;
        return answer_at_once(s, error_page(500));
    }
    if (s.version < 11 && socket_) {
        // The plain end of the connection would end the body; a reset does not, nor does the end of
        // an encrypted one without a farewell.
        error_code ignored;
        socket_->set_option(boost::asio::socket_base::linger(true, 0), ignored);
        socket_->close(ignored);
    }
    close();
}

// Posted, for a stream's owner may be anywhere in its own code when its client leaves, and may drop
// connections in turn.
QUORATE_DECL void connection::tell(stream_state& stream) {
    boost::asio::post(executor_, [state = boost::intrusive_ptr<stream_state>(&stream)] {
        const auto told = std::exchange(state->on_closed, nullptr);
        if (told) {
            told();
        }
        if (state->slot != nullptr) {
            told ? state->owner->end(*state) : state->owner->cut(*state);
        }
    });
}

QUORATE_DECL void connection::tell_streams() {
    for (std::size_t i = 0; streams_ > 0 && i < count_; ++i) {
        if (const auto& stream = slot_at(i).stream) {
            tell(*stream);
        }
    }
}

/// Effects: all streams have ended, as the connection has.
QUORATE_DECL void connection::drop_streams() noexcept {
    for (std::size_t i = 0; streams_ > 0 && i < count_; ++i) {
        slot& s = slot_at(i);
        if (s.stream != nullptr) {
            tell(*s.stream);
            let_go(s);
        }
    }
}

QUORATE_DECL void connection::check_room() {
    if (streams_ == 0) {
        return;
    }
    slot& s = slot_at(0);
    if (s.stream == nullptr || !s.is_full ||
        waiting_bytes(*s.stream) > host_->options.stream_room) {
        return;
    }
    s.is_full = false;
    boost::asio::post(executor_, [state = s.stream] {
        auto room = std::exchange(state->on_room, nullptr);
        if (state->slot == nullptr || room == nullptr) {
            return;
        }
        room();
        if (state->slot != nullptr && state->on_room == nullptr) {
            state->on_room = std::move(room);
        }
    });
}

} // namespace quorate::http::detail

#endif
