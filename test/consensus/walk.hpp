// A seeded random walk over a group: everything that may go wrong does, and safety holds at each
// step; afterwards everything is repaired, and the group must go on.
#ifndef QUORATE_TEST_CONSENSUS_WALK_HPP
#define QUORATE_TEST_CONSENSUS_WALK_HPP

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "group.hpp"

namespace quorate::test {

class walk {
public:
    /// `with_leases`: the walk is one with leases; else the seed decides.
    explicit walk(std::uint64_t seed, bool with_leases = false)
        : random_(seed),
          style_(with_leases ? (random_() | lease_styles) & ~(std::uint64_t{1} << 1) : random_()),
          group_(
              size, style(17) ? voters({1, 2}) : voters({1, 2, 3}),
              [this](std::uint64_t id) { return options(id); }, log_id{term_id(1), log_index(1)}) {
        if (leases()) {
            group_.clock = [this](node_id id) { return local_time(id.value()); };
            for (std::uint64_t id = 1; id <= size; ++id) {
                clocks_[id - 1].rate = 95 + below(11);
                clocks_[id - 1].next_tick = local_time(id) + below(tick_units);
            }
        }
    }

    void run(unsigned steps) {
        for (unsigned i = 0; i < steps; ++i) {
            step();
            if (i % 64 == 0) {
                group_.check_logs();
                check_fates();
            }
        }
        check_fates();
    }
    /// Effects: repairs everything. Throws violation where the group does not get going again.
    void recover() {
        group_.heal();
        for (std::uint64_t id = 1; id <= size; ++id) {
            if (group_[id].up()) {
                group_.at(id, [](member& m) { m.run([](raft& r) { r.set_writable(true); }); });
            }
        }
        // A member that was removed and holds more than the others refuses them its vote, and
        // leads nobody. With a fenced one beside it, two of three are out of reach.
        bool may_stall = false;
        for (std::uint64_t id = 1; id <= size; ++id) {
            may_stall = may_stall || (group_[id].fenced() && changes_done_ > 0);
            if (!group_[id].up()) {
                group_.restart(id, jitter());
            }
        }
        std::uint64_t last_read = 0;
        for (unsigned round = 0; round < 600; ++round) {
            time_ += tick_units;
            for (std::uint64_t id = 1; id <= size; ++id) {
                group_.tick(id, jitter());
            }
            group_.settle();
            collect_reads();
            const std::uint64_t leader = group_.leader();
            if (leader == 0) {
                continue;
            }
            if (!group_[leader].engine().members().is_voter(node_id(leader))) {
                group_.crash(leader, 0); // removed, and told not to step down by itself
                group_.restart(leader, jitter());
                continue;
            }
            if (round % 20 == 10 && !propose(leader)) {
                last_read = read(leader);
                group_.settle();
                collect_reads();
            }
            if (last_read != 0 && !floors_.contains(last_read) && caught_up(leader)) {
                return;
            }
        }
        if (may_stall) {
            return;
        }
        throw violation("after repairs a leader is elected, and commits, and answers reads");
    }
    [[nodiscard]] log_index decided() const noexcept { return group_.decided(); }
    [[nodiscard]] std::uint64_t reads_done() const noexcept { return reads_done_; }
    [[nodiscard]] std::uint64_t changes_done() const noexcept { return changes_done_; }
    [[nodiscard]] std::uint64_t damages() const noexcept { return damages_; }
    /// Returns: reads that were confirmed by a lease, without a round.
    [[nodiscard]] std::uint64_t lease_reads() const noexcept { return lease_reads_; }
    [[nodiscard]] std::uint64_t restored() const noexcept { return restored_; }
    [[nodiscard]] std::uint64_t fingerprint() {
        digest all;
        for (std::uint64_t id = 1; id <= size; ++id) {
            all.add(group_[id].trace.value());
        }
        return all.value();
    }

private:
    static constexpr std::uint64_t size = 5;
    static constexpr std::uint64_t tick_units = 10;
    static constexpr std::uint64_t unstable_max = 600;
    static constexpr std::uint64_t lease_styles = std::uint64_t{1} << 12;

    /// A member's clock: its rate, and when the member runs next.
    struct clock_model {
        std::uint64_t rate = 100; // percent
        std::uint64_t next_tick = 0;
        std::uint64_t wakes = 0; // in the walk's own time; until then the member is paused
    };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    std::uint32_t jitter() { return static_cast<std::uint32_t>(random_()); }
    std::uint64_t anybody() { return 1 + below(size); }

    // The bits of the style switch options, so that seeds cover their combinations.
    [[nodiscard]] bool style(unsigned bit) const { return ((style_ >> bit) & 1) != 0; }
    [[nodiscard]] raft_options options(std::uint64_t id) const {
        raft_options o;
        o.id = node_id(id);
        o.election_ticks = 6;
        o.pre_vote = !style(0);
        o.check_quorum = !style(1);
        o.coalesce_appends = !style(2);
        o.step_down_on_removal = !style(3);
        o.append_bytes_max = style(4) ? 40 : 1 << 20;
        o.inflight_messages_max = style(5) ? 2 : 256;
        o.apply_bytes_max = style(6) ? 20 : 0;
        o.forward_proposals = !style(7);
        o.uncommitted_bytes_max = style(8) ? 64 : 0;
        o.async_storage = !style(9);
        o.tick_units = tick_units;
        o.reads = leases() ? read_mode::lease_based : read_mode::safe;
        if (hangs()) {
            o.append_bytes_max = 40;
            o.unstable_bytes_max = unstable_max;
        }
        // Members need not agree on the timeout.
        o.election_ticks += leases() && style(13) ? static_cast<std::uint32_t>(id) : 0;
        return o;
    }

    // Without leases ticks come in any order. A lease needs clocks of about the same rate.
    [[nodiscard]] bool leases() const { return style(12) && !style(1); }
    [[nodiscard]] std::uint64_t local_time(std::uint64_t id) const {
        return 1 + 1000 * id + time_ * clocks_[id - 1].rate / 100;
    }
    [[nodiscard]] bool paused(std::uint64_t id) const { return time_ < clocks_[id - 1].wakes; }
    void pass_time() {
        time_ += 1 + below(3);
        for (std::uint64_t id = 1; id <= size; ++id) {
            clock_model& clock = clocks_[id - 1];
            if (!group_[id].up() || paused(id)) {
                continue;
            }
            if (group_[id].role() == role_kind::leader && one_in(4)) {
                read_by_lease(id); // perhaps the first event after a pause
                static_cast<void>(propose(id));
            }
            if (time_ < heals_at_ && one_in(4)) {
                group_.at(id, [](member& m) { static_cast<void>(m.campaign()); });
            }
            if (local_time(id) >= clock.next_tick) {
                group_.tick(id, jitter());
                clock.next_tick = local_time(id) + tick_units;
            }
            if (one_in(150)) {
                clock.wakes = time_ + below(30 * tick_units);
            }
        }
    }
    // Cuts the leader off from members that owe it nothing, or forgot that they do.
    void tempt() {
        const std::uint64_t leader = group_.leader();
        if (leader == 0 || paused(leader)) {
            return;
        }
        if (one_in(2)) {
            group_.isolate(anybody()); // its promise will be over when the leader is cut off
            return;
        }
        group_.heal();
        if (one_in(3)) {
            hand_over(leader);
        }
        group_.isolate(leader);
        heals_at_ = time_ + below(30 * tick_units);
        for (std::uint64_t id = 1; id <= size; ++id) {
            if (id != leader && group_[id].up() && one_in(3)) {
                group_.crash(id, 4);
                group_.restart(id, jitter());
            }
        }
    }
    // Effects: the target learns of the transfer, and the leader of nothing that follows.
    void hand_over(std::uint64_t leader) {
        group_.at(leader, [this](member& m) {
            static_cast<void>(m.transfer_to(anybody()));
            m.take();
        });
        std::vector<owned_message>& all = group_.network();
        for (std::size_t i = all.size(); i-- > 0;) {
            if (all[i]->kind == message_kind::timeout_now && !paused(all[i]->to.value())) {
                static_cast<void>(group_.deliver(i));
                return;
            }
        }
    }
    void read_by_lease(std::uint64_t id) {
        const std::uint64_t before = reads_done_;
        static_cast<void>(read(id));
        group_.at(id, [](member& m) { m.take(); });
        collect_reads();
        lease_reads_ += reads_done_ - before;
    }

    void step() {
        const std::uint64_t dice = below(1000);
        if (leases() && one_in(300)) {
            tempt();
        }
        if (dice < 400) {
            network();
        } else if (dice < 700) {
            storage(anybody());
        } else if (dice < 850 && leases()) {
            pass_time();
        } else if (dice < 850) {
            const std::uint64_t id = anybody();
            if (group_[id].up()) {
                group_.tick(id, jitter());
            }
        } else {
            rare(dice - 850);
        }
        if (style(15) && one_in(16)) {
            rough();
        }
        if (hangs()) {
            hang();
        }
        collect_reads();
    }
    // Disks that take writes late, or not for long; a member may or may not notice.
    [[nodiscard]] bool hangs() const { return style(14); }
    void hang() {
        ++steps_;
        for (std::uint64_t id = 1; id <= size; ++id) {
            std::uint64_t& until = hangs_until_[id - 1];
            if (until == 0 && one_in(1000)) {
                until = steps_ + below(600);
            }
            if (!group_[id].up()) {
                continue;
            }
            if (until != 0 && (steps_ >= until || one_in(100))) {
                until = steps_ >= until ? 0 : until;
                const bool works = until == 0;
                group_.at(
                    id, [works](member& m) { m.run([works](raft& r) { r.set_writable(works); }); });
            }
            if (until != 0 && one_in(3)) {
                static_cast<void>(propose(id));
            }
            check_unstable(group_[id]);
        }
    }
    // R21: entries that are not durable are bounded in bytes. One append of some entries is taken
    // in any case, and each leadership begins with an entry.
    static void check_unstable(const member& m) {
        const raft_log& log = m.engine().log();
        const std::uint64_t bytes =
            held_size(log.range(log.stable().next(), log.last() - log.stable()));
        if (bytes > unstable_max + 10 * sizeof(entry)) {
            throw violation("R21: entries that wait for the disk are bounded in bytes (member " +
                            std::to_string(m.id().value()) + ")");
        }
        if (bytes != log.unstable_bytes()) {
            throw violation("R21: bytes that wait for the disk are counted right");
        }
    }
    // Members change as fast as a leader takes it, disks hang, and crashes come while they write.
    void rough() {
        if (const std::uint64_t leader = group_.leader(); leader != 0) {
            change(leader);
        }
        const std::uint64_t id = anybody();
        if (group_[id].up() && group_[id].writes_waiting() > 0 && one_in(2)) {
            crash(id);
            group_.restart(id, jitter());
        }
        hung_ = style(16) && one_in(2) ? anybody() : 0;
    }
    void rare(std::uint64_t dice) {
        const std::uint64_t id = anybody();
        if (!group_[id].up()) {
            if (one_in(3)) {
                group_.restart(id, jitter());
            }
            return;
        }
        if (paused(id)) {
            return;
        }
        if (dice < 70) {
            static_cast<void>(propose(id));
        } else if (dice < 90) {
            static_cast<void>(read(id));
        } else if (dice < 108) {
            change(id);
        } else if (dice < 120) {
            group_.at(id, [](member& m) { m.make_snapshot(2); });
        } else if (dice < 126) {
            group_.at(id, [this](member& m) { static_cast<void>(m.transfer_to(anybody())); });
        } else if (dice < 130) {
            crash(id);
            if (style(10)) {
                damage(id);
            } else if (style(15)) {
                restore_copy(id);
            }
        } else if (dice < 133) {
            if (one_in(2)) {
                group_.set_side(id, static_cast<int>(below(3)));
            } else {
                group_.block(id, anybody());
            }
        } else if (dice < 142) {
            if (time_ >= heals_at_) {
                group_.heal();
            }
        } else if (dice < 145) {
            group_.at(id, [](member& m) { static_cast<void>(m.campaign()); });
        } else if (dice < 147) {
            group_.at(id, [](member& m) {
                m.run([](raft& r) { static_cast<void>(r.forget_leader()); });
            });
        } else if (!group_.network().empty()) {
            group_.drop(below(group_.network().size()));
        }
    }
    void crash(std::uint64_t id) {
        const std::size_t kept = one_in(2) ? 0 : below(4);
        const torn_group torn{below(6), below(8), one_in(2)};
        group_.crash(id, kept, torn);
    }
    // One disk at a time: what two of three have lost is lost.
    void damage(std::uint64_t id) {
        if (any_fenced()) {
            return;
        }
        const disk& found = group_[id].durable();
        const bool replaced = !found.former.empty() && one_in(2);
        group_.damage(id, below(1 + (replaced ? found.former : found.entries).size()), replaced);
        damages_ += group_[id].fenced() ? 1U : 0U;
    }
    // One member at a time: with two of three restored, a quorum may have forgotten anything.
    void restore_copy(std::uint64_t id) {
        if (one_in(2)) {
            group_[id].save_copy();
            return;
        }
        if (!any_fenced()) {
            group_.restore_copy(id);
            ++restored_;
        }
    }
    [[nodiscard]] bool any_fenced() {
        for (std::uint64_t id = 1; id <= size; ++id) {
            if (group_[id].fenced()) {
                return true;
            }
        }
        return false;
    }
    void network() {
        std::vector<owned_message>& all = group_.network();
        if (all.empty()) {
            return;
        }
        while (all.size() > 100) {
            group_.drop(below(all.size()));
        }
        const std::size_t place =
            below(style(18) || one_in(4) ? all.size() : std::min<std::size_t>(3, all.size()));
        const std::uint64_t to = all[place]->to.value();
        if (to >= 1 && to <= size && paused(to)) {
            return;
        }
        if (one_in(20)) {
            group_.drop(place, one_in(2));
        } else {
            static_cast<void>(group_.deliver(place, one_in(style(18) ? 2 : 25)));
        }
    }
    void storage(std::uint64_t id) {
        if (!group_[id].up() || paused(id)) {
            return;
        }
        if (hangs_until_[id - 1] != 0) {
            group_.at(id, [](member& m) { m.take(); });
            return;
        }
        group_.at(id, [this](member& m) {
            if (!m.options().async_storage) {
                m.settle(); // its batches are written and applied in one piece
                return;
            }
            if (!one_in(4)) {
                m.take();
            }
            while (m.writes_waiting() > 0 && m.id().value() != hung_ && !one_in(3)) {
                m.write_one();
            }
            while (m.applies_waiting() > 0 && !one_in(3)) {
                m.apply_one();
            }
        });
    }
    error_code propose(std::uint64_t id) {
        const std::string payload = "p" + std::to_string(++proposed_);
        const error_code refused = group_.propose(id, payload, proposed_);
        if (refused) {
            refused_.insert(payload);
        }
        return refused;
    }
    // R22: what was proposed once is committed once at most, and never after it was refused.
    void check_fates() {
        for (; checked_ < group_.decisions().size(); ++checked_) {
            const entry& e = group_.decisions()[checked_];
            if (e.kind == entry_kind::normal && !e.payload.empty() &&
                !committed_.emplace(e.payload.view()).second) {
                throw violation("R22: a proposal is committed at most once");
            }
        }
        for (const std::string& payload : refused_) {
            if (committed_.contains(payload)) {
                throw violation("R22: a proposal that was refused is not committed");
            }
        }
    }
    std::uint64_t read(std::uint64_t id) {
        const std::uint64_t context = ++read_contexts_;
        const log_index floor = group_.decided();
        if (group_.at(id, [context](member& m) { return m.read_index(context); })) {
            return 0;
        }
        floors_.emplace(context, floor);
        return context;
    }
    // R20: a read sees everything that was committed before it began.
    void collect_reads() {
        for (std::uint64_t id = 1; id <= size; ++id) {
            for (const read_state& done : group_[id].reads) {
                const auto asked = floors_.find(done.context);
                if (asked == floors_.end()) {
                    continue; // answered twice, because a request was duplicated
                }
                if (done.index < asked->second) {
                    throw violation("R20: a read is confirmed at what was committed before it");
                }
                floors_.erase(asked);
                ++reads_done_;
            }
            for (const refusal& one : group_[id].refusals) {
                if (one.kind == refusal::what::proposal && one.context != 0) {
                    refused_.insert("p" + std::to_string(one.context));
                }
            }
            group_[id].reads.clear();
            group_[id].refusals.clear();
        }
    }
    // Three voters at least: of two, the one that is left can wait for a removed one for ever.
    void change(std::uint64_t id) {
        if ((style(10) || style(15)) && style(11)) {
            return; // damaged or restored disks alone
        }
        const member& m = group_[id];
        membership_change wanted;
        if (m.engine().members().joint() && one_in(2)) {
            wanted = {};
        } else {
            const std::uint64_t count = 1 + below(3);
            for (std::uint64_t i = 0; i < count; ++i) {
                constexpr change_kind kinds[] = {change_kind::add_voter, change_kind::remove,
                                                 change_kind::add_learner, change_kind::add_voter};
                wanted.changes.push_back({kinds[below(4)], node_id(anybody())});
            }
            wanted.transition = static_cast<change_transition>(below(3));
            const auto next = apply(m.engine().members(), wanted);
            const bool leaves_two = next && next->joint() && next->outgoing.size() < 3;
            if (!next || next->voters.size() < 3 || leaves_two) {
                return;
            }
        }
        const auto outcome =
            group_.at(id, [&wanted](member& to) { return to.propose_change(wanted); });
        changes_done_ += outcome ? 0U : 1U;
    }
    bool caught_up(std::uint64_t leader) {
        for (node_id id : group_[leader].engine().members().all()) {
            const member& m = group_[id.value()];
            if (m.status().applied != group_.decided() || m.fenced()) {
                return false;
            }
        }
        return group_[leader].last() == group_.decided();
    }

    std::mt19937_64 random_;
    std::uint64_t style_;
    group group_;
    std::array<clock_model, size> clocks_{};
    std::uint64_t time_ = 0;
    std::uint64_t heals_at_ = 0;
    std::array<std::uint64_t, size> hangs_until_{}; // in steps; zero: the disk works
    std::uint64_t steps_ = 0;
    std::map<std::uint64_t, log_index> floors_; // of reads not answered yet
    std::uint64_t proposed_ = 0;
    std::size_t checked_ = 0;
    std::set<std::string> committed_;
    std::set<std::string> refused_;
    std::uint64_t read_contexts_ = 0;
    std::uint64_t reads_done_ = 0;
    std::uint64_t changes_done_ = 0;
    std::uint64_t damages_ = 0;
    std::uint64_t lease_reads_ = 0;
    std::uint64_t restored_ = 0;
    std::uint64_t hung_ = 0; // whose disk hangs; none when zero
};

} // namespace quorate::test

#endif
