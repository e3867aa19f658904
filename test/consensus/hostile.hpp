// Messages that nobody honest would send, made from random numbers and from honest ones.
#ifndef QUORATE_TEST_CONSENSUS_HOSTILE_HPP
#define QUORATE_TEST_CONSENSUS_HOSTILE_HPP

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "support.hpp"

namespace quorate::test {

/// Draws message fields near the edges of what a member knows, and far beyond them.
class message_maker {
public:
    explicit message_maker(std::function<std::uint64_t()> random) : random_(std::move(random)) {}

    /// A message to `m`, from anybody but itself: a transport knows whom it talks to.
    owned_message random_to(const member& m) {
        message one = blank_to(m);
        one.kind = static_cast<message_kind>(below(20));
        fields(one, m);
        return {one, entries_near(one)};
    }
    /// `m` with a few fields changed.
    owned_message mutated(const owned_message& honest, const member& to) {
        message one = honest.get();
        std::vector<entry> entries(one.entries.begin(), one.entries.end());
        one.entries = {};
        for (std::uint64_t n = 1 + below(3); n > 0; --n) {
            message other = blank_to(to);
            fields(other, to);
            change_one(one, other, entries);
        }
        one.from = one.from == to.id() ? node_id(2) : one.from;
        return {one, std::move(entries)};
    }

private:
    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    std::uint64_t near(std::uint64_t number) {
        switch (below(8)) {
        case 0: return 0;
        case 1: return number == 0 ? 0 : number - 1;
        case 2: return number + 1;
        case 3: return number + below(6);
        case 4: return number - below(6); // wraps now and then
        case 5: return below(8) == 0 ? UINT64_MAX - below(3) : number;
        case 6: return below(64) == 0 ? random_() : number;
        default: return number;
        }
    }
    message blank_to(const member& m) {
        message one;
        one.to = below(40) == 0 ? node_id(random_()) : m.id();
        do {
            one.from = node_id(below(7));
        } while (one.from == m.id());
        return one;
    }
    void fields(message& one, const member& m) {
        const engine_status now = m.status();
        one.reject = below(3) == 0;
        one.transfer = below(4) == 0;
        // Newer terms often would leave no time for anything else.
        one.term = below(6) == 0 ? term_id(near(now.hard.term.value())) : now.hard.term;
        one.log_term = term_id(near(now.hard.term.value()));
        one.index = log_index(near(below(2) == 0 ? now.last.value() : now.hard.commit.value()));
        one.commit = log_index(near(now.hard.commit.value()));
        one.reject_hint = log_index(near(now.last.value()));
        one.context = near(3);
        if (below(6) == 0) {
            one.snap = any_snapshot(m);
        }
    }
    snapshot_ptr any_snapshot(const member& m) {
        snapshot snap;
        snap.last = {term_id(near(m.term().value())), log_index(near(m.last().value()))};
        for (std::uint64_t n = below(5); n > 0; --n) {
            snap.members.voters.insert(node_id(below(6)));
        }
        if (below(3) == 0) {
            snap.members.learners.insert(node_id(below(8)));
        }
        if (below(4) == 0) {
            snap.members.outgoing.insert(node_id(below(6)));
            snap.members.auto_leave = below(2) == 0;
        }
        if (below(6) == 0) {
            snap.members.learners_next.insert(node_id(below(6)));
        }
        return std::make_shared<snapshot>(std::move(snap));
    }
    std::vector<entry> entries_near(const message& m) {
        std::vector<entry> entries;
        for (std::uint64_t n = below(4); n > 0; --n) {
            const std::uint64_t next = m.index.value() + 1 + entries.size();
            entries.push_back({.term = below(4) == 0 ? term_id(near(m.term.value())) : m.log_term,
                               .index = log_index(below(12) == 0 ? near(next) : next),
                               .kind = static_cast<entry_kind>(below(4) == 0 ? below(5) : 0),
                               .payload = any_payload()});
        }
        return entries;
    }
    shared_bytes any_payload() {
        std::string bytes;
        for (std::uint64_t n = below(25); n > 0; --n) {
            bytes += static_cast<char>(below(4) == 0 ? random_() : below(4));
        }
        return shared_bytes::copy_of(bytes);
    }
    void change_one(message& one, const message& other, std::vector<entry>& entries) {
        switch (below(12)) {
        case 0: one.kind = static_cast<message_kind>(below(18)); break;
        case 1: one.reject = other.reject; break;
        case 2: one.transfer = other.transfer; break;
        case 3: one.from = other.from; break;
        case 4: one.term = other.term; break;
        case 5: one.log_term = other.log_term; break;
        case 6: one.index = other.index; break;
        case 7: one.commit = other.commit; break;
        case 8: one.reject_hint = other.reject_hint; break;
        case 9: one.context = other.context; break;
        case 10: one.snap = other.snap; break;
        default: entries = entries_near(one); break;
        }
    }

    std::function<std::uint64_t()> random_;
};

/// Effects: lets whatever `m` wants done happen, a part of it now and then only.
inline void work_some(member& m, std::uint64_t dice) {
    if (dice % 3 != 0) {
        m.take();
    }
    if (dice % 5 != 0) {
        m.settle();
    }
}

} // namespace quorate::test

#endif
