// Which values a linearizable read of one key may answer with, told from the writes so far.
#ifndef QUORATE_LOAD_KEY_HISTORY_HPP
#define QUORATE_LOAD_KEY_HISTORY_HPP

#include <cstdint>

namespace quorate_load {

/// Writes of a key are numbered in the order in which they begin, from 1; 0 is what was there
/// before. A read may not answer with a write that was over before another one began that was
/// itself acknowledged before the read began. Writes without an answer may take effect at any time.
///
/// Exact for the last 64 writes of the key, so for up to 64 of them at once; of older ones it may
/// let a stale value pass, and never blames a right one.
class key_history {
public:
    struct write {
        std::uint64_t number = 0;
        std::uint64_t over = 0; ///< which of the last 64 were over when it began
        bool alone = false;     ///< no other was under way
    };
    struct read {
        std::uint64_t newest = 0;
        std::uint64_t possible = 0;
        std::uint64_t possible_from = 0;
    };

    [[nodiscard]] write begin_write();
    /// The write was acknowledged. One that failed is never told of: its outcome is not known.
    void acknowledge(const write& done);

    [[nodiscard]] read begin_read() const { return {newest_, possible_, possible_from_}; }
    /// Returns: whether `number` was ever written.
    [[nodiscard]] bool written(std::uint64_t number) const { return number <= newest_; }
    /// Returns: whether a read that began at `began` and is over now may answer with `number`.
    [[nodiscard]] bool possible(const read& began, std::uint64_t number) const;

private:
    static constexpr std::uint64_t window = 64;
    static constexpr std::uint64_t none = ~std::uint64_t{0};

    // Bit i stands for write `newest_ - i`.
    std::uint64_t newest_ = 0;
    std::uint64_t possible_ = 1;
    std::uint64_t over_ = 1;
    std::uint64_t possible_from_ = none; ///< the first that was possible when it left the window
    std::uint32_t under_way_ = 0;        ///< writes begun and not acknowledged
};

} // namespace quorate_load

#endif
