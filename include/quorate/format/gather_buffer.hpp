// A byte queue in pieces: small bytes are written into blocks, large ones are shared.
// Flow:       8. message → frame
// In / Out:   headers and payload slices → views for one gathered write
// Invariants: bytes leave in the order they came; a view stays valid until its bytes are consumed
// Threads:    none (owner's thread)
#ifndef QUORATE_FORMAT_GATHER_BUFFER_HPP
#define QUORATE_FORMAT_GATHER_BUFFER_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace quorate {

/// What a sender fills with frames and a socket drains. Allocates nothing in a steady state: blocks
/// are reused, and adjacent small writes become one piece.
/// Units: bytes. Lifetime: shares the slices that it was given until they are consumed.
class gather_buffer {
public:
    /// The longest piece that `extend` gives.
    static constexpr std::size_t block_bytes = 64 << 10;
    /// Up to this size a copy is cheaper than one more element of a gathered write, of which the
    /// system takes few at a time.
    static constexpr std::size_t copied_bytes_max = 256;

    /// Requires: 0 < size <= block_bytes. Effects: appends `size` uninitialised bytes.
    /// Returns: their place. Lifetime: until they are consumed; may be written until then.
    [[nodiscard]] char* extend(std::size_t size);

    /// Effects: appends a slice: copied when small, else shared.
    void append(const shared_bytes& slice);

    /// Effects: fills `views` from the front with what is queued first.
    /// Returns: how many views it filled. Lifetime: until the bytes are consumed.
    [[nodiscard]] std::size_t gather(std::span<byte_view> views) const noexcept;

    /// Requires: size <= this->size(). Effects: removes from the front.
    void consume(std::uint64_t size);

    /// Effects: removes everything. No view may be in use any more.
    void clear() noexcept;

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    struct piece {
        const char* data = nullptr;
        std::size_t size = 0;
        shared_bytes owner; ///< Empty: the bytes lie in a block.
    };
    struct block {
        std::unique_ptr<char[]> bytes;
        std::size_t used = 0;
        std::size_t consumed = 0;
    };

    void make_room(std::size_t size);
    void consume_block(std::size_t size);
    void drop_consumed_pieces();

    std::vector<piece> pieces_;
    std::size_t first_ = 0; ///< The pieces before this one are consumed.
    std::deque<block> blocks_;
    std::unique_ptr<char[]> spare_;
    std::uint64_t size_ = 0;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/gather_buffer.ipp>
#endif

#endif
