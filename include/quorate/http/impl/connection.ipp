// The life of one connection: its requests, and their responses.
#ifndef QUORATE_HTTP_IMPL_CONNECTION_IPP
#define QUORATE_HTTP_IMPL_CONNECTION_IPP

#include <quorate/http/connection.hpp>
#include <quorate/http/head_writer.hpp>
#include <quorate/http/status.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace quorate::http::detail {

/// Buffers that grew beyond this give their memory back after use.
inline constexpr std::size_t kept_buffer_bytes_max = 32 << 10;
/// What lasts so many ticks lasts long. Less, and a client may be just about to send or to read.
inline constexpr std::uint64_t long_ticks = 2;

[[nodiscard]] inline byte_view view_of(const boost::beast::flat_buffer& buffer) noexcept {
    return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

inline void clear_buffer(boost::beast::flat_buffer& buffer) noexcept {
    buffer.clear();
    if (buffer.capacity() > kept_buffer_bytes_max) {
        buffer.shrink_to_fit();
    }
}

QUORATE_DECL bool is_safe(std::string_view method) noexcept {
    return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

QUORATE_DECL connection::connection(tcp_socket socket, peer_identity peer, connection_host& host)
    : socket_(std::move(socket)),
      executor_(socket_->get_executor()),
      host_(&host),
      load_(host.load),
      peer_(std::move(peer)),
      scanner_(host.options.head_bytes_max),
      slots_(host.options.pipeline_max),
      opened_at_(host.tick) {}

QUORATE_DECL connection::connection(asio_context::executor_type executor,
                                    std::shared_ptr<secure_channel> channel, peer_identity peer,
                                    connection_host& host)
    : channel_(std::move(channel)),
      executor_(executor),
      host_(&host),
      load_(host.load),
      peer_(std::move(peer)),
      scanner_(host.options.head_bytes_max),
      slots_(host.options.pipeline_max),
      opened_at_(host.tick) {
    QUORATE_ASSERT(channel_ != nullptr);
}

QUORATE_DECL void connection::start() {
    self_ = this;
    channel_ != nullptr ? shake_hands() : settle();
}

QUORATE_DECL void connection::shake_hands() {
    phase_ = phase::handshake;
    expect(wait::handshake);
    channel_->handshake([self = boost::intrusive_ptr<connection>(this)](error_code ec) {
        if (!self->is_open()) {
            return;
        }
        if (ec) {
            return self->close();
        }
        self->peer_.common_name = self->channel_->common_name();
        self->peer_.is_secure = true;
        self->phase_ = phase::head;
        self->settle();
    });
}

QUORATE_DECL void connection::close() noexcept {
    if (!is_open()) {
        return;
    }
    const auto keep = std::move(self_);
    waiting_ = wait::nothing;
    if (socket_ && !outbox_.is_empty()) {
        // The plain end of a connection could pass for the end of what it cuts off. Closed here:
        // the destructor of a socket takes the option back.
        error_code ignored;
        socket_->set_option(boost::asio::socket_base::linger(true, 0), ignored);
        socket_->close(ignored);
    }
    // Whatever is under way ends with an error and holds its own reference until then. The socket
    // goes now, for an exchange may hold this object longer than the io_context lives.
    socket_.reset();
    if (channel_ != nullptr) {
        std::exchange(channel_, nullptr)->close();
    }
    drop_streams();
    tell_left();
    load_->unsent_bytes -= std::exchange(weighed_, 0);
    // Requests that the handler has not answered keep their memory as long as this object.
    const std::size_t given_back = held_ - std::min(held_, unanswered_bytes_);
    load_->held_bytes -= given_back;
    held_ -= given_back;
    std::exchange(host_, nullptr)->on_closed(*this);
}

QUORATE_DECL bool connection::is_idle() const noexcept {
    return phase_ == phase::handshake || (phase_ == phase::head && !has_partial_head_ &&
                                          count_ == 0 && outbox_.is_empty() && !writing_);
}

QUORATE_DECL void connection::on_tick() {
    const boost::intrusive_ptr<connection> keep(this);
    if (writing_ && host_->tick >= write_deadline_) {
        return close();
    }
    notice_slow_request();
    const bool rests = outbox_.is_empty() && !writing_;
    const bool is_long_idle = host_->tick == waits_since_ + long_ticks && is_idle();
    if (rests && (streams_ > 0 || (is_long_idle && phase_ == phase::head))) {
        trim();
    }
    if (waiting_ == wait::nothing || host_->tick < read_deadline_) {
        return;
    }
    if (waiting_ == wait::head || waiting_ == wait::body) {
        refuse(408);
        return advance();
    }
    close();
}

QUORATE_DECL void connection::on_drain() {
    if (is_idle()) {
        return close();
    }
    tell_streams();
}

// ---- Requests -----------------------------------------------------------------------------------

QUORATE_DECL void connection::advance() {
    if (advancing_ || !is_open()) {
        return; // Called from within a handler: the loop below goes on when it returns.
    }
    const boost::intrusive_ptr<connection> keep(this);
    advancing_ = true;
    // While a read is under way there is nothing to take, and its buffer must not move; but for a
    // request that is held, which is whole.
    while (is_open() && (!reading_ || phase_ == phase::held) && take_step()) {
    }
    advancing_ = false;
    if (is_open()) {
        flush();
        settle();
    }
}

/// Returns: whether a further step may be possible at once.
QUORATE_DECL bool connection::take_step() {
    switch (phase_) {
    case phase::head: return take_head();
    case phase::sized_body: return take_sized_body();
    case phase::chunked_body: return take_chunks();
    case phase::held:
        if (count_ > 0) {
            return false;
        }
        hand_over(current_slot());
        return true;
    case phase::handshake:
    case phase::finished:
    case phase::lingering: break;
    }
    return false;
}

QUORATE_DECL bool connection::may_begin() {
    return !host_->is_draining && !exclusive_ && streams_ == 0 && count_ < slots_.size() &&
           unanswered_bytes_ + outbox_.waiting_bytes() <= backlog_bytes_max;
}

QUORATE_DECL bool connection::take_head() {
    if (!has_partial_head_ && !may_begin()) {
        return false;
    }
    // RFC 9112 §2.2: one empty line before a request is forgiven.
    if (!skipped_empty_line_ && view_of(received_).starts_with("\r\n")) {
        received_.consume(2);
        skipped_empty_line_ = true;
    }
    const byte_view bytes = view_of(received_);
    has_partial_head_ = !bytes.empty();
    if (bytes.empty() || (!skipped_empty_line_ && bytes == "\r")) {
        return false;
    }
    const scan_result found = scanner_.scan(bytes);
    if (found.refusal != 0) {
        refuse(found.refusal);
        return false;
    }
    if (found.head_bytes == 0) {
        return false;
    }
    slot& s = current_slot();
    s.head.assign(bytes.substr(0, found.head_bytes));
    received_.consume(found.head_bytes);
    parser_.emplace(parser_limits{host_->options.body_bytes_max, host_->options.fields_max},
                    s.parsed, s.body);
    const unsigned refusal = parser_->parse_head(s.head);
    s.is_head_request = s.parsed.method == "HEAD";
    s.version = s.parsed.version;
    if (refusal != 0) {
        refuse(refusal);
        return false;
    }
    s.keep_alive = s.parsed.keep_alive;
    begin_body(s);
    return true;
}

QUORATE_DECL void connection::begin_body(slot& s) {
    scanner_.reset();
    has_partial_head_ = false;
    skipped_empty_line_ = false;
    body_missing_ = s.parsed.content_length;
    if (!s.parsed.is_chunked && body_missing_ == 0) {
        return dispatch(s);
    }
    phase_ = s.parsed.is_chunked ? phase::chunked_body : phase::sized_body;
    if (s.parsed.expects_continue && received_.size() == 0) {
        continue_wanted_ = true;
        maybe_continue();
    }
}

QUORATE_DECL bool connection::take_sized_body() {
    slot& s = current_slot();
    const byte_view bytes = view_of(received_);
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(body_missing_, bytes.size()));
    if (size > 0) {
        std::memcpy(s.body.prepare(size).data(), bytes.data(), size);
        s.body.commit(size);
        received_.consume(size);
        body_missing_ -= size;
    }
    if (body_missing_ > 0) {
        return false;
    }
    dispatch(s);
    return true;
}

QUORATE_DECL bool connection::take_chunks() {
    const chunk_result taken = parser_->parse_chunks(view_of(received_));
    received_.consume(taken.used);
    if (taken.refusal != 0) {
        refuse(taken.refusal);
        return false;
    }
    if (!taken.is_done) {
        return false;
    }
    dispatch(current_slot());
    return true;
}

QUORATE_DECL void connection::dispatch(slot& s) {
    parser_.reset();
    continue_wanted_ = false;
    waiting_ = wait::nothing;
    if (count_ > 0 && (streams_ > 0 || !is_safe(s.parsed.method))) {
        phase_ = phase::held;
        return;
    }
    hand_over(s);
}

// Requests that change nothing may be under way together. One that may change something neither
// overtakes those before it nor is overtaken, or a pipelined GET could miss the PUT before it
// (RFC 9112 §9.3.2).
QUORATE_DECL void connection::hand_over(slot& s) {
    has_asked_ = true;
    asked_at_ = host_->tick;
    exclusive_ = !is_safe(s.parsed.method);
    s.keep_alive = s.keep_alive && !reserved_;
    phase_ = s.keep_alive ? phase::head : phase::finished;
    s.request = {.method = s.parsed.method,
                 .target = s.parsed.target,
                 .body = view_of(s.body),
                 .fields = s.parsed.fields,
                 .version = s.parsed.version};
    s.bytes = s.head.size() + s.body.capacity();
    unanswered_bytes_ += s.bytes;
    ++count_;
    if (const std::string_view why = overload_of(s); !why.empty()) {
        return answer_at_once(s, refusal_of(s.request, 503, why));
    }
    ++load_->requests;
    host_->handler(exchange(this, s));
}

/// Effects: answers the request being read, in its turn, and reads no further.
QUORATE_DECL void connection::refuse(unsigned status, std::string_view why) {
    slot& s = current_slot();
    // Of a body that is too long, or does not come, the head is known.
    const bool is_known = phase_ != phase::head || status == 413;
    response page = is_known ? refusal_of({.method = s.parsed.method,
                                           .target = s.parsed.target,
                                           .body = {},
                                           .fields = s.parsed.fields,
                                           .version = s.parsed.version},
                                          status, why)
                             : error_page(status, why);
    if (reading_ && phase_ == phase::sized_body) {
        // A read into the body is under way: its memory stays until the connection goes.
        received_ = std::move(s.body);
    }
    s.body.clear();
    s.body.shrink_to_fit();
    parser_.reset();
    continue_wanted_ = false;
    waiting_ = wait::nothing;
    phase_ = phase::finished;
    unread_ = true;
    s.keep_alive = false;
    s.is_answered = true;
    s.answer = std::move(page);
    s.bytes = 0;
    ++count_;
    send_answered();
}

QUORATE_DECL connection::slot& connection::current_slot() {
    QUORATE_ASSERT(count_ < slots_.size());
    auto& place = slots_[(first_ + count_) % slots_.size()];
    if (place == nullptr) {
        place = std::make_unique<slot>();
    }
    return *place;
}

// ---- Responses ----------------------------------------------------------------------------------

QUORATE_DECL void connection::answer(exchange_slot& which, response&& r) {
    --load_->requests;
    free_place(which);
    which.on_left = nullptr;
    if (!is_open() || closing_) {
        return; // Nobody will read it. The slot goes with the connection.
    }
    answer_at_once(static_cast<slot&>(which), std::move(r));
}

QUORATE_DECL void connection::answer_at_once(slot& s, response&& r) {
    s.is_answered = true;
    s.answer = std::move(r);
    send_answered();
    advance();
}

QUORATE_DECL void connection::send_answered() {
    while (count_ > 0 && !closing_) {
        slot& s = slot_at(0);
        if (s.is_stream && !s.is_begun) {
            emit_stream_head(s);
        }
        if (!s.is_answered) {
            break;
        }
        if (s.is_stream) {
            append_last_chunk(s);
            conclude(s, s.closes);
        } else {
            emit(s, std::move(*s.answer));
        }
        release(s);
        first_ = (first_ + 1) % slots_.size();
        --count_;
    }
    if (count_ == 0) {
        exclusive_ = false;
        watching_ = false;
    }
    if (count_ == 0 && phase_ == phase::head) {
        first_ = 0; // The slot used last is the one whose memory is warm.
    }
    maybe_continue();
}

QUORATE_DECL void connection::emit(slot& s, response&& r) {
    if (!is_sendable(r)) {
        r = error_page(500);
    }
    const bool closes = r.close || !s.keep_alive || is_last();
    append_head(outbox_.text(), r, {.close = closes, .version = s.version, .date = host_->date()});
    if (!s.is_head_request && !is_bodiless(r.status)) {
        outbox_.append(r.body);
    }
    conclude(s, closes);
}

/// Returns: whether the first response is the last one because the server drains.
QUORATE_DECL bool connection::is_last() const noexcept {
    return host_->is_draining && count_ == 1 && phase_ == phase::head && !has_partial_head_;
}

/// Effects: the first response is in the outbox as a whole.
QUORATE_DECL void connection::conclude(const slot& s, bool closes) {
    closing_ = closes;
    if (closing_) {
        // A client that did not ask for the end may be sending its next request right now.
        unread_ = unread_ || s.keep_alive || received_.size() > 0;
        phase_ = phase::finished;
        drop_streams(); // Those behind it have nobody to speak to.
    }
}

QUORATE_DECL void connection::release(slot& s) {
    unanswered_bytes_ -= s.bytes;
    s.bytes = 0;
    s.request = {};
    s.answer.reset();
    s.is_answered = s.is_stream = s.is_begun = s.is_full = s.closes = false;
    s.early.clear();
    s.early_bytes = 0;
    s.is_head_request = false;
    s.keep_alive = true;
    s.version = 11;
    if (s.head.capacity() > kept_buffer_bytes_max) {
        std::string().swap(s.head);
    }
    clear_buffer(s.body);
}

QUORATE_DECL void connection::maybe_continue() {
    if (continue_wanted_ && count_ == 0) {
        continue_wanted_ = false;
        outbox_.text().append("HTTP/1.1 100 Continue\r\n\r\n");
    }
}

} // namespace quorate::http::detail

#endif
