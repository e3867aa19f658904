// expect: Policies::runtime does not model quorate::runtime
// expect: doc/concept/runtime.md
// expect: own.post(
#include <quorate/node.hpp>

#include "../archetypes.hpp"

struct incomplete : archetype::pinned {
    using context_type = archetype::runtime::context_type;
    incomplete(const context_type& given, std::uint64_t) : given_(given) {}
    const context_type& context() const { return given_; }
    quorate::monotonic_clock::time_point now() const { return {}; }
    std::uint64_t boot_time() const { return 1; }
    std::chrono::system_clock::time_point wall_time() const { return {}; }
    std::uint64_t random() { return 4; }
    std::uint64_t fresh() { return 5; }
#if defined(COMPLETE)
    template <class Handler>
    void post(Handler) {}
#endif

    struct timer : archetype::pinned {
        explicit timer(incomplete&) {}
        template <class Handler>
        void arm(quorate::monotonic_clock::duration, Handler) {}
        void cancel() {}
    };
    struct worker : archetype::pinned {
        explicit worker(incomplete&) {}
        template <class Job>
        void run(Job) {}
        void join() {}
    };

    const context_type& given_;
};
struct policies : quorate::default_policies {
    using transport = archetype::wire;
    using runtime = incomplete;
};

static_assert(sizeof(quorate::basic_node<policies>) > 0);
