// Bytes that may be too many to hold: read in pieces, from memory or from where they lie.
// Flow:       beside 11; a snapshot's data on its way between state, file and peer
// In / Out:   offset → a piece
// Invariants: the bytes never change; a piece is what was written, or there is an error
// Threads:    any; several may read at once. A reader belongs to one.
#ifndef QUORATE_BASE_BULK_BYTES_HPP
#define QUORATE_BASE_BULK_BYTES_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace quorate {

/// The unit of checksums, files and transfers; only the last block may be shorter.
inline constexpr std::uint32_t bulk_block_bytes = 256 << 10;

/// Returns: how many blocks so many bytes make.
[[nodiscard]] constexpr std::uint64_t bulk_blocks(std::uint64_t bytes) noexcept {
    return bytes / bulk_block_bytes + (bytes % bulk_block_bytes != 0 ? 1 : 0);
}

/// Makes one number of the CRC32C of each block, in order: FNV-1a over their bytes, least
/// significant first. Whoever has the blocks' checksums need not read the blocks again. Tells
/// accidents apart, not adversaries.
class bulk_hash {
public:
    void add(std::uint32_t block_checksum) noexcept {
        for (int byte = 0; byte < 4; ++byte, block_checksum >>= 8) {
            value_ = (value_ ^ (block_checksum & 0xff)) * 0x100000001b3;
        }
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325;
};

/// Where bulk_bytes come from. Models outside memory derive from this.
class bulk_source {
public:
    bulk_source() = default;
    bulk_source(const bulk_source&) = delete;
    bulk_source& operator=(const bulk_source&) = delete;
    virtual ~bulk_source() = default;

    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
    /// Returns: the bulk_hash of all blocks. May take a walk over all bytes, once.
    [[nodiscard]] virtual std::uint64_t hash() const = 0;
    /// Returns: at least one and at most `size_max` bytes from `offset` on.
    /// Requires: offset < size(), size_max > 0. Errors: corrupt, or of the operating system.
    [[nodiscard]] virtual result<shared_bytes> read(std::uint64_t offset,
                                                    std::size_t size_max) const = 0;
    /// Returns: whether `read` may wait for a disk.
    [[nodiscard]] virtual bool blocking() const noexcept = 0;
};

namespace detail {

/// A rope that can be read from any offset: it knows where in it each page begins.
class rope_source final : public bulk_source {
public:
    explicit rope_source(rope pieces);

    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    [[nodiscard]] std::uint64_t hash() const override;
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset,
                                            std::size_t size_max) const override;
    [[nodiscard]] bool blocking() const noexcept override { return false; }

private:
    /// So small that few pieces lie between its beginning and any byte of it.
    static constexpr std::uint64_t page_bytes = 4096;

    struct place {
        std::size_t piece;
        std::size_t offset;
    };
    [[nodiscard]] place find(std::uint64_t offset) const noexcept;
    [[nodiscard]] std::uint64_t compute_hash() const noexcept;

    rope pieces_; // none of them empty
    std::uint64_t size_ = 0;
    std::vector<place> pages_;
    // Two that ask for the first time at once both compute the same number.
    mutable std::atomic<bool> hashed_ = false;
    mutable std::atomic<std::uint64_t> hash_ = 0;
};

} // namespace detail

/// A value that shares its bytes. Lifetime: what was read from it owns itself.
class bulk_bytes {
public:
    bulk_bytes() noexcept = default;
    /// Shares the pieces. Complexity: linear in their number.
    bulk_bytes(rope pieces)
        : source_(pieces.empty() ? nullptr
                                 : std::make_shared<detail::rope_source>(std::move(pieces))) {}
    explicit bulk_bytes(std::shared_ptr<const bulk_source> source) noexcept
        : source_(std::move(source)) {}

    [[nodiscard]] std::uint64_t size() const noexcept {
        return source_ == nullptr ? 0 : source_->size();
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// Returns: the bulk_hash of all blocks. Complexity: linear the first time, for a rope.
    [[nodiscard]] std::uint64_t hash() const {
        return source_ == nullptr ? bulk_hash().value() : source_->hash();
    }
    [[nodiscard]] bool blocking() const noexcept {
        return source_ != nullptr && source_->blocking();
    }
    /// See bulk_source.
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset, std::size_t size_max) const {
        QUORATE_ASSERT(offset < size());
        QUORATE_ASSERT(size_max > 0);
        return source_->read(offset, size_max);
    }
    /// Returns: the pieces of the block that begins at `offset`.
    /// Requires: offset < size(), a multiple of bulk_block_bytes. Errors: as for `read`.
    [[nodiscard]] result<rope> read_block(std::uint64_t offset) const;

    /// Returns: whether both read from the same place, not merely the same bytes.
    [[nodiscard]] bool shares(const bulk_bytes& other) const noexcept {
        return source_ == other.source_;
    }

private:
    std::shared_ptr<const bulk_source> source_;
};

/// Takes bytes from the front; holds one piece at a time.
class bulk_reader {
public:
    bulk_reader() noexcept = default;
    bulk_reader(bulk_bytes bytes) noexcept : bytes_(std::move(bytes)), remaining_(bytes_.size()) {}
    bulk_reader(rope pieces) : bulk_reader(bulk_bytes(std::move(pieces))) {}

    /// Units: bytes not taken yet.
    [[nodiscard]] std::uint64_t remaining() const noexcept { return remaining_; }

    /// Effects: takes `size` bytes; none, or an unknown number, on an error.
    /// Errors: truncated where fewer remain, or of the source.
    [[nodiscard]] error_code read(char* out, std::size_t size);
    /// Returns: the next `size` bytes; a slice where they lie in one piece, so that little ones may
    /// pin a block (see shared_bytes::compacted). Allocates only what is there.
    /// Errors: truncated where fewer remain; too_large from 4 GiB on; or of the source.
    [[nodiscard]] result<shared_bytes> take(std::uint64_t size);

private:
    [[nodiscard]] error_code load();

    bulk_bytes bytes_;
    std::uint64_t remaining_ = 0;
    shared_bytes piece_; // the part of the last piece that is not taken yet
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/base/impl/bulk_bytes.ipp>
#endif

#endif
