// A timeline: kept in order, written as a line, exchanged between members.
#ifndef QUORATE_SERVER_IMPL_REQUEST_TRACE_IPP
#define QUORATE_SERVER_IMPL_REQUEST_TRACE_IPP

#include <quorate/format/primitives.hpp>
#include <quorate/server/request_trace.hpp>

#include <algorithm>

namespace quorate {
namespace detail {

/// Of one event: step, member, time.
inline constexpr std::size_t trace_event_bytes = 1 + 8 + 8;
/// Times that another member tells are cut to this, so that sums stay in range.
inline constexpr std::uint64_t trace_micros_max = std::uint64_t{1} << 40;

} // namespace detail

QUORATE_DECL const char* name_of(trace_step step) noexcept {
    switch (step) {
    case trace_step::admitted: return "admitted";
    case trace_step::proposed: return "proposed";
    case trace_step::forwarded: return "forwarded";
    case trace_step::appended: return "appended";
    case trace_step::sent: return "sent";
    case trace_step::durable: return "durable";
    case trace_step::acknowledged: return "acknowledged";
    case trace_step::committed: return "committed";
    case trace_step::applied: return "applied";
    case trace_step::answered: return "answered";
    }
    return "unknown";
}

QUORATE_DECL void request_trace::begin(node_id self, clock::time_point now) {
    *this = request_trace();
    self_ = self;
    start_ = now;
    note(trace_step::admitted, self, now);
}

QUORATE_DECL void request_trace::note(trace_step step, node_id member, clock::time_point now) {
    const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now - start_);
    insert({step, member,
            static_cast<std::uint64_t>(std::max(passed.count(), decltype(passed.count()){0}))});
}

QUORATE_DECL void request_trace::insert(const trace_event& event) {
    if (events_.size() >= events_max) {
        return;
    }
    const auto later = [](const trace_event& a, const trace_event& b) { return a.at < b.at; };
    events_.insert(std::upper_bound(events_.begin(), events_.end(), event, later), event);
}

QUORATE_DECL bool request_trace::has(trace_step step, node_id member) const noexcept {
    return std::any_of(events_.begin(), events_.end(), [&](const trace_event& event) {
        return event.step == step && event.member == member;
    });
}

QUORATE_DECL void request_trace::merge(byte_view bytes) {
    const auto forwarded =
        std::find_if(events_.begin(), events_.end(),
                     [](const trace_event& event) { return event.step == trace_step::forwarded; });
    const std::uint64_t base = forwarded == events_.end() ? 0 : forwarded->at;
    byte_reader in(bytes);
    const node_id leader(in.u64());
    while (!in.failed() && in.remaining() >= detail::trace_event_bytes) {
        const std::uint8_t step = in.u8();
        const node_id member(in.u64());
        const std::uint64_t at = std::min(in.u64(), detail::trace_micros_max);
        const bool news = member != self_ || step == static_cast<std::uint8_t>(trace_step::sent) ||
                          step == static_cast<std::uint8_t>(trace_step::acknowledged);
        if (leader && step <= trace_step_max && news) {
            insert({static_cast<trace_step>(step), member, base + at});
        }
    }
}

QUORATE_DECL std::string request_trace::encode() const {
    std::string bytes;
    byte_writer out(bytes);
    out.u64(self_.value());
    for (const trace_event& event : events_) {
        out.u8(static_cast<std::uint8_t>(event.step)).u64(event.member.value()).u64(event.at);
    }
    return bytes;
}

QUORATE_DECL std::string request_trace::text() const {
    std::string line;
    for (const trace_event& event : events_) {
        const bool to = event.step == trace_step::sent || event.step == trace_step::forwarded;
        line += (line.empty() ? "" : "; ") + std::to_string(event.at) + "us ";
        line += name_of(event.step);
        line += (to ? " to " : " by ") + std::to_string(event.member.value());
        if (event.step == trace_step::appended && entry_.index) {
            line += " as entry " + std::to_string(entry_.index.value()) + " of term " +
                    std::to_string(entry_.term.value());
        }
        if (event.step == trace_step::applied && event.member == self_ && revision_ != 0) {
            line += " at revision " + std::to_string(revision_);
        }
    }
    return line;
}

} // namespace quorate

#endif
