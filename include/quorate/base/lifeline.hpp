// Handlers that a context may run after their object is gone.
// Flow:       none
// Invariants: a guarded handler runs only before the lifeline is cut or destroyed
// Threads:    guard: any; guarded handlers and cut: the owner's
#ifndef QUORATE_BASE_LIFELINE_HPP
#define QUORATE_BASE_LIFELINE_HPP

#include <memory>
#include <utility>

namespace quorate {

/// A member of an object that posts handlers with its `this` to a context that outlives it. A
/// handler that is still queued when the object is destroyed does nothing then.
class lifeline {
public:
    lifeline() = default;
    lifeline(const lifeline&) = delete;
    lifeline& operator=(const lifeline&) = delete;

    /// Returns: a handler that calls `handler` while this lives.
    template <class Handler>
    [[nodiscard]] auto guard(Handler handler) const {
        return [alive = std::weak_ptr<void>(token_),
                handler = std::move(handler)](auto&&... arguments) mutable {
            if (!alive.expired()) {
                handler(std::forward<decltype(arguments)>(arguments)...);
            }
        };
    }
    /// Effects: no guarded handler runs any more. Requires: no other thread calls guard.
    void cut() noexcept { token_.reset(); }

private:
    std::shared_ptr<void> token_ = std::make_shared<char>();
};

} // namespace quorate

#endif
