// Several members, the messages between them, and what must hold of all of them together.
#ifndef QUORATE_TEST_CONSENSUS_GROUP_HPP
#define QUORATE_TEST_CONSENSUS_GROUP_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace quorate::test {

/// What the group decided, as an observer outside of it would note it down.
class ledger {
public:
    explicit ledger(const snapshot& start) : start_(start.last) {
        states_.push_back(content_.value());
    }

    [[nodiscard]] log_index newest() const noexcept { return start_.index + decided_.size(); }
    [[nodiscard]] const std::vector<entry>& decided() const noexcept { return decided_; }

    /// Returns: how many entries were decided for the first time.
    std::size_t on_commit(const member& m, log_index before) {
        const raft_log& log = m.engine().log();
        std::size_t fresh = 0;
        const log_index from = std::max({before, log.base().index, start_.index});
        for (log_index i = from.next(); i <= log.committed(); ++i) {
            const entry& e = log.range(i, 1).front();
            if (i <= newest()) {
                if (decided_[i - start_.index - 1] != e) {
                    fail("R18: no two members commit different entries at one index", m);
                }
                continue;
            }
            decided_.push_back(e);
            terms_.push_back(m.term());
            content_.add(e);
            states_.push_back(content_.value());
            ++fresh;
        }
        return fresh;
    }
    void on_leader(const member& m) {
        // A member that leads a second time in one term fills the same indices with other entries.
        const std::pair<node_id, unsigned> leads(m.id(), m.starts());
        const auto [place, fresh] = leaders_.emplace(m.term().value(), leads);
        if (!fresh && place->second != leads) {
            fail("R8: at most one leader is elected in a term, and once", m);
        }
        if (!fresh) {
            return;
        }
        // A late vote may still elect a leader of an older term; what was committed in a later one
        // is no concern of it, and no quorum follows it.
        std::size_t count = decided_.size();
        while (count > 0 && terms_[count - 1] >= m.term()) {
            --count;
        }
        const raft_log& log = m.engine().log();
        const log_index last = start_.index + count;
        const bool complete =
            count == 0 || (log.last() >= last &&
                           (log.base().index >= last || log.matches(decided_[count - 1].id())));
        if (!complete) {
            fail("R17: a leader's log holds every committed entry", m);
        }
    }
    void check_machine(const member& m) const {
        const log_index last = m.state_machine().last.index;
        if (last < start_.index) {
            return;
        }
        if (last > newest() || m.state_machine().content.value() != states_[last - start_.index]) {
            fail("R18: equal positions mean equal state machines", m);
        }
    }

private:
    [[noreturn]] static void fail(const char* text, const member& m) {
        throw violation(std::string(text) + " (member " + std::to_string(m.id().value()) + ")");
    }

    log_id start_;
    digest content_;
    std::vector<entry> decided_;
    std::vector<term_id> terms_;        // in which each was committed
    std::vector<std::uint64_t> states_; // after each decided entry; the start first
    std::map<std::uint64_t, std::pair<node_id, unsigned>> leaders_; // and which of its starts
};

/// A group in one place: nothing happens but what a test asks for.
class group {
public:
    /// `make(id)` gives the options of member `id`; ids are 1 to `size`. Members outside of
    /// `members` know nothing yet.
    group(std::size_t size, const membership& members,
          const std::function<raft_options(std::uint64_t)>& make, log_id start = {})
        : start_(start_of(members, start)), ledger_(*start_) {
        for (std::uint64_t id = 1; id <= size; ++id) {
            const bool inside = members.contains(node_id(id));
            const raft_options options = make(id);
            // Timeouts differ, so that a plain tick elects the smallest id.
            members_.push_back(std::make_unique<member>(options, inside ? start_ : nullptr,
                                                        static_cast<std::uint32_t>(id - 1)));
            members_.back()->watcher = [this](const member& m, log_index before) {
                watch(m, before);
            };
        }
        side_.assign(size, 0);
    }

    group(const group&) = delete; // its members tell it of what they do
    group& operator=(const group&) = delete;

    [[nodiscard]] member& operator[](std::uint64_t id) { return *members_[id - 1]; }
    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
    [[nodiscard]] log_index decided() const noexcept { return ledger_.newest(); }
    /// Returns: all that was decided since the start, in order.
    [[nodiscard]] const std::vector<entry>& decisions() const noexcept { return ledger_.decided(); }
    [[nodiscard]] std::vector<owned_message>& network() noexcept { return network_; }
    /// Returns: who leads the newest term; zero for nobody.
    [[nodiscard]] std::uint64_t leader() const {
        std::uint64_t found = 0;
        term_id newest;
        for (const auto& m : members_) {
            if (m->up() && m->role() == role_kind::leader && m->term() > newest) {
                newest = m->term();
                found = m->id().value();
            }
        }
        return found;
    }

    /// Effects: lets an event happen at a member and checks what concerns all.
    template <class Event>
    auto at(std::uint64_t id, Event&& event) {
        member& m = (*this)[id];
        read_clock(m);
        if constexpr (std::is_void_v<decltype(event(m))>) {
            event(m);
            collect(m);
        } else {
            auto outcome = event(m);
            collect(m);
            return outcome;
        }
    }
    void tick(std::uint64_t id, std::uint32_t jitter = 0) {
        at(id, [jitter](member& m) { m.tick(jitter); });
    }
    error_code propose(std::uint64_t id, byte_view payload, std::uint64_t context = 0) {
        return at(id, [payload, context](member& m) { return m.propose(payload, context); });
    }
    void crash(std::uint64_t id, std::size_t kept = 0, const torn_group& torn = {}) {
        (*this)[id].crash(kept, torn);
    }
    void restart(std::uint64_t id, std::uint32_t jitter = 0) {
        (*this)[id].start(jitter);
        read_clock((*this)[id]);
    }
    /// Effects: the disk of a member that is down loses entries; see member::damage. Repairs of an
    /// earlier loss that were on their way never arrive: its connections were closed.
    void damage(std::uint64_t id, std::size_t kept, bool replaced) {
        (*this)[id].damage(kept, replaced);
        for (std::size_t i = network_.size(); i-- > 0;) {
            if (network_[i]->to == node_id(id) && network_[i]->lost) {
                drop(i);
            }
        }
    }
    /// Effects: the disk of a member that is down becomes an older copy of itself. Messages that
    /// the member sent before that never arrive: its connections were closed.
    void restore_copy(std::uint64_t id, bool noticed = true) {
        (*this)[id].restore_copy(noticed);
        std::erase_if(network_, [id](const owned_message& m) { return m->from == node_id(id); });
    }

    /// Effects: members on different sides do not hear each other.
    void set_side(std::uint64_t id, int side) { side_[id - 1] = side; }
    void isolate(std::uint64_t id) { set_side(id, static_cast<int>(id)); }
    /// Effects: `to` does not hear `from`; the other way stays as it is.
    void block(std::uint64_t from, std::uint64_t to) { blocked_.insert({from, to}); }
    void heal() {
        std::fill(side_.begin(), side_.end(), 0);
        blocked_.clear();
    }
    [[nodiscard]] bool hears(node_id to, node_id from) const {
        return side_[from.value() - 1] == side_[to.value() - 1] &&
               !blocked_.contains({from.value(), to.value()});
    }

    /// Effects: takes one message off the network; it arrives unless there is no way to.
    /// Returns: what the receiver said; ok when it did not arrive.
    error_code deliver(std::size_t position = 0, bool keep_copy = false) {
        const owned_message m = network_[position];
        if (!keep_copy) {
            network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(position));
        }
        const bool exists = m->to.value() >= 1 && m->to.value() <= size();
        const bool arrives = exists && hears(m->to, sender(m)) && (*this)[m->to.value()].up();
        if (!arrives) {
            report_lost(m);
            return {};
        }
        const error_code outcome = at(m->to.value(), [&m](member& to) { return to.step(m); });
        report_snapshot(m, true);
        return outcome;
    }
    /// Effects: loses a message. The transport hands a snapshot over before its member decides to
    /// take it, so its sender may be told that a snapshot was `delivered` even so.
    void drop(std::size_t position, bool delivered = false) {
        const owned_message m = network_[position];
        network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(position));
        report_snapshot(m, delivered);
    }
    /// Effects: disks, state machines and the network work until nothing moves any more.
    void settle(unsigned rounds = 1000) {
        for (bool moved = true; moved; --rounds) {
            if (rounds == 0) {
                throw violation("the group comes to rest");
            }
            moved = false;
            for (std::uint64_t id = 1; id <= size(); ++id) {
                if ((*this)[id].up()) {
                    at(id, [](member& m) { m.settle(); });
                }
            }
            for (std::size_t waiting = network_.size(); waiting > 0; --waiting) {
                moved = true;
                static_cast<void>(deliver());
            }
        }
        check_logs();
    }
    /// Effects: ticks everybody who is up, settling after each round.
    void tick_all(unsigned rounds = 1) {
        for (unsigned i = 0; i < rounds; ++i) {
            for (std::uint64_t id = 1; id <= size(); ++id) {
                if ((*this)[id].up()) {
                    tick(id, static_cast<std::uint32_t>(id - 1));
                }
            }
            settle();
        }
    }
    /// Effects: member `id` campaigns and the group settles.
    void elect(std::uint64_t id) {
        at(id, [](member& m) { static_cast<void>(m.campaign()); });
        settle();
    }

    /// R16: where two durable logs hold the same entry, they agree on everything before it.
    void check_logs() const {
        for (const auto& a : members_) {
            for (const auto& b : members_) {
                if (a->id() < b->id()) {
                    check_pair(a->durable(), b->durable());
                }
            }
        }
    }

    /// The time at a member, which learns it before each event; null: no member knows a time.
    std::function<std::uint64_t(node_id)> clock{};

private:
    void read_clock(member& m) const {
        if (clock && m.up()) {
            m.run([&](raft& r) { r.set_time(clock(m.id())); });
        }
    }
    // A transfer request names the target as its sender (see message_kind): it comes from nobody.
    static node_id sender(const owned_message& m) {
        return m->kind == message_kind::transfer_leader ? m->to : m->from;
    }
    void report_snapshot(const owned_message& m, bool delivered) {
        if (m->kind == message_kind::install_snapshot && (*this)[m->from.value()].up()) {
            at(m->from.value(), [&](member& from) {
                from.run([&](raft& r) { r.on_snapshot_sent(m->to, delivered); });
            });
        }
    }
    void report_lost(const owned_message& m) {
        report_snapshot(m, false);
        const bool known = m->from.value() >= 1 && m->from.value() <= size();
        if (m->kind == message_kind::append && known && (*this)[m->from.value()].up()) {
            at(m->from.value(),
               [&](member& from) { from.run([&](raft& r) { r.on_unreachable(m->to); }); });
        }
    }
    void watch(const member& m, log_index before) {
        if (m.commit() > before && ledger_.on_commit(m, before) > 0) {
            check_durable(m);
        }
        if (m.role() == role_kind::leader) {
            ledger_.on_leader(m);
        }
    }
    void collect(member& m) {
        ledger_.check_machine(m);
        for (owned_message& sent : m.outbox) {
            network_.push_back(std::move(sent));
        }
        m.outbox.clear();
    }
    // R19: when an entry is first known to be committed, disks of a quorum hold it.
    void check_durable(const member& m) const {
        const raft_log& log = m.engine().log();
        const log_id id{*log.term_at(log.committed()), log.committed()};
        const auto holds = [this, id](node_id peer) -> std::optional<bool> {
            if (peer.value() > members_.size()) {
                return false;
            }
            const disk& d = members_[peer.value() - 1]->durable();
            if (d.hard.lost.index >= id.index) {
                return true; // did, when it said so
            }
            return d.base_id().index > id.index || d.id_at(id.index) == id;
        };
        if (tally(m.engine().members(), holds) != vote_result::won) {
            throw violation("R19: what is committed is durable at a quorum (member " +
                            std::to_string(m.id().value()) + ")");
        }
    }
    static void check_pair(const disk& a, const disk& b) {
        log_index i = std::min(a.last_id().index, b.last_id().index);
        const log_index low = std::max(a.base_id().index, b.base_id().index);
        while (i > low && a.id_at(i) != b.id_at(i)) {
            i = i.prev();
        }
        for (; i > low; i = i.prev()) {
            const entry& x = a.entries[i - a.base_id().index - 1];
            const entry& y = b.entries[i - b.base_id().index - 1];
            if (x != y) {
                throw violation("R16: logs that agree at an index agree on everything before it");
            }
        }
    }

    snapshot_ptr start_;
    ledger ledger_;
    std::vector<std::unique_ptr<member>> members_;
    std::vector<int> side_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> blocked_; // from, to
    std::vector<owned_message> network_;
};

} // namespace quorate::test

#endif
