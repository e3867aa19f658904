// Bytes that are written once and then shared: drafts, shared slices, ropes.
// Flow:       1 to 13; a client's value is copied into a draft once and shared from there on
// Invariants: a shared_bytes never changes while anyone holds it
// Threads:    reference counts are atomic; the bytes themselves are immutable
#ifndef QUORATE_BASE_BYTES_HPP
#define QUORATE_BASE_BYTES_HPP

#include <quorate/base/assert.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate {

/// A view of bytes; says nothing about text or encoding.
using byte_view = std::string_view;

namespace detail {

/// Header of a block; the bytes follow it in the same allocation.
struct byte_block {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t capacity = 0;

    [[nodiscard]] char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }

    static byte_block* allocate(std::size_t size) {
        QUORATE_ASSERT(size <= UINT32_MAX);
        void* place = ::operator new(sizeof(byte_block) + size);
        auto* block = ::new (place) byte_block;
        block->capacity = static_cast<std::uint32_t>(size);
        return block;
    }
    static void release(byte_block* block) noexcept {
        if (block != nullptr && block->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy(block);
        }
    }

private:
    // Out of line: the rare half of a hot function, and compilers that see two holders of one
    // block inlined take the second release for a use after free.
    [[gnu::noinline]] static void destroy(byte_block* block) noexcept {
        block->~byte_block();
        ::operator delete(block);
    }
};

} // namespace detail

class draft;

/// An immutable slice of a shared block. Copying costs one atomic increment, never a byte.
/// Units: sizes in bytes, at most 4 GiB - 1 a block.
/// Lifetime: views from `view()` live as long as any slice of the same block.
class shared_bytes {
public:
    shared_bytes() noexcept = default;

    /// Effects: copies `bytes` into a block of their own. One allocation; none when empty.
    [[nodiscard]] static shared_bytes copy_of(byte_view bytes) {
        if (bytes.empty()) {
            return {};
        }
        auto* block = detail::byte_block::allocate(bytes.size());
        std::memcpy(block->bytes(), bytes.data(), bytes.size());
        return shared_bytes(block, block->bytes(), bytes.size());
    }

    shared_bytes(const shared_bytes& other) noexcept
        : block_(other.block_), data_(other.data_), size_(other.size_) {
        if (block_ != nullptr) {
            block_->references.fetch_add(1, std::memory_order_relaxed);
        }
    }
    shared_bytes(shared_bytes&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    // Not one operator by value: Clang 14 forgets to destroy the parameter of `bytes = {}`.
    shared_bytes& operator=(const shared_bytes& other) noexcept {
        shared_bytes(other).swap(*this);
        return *this;
    }
    shared_bytes& operator=(shared_bytes&& other) noexcept {
        shared_bytes(std::move(other)).swap(*this);
        return *this;
    }
    ~shared_bytes() { detail::byte_block::release(block_); }

    void swap(shared_bytes& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    [[nodiscard]] byte_view view() const noexcept { return {data_, size_}; }
    [[nodiscard]] const char* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Requires: offset + size lies within this slice. Effects: shares, copies nothing.
    [[nodiscard]] shared_bytes slice(std::size_t offset, std::size_t size) const noexcept {
        QUORATE_ASSERT(offset <= size_);
        QUORATE_ASSERT(size <= size_ - offset);
        shared_bytes part(*this);
        part.data_ += offset;
        part.size_ = static_cast<std::uint32_t>(size);
        return part;
    }
    [[nodiscard]] shared_bytes slice(std::size_t offset) const noexcept {
        QUORATE_ASSERT(offset <= size_);
        return slice(offset, size_ - offset);
    }

    /// Returns: a slice that pins no more than twice its own size; copies when this one would pin
    /// more. For holders that keep bytes for long, such as a store.
    [[nodiscard]] shared_bytes compacted() const {
        if (block_ == nullptr || block_->capacity <= 2 * std::size_t{size_}) {
            return *this;
        }
        return copy_of(view());
    }

    /// Returns: the bytes of the whole block that this slice keeps alive.
    [[nodiscard]] std::size_t pinned() const noexcept {
        return block_ == nullptr ? 0 : block_->capacity;
    }

    /// Equal bytes, wherever they lie.
    friend bool operator==(const shared_bytes& a, const shared_bytes& b) noexcept {
        return a.view() == b.view();
    }

private:
    friend class draft;
    shared_bytes(detail::byte_block* block, const char* data, std::size_t size) noexcept
        : block_(block), data_(data), size_(static_cast<std::uint32_t>(size)) {}

    detail::byte_block* block_ = nullptr;
    const char* data_ = nullptr;
    std::uint32_t size_ = 0;
};

/// A block that one owner still writes; `freeze` turns it into a shared one without a copy.
class draft {
public:
    draft() noexcept = default;
    /// Effects: allocates; the bytes are uninitialised.
    explicit draft(std::size_t size)
        : block_(detail::byte_block::allocate(size)), size_(static_cast<std::uint32_t>(size)) {}
    draft(draft&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    draft& operator=(draft&& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(size_, other.size_);
        return *this;
    }
    draft(const draft&) = delete;
    draft& operator=(const draft&) = delete;
    ~draft() { detail::byte_block::release(block_); }

    [[nodiscard]] char* data() noexcept { return block_ == nullptr ? nullptr : block_->bytes(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] byte_view view() const noexcept {
        return {block_ == nullptr ? nullptr : block_->bytes(), size_};
    }

    /// Effects: gives up the right to write. This draft is empty afterwards.
    [[nodiscard]] shared_bytes freeze() && noexcept {
        if (block_ == nullptr) {
            return {};
        }
        const std::size_t size = std::exchange(size_, 0);
        auto* block = std::exchange(block_, nullptr);
        return shared_bytes(block, block->bytes(), size);
    }

private:
    detail::byte_block* block_ = nullptr;
    std::uint32_t size_ = 0;
};

/// A long byte string in pieces, so that a snapshot can share the values of the store.
using rope = std::vector<shared_bytes>;

/// Complexity: linear in the number of pieces.
[[nodiscard]] inline std::uint64_t rope_size(const rope& pieces) noexcept {
    std::uint64_t size = 0;
    for (const shared_bytes& piece : pieces) {
        size += piece.size();
    }
    return size;
}

} // namespace quorate

#endif
