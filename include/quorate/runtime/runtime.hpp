// The contract of a node's surroundings: time, chance, a turn, and a place for blocking work.
// Flow:       none
// Invariants: below a node nothing else reads a clock, draws a number or starts a thread, so that a
//             test can own all three
// Source:     doc/concept/runtime.md
// Threads:    now, boot_time, wall_time and post: any; the rest: the runtime's own
#ifndef QUORATE_RUNTIME_RUNTIME_HPP
#define QUORATE_RUNTIME_RUNTIME_HPP

#include <chrono>
#include <concepts>
#include <cstdint>
#include <utility>

namespace quorate {

/// The clock that runs forward while the machine is awake, of a runtime's `now`.
using monotonic_clock = std::chrono::steady_clock;

namespace detail {

/// Stands for a handler: it can be moved, called once, and not copied.
struct runtime_probe {
    runtime_probe() = default;
    runtime_probe(runtime_probe&&) = default;
    runtime_probe& operator=(runtime_probe&&) = default;
    void operator()() {}
};

} // namespace detail

/// See doc/concept/runtime.md for what each expression means.
template <class R>
concept runtime = std::copy_constructible<typename R::context_type> &&
    std::constructible_from<R, const typename R::context_type&, std::uint64_t> &&
    std::constructible_from<typename R::timer, R&> &&
    std::constructible_from<typename R::worker, R&> &&
    requires(R& own, const R& fixed, typename R::timer& timer, typename R::worker& worker,
             monotonic_clock::duration delay, detail::runtime_probe handler) {
    { fixed.context() } -> std::same_as<const typename R::context_type&>;
    { fixed.now() } -> std::same_as<monotonic_clock::time_point>;
    { fixed.boot_time() } -> std::same_as<std::uint64_t>;
    { fixed.wall_time() } -> std::same_as<std::chrono::system_clock::time_point>;
    { own.random() } -> std::same_as<std::uint64_t>;
    { own.fresh() } -> std::same_as<std::uint64_t>;
    own.post(std::move(handler));
    timer.arm(delay, std::move(handler));
    timer.cancel();
    worker.run(std::move(handler));
    worker.join();
};

} // namespace quorate

#endif
