// The keys that a request means: one, all before an end, or all from a key on.
// Flow:       1 and 12. the two byte strings of a request → keys in order
// In / Out:   key, range_end → a span that can be asked and walked
// Invariants: the two byte strings mean here what they mean to etcd's clients
// Threads:    none
#ifndef QUORATE_COMMAND_KEY_SPAN_HPP
#define QUORATE_COMMAND_KEY_SPAN_HPP

#include <quorate/base/bytes.hpp>

#include <cstdint>

namespace quorate {

/// The keys in [first, end) in the order of their bytes, compared unsigned.
/// Lifetime: refers to the bytes it was made of.
struct key_span {
    enum class shape : std::uint8_t {
        one,    ///< `first` itself; `end` is not used.
        before, ///< From `first` up to, not including, `end`. Empty when end <= first.
        rest,   ///< From `first` to the last key; `end` is not used.
    };
    shape kind = shape::one;
    byte_view first{};
    byte_view end{};

    /// Returns: whether a key that is not less than `first` is still inside. Walks end where it
    /// turns false.
    [[nodiscard]] bool reaches(byte_view key) const noexcept {
        switch (kind) {
        case shape::one: return key == first;
        case shape::before: return key < end;
        case shape::rest: return true;
        }
        return false;
    }
    [[nodiscard]] bool contains(byte_view key) const noexcept {
        return key >= first && reaches(key);
    }
};

/// The range end that means "to the last key": one zero byte.
inline constexpr byte_view to_last_key{"\0", 1};

/// Returns: the span that a request's two fields mean: an empty `range_end` is the key alone, one
/// zero byte is everything from `key` on, anything else is the first key that is left out.
[[nodiscard]] inline key_span span_of(byte_view key, byte_view range_end) noexcept {
    if (range_end.empty()) {
        return {key_span::shape::one, key, {}};
    }
    if (range_end == to_last_key) {
        return {key_span::shape::rest, key, {}};
    }
    return {key_span::shape::before, key, range_end};
}

} // namespace quorate

#endif
