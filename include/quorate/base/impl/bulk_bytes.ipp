// Reading ropes and other sources piece by piece.
#ifndef QUORATE_BASE_IMPL_BULK_BYTES_IPP
#define QUORATE_BASE_IMPL_BULK_BYTES_IPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/checksum.hpp>

#include <cstring>

namespace quorate {
namespace detail {

QUORATE_DECL rope_source::rope_source(rope pieces) : pieces_(std::move(pieces)) {
    std::erase_if(pieces_, [](const shared_bytes& piece) { return piece.empty(); });
    std::uint64_t next_page = 0;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
        const std::uint64_t end = size_ + pieces_[i].size();
        for (; next_page < end; next_page += page_bytes) {
            pages_.push_back({i, static_cast<std::size_t>(next_page - size_)});
        }
        size_ = end;
    }
}

QUORATE_DECL rope_source::place rope_source::find(std::uint64_t offset) const noexcept {
    place at = pages_[static_cast<std::size_t>(offset / page_bytes)];
    at.offset += static_cast<std::size_t>(offset % page_bytes);
    while (at.offset >= pieces_[at.piece].size()) {
        at.offset -= pieces_[at.piece].size();
        ++at.piece;
    }
    return at;
}

QUORATE_DECL result<shared_bytes> rope_source::read(std::uint64_t offset,
                                                    std::size_t size_max) const {
    const place at = find(offset);
    const shared_bytes& piece = pieces_[at.piece];
    return piece.slice(at.offset, std::min(size_max, piece.size() - at.offset));
}

QUORATE_DECL std::uint64_t rope_source::hash() const {
    if (!hashed_.load(std::memory_order_acquire)) {
        hash_.store(compute_hash(), std::memory_order_relaxed);
        hashed_.store(true, std::memory_order_release);
    }
    return hash_.load(std::memory_order_relaxed);
}

QUORATE_DECL std::uint64_t rope_source::compute_hash() const noexcept {
    bulk_hash all;
    std::uint32_t checksum = 0;
    std::size_t left = bulk_block_bytes;
    for (const shared_bytes& piece : pieces_) {
        for (byte_view rest = piece.view(); !rest.empty();) {
            const byte_view part = rest.substr(0, left);
            checksum = crc32c(part, checksum);
            rest.remove_prefix(part.size());
            left -= part.size();
            if (left == 0) {
                all.add(std::exchange(checksum, 0));
                left = bulk_block_bytes;
            }
        }
    }
    if (left != bulk_block_bytes) {
        all.add(checksum);
    }
    return all.value();
}

} // namespace detail

QUORATE_DECL result<rope> bulk_bytes::read_block(std::uint64_t offset) const {
    QUORATE_ASSERT(offset < size());
    QUORATE_ASSERT(offset % bulk_block_bytes == 0);
    const std::uint64_t end = offset + std::min<std::uint64_t>(bulk_block_bytes, size() - offset);
    rope pieces;
    while (offset < end) {
        result<shared_bytes> piece = read(offset, static_cast<std::size_t>(end - offset));
        if (!piece) {
            return piece.error();
        }
        QUORATE_ASSERT(!piece->empty());
        QUORATE_ASSERT(piece->size() <= end - offset);
        offset += piece->size();
        pieces.push_back(std::move(*piece));
    }
    return pieces;
}

/// Requires: something remains.
QUORATE_DECL error_code bulk_reader::load() {
    if (!piece_.empty()) {
        return {};
    }
    result<shared_bytes> next = bytes_.read(bytes_.size() - remaining_, UINT32_MAX);
    if (!next) {
        return next.error();
    }
    QUORATE_ASSERT(!next->empty());
    QUORATE_ASSERT(next->size() <= remaining_);
    piece_ = std::move(*next);
    return {};
}

QUORATE_DECL error_code bulk_reader::read(char* out, std::size_t size) {
    if (size > remaining_) {
        return errc::truncated;
    }
    while (size > 0) {
        if (const error_code failed = load()) {
            return failed;
        }
        const std::size_t part = std::min(size, piece_.size());
        std::memcpy(out, piece_.data(), part);
        piece_ = piece_.slice(part);
        remaining_ -= part;
        out += part;
        size -= part;
    }
    return {};
}

QUORATE_DECL result<shared_bytes> bulk_reader::take(std::uint64_t size) {
    if (size > remaining_) {
        return errc::truncated;
    }
    if (size > UINT32_MAX) {
        return errc::too_large;
    }
    if (size == 0) {
        return shared_bytes();
    }
    if (const error_code failed = load()) {
        return failed;
    }
    const auto count = static_cast<std::size_t>(size);
    if (count <= piece_.size()) {
        const shared_bytes taken = piece_.slice(0, count);
        piece_ = piece_.slice(count);
        remaining_ -= count;
        return taken;
    }
    draft gathered(count);
    if (const error_code failed = read(gathered.data(), count)) {
        return failed;
    }
    return std::move(gathered).freeze();
}

} // namespace quorate

#endif
