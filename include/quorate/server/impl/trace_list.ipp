// The steps of traces, assigned to their traces.
#ifndef QUORATE_SERVER_IMPL_TRACE_LIST_IPP
#define QUORATE_SERVER_IMPL_TRACE_LIST_IPP

#include <quorate/base/assert.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/server/trace_list.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL void trace_list::add(request_id id, std::shared_ptr<request_trace> trace,
                                  std::function<void()> committed) {
    QUORATE_ASSERT(trace != nullptr);
    if (all_.size() < traced_max && place_of(id) == nullptr) {
        all_.push_back({id, std::move(trace), std::move(committed), now_()});
    }
}

QUORATE_DECL void trace_list::erase(request_id id) {
    std::erase_if(all_, [id](const traced& t) { return t.id == id; });
}

QUORATE_DECL void trace_list::expire(clock::time_point before) {
    std::erase_if(all_, [before](const traced& t) { return t.since < before; });
}

QUORATE_DECL trace_list::traced* trace_list::place_of(request_id id) noexcept {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [id](const traced& t) { return t.id == id; });
    return found == all_.end() ? nullptr : &*found;
}

QUORATE_DECL std::shared_ptr<request_trace> trace_list::find(request_id id) const noexcept {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [id](const traced& t) { return t.id == id; });
    return found == all_.end() ? nullptr : found->trace;
}

QUORATE_DECL void trace_list::note_proposed(std::span<const request_id> ids, node_id leader) {
    const clock::time_point now = now_();
    for (request_id id : ids) {
        if (traced* one = place_of(id)) {
            const bool here = leader == self_;
            one->trace->note(here ? trace_step::proposed : trace_step::forwarded, leader, now);
        }
    }
}

QUORATE_DECL void trace_list::note_entries(std::span<const entry> entries) {
    const clock::time_point now = now_();
    for (const entry& e : entries) {
        if (e.kind != entry_kind::normal || e.payload.size() < request_id_bytes) {
            continue;
        }
        if (traced* one = place_of(load_request_id(e.payload.data()))) {
            one->trace->set_entry(e.id());
            one->trace->note(trace_step::appended, self_, now);
        }
    }
}

QUORATE_DECL void trace_list::note_sent(std::span<const message> sent) {
    const clock::time_point now = now_();
    for (const message& m : sent) {
        if (m.kind != message_kind::append || m.entries.empty()) {
            continue;
        }
        for (traced& one : all_) {
            const log_index index = one.trace->entry().index;
            const bool carried =
                index >= m.entries.front().index && index <= m.entries.back().index;
            if (carried && !one.trace->has(trace_step::sent, m.to)) {
                one.trace->note(trace_step::sent, m.to, now);
            }
        }
    }
}

QUORATE_DECL void trace_list::note_reached(trace_step step, node_id member, log_index upto) {
    const clock::time_point now = now_();
    for (traced& one : all_) {
        const log_index index = one.trace->entry().index;
        if (index && index <= upto && !one.trace->has(step, member)) {
            one.trace->note(step, member, now);
        }
    }
}

QUORATE_DECL void trace_list::note_committed(log_index commit) {
    note_reached(trace_step::committed, self_, commit);
    std::vector<std::function<void()>> ended;
    std::erase_if(all_, [&](traced& one) {
        const log_index index = one.trace->entry().index;
        const bool ends = one.committed && index && index <= commit;
        if (ends) {
            ended.push_back(std::move(one.committed));
        }
        return ends;
    });
    for (const std::function<void()>& committed : ended) {
        committed();
    }
}

QUORATE_DECL void trace_list::note_applied(request_id id, std::uint64_t revision) {
    if (traced* one = place_of(id)) {
        one->trace->set_revision(revision);
        one->trace->note(trace_step::applied, self_, now_());
    }
}

} // namespace quorate

#endif
