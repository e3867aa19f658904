// The memory of one decoded request, freed all at once.
// Flow:       1. JSON text → request
// Invariants: what was taken stays where it is until the arena is emptied or ends
// Threads:    none: it belongs to one request
#ifndef QUORATE_GATEWAY_REQUEST_ARENA_HPP
#define QUORATE_GATEWAY_REQUEST_ARENA_HPP

#include <array>
#include <cstddef>
#include <memory_resource>

namespace quorate::gateway {

/// Holds the keys, values and names of decoded requests: whoever keeps such a request keeps its
/// arena, too. Small requests need no memory beyond the arena itself.
class request_arena {
public:
    request_arena() : resource_(first_.data(), first_.size()) {}
    request_arena(const request_arena&) = delete;
    request_arena& operator=(const request_arena&) = delete;
    ~request_arena() = default;

    [[nodiscard]] std::pmr::memory_resource& resource() noexcept { return resource_; }
    /// Returns: memory for bytes. Requires: more than none.
    [[nodiscard]] char* take(std::size_t bytes) {
        return static_cast<char*>(resource_.allocate(bytes, 1));
    }
    /// Effects: forgets all that was decoded, so that the arena serves another request.
    void clear() noexcept { resource_.release(); }

private:
    static constexpr std::size_t first_bytes = 2048;

    alignas(std::max_align_t) std::array<std::byte, first_bytes> first_;
    std::pmr::monotonic_buffer_resource resource_;
};

} // namespace quorate::gateway

#endif
