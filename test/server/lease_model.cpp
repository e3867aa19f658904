// Leases in a group whose leaders change, pause and do not hear of it: no lease ends before what
// was promised of it, each ends in time, and its keys go with it.
#include <quorate/server/lessor.hpp>
#include <quorate/store/kv_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(lease_model)

using namespace quorate;
using namespace std::chrono_literals;

namespace {

using duration = std::chrono::milliseconds;

/// What happened, so that a run in which nothing did is noticed.
struct tally {
    int ended = 0;
    int ended_with_keys = 0;
    int refused = 0; ///< Revokes of leaders that another one has followed.
    int noted = 0;
    int resets = 0; ///< Renewals that waited for one.
    int renewed = 0;
};

/// One log, as the group agrees on it, and three members that each believe what they believe.
class world {
public:
    world(std::uint64_t seed, tally& seen) : random_(seed), seen_(seen) { elect(); }

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            now_ += duration(50 + below(500));
            disturb();
            clients();
            for (std::size_t i = 0; i < members_.size(); ++i) {
                work(i);
            }
            deliver();
        }
    }
    /// All is well again, and nobody renews: every lease ends.
    void settle() {
        for (member& one : members_) {
            wake(one);
        }
        for (int step = 0; step < 200; ++step) {
            now_ += 500ms;
            work(leader_);
            deliver();
        }
        BOOST_TEST(machine_.store().leases().size() == 0u);
        BOOST_TEST(machine_.store().leases().tied() == 0u);
        BOOST_TEST(members_[leader_].clock.size() == 0u);
        const reply rest = machine_.range({.key = "k", .range_end = "l"});
        for (const key_value& kv : std::get<range_reply>(rest.body).kvs) {
            BOOST_TEST(!kv.lease);
        }
    }

private:
    struct member {
        lessor clock{{.revokes_max = 5, .retry = 3000ms, .checkpoint_interval = 6000ms}};
        duration offset{}; ///< Clocks of members have nothing to do with each other.
        std::uint64_t term = 0;
        bool leads = false;  ///< As it believes.
        bool paused = false; ///< Does nothing.
        bool cut = false;    ///< Hears nothing.
        std::vector<reply> unheard{};
        duration sent{}; ///< When its last proposal arrives: they stay in order.
    };
    struct proposal {
        duration arrives;
        request asked;
        duration renewed_at{}; ///< Of a reset: what is promised once it is applied.
    };

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    bool one_in(std::uint64_t bound) { return below(bound) == 0; }
    [[nodiscard]] lessor::time_point time_of(const member& who) const {
        return lessor::time_point(now_ + who.offset);
    }

    // ---- members ----

    void elect() {
        std::vector<std::size_t> able;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            if (!members_[i].paused && !members_[i].cut) {
                able.push_back(i);
            }
        }
        if (able.size() < 2) {
            return;
        }
        if (members_[leader_].leads && !members_[leader_].paused) {
            members_[leader_].cut = true; // Why else would there be an election?
            std::erase(able, leader_);
        }
        leader_ = able[below(able.size())];
        member& who = members_[leader_];
        who.term = ++term_;
        who.leads = true;
        who.offset = duration(below(1000000));
        who.clock.promote(time_of(who), 1000ms, term_, machine_.store().leases());
    }
    void disturb() {
        member& any = members_[below(members_.size())];
        if (one_in(40)) {
            any.paused = true;
        } else if (one_in(40)) {
            any.cut = true;
        } else if (one_in(8)) {
            wake(any);
        }
        const bool lost = members_[leader_].paused || members_[leader_].cut;
        if (one_in(lost ? 8 : 100)) {
            elect();
        }
    }
    /// What it was about to do may come before what it has to hear.
    void wake(member& who) {
        who.paused = false;
        if (one_in(2)) {
            work(static_cast<std::size_t>(&who - members_.data()));
        }
        who.cut = false;
        for (const reply& missed : who.unheard) {
            who.clock.applied(missed, time_of(who));
        }
        who.unheard.clear();
        if (who.leads && who.term != term_) {
            who.leads = false;
            who.clock.demote();
        }
    }
    void work(std::size_t at) {
        member& who = members_[at];
        if (who.paused) {
            return;
        }
        const lessor::work due = who.clock.due(time_of(who));
        if (due.takeover) {
            propose(who, *due.takeover);
        }
        for (const lease_revoke& one : due.revokes) {
            propose(who, one);
        }
        if (due.checkpoint) {
            propose(who, *due.checkpoint);
        }
    }

    // ---- clients ----

    /// Nothing is committed without the leader.
    [[nodiscard]] bool working() const {
        return !members_[leader_].paused && !members_[leader_].cut;
    }
    void clients() {
        if (!working()) {
            return;
        }
        const lease_id id(1 + below(8));
        if (one_in(3)) {
            const std::int64_t ttl = static_cast<std::int64_t>(below(30));
            commit({now_, lessor::settle(id, ttl, 2000ms, 0)});
        }
        if (one_in(3)) {
            const std::string key = "k" + std::to_string(below(20));
            commit({now_, put{.key = key, .value = "v", .lease = one_in(4) ? lease_id() : id}});
        }
        if (one_in(60)) {
            promised_.erase(id);
            commit({now_, lease_revoke{id}});
        }
        for (int i = 0; i < 2; ++i) {
            renew(members_[below(members_.size())], lease_id(1 + below(8)));
        }
    }
    void renew(member& who, lease_id id) {
        if (who.paused) {
            return;
        }
        const auto done = who.clock.renew(id, time_of(who));
        if (!done) {
            return;
        }
        if (done->reset) {
            propose(who, *done->reset, now_);
        } else if (who.term == term_) { // The confirmation that it leads.
            ++seen_.renewed;
            promise(id, now_ + std::chrono::seconds(done->ttl));
        }
    }
    void promise(lease_id id, duration until) { promised_[id] = std::max(promised_[id], until); }

    // ---- the log ----

    /// A proposal may get lost, or reach the leader late, also one by who led before; those of one
    /// member stay in order.
    void propose(member& who, request asked, duration renewed_at = {}) {
        if (one_in(6)) {
            const auto* noting = std::get_if<lease_checkpoint>(&asked);
            if (noting != nullptr && renewed_at == duration{} && one_in(2)) {
                who.clock.lost(*noting, time_of(who)); // It hears of it, or does not.
            }
            return;
        }
        if (working() && who.term == term_ && who.sent < now_) {
            deliver(); // What it sent before.
            commit({now_, std::move(asked), renewed_at});
            return;
        }
        who.sent = std::max(who.sent, now_ + duration(one_in(5) ? below(20000) : below(500)));
        on_way_.push_back({who.sent, std::move(asked), renewed_at});
    }
    void deliver() {
        if (!working()) {
            return;
        }
        const auto arrived = [this](const proposal& one) { return one.arrives <= now_; };
        std::deque<proposal> still;
        std::deque<proposal> due;
        for (proposal& one : on_way_) {
            (arrived(one) ? due : still).push_back(std::move(one));
        }
        on_way_ = std::move(still);
        for (const proposal& one : due) {
            commit(one);
        }
    }
    void commit(const proposal& one) {
        const std::uint64_t before = machine_.store().current_revision();
        const auto* revoke = std::get_if<lease_revoke>(&one.asked);
        const std::size_t keys =
            revoke == nullptr ? 0 : machine_.store().keys_of(revoke->id).size();
        const shared_bytes command = kv_machine<>::encode(one.asked).freeze();
        const reply done = machine_.apply(++index_, command.slice(command_header_bytes));
        if (revoke != nullptr) {
            check_end(*revoke, done, before, keys);
        }
        note(one, done);
        for (member& who : members_) {
            if (who.paused || who.cut) {
                who.unheard.push_back(done);
            } else {
                who.clock.applied(done, time_of(who));
            }
        }
    }
    void check_end(const lease_revoke& asked, const reply& done, std::uint64_t before,
                   std::size_t keys) {
        const auto* ended = std::get_if<lease_revoke_reply>(&done.body);
        if (ended == nullptr) {
            seen_.refused += done.error() == errc::lease_epoch_over ? 1 : 0;
            return;
        }
        BOOST_TEST(ended->deleted == keys);
        BOOST_TEST(done.header.revision == before + (keys == 0 ? 0 : 1));
        if (asked.epoch != 0) {
            ++seen_.ended;
            seen_.ended_with_keys += keys == 0 ? 0 : 1;
            BOOST_TEST((now_ >= promised_[asked.id]),
                       "lease " << asked.id << " ended " << (promised_[asked.id] - now_).count()
                                << " ms early");
        }
        promised_.erase(asked.id);
    }
    void note(const proposal& one, const reply& done) {
        if (const auto* begun = std::get_if<lease_grant_reply>(&done.body)) {
            promise(begun->id, now_ + std::chrono::seconds(begun->ttl));
        } else if (const auto* left = std::get_if<lease_checkpoint_reply>(&done.body)) {
            const bool reset = one.renewed_at != duration{};
            ++(reset ? seen_.resets : seen_.noted);
            for (const lease_remaining& noted : left->leases) {
                if (reset) {
                    promise(noted.id, one.renewed_at + std::chrono::seconds(noted.seconds));
                }
            }
        }
    }

    std::mt19937_64 random_;
    tally& seen_;
    duration now_{1000};
    std::array<member, 3> members_{};
    std::size_t leader_ = 0;
    std::uint64_t term_ = 0;
    kv_machine<> machine_;
    log_index index_{};
    std::deque<proposal> on_way_;
    std::map<lease_id, duration> promised_; ///< No lease may end before this by a clock.
};

} // namespace

BOOST_AUTO_TEST_CASE(no_lease_ends_early_and_every_lease_ends) {
    tally seen;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            world w(seed, seen);
            w.run(1500);
            w.settle();
        }
    }
    BOOST_TEST(seen.ended > 500);
    BOOST_TEST(seen.ended_with_keys > 200);
    BOOST_TEST(seen.refused > 50);
    BOOST_TEST(seen.noted > 200);
    BOOST_TEST(seen.resets > 100);
    BOOST_TEST(seen.renewed > 2000);
    BOOST_TEST_MESSAGE(seen.ended << ' ' << seen.ended_with_keys << ' ' << seen.refused << ' '
                                  << seen.noted << ' ' << seen.resets << ' ' << seen.renewed);
}

BOOST_AUTO_TEST_SUITE_END()
