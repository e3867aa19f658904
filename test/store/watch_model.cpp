// Watchers of every kind against a plain filter over all that ever happened.
#include <quorate/store/kv_machine.hpp>
#include <quorate/store/watch_hub.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "generator.hpp"
#include "oracle.hpp"
#include "tested_backend.hpp"

BOOST_AUTO_TEST_SUITE(watch_model)

using namespace quorate;
using tested_machine = quorate::kv_machine<ordered_index, quorate_test::tested_backend>;
using quorate_test::generator;
using quorate_test::oracle;
using hub_type = watch_hub<tested_machine::store_type>;

namespace {

/// All events there ever were, each with what was there before its write.
class history {
public:
    void add(const oracle& truth, std::uint64_t from) {
        for (std::uint64_t write = from; write <= truth.current(); ++write) {
            const auto before = state_;
            for (const auto& [key, now] : truth.events(write)) {
                watch_event event;
                event.deleted = !now;
                event.kv = now ? *now : key_value{shared_bytes::copy_of(key), {}, 0, write, 0, {}};
                const auto known = before.find(key);
                if (known != before.end() && event.kv.version != 1) {
                    event.prev_kv = known->second;
                }
                events_.push_back(event);
                if (now) {
                    state_[key] = *now;
                } else {
                    state_.erase(key);
                }
            }
        }
    }
    /// Returns: the events of the writes [from, upto], in order.
    [[nodiscard]] std::vector<watch_event> between(std::uint64_t from, std::uint64_t upto) const {
        const auto earlier = [](const watch_event& e, std::uint64_t write) {
            return e.kv.mod_revision < write;
        };
        const auto begin = std::lower_bound(events_.begin(), events_.end(), from, earlier);
        auto end = begin;
        while (end != events_.end() && end->kv.mod_revision <= upto) {
            ++end;
        }
        return {begin, end};
    }

private:
    std::map<std::string, key_value> state_;
    std::vector<watch_event> events_;
};

/// A watch as its consumer knows it.
struct follower {
    std::string key;
    std::string range_end;
    watch_request asked{};
    std::uint64_t next = 0; ///< The first revision that it was not told of.
    std::vector<watch_event> parts{};
    bool in_parts = false;
    std::size_t told = 0;
    std::optional<std::uint64_t> revoked_at{}; ///< The last write that it may be told of.

    [[nodiscard]] bool wants(const watch_event& e) const {
        return span_of(key, range_end).contains(e.kv.key.view()) &&
               !(e.deleted ? asked.no_delete : asked.no_put);
    }
};

/// What happened in a run, so that a run in which nothing happens is not mistaken for a good one.
struct tally {
    std::size_t events = 0;
    std::size_t batches = 0;
    std::size_t parts = 0;
    std::size_t canceled = 0;
    std::size_t progress = 0;
    std::size_t stream_progress = 0;
    std::size_t restores = 0;
    std::size_t behind = 0;
    std::size_t previous = 0;
    std::size_t previous_compacted = 0;
    std::size_t collapsed = 0;
    std::size_t revoked = 0;
};

class world {
public:
    world(std::uint64_t seed, watch_limits limits, tally& counts)
        : choose_(seed), hub_(member_.store(), limits), counts_(counts) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
        }
        finish();
    }

private:
    struct consumer {
        std::map<watch_id, follower> watches{};
        bool woken = false;
        bool asked_progress = false;
    };
    using consumers = std::map<watch_stream_id, std::unique_ptr<consumer>>;

    void step() {
        const std::uint64_t dice = choose_.below(100);
        if (dice < 45) {
            write();
        } else if (dice < 50) {
            restore_after_a_gap();
        } else if (dice < 60) {
            create();
        } else if (dice < 62) {
            choose_.one_in(3) ? revoke() : end_something();
        } else if (dice < 75) {
            counts_.behind += hub_.behind() ? 1u : 0u;
            BOOST_REQUIRE(hub_.step(1 + choose_.below(12)) == hub_.behind());
        } else if (dice < 79) {
            hub_.notify_progress();
        } else if (dice < 81) {
            ask_for_progress();
        } else if (auto at = some_stream(); at != streams_.end()) {
            take(at->first, *at->second, choose_.one_in(4) ? 2000 : 1 + choose_.below(200));
        }
    }

    void apply_to(auto& machine, const request& asked) {
        machine.apply(log_index(1), machine.encode(asked).freeze().slice(command_header_bytes));
    }
    request next_command() {
        const auto& store = leader_.store();
        request asked = choose_.next(store.current_revision(), store.compact_revision());
        if (std::holds_alternative<compact>(asked) && choose_.one_in(2)) {
            asked = put{.key = "a", .value = "in place of compaction"};
        } else if (choose_.one_in(30)) {
            asked = replace_all();
        } else if (choose_.one_in(60)) {
            asked = compact{store.current_revision(), choose_.one_in(2)};
        }
        const std::uint64_t before = truth_.current();
        truth_.carry_out(asked);
        past_.add(truth_, before + 1);
        apply_to(leader_, asked);
        if (const auto* one = std::get_if<compact>(&asked); one != nullptr) {
            compactions_.insert(leader_.store().compact_revision());
        }
        return asked;
    }
    /// A write that deletes many keys, and puts one of them again.
    request replace_all() {
        quorate::txn made;
        made.success.push_back({delete_range{.key = "a", .range_end = to_last_key}});
        for (const byte_view key : {"a", "b", "ba", "c"}) {
            if (!choose_.one_in(3)) {
                made.success.push_back({put{.key = key, .value = "put again"}});
            }
        }
        return made;
    }
    void write() {
        apply_to(member_, next_command());
        if (!choose_.one_in(5)) {
            hub_.publish();
        }
    }
    /// The member misses some commands and is given the state behind them.
    void restore_after_a_gap() {
        for (auto count = choose_.below(20); count > 0; --count) {
            next_command();
        }
        BOOST_REQUIRE(!member_.restore(leader_.snapshot()));
        ++counts_.restores;
        hub_.publish();
    }

    consumers::iterator some_stream() {
        if (streams_.empty()) {
            return streams_.end();
        }
        return std::next(streams_.begin(), static_cast<long>(choose_.below(streams_.size())));
    }
    std::string some_key() {
        static const std::vector<std::string> keys{
            "", "a", "b", "ba", "bb", "c", "\x7f", "\x80", "\xff", std::string(1, '\0')};
        return keys[choose_.below(keys.size())];
    }
    void create() {
        if (streams_.size() < 3) {
            auto fresh = std::make_unique<consumer>();
            const auto id = hub_.open([woken = &fresh->woken] { *woken = true; });
            streams_.emplace(id, std::move(fresh));
        }
        const auto at = some_stream();
        follower f{some_key(), choose_.one_in(3) ? "" : choose_.one_in(3) ? "z" : some_key()};
        const std::uint64_t current = member_.store().current_revision();
        f.asked = {.key = f.key, .range_end = f.range_end};
        if (!choose_.one_in(3)) {
            const std::uint64_t oldest = member_.store().compact_revision();
            const std::uint64_t further = choose_.below(current - oldest + 6);
            f.asked.start_revision = oldest + (choose_.one_in(4) ? 0 : further);
        }
        f.asked.id = choose_.one_in(4) ? static_cast<watch_id>(choose_.below(6)) : 0;
        f.asked.no_put = choose_.one_in(6);
        f.asked.no_delete = choose_.one_in(6);
        f.asked.prev_kv = choose_.one_in(2);
        f.asked.progress_notify = choose_.one_in(2);
        f.asked.fragment = choose_.one_in(3);
        f.asked.owner = static_cast<std::uint32_t>(choose_.below(4));
        const auto made = hub_.create(at->first, f.asked);
        if (f.key.empty()) {
            f.key = std::string(1, '\0');
        }
        const key_span span = span_of(f.key, f.range_end);
        if (span.kind == key_span::shape::before && span.end <= span.first) {
            BOOST_REQUIRE((made.error() == errc::watch_span_empty));
        } else if (f.asked.id != 0 && at->second->watches.contains(f.asked.id)) {
            BOOST_REQUIRE((made.error() == errc::watch_exists));
        } else {
            BOOST_REQUIRE(made.has_value());
            f.next = f.asked.start_revision == 0 ? current + 1 : f.asked.start_revision;
            BOOST_REQUIRE(at->second->watches.emplace(*made, std::move(f)).second);
        }
    }
    void end_something() {
        const auto at = some_stream();
        if (at == streams_.end()) {
            return;
        }
        if (choose_.one_in(4)) {
            hub_.close(at->first);
            streams_.erase(at);
            return;
        }
        const auto id = static_cast<watch_id>(choose_.below(6));
        BOOST_REQUIRE(hub_.cancel(at->first, id) == (at->second->watches.erase(id) == 1));
    }
    /// A user loses its permissions.
    void revoke() {
        const auto owner = static_cast<std::uint32_t>(choose_.below(4));
        hub_.cancel_unless([owner](std::uint32_t one, const key_span&) {
            return one == owner ? make_error_code(errc::permission_denied) : error_code();
        });
        for (auto& [stream, c] : streams_) {
            for (auto& [id, f] : c->watches) {
                if (f.asked.owner == owner && !f.revoked_at) {
                    f.revoked_at = hub_.published();
                }
            }
        }
    }
    void ask_for_progress() {
        if (const auto at = some_stream(); at != streams_.end()) {
            hub_.request_progress(at->first);
            at->second->asked_progress = true;
        }
    }

    bool take(watch_stream_id stream, consumer& c, std::size_t bytes_max) {
        const auto batch = hub_.take(stream, bytes_max);
        if (!batch) {
            c.woken = false;
            return false;
        }
        BOOST_REQUIRE(c.woken);
        ++counts_.batches;
        if (batch->id == whole_stream) {
            check_stream_progress(c, *batch);
            return true;
        }
        const auto at = c.watches.find(batch->id);
        BOOST_REQUIRE(at != c.watches.end());
        if (batch->canceled) {
            check_cancel(at->second, *batch);
            c.watches.erase(at);
        } else if (batch->events.empty()) {
            check_progress(at->second, *batch);
        } else {
            check_events(at->second, *batch, bytes_max);
        }
        return true;
    }

    void check_stream_progress(consumer& c, const watch_batch& batch) {
        BOOST_REQUIRE(c.asked_progress);
        c.asked_progress = false;
        ++counts_.stream_progress;
        BOOST_REQUIRE(batch.events.empty());
        BOOST_REQUIRE(batch.revision == hub_.published());
        for (auto& [id, f] : c.watches) {
            if (f.next <= batch.revision + 1) { // else it begins later
                check_told(f, batch.revision);
            }
        }
    }
    /// Nothing that the watch wants is missing up to the revision.
    void check_told(const follower& f, std::uint64_t revision) {
        BOOST_REQUIRE(!f.in_parts);
        BOOST_REQUIRE(f.next <= revision + 1);
        for (const watch_event& e : past_.between(f.next, revision)) {
            BOOST_REQUIRE(!f.wants(e));
        }
    }
    void check_cancel(const follower& f, const watch_batch& batch) {
        ++counts_.canceled;
        BOOST_REQUIRE(!f.in_parts);
        BOOST_REQUIRE(batch.events.empty());
        if (batch.reason) {
            ++counts_.revoked;
            BOOST_REQUIRE((batch.reason == errc::permission_denied));
            BOOST_REQUIRE(f.revoked_at.has_value());
            BOOST_REQUIRE(batch.compact_revision == 0u);
            BOOST_REQUIRE(batch.revision == hub_.published());
            return;
        }
        BOOST_REQUIRE(batch.compact_revision == member_.store().compact_revision());
        BOOST_REQUIRE(f.next < batch.compact_revision);
    }
    void check_progress(follower& f, const watch_batch& batch) {
        ++counts_.progress;
        BOOST_REQUIRE(f.asked.progress_notify);
        BOOST_REQUIRE(batch.revision == hub_.published());
        check_told(f, batch.revision);
        f.next = batch.revision + 1;
    }
    void check_events(follower& f, const watch_batch& batch, std::size_t bytes_max) {
        std::size_t bytes = 0;
        for (const shared_event& e : batch.events) {
            f.parts.push_back(*e);
            bytes += e->bytes();
        }
        const std::uint64_t first = batch.events.front()->kv.mod_revision;
        const std::uint64_t last = batch.events.back()->kv.mod_revision;
        BOOST_REQUIRE(batch.revision >= last);
        BOOST_REQUIRE((!f.revoked_at || last <= *f.revoked_at));
        BOOST_REQUIRE(batch.revision <= hub_.published());
        // Larger only for one write that may not be cut, or for one event.
        BOOST_REQUIRE((bytes <= bytes_max || batch.events.size() == 1 ||
                       (!f.asked.fragment && first == last)));
        f.told += batch.events.size();
        f.in_parts = batch.fragment;
        counts_.events += batch.events.size();
        if (batch.fragment) {
            BOOST_REQUIRE(f.asked.fragment);
            ++counts_.parts;
            return;
        }
        check_complete(f, batch.revision);
        f.parts.clear();
        f.next = batch.revision + 1;
    }
    /// What was told is what happened up to the revision: in order, each once, none left out.
    void check_complete(const follower& f, std::uint64_t upto) {
        std::vector<watch_event> wanted;
        for (const watch_event& e : past_.between(f.next, upto)) {
            if (f.wants(e)) {
                wanted.push_back(e);
            }
        }
        if (f.parts.size() < wanted.size()) {
            drop_what_compaction_hides(wanted, f);
        }
        BOOST_REQUIRE(f.parts.size() == wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            check_event(f, f.parts[i], wanted[i]);
        }
    }
    /// Of a revision that was the compacted one when it was read, a key's last change is left.
    void drop_what_compaction_hides(std::vector<watch_event>& wanted, const follower& f) {
        std::map<std::pair<std::uint64_t, std::string>, std::size_t> last;
        const auto of = [](const watch_event& e) {
            return std::pair(e.kv.mod_revision, std::string(e.kv.key.view()));
        };
        const auto all = past_.between(f.next, wanted.back().kv.mod_revision);
        for (std::size_t i = 0; i < all.size(); ++i) {
            last[of(all[i])] = i;
        }
        std::erase_if(wanted, [&](const watch_event& e) {
            const bool hidden =
                compactions_.contains(e.kv.mod_revision) && !(all[last[of(e)]] == e) &&
                std::none_of(f.parts.begin(), f.parts.end(), [&](const watch_event& told) {
                    return told.deleted == e.deleted && told.kv == e.kv;
                });
            counts_.collapsed += hidden ? 1u : 0u;
            return hidden;
        });
    }
    void check_event(const follower& f, const watch_event& told, watch_event wanted) {
        if (!f.asked.prev_kv) {
            wanted.prev_kv.reset();
        }
        if (wanted.prev_kv && !told.prev_kv) {
            BOOST_REQUIRE(wanted.kv.mod_revision - 1 < member_.store().compact_revision());
            ++counts_.previous_compacted;
            wanted.prev_kv.reset();
        }
        counts_.previous += told.prev_kv ? 1u : 0u;
        BOOST_REQUIRE((told == wanted));
    }

    /// With no more writes, all is told to all: consumers only do what they are woken for.
    void finish() {
        hub_.publish();
        for (auto& [stream, c] : streams_) {
            hub_.request_progress(stream);
            c->asked_progress = true;
        }
        for (bool busy = true; busy;) {
            busy = hub_.behind() && (hub_.step(7) || true);
            for (auto& [stream, c] : streams_) {
                for (; c->woken && take(stream, *c, 300); busy = true) {
                }
            }
        }
        std::size_t left = 0;
        for (auto& [stream, c] : streams_) {
            for (auto& [id, f] : c->watches) {
                BOOST_REQUIRE(!f.revoked_at.has_value());
                if (f.next <= hub_.published() + 1) { // else it begins later
                    check_told(f, hub_.published());
                }
            }
            BOOST_REQUIRE(!c->asked_progress);
            left += c->watches.size();
        }
        BOOST_REQUIRE(hub_.size() == left);
    }

    generator choose_;
    quorate::kv_machine<> leader_;
    tested_machine member_;
    oracle truth_;
    history past_;
    std::set<std::uint64_t> compactions_;
    hub_type hub_;
    consumers streams_;
    tally& counts_;
};

tally run_seeds(watch_limits limits, std::uint64_t first) {
    tally counts;
    for (std::uint64_t seed = first; seed < first + 25; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            world(seed, limits, counts).run(2000);
        }
    }
    return counts;
}

} // namespace

BOOST_AUTO_TEST_CASE(small_queues_are_told_all_there_is) {
    const tally counts = run_seeds({300, 8, 5, 2}, 1);
    BOOST_TEST(counts.events > 5000u);
    BOOST_TEST(counts.parts > 50u);
    BOOST_TEST(counts.canceled > 500u);
    BOOST_TEST(counts.progress > 50u);
    BOOST_TEST(counts.revoked > 20u);
    BOOST_TEST(counts.stream_progress > 100u);
    BOOST_TEST(counts.restores > 1000u);
    BOOST_TEST(counts.behind > 1000u);
    BOOST_TEST(counts.previous > 1000u);
    BOOST_TEST(counts.previous_compacted > 0u);
    BOOST_TEST(counts.collapsed > 0u);
}

BOOST_AUTO_TEST_CASE(large_queues_are_told_all_there_is) {
    const tally counts = run_seeds({}, 1000);
    BOOST_TEST(counts.events > 20000u);
    BOOST_TEST(counts.canceled > 10u);
    BOOST_TEST(counts.revoked > 20u);
    BOOST_TEST(counts.stream_progress > 50u);
}

BOOST_AUTO_TEST_SUITE_END()
