// Random requests that meet each other often: few keys, spans, every field of every request.
// Flow:       none
// In / Out:   seed → requests
// Invariants: the same seed gives the same requests
#ifndef QUORATE_TEST_STORE_GENERATOR_HPP
#define QUORATE_TEST_STORE_GENERATOR_HPP

#include <quorate/command/request.hpp>

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace quorate_test {

using namespace quorate;

class generator {
public:
    /// `with_alarms`: also raise and clear alarms, which stop other requests for a while.
    explicit generator(std::uint64_t seed, bool with_alarms = false)
        : random_(seed), with_alarms_(with_alarms) {}

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    bool one_in(std::uint64_t bound) { return below(bound) == 0; }

    /// Lifetime: until the next call.
    request next(std::uint64_t current, std::uint64_t compacted) {
        kept_.clear();
        current_ = current;
        compacted_ = compacted;
        const std::uint64_t dice = below(100);
        if (dice < 29) {
            return some_put();
        }
        if (dice < 36) {
            return some_lease_request();
        }
        if (dice < 39 && with_alarms_) {
            return alarm_change{{node_id(1), some_alarm()}, one_in(10)};
        }
        if (dice < 45) {
            return some_delete();
        }
        if (dice < 65) {
            return some_range();
        }
        if (dice < 95) {
            return some_txn(1);
        }
        return compact{compacted + below(current - compacted + 2) / 2, one_in(3)};
    }

private:
    byte_view keep(std::string bytes) { return kept_.emplace_back(std::move(bytes)); }
    byte_view key() {
        static const std::vector<std::string> list{
            "a", "b", "ba", "bb", std::string(1, '\0'), "\x7f", "\x80", "\xff", "c", "\xff\xff"};
        return one_in(60) ? byte_view() : byte_view(list[below(list.size())]);
    }
    byte_view end() { return below(2) == 0 ? byte_view() : one_in(4) ? to_last() : key(); }
    static byte_view to_last() { return {"\0", 1}; }
    byte_view value() {
        const std::uint64_t size = one_in(3) ? below(200) : below(3);
        return keep(std::string(size, static_cast<char>('x' + below(3))));
    }
    /// Between the last two revisions below the compacted one and one that does not exist yet.
    std::uint64_t revision() {
        const std::uint64_t at = compacted_ + below(current_ - compacted_ + 4);
        return at < 2 ? at : at - 2;
    }

    std::uint64_t some_serial() { return one_in(4) ? 1 + below(3) : 0; }
    lease_id some_lease() { return lease_id(one_in(20) ? 0 : 1 + below(4)); }
    alarm_kind some_alarm() { return one_in(2) ? alarm_kind::corrupt : alarm_kind::no_space; }
    request some_lease_request() {
        switch (below(7)) {
        case 0:
        case 1: return lease_revoke{some_lease(), one_in(2) ? 0 : epoch_ - below(2), some_serial()};
        case 2: {
            lease_checkpoint made{epoch_ - below(2), {}};
            for (auto count = below(3); count > 0; --count) {
                made.leases.push_back({some_lease(), below(20), some_serial()});
            }
            return made;
        }
        case 3: return lease_takeover{one_in(3) ? epoch_ - below(2) : ++epoch_};
        default: return lease_grant{some_lease(), one_in(20) ? 9'000'000'001 : below(12)};
        }
    }

    put some_put() {
        put made{.key = key(),
                 .value = value(),
                 .lease = one_in(2) ? lease_id() : some_lease(),
                 .prev_kv = one_in(2)};
        if (one_in(8)) {
            made.ignore_value = true;
            made.value = one_in(9) ? made.value : byte_view();
        }
        if (one_in(8)) {
            made.ignore_lease = true;
            made.lease = one_in(9) ? made.lease : lease_id();
        }
        return made;
    }
    delete_range some_delete() { return {.key = key(), .range_end = end(), .prev_kv = one_in(2)}; }
    range some_range() {
        range made{.key = key(), .range_end = end(), .limit = below(4)};
        made.revision = one_in(4) ? revision() : 0;
        made.count_only = one_in(8);
        made.keys_only = one_in(8);
        made.order = one_in(2) ? sort_order::none : static_cast<sort_order>(below(3));
        made.target = one_in(2) ? sort_target::key : static_cast<sort_target>(below(5));
        for (auto* filter : {&made.min_mod_revision, &made.max_mod_revision,
                             &made.min_create_revision, &made.max_create_revision}) {
            *filter = one_in(8) ? revision() : 0;
        }
        return made;
    }
    compare some_compare() {
        compare made{.target = static_cast<compare_target>(below(5)),
                     .result = static_cast<compare_result>(below(4)),
                     .key = key(),
                     .range_end = one_in(3) ? end() : byte_view()};
        if (made.target == compare_target::value) {
            made.value = value();
        } else if (made.target == compare_target::create || made.target == compare_target::mod) {
            made.number = one_in(2) ? 0 : static_cast<std::int64_t>(revision());
        } else {
            made.number = static_cast<std::int64_t>(below(5)) - 1;
        }
        return made;
    }
    txn some_txn(int depth) {
        txn made;
        for (auto count = below(3); count > 0; --count) {
            made.compares.push_back(some_compare());
        }
        for (auto* branch : {&made.success, &made.failure}) {
            for (auto count = below(depth == 1 ? 5 : 3); count > 0; --count) {
                branch->push_back(some_operation(depth));
            }
        }
        return made;
    }
    txn_op some_operation(int depth) {
        const std::uint64_t dice = below(100);
        if (dice < 40) {
            return {some_put()};
        }
        if (dice < 60) {
            return {some_range()};
        }
        if (dice < 80 || depth == 3) {
            return {some_delete()};
        }
        return {some_txn(depth + 1)};
    }

    std::mt19937_64 random_;
    bool with_alarms_;
    std::deque<std::string> kept_;
    std::uint64_t current_ = 0;
    std::uint64_t compacted_ = 0;
    std::uint64_t epoch_ = 1;
};

} // namespace quorate_test

#endif
