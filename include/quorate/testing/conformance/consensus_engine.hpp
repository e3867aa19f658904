// Conformance of a consensus_engine: a small group, driven at random.
// Flow:       none
// In / Out:   an engine type, a group size, a seed → a report
// Invariants: what the contract promises to a node: order, durability, agreement, determinism
// Source:     doc/concept/consensus_engine.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_CONSENSUS_ENGINE_HPP
#define QUORATE_TESTING_CONFORMANCE_CONSENSUS_ENGINE_HPP

#include <quorate/consensus/engine.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

/// One run of a group whose members lose, delay and reorder messages, complete their writes late,
/// crash and come back with what was durable. Drives the engine as a node does, through the
/// concept alone. A model that knows no peers is run with one member.
template <consensus_engine Engine>
class consensus_engine_suite {
public:
    consensus_engine_suite(std::size_t members, std::uint64_t seed) : random_(seed) {
        id_set voters;
        for (std::uint64_t id = 1; id <= members; ++id) {
            voters.insert(node_id(id));
        }
        const engine_state first = bootstrap(voters);
        group_.resize(members);
        for (member& m : group_) {
            m.durable = {.hard = first.hard, .base = first.base, .entries = {}};
            restart(m);
        }
    }

    [[nodiscard]] conformance_report run(int steps) {
        for (int step = 0; step < steps && report_.failures().empty(); ++step) {
            take_step();
        }
        check_progress();
        check_same_effects();
        return std::move(report_);
    }

private:
    /// What a batch still has to do once its write is durable.
    struct write {
        std::optional<hard_state> hard;
        std::vector<entry> append;
        std::vector<message> after_sync;
        std::optional<stable_mark> stable;
    };
    struct durable_state {
        hard_state hard{};
        snapshot_ptr base{};
        std::vector<entry> entries{};
    };
    struct member {
        std::unique_ptr<Engine> engine;
        durable_state durable;
        std::deque<write> writes; // begun, not durable
        log_index applied{};
        term_id term{};
    };

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    [[nodiscard]] node_id id_of(const member& m) const {
        return node_id(static_cast<std::uint64_t>(&m - group_.data()) + 1);
    }
    member& any() { return group_[below(group_.size())]; }
    bool expect(bool held, const char* what) { return report_.expect(held, what); }

    void take_step() {
        member& m = any();
        const std::uint64_t dice = below(100);
        if (dice < 25) {
            m.engine->tick(static_cast<std::uint32_t>(random_()));
        } else if (dice < 40) {
            propose(m);
        } else if (dice < 70) {
            deliver();
        } else if (dice < 90) {
            finish_write(m);
        } else if (dice < 92) {
            static_cast<void>(m.engine->read_index(below(1000)));
        } else if (dice < 93) {
            restart(m); // a crash: what is not durable is lost
        } else {
            deliver_all_of(m);
        }
        execute(m);
    }

    void restart(member& m) {
        engine_state state;
        state.hard = m.durable.hard;
        state.base = m.durable.base;
        state.entries = m.durable.entries;
        state.hard.commit = std::min(state.hard.commit, last_of(m.durable));
        state.applied = state.base->last.index;
        expect(!check(state), "what was made durable is a state to start from");
        raft_options options;
        options.id = id_of(m);
        m.applied = state.applied;
        m.term = state.hard.term; // it may have forgotten one that was not durable
        m.writes.clear();
        m.engine = std::make_unique<Engine>(options, std::move(state),
                                            static_cast<std::uint32_t>(random_()));
        execute(m);
    }
    void propose(member& m) {
        const std::string text = "command " + std::to_string(++proposals_);
        proposed proposal{entry_kind::normal, 0, shared_bytes::copy_of(text)};
        const error_code refused = m.engine->propose({&proposal, 1}, proposals_);
        if (refused) {
            expect(!proposal.payload.empty(), "a refused proposal keeps its payload");
        }
    }

    void deliver() {
        if (in_flight_.empty()) {
            return;
        }
        const std::size_t place = below(in_flight_.size());
        const owned_message m = in_flight_[place];
        if (below(10) != 0) { // else it is duplicated
            in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(place));
        }
        if (below(10) != 0) { // else it is lost
            hand_over(m);
        }
    }
    void deliver_all_of(member& m) {
        std::deque<owned_message> kept;
        std::deque<owned_message> due;
        for (owned_message& one : in_flight_) {
            (one->to == id_of(m) ? due : kept).push_back(std::move(one));
        }
        in_flight_ = std::move(kept);
        for (const owned_message& one : due) {
            hand_over(one);
        }
    }
    void hand_over(const owned_message& m) {
        member& to = group_[m->to.value() - 1];
        static_cast<void>(to.engine->step(m.get()));
        execute(to);
    }

    // As a node: everything of a batch that the engine's next call would end is used first.
    void execute(member& m) {
        while (m.engine->has_effects()) {
            effects& batch = m.engine->take_effects();
            for (const message& one : batch.send_now) {
                expect(one.to != id_of(m), "a message that leaves at once is for somebody else");
                in_flight_.emplace_back(one);
            }
            check_batch(m, batch);
            write staged{batch.hard,
                         {batch.append.begin(), batch.append.end()},
                         batch.send_after_sync,
                         batch.stable};
            const std::vector<entry> apply(batch.apply.begin(), batch.apply.end());
            const std::optional<applied_mark> mark = batch.applied;
            m.writes.push_back(std::move(staged));
            apply_all(m, apply);
            if (mark.has_value()) {
                m.engine->on_applied(*mark);
            }
        }
        while (in_flight_.size() > in_flight_max) {
            in_flight_.pop_front();
        }
    }

    void check_batch(member& m, const effects& batch) {
        if (batch.hard.has_value()) {
            expect(batch.hard->term >= m.term, "terms never decrease");
            expect(batch.must_sync || batch.hard->term == m.term, "a new term is synced");
            m.term = batch.hard->term;
        }
        expect(batch.append.empty() || batch.must_sync, "entries are synced");
        expect(batch.apply.empty() || batch.applied.has_value(), "what is applied has a mark");
        log_index next = m.applied.next();
        for (const entry& e : batch.apply) {
            expect(e.index == next, "entries are applied in order, each once");
            next = e.index.next();
        }
    }

    void apply_all(member& m, const std::vector<entry>& entries) {
        for (const entry& e : entries) {
            expect(e.index <= last_of(m.durable), "only what is durable here is applied");
            const auto [known, fresh] = agreed_.emplace(e.index, e);
            expect(fresh || known->second == e, "all members apply the same entries");
            m.applied = e.index;
        }
    }

    [[nodiscard]] static log_index last_of(const durable_state& d) {
        return d.base->last.index + d.entries.size();
    }

    void finish_write(member& m) {
        if (m.writes.empty()) {
            return;
        }
        const write done = std::move(m.writes.front());
        m.writes.pop_front();
        if (done.hard.has_value()) {
            m.durable.hard = *done.hard;
        }
        if (!done.append.empty()) {
            const std::uint64_t keep = done.append.front().index - m.durable.base->last.index - 1;
            expect(keep <= m.durable.entries.size(), "entries are handed out without gaps");
            m.durable.entries.resize(std::min<std::size_t>(keep, m.durable.entries.size()));
            m.durable.entries.insert(m.durable.entries.end(), done.append.begin(),
                                     done.append.end());
        }
        for (const message& one : done.after_sync) {
            if (one.to == id_of(m)) {
                static_cast<void>(m.engine->step(one));
            } else {
                in_flight_.emplace_back(one);
            }
        }
        if (done.stable.has_value()) {
            m.engine->on_stable(*done.stable);
        }
        execute(m);
    }

    // Nothing is lost any more: the group must come to apply what is proposed.
    void check_progress() {
        const std::size_t before = agreed_.size();
        for (int round = 0; round < 2000; ++round) {
            for (member& m : group_) {
                m.engine->tick(static_cast<std::uint32_t>(random_()));
                if (round % 50 == 0) {
                    propose(m);
                }
                execute(m);
                while (!m.writes.empty()) {
                    finish_write(m);
                }
                deliver_all_of(m);
            }
        }
        expect(agreed_.size() >= before + 10, "a group that can communicate applies proposals");
        for (const member& m : group_) {
            expect(m.applied == group_.front().applied, "members come to the same state");
        }
    }

    // The same calls in the same order give the same effects.
    void check_same_effects() {
        raft_options options;
        options.id = node_id(1);
        const auto make = [&] {
            engine_state state;
            state.hard = {term_id(1), node_id{}, log_index(1)};
            state.base = group_.front().durable.base;
            state.applied = state.base->last.index;
            return Engine(options, std::move(state), 5);
        };
        Engine one = make();
        Engine other = make();
        for (std::uint32_t step = 0; step < 100; ++step) {
            one.tick(step * 7);
            other.tick(step * 7);
            expect(one.has_effects() == other.has_effects(), "effects come at the same time");
            const effects& a = one.take_effects();
            const effects& b = other.take_effects();
            const bool same =
                a.soft == b.soft && a.hard == b.hard && a.must_sync == b.must_sync &&
                a.reads == b.reads &&
                std::equal(a.append.begin(), a.append.end(), b.append.begin(), b.append.end()) &&
                a.send_now.size() == b.send_now.size() &&
                a.send_after_sync.size() == b.send_after_sync.size();
            expect(same, "the same events give the same effects");
        }
    }

    static constexpr std::size_t in_flight_max = 2000;

    std::mt19937_64 random_;
    std::vector<member> group_;
    std::deque<owned_message> in_flight_;
    std::map<log_index, entry> agreed_; // what anybody applied
    std::uint64_t proposals_ = 0;
    conformance_report report_;
};

} // namespace quorate::testing

#endif
