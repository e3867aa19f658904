// Nodes in the order of their keys, in blocks that are searched without a look at the nodes.
// Flow:       12. command → revision
// In / Out:   node → its place; key → node; key → the nodes from there on
// Invariants: blocks and the keys in them ascend; no block is empty; a block is found by its first
//             key; the keys of a block share its first `shared` bytes; a node's window is what its
//             key has behind them
// Source:     a B-tree of two levels, whose upper one is the standard library's; the windows are
//             those of string B-trees, as a search that looks at each key misses the cache twice
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_KEY_BLOCKS_HPP
#define QUORATE_STORE_KEY_BLOCKS_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace quorate {

namespace detail {

/// Returns: how many bytes both begin with.
[[nodiscard]] inline std::size_t common_length(byte_view a, byte_view b) noexcept {
    const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return static_cast<std::size_t>(ends.first - a.begin());
}

/// Returns: bytes that order as the keys do, zeros where the key has none. Keys of one window may
/// still differ.
template <class Window>
[[nodiscard]] Window window_of(byte_view key, std::size_t from) noexcept {
    Window made = 0;
    for (std::size_t i = from; i < from + sizeof(Window); ++i) {
        made = made << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : Window{0});
    }
    return made;
}

} // namespace detail

/// Effects: puts the nodes in the order of their keys. Complexity: n log n, mostly without a look
/// at the nodes where their keys differ soon behind what all of them share.
template <class Node>
void sort_by_key(std::vector<std::unique_ptr<Node>>& nodes) {
    if (nodes.empty()) {
        return;
    }
    struct place {
        std::uint64_t window;
        std::unique_ptr<Node> node;
    };
    std::size_t shared = nodes.front()->key.size();
    for (const auto& one : nodes) {
        const byte_view prefix = nodes.front()->key.view().substr(0, shared);
        shared = detail::common_length(prefix, one->key.view());
    }
    std::vector<place> places;
    places.reserve(nodes.size());
    for (auto& one : nodes) {
        const auto window = detail::window_of<std::uint64_t>(one->key.view(), shared);
        places.push_back({window, std::move(one)});
    }
    std::sort(places.begin(), places.end(), [](const place& a, const place& b) {
        return a.window != b.window ? a.window < b.window : a.node->key.view() < b.node->key.view();
    });
    std::transform(places.begin(), places.end(), nodes.begin(),
                   [](place& one) { return std::move(one.node); });
}

/// Owns its nodes. A node has a `key` of shared_bytes, that never changes.
/// Complexity: logarithmic; entering a node behind all others takes constant time.
template <class Node>
class key_blocks {
public:
    key_blocks() = default;
    key_blocks(key_blocks&&) noexcept = default;
    key_blocks& operator=(key_blocks&&) noexcept = default;
    /// Blocks are found by views of the keys in them, which a copy would not own.
    key_blocks(const key_blocks&) = delete;
    key_blocks& operator=(const key_blocks&) = delete;
    ~key_blocks() = default;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Returns: the node of that key, if there is one.
    [[nodiscard]] Node* find(byte_view key) const {
        const auto home = home_of(blocks_, key);
        if (home == blocks_.end()) {
            return nullptr;
        }
        const std::size_t at = home->second.place_of(key);
        const bool there = at < home->second.size() && home->second.key(at) == key;
        return there ? home->second.nodes[at].get() : nullptr;
    }

    /// Calls `visit(node)` for the keys that are not less than `first`, in order, until it yields
    /// false. Requires: `visit` changes nothing here.
    template <class Visit>
    void walk(byte_view first, Visit&& visit) const {
        auto home = home_of(blocks_, first);
        if (home == blocks_.end()) {
            return;
        }
        for (std::size_t at = home->second.place_of(first); home != blocks_.end(); ++home, at = 0) {
            for (; at < home->second.size(); ++at) {
                if (!visit(static_cast<const Node&>(*home->second.nodes[at]))) {
                    return;
                }
            }
        }
    }

    /// Requires: the key is not there. Returns: the node, where it stays until it is erased.
    Node& insert(std::unique_ptr<Node> made) {
        Node& entered = *made;
        const byte_view key = entered.key.view();
        ++size_;
        auto home = home_of(blocks_, key);
        if (home == blocks_.end()) {
            blocks_[key].insert(0, std::move(made));
            return entered;
        }
        home->second.insert(home->second.place_of(key), std::move(made));
        home = name(home);
        if (home->second.size() > block_keys) {
            split(home);
        }
        return entered;
    }

    /// Requires: the key is greater than all that are there.
    Node& append(std::unique_ptr<Node> made) {
        Node& entered = *made;
        const byte_view key = entered.key.view();
        const bool full = blocks_.empty() || last_block().size() >= kept_of_full;
        QUORATE_ASSERT(blocks_.empty() || last_block().key(last_block().size() - 1) < key);
        block& home =
            full ? blocks_.emplace_hint(blocks_.end(), key, block{})->second : last_block();
        home.insert(home.size(), std::move(made));
        ++size_;
        return entered;
    }

    /// Requires: the key is there.
    void erase(byte_view key) {
        const auto home = home_of(blocks_, key);
        QUORATE_ASSERT(home != blocks_.end());
        const std::size_t at = home->second.place_of(key);
        QUORATE_ASSERT(at < home->second.size() && home->second.key(at) == key);
        const std::unique_ptr<Node> forgotten =
            home->second.take(at); // Until the block is renamed.
        --size_;
        if (home->second.size() == 0) {
            blocks_.erase(home);
            return;
        }
        join(name(home));
    }

private:
    /// Few enough to search and to move quickly, so many that the upper level stays small.
    static constexpr std::size_t block_keys = 64;
    /// Keys that only grow leave nearly full blocks behind.
    static constexpr std::size_t kept_of_full = block_keys - block_keys / 8;
    /// Capacity grows in such steps: half a block of room for nobody would cost much.
    static constexpr std::size_t growth = 8;

    using window = std::uint32_t;

    struct block {
        std::size_t shared = 0;
        std::vector<window> windows; ///< Beside the nodes, so that a search reads little memory.
        std::vector<std::unique_ptr<Node>> nodes;

        [[nodiscard]] std::size_t size() const noexcept { return nodes.size(); }
        [[nodiscard]] byte_view key(std::size_t at) const noexcept { return nodes[at]->key.view(); }

        /// Returns: the first place whose key is not less.
        [[nodiscard]] std::size_t place_of(byte_view wanted) const {
            const byte_view prefix = key(0).substr(0, shared);
            if (const int order = wanted.substr(0, shared).compare(prefix); order != 0) {
                return order < 0 ? 0 : size();
            }
            const auto [low, high] = std::equal_range(windows.begin(), windows.end(),
                                                      detail::window_of<window>(wanted, shared));
            const auto less = [](const std::unique_ptr<Node>& node, byte_view than) {
                return node->key.view() < than;
            };
            const auto found =
                std::lower_bound(nodes.begin() + (low - windows.begin()),
                                 nodes.begin() + (high - windows.begin()), wanted, less);
            return static_cast<std::size_t>(found - nodes.begin());
        }

        void insert(std::size_t at, std::unique_ptr<Node> made) {
            const byte_view added = made->key.view();
            const std::size_t fits =
                size() == 0 ? added.size() : detail::common_length(key(0).substr(0, shared), added);
            make_room();
            nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(at), std::move(made));
            windows.insert(windows.begin() + static_cast<std::ptrdiff_t>(at),
                           detail::window_of<window>(added, fits));
            if (fits != std::exchange(shared, fits)) {
                look_again();
            }
        }
        [[nodiscard]] std::unique_ptr<Node> take(std::size_t at) {
            std::unique_ptr<Node> taken = std::move(nodes[at]);
            nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(at));
            windows.erase(windows.begin() + static_cast<std::ptrdiff_t>(at));
            return taken;
        }
        /// Effects: moves the nodes from `at` on behind those of `into`. Both are to be told what
        /// they share now.
        void move_tail(std::size_t at, block& into) {
            const auto offset = static_cast<std::ptrdiff_t>(at);
            into.nodes.reserve(into.size() + (size() - at));
            std::move(nodes.begin() + offset, nodes.end(), std::back_inserter(into.nodes));
            nodes.resize(at);
            into.windows.insert(into.windows.end(), windows.begin() + offset, windows.end());
            windows.resize(at);
        }
        /// Requires: `known` bytes are what the windows lie behind.
        void share(std::size_t known) {
            shared = detail::common_length(key(0), key(size() - 1));
            if (shared != known) {
                look_again();
            }
        }
        void look_again() {
            for (std::size_t at = 0; at < size(); ++at) {
                windows[at] = detail::window_of<window>(key(at), shared);
            }
        }

    private:
        void make_room() {
            if (size() == nodes.capacity()) {
                nodes.reserve(size() + growth);
                windows.reserve(size() + growth);
            }
        }
    };
    /// By the first key of each block; the view is of that node's own copy.
    using directory = std::map<byte_view, block>;
    using block_place = typename directory::iterator;

    /// Returns: the last block that begins at or before the key, else the first one.
    template <class Directory>
    [[nodiscard]] static auto home_of(Directory& all, byte_view key) {
        const auto after = all.upper_bound(key);
        return after == all.begin() ? after : std::prev(after);
    }
    [[nodiscard]] block& last_block() noexcept { return std::prev(blocks_.end())->second; }

    /// Effects: files a block under its first key, when that is another one now.
    block_place name(block_place home) {
        const byte_view first = home->second.key(0);
        if (home->first.data() == first.data()) {
            return home;
        }
        auto moved = blocks_.extract(home);
        moved.key() = first;
        return blocks_.insert(std::move(moved)).position;
    }

    /// Blocks in the midst leave halves.
    void split(block_place home) {
        block& full = home->second;
        const bool grows = std::next(home) == blocks_.end();
        block rest;
        full.move_tail(grows ? kept_of_full : full.size() / 2, rest);
        rest.share(full.shared);
        full.share(full.shared);
        const byte_view first = rest.key(0);
        blocks_.emplace_hint(std::next(home), first, std::move(rest));
    }

    /// Effects: takes the block behind in when both are small, so that blocks do not thin out.
    void join(block_place home) {
        const auto behind = std::next(home);
        if (behind == blocks_.end() ||
            home->second.size() + behind->second.size() > block_keys / 2) {
            return;
        }
        block& joined = home->second;
        behind->second.move_tail(0, joined);
        joined.share(joined.shared);
        joined.look_again(); // The windows of the other block lay elsewhere.
        blocks_.erase(behind);
    }

    directory blocks_;
    std::size_t size_ = 0;
};

} // namespace quorate

#endif
