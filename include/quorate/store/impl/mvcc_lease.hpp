// The leases of the store: granted, ended with their keys, tied to keys that come and go.
// Flow:       12 and 13. command → revision → reply
// In / Out:   see store/mvcc_store.hpp
// Invariants: a key is tied to exactly the lease that its row names
// Source:     etcd's lessor
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_MVCC_LEASE_HPP
#define QUORATE_STORE_IMPL_MVCC_LEASE_HPP

#include <quorate/store/mvcc_store.hpp>

#include <algorithm>

namespace quorate {

template <class Index, class Backend>
result<lease_grant_reply> mvcc_store<Index, Backend>::grant(const lease_grant& asked) {
    const result<std::uint64_t> serial = leases_.grant(asked);
    if (!serial) {
        return serial.error();
    }
    return lease_grant_reply{asked.id, asked.ttl, *serial};
}

template <class Index, class Backend>
result<lease_revoke_reply> mvcc_store<Index, Backend>::revoke(const lease_revoke& asked) {
    if (const error_code failed = begin_revoke(asked)) {
        return failed;
    }
    std::optional<result<lease_revoke_reply>> done;
    while (!done) {
        done = continue_revoke(SIZE_MAX);
    }
    return *std::move(done);
}

template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::begin_revoke(const lease_revoke& asked) {
    QUORATE_ASSERT(!deleting());
    if (!leases_.is_there(asked.id, asked.serial)) {
        return errc::lease_not_found;
    }
    if (asked.epoch != 0 && leases_.check_epoch(asked.epoch)) {
        return errc::lease_epoch_over;
    }
    leases_.begin_end(asked.id);
    revocation_ = revocation{.id = asked.id, .keys = {}, .into = {current_ + 1}, .gone = {}};
    return {};
}

template <class Index, class Backend>
std::optional<result<lease_revoke_reply>> mvcc_store<Index, Backend>::continue_revoke(
    std::size_t keys_max) {
    QUORATE_ASSERT(revoking());
    revocation& all = *revocation_;
    if (gather(all, keys_max)) {
        return std::nullopt;
    }
    for (std::size_t left = keys_max; left > 0 && !detail::lacks_rows(backend_); --left) {
        const std::optional<shared_bytes> key = all.keys.take();
        if (!key) {
            leases_.erase(all.id);
            current_ = all.into.visible();
            const lease_revoke_reply answer{all.id, all.gone.deleted};
            revocation_.reset();
            untied_.clear();
            return answer;
        }
        delete_key(all.into, key->view(), false, all.gone);
    }
    if (detail::lacks_rows(backend_)) {
        revocation_.reset(); // some keys may not have been read: the state is not used any more
        return errc::poisoned;
    }
    return std::nullopt;
}

/// Looks at the next keys of the list of a lease that ends. Returns: whether there were any.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::gather(revocation& all, std::size_t keys_max) {
    const std::vector<shared_bytes>& list = leases_.list_of(all.id);
    if (all.looked_at == list.size()) {
        return false;
    }
    std::vector<shared_bytes> run;
    const std::size_t end = all.looked_at + std::min(keys_max, list.size() - all.looked_at);
    for (; all.looked_at < end; ++all.looked_at) {
        const shared_bytes& key = list[all.looked_at];
        if (lease_of(key.view()) == all.id) {
            run.push_back(key);
        }
    }
    all.keys.add(std::move(run));
    return true;
}

template <class Index, class Backend>
result<lease_checkpoint_reply> mvcc_store<Index, Backend>::checkpoint(
    const lease_checkpoint& asked) {
    if (const error_code failed = leases_.check_epoch(asked.epoch)) {
        return failed;
    }
    lease_checkpoint_reply answer;
    for (const lease_remaining& one : asked.leases) {
        if (const auto left = leases_.checkpoint(one)) {
            answer.leases.push_back(*left);
        }
    }
    return answer;
}

template <class Index, class Backend>
result<lease_takeover_reply> mvcc_store<Index, Backend>::take_over(const lease_takeover& asked) {
    if (const error_code failed = leases_.take_over(asked.epoch)) {
        return failed;
    }
    return lease_takeover_reply{leases_.epoch()};
}

template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::check_lease(const quorate::put& asked) const {
    return asked.lease && !leases_.contains(asked.lease) ? make_error_code(errc::lease_not_found)
                                                         : error_code();
}

/// Returns: the lease of a key as the write that is being made leaves it; zero when it does not
/// live; nothing when a backend that failed lacks the row.
template <class Index, class Backend>
std::optional<lease_id> mvcc_store<Index, Backend>::lease_of(byte_view key) const {
    const auto found = index_.find(key, UINT64_MAX);
    if (!found) {
        return lease_id();
    }
    const key_value row = fetch(found->modified);
    return row.key.empty() ? std::nullopt : std::optional(row.lease);
}

// The table knows only what a deletion in steps has left so far. What it took is no part of a
// revision that can be read, so it counts until the last step.
template <class Index, class Backend>
std::vector<shared_bytes> mvcc_store<Index, Backend>::keys_of(lease_id id) const {
    std::vector<shared_bytes> keys =
        leases_.keys(id, [this](byte_view key) { return lease_of(key); });
    if (!untied_.empty()) {
        for (const auto& [lease, key] : untied_) {
            if (lease == id) {
                keys.push_back(key);
            }
        }
        std::sort(keys.begin(), keys.end(),
                  [](const shared_bytes& a, const shared_bytes& b) { return a.view() < b.view(); });
    }
    return keys;
}

template <class Index, class Backend>
template <class Holds>
bool mvcc_store<Index, Backend>::every_key_of(lease_id id, checked_keys& done,
                                              const Holds& holds) const {
    const auto passes = [&](const auto& one) {
        return one.first != id || holds(one.second.view());
    };
    if (!std::all_of(untied_.begin(), untied_.end(), passes)) {
        return false;
    }
    return leases_.every_key(id, done, holds, [this](byte_view key) { return lease_of(key); });
}

/// To be called once the key's new row is there.
template <class Index, class Backend>
void mvcc_store<Index, Backend>::retie(const shared_bytes& key, lease_id before, lease_id now) {
    if (before == now) {
        return;
    }
    if (before) {
        if (deleting()) {
            untied_.emplace_back(before, key);
        }
        leases_.untie(before, key.view(), [this](byte_view one) { return lease_of(one); });
    }
    if (now) {
        leases_.tie(now, key);
    }
}

/// Ties every key to the lease of its row. Returns: false when there is no such lease.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::tie_all() {
    bool sound = true;
    const auto tie = [&](const shared_bytes& key, const key_version& found) {
        const lease_id lease = fetch(found.modified).lease;
        sound = !lease || leases_.contains(lease);
        if (sound && lease) {
            leases_.tie(lease, key);
        }
        return sound;
    };
    index_.range({key_span::shape::rest, {}, {}}, current_, tie);
    return sound;
}

} // namespace quorate

#endif
