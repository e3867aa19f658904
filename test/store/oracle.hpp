// The simplest store there is: a complete copy of the map at every revision.
// Flow:       none
// In / Out:   request → reply, as kv_machine should give it
// Invariants: shares no code with the store but the types of requests and replies
#ifndef QUORATE_TEST_STORE_ORACLE_HPP
#define QUORATE_TEST_STORE_ORACLE_HPP

#include <quorate/command/reply.hpp>
#include <quorate/command/request.hpp>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace quorate_test {

using namespace quorate;

struct lease_life {
    std::uint64_t ttl = 0;
    std::uint64_t remaining = 0;
    std::uint64_t serial = 0;
};

class oracle {
public:
    using table = std::map<std::string, key_value, std::less<>>;
    /// One change: the key, and what it is now; nothing when it was deleted.
    using event = std::pair<std::string, std::optional<key_value>>;

    reply carry_out(const request& asked) {
        return std::visit([this](const auto& one) { return guarded(one); }, asked);
    }
    /// Returns: the keys whose value has that lease now, in order.
    [[nodiscard]] std::vector<std::string> keys_of(lease_id id) const {
        std::vector<std::string> keys;
        for (const auto& [key, kv] : versions_.back()) {
            if (kv.lease == id) {
                keys.push_back(key);
            }
        }
        return keys;
    }
    [[nodiscard]] const auto& leases() const { return leases_; }
    /// Returns: the changes of one revision, in order.
    [[nodiscard]] const std::vector<event>& events(std::uint64_t revision) const {
        return events_.at(revision - 1);
    }
    [[nodiscard]] std::uint64_t current() const { return versions_.size(); }

private:
    [[nodiscard]] reply made(auto body) const { return {{current()}, std::move(body)}; }
    [[nodiscard]] reply failed(errc reason) const { return made(error_reply{reason}); }

    static bool inside(byte_view key, byte_view first, byte_view end) {
        const byte_view all("\0", 1);
        return end.empty() ? key == first : key >= first && (end == all || key < end);
    }

    // ---- what a request is by itself ----

    static std::optional<errc> wrong(const put& p) {
        if (p.key.empty()) {
            return errc::key_empty;
        }
        if (p.ignore_value && !p.value.empty()) {
            return errc::value_provided;
        }
        return p.ignore_lease && p.lease ? std::optional(errc::lease_provided) : std::nullopt;
    }
    static std::optional<errc> wrong(const range& r) {
        return r.key.empty() ? std::optional(errc::key_empty) : std::nullopt;
    }
    static std::optional<errc> wrong(const delete_range& d) {
        return d.key.empty() ? std::optional(errc::key_empty) : std::nullopt;
    }
    static std::optional<errc> wrong(const lease_grant& g) {
        if (!g.id) {
            return errc::lease_not_found;
        }
        return g.ttl > 9'000'000'000 ? std::optional(errc::ttl_too_large) : std::nullopt;
    }
    static std::optional<errc> wrong(const std::monostate&) { return errc::key_not_found; }
    static std::optional<errc> wrong(const txn& t) {
        for (const compare& one : t.compares) {
            if (one.key.empty()) {
                return errc::key_empty;
            }
        }
        for (const auto* branch : {&t.success, &t.failure}) {
            for (const txn_op& op : *branch) {
                if (const auto why = std::visit([](const auto& o) { return wrong(o); }, op.body)) {
                    return why;
                }
            }
        }
        return std::nullopt;
    }

    /// All that a branch might write, one entry for each put or deletion, quadratic and plain.
    struct writes {
        std::vector<byte_view> puts;
        std::vector<delete_range> deletes;

        [[nodiscard]] bool meets(byte_view key) const {
            // Up to the last key: not looked at, as in etcd.
            const auto deletes_it = [&](const delete_range& d) {
                return d.range_end.empty() ? key == d.key : key >= d.key && key < d.range_end;
            };
            return std::count(puts.begin(), puts.end(), key) != 0 ||
                   std::any_of(deletes.begin(), deletes.end(), deletes_it);
        }
    };
    /// Returns: nothing when a key is written twice.
    static std::optional<writes> writes_of(const std::vector<txn_op>& branch) {
        writes all;
        for (const txn_op& op : branch) {
            if (const auto* d = std::get_if<delete_range>(&op.body)) {
                all.deletes.push_back(*d);
            }
        }
        for (const txn_op& op : branch) {
            const auto* t = std::get_if<txn>(&op.body);
            if (t == nullptr) {
                continue;
            }
            const auto yes = writes_of(t->success);
            const auto no = writes_of(t->failure);
            if (!yes || !no) {
                return std::nullopt;
            }
            std::vector<byte_view> either = yes->puts;
            for (const byte_view key : no->puts) {
                if (std::count(either.begin(), either.end(), key) == 0) {
                    either.push_back(key);
                }
            }
            for (const byte_view key : either) {
                if (all.meets(key)) {
                    return std::nullopt;
                }
            }
            all.puts.insert(all.puts.end(), either.begin(), either.end());
            all.deletes.insert(all.deletes.end(), yes->deletes.begin(), yes->deletes.end());
            all.deletes.insert(all.deletes.end(), no->deletes.begin(), no->deletes.end());
        }
        for (const txn_op& op : branch) {
            if (const auto* p = std::get_if<put>(&op.body)) {
                if (all.meets(p->key)) {
                    return std::nullopt;
                }
                all.puts.push_back(p->key);
            }
        }
        return all;
    }

    // ---- what it does to a table, as part of the write `now` ----

    struct change {
        table state;
        std::uint64_t now;
        std::vector<event> events{};

        [[nodiscard]] std::uint64_t visible() const { return events.empty() ? now - 1 : now; }
    };
    [[nodiscard]] change begin() const { return {versions_.back(), current() + 1}; }
    void commit(change&& done) {
        if (!done.events.empty()) {
            versions_.push_back(std::move(done.state));
            events_.push_back(std::move(done.events));
        }
    }

    [[nodiscard]] bool dangles(const put& p) const { return p.lease && !leases_.contains(p.lease); }
    [[nodiscard]] bool lacks(const put& p) const {
        return (p.ignore_value || p.ignore_lease) && !versions_.back().contains(p.key);
    }
    static put_reply act(change& in, const put& p) {
        key_value& kv = in.state[std::string(p.key)];
        put_reply done;
        if (p.prev_kv && kv.version > 0) {
            done.prev_kv = kv;
        }
        kv = {shared_bytes::copy_of(p.key),
              p.ignore_value ? kv.value : shared_bytes::copy_of(p.value),
              kv.version == 0 ? in.now : kv.create_revision,
              in.now,
              kv.version + 1,
              p.ignore_lease ? kv.lease : p.lease};
        in.events.emplace_back(p.key, kv);
        return done;
    }
    static delete_reply act(change& in, const delete_range& d) {
        delete_reply done;
        for (auto at = in.state.begin(); at != in.state.end();) {
            if (!inside(at->first, d.key, d.range_end)) {
                ++at;
                continue;
            }
            ++done.deleted;
            if (d.prev_kv) {
                done.prev_kvs.push_back(at->second);
            }
            in.events.emplace_back(at->first, std::nullopt);
            at = in.state.erase(at);
        }
        return done;
    }

    [[nodiscard]] std::optional<errc> unreadable(std::uint64_t revision) const {
        if (revision > current()) {
            return errc::revision_in_future;
        }
        const bool gone = revision > 0 && revision < compacted_;
        return gone ? std::optional(errc::revision_compacted) : std::nullopt;
    }
    static std::vector<key_value> rows_of(const table& state, byte_view key, byte_view end) {
        std::vector<key_value> rows;
        for (const auto& [name, kv] : state) {
            if (inside(name, key, end)) {
                rows.push_back(kv);
            }
        }
        return rows;
    }
    [[nodiscard]] range_reply look(const table& now, const range& r) const {
        const table& state = r.revision == 0 ? now : versions_[r.revision - 1];
        range_reply done;
        done.kvs = rows_of(state, r.key, r.range_end);
        done.count = done.kvs.size();
        if (r.count_only) {
            done.kvs.clear();
            return done;
        }
        const auto limit = static_cast<std::size_t>(r.limit == 0 ? SIZE_MAX : r.limit);
        const auto out = [](std::uint64_t number, std::uint64_t min, std::uint64_t max) {
            return (min != 0 && number < min) || (max != 0 && number > max);
        };
        if (r.order == sort_order::none && !r.filtered() && done.kvs.size() > limit) {
            done.kvs.resize(limit + 1);
        }
        std::erase_if(done.kvs, [&](const key_value& kv) {
            return out(kv.mod_revision, r.min_mod_revision, r.max_mod_revision) ||
                   out(kv.create_revision, r.min_create_revision, r.max_create_revision);
        });
        std::stable_sort(done.kvs.begin(), done.kvs.end(), [&](const auto& a, const auto& b) {
            return r.order == sort_order::descend ? less(r.target, b, a) : less(r.target, a, b);
        });
        done.more = done.kvs.size() > limit;
        done.kvs.resize(std::min(limit, done.kvs.size()));
        for (key_value& kv : done.kvs) {
            kv.value = r.keys_only ? shared_bytes() : kv.value;
        }
        return done;
    }
    static bool less(sort_target target, const key_value& a, const key_value& b) {
        switch (target) {
        case sort_target::key: return a.key.view() < b.key.view();
        case sort_target::version: return a.version < b.version;
        case sort_target::create: return a.create_revision < b.create_revision;
        case sort_target::mod: return a.mod_revision < b.mod_revision;
        case sort_target::value: return a.value.view() < b.value.view();
        }
        return false;
    }

    [[nodiscard]] bool holds(const compare& c) const {
        std::vector<key_value> rows = rows_of(versions_.back(), c.key, c.range_end);
        if (rows.empty()) {
            if (c.target == compare_target::value) {
                return false;
            }
            rows.emplace_back();
        }
        return std::all_of(rows.begin(), rows.end(), [&](const key_value& kv) {
            const int order = compared(kv, c);
            return c.result == compare_result::equal     ? order == 0
                   : c.result == compare_result::greater ? order > 0
                   : c.result == compare_result::less    ? order < 0
                                                         : order != 0;
        });
    }
    static int compared(const key_value& kv, const compare& c) {
        const std::uint64_t number = c.target == compare_target::version  ? kv.version
                                     : c.target == compare_target::create ? kv.create_revision
                                     : c.target == compare_target::mod    ? kv.mod_revision
                                                                          : kv.lease.value();
        if (c.target == compare_target::value) {
            return kv.value.view().compare(c.value);
        }
        const auto found = static_cast<std::int64_t>(number);
        return found < c.number ? -1 : found > c.number ? 1 : 0;
    }

    /// Returns: the operations that will be done, nested ones flat, in order.
    void flatten(const txn& t, std::vector<const txn_op*>& flat) const {
        for (const txn_op& op : holding(t) ? t.success : t.failure) {
            if (const auto* nested = std::get_if<txn>(&op.body)) {
                flatten(*nested, flat);
            } else {
                flat.push_back(&op);
            }
        }
    }
    [[nodiscard]] bool holding(const txn& t) const {
        return std::all_of(t.compares.begin(), t.compares.end(),
                           [this](const compare& c) { return holds(c); });
    }
    txn_reply act(change& in, const txn& t) const {
        txn_reply done;
        done.succeeded = holding(t);
        for (const txn_op& op : done.succeeded ? t.success : t.failure) {
            txn_op_reply one;
            if (const auto* p = std::get_if<put>(&op.body)) {
                one.body = act(in, *p);
            } else if (const auto* d = std::get_if<delete_range>(&op.body)) {
                one.body = act(in, *d);
            } else if (const auto* r = std::get_if<range>(&op.body)) {
                one.body = look(in.state, *r);
            } else {
                one.body = act(in, std::get<txn>(op.body));
            }
            one.header.revision = std::holds_alternative<txn>(op.body) ? 0 : in.visible();
            done.responses.push_back(std::move(one));
        }
        return done;
    }

    // ---- answers ----

    /// What is wrong by itself is said first, then what an alarm forbids.
    template <class Asked>
    reply guarded(const Asked& asked) {
        constexpr bool always = std::is_same_v<Asked, alarm_change> ||
                                std::is_same_v<Asked, lease_checkpoint> ||
                                std::is_same_v<Asked, lease_takeover>;
        if (always || alarms_.empty() || is_wrong(asked)) {
            return answer(asked);
        }
        const auto corrupt = [](const raised_alarm& one) {
            return one.kind == alarm_kind::corrupt;
        };
        if (std::any_of(alarms_.begin(), alarms_.end(), corrupt)) {
            return failed(errc::cluster_corrupt);
        }
        return grows(asked) ? failed(errc::space_exceeded) : answer(asked);
    }
    template <class Asked>
    [[nodiscard]] static bool is_wrong(const Asked& asked) {
        if constexpr (requires { wrong(asked); }) {
            if (wrong(asked)) {
                return true;
            }
        }
        if constexpr (std::is_same_v<Asked, txn>) {
            return !writes_of(asked.success) || !writes_of(asked.failure);
        }
        return false;
    }
    template <class Asked>
    [[nodiscard]] static bool grows(const Asked& asked) {
        if constexpr (std::is_same_v<Asked, txn>) {
            const auto any = [](const txn_op& op) {
                return std::visit([](const auto& one) { return grows(one); }, op.body);
            };
            return std::any_of(asked.success.begin(), asked.success.end(), any) ||
                   std::any_of(asked.failure.begin(), asked.failure.end(), any);
        }
        return std::is_same_v<Asked, put> || std::is_same_v<Asked, lease_grant>;
    }
    reply answer(const lease_grant& g) {
        if (const auto why = wrong(g)) {
            return failed(*why);
        }
        if (leases_.contains(g.id)) {
            return failed(errc::lease_exists);
        }
        leases_[g.id] = {g.ttl, g.ttl, ++grants_};
        return made(lease_grant_reply{g.id, g.ttl, grants_});
    }
    [[nodiscard]] bool known(lease_id id, std::uint64_t serial) const {
        const auto there = leases_.find(id);
        return there != leases_.end() && (serial == 0 || there->second.serial == serial);
    }
    reply answer(const lease_revoke& r) {
        if (!known(r.id, r.serial)) {
            return failed(errc::lease_not_found);
        }
        if (r.epoch != 0 && r.epoch != epoch_) {
            return failed(errc::lease_epoch_over);
        }
        change in = begin();
        const std::vector<std::string> keys = keys_of(r.id);
        for (const std::string& key : keys) {
            act(in, delete_range{.key = key});
        }
        leases_.erase(r.id);
        commit(std::move(in));
        return made(lease_revoke_reply{r.id, keys.size()});
    }
    reply answer(const lease_checkpoint& c) {
        if (c.epoch == 0 || c.epoch != epoch_) {
            return failed(errc::lease_epoch_over);
        }
        lease_checkpoint_reply done;
        for (const lease_remaining& one : c.leases) {
            if (known(one.id, one.serial)) {
                lease_life& life = leases_[one.id];
                const bool whole = one.seconds == 0 || one.seconds > life.ttl;
                life.remaining = whole ? life.ttl : one.seconds;
                done.leases.push_back({one.id, life.remaining, life.serial});
            }
        }
        return made(std::move(done));
    }
    reply answer(const lease_takeover& t) {
        if (t.epoch == 0 || t.epoch < epoch_) {
            return failed(errc::lease_epoch_over);
        }
        epoch_ = t.epoch;
        return made(lease_takeover_reply{epoch_});
    }
    reply answer(const alarm_change& a) {
        if (a.raise) {
            alarms_.insert(a.alarm);
            return made(alarm_reply{{a.alarm}});
        }
        const bool there = alarms_.erase(a.alarm) != 0;
        return made(there ? alarm_reply{{a.alarm}} : alarm_reply{});
    }

    reply answer(const put& p) {
        if (const auto why = wrong(p)) {
            return failed(*why);
        }
        if (dangles(p)) {
            return failed(errc::lease_not_found);
        }
        if (lacks(p)) {
            return failed(errc::key_not_found);
        }
        change in = begin();
        put_reply done = act(in, p);
        commit(std::move(in));
        return made(std::move(done));
    }
    reply answer(const delete_range& d) {
        if (const auto why = wrong(d)) {
            return failed(*why);
        }
        change in = begin();
        delete_reply done = act(in, d);
        commit(std::move(in));
        return made(std::move(done));
    }
    reply answer(const range& r) {
        if (const auto why = wrong(r)) {
            return failed(*why);
        }
        const auto why = unreadable(r.revision);
        return why ? failed(*why) : made(look(versions_.back(), r));
    }
    reply answer(const txn& t) {
        if (const auto why = wrong(t)) {
            return failed(*why);
        }
        if (!writes_of(t.success) || !writes_of(t.failure)) {
            return failed(errc::duplicate_key);
        }
        std::vector<const txn_op*> flat;
        flatten(t, flat);
        for (const txn_op* op : flat) {
            const auto* p = std::get_if<put>(&op->body);
            if (p != nullptr && lacks(*p)) {
                return failed(errc::key_not_found);
            }
            if (p != nullptr && dangles(*p)) {
                return failed(errc::lease_not_found);
            }
        }
        for (const txn_op* op : flat) {
            const auto* r = std::get_if<range>(&op->body);
            if (const auto why = r == nullptr ? std::nullopt : unreadable(r->revision)) {
                return failed(*why);
            }
        }
        change in = begin();
        txn_reply done = act(in, t);
        commit(std::move(in));
        return made(std::move(done));
    }
    reply answer(const compact& c) {
        if (c.revision <= compacted_ && (c.revision > 0 || zero_done_)) {
            return failed(errc::revision_compacted);
        }
        if (c.revision > current()) {
            return failed(errc::revision_in_future);
        }
        zero_done_ = true;
        compacted_ = c.revision;
        return made(compact_reply{});
    }

    std::vector<table> versions_{table{}}; // At index n - 1: the state of revision n.
    std::vector<std::vector<event>> events_{{}};
    std::map<lease_id, lease_life> leases_;
    std::uint64_t grants_ = 0;
    std::set<raised_alarm> alarms_;
    std::uint64_t epoch_ = 0;
    std::uint64_t compacted_ = 0;
    bool zero_done_ = false;
};

} // namespace quorate_test

#endif
