// The leases that the log has granted, and which keys are tied to each.
// Flow:       12. command → revision; what happens to a key is told by the store
// In / Out:   grants, checkpoints, keys that come and go → the keys that end with a lease
// Invariants: a function of the commands applied; reads no clock; a lease's list holds every key
//             that is tied to it, and no more others than those
// Source:     etcd's lessor, the part that is replicated; differs: no table from keys to leases,
//             since the rows say it; leaders are told apart by epochs
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_LEASE_TABLE_HPP
#define QUORATE_STORE_LEASE_TABLE_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/lease_request.hpp>
#include <quorate/format/machine_state.hpp>

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

/// What is replicated of one lease. Units: seconds.
struct lease_life {
    std::uint64_t ttl = 0;
    std::uint64_t remaining = 0; ///< At the last checkpoint; all of it without one.
    std::uint64_t serial = 0;    ///< Which grant made it; ids may be used again, these are not.

    friend bool operator==(const lease_life&, const lease_life&) noexcept = default;
};

/// How many keys of a lease's list a check has passed, so that it need not look at them again.
struct checked_keys {
    std::uint64_t serial = 0; ///< Of the lease.
    std::uint64_t tidied = 0; ///< How often its list had been rearranged.
    std::size_t count = 0;
};

/// Requests are taken as checked (command/validate.hpp).
/// A key that was tied once may stay in a lease's list when it is gone, until such keys are the
/// larger half; what counts is what the key's row says. So tying and untying need no search, and a
/// tied key costs one shared slice, and the count of its hash.
class lease_table {
public:
    /// Returns: the lease's serial. Errors: lease_exists.
    result<std::uint64_t> grant(const lease_grant& asked) {
        const lease_life whole{asked.ttl, asked.ttl, grants_ + 1};
        if (!leases_.try_emplace(asked.id, whole).second) {
            return errc::lease_exists;
        }
        return ++grants_;
    }
    /// Errors: lease_epoch_over when another leader has taken over.
    error_code take_over(std::uint64_t epoch) {
        if (epoch < epoch_) {
            return errc::lease_epoch_over;
        }
        epoch_ = epoch;
        return {};
    }
    /// Returns: whether what a leader of that epoch finds counts.
    /// Errors: lease_epoch_over.
    [[nodiscard]] error_code check_epoch(std::uint64_t epoch) const noexcept {
        return epoch == epoch_ ? error_code() : make_error_code(errc::lease_epoch_over);
    }
    /// Effects: notes what is left of a lease: never more than all of it, zero being all of it.
    /// Returns: what is left now; nothing when that lease is gone.
    std::optional<lease_remaining> checkpoint(const lease_remaining& asked) {
        if (!is_there(asked.id, asked.serial)) {
            return std::nullopt;
        }
        lease_life& life = at(asked.id).life;
        life.remaining = asked.seconds == 0 ? life.ttl : std::min(asked.seconds, life.ttl);
        return lease_remaining{asked.id, life.remaining, life.serial};
    }

    /// Effects: the key is tied to the lease from now on. Requires: it was not, and the lease is
    /// there. Complexity: logarithmic in the leases.
    void tie(lease_id id, shared_bytes key) {
        lease& home = at(id);
        ++tied_hashes_[hash_of(key.view())];
        home.keys.push_back(std::move(key));
        ++home.tied;
        ++tied_;
    }
    /// Effects: the key is not tied any more. `lease_of(key)` returns which lease a key has now, or
    /// nothing if a backend that failed does not tell.
    /// Requires: it was tied to that lease. Complexity: as `tie`, amortised.
    template <class LeaseOf>
    void untie(lease_id id, byte_view key, LeaseOf&& lease_of) {
        lease& home = at(id);
        QUORATE_ASSERT(home.tied > 0);
        const auto hashed = tied_hashes_.find(hash_of(key));
        QUORATE_ASSERT(hashed != tied_hashes_.end());
        if (--hashed->second == 0) {
            tied_hashes_.erase(hashed);
        }
        --home.tied;
        --tied_;
        if (!home.ending && home.keys.size() > 2 * home.tied + slack) {
            tidy(id, home, lease_of);
        }
    }
    /// Effects: the lease's list is rearranged no more, for the lease ends. Each key must yet be
    /// untied.
    void begin_end(lease_id id) { at(id).ending = true; }
    /// Returns: the list of a lease that ends; also keys that are gone, and some twice. Requires:
    /// begin_end(id).
    [[nodiscard]] const std::vector<shared_bytes>& list_of(lease_id id) {
        const lease& home = at(id);
        QUORATE_ASSERT(home.ending);
        return home.keys;
    }
    /// Requires: no key is tied to it.
    void erase(lease_id id) {
        QUORATE_ASSERT(at(id).tied == 0);
        leases_.erase(id);
    }

    [[nodiscard]] bool contains(lease_id id) const { return leases_.contains(id); }
    /// Returns: whether the lease is there, and of that serial, unless zero is asked for.
    [[nodiscard]] bool is_there(lease_id id, std::uint64_t serial) const {
        const auto known = leases_.find(id);
        return known != leases_.end() && (serial == 0 || known->second.life.serial == serial);
    }
    /// Returns: nothing when there is no such lease.
    [[nodiscard]] std::optional<lease_life> find(lease_id id) const {
        const auto known = leases_.find(id);
        return known == leases_.end() ? std::nullopt : std::optional(known->second.life);
    }
    /// Returns: the keys that are tied to a lease, in order; none when there is no such lease.
    /// Complexity: n log n in its list.
    template <class LeaseOf>
    [[nodiscard]] std::vector<shared_bytes> keys(lease_id id, LeaseOf&& lease_of) const {
        const auto known = leases_.find(id);
        if (known == leases_.end()) {
            return {};
        }
        std::vector<shared_bytes> found = known->second.keys;
        static_cast<void>(keep_tied(id, found, lease_of));
        return found;
    }
    /// Returns: whether `holds(key)` is true for every key that is tied to the lease; true when
    /// there is no such lease. `done` is what an earlier check of the same predicate left.
    /// Complexity: linear in the keys that were tied since then; no row is read of those that hold.
    template <class Holds, class LeaseOf>
    [[nodiscard]] bool every_key(lease_id id, checked_keys& done, const Holds& holds,
                                 LeaseOf&& lease_of) const {
        const auto known = leases_.find(id);
        if (known == leases_.end()) {
            return true;
        }
        const lease& home = known->second;
        if (done.serial != home.life.serial || done.tidied != home.tidied) {
            done = {home.life.serial, home.tidied, 0};
        }
        for (; done.count < home.keys.size(); ++done.count) {
            const byte_view key = home.keys[done.count].view();
            if (!holds(key) && may_be_tied(key) && lease_of(key) == id) {
                return false;
            }
        }
        return true;
    }
    /// Units: about how many bytes the leases and the lists of their keys take in memory, those of
    /// the leader's clock included.
    [[nodiscard]] std::uint64_t bytes() const noexcept {
        return leases_.size() * lease_bytes + tied_ * tied_key_bytes;
    }
    /// Effects: calls `visit(id, life)` for every lease, by ascending id.
    template <class Visit>
    void each(Visit&& visit) const {
        for (const auto& [id, one] : leases_) {
            visit(id, one.life);
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return leases_.size(); }
    /// Returns: how many keys are tied to leases.
    [[nodiscard]] std::size_t tied() const noexcept { return tied_; }
    /// Returns: whether the key may be tied to a lease; one that is not hardly ever may. Spares
    /// reading the rows of all others. Complexity: constant.
    [[nodiscard]] bool may_be_tied(byte_view key) const {
        return tied_ > 0 && tied_hashes_.contains(hash_of(key));
    }
    /// Returns: the term of the leader whose clock counts; zero before the first.
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
    /// Returns: how many leases there ever were.
    [[nodiscard]] std::uint64_t grants() const noexcept { return grants_; }

    /// Returns: the table but its keys, in the order of ids.
    [[nodiscard]] std::vector<lease_record> records() const {
        std::vector<lease_record> all;
        all.reserve(leases_.size());
        each([&](lease_id id, const lease_life& life) {
            all.push_back({id, life.ttl, life.remaining, life.serial});
        });
        return all;
    }
    /// Returns: a table to which no keys are tied.
    /// Errors: corrupt unless it is what a table can be and the ids ascend.
    [[nodiscard]] static result<lease_table> restored(const std::vector<lease_record>& records,
                                                      std::uint64_t epoch, std::uint64_t grants) {
        lease_table table;
        table.epoch_ = epoch;
        table.grants_ = grants;
        lease_id last;
        for (const lease_record& one : records) {
            const bool sound = one.id > last && one.ttl <= lease_ttl_max &&
                               one.remaining <= one.ttl && (one.remaining > 0 || one.ttl == 0) &&
                               one.serial >= 1 && one.serial <= grants;
            if (!sound) {
                return errc::corrupt;
            }
            last = one.id;
            table.leases_.emplace_hint(table.leases_.end(), one.id,
                                       lease_life{one.ttl, one.remaining, one.serial});
        }
        return table;
    }

private:
    /// So many keys that are gone are worth no walk.
    static constexpr std::size_t slack = 16;
    static constexpr std::uint64_t lease_bytes = 352;
    static constexpr std::uint64_t tied_key_bytes = 48;

    struct lease {
        explicit lease(const lease_life& begun) noexcept : life(begun) {}

        lease_life life;
        std::vector<shared_bytes> keys; ///< Also some that are gone, and some twice.
        std::size_t tied = 0;           ///< How many different ones are not gone.
        std::uint64_t tidied = 0;       ///< How often the list was rearranged.
        bool ending = false;            ///< It is being revoked: the list stays as it is.
    };

    [[nodiscard]] static std::uint64_t hash_of(byte_view key) noexcept {
        return boost::hash_range(key.begin(), key.end());
    }
    [[nodiscard]] lease& at(lease_id id) {
        const auto known = leases_.find(id);
        QUORATE_ASSERT(known != leases_.end());
        return known->second;
    }
    /// Returns: whether the lease of every key could be read; those others stay.
    template <class LeaseOf>
    static bool keep_tied(lease_id id, std::vector<shared_bytes>& keys, LeaseOf& lease_of) {
        bool all_known = true;
        std::erase_if(keys, [&](const shared_bytes& key) {
            const std::optional<lease_id> now = lease_of(key.view());
            all_known = all_known && now.has_value();
            return now && *now != id;
        });
        const auto earlier = [](const shared_bytes& a, const shared_bytes& b) noexcept {
            return a.view() < b.view();
        };
        std::sort(keys.begin(), keys.end(), earlier);
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
        return all_known;
    }
    template <class LeaseOf>
    static void tidy(lease_id id, lease& home, LeaseOf& lease_of) {
        const bool all_known = keep_tied(id, home.keys, lease_of);
        QUORATE_ASSERT(!all_known || home.keys.size() == home.tied);
        home.keys.shrink_to_fit();
        ++home.tidied;
    }

    std::map<lease_id, lease> leases_; // Ordered: a snapshot has the same bytes everywhere.
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> tied_hashes_; // tied keys of each
    std::size_t tied_ = 0;
    std::uint64_t epoch_ = 0;
    std::uint64_t grants_ = 0;
};

} // namespace quorate

#endif
