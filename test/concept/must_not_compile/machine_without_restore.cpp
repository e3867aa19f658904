// expect: Policies::machine does not model quorate::state_machine
// expect: doc/concept/state_machine.md
// expect: machine.restore(state)
#include <quorate/node.hpp>

#include "../archetypes.hpp"

struct incomplete : archetype::pinned {
    using request_type = archetype::machine::request_type;
    using reply_type = archetype::machine::reply_type;
    static quorate::draft encode(const request_type&) { return quorate::draft(8); }
    reply_type apply(quorate::log_index, const quorate::shared_bytes&) { return {}; }
    quorate::rope snapshot() const { return {}; }
#if defined(COMPLETE)
    quorate::error_code restore(quorate::bulk_reader) {
        return {};
    }
#endif
};
struct policies : quorate::default_policies {
    using machine = incomplete;
};

static_assert(sizeof(quorate::basic_node<policies>) > 0);
