// Conformance of a key_index: random histories against a list of all events.
// Flow:       none
// In / Out:   a model type → a report
// Invariants: the laws of compaction: what can be read stays (L1), what is forgotten is exactly
// what
//             cannot be seen any more (L3), keys without a trace are gone (L4), versions stay (L5)
// Source:     doc/concept/key_index.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_KEY_INDEX_HPP
#define QUORATE_TESTING_CONFORMANCE_KEY_INDEX_HPP

#include <quorate/store/key_index.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

/// One run: a model and the list of everything that ever happened to each key.
template <key_index Index>
class key_index_suite {
public:
    explicit key_index_suite(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] conformance_report run(int steps) {
        check_empty();
        for (int step = 0; step < steps; ++step) {
            const std::uint64_t dice = below(100);
            if (dice < 55) {
                put();
            } else if (dice < 85) {
                tombstone();
            } else if (dice < 93) {
                compact();
            } else if (dice < 97) {
                check_reads();
            } else {
                rebuild();
            }
        }
        compact_all();
        return report_;
    }

private:
    struct event {
        revision at;
        bool tombstone;
        revision created;      // Of the life that the event belongs to.
        std::uint64_t version; // Zero for a tombstone.
    };
    using history = std::vector<event>;

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    /// Few keys, so that they meet often; bytes at both ends of the order, which is unsigned.
    std::string some_key() {
        static const std::vector<std::string> keys{
            std::string(1, '\0'), "a", "aa", "ab", "b", "\x7f", "\x80", "\xff", "\xff\xff"};
        return keys[below(keys.size())];
    }
    revision next_revision() {
        now_ += 1 + below(2);
        return {now_, static_cast<std::uint32_t>(below(3))};
    }
    [[nodiscard]] static const event* last_upto(const history& events, std::uint64_t main) {
        const event* last = nullptr;
        for (const event& one : events) {
            last = one.at.main <= main ? &one : last;
        }
        return last;
    }
    [[nodiscard]] static std::optional<key_version> expected(const history& events,
                                                             std::uint64_t main) {
        const event* last = last_upto(events, main);
        if (last == nullptr || last->tombstone) {
            return std::nullopt;
        }
        return key_version{last->at, last->created, last->version};
    }

    void check_empty() {
        report_.expect(index_.size() == 0, "a new index is empty");
        report_.expect(!index_.find("a", UINT64_MAX), "a new index finds nothing");
        report_.expect(!index_.modified("a"), "a new index knows no changes");
        report_.expect(!index_.tombstone("a", {1, 0}), "nothing to delete in a new index");
        report_.expect(index_.size() == 0, "a deletion of nothing enters no key");
    }

    void put() {
        const std::string key = some_key();
        const revision at = next_revision();
        history& events = events_[key];
        const auto before = expected(events, UINT64_MAX);
        const index_put done = index_.put(key, at);
        const key_version now{at, before ? before->created : at, before ? before->version + 1 : 1};
        events.push_back({at, false, now.created, now.version});
        report_.expect(done.key.view() == key, "put yields the key");
        report_.expect(same(done.now, now), "put yields the new version");
        report_.expect(done.previous == (before ? std::optional(before->modified) : std::nullopt),
                       "put yields the change before");
        report_.expect(index_.modified(key) == at, "put is the last change");
    }

    void tombstone() {
        const std::string key = some_key();
        const revision at = next_revision();
        history& events = events_[key];
        const auto before = expected(events, UINT64_MAX);
        const auto done = index_.tombstone(key, at);
        report_.expect(done.has_value() == before.has_value(), "only a living key is deleted");
        if (done && before) {
            report_.expect(done->key.view() == key, "tombstone yields the key");
            report_.expect(done->previous == before->modified, "tombstone yields the last change");
            events.push_back({at, true, before->created, 0});
            report_.expect(index_.modified(key) == at, "a deletion is the last change");
        }
    }

    /// What a restored index cannot know, the sub of the first change of a life, is not compared.
    static bool same(const key_version& a, const key_version& b) {
        return a.modified == b.modified && a.created.main == b.created.main &&
               a.version == b.version;
    }
    static bool same(const std::optional<key_version>& a, const std::optional<key_version>& b) {
        return a.has_value() == b.has_value() && (!a || same(*a, *b));
    }

    void check_reads() {
        for (int i = 0; i < 20; ++i) {
            const std::uint64_t main = compacted_ + below(now_ - compacted_ + 2);
            const std::string key = some_key();
            report_.expect(same(index_.find(key, main), expected(events_[key], main)),
                           "find answers as the list of events does (L1, L5)");
            check_range(main);
        }
    }

    void check_range(std::uint64_t main) {
        const std::string first = some_key();
        const std::string end = some_key();
        const std::uint64_t kind = below(3);
        const key_span span = span_of(first, kind == 0   ? byte_view{}
                                             : kind == 1 ? byte_view(end)
                                                         : to_last_key);
        std::vector<std::pair<std::string, key_version>> wanted;
        for (const auto& [key, events] : events_) {
            const auto found = expected(events, main);
            if (found && span.contains(key)) {
                wanted.emplace_back(key, *found);
            }
        }
        const std::size_t stop = below(4) == 0 ? below(4) + 1 : SIZE_MAX;
        std::size_t seen = 0;
        index_.range(span, main, [&](const shared_bytes& key, const key_version& found) {
            const bool known = seen < wanted.size() && wanted[seen].first == key.view() &&
                               same(wanted[seen].second, found);
            report_.expect(known, "range visits the living keys of the span in order");
            return ++seen < stop;
        });
        report_.expect(seen == std::min(stop, wanted.size()),
                       "range visits all, or ends when told to");
    }

    /// The one event at or before `main` that compaction must keep.
    [[nodiscard]] static std::optional<revision> kept(const history& events, std::uint64_t main) {
        const event* last = last_upto(events, main);
        const bool stays = last != nullptr && (!last->tombstone || last->at.main == main);
        return stays ? std::optional(last->at) : std::nullopt;
    }

    void compact() {
        const std::uint64_t main = compacted_ + below(now_ - compacted_ + 1);
        compact_to(main);
    }

    void compact_to(std::uint64_t main) {
        for (auto& [key, events] : events_) {
            const auto stays = kept(events, main);
            std::vector<revision> wanted;
            for (const event& one : events) {
                if (one.at.main <= main && one.at != stays && !forgotten_.contains({key, one.at})) {
                    wanted.push_back(one.at);
                    forgotten_[{key, one.at}] = true;
                }
            }
            std::vector<revision> removed;
            index_.compact(key, main, [&](revision at) { removed.push_back(at); });
            report_.expect(removed == wanted, "compact forgets what cannot be seen, in order (L3)");
            const bool trace = stays || (!events.empty() && events.back().at.main > main);
            report_.expect(index_.modified(key).has_value() == trace,
                           "a key without a trace is gone (L4)");
        }
        compacted_ = main;
        check_size();
    }

    void check_size() {
        std::size_t keys = 0;
        for (const auto& [key, events] : events_) {
            keys += index_.modified(key).has_value() ? 1u : 0u;
        }
        report_.expect(index_.size() == keys, "size counts the keys that left a trace");
    }

    /// Enters the events that are left into a new index, as a restart does.
    void rebuild() {
        std::map<revision, std::vector<std::pair<std::string, event>>> left;
        for (const auto& [key, events] : events_) {
            for (const event& one : events) {
                if (!forgotten_.contains({key, one.at})) {
                    left[one.at].emplace_back(key, one);
                }
            }
        }
        Index fresh;
        std::uint64_t in_order = below(left.size() + 1);
        for (const auto& [at, list] : left) {
            if (in_order-- == 0) {
                detail::put_off_order(fresh);
            }
            for (const auto& [key, one] : list) {
                enter(fresh, key, one);
            }
        }
        detail::order(fresh);
        index_ = std::move(fresh);
        check_size();
        check_reads();
    }

    void enter(Index& fresh, const std::string& key, const event& one) {
        if (fresh.modified(key)) {
            report_.expect(!fresh.restore(key, one.created, one.at, 1),
                           "restore refuses a key that is there");
            report_.expect(!fresh.restore_tombstone(key, one.at),
                           "restore_tombstone refuses a key that is there");
            if (one.tombstone) {
                fresh.tombstone(key, one.at);
            } else {
                fresh.put(key, one.at);
            }
        } else if (one.tombstone) {
            report_.expect(fresh.restore_tombstone(key, one.at), "a new key is entered");
        } else {
            report_.expect(fresh.restore(key, one.created, one.at, one.version),
                           "a new key is entered");
        }
    }

    /// Everything deleted and compacted leaves nothing.
    void compact_all() {
        for (auto& [key, events] : events_) {
            const revision at = next_revision();
            if (const auto before = expected(events, UINT64_MAX)) {
                index_.tombstone(key, at);
                events.push_back({at, true, before->created, 0});
            }
        }
        ++now_;
        compact_to(now_);
        report_.expect(index_.size() == 0, "what is deleted and compacted leaves nothing (L4)");
    }

    Index index_;
    std::map<std::string, history> events_;
    std::map<std::pair<std::string, revision>, bool> forgotten_;
    std::uint64_t now_ = 1;
    std::uint64_t compacted_ = 0;
    std::mt19937_64 random_;
    conformance_report report_;
};

/// Runs the suite: `steps` random steps, the same ones for the same seed. About a millisecond per
/// hundred steps for a model in memory.
template <key_index Index>
[[nodiscard]] conformance_report check_key_index(std::uint64_t seed = 1, int steps = 2000) {
    return key_index_suite<Index>(seed).run(steps);
}

} // namespace quorate::testing

#endif
