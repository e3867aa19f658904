// A list of keys in order, sorted in parts: none of its steps is linear in all of them.
// Flow:       12. command → revision
// In / Out:   keys in any order, some of them twice → each key once, in order
// Invariants: nothing is added once something was taken
// Source:     merge of sorted runs with a heap, Knuth, volume 3, 5.4.1
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_KEY_RUNS_HPP
#define QUORATE_STORE_KEY_RUNS_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

class key_runs {
public:
    /// Effects: adds keys. Complexity: n log n in these.
    void add(std::vector<shared_bytes> keys) {
        QUORATE_ASSERT(!taking_);
        if (keys.empty()) {
            return;
        }
        std::sort(keys.begin(), keys.end(),
                  [](const shared_bytes& a, const shared_bytes& b) { return a.view() < b.view(); });
        runs_.push_back({std::move(keys), 0});
        std::push_heap(runs_.begin(), runs_.end(), later);
    }
    /// Returns: the first key in order that was not taken yet; nothing once all were.
    /// Complexity: logarithmic in the calls of `add`.
    std::optional<shared_bytes> take() {
        taking_ = true;
        while (!runs_.empty()) {
            std::pop_heap(runs_.begin(), runs_.end(), later);
            shared_bytes key = std::move(runs_.back().keys[runs_.back().next++]);
            if (runs_.back().next == runs_.back().keys.size()) {
                runs_.pop_back();
            } else {
                std::push_heap(runs_.begin(), runs_.end(), later);
            }
            if (!last_ || last_->view() != key.view()) {
                last_ = key;
                return key;
            }
        }
        return std::nullopt;
    }

private:
    struct run {
        std::vector<shared_bytes> keys;
        std::size_t next;
    };
    [[nodiscard]] static bool later(const run& a, const run& b) noexcept {
        return a.keys[a.next].view() > b.keys[b.next].view();
    }

    std::vector<run> runs_; ///< A heap: the run whose next key is the first is in front.
    std::optional<shared_bytes> last_;
    bool taking_ = false;
};

} // namespace quorate

#endif
