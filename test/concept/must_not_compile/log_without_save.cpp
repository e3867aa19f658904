// expect: Policies::log does not model quorate::log_store
// expect: doc/concept/log_store.md
// expect: log.save(hard)
#include <quorate/node.hpp>

#include "../archetypes.hpp"

struct incomplete : archetype::pinned {
    static constexpr bool blocking = false;
    using sync_job = archetype::log::sync_job;
    static quorate::result<std::unique_ptr<incomplete>> open(const quorate::log_options&) {
        return std::make_unique<incomplete>();
    }
    quorate::recovered_log take_recovered() { return {}; }
    void append(std::span<const quorate::entry>) {}
#if defined(COMPLETE)
    void save(const quorate::hard_state&) {}
#endif
    void restart(quorate::log_id) {}
    void compact(quorate::log_index) {}
    bool idle() {
        return false;
    }
    bool pending() const noexcept {
        return false;
    }
    sync_job begin_sync() {
        return {};
    }
    void finish_sync(sync_job, quorate::error_code) {}
};
struct policies : quorate::default_policies {
    using log = incomplete;
};

static_assert(sizeof(quorate::basic_node<policies>) > 0);
