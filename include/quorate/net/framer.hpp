// Cuts a stream of received bytes into frames.
// Flow:       9. frame → message
// In / Out:   bytes from a socket → whole frames, one shared block each
// Invariants: nothing is allocated for a frame before its header proved right and its size allowed
// Threads:    none (owner's thread)
#ifndef QUORATE_NET_FRAMER_HPP
#define QUORATE_NET_FRAMER_HPP

#include <quorate/base/result.hpp>
#include <quorate/format/frame.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace quorate {

/// The caller reads into `prepare()`, says how much by `commit`, and takes frames by `next` until
/// there is none. A small frame is copied into a block of exactly its size, so that an entry kept
/// for long pins little; a large one is received in its block.
class framer {
public:
    /// Longer frames are received in a block of their own.
    static constexpr std::size_t copied_frame_bytes_max = 64 << 10;

    /// Units: bytes; a frame longer than `frame_bytes_max` is an error.
    explicit framer(std::uint64_t frame_bytes_max)
        : buffer_bytes_(buffer_for(frame_bytes_max)),
          buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes_)),
          limit_(frame_bytes_max) {}

    /// Effects: changes the limit for frames whose header is not looked at yet. Requires: not
    /// between `prepare` and `commit`.
    void set_limit(std::uint64_t frame_bytes_max);

    /// Returns: bytes held for a large frame that has not arrived entirely.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return large_.size(); }
    /// Returns: whether a frame has begun to arrive. Requires: `next` yielded nothing.
    [[nodiscard]] bool unfinished() const noexcept { return large_.size() != 0 || buffered() != 0; }

    /// Requires: `next` yielded nothing since the last `commit`, and never an error.
    /// Returns: where to put received bytes; never empty. Lifetime: until `commit`.
    [[nodiscard]] std::span<char> prepare() noexcept;

    /// Effects: the first `size` bytes of `prepare()` are received. Requires: it was as long.
    void commit(std::size_t size) noexcept;

    /// Returns: the next whole frame, or an empty slice when more bytes are needed first.
    /// Errors: those of decode_frame_header. The stream is lost then; the framer yields them again.
    [[nodiscard]] result<shared_bytes> next();

private:
    /// A stranger may send a short hello only and costs a buffer of that size.
    [[nodiscard]] static std::size_t buffer_for(std::uint64_t limit) noexcept {
        return static_cast<std::size_t>(std::clamp<std::uint64_t>(
            limit, frame_header_bytes, std::uint64_t{copied_frame_bytes_max}));
    }
    [[nodiscard]] std::size_t buffered() const noexcept { return end_ - begin_; }
    [[nodiscard]] shared_bytes take_large() noexcept;
    void begin_large(std::size_t size);

    std::size_t buffer_bytes_;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0; ///< Bytes of the buffer in [begin_, end_) are received, not yet taken.
    std::size_t end_ = 0;
    draft large_; ///< Not empty: the frame that is being received.
    std::size_t large_received_ = 0;
    std::uint64_t limit_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/framer.ipp>
#endif

#endif
