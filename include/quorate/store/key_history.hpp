// All that happened to one key: its lives (generations), each a list of revisions.
// Flow:       12. command → revision
// In / Out:   put, tombstone, compact → what the key was at a revision
// Invariants: revisions ascend; every life but the last ends in a tombstone; a life's `version`
//             counts its changes, also those that are compacted away
// Source:     etcd's key index, rule by rule; differs: the lives lie in one list, cut behind the
//             tombstones, and each change carries its version, so that no walk over lives is
//             needed; and a key that one write deletes and puts again survives compaction at that
//             revision
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_KEY_HISTORY_HPP
#define QUORATE_STORE_KEY_HISTORY_HPP

#include <quorate/base/assert.hpp>
#include <quorate/store/change_list.hpp>
#include <quorate/store/revision.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quorate {

class key_history {
public:
    /// A key without a past.
    key_history() = default;

    /// Returns: the history of a key whose earlier changes are compacted away.
    /// Requires: version >= 1.
    [[nodiscard]] static key_history restored(revision created, revision modified,
                                              std::uint64_t version) {
        QUORATE_ASSERT(version >= 1);
        key_history history;
        const bool began_there = version == 1 && created.main == modified.main;
        history.changes_ = change_list({modified.main, modified.sub, false, version},
                                       began_there ? modified : created);
        return history;
    }
    /// Returns: the history of a key of which only a deletion is left.
    [[nodiscard]] static key_history restored_tombstone(revision at) {
        key_history history;
        history.changes_ = change_list({at.main, at.sub, true, 1}, {});
        return history;
    }

    /// Effects: the key changes at `at`, and lives from then on if it did not before.
    /// Requires: `at` is later than every change before it.
    void put(revision at) { append(at, false); }

    /// Effects: the key is deleted at `at`. Returns: false, and does nothing, when it did not live.
    /// Requires: as `put`.
    bool tombstone(revision at) {
        if (!alive()) {
            return false;
        }
        append(at, true);
        return true;
    }

    /// Returns: whether the key exists after its last change.
    [[nodiscard]] bool alive() const noexcept {
        return !changes_.empty() && !changes_.back().tombstone;
    }
    /// Returns: whether nothing is known of the key, so that an index forgets it.
    [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }
    /// Returns: the last change, a tombstone included. Requires: not empty.
    [[nodiscard]] revision modified() const noexcept {
        QUORATE_ASSERT(!changes_.empty());
        return changes_.back().at();
    }
    /// Returns: what the key is now; nothing when it does not live.
    [[nodiscard]] std::optional<key_version> latest() const noexcept {
        return describe(changes_.size());
    }
    /// Returns: what the key was once the write `main` was done; nothing when it did not live then
    /// or that is compacted away. Complexity: logarithmic; constant when `main` is not before the
    /// last change.
    [[nodiscard]] std::optional<key_version> get(std::uint64_t main) const noexcept {
        return describe(changes_.upto(main));
    }

    /// Returns: the changes from the write `main` on, tombstones too, the last one of each write.
    [[nodiscard]] std::vector<revision> since(std::uint64_t main) const {
        std::vector<revision> found;
        for (std::size_t i = main == 0 ? 0 : changes_.upto(main - 1); i < changes_.size(); ++i) {
            if (!found.empty() && found.back().main == changes_[i].main) {
                found.back() = changes_[i].at();
            } else {
                found.push_back(changes_[i].at());
            }
        }
        return found;
    }

    /// Effects: forgets the changes that cannot be seen at `main` or later; `removed(revision)` is
    /// called for each of them, in order. A deletion at exactly `main` stays, for those who watch
    /// from there on.
    /// Returns: the newest change at or before `main` that stays, if any.
    template <class Removed>
    std::optional<revision> compact(std::uint64_t main, Removed&& removed) {
        const std::size_t upto = changes_.upto(main);
        if (upto == 0) {
            return std::nullopt;
        }
        const bool gone = changes_[upto - 1].tombstone && changes_[upto - 1].main < main;
        const std::size_t first_kept = gone ? upto : upto - 1;
        for (std::size_t i = 0; i < first_kept; ++i) {
            removed(changes_[i].at());
        }
        forget(first_kept);
        return gone ? std::nullopt : std::optional(changes_[0].at());
    }
    std::optional<revision> compact(std::uint64_t main) {
        return compact(main, [](revision) {});
    }

    /// Returns: what `compact` would leave of the key's life at `main`: the revision of `get`.
    /// For hashes that must not depend on how far a member has compacted.
    [[nodiscard]] std::optional<revision> keep(std::uint64_t main) const noexcept {
        const auto found = get(main);
        return found ? std::optional(found->modified) : std::nullopt;
    }

    /// One life of the key, for tests and dumps.
    struct generation {
        revision created;
        std::uint64_t version = 0; ///< Changes, its tombstone and those compacted away included.
        std::vector<revision> changes;

        friend bool operator==(const generation&, const generation&) noexcept = default;
    };
    /// Returns: the lives, oldest first; the last one is empty when the key is dead.
    [[nodiscard]] std::vector<generation> generations() const {
        std::vector<generation> lives(1);
        for (std::size_t i = 0; i < changes_.size(); ++i) {
            generation& life = lives.back();
            if (life.changes.empty()) {
                life.created = created_of(i);
            }
            life.changes.push_back(changes_[i].at());
            life.version = changes_[i].version;
            if (changes_[i].tombstone) {
                lives.emplace_back();
            }
        }
        return lives;
    }

private:
    void append(revision at, bool tombstone) {
        const bool living = alive();
        QUORATE_ASSERT(changes_.empty() || at > changes_.back().at());
        const std::uint64_t version = living ? changes_.back().version + 1 : 1;
        changes_.push_back({at.main, at.sub, tombstone, version});
    }

    /// Returns: what the key is after its first `count` changes.
    [[nodiscard]] std::optional<key_version> describe(std::size_t count) const noexcept {
        if (count == 0 || changes_[count - 1].tombstone) {
            return std::nullopt;
        }
        const key_change last = changes_[count - 1];
        return key_version{last.at(), created_of(count - 1), last.version};
    }

    /// Returns: where the life of change `i` began. Only the first life can have lost changes to
    /// compaction, so in the others the version says how many changes to go back.
    [[nodiscard]] revision created_of(std::size_t i) const noexcept {
        const std::uint64_t back = changes_[i].version - 1;
        return back >= i ? changes_.created() : changes_[i - static_cast<std::size_t>(back)].at();
    }

    void forget(std::size_t count) {
        if (count > 0) {
            changes_.forget(count, count < changes_.size() ? created_of(count) : revision());
        }
    }

    change_list changes_;
};

} // namespace quorate

#endif
