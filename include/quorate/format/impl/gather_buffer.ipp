// Blocks and pieces of the gather buffer.
#ifndef QUORATE_FORMAT_IMPL_GATHER_BUFFER_IPP
#define QUORATE_FORMAT_IMPL_GATHER_BUFFER_IPP

#include <quorate/format/gather_buffer.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace quorate {

QUORATE_DECL void gather_buffer::make_room(std::size_t size) {
    if (!blocks_.empty()) {
        block& last = blocks_.back();
        if (last.consumed == last.used) {
            // Nobody looks at it any more, so it starts over.
            last.used = last.consumed = 0;
        }
        if (block_bytes - last.used >= size) {
            return;
        }
    }
    auto fresh = spare_ ? std::move(spare_) : std::make_unique_for_overwrite<char[]>(block_bytes);
    blocks_.push_back({std::move(fresh)});
}

QUORATE_DECL char* gather_buffer::extend(std::size_t size) {
    QUORATE_ASSERT(size > 0);
    QUORATE_ASSERT(size <= block_bytes);
    make_room(size);
    block& last = blocks_.back();
    char* place = last.bytes.get() + last.used;
    last.used += size;
    size_ += size;
    const bool continues = last.used > size && first_ < pieces_.size();
    if (continues) {
        piece& before = pieces_.back();
        if (before.owner.empty() && before.data + before.size == place) {
            before.size += size;
            return place;
        }
    }
    pieces_.push_back({place, size, {}});
    return place;
}

QUORATE_DECL void gather_buffer::append(const shared_bytes& slice) {
    if (slice.empty()) {
        return;
    }
    if (slice.size() <= copied_bytes_max) {
        std::memcpy(extend(slice.size()), slice.data(), slice.size());
        return;
    }
    pieces_.push_back({slice.data(), slice.size(), slice});
    size_ += slice.size();
}

QUORATE_DECL std::size_t gather_buffer::gather(std::span<byte_view> views) const noexcept {
    const std::size_t count = std::min(views.size(), pieces_.size() - first_);
    for (std::size_t i = 0; i < count; ++i) {
        const piece& p = pieces_[first_ + i];
        views[i] = {p.data, p.size};
    }
    return count;
}

QUORATE_DECL void gather_buffer::consume_block(std::size_t size) {
    QUORATE_ASSERT(!blocks_.empty());
    block& front = blocks_.front();
    front.consumed += size;
    QUORATE_ASSERT(front.consumed <= front.used);
    if (front.consumed == front.used && blocks_.size() > 1) {
        spare_ = std::move(front.bytes);
        blocks_.pop_front();
    }
}

QUORATE_DECL void gather_buffer::consume(std::uint64_t size) {
    QUORATE_ASSERT(size <= size_);
    size_ -= size;
    while (size > 0) {
        piece& p = pieces_[first_];
        const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size, p.size));
        if (p.owner.empty()) {
            consume_block(part);
        }
        p.data += part;
        p.size -= part;
        size -= part;
        if (p.size == 0) {
            p.owner = {};
            ++first_;
        }
    }
    drop_consumed_pieces();
}

QUORATE_DECL void gather_buffer::drop_consumed_pieces() {
    if (first_ == pieces_.size()) {
        pieces_.clear();
        first_ = 0;
    } else if (first_ > pieces_.size() / 2) {
        // Each piece is moved at most once for each one that was consumed.
        pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

QUORATE_DECL void gather_buffer::clear() noexcept {
    pieces_.clear();
    first_ = 0;
    blocks_.clear();
    size_ = 0;
}

} // namespace quorate

#endif
