// The whole store against the simplest one there is, request by request.
#include <quorate/store/kv_machine.hpp>
// The other index; the two must agree.
#include <quorate/store/block_index.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "generator.hpp"
#include "oracle.hpp"

BOOST_AUTO_TEST_SUITE(model)

using namespace quorate;
using block_machine = kv_machine<block_index>;
using quorate_test::generator;
using quorate_test::oracle;

namespace {

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

std::string joined(const rope& pieces) {
    std::string bytes;
    for (const shared_bytes& piece : pieces) {
        bytes.append(piece.view());
    }
    return bytes;
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

/// Both members agree in all that can be compared, however differently they got there.
void check_agreement(const kv_machine<>& one, const block_machine& other) {
    BOOST_REQUIRE(joined(one.snapshot()) == joined(other.snapshot()));
    const std::uint64_t first = std::max<std::uint64_t>(one.store().compact_revision(), 1);
    for (std::uint64_t at : {first, one.store().current_revision(), std::uint64_t{0}}) {
        const auto hash = one.store().hash(at);
        BOOST_REQUIRE(hash.has_value());
        BOOST_REQUIRE((*hash == *other.store().hash(at)));
    }
}

/// `steps` random requests; the first member now and then is restored from a snapshot, the second
/// never, and it frees everything at once now and then.
void run(std::uint64_t seed, int steps) {
    generator choose(seed);
    kv_machine<> machine;
    block_machine second;
    oracle wanted;
    for (int step = 0; step < steps; ++step) {
        const std::uint64_t before = machine.store().current_revision();
        const request asked = choose.next(before, machine.store().compact_revision());
        const reply expected = wanted.carry_out(asked);
        if (const auto* read = std::get_if<range>(&asked)) {
            BOOST_REQUIRE((machine.range(*read) == expected));
        }
        const auto index = log_index(static_cast<std::uint64_t>(step) + 1);
        const shared_bytes command = machine.encode(asked).freeze().slice(command_header_bytes);
        BOOST_REQUIRE((machine.apply(index, command) == expected));
        BOOST_REQUIRE((second.apply(index, command) == expected));
        check_events(machine, wanted, before + 1);
        if (choose.one_in(10)) {
            while (second.sweep()) {
            }
        }
        if (choose.one_in(40)) {
            check_agreement(machine, second);
            check_events(second, wanted, second.store().compact_revision() + 1);
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
            run(seed, 500);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
