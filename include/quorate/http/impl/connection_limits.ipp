// A connection's shares of its server's limits, taken and given back.
#ifndef QUORATE_HTTP_IMPL_CONNECTION_LIMITS_IPP
#define QUORATE_HTTP_IMPL_CONNECTION_LIMITS_IPP

#include <quorate/http/connection.hpp>
#include <quorate/http/impl/connection.ipp>

#include <algorithm>
#include <utility>

namespace quorate::http::detail {

QUORATE_DECL connection::~connection() {
    load_->held_bytes -= held_;
}

QUORATE_DECL void connection::take_reserved_place() noexcept {
    reserved_ = true;
    ++load_->reserved;
}

QUORATE_DECL bool connection::is_receiving() const noexcept {
    return has_partial_head_ || phase_ == phase::sized_body || phase_ == phase::chunked_body;
}

QUORATE_DECL bool connection::is_asking() const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
        const slot& s = *slots_[(first_ + i) % slots_.size()];
        if (!s.is_answered && !s.is_stream) {
            return true;
        }
    }
    return false;
}

QUORATE_DECL std::pair<claim, std::uint64_t> connection::standing() const noexcept {
    const std::uint64_t waited = host_->tick - waits_since_;
    if (count_ > 0) {
        return {claim::kept, 0};
    }
    if (phase_ == phase::lingering) {
        return {claim::spent, waited};
    }
    if (!outbox_.is_empty()) {
        const std::uint64_t stalled = host_->tick - written_at_;
        return {stalled >= long_ticks ? claim::stalled : claim::kept, stalled};
    }
    if (!has_asked_) {
        const std::uint64_t age = host_->tick - opened_at_;
        const bool shakes = phase_ == phase::handshake; // which takes time, and is ours to spend
        return {age >= long_ticks ? claim::spent : (shakes ? claim::kept : claim::fresh), age};
    }
    if (waited < long_ticks) {
        return {claim::kept, 0};
    }
    return {is_receiving() ? claim::unfinished : claim::idle, waited};
}

/// Returns: why a whole request is not served; empty: it is. Vital requests are served always.
QUORATE_DECL std::string_view connection::overload_of(const slot& s) {
    const server_options& limits = host_->options;
    if (limits.is_vital && limits.is_vital(s.request)) {
        return {};
    }
    if (reserved_ && load_->connections - load_->reserved >= host_->connections_max) {
        return "too many connections";
    }
    if (limits.requests_max != 0 && load_->requests >= limits.requests_max) {
        host_->note_limit(limit_kind::requests);
        return "too many requests";
    }
    return {};
}

QUORATE_DECL bool connection::has_stream_place() const noexcept {
    return host_->streams_max == 0 || load_->streams + load_->waits < host_->streams_max;
}

QUORATE_DECL bool connection::hold(exchange_slot& which) {
    if (!is_open() || which.is_held) {
        return true;
    }
    if (!has_stream_place()) {
        host_->note_limit(limit_kind::streams);
        return false;
    }
    which.is_held = true;
    ++load_->waits;
    return true;
}

QUORATE_DECL void connection::free_place(exchange_slot& which) noexcept {
    load_->waits -= std::exchange(which.is_held, false) ? 1U : 0U;
}

QUORATE_DECL response connection::refusal_of(const request& asked, unsigned status,
                                             std::string_view why) const {
    const auto& make = host_->options.refusal;
    response page = make ? make(asked, status, why) : error_page(status, why);
    if (status == 503) {
        page.fields.push_back({"Retry-After", "1"}); // nothing was done
    }
    return page;
}

QUORATE_DECL void connection::weigh() {
    const std::size_t now = outbox_.unsent_bytes();
    const bool more = now > weighed_;
    load_->unsent_bytes += now;
    load_->unsent_bytes -= std::exchange(weighed_, now);
    const std::uint64_t bound = host_->options.unsent_bytes_max;
    if (more && bound != 0 && load_->unsent_bytes > bound) {
        host_->on_overload();
    }
}

/// Effects: counts the memory of requests. A buffer of the size of one read is every connection's.
QUORATE_DECL void connection::weigh_requests() {
    std::size_t now = unanswered_bytes_;
    if (received_.capacity() > read_bytes_max) {
        now += received_.capacity();
    }
    if (phase_ == phase::sized_body || phase_ == phase::chunked_body || phase_ == phase::held) {
        const slot& s = current_slot();
        now += s.head.capacity() + s.body.capacity();
    }
    const bool more = now > held_;
    load_->held_bytes += now;
    load_->held_bytes -= std::exchange(held_, now);
    const std::uint64_t bound = host_->options.held_bytes_max;
    if (more && bound != 0 && load_->held_bytes > bound) {
        host_->on_overload();
    }
}

/// Effects: gives back the memory that a connection with nothing under way keeps for the next
/// request. The buffer of a read that is under way stays.
QUORATE_DECL void connection::trim() noexcept {
    if (count_ == 0) {
        for (auto& place : slots_) {
            place.reset();
        }
    }
    outbox_.trim();
}

} // namespace quorate::http::detail

#endif
