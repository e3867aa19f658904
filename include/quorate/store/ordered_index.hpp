// The index in memory: a balanced tree for the order of keys, a hash table for finding one.
// Flow:       12. command → revision
// In / Out:   key and revision → what the key was
// Invariants: tree and table hold the same keys, each with at least one change; a node's key is the
//             one copy that all rows share
// Source:     models key_index; etcd's tree index. The table is there because a search in a large
//             tree misses the cache at every level, and most requests name one key
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_ORDERED_INDEX_HPP
#define QUORATE_STORE_ORDERED_INDEX_HPP

#include <quorate/store/key_history.hpp>
#include <quorate/store/key_index.hpp>

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <map>
#include <utility>

namespace quorate {

/// The same on every machine and in every run. Who lets strangers choose keys, and minds that they
/// could choose a million of one hash to slow its searches down, gives a hash of their own with a
/// secret in it; results do not depend on the hash.
struct fixed_key_hash {
    std::size_t operator()(byte_view key) const noexcept {
        return boost::hash_range(key.begin(), key.end());
    }
};

/// Complexity: constant for one key, save that a new one is entered in logarithmic time; `range`
/// logarithmic plus linear in the keys of the span, those that are deleted but not compacted away
/// included. `put` allocates a node and a copy of the key when the key is new, else only when its
/// history grows.
template <class KeyHash = fixed_key_hash>
class basic_ordered_index {
public:
    basic_ordered_index() = default;
    basic_ordered_index(basic_ordered_index&&) noexcept = default;
    basic_ordered_index& operator=(basic_ordered_index&&) noexcept = default;
    /// The table refers to the nodes of the tree, which a copy would not.
    basic_ordered_index(const basic_ordered_index&) = delete;
    basic_ordered_index& operator=(const basic_ordered_index&) = delete;
    ~basic_ordered_index() = default;

    index_put put(byte_view key, revision at) {
        const probe wanted = probe_of(key);
        auto known = table_.find(wanted);
        if (known == table_.end()) {
            known = enter(wanted, key_history{});
        }
        auto& [own_key, history] = *known->node;
        index_put done;
        if (history.alive()) {
            done.previous = history.modified();
        }
        history.put(at);
        done.key = own_key;
        done.now = *history.latest();
        return done;
    }

    std::optional<index_tombstone> tombstone(byte_view key, revision at) {
        const auto known = table_.find(probe_of(key));
        if (known == table_.end() || !known->node->second.alive()) {
            return std::nullopt;
        }
        auto& [own_key, history] = *known->node;
        index_tombstone done{own_key, history.modified()};
        history.tombstone(at);
        return done;
    }

    [[nodiscard]] std::optional<key_version> find(byte_view key, std::uint64_t main) const {
        const auto known = table_.find(probe_of(key));
        return known == table_.end() ? std::nullopt : known->node->second.get(main);
    }

    [[nodiscard]] std::optional<revision> modified(byte_view key) const {
        const auto known = table_.find(probe_of(key));
        return known == table_.end() ? std::nullopt : std::optional(known->node->second.modified());
    }

    /// Requires: `visit` changes nothing here.
    template <class Visit>
    void range(const key_span& span, std::uint64_t main, Visit&& visit) const {
        if (span.kind == key_span::shape::one) {
            const auto known = table_.find(probe_of(span.first));
            if (known != table_.end()) {
                visit_node(*known->node, main, visit);
            }
            return;
        }
        for (auto node = tree_.lower_bound(span.first);
             node != tree_.end() && span.reaches(node->first.view()); ++node) {
            if (!visit_node(*node, main, visit)) {
                return;
            }
        }
    }

    template <class Removed>
    void compact(byte_view key, std::uint64_t main, Removed&& removed) {
        const auto known = table_.find(probe_of(key));
        if (known == table_.end()) {
            return;
        }
        const auto node = known->node;
        node->second.compact(main, std::forward<Removed>(removed));
        if (node->second.empty()) {
            table_.erase(known);
            tree_.erase(node);
        }
    }

    bool restore(byte_view key, revision created, revision modified, std::uint64_t version) {
        return restore(key, key_history::restored(created, modified, version));
    }
    bool restore_tombstone(byte_view key, revision at) {
        return restore(key, key_history::restored_tombstone(at));
    }

    /// Returns: how many keys it knows, those that are deleted but not compacted away included.
    [[nodiscard]] std::size_t size() const noexcept { return tree_.size(); }

private:
    /// Keys compare as unsigned bytes, whether stored or only viewed.
    struct less {
        using is_transparent = void;
        static byte_view view(const shared_bytes& key) noexcept { return key.view(); }
        static byte_view view(byte_view key) noexcept { return key; }
        template <class A, class B>
        bool operator()(const A& a, const B& b) const noexcept {
            return view(a) < view(b);
        }
    };
    using tree = std::map<shared_bytes, key_history, less>;

    /// What is looked for.
    struct probe {
        std::size_t hash;
        byte_view key;
    };
    /// What the table holds. The hash is kept so that growing the table touches no node.
    struct entry {
        std::size_t hash;
        typename tree::iterator node;
    };
    struct entry_hash {
        using is_transparent = void;
        std::size_t operator()(const probe& p) const noexcept { return p.hash; }
        std::size_t operator()(const entry& e) const noexcept { return e.hash; }
    };
    struct entry_equal {
        using is_transparent = void;
        bool operator()(const entry& a, const entry& b) const noexcept { return a.node == b.node; }
        bool operator()(const probe& p, const entry& e) const noexcept {
            return p.hash == e.hash && p.key == e.node->first.view();
        }
        bool operator()(const entry& e, const probe& p) const noexcept { return (*this)(p, e); }
    };
    using table = boost::unordered_flat_set<entry, entry_hash, entry_equal>;

    static probe probe_of(byte_view key) noexcept { return {KeyHash{}(key), key}; }

    /// Requires: the key is not there.
    typename table::iterator enter(const probe& wanted, key_history&& history) {
        const auto node =
            tree_.emplace(shared_bytes::copy_of(wanted.key), std::move(history)).first;
        return table_.insert(entry{wanted.hash, node}).first;
    }

    bool restore(byte_view key, key_history&& history) {
        const probe wanted = probe_of(key);
        if (table_.contains(wanted)) {
            return false;
        }
        enter(wanted, std::move(history));
        return true;
    }

    /// Returns: whether to go on.
    template <class Visit>
    static bool visit_node(const typename tree::value_type& node, std::uint64_t main,
                           Visit& visit) {
        const auto found = node.second.get(main);
        return !found || visit(node.first, *found);
    }

    tree tree_;
    table table_;
};

using ordered_index = basic_ordered_index<>;

static_assert(key_index<ordered_index>);

} // namespace quorate

#endif
