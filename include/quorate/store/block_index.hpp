// The index in memory, small: keys in sorted blocks, and no second structure beside them.
// Flow:       12. command → revision
// In / Out:   key and revision → what the key was
// Invariants: blocks and the keys in them ascend; no block is empty; a block is found by its first
//             key; a node's key is the one copy that all rows share
// Source:     models key_index; a B-tree of two levels, whose upper one is the standard library's
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_BLOCK_INDEX_HPP
#define QUORATE_STORE_BLOCK_INDEX_HPP

#include <quorate/store/key_history.hpp>
#include <quorate/store/key_index.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace quorate {

/// Against ordered_index: about two fifths less memory for a key beside its name, and quicker
/// walks; but finding one key is a search, not a look into a table. For stores that are large and
/// mostly listed.
///
/// Complexity: logarithmic for one key; `range` logarithmic plus linear in the keys of the span,
/// those that are deleted but not compacted away included.
class block_index {
public:
    block_index() = default;
    block_index(block_index&&) noexcept = default;
    block_index& operator=(block_index&&) noexcept = default;
    /// Blocks are found by views of the keys in them, which a copy would not own.
    block_index(const block_index&) = delete;
    block_index& operator=(const block_index&) = delete;
    ~block_index() = default;

    index_put put(byte_view key, revision at) {
        node* known = locate(key);
        if (known == nullptr) {
            known = &enter(key, key_history{});
        }
        index_put done;
        if (known->history.alive()) {
            done.previous = known->history.modified();
        }
        known->history.put(at);
        done.key = known->key;
        done.now = *known->history.latest();
        return done;
    }

    std::optional<index_tombstone> tombstone(byte_view key, revision at) {
        node* known = locate(key);
        if (known == nullptr || !known->history.alive()) {
            return std::nullopt;
        }
        index_tombstone done{known->key, known->history.modified()};
        known->history.tombstone(at);
        return done;
    }

    [[nodiscard]] std::optional<key_version> find(byte_view key, std::uint64_t main) const {
        const node* known = locate(key);
        return known == nullptr ? std::nullopt : known->history.get(main);
    }

    [[nodiscard]] std::optional<revision> modified(byte_view key) const {
        const node* known = locate(key);
        return known == nullptr ? std::nullopt : std::optional(known->history.modified());
    }

    /// Requires: `visit` changes nothing here.
    template <class Visit>
    void range(const key_span& span, std::uint64_t main, Visit&& visit) const {
        auto home = home_of(span.first);
        if (home == blocks_.end()) {
            return;
        }
        for (auto at = place_in(home->second, span.first); home != blocks_.end();) {
            for (; at != home->second.end(); ++at) {
                if (!span.reaches((*at)->key.view())) {
                    return;
                }
                const auto found = (*at)->history.get(main);
                if (found && !visit((*at)->key, *found)) {
                    return;
                }
            }
            if (++home != blocks_.end()) {
                at = home->second.begin();
            }
        }
    }

    template <class Removed>
    void compact(byte_view key, std::uint64_t main, Removed&& removed) {
        node* known = locate(key);
        if (known == nullptr) {
            return;
        }
        known->history.compact(main, std::forward<Removed>(removed));
        if (known->history.empty()) {
            forget(key);
        }
    }

    bool restore(byte_view key, revision created, revision modified, std::uint64_t version) {
        return restore(key, key_history::restored(created, modified, version));
    }
    bool restore_tombstone(byte_view key, revision at) {
        return restore(key, key_history::restored_tombstone(at));
    }

    /// Returns: how many keys it knows, those that are deleted but not compacted away included.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    /// Few enough to search and to move quickly, so many that the upper level stays small.
    static constexpr std::size_t block_keys = 64;

    struct node {
        shared_bytes key;
        key_history history;
    };
    using block = std::vector<std::unique_ptr<node>>;
    /// By the first key of each block; the view is of that node's own copy.
    using directory = std::map<byte_view, block>;

    /// Returns: the last block that begins at or before the key, else the first one.
    [[nodiscard]] directory::const_iterator home_of(byte_view key) const {
        const auto after = blocks_.upper_bound(key);
        return after == blocks_.begin() ? after : std::prev(after);
    }
    [[nodiscard]] directory::iterator home_of(byte_view key) {
        const auto after = blocks_.upper_bound(key);
        return after == blocks_.begin() ? after : std::prev(after);
    }
    static bool before(const std::unique_ptr<node>& known, byte_view key) noexcept {
        return known->key.view() < key;
    }
    /// Returns: the first place whose key is not less.
    [[nodiscard]] static block::const_iterator place_in(const block& home, byte_view key) {
        return std::lower_bound(home.begin(), home.end(), key, before);
    }
    [[nodiscard]] static block::iterator place_in(block& home, byte_view key) {
        return std::lower_bound(home.begin(), home.end(), key, before);
    }
    [[nodiscard]] node* locate(byte_view key) const {
        const auto home = home_of(key);
        if (home == blocks_.end()) {
            return nullptr;
        }
        const auto at = place_in(home->second, key);
        return at != home->second.end() && (*at)->key.view() == key ? at->get() : nullptr;
    }

    /// Requires: the key is not there.
    node& enter(byte_view key, key_history&& history) {
        ++size_;
        auto made = std::make_unique<node>(node{shared_bytes::copy_of(key), std::move(history)});
        node& entered = *made;
        auto home = home_of(key);
        if (home == blocks_.end()) {
            block& first = blocks_[entered.key.view()];
            first.reserve(block_keys + 1);
            first.push_back(std::move(made));
            return entered;
        }
        home->second.insert(place_in(home->second, key), std::move(made));
        home = name(home);
        if (home->second.size() > block_keys) {
            split(home);
        }
        return entered;
    }

    /// Effects: files a block under its first key, when that is another one now.
    directory::iterator name(directory::iterator home) {
        const byte_view first = home->second.front()->key.view();
        if (home->first == first) {
            return home;
        }
        auto moved = blocks_.extract(home);
        moved.key() = first;
        return blocks_.insert(std::move(moved)).position;
    }

    /// Keys that only grow leave full blocks behind; others leave halves.
    void split(directory::iterator home) {
        block& full = home->second;
        const bool grows = std::next(home) == blocks_.end();
        const std::size_t kept = grows ? block_keys - block_keys / 8 : full.size() / 2;
        const auto from = full.begin() + static_cast<std::ptrdiff_t>(kept);
        block rest;
        rest.reserve(block_keys + 1);
        std::move(from, full.end(), std::back_inserter(rest));
        full.erase(from, full.end());
        const byte_view first = rest.front()->key.view();
        blocks_.emplace(first, std::move(rest));
    }

    /// Requires: the key is there.
    void forget(byte_view key) {
        const auto home = home_of(key);
        const auto at = place_in(home->second, key);
        const std::unique_ptr<node> forgotten = std::move(*at); // Until the block has a new name.
        home->second.erase(at);
        --size_;
        if (home->second.empty()) {
            blocks_.erase(home);
            return;
        }
        join(name(home));
    }

    /// Effects: takes the block behind in when both are small, so that blocks do not thin out.
    void join(directory::iterator home) {
        const auto behind = std::next(home);
        if (behind == blocks_.end() ||
            home->second.size() + behind->second.size() > block_keys / 2) {
            return;
        }
        home->second.insert(home->second.end(), std::make_move_iterator(behind->second.begin()),
                            std::make_move_iterator(behind->second.end()));
        blocks_.erase(behind);
    }

    bool restore(byte_view key, key_history&& history) {
        if (locate(key) != nullptr) {
            return false;
        }
        enter(key, std::move(history));
        return true;
    }

    directory blocks_;
    std::size_t size_ = 0;
};

static_assert(key_index<block_index>);

} // namespace quorate

#endif
