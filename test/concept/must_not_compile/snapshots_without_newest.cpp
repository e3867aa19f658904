// expect: Policies::snapshots does not model quorate::snapshot_store
// expect: doc/concept/snapshot_store.md
// expect: fixed.newest()
#include <quorate/node.hpp>

#include "../archetypes.hpp"

struct incomplete : archetype::pinned {
    static constexpr bool blocking = false;
    static quorate::result<std::unique_ptr<incomplete>> open(const quorate::snapshot_options&) {
        return std::make_unique<incomplete>();
    }
    quorate::error_code save(const quorate::snapshot&) { return {}; }
    quorate::snapshot_intake& intake() { return received; }
    quorate::memory_intake received;
#if defined(COMPLETE)
    quorate::snapshot_ptr newest() const {
        return nullptr;
    }
#endif
};
struct policies : quorate::default_policies {
    using snapshots = incomplete;
};

static_assert(sizeof(quorate::basic_node<policies>) > 0);
