// Checks of a transaction's contents and of a request's size.
#ifndef QUORATE_COMMAND_IMPL_VALIDATE_IPP
#define QUORATE_COMMAND_IMPL_VALIDATE_IPP

#include <quorate/command/validate.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace quorate {
namespace detail {

/// Looks at each condition and operation by itself, in the order in which they are sent.
class txn_shape {
public:
    /// Effects: takes from `budget` the larger list of the transaction, and then what those take
    /// that are nested in its branches: of the two branches the one that takes more.
    error_code look(const txn& asked, std::size_t& budget, std::size_t depth) {
        const std::size_t used =
            std::max({asked.compares.size(), asked.success.size(), asked.failure.size()});
        size_ += asked.compares.size() + asked.success.size() + asked.failure.size();
        if (used > budget || depth > txn_depth_max || size_ > txn_size_max) {
            return errc::too_many_operations;
        }
        for (const compare& one : asked.compares) {
            if (one.key.empty()) {
                return errc::key_empty;
            }
        }
        const std::size_t left = budget - used;
        budget = left;
        for (const auto* branch : {&asked.success, &asked.failure}) {
            std::size_t left_of_branch = left;
            for (const txn_op& op : *branch) {
                if (const error_code failed = look(op, left_of_branch, depth)) {
                    return failed;
                }
            }
            budget = std::min(budget, left_of_branch);
        }
        return {};
    }

private:
    error_code look(const txn_op& op, std::size_t& budget, std::size_t depth) {
        struct visitor {
            txn_shape& self;
            std::size_t& budget;
            std::size_t depth;
            error_code operator()(const std::monostate&) const { return errc::key_not_found; }
            error_code operator()(const put& p) const { return check(p); }
            error_code operator()(const range& r) const { return check(r); }
            error_code operator()(const delete_range& d) const { return check(d); }
            error_code operator()(const txn& t) const { return self.look(t, budget, depth + 1); }
        };
        return std::visit(visitor{*this, budget, depth}, op.body);
    }

    std::size_t size_ = 0;
};

/// The keys that a branch puts, and those that it deletes.
class write_set {
public:
    /// Returns: whether it may be put, being neither put nor deleted yet.
    [[nodiscard]] bool may_put(byte_view key) const {
        return !puts_.contains(key) && !deletes(key);
    }
    [[nodiscard]] bool puts(byte_view key) const { return puts_.contains(key); }
    void add_put(byte_view key) { puts_.insert(key); }

    void add_delete(const delete_range& asked) {
        if (asked.range_end.empty()) {
            points_.insert(asked.key);
        } else if (asked.key < asked.range_end) {
            add_span(asked.key, asked.range_end);
        }
    }
    /// Effects: takes the deletions of another set over.
    void add_deletes(write_set&& other) {
        if (points_.size() < other.points_.size()) {
            points_.swap(other.points_);
        }
        if (spans_.size() < other.spans_.size()) {
            spans_.swap(other.spans_);
        }
        points_.merge(other.points_);
        for (const auto& [first, end] : other.spans_) {
            add_span(first, end);
        }
    }
    [[nodiscard]] const std::set<byte_view>& all_puts() const noexcept { return puts_; }

private:
    [[nodiscard]] bool deletes(byte_view key) const {
        if (points_.contains(key)) {
            return true;
        }
        const auto after = spans_.upper_bound(key);
        return after != spans_.begin() && key < std::prev(after)->second;
    }
    /// Spans are kept apart from each other: what touches is joined.
    void add_span(byte_view first, byte_view end) {
        auto next = spans_.upper_bound(first);
        if (next != spans_.begin() && std::prev(next)->second >= first) {
            --next;
            first = next->first;
        }
        while (next != spans_.end() && next->first <= end) {
            end = std::max(end, next->second);
            next = spans_.erase(next);
        }
        spans_.emplace(first, end);
    }

    std::set<byte_view> puts_;
    std::set<byte_view> points_;           // Deleted alone.
    std::map<byte_view, byte_view> spans_; // From first to end.
};

[[nodiscard]] inline bool collect_writes(const std::vector<txn_op>& branch, write_set& into);

/// Adds what a nested transaction may write. Returns: false when it meets what is there already.
[[nodiscard]] inline bool collect_nested(const txn& nested, write_set& into) {
    write_set success;
    write_set failure;
    if (!collect_writes(nested.success, success) || !collect_writes(nested.failure, failure)) {
        return false;
    }
    for (const byte_view key : success.all_puts()) {
        if (!into.may_put(key)) {
            return false;
        }
        into.add_put(key);
    }
    for (const byte_view key : failure.all_puts()) {
        if (success.puts(key)) {
            continue; // Only one of the two branches will be done.
        }
        if (!into.may_put(key)) {
            return false;
        }
        into.add_put(key);
    }
    into.add_deletes(std::move(success));
    into.add_deletes(std::move(failure));
    return true;
}

/// Its own deletions come first, then nested transactions, then its own puts, wherever they stand.
/// Returns: false when a key is written twice.
inline bool collect_writes(const std::vector<txn_op>& branch, write_set& into) {
    for (const txn_op& op : branch) {
        if (const auto* gone = std::get_if<delete_range>(&op.body)) {
            into.add_delete(*gone);
        }
    }
    for (const txn_op& op : branch) {
        const auto* nested = std::get_if<txn>(&op.body);
        if (nested != nullptr && !collect_nested(*nested, into)) {
            return false;
        }
    }
    for (const txn_op& op : branch) {
        if (const auto* set = std::get_if<put>(&op.body)) {
            if (!into.may_put(set->key)) {
                return false;
            }
            into.add_put(set->key);
        }
    }
    return true;
}

/// Returns: whether no key of the branch is written twice.
[[nodiscard]] inline bool writes_apart(const std::vector<txn_op>& branch) {
    // The common case: one operation has nothing to meet.
    if (branch.empty() || (branch.size() == 1 && !std::holds_alternative<txn>(branch[0].body))) {
        return true;
    }
    write_set writes;
    return collect_writes(branch, writes);
}

[[nodiscard]] inline error_code check_txn(const txn& asked, std::size_t budget) {
    if (const error_code failed = txn_shape().look(asked, budget, 1)) {
        return failed;
    }
    const bool sound = writes_apart(asked.success) && writes_apart(asked.failure);
    return sound ? error_code() : make_error_code(errc::duplicate_key);
}

struct payload_counter {
    std::uint64_t operator()(const std::monostate&) const noexcept { return 0; }
    std::uint64_t operator()(const put& p) const noexcept {
        return std::uint64_t{p.key.size()} + p.value.size();
    }
    std::uint64_t operator()(const range& r) const noexcept {
        return std::uint64_t{r.key.size()} + r.range_end.size();
    }
    std::uint64_t operator()(const delete_range& d) const noexcept {
        return std::uint64_t{d.key.size()} + d.range_end.size();
    }
    std::uint64_t operator()(const compact&) const noexcept { return 0; }
    std::uint64_t operator()(const lease_grant&) const noexcept { return 0; }
    std::uint64_t operator()(const lease_revoke&) const noexcept { return 0; }
    std::uint64_t operator()(const lease_checkpoint&) const noexcept { return 0; }
    std::uint64_t operator()(const lease_takeover&) const noexcept { return 0; }
    std::uint64_t operator()(const alarm_change&) const noexcept { return 0; }
    std::uint64_t operator()(const txn& t) const noexcept {
        std::uint64_t bytes = 0;
        for (const compare& one : t.compares) {
            bytes += std::uint64_t{one.key.size()} + one.range_end.size() + one.value.size();
        }
        for (const auto* branch : {&t.success, &t.failure}) {
            for (const txn_op& op : *branch) {
                bytes += std::visit(*this, op.body);
            }
        }
        return bytes;
    }
};

} // namespace detail

QUORATE_DECL error_code check(const txn& asked) {
    return detail::check_txn(asked, SIZE_MAX);
}

QUORATE_DECL std::uint64_t payload_bytes(const request& asked) noexcept {
    return std::visit(detail::payload_counter{}, asked);
}

QUORATE_DECL error_code validate(const request& asked, const command_limits& limits) {
    const auto* many = std::get_if<txn>(&asked);
    const error_code failed =
        many == nullptr ? check(asked) : detail::check_txn(*many, limits.txn_ops_max);
    if (!failed && payload_bytes(asked) > limits.request_bytes_max) {
        return errc::request_too_large;
    }
    return failed;
}

} // namespace quorate

#endif
