// The index in memory: sorted blocks for the order of keys, a hash table for finding one.
// Flow:       12. command → revision
// In / Out:   key and revision → what the key was
// Invariants: blocks and table hold the same keys, each with at least one change; a node's key is
//             the one copy that all rows share; new keys are in no block while order is put off
// Source:     models bulk_key_index; etcd's tree index. The table is there because most requests
//             name one key, and any search in order misses the cache more than once
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_ORDERED_INDEX_HPP
#define QUORATE_STORE_ORDERED_INDEX_HPP

#include <quorate/base/assert.hpp>
#include <quorate/store/key_blocks.hpp>
#include <quorate/store/key_history.hpp>
#include <quorate/store/key_index.hpp>

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <memory>
#include <utility>
#include <vector>

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
    /// Const functions may run on several threads at once.
    static constexpr bool concurrent_reads = true;

    basic_ordered_index() = default;
    basic_ordered_index(basic_ordered_index&&) noexcept = default;
    basic_ordered_index& operator=(basic_ordered_index&&) noexcept = default;
    /// The table refers to the nodes of the blocks, which a copy would not.
    basic_ordered_index(const basic_ordered_index&) = delete;
    basic_ordered_index& operator=(const basic_ordered_index&) = delete;
    ~basic_ordered_index() = default;

    index_put put(byte_view key, revision at) {
        const probe wanted = probe_of(key);
        auto known = table_.find(wanted);
        if (known == table_.end()) {
            known = enter(wanted, key_history{});
        }
        node& changed = *known->at;
        index_put done;
        if (changed.history.alive()) {
            done.previous = changed.history.modified();
        }
        changed.history.put(at);
        done.key = changed.key;
        done.now = *changed.history.latest();
        return done;
    }

    std::optional<index_tombstone> tombstone(byte_view key, revision at) {
        const auto known = table_.find(probe_of(key));
        if (known == table_.end() || !known->at->history.alive()) {
            return std::nullopt;
        }
        node& changed = *known->at;
        index_tombstone done{changed.key, changed.history.modified()};
        changed.history.tombstone(at);
        return done;
    }

    [[nodiscard]] std::optional<key_version> find(byte_view key, std::uint64_t main) const {
        const auto known = table_.find(probe_of(key));
        return known == table_.end() ? std::nullopt : known->at->history.get(main);
    }

    [[nodiscard]] std::optional<revision> modified(byte_view key) const {
        const auto known = table_.find(probe_of(key));
        return known == table_.end() ? std::nullopt : std::optional(known->at->history.modified());
    }

    /// Requires: `visit` changes nothing here.
    template <class Visit>
    void range(const key_span& span, std::uint64_t main, Visit&& visit) const {
        if (span.kind == key_span::shape::one) {
            const auto known = table_.find(probe_of(span.first));
            if (known != table_.end()) {
                static_cast<void>(visit_node(*known->at, main, visit));
            }
            return;
        }
        QUORATE_ASSERT(orderly_);
        nodes_.walk(span.first, [&](const node& known) {
            return span.reaches(known.key.view()) && visit_node(known, main, visit);
        });
    }

    template <class Removed>
    void compact(byte_view key, std::uint64_t main, Removed&& removed) {
        const auto known = table_.find(probe_of(key));
        if (known == table_.end()) {
            return;
        }
        QUORATE_ASSERT(orderly_);
        node& compacted = *known->at;
        compacted.history.compact(main, std::forward<Removed>(removed));
        if (compacted.history.empty()) {
            table_.erase(known);
            nodes_.erase(key);
        }
    }

    bool restore(byte_view key, revision created, revision modified, std::uint64_t version) {
        return restore(key, key_history::restored(created, modified, version));
    }
    bool restore_tombstone(byte_view key, revision at) {
        return restore(key, key_history::restored_tombstone(at));
    }

    void put_off_order() { orderly_ = false; }
    void order() {
        orderly_ = true;
        sort_by_key(unordered_);
        const bool alone = nodes_.size() == 0;
        for (std::unique_ptr<node>& one : unordered_) {
            alone ? nodes_.append(std::move(one)) : nodes_.insert(std::move(one));
        }
        unordered_ = std::vector<std::unique_ptr<node>>();
    }

    /// Returns: how many keys it knows, those that are deleted but not compacted away included.
    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

private:
    struct node {
        shared_bytes key;
        key_history history;
    };

    /// What is looked for.
    struct probe {
        std::size_t hash;
        byte_view key;
    };
    /// What the table holds. The hash is kept so that growing the table touches no node.
    struct entry {
        std::size_t hash;
        node* at;
    };
    struct entry_hash {
        using is_transparent = void;
        std::size_t operator()(const probe& p) const noexcept { return p.hash; }
        std::size_t operator()(const entry& e) const noexcept { return e.hash; }
    };
    struct entry_equal {
        using is_transparent = void;
        bool operator()(const entry& a, const entry& b) const noexcept { return a.at == b.at; }
        bool operator()(const probe& p, const entry& e) const noexcept {
            return p.hash == e.hash && p.key == e.at->key.view();
        }
        bool operator()(const entry& e, const probe& p) const noexcept { return (*this)(p, e); }
    };
    using table = boost::unordered_flat_set<entry, entry_hash, entry_equal>;

    static probe probe_of(byte_view key) noexcept { return {KeyHash{}(key), key}; }

    /// Requires: the key is not there.
    typename table::iterator enter(const probe& wanted, key_history&& history) {
        auto made =
            std::make_unique<node>(node{shared_bytes::copy_of(wanted.key), std::move(history)});
        node* const at = made.get();
        if (orderly_) {
            nodes_.insert(std::move(made));
        } else {
            unordered_.push_back(std::move(made));
        }
        return table_.insert(entry{wanted.hash, at}).first;
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
    static bool visit_node(const node& known, std::uint64_t main, Visit& visit) {
        const auto found = known.history.get(main);
        return !found || visit(known.key, *found);
    }

    key_blocks<node> nodes_;
    table table_;
    std::vector<std::unique_ptr<node>> unordered_; ///< Empty while `orderly_`.
    bool orderly_ = true;
};

using ordered_index = basic_ordered_index<>;

static_assert(bulk_key_index<ordered_index>);

} // namespace quorate

#endif
