// Conformance of a value_backend: random use against an ordinary map.
// Flow:       none
// In / Out:   a model type → a report
// Invariants: none
// Source:     doc/concept/value_backend.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_VALUE_BACKEND_HPP
#define QUORATE_TESTING_CONFORMANCE_VALUE_BACKEND_HPP

#include <quorate/store/value_backend.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <iterator>
#include <map>
#include <random>
#include <string>
#include <utility>

namespace quorate::testing {

/// One run: a model and the map that it must agree with.
template <value_backend Backend>
class value_backend_suite {
public:
    explicit value_backend_suite(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] conformance_report run(int steps) {
        check_empty();
        for (int step = 0; step < steps; ++step) {
            const std::uint64_t dice = below(1000);
            if (dice < 600) {
                put();
            } else if (dice < 950) {
                erase(some_revision());
            } else if (dice < 952) {
                erase_stretch();
            } else if (dice < 953) {
                move();
            } else {
                check_find();
                check_scan();
            }
        }
        erase_all();
        return report_;
    }

private:
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    /// Some that are there, some that were or never will be.
    revision some_revision() {
        if (rows_.empty() || below(4) == 0) {
            return {below(last_.main + 2), static_cast<std::uint32_t>(below(3))};
        }
        const auto place = rows_.lower_bound({below(last_.main + 1), 0});
        return place == rows_.end() ? rows_.begin()->first : place->first;
    }

    void check_empty() {
        report_.expect(backend_.size() == 0, "a new backend is empty");
        report_.expect(!backend_.find({1, 0}), "a new backend finds nothing");
        report_.expect(!backend_.erase({1, 0}), "a new backend erases nothing");
        check_scan();
    }

    void put() {
        last_ = below(3) == 0 ? revision{last_.main, last_.sub + 1}
                              : revision{last_.main + 1 + below(2), 0};
        const std::string text = std::to_string(last_.main) + '.' + std::to_string(last_.sub);
        row entered{shared_bytes::copy_of("key " + text), shared_bytes::copy_of(text), 1 + below(9),
                    1 + below(9), lease_id(below(3))};
        if (below(5) == 0) {
            entered = row{entered.key, {}, 0, 0, {}};
        }
        rows_[last_] = entered;
        backend_.put(last_, std::move(entered));
        report_.expect(backend_.size() == rows_.size(), "put adds one row");
        report_.expect(backend_.find(last_) == rows_[last_], "a row is found at once");
    }

    void erase(revision at) {
        report_.expect(backend_.erase(at) == (rows_.erase(at) == 1),
                       "erase says whether there was a row");
        report_.expect(!backend_.find(at), "an erased row is gone");
        report_.expect(backend_.size() == rows_.size(), "erase removes one row at most");
    }

    /// As compaction does: much at once, with a few survivors.
    void erase_stretch() {
        const revision upto = some_revision();
        for (auto place = rows_.begin(); place != rows_.end() && place->first <= upto;) {
            const revision at = (place++)->first;
            if (below(20) != 0) {
                erase(at);
            }
        }
        check_scan();
    }

    void move() {
        Backend moved(std::move(backend_));
        backend_ = Backend();
        report_.expect(backend_.size() == 0, "a new backend replaces one that was moved from");
        backend_ = std::move(moved);
        check_scan();
    }

    void check_find() {
        const revision at = some_revision();
        const auto place = rows_.find(at);
        const auto found = backend_.find(at);
        report_.expect(place == rows_.end() ? !found : found == place->second,
                       "find yields the row, or nothing");
    }

    void check_scan() {
        const revision from = below(2) == 0 ? revision{} : some_revision();
        const revision upto = below(2) == 0 ? revision{UINT64_MAX, UINT32_MAX} : some_revision();
        const std::uint64_t stop = below(3) == 0 ? 1 + below(5) : UINT64_MAX;
        auto wanted = rows_.lower_bound(from);
        const auto end = upto < from ? wanted : rows_.upper_bound(upto);
        std::uint64_t seen = 0;
        backend_.scan(from, upto, [&](revision at, const row& found) {
            const bool known = wanted != end && wanted->first == at && wanted->second == found;
            report_.expect(known, "scan visits the rows in order");
            wanted = known ? std::next(wanted) : end;
            return ++seen < stop;
        });
        report_.expect(seen == stop || wanted == end, "scan visits all, or ends when told to");
    }

    void erase_all() {
        while (!rows_.empty()) {
            erase(rows_.begin()->first);
        }
        check_scan();
        put();
        check_scan();
    }

    Backend backend_;
    std::map<revision, row> rows_;
    revision last_{1, 0};
    std::mt19937_64 random_;
    conformance_report report_;
};

/// Runs the suite: `steps` random steps, the same ones for the same seed.
template <value_backend Backend>
[[nodiscard]] conformance_report check_value_backend(std::uint64_t seed = 1, int steps = 10000) {
    return value_backend_suite<Backend>(seed).run(steps);
}

} // namespace quorate::testing

#endif
