// Watches on every member of a group that restarts, is cut off and catches up by snapshots: each
// tells what happened, all of it, once and in order.
#include <quorate/net/loopback_transport.hpp>
#include <quorate/node.hpp>
#include <quorate/store/watch_hub.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(watches)

using namespace node_test;

namespace {

struct store_policies : default_policies {
    using transport = loopback_transport;
};

using store_type = basic_node<store_policies>::machine_type::store_type;

/// A consumer that goes on, after its member was restarted, behind the last write it was told of.
struct consumer {
    watch_request asked;
    watch_id id = 0;
    std::uint64_t next = 2;
    std::vector<watch_event> told;
    bool within_write = false;

    void take(const watch_batch& batch) {
        BOOST_REQUIRE(!batch.canceled);
        for (const shared_event& event : batch.events) {
            BOOST_REQUIRE(event->kv.mod_revision >= next);
            told.push_back(*event);
        }
        within_write = batch.fragment;
        if (!batch.fragment) {
            next = batch.revision + 1;
        }
    }
    /// What was told of a part of a write will be told again.
    void forget_part() {
        while (!told.empty() && told.back().kv.mod_revision >= next) {
            told.pop_back();
        }
        within_write = false;
    }
};

/// One that wants everything, one that reads little at a time, and one that wants one key.
std::vector<consumer> consumers() {
    std::vector<consumer> all(3);
    all[0].asked = {.key = byte_view("\0", 1), .range_end = byte_view("\0", 1), .prev_kv = true};
    all[1].asked = {.key = "key 3", .range_end = "key 7", .fragment = true};
    all[2].asked = {.key = "key 5", .no_delete = true};
    return all;
}

struct watching_member {
    std::vector<consumer> told = consumers();
    std::unique_ptr<watch_hub<store_type>> hub;
    watch_stream_id stream{};

    void begin(const store_type& store) {
        hub = std::make_unique<watch_hub<store_type>>(store, watch_limits{.queue_bytes = 300});
        stream = hub->open([] {});
        for (consumer& one : told) {
            one.forget_part();
            one.asked.progress_notify = true;
            one.asked.start_revision = one.next;
            one.id = *hub->create(stream, one.asked);
        }
    }
    void work(std::size_t bytes_max) {
        hub->step(3);
        hub->notify_progress(); // who has had no event is told how far it has got
        while (const auto batch = hub->take(stream, bytes_max)) {
            const auto known = std::find_if(told.begin(), told.end(),
                                            [&](const consumer& c) { return c.id == batch->id; });
            BOOST_REQUIRE(known != told.end());
            known->take(*batch);
        }
    }
};

/// What a client was told that its request did.
struct promise {
    std::uint64_t revision;
    std::vector<std::string> keys;
    std::string value; ///< None for a deletion.
};

class watched_group : public group<store_policies> {
public:
    explicit watched_group(std::uint64_t seed) : random_(seed) {
        for (const member_info& m : initial) {
            start_watched(m.id.value());
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    ~watched_group() { members_.clear(); }

    void run(int steps) {
        for (int step = 0; step < steps; ++step) {
            ask();
            if (chance(8)) {
                compact_what_all_know();
            }
            if (chance(60)) {
                disturb();
            }
            turn();
        }
        network.heal();
        for (const member_info& m : initial) {
            if (!nodes.contains(m.id.value())) {
                start_watched(m.id.value());
            }
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
        last_write();
    }

    void check() const {
        const std::vector<watch_event>& truth = members_.at(1).told[0].told;
        check_history(truth);
        for (const auto& [id, member] : members_) {
            for (const consumer& one : member.told) {
                BOOST_TEST_CONTEXT("member " << id << ", watch of " << one.asked.key) {
                    check_consumer(one, truth);
                }
            }
        }
        for (const promise& made : promises_) {
            check_promise(made, truth);
        }
        BOOST_TEST(promises_.size() > 50u);
    }
    [[nodiscard]] int restarts() const noexcept { return restarts_; }

private:
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    [[nodiscard]] bool chance(std::uint64_t of) { return below(of) == 0; }

    void start_watched(std::uint64_t id) {
        node_options options = options_of(id);
        options.snapshot_entries = 30;
        options.catch_up_entries = 5;
        start(std::move(options));
        members_[id].begin(nodes.at(id)->machine().store());
    }
    void ask() {
        const std::string key = "key " + std::to_string(below(9));
        const std::string other = "key " + std::to_string(below(9));
        const std::string value = std::to_string(++asked_);
        promise made{0, {key}, value};
        request wanted = quorate::put{.key = key, .value = value};
        if (chance(4)) {
            wanted = quorate::delete_range{.key = key};
            made.value.clear();
        } else if (key != other && chance(3)) {
            txn both;
            both.success.push_back({quorate::put{.key = key, .value = value}});
            both.success.push_back({quorate::put{.key = other, .value = value}});
            wanted = std::move(both);
            made.keys.push_back(other);
        }
        submit_to_any(wanted, [this, made](const reply& answer) mutable {
            const auto* gone = std::get_if<delete_reply>(&answer.body);
            if (gone == nullptr || gone->deleted > 0) {
                made.revision = answer.header.revision;
                promises_.push_back(std::move(made));
            }
        });
    }
    template <class Done>
    void submit_to_any(const request& wanted, Done done) {
        auto at = nodes.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(below(nodes.size())));
        at->second->submit(wanted, [done](error_code failed, const reply& answer) mutable {
            if (!failed && !answer.error()) {
                done(answer);
            }
        });
    }
    /// No consumer loses anything by it, also none whose member is down.
    void compact_what_all_know() {
        std::uint64_t known = UINT64_MAX;
        for (const auto& [id, member] : members_) {
            for (const consumer& one : member.told) {
                known = std::min(known, one.next - 1);
            }
        }
        submit_to_any(quorate::compact{known, chance(2)}, [](const reply&) {});
    }
    void disturb() {
        const std::uint64_t id = 1 + below(initial.size());
        network.heal();
        if (nodes.size() < initial.size()) {
            for (const member_info& m : initial) {
                if (!nodes.contains(m.id.value())) {
                    start_watched(m.id.value());
                    ++restarts_;
                }
            }
        } else if (chance(3)) {
            isolate(id);
        } else {
            members_.at(id).hub.reset();
            stop(id);
        }
    }
    void turn() {
        run_for(milliseconds(below(4)));
        for (auto& [id, member] : members_) {
            if (member.hub != nullptr && !chance(4)) {
                member.work(chance(3) ? 1 : 1000);
            }
        }
    }
    void last_write() {
        std::uint64_t last = 0;
        const auto written = [&] {
            if (last == 0 && chance(20)) {
                submit_to_any(quorate::put{.key = "last", .value = "last"},
                              [&last](const reply& done) { last = done.header.revision; });
            }
            return last != 0;
        };
        BOOST_REQUIRE(run_until(written));
        // More than one such write may be under way: a member that lags behind has to catch up.
        const auto newest = [&] {
            std::uint64_t revision = last;
            for (const auto& [id, member] : nodes) {
                revision = std::max(revision, member->machine().store().current_revision());
            }
            return revision;
        };
        const auto told = [&] {
            return std::all_of(members_.begin(), members_.end(), [&](auto& member) {
                member.second.work(1000);
                return std::all_of(
                    member.second.told.begin(), member.second.told.end(),
                    [&](const consumer& one) { return one.next > newest() && !one.within_write; });
            });
        };
        BOOST_REQUIRE(run_until(told));
    }

    /// Whether one watch of everything tells a history that a store can have.
    static void check_history(const std::vector<watch_event>& truth) {
        std::map<std::string, key_value> state;
        std::uint64_t current = 1;
        for (const watch_event& event : truth) {
            const std::string key(event.kv.key.view());
            const auto before = state.find(key);
            BOOST_REQUIRE(event.kv.mod_revision >= current);
            BOOST_REQUIRE(event.kv.mod_revision <= current + 1);
            current = event.kv.mod_revision;
            if (event.deleted) {
                BOOST_REQUIRE(before != state.end());
                state.erase(before);
                continue;
            }
            const bool created = before == state.end();
            BOOST_TEST(event.kv.version == (created ? 1 : before->second.version + 1));
            BOOST_TEST(event.kv.create_revision ==
                       (created ? current : before->second.create_revision));
            if (event.prev_kv) {
                BOOST_REQUIRE(!created);
                BOOST_TEST((*event.prev_kv == before->second));
            }
            state[key] = event.kv;
        }
    }
    static void check_consumer(const consumer& one, const std::vector<watch_event>& truth) {
        const key_span span = span_of(one.asked.key, one.asked.range_end);
        std::vector<watch_event> wanted;
        for (const watch_event& event : truth) {
            const byte_view key = event.kv.key.view();
            const bool within = span.kind == key_span::shape::one
                                    ? key == span.first
                                    : key >= span.first && span.reaches(key);
            if (within && !(event.deleted && one.asked.no_delete)) {
                wanted.push_back(event);
            }
        }
        BOOST_REQUIRE(one.told.size() == wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            BOOST_TEST((one.told[i].kv == wanted[i].kv));
            BOOST_TEST(one.told[i].deleted == wanted[i].deleted);
        }
    }
    static void check_promise(const promise& made, const std::vector<watch_event>& truth) {
        for (const std::string& key : made.keys) {
            const auto kept = [&](const watch_event& event) {
                return event.kv.mod_revision == made.revision && event.kv.key.view() == key &&
                       event.deleted == made.value.empty() && event.kv.value.view() == made.value;
            };
            BOOST_TEST(std::count_if(truth.begin(), truth.end(), kept) == 1);
        }
    }

    std::mt19937_64 random_;
    std::map<std::uint64_t, watching_member> members_;
    std::vector<promise> promises_;
    std::uint64_t asked_ = 0;
    int restarts_ = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(every_member_tells_the_same_history_whatever_happens_to_it) {
    int restarts = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            watched_group g(seed);
            g.run(400);
            g.check();
            restarts += g.restarts();
        }
    }
    BOOST_TEST(restarts > 3);
}

BOOST_AUTO_TEST_SUITE_END()
