// Members whose walks and restores stop at a gate.
// Flow:    none
#ifndef QUORATE_TEST_NODE_WALKING_GROUP_HPP
#define QUORATE_TEST_NODE_WALKING_GROUP_HPP

#include <set>
#include <string>

#include "../gate.hpp"
#include "support.hpp"

namespace node_test {

using quorate_test::closed;
using quorate_test::gate;

inline gate walk_gate;
inline gate restore_gate;

/// A word list whose walks can be stopped on their way.
class gated_list : public word_list {
public:
    static constexpr bool detachable = true;

    [[nodiscard]] rope snapshot() const {
        walk_gate.pass();
        return word_list::snapshot();
    }
    error_code restore(bulk_reader state) {
        restore_gate.pass();
        return word_list::restore(std::move(state));
    }
};

static_assert(detachable_machine<gated_list>);
static_assert(!detachable_machine<word_list>);

struct walking_policies : file_policies {
    using machine = gated_list;
};

using walking_group = group<walking_policies>;

inline constexpr std::uint64_t never = 1'000'000;

/// Effects: starts all members; those in `often` make snapshots often, others never.
inline void start_some(walking_group& g, const std::set<std::uint64_t>& often,
                       std::uint64_t every = 20) {
    for (const member_info& m : g.initial) {
        node_options options = g.options_of(m.id.value());
        options.snapshot_entries = often.contains(m.id.value()) ? every : never;
        options.catch_up_entries = 0;
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
}

inline log_index committed(const walking_group& g, std::uint64_t id) {
    return g.nodes.at(id)->status().engine.hard.commit;
}
inline log_index applied(const walking_group& g, std::uint64_t id) {
    return g.nodes.at(id)->status().applied;
}

/// Effects: writes, one word after the other, until a walk waits at the gate; the last word may
/// wait behind it. Returns: how many words were acknowledged.
inline std::size_t write_until_walking(walking_group& g, std::uint64_t writer) {
    std::size_t acknowledged = 0;
    std::shared_ptr<outcome> last;
    while (!walk_gate.holds()) {
        BOOST_REQUIRE(acknowledged < 1000);
        if (last == nullptr || last->done) {
            acknowledged += last != nullptr && last->well() ? 1U : 0U;
            last = g.submit(writer, "before" + std::to_string(acknowledged));
        }
        g.run_for(milliseconds(1));
    }
    return acknowledged;
}

/// Returns: whether the last snapshot that the member accepted is durable there.
inline bool installed(const walking_group& g, std::uint64_t id) {
    const engine_status now = g.nodes.at(id)->status().engine;
    return now.applied + 1 >= now.first;
}

inline std::uint64_t another(std::uint64_t one, std::uint64_t two) {
    return 6 - one - two;
}

} // namespace node_test

#endif
