// The permission check of a whole request.
// Flow:       11. request, as decoded → yes or no; the same for reads outside the log
// In / Out:   what the user may do, the request → error_code
// Invariants: the request that is looked at is the one that is carried out; whatever has no rule
//             here is for root alone
// Source:     etcd's; also checks what releases of it forgot: nested transactions, leases and
//             previous values in transactions, compaction
// Threads:    none
#ifndef QUORATE_STORE_AUTH_CHECK_HPP
#define QUORATE_STORE_AUTH_CHECK_HPP

#include <quorate/base/error.hpp>
#include <quorate/command/key_span.hpp>
#include <quorate/command/request.hpp>
#include <quorate/store/auth_store.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace quorate {
namespace detail {

/// `EveryKey` is called with a lease and a predicate over keys, and returns whether the predicate
/// holds for all keys that are attached to the lease; for a lease without keys it does.
template <class EveryKey>
struct request_guard {
    const user_access& may;
    const EveryKey& every_key_of;

    bool operator()(const std::monostate&) const { return true; } // Asks nothing, changes nothing.
    bool operator()(const put& asked) const {
        const key_span key = span_of(asked.key, {});
        // Who may attach a key to a lease decides when the lease's other keys go.
        return writes(key) && (!asked.prev_kv || reads(key)) &&
               (!asked.lease || writes_all(asked.lease));
    }
    bool operator()(const range& asked) const { return reads(span_of(asked.key, asked.range_end)); }
    bool operator()(const delete_range& asked) const {
        const key_span span = span_of(asked.key, asked.range_end);
        return writes(span) && (!asked.prev_kv || reads(span));
    }
    /// Both branches, however deep: which one is done shows what the conditions found.
    bool operator()(const txn& asked) const {
        const auto allowed = [this](const txn_op& op) { return std::visit(*this, op.body); };
        return std::all_of(
                   asked.compares.begin(), asked.compares.end(),
                   [this](const compare& one) { return reads(span_of(one.key, one.range_end)); }) &&
               std::all_of(asked.success.begin(), asked.success.end(), allowed) &&
               std::all_of(asked.failure.begin(), asked.failure.end(), allowed);
    }
    bool operator()(const lease_grant&) const { return true; } // Any user.
    /// What clocks find is the cluster's to say.
    bool operator()(const lease_revoke& asked) const {
        return asked.epoch == 0 && writes_all(asked.id);
    }
    /// Everything else is for root: compaction takes the past from everybody.
    template <class Other>
    bool operator()(const Other&) const {
        return false;
    }

    [[nodiscard]] bool reads(const key_span& span) const { return may.reads.covers(span); }
    [[nodiscard]] bool writes(const key_span& span) const { return may.writes.covers(span); }
    [[nodiscard]] bool writes_all(lease_id lease) const {
        return every_key_of(lease, [this](byte_view key) { return writes(span_of(key, {})); });
    }
};

} // namespace detail

/// Requires: the transaction is nested no deeper than decode_command() lets pass.
/// Errors: user_empty, auth_old_revision, permission_denied.
/// Complexity: a search for each span, and what `every_key_of` takes for each lease that is named.
template <class EveryKey>
[[nodiscard]] error_code permits(const auth_store& auth, const issuer& by, const request& asked,
                                 const EveryKey& every_key_of) {
    const result<const user_access*> access = auth.access_of(by);
    if (!access) {
        return access.error();
    }
    const user_access* may = *access;
    if (may == nullptr || may->root) {
        return {};
    }
    const detail::request_guard<EveryKey> guard{*may, every_key_of};
    return std::visit(guard, asked) ? error_code() : make_error_code(errc::permission_denied);
}

/// Whether the issuer may see which keys are attached to a lease.
/// Errors: as permits().
template <class EveryKey>
[[nodiscard]] error_code permits_lease_keys(const auth_store& auth, const issuer& by,
                                            lease_id lease, const EveryKey& every_key_of) {
    const result<const user_access*> access = auth.access_of(by);
    if (!access) {
        return access.error();
    }
    const user_access* may = *access;
    const bool allowed = may == nullptr || may->root || every_key_of(lease, [&](byte_view key) {
                             return may->reads.covers(span_of(key, {}));
                         });
    return allowed ? error_code() : make_error_code(errc::permission_denied);
}

} // namespace quorate

#endif
