// The writes of the store: put, delete_range and transactions.
// Flow:       12 and 13. command → revision → reply
// In / Out:   see store/mvcc_store.hpp
// Invariants: between a check and what it allows nothing is changed
// Source:     etcd's apply: what is checked when, and on which state
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_IMPL_MVCC_WRITE_HPP
#define QUORATE_STORE_IMPL_MVCC_WRITE_HPP

#include <quorate/format/command.hpp>
#include <quorate/store/mvcc_store.hpp>

#include <compare>

namespace quorate {
namespace detail {

/// Returns: whether a number that compares so (less, equal or greater than zero) satisfies it.
[[nodiscard]] inline bool satisfies(std::strong_ordering found, compare_result wanted) noexcept {
    switch (wanted) {
    case compare_result::equal: return found == 0;
    case compare_result::greater: return found > 0;
    case compare_result::less: return found < 0;
    case compare_result::not_equal: return found != 0;
    }
    return false;
}

/// Returns: whether one key satisfies a condition. Numbers compare signed, as clients know them.
[[nodiscard]] inline bool satisfies(const key_value& kv, const compare& condition) noexcept {
    const auto number = [&](std::uint64_t found) noexcept {
        return satisfies(static_cast<std::int64_t>(found) <=> condition.number, condition.result);
    };
    switch (condition.target) {
    case compare_target::version: return number(kv.version);
    case compare_target::create: return number(kv.create_revision);
    case compare_target::mod: return number(kv.mod_revision);
    case compare_target::lease: return number(kv.lease.value());
    case compare_target::value:
        return satisfies(kv.value.view() <=> condition.value, condition.result);
    }
    return false;
}

} // namespace detail

template <class Index, class Backend>
result<put_reply> mvcc_store<Index, Backend>::put(const quorate::put& asked,
                                                  const shared_bytes& value) {
    if (const error_code failed = check_lease(asked)) {
        return failed;
    }
    if (const error_code failed = check_kept(asked)) {
        return failed;
    }
    write into{current_ + 1};
    put_reply answer = put_key(into, asked, value);
    current_ = into.visible();
    return answer;
}

template <class Index, class Backend>
result<delete_reply> mvcc_store<Index, Backend>::delete_range(const quorate::delete_range& asked) {
    begin_delete(asked);
    std::optional<result<delete_reply>> done;
    while (!done) {
        done = continue_delete(SIZE_MAX);
    }
    return *std::move(done);
}

template <class Index, class Backend>
void mvcc_store<Index, Backend>::begin_delete(const quorate::delete_range& asked) {
    QUORATE_ASSERT(!deleting());
    const key_span span = span_of(asked.key, asked.range_end);
    deletion_ = deletion{.from = std::string(span.first),
                         .end = std::string(span.end),
                         .kind = span.kind,
                         .prev_kv = asked.prev_kv,
                         .unchecked = {},
                         .room = {},
                         .into = {current_ + 1},
                         .answer = {}};
    if (asked.prev_kv) {
        deletion_->unchecked = deletion_->from;
    }
}

template <class Index, class Backend>
std::optional<result<delete_reply>> mvcc_store<Index, Backend>::continue_delete(
    std::size_t keys_max) {
    QUORATE_ASSERT(deletion_);
    deletion& all = *deletion_;
    if (all.unchecked) {
        if (!check_room(all, keys_max)) {
            deletion_.reset();
            return errc::reply_too_large;
        }
        return std::nullopt;
    }
    const key_span rest{all.kind, all.from, all.end};
    const auto last = delete_some(all.into, rest, all.prev_kv, keys_max, all.answer);
    if (last) {
        all.from = std::string(last->view()) + '\0';
        return std::nullopt;
    }
    current_ = all.into.visible();
    delete_reply answer = std::move(all.answer);
    deletion_.reset();
    untied_.clear();
    return answer;
}

/// Looks at the next keys of a deletion whose reply names them. Returns: whether there is room.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::check_room(deletion& all, std::size_t keys_max) const {
    std::size_t seen = 0;
    std::optional<std::string> next;
    bool fits = true;
    index_.range({all.kind, *all.unchecked, all.end}, current_,
                 [&](const shared_bytes& key, const key_version& found) {
                     fits = all.room.take(fetch(found.modified));
                     if (fits && ++seen == keys_max) {
                         next = std::string(key.view()) + '\0';
                     }
                     return fits && !next;
                 });
    all.unchecked = all.kind == key_span::shape::one ? std::nullopt : std::move(next);
    return fits;
}

template <class Index, class Backend>
result<txn_reply> mvcc_store<Index, Backend>::txn(const quorate::txn& asked,
                                                  const shared_bytes& command) {
    txn_path path;
    decide(asked, path);
    const auto puts = [this](const txn_op& op) {
        const auto* one = std::get_if<quorate::put>(&op.body);
        if (one == nullptr) {
            return error_code();
        }
        const error_code failed = check_kept(*one);
        return failed ? failed : check_lease(*one);
    };
    if (const error_code failed = check_path(asked, path, puts)) {
        return failed;
    }
    path.next = 0;
    if (const error_code failed = check_ranges(asked, path)) {
        return failed;
    }
    path.next = 0;
    write into{current_ + 1};
    txn_reply answer = carry_out(into, asked, path, command);
    current_ = into.visible();
    return answer;
}

template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::check_ranges(const quorate::txn& asked,
                                                    txn_path& path) const {
    pending_writes before;
    reply_room room;
    return check_path(asked, path, [&](const txn_op& op) { return make_room(op, before, room); });
}

/// Takes the room for what an operation will be answered, before anything is done: at least as much
/// as it turns out to need.
template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::make_room(const txn_op& op, pending_writes& before,
                                                 reply_room& room) const {
    if (const auto* set = std::get_if<quorate::put>(&op.body)) {
        before.puts.push_back(set);
        ++before.changed;
        return set->prev_kv ? make_room(quorate::range{.key = set->key}, before, room)
                            : error_code();
    }
    if (const auto* gone = std::get_if<quorate::delete_range>(&op.body)) {
        index_.range(span_of(gone->key, gone->range_end), current_,
                     [&](const shared_bytes&, const key_version&) {
                         ++before.changed;
                         return true;
                     });
        const quorate::range held{.key = gone->key, .range_end = gone->range_end};
        return gone->prev_kv ? make_room(held, before, room) : error_code();
    }
    return make_room(std::get<quorate::range>(op.body), before, room);
}

/// What the transaction changed before may let as many other rows move up to the limit, and adds
/// what it put.
template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::make_room(quorate::range asked, const pending_writes& before,
                                                 reply_room& room) const {
    const bool latest = static_cast<std::int64_t>(asked.revision) <= 0;
    if (latest && asked.limit != 0 && before.changed > 0) {
        asked.limit += std::min(before.changed, UINT64_MAX - asked.limit);
    }
    const auto held = read(asked, current_, room);
    if (!held || asked.count_only || !latest) {
        return held ? error_code() : held.error();
    }
    const key_span span = span_of(asked.key, asked.range_end);
    for (const quorate::put* one : before.puts) {
        const std::uint64_t value = asked.keys_only ? 0 : one->value.size();
        if (span.contains(one->key) && !room.take(one->key.size() + value)) {
            return errc::reply_too_large;
        }
    }
    return {};
}

template <class Index, class Backend>
result<txn_reply> mvcc_store<Index, Backend>::peek(const quorate::txn& asked) const {
    QUORATE_ASSERT(is_read_only(asked));
    txn_path path;
    decide(asked, path);
    reply_room room;
    return look_up(asked, path, room);
}

/// Requires: it only reads.
template <class Index, class Backend>
result<txn_reply> mvcc_store<Index, Backend>::look_up(const quorate::txn& asked, txn_path& path,
                                                      reply_room& room) const {
    txn_reply answer;
    answer.succeeded = path.branches[path.next++];
    for (const txn_op& op : answer.succeeded ? asked.success : asked.failure) {
        if (const auto* nested = std::get_if<quorate::txn>(&op.body)) {
            result<txn_reply> found = look_up(*nested, path, room);
            if (!found) {
                return found.error();
            }
            answer.responses.push_back({.header = {}, .body = *std::move(found)});
        } else {
            result<range_reply> found = read(std::get<quorate::range>(op.body), current_, room);
            if (!found) {
                return found.error();
            }
            answer.responses.push_back(
                {.header = {.revision = current_}, .body = *std::move(found)});
        }
    }
    return answer;
}

template <class Index, class Backend>
error_code mvcc_store<Index, Backend>::check_kept(const quorate::put& asked) const {
    const bool needs_old = asked.ignore_value || asked.ignore_lease;
    return needs_old && !index_.find(asked.key, current_) ? make_error_code(errc::key_not_found)
                                                          : error_code();
}

/// What is to be kept of a key that does not live is kept as nothing. Only a transaction gets here
/// so, with one of the overlaps that check() lets through.
template <class Index, class Backend>
put_reply mvcc_store<Index, Backend>::put_key(write& into, const quorate::put& asked,
                                              const shared_bytes& value) {
    const revision at = into.next();
    index_put done = index_.put(asked.key, at);
    row entered{done.key, {}, done.now.created.main, done.now.version, asked.lease};
    put_reply answer;
    lease_id before;
    const bool needs_old = asked.prev_kv || asked.ignore_value || asked.ignore_lease;
    if (done.previous && (needs_old || leases_.may_be_tied(asked.key))) {
        answer.prev_kv = fetch(*done.previous);
        before = answer.prev_kv->lease;
        if (asked.ignore_lease) {
            entered.lease = before;
        }
    }
    const lease_id now = entered.lease;
    if (!asked.ignore_value) {
        entered.value = value.compacted();
    } else if (answer.prev_kv) {
        entered.value = answer.prev_kv->value;
    }
    if (!asked.prev_kv) {
        answer.prev_kv.reset();
    }
    backend_.put(at, std::move(entered));
    retie(done.key, before, now);
    return answer;
}

template <class Index, class Backend>
delete_reply mvcc_store<Index, Backend>::delete_keys(write& into,
                                                     const quorate::delete_range& asked) {
    delete_reply answer;
    delete_some(into, span_of(asked.key, asked.range_end), asked.prev_kv, SIZE_MAX, answer);
    return answer;
}

/// Deletes the first `keys_max` keys of a span. Returns: the last of them, if there may be more.
template <class Index, class Backend>
std::optional<shared_bytes> mvcc_store<Index, Backend>::delete_some(
    write& into, const key_span& span, bool prev_kv, std::size_t keys_max, delete_reply& answer) {
    if (span.kind == key_span::shape::one) {
        delete_key(into, span.first, prev_kv, answer);
        return std::nullopt;
    }
    // The walk must not change what it walks over.
    std::vector<shared_bytes> keys;
    index_.range(span, into.visible(), [&](const shared_bytes& key, const key_version&) {
        keys.push_back(key);
        return keys.size() < keys_max;
    });
    for (const shared_bytes& key : keys) {
        delete_key(into, key.view(), prev_kv, answer);
    }
    return keys.size() < keys_max ? std::nullopt : std::optional(keys.back());
}

/// Deletes a key, if it lives.
template <class Index, class Backend>
void mvcc_store<Index, Backend>::delete_key(write& into, byte_view key, bool prev_kv,
                                            delete_reply& answer) {
    const revision at{into.main, into.changes};
    std::optional<index_tombstone> done = index_.tombstone(key, at);
    if (!done) {
        return;
    }
    ++into.changes;
    lease_id before;
    if (prev_kv || leases_.may_be_tied(key)) {
        key_value old = fetch(done->previous);
        before = old.lease;
        if (prev_kv) {
            answer.prev_kvs.push_back(std::move(old));
        }
    }
    backend_.put(at, row{done->key, {}, 0, 0, {}});
    retie(done->key, before, {});
    ++answer.deleted;
}

/// Returns: whether a condition holds for every key of its span, as the store is now.
template <class Index, class Backend>
bool mvcc_store<Index, Backend>::holds(const compare& condition) const {
    bool any = false;
    bool all = true;
    const bool needs_row =
        condition.target == compare_target::value || condition.target == compare_target::lease;
    const auto visit = [&](const shared_bytes&, const key_version& found) {
        any = true;
        const key_value kv =
            needs_row
                ? fetch(found.modified)
                : key_value{{}, {}, found.created.main, found.modified.main, found.version, {}};
        all = detail::satisfies(kv, condition);
        return all;
    };
    index_.range(span_of(condition.key, condition.range_end), current_, visit);
    if (any) {
        return all;
    }
    return condition.target != compare_target::value && detail::satisfies(key_value{}, condition);
}

/// Decides every branch that will be taken, all on the state before the transaction.
template <class Index, class Backend>
void mvcc_store<Index, Backend>::decide(const quorate::txn& asked, txn_path& path) const {
    bool succeeded = true;
    for (const compare& condition : asked.compares) {
        succeeded = succeeded && holds(condition);
    }
    path.branches.push_back(succeeded);
    for (const txn_op& op : succeeded ? asked.success : asked.failure) {
        if (const auto* nested = std::get_if<quorate::txn>(&op.body)) {
            decide(*nested, path);
        }
    }
}

/// Asks `check` about every operation that will be done. Returns: the first refusal.
template <class Index, class Backend>
template <class Check>
error_code mvcc_store<Index, Backend>::check_path(const quorate::txn& asked, txn_path& path,
                                                  Check check) const {
    for (const txn_op& op : path.branches[path.next++] ? asked.success : asked.failure) {
        const auto* nested = std::get_if<quorate::txn>(&op.body);
        const error_code failed = nested == nullptr ? check(op) : check_path(*nested, path, check);
        if (failed) {
            return failed;
        }
    }
    return {};
}

/// Requires: the whole path was checked.
template <class Index, class Backend>
txn_reply mvcc_store<Index, Backend>::carry_out(write& into, const quorate::txn& asked,
                                                txn_path& path, const shared_bytes& command) {
    txn_reply answer;
    answer.succeeded = path.branches[path.next++];
    const auto& operations = answer.succeeded ? asked.success : asked.failure;
    answer.responses.reserve(operations.size());
    for (const txn_op& op : operations) {
        answer.responses.push_back(carry_out(into, op, path, command));
    }
    return answer;
}

template <class Index, class Backend>
txn_op_reply mvcc_store<Index, Backend>::carry_out(write& into, const txn_op& op, txn_path& path,
                                                   const shared_bytes& command) {
    txn_op_reply answer;
    if (const auto* set = std::get_if<quorate::put>(&op.body)) {
        answer.body = put_key(into, *set, slice_of(command, set->value));
    } else if (const auto* gone = std::get_if<quorate::delete_range>(&op.body)) {
        answer.body = delete_keys(into, *gone);
    } else if (const auto* seen = std::get_if<quorate::range>(&op.body)) {
        reply_room unbounded{UINT64_MAX}; // the room was made before anything was done
        result<range_reply> found = read(*seen, into.visible(), unbounded);
        QUORATE_ASSERT(found.has_value());
        answer.body = *std::move(found);
    } else {
        const auto* nested = std::get_if<quorate::txn>(&op.body);
        QUORATE_ASSERT(nested != nullptr);
        answer.body = carry_out(into, *nested, path, command);
        return answer; // Its header stays empty.
    }
    answer.header.revision = into.visible();
    return answer;
}

} // namespace quorate

#endif
