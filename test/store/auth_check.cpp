#include <quorate/store/auth_check.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(auth_check)

using quorate::auth_request;
using quorate::byte_view;
using quorate::errc;
using quorate::error_code;
using quorate::issuer;
using quorate::lease_id;
using quorate::permission_kind;
using quorate::request;

namespace {

const std::string zero(1, '\0');

/// Which keys are attached to which lease.
struct leases {
    std::map<std::uint64_t, std::vector<std::string>> keys;

    template <class Holds>
    bool operator()(lease_id lease, const Holds& holds) const {
        const auto found = keys.find(lease.value());
        return found == keys.end() ||
               std::all_of(found->second.begin(), found->second.end(), holds);
    }
};

struct world {
    quorate::auth_store auth;
    leases attached;

    world() {
        change(quorate::user_add{"root", "hash", false});
        change(quorate::user_grant_role{"root", "root"});
        change(quorate::user_add{"u", "hash", false});
        change(quorate::role_add{"r"});
        change(quorate::user_grant_role{"u", "r"});
        change(quorate::auth_enable{});
    }
    void change(const auth_request& asked) { BOOST_REQUIRE(auth.apply(asked).has_value()); }
    void grant(permission_kind kind, byte_view key, byte_view range_end = {}) {
        change(quorate::role_grant_permission{"r", {kind, key, range_end}});
    }
    [[nodiscard]] error_code asks(const request& asked, byte_view name = "u") const {
        return permits(auth, {name, auth.revision()}, asked, attached);
    }
    [[nodiscard]] bool may(const request& asked) const {
        const error_code refused = asks(asked);
        BOOST_TEST((!refused || refused == errc::permission_denied));
        return !refused;
    }
};

quorate::txn_op op(quorate::put one) {
    return {one};
}

} // namespace

BOOST_AUTO_TEST_CASE(each_request_needs_its_permission) {
    world w;
    w.grant(permission_kind::write, "a", "c");
    w.grant(permission_kind::read, "b", "d");
    BOOST_TEST(w.may(quorate::put{.key = "a"}));
    BOOST_TEST(!w.may(quorate::put{.key = "a", .prev_kv = true}));
    BOOST_TEST(w.may(quorate::put{.key = "b", .prev_kv = true}));
    BOOST_TEST(!w.may(quorate::put{.key = "c"}));
    BOOST_TEST(w.may(quorate::range{.key = "b", .range_end = "d"}));
    BOOST_TEST(!w.may(quorate::range{.key = "a", .range_end = "d"}));
    BOOST_TEST(!w.may(quorate::range{.key = "b", .range_end = zero}));
    BOOST_TEST(!w.may(quorate::range{.key = "b", .range_end = zero, .count_only = true}));
    BOOST_TEST(w.may(quorate::delete_range{.key = "a", .range_end = "c"}));
    BOOST_TEST(!w.may(quorate::delete_range{.key = "a", .range_end = "c", .prev_kv = true}));
    BOOST_TEST(w.may(quorate::delete_range{.key = "b", .range_end = "c", .prev_kv = true}));
    BOOST_TEST(!w.may(quorate::delete_range{.key = "a", .range_end = "d"}));
}

BOOST_AUTO_TEST_CASE(the_past_is_roots) {
    world w;
    w.grant(permission_kind::readwrite, zero, zero);
    BOOST_TEST(!w.may(quorate::compact{1}));
    BOOST_TEST(!w.asks(quorate::compact{1}, "root"));
}

BOOST_AUTO_TEST_CASE(who_is_nobody_or_comes_late) {
    world w;
    w.grant(permission_kind::readwrite, zero, zero);
    const request put = quorate::put{.key = "k"};
    BOOST_TEST(w.may(put));
    const auto by = [&](const issuer& who) { return permits(w.auth, who, put, w.attached); };
    BOOST_TEST(by({}) == make_error_code(errc::user_empty));
    BOOST_TEST(by({"u", w.auth.revision() - 1}) == make_error_code(errc::auth_old_revision));
    BOOST_TEST(by({"u", 0}) == make_error_code(errc::auth_old_revision));
    BOOST_TEST(by({"gone", w.auth.revision()}) == make_error_code(errc::permission_denied));
    BOOST_TEST(!by({"root", w.auth.revision()}));
    BOOST_TEST(!by(issuer::cluster()));
    w.change(quorate::auth_disable{});
    BOOST_TEST(!by({}));
}

BOOST_AUTO_TEST_CASE(conditions_and_both_branches_count) {
    world w;
    w.grant(permission_kind::readwrite, "a");
    const quorate::txn fine{{{.key = "a"}}, {op({.key = "a"})}, {{quorate::range{.key = "a"}}}};
    BOOST_TEST(w.may(fine));
    BOOST_TEST(w.may(quorate::txn{}));
    quorate::txn other = fine;
    other.compares.push_back({.key = "b"});
    BOOST_TEST(!w.may(other));
    other = fine;
    other.compares[0].range_end = "b";
    BOOST_TEST(!w.may(other));
    for (auto branch : {&quorate::txn::success, &quorate::txn::failure}) {
        for (const quorate::txn_op& bad :
             {op({.key = "b"}), quorate::txn_op{quorate::range{.key = "b"}},
              quorate::txn_op{quorate::delete_range{.key = "b"}}}) {
            other = fine;
            (other.*branch).push_back(bad);
            BOOST_TEST(!w.may(other));
        }
    }
}

// CVE-2026-33343: operations of nested transactions went unchecked.
BOOST_AUTO_TEST_CASE(nested_transactions_hide_nothing) {
    world w;
    w.grant(permission_kind::readwrite, "a");
    for (int depth = 1; depth <= 20; ++depth) {
        const auto nest = [&](quorate::txn_op inner) {
            for (int i = 0; i < depth; ++i) {
                quorate::txn around;
                (i % 2 == 0 ? around.success : around.failure).push_back(std::move(inner));
                inner = {std::move(around)};
            }
            return std::get<quorate::txn>(inner.body);
        };
        BOOST_TEST(w.may(nest(op({.key = "a"}))));
        BOOST_TEST(!w.may(nest(op({.key = "b"}))));
        BOOST_TEST(!w.may(nest({quorate::range{.key = "a", .range_end = "c"}})));
        BOOST_TEST(!w.may(nest({quorate::delete_range{.key = "b"}})));
        BOOST_TEST(!w.may(nest({quorate::txn{{{.key = "b"}}, {}, {}}})));
    }
}

BOOST_AUTO_TEST_CASE(a_put_in_a_transaction_is_as_one_outside) {
    world w;
    w.grant(permission_kind::write, "a");
    w.attached.keys[7] = {"b"};
    BOOST_TEST(w.may(quorate::txn{{}, {op({.key = "a"})}, {}}));
    BOOST_TEST(!w.may(quorate::txn{{}, {op({.key = "a", .prev_kv = true})}, {}}));
    BOOST_TEST(!w.may(quorate::txn{{}, {op({.key = "a", .lease = lease_id(7)})}, {}}));
}

// Whoever attaches a key to a lease can let the lease's other keys go, or keep them alive.
BOOST_AUTO_TEST_CASE(a_lease_belongs_to_who_may_write_its_keys) {
    world w;
    w.grant(permission_kind::write, "a", "c");
    w.attached.keys[1] = {"a", "b"};
    w.attached.keys[2] = {"a", "x"};
    BOOST_TEST(w.may(quorate::put{.key = "a", .lease = lease_id(1)}));
    BOOST_TEST(!w.may(quorate::put{.key = "a", .lease = lease_id(2)}));
    BOOST_TEST(w.may(quorate::put{.key = "a", .lease = lease_id(3)})); // the store knows it or not
    const auto sees = [&](std::uint64_t lease, byte_view name) {
        return !permits_lease_keys(w.auth, {name, w.auth.revision()}, lease_id(lease), w.attached);
    };
    BOOST_TEST(!sees(1, "u"));
    w.grant(permission_kind::read, "a");
    w.grant(permission_kind::read, "b");
    BOOST_TEST(sees(1, "u"));
    BOOST_TEST(!sees(2, "u"));
    BOOST_TEST(sees(2, "root"));
    BOOST_TEST(permits_lease_keys(w.auth, {}, lease_id(1), w.attached) ==
               make_error_code(errc::user_empty));
}

namespace {

/// The rules once more, as slowly as possible: what a request touches as a list of reads and
/// writes, and each of them looked at key by key.
struct oracle {
    struct rule {
        permission_kind kind;
        std::string key;
        std::string range_end;
    };
    std::vector<rule> rules;
    const leases& attached;

    /// Keys of one byte, some of two, and what follows each: all ends are among them.
    static std::vector<std::string> keys() {
        std::vector<std::string> all;
        for (const char* one : {"a", "b", "c", "d"}) {
            for (const std::string& tail : {std::string(), zero, std::string("m")}) {
                all.push_back(one + tail);
            }
        }
        return all;
    }
    [[nodiscard]] bool allows(bool write, byte_view key) const {
        return std::any_of(rules.begin(), rules.end(), [&](const rule& one) {
            const bool kind = one.kind == permission_kind::readwrite ||
                              (one.kind == permission_kind::write) == write;
            return kind && quorate::span_of(one.key, one.range_end).contains(key);
        });
    }
    [[nodiscard]] bool allows(bool write, byte_view key, byte_view range_end) const {
        for (const std::string& one : keys()) {
            if (quorate::span_of(key, range_end).contains(one) && !allows(write, one)) {
                return false;
            }
        }
        // There is always one more key than those.
        return range_end != zero || allows(write, "zzz");
    }
    bool operator()(const std::monostate&) const { return true; }
    bool operator()(const quorate::put& p) const {
        const auto found = attached.keys.find(p.lease.value());
        const bool others =
            found == attached.keys.end() ||
            std::all_of(found->second.begin(), found->second.end(),
                        [this](const std::string& key) { return allows(true, key); });
        return allows(true, p.key) && others && (!p.prev_kv || allows(false, p.key));
    }
    bool operator()(const quorate::range& r) const { return allows(false, r.key, r.range_end); }
    bool operator()(const quorate::delete_range& d) const {
        return allows(true, d.key, d.range_end) &&
               (!d.prev_kv || allows(false, d.key, d.range_end));
    }
    bool operator()(const quorate::txn& t) const {
        bool all = true;
        for (const quorate::compare& one : t.compares) {
            all = all && allows(false, one.key, one.range_end);
        }
        for (const auto* branch : {&t.success, &t.failure}) {
            for (const quorate::txn_op& one : *branch) {
                all = all && std::visit(*this, one.body);
            }
        }
        return all;
    }
};

/// Requests over few keys. Lifetime: they refer to its keys.
struct generator {
    std::mt19937 random;
    std::vector<std::string> keys{"a", "b", "c", "d"};
    std::vector<std::string> ends{"", "", zero, "b", "c", "d"};

    byte_view key() { return keys[random() % keys.size()]; }
    /// Only ends that leave keys in the span.
    byte_view end(byte_view first) {
        const std::string& end = ends[random() % ends.size()];
        return end.empty() || end == zero || end > first ? byte_view(end) : byte_view();
    }
    quorate::txn_op operation(int depth) {
        const byte_view first = key();
        switch (random() % (depth < 3 ? 4 : 3)) {
        case 0:
            return {quorate::put{
                .key = first, .lease = lease_id(random() % 4), .prev_kv = random() % 2 == 0}};
        case 1: return {quorate::range{.key = first, .range_end = end(first)}};
        case 2:
            return {quorate::delete_range{
                .key = first, .range_end = end(first), .prev_kv = random() % 2 == 0}};
        default: return {txn(depth + 1)};
        }
    }
    quorate::txn txn(int depth) {
        quorate::txn made;
        const byte_view first = key();
        if (random() % 2 == 0) {
            made.compares.push_back({.key = first, .range_end = end(first)});
        }
        for (auto* branch : {&made.success, &made.failure}) {
            for (auto left = random() % 3; left > 0; --left) {
                branch->push_back(operation(depth));
            }
        }
        return made;
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(it_decides_as_the_naive_rules_do) {
    int allowed = 0;
    int refused = 0;
    for (unsigned seed = 0; seed < 150; ++seed) {
        generator make{std::mt19937(seed)};
        world w;
        w.attached.keys = {{1, {"a"}}, {2, {"b", "c"}}};
        oracle expected{{}, w.attached};
        for (auto rules = make.random() % 7; rules > 0; --rules) {
            const auto kind = static_cast<permission_kind>(make.random() % 3);
            const byte_view key = make.key();
            const byte_view range_end = make.end(key);
            w.grant(kind, key, range_end);
            std::erase_if(expected.rules, [&](const oracle::rule& one) {
                return one.key == key && one.range_end == range_end;
            });
            expected.rules.push_back({kind, std::string(key), std::string(range_end)});
        }
        for (int i = 0; i < 60; ++i) {
            const quorate::txn_op asked = make.operation(0);
            const request whole = std::visit(
                [](const auto& one) {
                    if constexpr (std::is_same_v<decltype(one), const std::monostate&>) {
                        return request();
                    } else {
                        return request(one);
                    }
                },
                asked.body);
            const bool may = std::visit(expected, asked.body);
            BOOST_REQUIRE(w.may(whole) == may);
            (may ? allowed : refused) += 1;
        }
    }
    BOOST_TEST(allowed > 1000);
    BOOST_TEST(refused > 1000);
}

BOOST_AUTO_TEST_SUITE_END()
