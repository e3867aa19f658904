// expect: Policies::consensus does not model quorate::consensus_engine
// expect: doc/concept/consensus_engine.md
// expect: engine.compact(index)
#include <quorate/node.hpp>

#include "../archetypes.hpp"

struct incomplete : archetype::engine {
    using archetype::engine::engine;
#if !defined(COMPLETE)
    quorate::error_code compact(quorate::log_index) = delete;
#endif
};

struct policies : quorate::default_policies {
    using consensus = incomplete;
};

static_assert(sizeof(quorate::basic_node<policies>) > 0);
