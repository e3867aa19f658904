// The whole store against the simplest one there is: a complete copy of the map at every revision.
#include <quorate/store/kv_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(model)

using namespace quorate;

namespace {

class oracle {
public:
    using table = std::map<std::string, key_value, std::less<>>;

    reply carry_out(const request& asked) {
        return std::visit([this](const auto& one) { return answer(one); }, asked);
    }

private:
    [[nodiscard]] std::uint64_t current() const { return versions_.size(); }
    [[nodiscard]] reply made(auto body) const { return {{current()}, std::move(body)}; }
    [[nodiscard]] reply failed(errc reason) const { return made(error_reply{reason}); }

    static bool inside(const std::string& key, byte_view first, byte_view end) {
        const byte_view all("\0", 1);
        return end.empty() ? key == first : key >= first && (end == all || key < end);
    }

    reply answer(const put& p) {
        table next = versions_.back();
        key_value& kv = next[std::string(p.key)];
        put_reply done;
        if (p.prev_kv && kv.version > 0) {
            done.prev_kv = kv;
        }
        const std::uint64_t now = current() + 1;
        kv = {shared_bytes::copy_of(p.key),
              shared_bytes::copy_of(p.value),
              kv.version == 0 ? now : kv.create_revision,
              now,
              kv.version + 1,
              p.lease};
        versions_.push_back(std::move(next));
        return made(done);
    }
    reply answer(const delete_range& d) {
        table next;
        delete_reply done;
        for (const auto& [key, kv] : versions_.back()) {
            if (!inside(key, d.key, d.range_end)) {
                next[key] = kv;
                continue;
            }
            ++done.deleted;
            if (d.prev_kv) {
                done.prev_kvs.push_back(kv);
            }
        }
        if (done.deleted > 0) {
            versions_.push_back(std::move(next));
        }
        return made(done);
    }
    reply answer(const range& r) {
        const std::uint64_t at = r.revision == 0 ? current() : r.revision;
        if (at > current()) {
            return failed(errc::revision_in_future);
        }
        if (compacted_ > 0 && at < compacted_) {
            return failed(errc::revision_compacted);
        }
        range_reply done;
        for (auto [key, kv] : versions_[at - 1]) {
            if (!inside(key, r.key, r.range_end)) {
                continue;
            }
            ++done.count;
            if (!r.count_only && (r.limit == 0 || done.count <= r.limit)) {
                if (r.keys_only) {
                    kv.value = {};
                    kv.lease = {};
                }
                done.kvs.push_back(kv);
            }
        }
        done.more = !r.count_only && done.count > done.kvs.size();
        return made(done);
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
    std::uint64_t compacted_ = 0;
    bool zero_done_ = false;
};

class generator {
public:
    explicit generator(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    /// Lifetime: until the next call.
    request next(std::uint64_t current, std::uint64_t compacted) {
        key_ = keys()[below(keys().size())];
        const std::uint64_t end = below(4);
        end_ = end == 0 ? std::string() : end == 1 ? std::string(1, '\0') : keys()[below(8)];
        value_ = std::string(below(3) == 0 ? below(200) : below(4), static_cast<char>(random_()));
        const std::uint64_t dice = below(100);
        if (dice < 45) {
            return put{key_, value_, lease_id(below(3)), below(2) == 0};
        }
        if (dice < 65) {
            return delete_range{key_, below(2) == 0 ? byte_view() : end_, below(2) == 0};
        }
        if (dice < 95) {
            const std::uint64_t span = current - compacted + 4;
            const std::uint64_t at = compacted + below(span);
            return range{key_,     end_,          below(4) == 0 ? 0 : at < 2 ? at : at - 2,
                         below(4), below(5) == 0, below(5) == 0};
        }
        return compact{compacted + below(current - compacted + 2) / 2};
    }

private:
    static const std::vector<std::string>& keys() {
        static const std::vector<std::string> list{
            "a", "b", "ba", "bb", std::string(1, '\0'), "\x7f", "\x80", "\xff", "c", "\xff\xff"};
        return list;
    }
    std::mt19937_64 random_;
    std::string key_;
    std::string end_;
    std::string value_;
};

rope cut_anywhere(const rope& whole, generator& choose) {
    rope pieces;
    for (shared_bytes piece : whole) {
        while (!piece.empty()) {
            const std::size_t size = std::min<std::size_t>(piece.size(), 1 + choose.below(90));
            pieces.push_back(piece.slice(0, size));
            piece = piece.slice(size);
        }
    }
    return pieces;
}

void run(std::uint64_t seed, int steps) {
    generator choose(seed);
    kv_machine<> machine;
    oracle wanted;
    for (int step = 0; step < steps; ++step) {
        const request asked =
            choose.next(machine.store().current_revision(), machine.store().compact_revision());
        const reply expected = wanted.carry_out(asked);
        if (const auto* read = std::get_if<range>(&asked)) {
            BOOST_REQUIRE((machine.range(*read) == expected));
        }
        const auto index = log_index(static_cast<std::uint64_t>(step) + 1);
        const reply found = machine.apply(index, machine.encode(asked).freeze().slice(8));
        BOOST_REQUIRE((found == expected));
        if (choose.below(40) == 0) {
            kv_machine<> other;
            BOOST_REQUIRE(!other.restore(cut_anywhere(machine.snapshot(), choose)));
            machine = std::move(other);
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(random_commands_are_answered_as_the_oracle_answers) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            run(seed, 400);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
