// The whole store against the simplest one there is, request by request.
#include <quorate/store/kv_machine.hpp>
// The other index; the two must agree.
#include <quorate/store/block_index.hpp>
#include <quorate/testing/bulk.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "generator.hpp"
#include "oracle.hpp"
#include "tested_backend.hpp"

BOOST_AUTO_TEST_SUITE(model)

using namespace quorate;
using tested_machine = quorate::kv_machine<ordered_index, quorate_test::tested_backend>;
using block_machine = quorate::kv_machine<block_index>;
using quorate_test::generator;
using quorate_test::oracle;

namespace {

rope cut_anywhere(const bulk_bytes& whole, generator& choose) {
    rope pieces;
    for (bulk_reader left(whole); left.remaining() > 0;) {
        shared_bytes piece = left.take(std::min<std::uint64_t>(left.remaining(), 5000)).value();
        while (!piece.empty()) {
            const std::size_t size = std::min<std::size_t>(piece.size(), 1 + choose.below(90));
            pieces.push_back(piece.slice(0, size));
            piece = piece.slice(size);
        }
    }
    return pieces;
}

std::string joined(const bulk_bytes& state) {
    return quorate::testing::bytes_of(state);
}

template <class Machine>
void check_events(const Machine& machine, const oracle& wanted, std::uint64_t from) {
    std::vector<oracle::event> found;
    machine.store().changes(from, wanted.current(), [&](revision at, const row& change) {
        const std::string key(change.key.view());
        BOOST_REQUIRE(at.main >= from);
        if (change.tombstone()) {
            found.emplace_back(key, std::nullopt);
        } else {
            found.emplace_back(key, key_value{change.key, change.value, change.create_revision,
                                              at.main, change.version, change.lease});
        }
        return true;
    });
    std::vector<oracle::event> events;
    for (std::uint64_t revision = from; revision <= wanted.current(); ++revision) {
        const auto& some = wanted.events(revision);
        events.insert(events.end(), some.begin(), some.end());
    }
    BOOST_REQUIRE((found == events));
}

template <class Machine>
void check_leases(const Machine& machine, const oracle& wanted) {
    std::size_t tied = 0;
    for (std::uint64_t id = 1; id <= 5; ++id) {
        std::vector<std::string> keys;
        for (const shared_bytes& key : machine.store().keys_of(lease_id(id))) {
            keys.emplace_back(key.view());
        }
        tied += keys.size();
        BOOST_REQUIRE((keys == wanted.keys_of(lease_id(id))));
        const auto known = machine.store().leases().find(lease_id(id));
        const auto there = wanted.leases().find(lease_id(id));
        BOOST_REQUIRE(known.has_value() == (there != wanted.leases().end()));
        if (known) {
            BOOST_REQUIRE(known->ttl == there->second.ttl);
            BOOST_REQUIRE(known->remaining == there->second.remaining);
            BOOST_REQUIRE(known->serial == there->second.serial);
        }
    }
    BOOST_REQUIRE(machine.store().leases().tied() == tied);
}

/// Both members agree in all that can be compared, however differently they got there.
void check_agreement(const tested_machine& one, const block_machine& other) {
    BOOST_REQUIRE(joined(one.snapshot()) == joined(other.snapshot()));
    const std::uint64_t first = std::max<std::uint64_t>(one.store().compact_revision(), 1);
    for (std::uint64_t at : {first, one.store().current_revision(), std::uint64_t{0}}) {
        const auto hash = one.store().hash(at);
        BOOST_REQUIRE(hash.has_value());
        BOOST_REQUIRE((*hash == *other.store().hash(at)));
    }
}

/// What the runs have met.
struct tally {
    std::set<errc> errors;
    std::uint64_t ended_keys = 0; ///< Deleted with their leases.

    void note(const reply& answer) {
        if (const auto* failed = std::get_if<error_reply>(&answer.body)) {
            errors.insert(failed->reason);
        } else if (const auto* ended = std::get_if<lease_revoke_reply>(&answer.body)) {
            ended_keys += ended->deleted;
        }
    }
};

/// `steps` random requests; the first member now and then is restored from a snapshot, the second
/// never, and it frees everything at once now and then.
void run(std::uint64_t seed, int steps, tally& seen) {
    generator choose(seed, true);
    tested_machine machine;
    block_machine second;
    oracle wanted;
    for (int step = 0; step < steps; ++step) {
        const std::uint64_t before = machine.store().current_revision();
        const request asked = choose.next(before, machine.store().compact_revision());
        const reply expected = wanted.carry_out(asked);
        seen.note(expected);
        if (const auto* read = std::get_if<range>(&asked)) {
            BOOST_REQUIRE((machine.range(*read) == expected));
        }
        const auto index = log_index(static_cast<std::uint64_t>(step) + 1);
        const shared_bytes command = machine.encode(asked).freeze().slice(command_header_bytes);
        BOOST_REQUIRE((machine.apply(index, command) == expected));
        BOOST_REQUIRE((second.apply(index, command) == expected));
        check_events(machine, wanted, before + 1);
        check_leases(machine, wanted);
        check_leases(second, wanted);
        if (choose.one_in(10)) {
            while (second.sweep()) {
            }
        }
        if (choose.one_in(40)) {
            check_agreement(machine, second);
            check_events(second, wanted, second.store().compact_revision() + 1);
            tested_machine other;
            BOOST_REQUIRE(!other.restore(cut_anywhere(machine.snapshot(), choose)));
            machine = std::move(other);
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(random_commands_are_answered_as_the_oracle_answers) {
    tally seen;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            run(seed, 500, seen);
        }
    }
    // What is rare was tried all the same.
    BOOST_TEST(seen.ended_keys > 30u);
    for (const errc rare : {errc::lease_not_found, errc::lease_exists, errc::lease_epoch_over,
                            errc::ttl_too_large, errc::space_exceeded, errc::cluster_corrupt}) {
        BOOST_TEST(seen.errors.contains(rare), name_of(rare));
    }
}

BOOST_AUTO_TEST_SUITE_END()
